"""Looks for processes, as only Linux's /proc shows them."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, which only Linux has")


class Process(NamedTuple):
    """A process that does more than wait to be reaped."""

    pid: int
    parent: int
    group: int


def process(pid: int) -> Process | None:
    """The process with this number; None if it is no more, or only waits for its parent to notice."""
    with contextlib.suppress(OSError):
        # The name in brackets may hold anything, brackets too.
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2]
        state, parent, group, *_ = stat.split()
        return None if state in "ZX" else Process(pid, int(parent), int(group))
    return None


def alive(pid: int) -> bool:
    """Whether a process is there and not only waiting to be noticed."""
    return process(pid) is not None


def pids() -> list[int]:
    """The numbers of all processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 -- names


def processes() -> list[Process]:
    """All processes that do more than wait to be reaped."""
    return [found for pid in pids() if (found := process(pid)) is not None]


def descendants(pid: int | None = None) -> set[int]:
    """The processes that came out of one, by default this one, and still have a parent that did."""
    root = os.getpid() if pid is None else pid
    there, found = processes(), {root}
    while more := {one.pid for one in there if one.parent in found and one.pid not in found}:
        found |= more
    return found - {root}


def group(pid: int) -> set[int]:
    """The processes of a group."""
    return {one.pid for one in processes() if one.group == pid}
