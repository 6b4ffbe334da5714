"""Whether the grades of a class stand on the same ground: the same checks, and all the attempts that may count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from dlgrade.course.find import Course
from dlgrade.gradebook.grade import base_of, key_of
from dlgrade.gradebook.policy import Attempts, GradingPolicy
from dlgrade.gradebook.store import Latest
from dlgrade.model import Verdict
from dlgrade.sandbox.levels import LEVELS


@dataclass(frozen=True)
class Outdated:
    """An exercise of which reports were made by other checks or versions than those that are here."""

    exercise: str
    attempts: int
    """How many of those that may count have such a report."""
    of: int
    """How many may count."""
    max_points: tuple[float, ...]
    """The points that could be earned in them, each once, fewest first."""


@dataclass(frozen=True)
class Standing:
    """What is to be known of a gradebook before its grades are believed."""

    outdated: tuple[Outdated, ...] = ()
    ungraded: tuple[tuple[str, str], ...] = ()
    """Student and exercise of attempts that may count, since the best one does, and were never graded."""


def standing(latest: Iterable[Latest], course: Course, policy: GradingPolicy, seed: int | None) -> Standing:
    """Compare what a gradebook holds with the course as it is now.

    Args:
        latest: of every attempt the last report.
        course: the course; what the gradebook has of other exercises is passed over.
        policy: which attempts may count.
        seed: the one that the class was graded with. Without it only points tell of other checks.
    """
    tried: dict[tuple[str, str], list[Latest]] = defaultdict(list)
    for one in latest:
        tried[one.student, one.exercise].append(one)
    ungraded = []
    may_count: dict[str, list[Latest]] = defaultdict(list)
    for (student, exercise), attempts in tried.items():
        counting = [one for one in attempts if not one.withdrawn]
        if policy.attempts is Attempts.LAST:
            counting = counting[-1:]
        elif counting:
            graded = {one.attempt for one in attempts}
            # While only the last one counted, nobody needed those before it.
            ungraded += [(student, exercise) for number in range(1, max(graded)) if number not in graded]
        may_count[exercise] += [one for one in counting if one.verdict != Verdict.BROKEN]
    outdated = []
    for folder in course.exercises:
        those = may_count.get(folder.name, [])
        bases = [] if seed is None or not those else [base_of(folder, seed, level) for level in LEVELS]
        old = sum(one.key not in {key_of(base, one.submission) for base in bases} for one in those) if bases else 0
        most = tuple(sorted({one.max_points for one in those}))
        if old or len(most) > 1:
            outdated.append(Outdated(folder.name, old, len(those), most))
    return Standing(tuple(outdated), tuple(ungraded))
