"""Files and folders that are written whole or not at all: beside their place, then renamed into it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from dlgrade.errors import UsageError


def write_file(path: Path, data: bytes | str, *, synced: bool = True, private: bool = False) -> None:
    """Write a file, in a folder that is made if it is not there.

    Args:
        path: where.
        data: its bytes, or its text, which is written in UTF-8.
        synced: wait until the disk has it; not for many files that can be made again.
        private: let nobody else read it.

    Raises:
        UsageError: if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = data if isinstance(data, bytes) else data.encode("utf-8", "backslashreplace")
        if path.exists() and not path.is_file() and not path.is_dir():
            # A pipe or a device, such as /dev/stdout: it is written into, not replaced.
            with path.open("wb") as file:
                file.write(text)
            return
        replace_file(path, text, synced=synced, private=private)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error


def replace_file(
    path: Path, data: bytes, *, modified: datetime | None = None, synced: bool = True, private: bool = False
) -> None:
    """Write a file in a folder that is there.

    Args:
        path: where.
        data: its bytes.
        modified: when it is to say that it was changed; by default now.
        synced: wait until the disk has it, so that not even a machine that fails leaves half of it.
        private: let nobody else read it.

    Raises:
        OSError: if it cannot be written; nothing has changed then.
    """
    beside = _beside(path, "new")
    try:
        _write(beside, data, synced, 0o600 if private else 0o666)
        if modified is not None:
            os.utime(beside, (modified.timestamp(), modified.timestamp()))
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def replace_folder(folder: Path, files: Mapping[Path, bytes]) -> None:
    """Write a folder in place of whatever is there.

    Args:
        folder: where.
        files: their bytes, by paths below it.

    Raises:
        OSError: if it cannot be written; nothing has changed then.
    """
    beside, old = _beside(folder, "new"), _beside(folder, "old")
    try:
        beside.mkdir(parents=True)
        for name, data in files.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, data, synced=True)
        if folder.exists():
            folder.rename(old)
        try:
            beside.rename(folder)
        except BaseException:  # Ctrl-C too
            if old.exists():
                old.rename(folder)
            raise
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{what}")


def _write(path: Path, data: bytes, synced: bool, mode: int = 0o666) -> None:
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(data)
        if synced:
            file.flush()
            os.fsync(file.fileno())
