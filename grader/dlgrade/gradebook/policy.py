"""What lateness costs: due times, a timeline of credit, grace days, extensions. Values and pure functions, no clock.

Whatever is compared is an instant, so the day on which clocks change is a day like others.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from dlgrade.points import percent

EVERYTHING = "*"
"""What an extension names that is for all exercises."""
UNTIMED = "handed in at an unknown time: graded as on time"
"""The reason where no time is known."""


@dataclass(frozen=True)
class Span:
    """A stretch of time as people write it: days of the calendar, and what a clock measures."""

    days: int = 0
    clock: timedelta = timedelta()

    @property
    def length(self) -> timedelta:
        """Its length on days that have 24 hours."""
        return timedelta(days=self.days) + self.clock

    def after(self, start: datetime) -> datetime:
        """The instant that lies this far after another one.

        A day later is the same time of day in the zone of `start`, or 24 hours later, whichever is the later: when
        clocks change, nobody is late by either reading.
        """
        same_time = (start + timedelta(days=self.days)).astimezone(UTC)
        elapsed = start.astimezone(UTC) + timedelta(days=self.days)
        return (max(same_time, elapsed) + self.clock).astimezone(start.tzinfo)

    def __str__(self) -> str:
        return _length(self.length)


@dataclass(frozen=True)
class Step:
    """What a submission is worth until this long after it was due: a share of its points."""

    until: Span
    credit: float


class Attempts(enum.StrEnum):
    """Which of a student's attempts at an exercise counts."""

    BEST = "best"
    LAST = "last"


@dataclass(frozen=True)
class Terms:
    """When an exercise is due, and how often its points count."""

    exercise: str
    unit: str = ""
    due: datetime | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class GradingPolicy:
    """What course.toml says about grades.

    Until it is due, a submission is worth all of its points, then what the step in `late` says, after the last step
    nothing.
    """

    terms: tuple[Terms, ...] = ()
    late: tuple[Step, ...] = ()
    grace_days: int = 0
    """Days of lateness that each student has for the whole course."""
    attempts: Attempts = Attempts.LAST
    zone: tzinfo | None = None

    def of(self, exercise: str) -> Terms:
        """The terms of an exercise; of one that the course does not have, that it is never due."""
        return next((terms for terms in self.terms if terms.exercise == exercise), Terms(exercise))

    def in_order(self, exercises: Iterable[str]) -> list[str]:
        """Exercises in course order; those that the course does not have come last, by name."""
        place = {terms.exercise: number for number, terms in enumerate(self.terms)}
        return sorted(exercises, key=lambda one: (place.get(one, len(place)), one))


@dataclass(frozen=True)
class Extension:
    """More time for one student."""

    student: str
    exercise: str
    """The name of an exercise or a unit, or EVERYTHING."""
    due: datetime | Span
    """The new due time, or how much later it is."""
    reason: str = ""

    def applies(self, student: str, terms: Terms) -> bool:
        """Whether it gives this student more time for this exercise."""
        return self.student == student and self.exercise in (EVERYTHING, terms.exercise, terms.unit)

    def extended(self, due: datetime) -> datetime:
        """When what was due then is due now."""
        return self.due.after(due) if isinstance(self.due, Span) else self.due


@dataclass(frozen=True)
class Decision:
    """What a submission's points are worth, and why, in words."""

    credit: float
    reason: str
    grace_used: int = 0


def credit(policy: GradingPolicy, due: datetime | None, when: datetime | None, grace_left: int = 0) -> Decision:
    """What lateness leaves of a submission's points.

    Grace days move the due time; no more of them are used than raise the credit.

    Args:
        policy: the course's.
        due: when it was due, with its zone; None if never.
        when: when it was handed in, with its zone; None if that is not known, which costs nothing.
        grace_left: the grace days that the student still has.
    """
    if due is None:
        return Decision(1.0, "no due time")
    if when is None:
        return Decision(1.0, UNTIMED)
    if _is_by(when, due):
        return Decision(1.0, "on time")
    worth, used = _worth(policy, due, when), 0
    for days in range(1, grace_left + 1):
        if worth >= 1.0:
            break
        shifted = _worth(policy, Span(days).after(due), when)
        if shifted > worth:
            worth, used = shifted, days
    said = f"{_length(when.astimezone(UTC) - due.astimezone(UTC))} late"
    if used:
        said += f", {used} grace {'day' if used == 1 else 'days'} used"
    return Decision(worth, f"{said}: {_share(policy, worth)}", used)


def best_credit(
    policy: GradingPolicy, terms: Terms, extensions: Iterable[Extension], when: datetime | None, grace_left: int = 0
) -> Decision:
    """What lateness leaves, by the due time or by whichever extension of it is best for the student.

    Args:
        policy: the course's.
        terms: the exercise's.
        extensions: those that apply.
        when: when it was handed in; None if that is not known.
        grace_left: the grace days that the student still has.
    """
    best = credit(policy, terms.due, when, grace_left)
    if terms.due is None or when is None:
        return best
    # In UTC: two times in one zone are one where clocks are put back, and the order of extensions would decide.
    for moment in sorted({extension.extended(terms.due).astimezone(UTC) for extension in extensions}):
        due = moment.astimezone(terms.due.tzinfo)
        decision = credit(policy, due, when, grace_left)
        if (decision.credit, -decision.grace_used) > (best.credit, -best.grace_used):
            said = f"extended to {local(due)}: {decision.reason}"
            best = Decision(decision.credit, said, decision.grace_used)
    return best


def local(moment: datetime) -> str:
    """A moment as people read it, in its own zone.

    >>> local(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    '2026-11-30 23:59 UTC'
    """
    seconds = ":%S" if moment.second else ""
    return moment.strftime(f"%Y-%m-%d %H:%M{seconds} %Z")


def _is_by(when: datetime, until: datetime) -> bool:
    # Two times in one zone are compared as clocks show them, where one hour of the year comes twice.
    return when.astimezone(UTC) <= until.astimezone(UTC)


def _worth(policy: GradingPolicy, due: datetime, when: datetime) -> float:
    if _is_by(when, due):
        return 1.0
    return next((step.credit for step in policy.late if _is_by(when, step.until.after(due))), 0.0)


def _share(policy: GradingPolicy, worth: float) -> str:
    if worth >= 1.0:
        return "all points"
    if worth > 0.0:
        return f"{percent(worth)} of the points"
    given = [step for step in policy.late if step.credit > 0.0]
    return f"no points after {given[-1].until}" if given else "no points after the due time"


def _length(length: timedelta) -> str:
    """A length, to the minute begun.

    Steps end at whole minutes, so that what is past one never looks as if it were not.
    """
    seconds = math.ceil(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = math.ceil(seconds / 60)
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return " ".join(f"{many} {unit}" for many, unit in parts if many)
