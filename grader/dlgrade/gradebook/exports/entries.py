"""What an export is made of: each student's grade for each exercise, with the report that counts for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dlgrade.gradebook.grades import Grade, asked_for, grades
from dlgrade.gradebook.policy import Extension, GradingPolicy
from dlgrade.gradebook.sources import UNKNOWN
from dlgrade.gradebook.store import Gradebook, Record


@dataclass(frozen=True)
class Entry:
    """A grade and the report that it was computed from, if that is asked for and anything was handed in."""

    grade: Grade
    record: Record | None = None

    @property
    def graded(self) -> bool:
        """Whether there is a grade: where the grader failed there is none, and nobody's zero."""
        return not self.grade.to_be_regraded

    @property
    def handed_in(self) -> datetime | None:
        """When it was handed in; None if nothing was, or nothing tells."""
        return None if self.grade.clock in UNKNOWN else self.grade.when


def read_entries(
    book: Gradebook,
    policy: GradingPolicy,
    extensions: Iterable[Extension] = (),
    *,
    students: Sequence[str] = (),
    exercises: Sequence[str] = (),
    reports: bool = True,
) -> tuple[Entry, ...]:
    """The grades of a gradebook with their reports, by student, in course order.

    Args:
        book: the gradebook.
        policy: the course's.
        extensions: the students'.
        students: only theirs; everybody's if empty.
        exercises: only for these exercises or units; for all if empty.
        reports: with the reports, which take most of the memory; otherwise without.

    Raises:
        UsageError: the gradebook is empty, or has nothing of one that is asked for.
        GraderError: a report is damaged.
    """
    # All are needed, whoever is asked for: grace days are spent over all exercises of a student.
    found = grades(book.records(), policy, extensions, book.adjustments())
    chosen = asked_for(found, policy, students, exercises)
    counting = {grade.number for grade in chosen if grade.number} if reports else set()
    records = {one.number: one for one in book.records() if one.number in counting} if counting else {}
    return tuple(Entry(grade, records.get(grade.number)) for grade in chosen)
