"""Folders of ours, written whole or not at all, with a list of hashes that tells whether anybody touched them."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from dlgrade import __version__
from dlgrade.course.atomic import replace_folder
from dlgrade.errors import UsageError

NAME = "MANIFEST.json"
SCHEMA = "dlgrade.release/1"
_LEFT_BEHIND = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}
"""What programs leave in a folder that somebody only looked at."""


def write(to: Path, files: Mapping[Path, bytes]) -> None:
    """Write a folder of these files and their manifest, whole or not at all.

    Args:
        to: the folder; one that is there is replaced if it is empty, or as an earlier `write` left it.
        files: their bytes, by paths below the folder.

    Raises:
        UsageError: if something else is there, or the folder cannot be written.
    """
    to = to.resolve()
    _require_ours(to)
    try:
        replace_folder(to, {**files, Path(NAME): manifest(files)})
    except OSError as error:
        raise UsageError(f"{to} cannot be written: {error.strerror}.", mend="Name another folder.") from error


def manifest(files: Mapping[Path, bytes]) -> bytes:
    """The manifest of these files: the same bytes for the same files and version."""
    hashes = {path.as_posix(): hashlib.sha256(data).hexdigest() for path, data in files.items()}
    data = {"schema": SCHEMA, "dlgrade": __version__, "files": dict(sorted(hashes.items()))}
    return f"{json.dumps(data, indent=2, ensure_ascii=False)}\n".encode()


def differences(folder: Path) -> dict[Path, str]:
    """The files of a released folder that are not as its manifest says, each with why: missing, edited or extra.

    Raises:
        UsageError: if the folder has no manifest that can be read.
    """
    known = _read(folder)
    found: dict[Path, str] = {}
    for name, digest in known.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            found[Path(name)] = "missing"
            continue
        try:
            with path.open("rb") as file:
                same = hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
        if not same:
            found[Path(name)] = "edited"
    for path in folder.rglob("*"):
        below = path.relative_to(folder)
        if below.as_posix() in known or below == Path(NAME) or _LEFT_BEHIND & set(below.parts):
            continue
        if path.is_symlink() or not path.is_dir():
            found[below] = "extra"
    return dict(sorted(found.items()))


def _read(folder: Path) -> dict[str, str]:
    path = folder / NAME
    mend = "It is no folder that `dlgrade release` wrote, or its manifest was changed."
    try:
        data: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"There is no {NAME}.", where=str(folder), mend=mend) from None
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise UsageError(f"The manifest cannot be read: {why}.", where=str(path), mend=mend) from error
    files = data.get("files") if isinstance(data, dict) and data.get("schema") == SCHEMA else None
    if not isinstance(files, dict) or not all(_is_below(name) and isinstance(files[name], str) for name in files):
        raise UsageError("The manifest is none of ours.", where=str(path), mend=mend)
    return files


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and "\0" not in name and not path.is_absolute() and ".." not in path.parts


def _require_ours(to: Path) -> None:
    """See that nothing is lost if this folder is replaced."""
    if not to.exists():
        return
    if not to.is_dir():
        raise UsageError(f"{to} is a file.", mend="Name a folder that is not there yet.")
    with contextlib.suppress(OSError):
        if not any(to.iterdir()):
            return
    another = "Name a folder that is not there yet, or delete this one."
    try:
        touched = differences(to)
    except UsageError as error:
        said = f"{to} is there already, and it is no release: {error.what}"
        raise UsageError(said, mend=another) from error
    if touched:
        path, why = next(iter(touched.items()))
        more = f", and {len(touched) - 1} more" if len(touched) > 1 else ""
        raise UsageError(
            f"{to} is a release that was worked in, which would be lost: {path.as_posix()} ({why}){more}.", mend=another
        )
