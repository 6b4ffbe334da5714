"""Text from strangers made safe to show: bounded, and with nothing in it that a terminal or a page would obey."""

from __future__ import annotations

import unicodedata

# Controls, formats (bidi overrides, zero-width), surrogates, private use, unassigned, line and paragraph separators.
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


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
        if (lines and char in "\n\t") or unicodedata.category(char) not in _UNSAFE
        else char.encode("unicode_escape", "backslashreplace").decode("ascii")
        for char in kept
    )
    return shown if len(text) <= limit else f"{shown} … ({len(text) - limit:,} more characters)"
