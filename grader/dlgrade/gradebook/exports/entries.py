"""What an export is made of: each student's grade for each exercise, with the report that counts for it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dlgrade.errors import UsageError
from dlgrade.gradebook.grades import Grade, grades
from dlgrade.gradebook.policy import Extension, GradingPolicy
from dlgrade.gradebook.sources import UNKNOWN
from dlgrade.gradebook.store import Gradebook, Record
from dlgrade.text import visible


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
    # All exercises of a student are needed, whichever is asked for: grace days are spent over all of them.
    found = grades(book.records(), policy, extensions, book.adjustments())
    if not found:
        raise UsageError("The gradebook is empty.", where=str(book.path))
    units = {terms.exercise: terms.unit for terms in policy.terms}
    known = {grade.exercise for grade in found}
    _known("--student", students, {grade.student for grade in found})
    _known("--exercise", exercises, known | {units[name] for name in known & units.keys()})
    chosen = [
        grade
        for grade in found
        if (not students or grade.student in students)
        and (not exercises or {grade.exercise, units.get(grade.exercise)} & set(exercises))
    ]
    if not chosen:
        raise UsageError("The gradebook has nothing of these students on these exercises.")
    counting = {grade.number for grade in chosen if grade.number} if reports else set()
    records = {one.number: one for one in book.records() if one.number in counting} if counting else {}
    return tuple(Entry(grade, records.get(grade.number)) for grade in chosen)


def _known(option: str, asked: Sequence[str], known: set[str]) -> None:
    for name in asked:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            mend = f"Did you mean {visible(near[0])}?" if near else ""
            raise UsageError(f"The gradebook has nothing of {visible(name)!r}.", where=option, mend=mend)
