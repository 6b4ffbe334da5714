"""What all commands print to: a terminal in its width and colours, anything else plain."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 100
"""The width of what does not go to a terminal."""


def console(text: io.StringIO | None = None) -> Console:
    """A console on the standard output, or on a text instead; it takes no markup, whoever wrote what is printed."""
    from rich.console import Console

    plain = text is not None or not sys.stdout.isatty()
    return Console(
        file=sys.stdout if text is None else text,
        width=PLAIN_WIDTH if plain else None,
        no_color=True if plain else None,
        force_terminal=False if plain else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
