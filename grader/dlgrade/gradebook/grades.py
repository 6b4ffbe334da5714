"""Grades, computed from reports, policy, extensions and adjustments; never stored, so they follow when one changes."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from dlgrade.errors import UsageError
from dlgrade.gradebook.policy import Attempts, Decision, Extension, GradingPolicy, Terms, best_credit
from dlgrade.gradebook.sources import UNKNOWN, Clock
from dlgrade.gradebook.store import Adjustment, Record
from dlgrade.model import Verdict
from dlgrade.points import added, product, signed
from dlgrade.text import visible

TO_BE_REGRADED = "to be regraded"
MISSING = "missing"
"""The verdict on what was not handed in."""


@dataclass(frozen=True)
class Grade:
    """What one student has for one exercise."""

    student: str
    exercise: str
    points: float
    """What the checks gave."""
    max_points: float
    verdict: str
    credit: float | None
    """The share of the points that lateness leaves; None if there is no grade yet."""
    graded_points: float | None
    """What counts: points × credit and the adjustments, by `dlgrade.points`; None if there is no grade yet."""
    reason: str
    """Why, adjustments apart."""
    attempt: int = 0
    """The one that counts; 0: none was handed in."""
    when: datetime | None = None
    number: int = 0
    """The report's number in the gradebook."""
    grace_used: int = 0
    clock: str = ""
    """What told `when`: one of `sources.Clock`."""
    changes: tuple[Adjustment, ...] = ()
    """What was given and taken by hand, in that order."""

    @property
    def to_be_regraded(self) -> bool:
        """Whether the grader failed, so that there is no grade."""
        return self.graded_points is None

    @property
    def adjusted(self) -> float:
        """What was given by hand, less what was taken."""
        return added(one.points for one in self.changes)

    @property
    def told(self) -> str:
        """Why it is what it is, for the student to read."""
        return self._explained(_reason)

    @property
    def noted(self) -> str:
        """The same for instructors, with the names of those who gave and took points by hand."""
        return self._explained(lambda one: f"{_reason(one)}, {one.who}")

    def _explained(self, why: Callable[[Adjustment], str]) -> str:
        return "; ".join([self.reason, *(f"{signed(one.points)} ({why(one)})" for one in self.changes)])


def _reason(adjustment: Adjustment) -> str:
    return adjustment.reason.rstrip(" .")


@dataclass(frozen=True)
class Total:
    """What one student has for the whole course, each exercise's points times its weight."""

    student: str
    points: float
    max_points: float
    missing: tuple[str, ...]
    """Exercises that others handed in, in course order: they count as zero."""
    to_be_regraded: tuple[str, ...]
    """Exercises that have no grade yet: they do not count."""


class Attempt(NamedTuple):
    """What a grade needs of the report that counts for an attempt."""

    number: int
    graded_at: datetime
    key: str
    attempt: int
    when: datetime
    verdict: Verdict
    points: float
    max_points: float
    clock: str = ""


def counting(records: Iterable[Record]) -> dict[tuple[str, str], list[Attempt]]:
    """Of each student and exercise the attempts in order of time, each with the report that counts for it.

    Args:
        records: in any order; one at a time is enough.
    """
    last: dict[tuple[str, str, int], Attempt] = {}
    for one in records:
        place = one.student, one.exercise, one.attempt
        attempt = Attempt(
            one.number, one.graded_at, one.key, one.attempt, one.when, one.verdict, one.points, one.max_points,
            one.clock,
        )  # fmt: skip
        if place not in last or _later(attempt) > _later(last[place]):
            last[place] = attempt
    found: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for (student, exercise, _), attempt in last.items():
        found[student, exercise].append(attempt)
    for attempts in found.values():
        attempts.sort(key=lambda one: (one.when.astimezone(UTC), one.attempt))
    return found


def _later(attempt: Attempt) -> tuple[int, datetime, str]:
    # The gradebook's own order comes first: a clock can be put back.
    return attempt.number, attempt.graded_at.astimezone(UTC), attempt.key


