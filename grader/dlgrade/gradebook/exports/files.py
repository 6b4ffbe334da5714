"""Exports that are folders: each bears what tells it from any other folder, which is never replaced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlgrade.course.atomic import replace_folder
from dlgrade.errors import UsageError
from dlgrade.text import visible

MANIFEST = "dlgrade-export.json"
"""What a folder that was exported bears, so that no other folder is ever replaced."""


def to_json(data: Any) -> bytes:
    """JSON that no terminal obeys and every program reads: in ASCII, whole."""
    text = json.dumps(data, indent=2, allow_nan=False)
    return (text.replace("\x7f", "\\u007f") + "\n").encode("ascii")


def require_replaceable(folder: Path, form: str) -> None:
    """See that a folder is not there, or is empty, or is an earlier export of the same form.

    Raises:
        UsageError: it is something else, which is never replaced.
    """
    try:
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if isinstance(manifest, dict) and manifest.get("format") == form:
            return
    except (OSError, ValueError):
        pass
    raise UsageError(
        f"{folder} is there already, and is not what this command wrote.", where="--out", mend="Name another folder."
    )


def write_folder(folder: Path, files: Mapping[str, bytes], form: str) -> None:
    """Write a folder as a whole or not at all; an earlier export of the same form is replaced.

    Args:
        folder: where.
        files: what, by path below it.
        form: the format's name.

    Raises:
        UsageError: it cannot be written, or something else is there.
    """
    folder = folder.absolute()
    require_replaceable(folder, form)
    told = to_json({"format": form, "files": len(files)})
    try:
        replace_folder(folder, {Path(name): data for name, data in {**files, MANIFEST: told}.items()})
    except OSError as error:
        said = visible(str(error.filename or folder))
        raise UsageError(f"{said} cannot be written: {error.strerror}.", where="--out") from error
