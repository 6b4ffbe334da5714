"""CSV that a spreadsheet opens and never obeys."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from dlgrade.model import plain
from dlgrade.text import visible

_OBEYED = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a formula begins with; the wide ones are taken for the others where people write Japanese."""

Cell = str | float | int | None


def to_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table as CSV: numbers as they are, text made safe, None as an empty cell.

    >>> to_csv(["student", "points"], [["=1+1", -2.0]])
    "student,points\\n'=1+1,-2\\n"
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Cell) -> str | float | int:
    if value is None:
        return ""
    if not isinstance(value, str):
        number: float | int = plain(value)
        return number
    guarded = f"'{value}" if value.startswith(_OBEYED) else value
    # Most text is plain, and a class has a lot of it.
    return guarded if guarded.isascii() and guarded.isprintable() else visible(guarded, limit=10_000)
