"""Tells every mistake in what somebody wrote by hand, not only the first."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dlgrade.errors import AuthorError
from dlgrade.text import visible


def tell_mistakes(mistakes: Sequence[AuthorError], then: str = "") -> int:
    """Say each mistake with its place and mend, and how many there are; the exit code.

    Args:
        mistakes: at least one.
        then: what else is to be known, as a sentence.
    """
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    for one in mistakes:
        click.echo(f"{visible(str(one), limit=5000, lines=True)}\n", err=True)
    click.echo(" ".join(filter(None, (f"{count}.", then))), err=True)
    return 2
