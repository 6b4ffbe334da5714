"""What lies in a folder of submissions, file by file: no link is followed, nothing is read before it is asked for."""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

FILES_LIMIT = 200_000
PRUNED = "Nobody hands in what lies in such a folder."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PRUNED = {"__pycache__", "__macosx", "node_modules", "site-packages", "venv", "env"}
# O_NOFOLLOW and O_NONBLOCK: the name may have become a link or a pipe since it was listed.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Clock(enum.StrEnum):
    """What said when a submission was handed in."""

    GRADESCOPE = "submission_metadata.yml"
    NBGRADER = "timestamp.txt"
    RECEIPT = "receipts.csv"
    GIT = "last commit"
    ARCHIVE = "time in the zip"
    FILE = "time of the file"
    DOWNLOAD = "time of the download"
    """Of what Canvas and Moodle pack: when they packed it, or when they first had a file of this content."""
    LATE = "time of the download; marked late by Canvas"


UNKNOWN = frozenset({Clock.DOWNLOAD, Clock.LATE})
"""The clocks that do not tell when anything was handed in: no ground to take points."""
COPIED = frozenset({Clock.ARCHIVE, Clock.FILE})
"""The clocks that whoever copies a file may set."""


def tells_more(when: datetime, clock: str, before: datetime, its_clock: str) -> bool:
    """Whether a time of the same bytes is to replace another one: that one was not known, or is the later one."""
    if clock in UNKNOWN:
        return False
    return its_clock in UNKNOWN or when < before


@dataclass(frozen=True)
class PassedOver:
    """Something that was not collected, why, and whose it would have been if that is known."""

    path: str
    why: str
    student: str | None = None
    exercise: str | None = None


@dataclass(frozen=True)
class Unread:
    """Why bytes could not be had, in a sentence."""

    why: str


@dataclass(frozen=True)
class Entry:
    """A file of a folder or an archive.

    `folders` are those below the container, outermost first; an archive inside it counts as one. `label` is where the
    file lies, for people. `read` gives the file's first bytes, at most as many as it is asked for.
    """

    folders: tuple[str, ...]
    name: str
    label: str
    when: datetime
    clock: Clock
    read: Callable[[int], bytes | Unread]
    path: Path | None = None
    """Where it lies on the disk; None inside an archive."""


def pruned(folder: str) -> bool:
    """Whether a folder holds nothing that anybody handed in: hidden ones, environments, caches."""
    return folder.startswith(".") or folder.lower() in _PRUNED or folder.endswith(".egg-info")


def walk(root: Path, *, without: Collection[Path] = ()) -> Iterator[Entry | PassedOver]:
    """The files below a folder, in the order of their names.

    Args:
        root: the folder.
        without: resolved folders to leave out.
    """
    waiting: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    seen = 0
    while waiting:
        folder, inside = waiting.pop()
        try:
            with os.scandir(folder) as listed:
                found = sorted(listed, key=lambda one: one.name)
        except OSError as error:
            yield PassedOver(str(folder), f"It cannot be listed: {error.strerror}.")
            continue
        below = []
        for one in found:
            seen += 1
            if seen > FILES_LIMIT:
                yield PassedOver(str(root), f"It holds more than {FILES_LIMIT:,} files; the rest was not looked at.")
                return
            path = folder / one.name
            try:
                mode = one.stat(follow_symlinks=False)
            except OSError as error:
                yield PassedOver(str(path), f"It cannot be looked at: {error.strerror}.")
                continue
            if stat.S_ISLNK(mode.st_mode):
                yield PassedOver(str(path), "It is a link, and links are not followed.")
            elif stat.S_ISDIR(mode.st_mode):
                if pruned(one.name):
                    yield PassedOver(str(path), PRUNED)
                elif without and path.resolve() in without:
                    yield PassedOver(str(path), "It is where the submissions are collected.")
                else:
                    below.append((path, (*inside, one.name)))
            elif stat.S_ISREG(mode.st_mode):
                yield file_entry(path, inside, str(path), mode)
            else:
                yield PassedOver(str(path), "It is no file: a pipe, a socket or a device.")
        waiting += reversed(below)


def file_entry(path: Path, folders: tuple[str, ...], label: str, mode: os.stat_result) -> Entry:
    """The entry of a file on the disk."""

    def read(limit: int) -> bytes | Unread:
        file = open_file(path)
        if isinstance(file, Unread):
            return file
        try:
            with file:
                return file.read(limit)
        except OSError as error:
            return Unread(f"It cannot be read: {error.strerror}.")

    return Entry(folders, path.name, label, moment(mode.st_mtime_ns), Clock.FILE, read, path)


def open_file(path: Path) -> BinaryIO | Unread:
    """A file on the disk, opened only if it is one."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        return Unread(f"It cannot be read: {error.strerror}.")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return Unread("It is no file any more.")
    return os.fdopen(descriptor, "rb")


def moment(nanoseconds: int) -> datetime:
    """A file's time; the epoch if it is one that no calendar has."""
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return _EPOCH
