"""`--format html` of the commands that write one page about a class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dlgrade.cli.outputs import OutFile
from dlgrade.errors import UsageError
from dlgrade.text import visible


def page_format(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take `--format html` and `--out FILE`, as `form` and `out`."""
    form = click.option(
        "--format", "form", type=click.Choice(["text", "html"]), default="text", show_default=True,
        help="Text, or one page with charts that needs nothing else.",
    )  # fmt: skip
    out = click.option("--out", type=OutFile("html"), metavar="FILE.html", help="Write the page there.")
    return form(out(command))


def page_options(form: str, out: Path | None, csv: Path | None) -> None:
    """See that the options go together.

    Raises:
        UsageError: they do not.
    """
    if form == "html" and csv is not None:
        raise UsageError("Either a page or CSV.", where="--csv", mend="Leave out `--csv` or `--format html`.")
    if form != "html" and out is not None:
        raise UsageError("Text goes to the screen.", where="--out", mend="Add `--format html`, or use `--csv`.")


def write_page(page: str, out: Path | None) -> None:
    """Write a page into a file, or print it where none is named.

    Raises:
        UsageError: it cannot be written.
    """
    if out is None:
        click.echo(page, nl=False)
        return
    from dlgrade.course.atomic import write_file

    write_file(out, page)
    click.echo(f"The page is in {visible(str(out))}.")
