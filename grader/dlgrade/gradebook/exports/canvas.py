"""Scores for Canvas's gradebook: into a file that Canvas exported, or in a new one with the least that it imports.

It carries one number for each exercise or unit: the computed grade, with policy, lateness and adjustments. A student
who has none gets none: in a file of Canvas's the cell keeps what it says, and so do those that say EX (excused) or N/A
(not assigned). In a new file such a cell is empty, and an empty cell clears a score that Canvas has already: where
there may be some, fill in Canvas's own file.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from dlgrade.errors import UsageError
from dlgrade.gradebook.exports.canvas_sheet import POINTS_ROW, Sheet, has_id, title_of, value_of
from dlgrade.gradebook.exports.roster import Roster, person_of
from dlgrade.gradebook.grades import Grade, totals
from dlgrade.gradebook.policy import GradingPolicy
from dlgrade.gradebook.spreadsheet import Cell, to_csv
from dlgrade.points import added, number, product
from dlgrade.text import visible

KEYS = {"id": "ID", "sis_user_id": "SIS User ID", "sis_login_id": "SIS Login ID"}
"""By what students are found, and the columns that hold it."""
KEPT = ("EX", "N/A")
_CANVAS_NUMBER = re.compile(r".*_(\d+)", re.DOTALL)
"""Canvas names a download by the student's name and ID, which `collect` keeps."""
_LISTED = 10


@dataclass(frozen=True)
class Scores:
    """What students have for one exercise or unit."""

    name: str
    most: float
    of: Mapping[str, float]
    """The points of those who have a grade."""


@dataclass(frozen=True)
class Filling:
    """What is written where, for a look before it is."""

    key: str
    """By what students are found: one of KEYS."""
    columns: Mapping[str, Scores]
    """By the header of Canvas's column."""
    rows: Mapping[str, int]
    """Each student's line."""
    absent: tuple[str, ...]
    """Students with grades whom Canvas's file does not have."""
    kept: int
    """Cells that stay since they say EX or N/A."""
    written: int
    scaled: tuple[str, ...]
    sheet: Sheet


def scores_of(grades: Sequence[Grade], policy: GradingPolicy, name: str) -> Scores:
    """What students have for an exercise, or for a unit: its exercises' points, each times its weight.

    Who has an exercise of a unit that is to be regraded has no score for the unit.

    Raises:
        UsageError: there is no such exercise or unit.
    """
    its = [grade for grade in grades if grade.exercise == name]
    if its:
        points = {grade.student: grade.graded_points for grade in its if grade.graded_points is not None}
        return Scores(name, max(grade.max_points for grade in its), points)
    of_unit = {terms.exercise for terms in policy.terms if terms.unit == name}
    its = [grade for grade in grades if grade.exercise in of_unit]
    if not its:
        known = sorted({grade.exercise for grade in grades} | {terms.unit for terms in policy.terms if terms.unit})
        near = difflib.get_close_matches(name, known, n=1)
        mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
        raise UsageError(f"There are no grades for {visible(name)!r}.", where="--column", mend=mend)
    most: dict[str, float] = {}
    for grade in its:
        worth = product(policy.of(grade.exercise).weight, grade.max_points)
        most[grade.exercise] = max(most.get(grade.exercise, 0.0), worth)
    found = {total.student: total.points for total in totals(its, policy) if not total.to_be_regraded}
    return Scores(name, added(most.values()), found)


# -- which column is which exercise ------------------------------------------------------------------------------------


