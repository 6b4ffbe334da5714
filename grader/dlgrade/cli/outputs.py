"""Options that say where to write: never over a file of another kind, never among the course's own folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from dlgrade.course.find import OWN_FOLDERS, own_folder
from dlgrade.errors import UsageError

SUFFIXES = {
    "text": (".txt", ".text", ".log", ".out"),
    "html": (".html", ".htm"),
    "markdown": (".md", ".markdown"),
    "json": (".json",),
    "junit": (".xml",),
    "csv": (".csv",),
    "zip": (".zip",),
}
"""How the names of files end, by format."""
_BEGINS = {
    "html": ("<!doctype html>",),
    "markdown": ("# ", "## "),
    "json": ('{\n  "schema": "', '[\n  {\n    "schema": "'),
    "junit": ("<?xml",),
    "csv": ("student,",),
    "zip": ("pk\x03\x04",),
}
"""How what we write begins, whatever the case: a name that has no ending says nothing, and scripts run again."""


class OutFile(click.Path):
    """A file for an option to write, outside of the course's own folders.

    Args:
        form: in which format, one of `SUFFIXES`; without, what is there is not replaced but added to.
    """

    def __init__(self, form: str = "") -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self._form = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            UsageError: it may not be written there.
        """
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if self._form:
            require_same_kind(path, self._form, _option(param))
        require_outside(path, _option(param))
        return path


class OutFolder(click.Path):
    """A folder for an option to write into, outside of the course's own folders.

    Args:
        file_okay: whether it may be a file.
    """

    def __init__(self, *, file_okay: bool = False) -> None:
        super().__init__(file_okay=file_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            UsageError: nothing may be written there.
        """
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        require_outside(path, _option(param))
        return path


def _option(param: click.Parameter | None) -> str:
    return param.opts[0] if param is not None else ""


def require_same_kind(path: Path, form: str, option: str) -> None:
    """See that nothing is lost if a file is written in this format.

    Args:
        path: where. What is there is replaced if its name says that it is of this format, if it holds nothing, or if
            its name says nothing and it begins as what we write.
        form: one of `SUFFIXES`.
        option: what named it.

    Raises:
        UsageError: something else may be there.
    """
    suffixes = SUFFIXES[form]
    if path.suffix.lower() in suffixes:
        return
    try:
        if not path.is_file():  # but a terminal, say, or a pipe
            return
        with path.open("rb") as file:
            begin = file.read(100).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").casefold()
    except OSError:
        return  # whoever writes it will say so
    ours = not path.suffix and begin.startswith(_BEGINS.get(form, ()))
    if begin and not ours:
        raise UsageError(
            f"{path} is there already, and its name does not say that it is {form}: it is not replaced.",
            where=option,
            mend=f"Name a file that ends in {' or '.join(suffixes[:2])}, or one that is not there yet.",
        )


def require_outside(path: Path, option: str) -> None:
    """See that what a command makes does not come to lie among what a course gives away.

    Raises:
        UsageError: it would.
    """
    own = own_folder(path)
    if own is None:
        return
    better = own.parent.parent / path.resolve().name
    if better.name in OWN_FOLDERS:
        better = better.with_name(f"{better.name}-out")
    try:
        shown = os.path.relpath(better)
    except ValueError:  # another drive
        shown = str(better)
    raise UsageError(
        f"{path} lies in {own.name}, a folder of the course itself, which is given away whole.",
        where=option,
        mend=f"Name a place outside of it, such as {option} {shown}",
    )
