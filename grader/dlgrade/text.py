"""Text from strangers made safe to show: bounded, and with nothing in it that a terminal or a page would obey."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

# Controls, formats (bidi overrides, zero-width), surrogates, private use, unassigned, line and paragraph separators.
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and marks that Unicode has nobody see, the rest of its Default_Ignorable_Code_Point: fillers, joiners and
# variation selectors, in which a text can hide another.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
_MARKS = {"Mn", "Me"}
_MARKS_LIMIT = 8
"""More than any language puts on one letter; a thousand of them cover the lines around it."""


def visible(text: str, *, limit: int = 2000, lines: bool = False) -> str:
    r"""The text with every character that could act rather than be seen written as its escape.

    Args:
        text: anything, from anyone.
        limit: the most characters to keep; what is cut is counted in the end.
        lines: keep line breaks and tabs; otherwise they are escaped too.

    >>> visible("\x1b[31mred\u202e")
    '\\x1b[31mred\\u202e'
    """
    kept = text[:limit]
    shown = "".join(
        char
        if seen or (lines and char in "\n\t")
        else char.encode("unicode_escape", "backslashreplace").decode("ascii")
        for char, seen in seen_or_not(kept)
    )
    return shown if len(text) <= limit else f"{shown} … ({len(text) - limit:,} more characters)"


def seen_or_not(text: str) -> Iterator[tuple[str, bool]]:
    """Each character of a text, and whether it is only seen there: does not act, hide, or pile up on a letter."""
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in _MARKS else 0
        yield char, category not in _UNSAFE and char not in _UNSEEN and marks <= _MARKS_LIMIT