def grades(
    records: Iterable[Record],
    policy: GradingPolicy,
    extensions: Iterable[Extension] = (),
    adjustments: Iterable[Adjustment] = (),
) -> tuple[Grade, ...]:
    """Each student's grade for each exercise that was handed in or adjusted, by student, in course order.

    A student's grace days go to the exercises in the order in which they were due before any extension, one for each
    day begun, and only where they raise the graded points.

    Args:
        records: all reports of the students and exercises asked for, in any order. Grace days are right only if all
            exercises of a student are among them.
        policy: the course's.
        extensions: the students'.
        adjustments: made by hand.
    """
    attempts = counting(records)
    terms = {one.exercise: one for one in policy.terms}
    known_max = _most(attempts)
    of_student: dict[str, list[Extension]] = defaultdict(list)
    for extension in extensions:
        of_student[extension.student].append(extension)
    by_hand: dict[tuple[str, str], list[Adjustment]] = defaultdict(list)
    for adjustment in sorted(adjustments, key=lambda one: (one.number, one.at.astimezone(UTC), one.reason)):
        by_hand[adjustment.student, adjustment.exercise].append(adjustment)
    exercises: dict[str, set[str]] = defaultdict(set)
    for student, exercise in (*attempts, *by_hand):
        exercises[student].add(exercise)

    found: list[Grade] = []
    for student in sorted(exercises):
        grace_left = policy.grace_days
        of: dict[str, Grade] = {}
        chosen = [terms.get(exercise, Terms(exercise)) for exercise in policy.in_order(exercises[student])]
        for one in sorted(chosen, key=_due_order):
            given = [extension for extension in of_student[student] if extension.applies(student, one)]
            tried = attempts.get((student, one.exercise), [])
            most = known_max.get(one.exercise, 0.0)
            grade = _grade(student, one, tried, policy, given, grace_left, most)
            grace_left -= grade.grace_used
            of[one.exercise] = _adjusted(grade, by_hand.get((student, one.exercise), ()))
        found += (of[one.exercise] for one in chosen)
    return tuple(found)


def asked_for(
    grades: Sequence[Grade], policy: GradingPolicy, students: Collection[str], exercises: Collection[str]
) -> tuple[Grade, ...]:
    """Those grades that somebody asks for.

    Args:
        grades: of all students.
        policy: says which unit an exercise is in.
        students: only theirs; everybody's if empty.
        exercises: only for these exercises or units; for all if empty.

    Raises:
        UsageError: there are no grades, or none of one that is asked for, or none of these students on these exercises.
    """
    if not grades:
        raise UsageError("The gradebook is empty.", mend="`dlgrade grade SUBMISSIONS --out DIR` fills it.")
    units = {terms.exercise: terms.unit for terms in policy.terms}
    called = {
        name: {name, unit, f"{unit}/{name}"} for name in {one.exercise for one in grades} for unit in [units.get(name)]
    }
    bare = {name: name.rstrip("/").removesuffix(".py") for name in exercises}
    _require_known("--student", {name: name for name in students}, {one.student for one in grades}, ())
    _require_known("--exercise", bare, {name for names in called.values() for name in names if name}, called)
    wanted = {name for name, names in called.items() if names & set(bare.values())}
    found = tuple(
        one for one in grades if (not students or one.student in students) and (not exercises or one.exercise in wanted)
    )
    if not found:
        raise UsageError("The gradebook has nothing of these students on these exercises.")
    return found


def _require_known(option: str, asked: dict[str, str], known: set[str], few: Collection[str]) -> None:
    """`few`: what there is to choose from, if that is few enough to be listed."""
    for name, bare in asked.items():
        if bare not in known:
            near = difflib.get_close_matches(bare, known, n=1)
            there_are = f"There are: {visible(', '.join(sorted(few)))}." if few else "`dlgrade grades` lists them."
            mend = f"Did you mean {visible(near[0])}?" if near else there_are
            raise UsageError(f"The gradebook has nothing of {visible(name)!r}.", where=option, mend=mend)


