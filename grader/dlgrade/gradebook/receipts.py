"""What was collected when: a table that a spreadsheet can open, and that is read again when more is collected."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dlgrade.gradebook.sources import Clock
from dlgrade.text import visible

NAME = "receipts.csv"
COLUMNS = ("student", "exercise", "attempt", "time", "time_from", "sha256", "bytes", "origin", "notes", "file")
ATTEMPTS = "attempts"
"""The folder of a student's earlier attempts."""
_LIMIT = 256 << 20
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True)
class Receipt:
    """One attempt that was collected. `folder` is the student's."""

    student: str
    exercise: str
    attempt: int
    when: datetime
    clock: Clock
    sha256: str
    size: int
    origin: str
    notes: tuple[str, ...]
    folder: str


def read(folder: Path) -> list[Receipt]:
    """The receipts in a folder; none if there are none.

    Raises:
        ValueError: at the first line that is no receipt; it says which and why.
        OSError: if they cannot be read.
    """
    try:
        with (folder / NAME).open("rb") as file:
            text = file.read(_LIMIT).decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return []
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if tuple(table.fieldnames or ()) != COLUMNS:
            raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
        return [_receipt({key: _plain(value) for key, value in row.items()}) for row in table]
    except (csv.Error, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"line {table.line_num}: {error}") from error


def text_of(receipts: Iterable[Receipt]) -> str:
    """The table, in the order of students, exercises and attempts."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    receipts = sorted(receipts, key=lambda one: (one.student, one.exercise, one.attempt, one.sha256))
    last = {(one.student, one.exercise): one for one in receipts}
    for one in receipts:
        earlier = last[one.student, one.exercise] is not one
        table.writerow([_cell(value) for value in _row(one, earlier)])
    return text.getvalue()


def _row(one: Receipt, earlier: bool) -> Iterable[object]:
    yield from (one.student, one.exercise, one.attempt, one.when.isoformat(), one.clock, one.sha256, one.size)
    yield from (visible(one.origin), visible("; ".join(one.notes)))
    yield f"{one.folder}/{ATTEMPTS}/{one.exercise}.{one.attempt}.py" if earlier else f"{one.folder}/{one.exercise}.py"


def _receipt(row: dict[str, str]) -> Receipt:
    when = datetime.fromisoformat(row["time"])
    if when.tzinfo is None:
        raise ValueError("its time has no zone")
    folder, _, inside = row["file"].partition("/")
    if not folder or not inside or "\\" in folder or folder in (".", ".."):
        raise ValueError("its file is not in a student's folder")
    if not row["exercise"].isidentifier():
        raise ValueError("its exercise is none")
    notes = tuple(row["notes"].split("; ")) if row["notes"] else ()
    return Receipt(
        row["student"],
        row["exercise"],
        int(row["attempt"]),
        when,
        Clock(row["time_from"]) if row["time_from"] in tuple(Clock) else Clock.RECEIPT,
        row["sha256"],
        int(row["bytes"]),
        row["origin"],
        notes,
        folder,
    )


def _cell(value: object) -> object:
    """A spreadsheet takes for a formula what begins like one; an apostrophe says that it is text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _plain(value: str) -> str:
    return value[1:] if value.startswith("'") else value
