"""How a class did: each check's pass rate and discrimination, the commonest misconceptions, each exercise's spread.

Of each student and exercise the attempt that counts is looked at; misconceptions are looked for in all attempts, since
the last one is what is left of them.
"""

from __future__ import annotations

import math
import statistics as stats
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dlgrade.gradebook.grades import Grade
from dlgrade.gradebook.store import Record
from dlgrade.model import CheckResult, Outcome, Report

_UNDECIDED = {Outcome.BROKEN, Outcome.INCONCLUSIVE, Outcome.SKIPPED}


@dataclass(frozen=True)
class CheckStatistics:
    """How a class did in one check."""

    exercise: str
    check: str
    hidden: bool
    students: int
    """Those in whose report it was decided."""
    passed: int
    discrimination: float | None
    """From -1 to 1: how far those who pass it are those who have the other points; None if that cannot be said."""
    median_seconds: float | None
    """None for a hidden check, whose time reports do not tell."""

    @property
    def pass_rate(self) -> float | None:
        """The share of students who passed it."""
        return self.passed / self.students if self.students else None


@dataclass(frozen=True)
class MisconceptionStatistics:
    """How common a misconception was."""

    exercise: str
    misconception: str
    students: int
    """Those who had it in any attempt."""
    share: float
    cure: str


@dataclass(frozen=True)
class ExerciseStatistics:
    """How the points for one exercise are spread, before lateness and adjustments."""

    exercise: str
    max_points: float
    students: int
    to_be_regraded: int
    """Those who have no grade yet; not counted in any other figure."""
    mean: float | None
    lower: float | None
    """The lower quartile."""
    median: float | None
    upper: float | None
    full: int
    """Those with all points."""
    zero: int
    checks: tuple[CheckStatistics, ...]
    misconceptions: tuple[MisconceptionStatistics, ...]
    """The commonest first."""


@dataclass(frozen=True)
class _Taken:
    """A check in the report that counts for a student."""

    passed: bool
    rest: float
    """The student's points for all other checks."""
    seconds: float


@dataclass(frozen=True)
class _Named:
    """The misconceptions that a report named, with their cures."""

    number: int
    cures: tuple[tuple[str, str], ...]


def statistics(records: Iterable[Record], grades: Sequence[Grade]) -> tuple[ExerciseStatistics, ...]:
    """How a class did, by exercise in the order of the grades.

    Args:
        records: all reports, in any order; one at a time is enough.
        grades: computed from them.
    """
    of_exercise: dict[str, list[Grade]] = defaultdict(list)
    for grade in grades:
        if grade.attempt:
            of_exercise[grade.exercise].append(grade)
    counts = {grade.number for grade in grades if grade.attempt and not grade.to_be_regraded}
    taken: dict[str, dict[tuple[str, bool], list[_Taken]]] = defaultdict(lambda: defaultdict(list))
    named: dict[tuple[str, str, int], _Named] = {}
    for one in records:
        report = one.report
        if one.number in counts:
            for check in report.checks:
                if check.outcome not in _UNDECIDED:
                    taken[one.exercise][check.name, check.hidden].append(_taken(report, check))
        place = one.exercise, one.student, one.attempt
        if place not in named or one.number > named[place].number:
            cures = {check.misconception: check.hint or "" for check in report.checks if check.misconception}
            named[place] = _Named(one.number, tuple(cures.items()))
    return tuple(
        _exercise(exercise, its, taken[exercise], _misconceptions(exercise, len(its), named))
        for exercise, its in of_exercise.items()
    )


def point_biserial(passed: Sequence[bool], rest: Sequence[float]) -> float | None:
    """The point-biserial correlation of passing a check with the points for all other checks.

    (M₁ - M₀) / s · √(p q): M₁ and M₀ are the mean other points of those who passed and of those who did not, s their
    standard deviation over all n students (dividing by n), p and q the shares of either. It is Pearson's correlation
    with 0 and 1 (Lord and Novick, Statistical Theories of Mental Test Scores, 1968). The check's own points are left
    out, since every check correlates with itself (Henrysson, Psychometrika 28, 1963).

    Args:
        passed: who passed.
        rest: their points for the other checks.

    Returns:
        None if it is undefined: all passed, none did, or all have the same other points.
    """
    if len(set(passed)) < 2 or len(set(rest)) < 2:
        return None
    with_it = [points for good, points in zip(passed, rest, strict=True) if good]
    without = [points for good, points in zip(passed, rest, strict=True) if not good]
    share = len(with_it) / len(rest)
    spread = stats.pstdev(rest)
    if not spread:
        return None
    return (stats.fmean(with_it) - stats.fmean(without)) / spread * math.sqrt(share * (1 - share))


def _taken(report: Report, check: CheckResult) -> _Taken:
    rest = sum(other.points for other in report.checks if other is not check)
    return _Taken(check.outcome is Outcome.PASSED, rest, check.seconds)


def _exercise(
    exercise: str,
    grades: Sequence[Grade],
    taken: dict[tuple[str, bool], list[_Taken]],
    misconceptions: tuple[MisconceptionStatistics, ...],
) -> ExerciseStatistics:
    graded = [grade for grade in grades if not grade.to_be_regraded]
    points = sorted(grade.points for grade in graded)
    lower, median, upper = stats.quantiles(points, method="inclusive") if len(points) > 1 else points * 3 or (None,) * 3
    return ExerciseStatistics(
        exercise=exercise,
        max_points=max(grade.max_points for grade in grades),
        students=len(graded),
        to_be_regraded=len(grades) - len(graded),
        mean=stats.fmean(points) if points else None,
        lower=lower,
        median=median,
        upper=upper,
        full=sum(grade.points >= grade.max_points > 0 for grade in graded),
        zero=sum(grade.points <= 0 for grade in graded),
        checks=tuple(_check(exercise, name, hidden, its) for (name, hidden), its in taken.items()),
        misconceptions=misconceptions,
    )


def _check(exercise: str, name: str, hidden: bool, taken: Sequence[_Taken]) -> CheckStatistics:
    return CheckStatistics(
        exercise=exercise,
        check=name,
        hidden=hidden,
        students=len(taken),
        passed=sum(one.passed for one in taken),
        discrimination=point_biserial([one.passed for one in taken], [one.rest for one in taken]),
        median_seconds=None if hidden else stats.median(one.seconds for one in taken),
    )


def _misconceptions(
    exercise: str, students: int, named: dict[tuple[str, str, int], _Named]
) -> tuple[MisconceptionStatistics, ...]:
    had: dict[str, set[str]] = defaultdict(set)
    cures: dict[str, tuple[int, str]] = {}
    for (its, student, _), one in named.items():
        for name, cure in one.cures if its == exercise else ():
            had[name].add(student)
            cures[name] = max(cures.get(name, (-1, "")), (one.number, cure))
    counted = Counter({name: len(who) for name, who in had.items()})
    return tuple(
        MisconceptionStatistics(exercise, name, count, count / students, cures[name][1])
        for name, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    )
