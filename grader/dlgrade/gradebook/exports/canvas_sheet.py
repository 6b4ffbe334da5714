"""A gradebook that Canvas exported, read so that each cell keeps its bytes: what nobody changes stays as it was."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dlgrade.errors import UsageError
from dlgrade.text import visible

POINTS_ROW = "Points Possible"
_TOTALS = re.compile(r"(?:Current|Final) (?:Score|Points|Grade)|Override (?:Score|Grade|Status)")
_NOTES = re.compile(r"\s*(?:Muted|Manual Posting.*)?\s*", re.IGNORECASE | re.DOTALL)
_WITH_ID = re.compile(r"(?P<title>.*)\((?P<id>\d+)\)\s*", re.DOTALL)
_COMMA = re.compile(r"-?[\d.]*\d,\d{1,2}%?")
_POINT = re.compile(r"-?[\d,]*\d\.\d+%?")
_HOW = "It is the file that Canvas writes: Grades, Export, Export Entire Gradebook."


class Row(NamedTuple):
    """One line of the file; `cells` as they are written there, quotes included."""

    number: int
    cells: list[str]
    end: str


@dataclass(frozen=True)
class Sheet:
    """The whole file. What is no UTF-8 is kept as surrogates."""

    mark: str
    """The byte order mark, if there is one."""
    delimiter: str
    comma: bool
    """Whether numbers have a decimal comma."""
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    """All of them, the header's too."""
    points: Row | None
    students: tuple[Row, ...]

    def value(self, row: Row, index: int) -> str:
        """What a cell says."""
        return value_of(row.cells[index])

    def most(self, index: int) -> str:
        """What the row of possible points says of a column."""
        return "" if self.points is None else self.value(self.points, index).strip()

    @property
    def assignments(self) -> tuple[int, ...]:
        """The columns that are no student's name and no total; a course's own columns may be among them."""
        last = self.header.index("Section")
        return tuple(
            index for index, title in enumerate(self.header) if index > last and title and not _TOTALS.search(title)
        )


def value_of(cell: str) -> str:
    """What is written in a cell, without its quotes."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def title_of(header: str) -> str:
    """An assignment's title, without Canvas's number.

    >>> title_of("HW1 softmax (4711)")
    'HW1 softmax'
    """
    found = _WITH_ID.fullmatch(header)
    return (found["title"] if found else header).strip()


def has_id(header: str) -> bool:
    """Whether a header is an assignment that Canvas knows."""
    return _WITH_ID.fullmatch(header) is not None


def read_sheet(data: bytes, where: str) -> Sheet:
    """Read a file that Canvas exported.

    Args:
        data: its bytes.
        where: its name.

    Raises:
        UsageError: it is no such file, or is damaged.
    """
    text = data.decode("utf-8", "surrogateescape")
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    delimiter = _delimiter(text)
    rows = _rows(text, delimiter, where)
    if not rows:
        raise UsageError("It is empty.", where=where, mend=_HOW)
    header = tuple(value_of(cell) for cell in rows[0].cells)
    _require_header(header, where)
    points: Row | None = None
    students = []
    for row in rows[1:]:
        values = [value_of(cell) for cell in row.cells]
        if all(_NOTES.fullmatch(value) for value in values):
            continue
        if len(row.cells) != len(header):
            raise UsageError(
                f"It has {len(row.cells)} cells, and the first line has {len(header)}.",
                where=f"{where}:{row.number}",
                mend=f"Export it anew and change nothing. {_HOW}",
            )
        if POINTS_ROW in values[0]:
            points = row
        else:
            students.append(row)
    numbers = [value_of(cell) for row in rows[1:] for cell in row.cells[header.index("Section") + 1 :]]
    comma = any(map(_COMMA.fullmatch, numbers)) and not any(map(_POINT.fullmatch, numbers))
    return Sheet(mark, delimiter, comma, header, tuple(rows), points, tuple(students))


def write_sheet(sheet: Sheet) -> bytes:
    """The file's bytes."""
    lines = (sheet.delimiter.join(row.cells) + row.end for row in sheet.rows)
    return (sheet.mark + "".join(lines)).encode("utf-8", "surrogateescape")


def _delimiter(text: str) -> str:
    """That by which the first line has more columns; Canvas writes either, as the user's language wants it."""
    counts = {}
    for delimiter in ";,":
        try:
            counts[delimiter] = len(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []))
        except csv.Error:
            counts[delimiter] = 0
    return ";" if counts[";"] > counts[","] else ","


def _rows(text: str, delimiter: str, where: str) -> list[Row]:
    cell = re.compile(rf'"(?:[^"]|"")*+"|[^"{delimiter}\r\n][^{delimiter}\r\n]*|')
    end = re.compile(r"\r\n|\r|\n|\Z")
    rows: list[Row] = []
    cells: list[str] = []
    place, number = 0, 1
    while place < len(text) or cells:
        found = cell.match(text, place)
        assert found is not None
        cells.append(found[0])
        place = found.end()
        if text.startswith(delimiter, place):
            place += 1
            continue
        ended = end.match(text, place)
        if ended is None:
            said = "A quote has no end, or something stands behind it."
            raise UsageError(said, where=f"{where}:{number}", mend=_HOW)
        rows.append(Row(number, cells, ended[0]))
        number += 1 + sum(one.count("\n") for one in cells)
        cells, place = [], ended.end()
    return rows


def _require_header(header: Sequence[str], where: str) -> None:
    names = header[:3]
    last_first = len(header) > 4 and names == ("LastName", "FirstName", "ID")
    usual = len(header) > 3 and "Student" in names[0] and "ID" in names[1]
    if not (usual or last_first) or "Section" not in header:
        found = visible(", ".join(header), limit=200)
        raise UsageError(f"Its first line is not that of a Canvas gradebook: {found}", where=where, mend=_HOW)
    titles = [title for title in header if title]
    twice = {title for title in titles if titles.count(title) > 1}
    if twice:
        raise UsageError(f"It has the column {visible(sorted(twice)[0])!r} twice.", where=where)