def match_columns(headers: Sequence[str], exercises: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Which of Canvas's columns is for which exercise or unit.

    Args:
        headers: of the columns that may be.
        exercises: what there are grades for.
        given: columns that the instructor named, by exercise or unit.

    Returns:
        The headers, each with the exercise or unit.

    Raises:
        UsageError: a column is not there, is named twice, or it cannot be told which one an exercise has.
    """
    found = {_given(headers, name, title): name for name, title in given.items()}
    if len(found) < len(given):
        raise UsageError("Two of them name the same column.", where="--column")
    if given:
        return found
    names = {exercise: _words(exercise) for exercise in exercises}
    candidates: dict[str, list[str]] = {exercise: [] for exercise in exercises}
    for header in filter(has_id, headers):
        words = _words(title_of(header))
        inside = [one for one, its in names.items() if _holds(words, its)]
        if inside:
            # "Softmax fast" holds the words of softmax, too.
            candidates[max(inside, key=lambda one: len(names[one]))].append(header)
    for exercise, its in candidates.items():
        exact = [header for header in its if _words(title_of(header)) == names[exercise]]
        its = exact or its
        if len(its) != 1:
            there_are = " or ".join(repr(visible(header)) for header in its or filter(has_id, headers))
            what = "More than one column could be" if its else "No column is known to be"
            mend = f'Say which: --column {exercise}="Title (id)"; there are: {there_are or "none"}'
            raise UsageError(f"{what} that of {exercise}.", where="--into", mend=mend)
        found[its[0]] = exercise
    return found


def _given(headers: Sequence[str], name: str, title: str) -> str:
    found = [header for header in headers if header == title]
    found = found or [header for header in headers if title_of(header) == title.strip()]
    if len(found) == 1:
        return found[0]
    near = difflib.get_close_matches(title, headers, n=1)
    mend = f"Did you mean {visible(near[0])!r}?" if near else ""
    what = "More than one column is named" if found else "There is no column"
    raise UsageError(f"{what} {visible(title)!r}.", where=f"--column {name}", mend=mend)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold())


def _holds(words: Sequence[str], part: Sequence[str]) -> bool:
    return any(words[start : start + len(part)] == part for start in range(len(words) - len(part) + 1))


# -- which line is which student ---------------------------------------------------------------------------------------


def match_students(
    sheet: Sheet, students: Iterable[str], roster: Roster, key: str | None
) -> tuple[str, dict[str, int]]:
    """Which of the file's lines is which student's.

    Args:
        sheet: the file.
        students: theirs are looked for.
        roster: what Canvas calls them; without it their names in the gradebook are looked for.
        key: by what, one of KEYS; None to find out.

    Returns:
        By what they were found, and the index of each one's line among `sheet.students`.

    Raises:
        UsageError: nobody is found, or it cannot be told by what they are, or two of them are one.
    """
    if key is not None and KEYS[key] not in sheet.header:
        raise UsageError(f"It has no column {KEYS[key]!r}.", where="--into", mend="Name another one: --student-id")
    students = list(dict.fromkeys(students))
    by_key = {one: _found_by(sheet, students, roster, one) for one in KEYS if KEYS[one] in sheet.header}
    best = key or max(by_key, key=lambda one: len(by_key[one]))
    found = by_key[best]
    if not found:
        mend = "--names FILE.csv says what Canvas calls them." if not roster else "--student-id says by which column."
        raise UsageError("None of the students is in Canvas's file.", where="--into", mend=mend)
    for other, rows in by_key.items() if key is None else ():
        differs = [student for student, row in rows.items() if found.get(student, row) != row]
        if differs or (other != best and len(rows) == len(found) and rows.keys() != found.keys()):
            who = visible(next(iter(differs or rows.keys() - found.keys())))
            raise UsageError(
                f"By {KEYS[best]} and by {KEYS[other]}, {who} is not the same student.",
                where="--into",
                mend=f"Say by which they are known: --student-id {' or '.join(by_key)}",
            )
    for row, times in Counter(found.values()).items():
        if times > 1:
            same = " and ".join(visible(student) for student, its in found.items() if its == row)
            raise UsageError(f"{same} are one student in Canvas's file.", where=f"line {sheet.students[row].number}")
    return best, found


def _found_by(sheet: Sheet, students: Sequence[str], roster: Roster, key: str) -> dict[str, int]:
    index = sheet.header.index(KEYS[key])
    lines: dict[str, list[int]] = {}
    for place, row in enumerate(sheet.students):
        value = _folded(sheet.value(row, index))
        if value:
            lines.setdefault(value, []).append(place)
    found = {}
    for student in students:
        for name in _names(student, roster, key):
            places = lines.get(_folded(name), [])
            if len(places) > 1:
                said = f"Two lines have the {KEYS[key]} {visible(name)!r}."
                raise UsageError(said, where="--into")
            if places:
                found[student] = places[0]
                break
    return found


def _names(student: str, roster: Roster, key: str) -> list[str]:
    person = roster.get(student)
    if person is not None:
        known = {"id": person.id, "sis_user_id": person.sis_user_id, "sis_login_id": person.sis_login_id}[key]
        if known or any((person.id, person.sis_user_id, person.sis_login_id)):
            return [known] if known else []
    number = _CANVAS_NUMBER.fullmatch(student)
    return [student, number[1]] if key == "id" and number else [student]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


# -- filling in --------------------------------------------------------------------------------------------------------


def fill(
    sheet: Sheet,
    grades: Sequence[Grade],
    policy: GradingPolicy,
    roster: Roster,
    *,
    columns: Mapping[str, str],
    key: str | None = None,
    scale: bool = False,
) -> Filling:
    """Fill scores into a file that Canvas exported.

    Args:
        sheet: the file.
        grades: the grades.
        policy: what exercises weigh in a unit.
        roster: what Canvas calls the students.
        columns: columns that the instructor named, by exercise or unit.
        key: by what students are found; None to find out.
        scale: make the points fit those that Canvas has for a column.

    Raises:
        UsageError: a column or the students cannot be matched, a column is read-only or of other points.
    """
    exercises = list(dict.fromkeys(grade.exercise for grade in grades))
    titles = [sheet.header[index] for index in sheet.assignments]
    matched = {
        header: scores_of(grades, policy, name) for header, name in match_columns(titles, exercises, columns).items()
    }
    students = list(dict.fromkeys(student for scores in matched.values() for student in scores.of))
    best, rows = match_students(sheet, students, roster, key)
    changed: dict[int, list[str]] = {}
    written, kept = 0, 0
    scaled = []
    for header, scores in matched.items():
        index = sheet.header.index(header)
        times = _times(sheet, index, header, scores, scale)
        if times != 1:
            scaled.append(header)
        for student, points in scores.of.items():
            if student not in rows:
                continue
            row = sheet.students[rows[student]]
            cells = changed.setdefault(row.number, list(row.cells))
            if value_of(cells[index]).strip().upper() in KEPT:
                kept += 1
                continue
            cells[index] = _written(sheet, cells[index], float(Fraction(repr(points)) * times))
            written += 1
    lines = tuple(row._replace(cells=changed.get(row.number, row.cells)) for row in sheet.rows)
    absent = tuple(student for student in students if student not in rows)
    return Filling(best, matched, rows, absent, kept, written, tuple(scaled), replace(sheet, rows=lines))


def _times(sheet: Sheet, index: int, header: str, scores: Scores, scale: bool) -> Fraction:
    """What points are multiplied by to be Canvas's."""
    said = sheet.most(index)
    if re.search(r"read\s+only", said):
        raise UsageError(f"Canvas computes the column {visible(header)!r} itself: it is read-only.", where="--column")
    try:
        most = Fraction(Decimal(said.replace(",", ".") if sheet.comma else said.replace(",", "")))
    except (ArithmeticError, ValueError):
        return Fraction(1)
    # Canvas shows hundredths.
    if not scores.most or number(float(most), digits=2) == number(scores.most, digits=2):
        return Fraction(1)
    if not scale:
        ours = f"{scores.name} is worth {_cell(scores.most)} here"
        raise UsageError(
            f"In Canvas {visible(header)!r} is worth {said} points, and {ours}.",
            where="--into",
            mend="Change the points in Canvas, or let the scores be made to fit: --scale",
        )
    return most / Fraction(repr(scores.most))


def _written(sheet: Sheet, cell: str, points: float) -> str:
    """A score as the file writes numbers."""
    text = _cell(points)
    text = text.replace(".", ",") if sheet.comma else text
    return f'"{text}"' if cell.startswith('"') or sheet.delimiter in text else text


# -- a new file --------------------------------------------------------------------------------------------------------


def fresh(
    grades: Sequence[Grade],
    policy: GradingPolicy,
    roster: Roster,
    *,
    columns: Mapping[str, str],
    key: str | None = None,
) -> bytes:
    """The smallest file that Canvas imports.

    A column that is not named `Title (id)` becomes a new assignment, unless one has that very title.

    Args:
        grades: the grades.
        policy: what exercises weigh in a unit.
        roster: what Canvas calls the students.
        columns: what Canvas calls the exercises or units; if empty there is one for each exercise, of its name.
        key: what a student's name in the gradebook is, where the roster does not say: one of KEYS.
    """
    exercises = policy.in_order({grade.exercise for grade in grades})
    titles = dict(columns) or {exercise: exercise for exercise in exercises}
    scores = [scores_of(grades, policy, name) for name in titles]
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles.values()]
    rows: list[list[Cell]] = [[f"    {POINTS_ROW}", "", "", "", "", *(_cell(one.most) for one in scores)]]
    for student in dict.fromkeys(grade.student for grade in grades):
        person = person_of(roster, student)
        known = {"id": person.id, "sis_user_id": person.sis_user_id, "sis_login_id": person.sis_login_id}
        if not any(known.values()):
            number = _CANVAS_NUMBER.fullmatch(student)
            known[key or "sis_login_id"] = number[1] if key == "id" and number else student
        points = [_cell(one.of[student]) if student in one.of else "" for one in scores]
        if any(points):
            rows.append([person.sortable, *known.values(), "", *points])
    return to_csv(header, rows).encode("utf-8", "backslashreplace")


def _cell(points: float) -> str:
    """Points with the two decimals that Canvas writes, or more where they have more."""
    return number(points, least=2)


def preview(filling: Filling) -> str:
    """What goes where, in lines for people."""
    lines = [f"{scores.name} → {visible(header)}" for header, scores in filling.columns.items()]
    lines = [f"{line} (scaled)" if header in filling.scaled else line
             for line, header in zip(lines, filling.columns, strict=True)]  # fmt: skip
    found = "1 student was" if len(filling.rows) == 1 else f"{len(filling.rows):,} students were"
    lines.append(f"{found} found by {KEYS[filling.key]}; {filling.written:,} cells are filled in")
    if filling.kept:
        lines.append(f"{filling.kept:,} cells say EX or N/A, and stay")
    if filling.absent:
        more = f" and {len(filling.absent) - _LISTED} more" if len(filling.absent) > _LISTED else ""
        lines.append(f"not in Canvas's file: {', '.join(map(visible, filling.absent[:_LISTED]))}{more}")
    return "\n".join(lines)
