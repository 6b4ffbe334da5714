"""Tables in plain columns: as fast for a thousand lines as for ten, which rich's are not."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from dlgrade.text import visible

_CELL_LIMIT = 300


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> str:
    """A table as lines of text; whatever stands in a cell stays on its line and acts on no terminal.

    Args:
        header: the columns' names.
        rows: their cells.
        right: the columns that are aligned to the right, as numbers are.
    """
    table = [_safe(row) for row in (header, *rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    rightwards = [name in set(right) for name in header]
    plain = "  ".join(
        f"{{:{'>' if to_right else '<'}{width}}}" for width, to_right in zip(widths, rightwards, strict=True)
    )
    lines = (plain.format(*row) if _is_plain(row) else _joined(row, widths, rightwards) for row in table)
    return "\n".join(line.rstrip() for line in lines)


def _is_plain(row: Sequence[str]) -> bool:
    """Whether nothing in it needs care, which is so of most rows."""
    text = "".join(row)
    return text.isascii() and text.isprintable() and len(text) <= _CELL_LIMIT


def _safe(row: Sequence[str]) -> Sequence[str]:
    return row if _is_plain(row) else [visible(cell, limit=_CELL_LIMIT) for cell in row]


def _joined(row: Sequence[str], widths: Sequence[int], rightwards: Sequence[bool]) -> str:
    cells = []
    for cell, width, to_right in zip(row, widths, rightwards, strict=True):
        gap = " " * (width - _width(cell))
        cells.append(f"{gap}{cell}" if to_right else f"{cell}{gap}")
    return "  ".join(cells)


def _width(cell: str) -> int:
    """The columns that a terminal gives it: two for a wide character, none for a mark on another."""
    if cell.isascii():
        return len(cell)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in cell
    )
