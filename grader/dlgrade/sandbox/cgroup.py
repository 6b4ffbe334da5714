"""Limits on a whole worker by cgroup v2, where the system delegates one: memory that is really used, tasks.

A limit on address space is always there; this one besides counts pages, those of memory files too, and the kernel says
whether it was the one that killed. It needs a cgroup that is delegated to this process, as `systemd-run --user --scope
-p Delegate=yes` makes one; where there is none, nothing is missing that the level promises.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
TASKS_LIMIT = 512
_CONTROLLERS = "+memory +pids"


@dataclass
class Group:
    """The cgroup of one worker."""

    folder: Path

    def add(self, pid: int) -> None:
        """Put a process into it.

        Raises:
            OSError: if the system refuses.
        """
        (self.folder / "cgroup.procs").write_text(str(pid))

    def ran_out(self) -> bool:
        """Whether a process in it was killed for its memory."""
        with contextlib.suppress(OSError, ValueError):
            for line in (self.folder / "memory.events").read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count) > 0
        return False

    def remove(self) -> None:
        """End whatever is in it, and remove it."""
        with contextlib.suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1")
        with contextlib.suppress(OSError):
            self.folder.rmdir()


@dataclass
class Groups:
    """Makes cgroups for workers below one that is delegated to this process."""

    folder: Path
    _made: int = 0

    def new(self, memory: int) -> Group:
        """A cgroup with a limit on its memory, swap included, and on its tasks.

        Raises:
            OSError: if the system refuses.
        """
        self._made += 1
        folder = self.folder / f"worker-{os.getpid()}-{self._made}"
        folder.mkdir()
        for name, text in (("memory.max", str(memory)), ("memory.swap.max", "0"), ("pids.max", str(TASKS_LIMIT))):
            try:
                (folder / name).write_text(text)
            except OSError:
                if name != "memory.swap.max":  # a kernel without swap accounting has none
                    folder.rmdir()
                    raise
        return Group(folder)


def delegated(mount: Path = MOUNT, own: Path = Path("/proc/self/cgroup")) -> Groups | None:
    """Where this process may make cgroups; None where it may not.

    A cgroup that holds processes cannot limit those below it, so this process moves into one of its own first.

    Args:
        mount: where cgroup v2 is mounted.
        own: the file that says in which cgroup this process is.
    """
    with contextlib.suppress(OSError):
        # `0::/path` is the line of version 2; the files of version 1 lie elsewhere.
        paths = [line[3:] for line in own.read_text().splitlines() if line.startswith("0::")]
        if not paths:
            return None
        here = mount / paths[0].lstrip("/")
        if here.name == "grader":  # another run of this process has moved it already
            here = here.parent
        controllers = (here / "cgroup.controllers").read_text().split()
        if not {"memory", "pids"} <= set(controllers) or not os.access(here / "cgroup.procs", os.W_OK):
            return None
        if not {"memory", "pids"} <= set((here / "cgroup.subtree_control").read_text().split()):
            leaf = here / "grader"
            leaf.mkdir(exist_ok=True)
            (leaf / "cgroup.procs").write_text(str(os.getpid()))
            (here / "cgroup.subtree_control").write_text(_CONTROLLERS)
        return Groups(here)
    return None
