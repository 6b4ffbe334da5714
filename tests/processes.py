"""Processes of tests: started, waited for, and looked for as only Linux's /proc shows them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, which only Linux has")
LONG = 120.0
"""Seconds after which a test gives up what has to come about, however busy the machine is."""


# -- started and waited for --------------------------------------------------------------------------------------------


def until(condition: Callable[[], object], seconds: float = LONG) -> None:
    """Wait until something has come about, and fail if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


@contextlib.contextmanager
def running(command: Sequence[str | Path], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process that hears Ctrl-C, which is ignored where the tests run in the background of a shell; killed at the
    end, whatever became of the test."""
    hears = {"preexec_fn": _hear_ctrl_c} if os.name == "posix" else {}
    with subprocess.Popen(command, **hears, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# -- looked for --------------------------------------------------------------------------------------------------------


class Process(NamedTuple):
    """A process; a zombie has ended and waits for its parent to notice."""

    pid: int
    zombie: bool
    parent: int
    group: int
    session: int


def _shown(pid: int) -> Process | None:
    """The process with this number; None if it is no more."""
    with contextlib.suppress(OSError):
        # The name in brackets may hold anything, brackets too.
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2]
        state, parent, group, session, *_ = stat.split()
        return Process(pid, state in "ZX", int(parent), int(group), int(session))
    return None


def process(pid: int) -> Process | None:
    """The process with this number; None if it is no more, or only waits for its parent to notice."""
    found = _shown(pid)
    return None if found is None or found.zombie else found


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


def session(pid: int) -> set[int]:
    """The processes of a session."""
    return {one.pid for one in processes() if one.session == pid}


def unreaped() -> set[int]:
    """The children of this process that have ended, and that nobody has waited for."""
    shown = [found for pid in pids() if (found := _shown(pid)) is not None]
    return {one.pid for one in shown if one.zombie and one.parent == os.getpid()}
