"""Points by hand before they are in the gradebook: whose, for what, and whether anybody can have meant them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dlgrade.course.author_file import AuthorFile
from dlgrade.course.find import Course, read_text
from dlgrade.errors import UsageError
from dlgrade.gradebook.grades import Grade
from dlgrade.gradebook.store import Adjustment
from dlgrade.gradebook.table_file import rows_of
from dlgrade.gradebook.whose import safe_name
from dlgrade.points import faulty, number, signed
from dlgrade.text import visible

COLUMNS = ("student", "exercise", "points", "reason")


@dataclass(frozen=True)
class Desk:
    """What an adjustment is held against, and by whom and when it is made."""

    course: Course
    grades: Sequence[Grade]
    who: str
    at: datetime
    new: bool = False
    """Whether it may be for somebody of whom the gradebook has nothing."""
    beyond: bool = False
    """Whether it may be more than the exercise is worth."""

    def student(self, name: str) -> str:
        """A student's name in the gradebook.

        Raises:
            UsageError: it has nothing of this one.
        """
        known = {grade.student for grade in self.grades}
        found = name if name in known else safe_name(name)
        if found in known or self.new:
            return found
        near = difflib.get_close_matches(name, known, n=1)
        mend = f"Did you mean {visible(near[0])}?" if near else "`dlgrade grades` lists those that it has."
        raise UsageError(
            f"The gradebook has nothing of {visible(name)!r}.", mend=f"{mend} For somebody who handed nothing in: --new"
        )

    def exercise(self, name: str) -> str:
        """An exercise's name.

        Raises:
            UsageError: there is no such exercise, or it is a unit.
        """
        if any(grade.exercise == name for grade in self.grades):  # one that the course has no more
            return name
        found = self.course.named([name])
        if len(found) > 1:
            its = ", ".join(one.name for one in found)
            raise UsageError(f"{visible(name)} is a unit.", mend=f"Name one of: {its}.")
        return found[0].name

    def adjustment(self, student: str, exercise: str, points: float, reason: str) -> Adjustment:
        """An adjustment, ready to be made.

        Raises:
            UsageError: there is no such student or exercise, no reason, or the points are none that anybody means.
        """
        one = Adjustment(self.student(student), self.exercise(exercise), points, reason, self.who, self.at)
        wrong = faulty(points)
        if wrong:
            raise UsageError(wrong)
        if not reason.strip():
            raise UsageError("An adjustment needs a reason.", mend="The student reads it.")
        worth = max((grade.max_points for grade in self.grades if grade.exercise == one.exercise), default=0.0)
        if abs(points) > worth and not self.beyond:
            known = f"{one.exercise} is worth {number(worth)}" if worth else f"nobody handed in {one.exercise} yet"
            said = f"{signed(points)} is more than the exercise is worth, as far as the gradebook knows: {known}."
            raise UsageError(said, mend="If it is meant: --beyond")
        return one


def read_adjustments(path: Path, desk: Desk, standing: Iterable[Adjustment]) -> tuple[list[Adjustment], AuthorFile]:
    """The adjustments in a table, and the file with every mistake in it.

    Args:
        path: a CSV file with the columns of COLUMNS.
        desk: what they are held against.
        standing: those that are in the gradebook: none is made a second time by reading a table twice.

    Raises:
        AuthorError: it cannot be read.
    """
    file = AuthorFile(path, {})
    found: dict[tuple[str, str], Adjustment] = {}
    there = {(one.student, one.exercise, one.points, one.reason): one for one in standing}
    for line, cells in rows_of(file, read_text(path), COLUMNS, COLUMNS, "An adjustment"):
        try:
            one = desk.adjustment(cells["student"], cells["exercise"], _points(cells["points"]), cells["reason"])
        except UsageError as error:
            file.mistake(error.what, line, error.mend)
            continue
        whose = f"{visible(one.student)} has {{}} for {visible(one.exercise)}"
        known = there.get((one.student, one.exercise, one.points, one.reason))
        if (one.student, one.exercise) in found:
            file.mistake(f"{whose.format('two lines')}.", line, "Keep one of them.")
        elif known is not None:
            what = f"{whose.format(signed(one.points))} with this reason already, of {known.at:%Y-%m-%d}."
            file.mistake(what, line, "Take the line out; or say in the reason what is new.")
        found[one.student, one.exercise] = one
    if not found and not file.mistakes:
        file.mistake("It names no student.", None, f"Its first line is: {','.join(COLUMNS)}")
    return list(found.values()), file


def last_of(standing: Iterable[Adjustment], student: str, exercise: str, points: float | None) -> Adjustment:
    """The last adjustment of a student for an exercise.

    Args:
        standing: those that are in the gradebook, in order.
        student: whose.
        exercise: for what.
        points: of so many points; None: of any.

    Raises:
        UsageError: there is none.
    """
    its = [one for one in standing if (one.student, one.exercise) == (student, exercise)]
    chosen = [one for one in its if points in (None, one.points)]
    if not chosen:
        there_are = f"There are: {', '.join(signed(one.points) for one in its)}." if its else ""
        what = f"There is no adjustment{'' if points is None else f' of {signed(points)}'} for {exercise} of "
        raise UsageError(f"{what}{visible(student)} to take back.", mend=there_are)
    return chosen[-1]


def _points(cell: str) -> float:
    # As a spreadsheet writes them where a comma is the decimal mark.
    try:
        return float(cell.replace(",", ".") if "." not in cell else cell)
    except ValueError:
        raise UsageError(f"{visible(repr(cell), limit=80)} are no points.", mend="Write a number: 2 or -0.5") from None