def totals(grades: Iterable[Grade], policy: GradingPolicy) -> tuple[Total, ...]:
    """What each student has for all that anybody handed in.

    Args:
        grades: of all students.
        policy: says what each exercise weighs.
    """
    of: dict[str, dict[str, Grade]] = defaultdict(dict)
    max_points: dict[str, float] = {}
    for grade in grades:
        of[grade.student][grade.exercise] = grade
        max_points[grade.exercise] = max(max_points.get(grade.exercise, 0.0), grade.max_points)
    weights = {exercise: policy.of(exercise).weight for exercise in policy.in_order(max_points)}
    found = []
    for student, its in of.items():
        waiting = tuple(name for name in weights if name in its and its[name].to_be_regraded)
        found.append(
            Total(
                student,
                added(product(weights[name], grade.graded_points or 0.0) for name, grade in its.items()),
                added(product(weights[name], most) for name, most in max_points.items() if name not in waiting),
                tuple(name for name in weights if name not in its or its[name].verdict == MISSING),
                waiting,
            )
        )
    return tuple(found)


def _most(attempts: dict[tuple[str, str], list[Attempt]]) -> dict[str, float]:
    """The points that could be earned, as far as the reports tell: a broken one may know of fewer."""
    most: dict[str, float] = {}
    for (_, exercise), tried in attempts.items():
        most[exercise] = max(most.get(exercise, 0.0), *(one.max_points for one in tried))
    return most


def _due_order(terms: Terms) -> tuple[bool, datetime]:
    """What is never due comes last: it needs no grace."""
    return terms.due is None, terms.due.astimezone(UTC) if terms.due else datetime.max.replace(tzinfo=UTC)


def _grade(
    student: str,
    terms: Terms,
    tried: Sequence[Attempt],
    policy: GradingPolicy,
    extensions: Sequence[Extension],
    grace_left: int,
    most: float,
) -> Grade:
    """The grade before adjustments."""
    if not tried:
        return Grade(student, terms.exercise, 0.0, most, MISSING, 1.0, 0.0, "not handed in")
    if policy.attempts is Attempts.LAST:
        tried = tried[-1:]

    def decide(attempt: Attempt) -> Decision:
        earns = attempt.verdict is Verdict.BROKEN or attempt.points > 0
        when = None if attempt.clock in UNKNOWN else attempt.when
        # Nothing is not made more by any credit: no grace day is spent on it.
        decision = best_credit(policy, terms, extensions, when, grace_left if earns else 0)
        if terms.due is not None and attempt.clock == Clock.LATE:
            return replace(decision, reason=f"{decision.reason}, though Canvas says that it is late")
        return decision

    decided = [(attempt, decide(attempt)) for attempt in tried]
    graded = [pair for pair in decided if pair[0].verdict is not Verdict.BROKEN]
    best = max(graded, key=lambda pair: _order(*pair), default=None)
    for attempt, decision in decided:
        # It might have been the best, which nobody knows yet.
        if attempt.verdict is Verdict.BROKEN and (
            best is None or product(most, decision.credit) > product(best[0].points, best[1].credit)
        ):
            reason = f"{TO_BE_REGRADED}: the grader failed, the submission is not to blame"
            return Grade(
                student, terms.exercise, attempt.points, max(most, attempt.max_points), attempt.verdict.value, None,
                None, reason, attempt.attempt, attempt.when, attempt.number, grace_used=decision.grace_used,
                clock=attempt.clock,
            )  # fmt: skip
    assert best is not None
    attempt, decision = best
    return Grade(
        student, terms.exercise, attempt.points, attempt.max_points, attempt.verdict.value, decision.credit,
        product(attempt.points, decision.credit), decision.reason, attempt.attempt, attempt.when, attempt.number,
        grace_used=decision.grace_used, clock=attempt.clock,
    )  # fmt: skip


def _order(attempt: Attempt, decision: Decision) -> tuple[float, int, timedelta, int]:
    """Of attempts that are worth the same, that which costs no grace, then the earlier one."""
    since = datetime.min.replace(tzinfo=UTC) - attempt.when.astimezone(UTC)
    return product(attempt.points, decision.credit), -decision.grace_used, since, -attempt.attempt


def _adjusted(grade: Grade, adjustments: Sequence[Adjustment]) -> Grade:
    """The grade with what was given and taken by hand; nobody is left with less than nothing."""
    if not adjustments:
        return grade
    points = grade.graded_points
    if points is not None:
        points = max(0.0, added((points, *(one.points for one in adjustments))))
    return replace(grade, graded_points=points, changes=tuple(adjustments))
