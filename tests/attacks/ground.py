"""What attacks are after and what they may leave: laid out by the test, and looked at after each of them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import secrets
import select
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

from dlgrade.sandbox import launch
from processes import descendants, pids

ROOT = Path(__file__).parent.parent.parent


# -- the ground --------------------------------------------------------------------------------------------------------


class Ground:
    """What attacks are after, made by the test: a secret, a process, a port, a folder; and eyes on each of them.

    Args:
        base: an empty folder.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.token = f"token-{secrets.token_hex(16)}"
        self.signals = 0
        self._undo = contextlib.ExitStack()
        self._bystander: subprocess.Popen[bytes] | None = None
        self._names = {"SHM": f"dlgrade-attacks-{secrets.token_hex(8)}", "ABSTRACT": secrets.token_hex(12)}

    def __enter__(self) -> Ground:
        undo = self._undo
        scratch = self.base / "scratch"
        scratch.mkdir()
        # A parent of our own for the folders that the grader makes, so that nobody else's are taken for left behind.
        undo.enter_context(patch.object(tempfile, "tempdir", str(scratch)))
        self.secret = self.base / "secret" / "answers.txt"
        self.secret.parent.mkdir()
        self.secret.write_text(self.token)
        undo.enter_context(patch.dict(os.environ, {"GRADERS_SECRET": self.token}))
        # Open, and inheritable by mistake.
        held = undo.enter_context(self.secret.open())
        os.set_inheritable(held.fileno(), True)
        self._tcp = undo.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port = self._tcp.getsockname()[1]
        self._udp = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._udp.bind(("127.0.0.1", 0))
        self._abstract = undo.enter_context(socket.socket(socket.AF_UNIX))
        self._abstract.bind(f"\0{self._names['ABSTRACT']}")
        self._abstract.listen()
        self._path = undo.enter_context(socket.socket(socket.AF_UNIX))
        self.named_socket = f"{tempfile.mkdtemp(prefix='s', dir='/tmp')}/s"
        undo.callback(lambda: (Path(self.named_socket).unlink(), Path(self.named_socket).parent.rmdir()))
        self._path.bind(self.named_socket)
        self._path.listen()
        self.shared = Path("/dev/shm", self._names["SHM"])
        self.shared.write_text(self.token)
        undo.callback(self.shared.unlink)
        self.key = secrets.randbits(28) << 1
        self._segment = _shmget(self.key, 4096, 0o600 | 0o1000)  # IPC_CREAT
        undo.callback(lambda: _libc().shmctl(self._segment, 0, None))  # IPC_RMID
        _libc().shmat.restype = ctypes.c_void_p
        at = ctypes.c_void_p(_libc().shmat(self._segment, None, 0))
        assert at.value is not None
        ctypes.memmove(at, self.token.encode(), len(self.token))
        _libc().shmdt(at)
        before = signal.signal(signal.SIGUSR1, self._signalled)
        undo.callback(signal.signal, signal.SIGUSR1, before)
        undo.callback(self._end_bystander)
        self._hostname = socket.gethostname()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _signalled(self, *_: object) -> None:
        self.signals += 1

    def ready(self, folder: Path) -> dict[str, str]:
        """Make everything anew that the last attack may have taken; the values of the placeholders."""
        folder.mkdir(parents=True)
        self.folder = folder
        if self._bystander is None or self._bystander.poll() is not None:
            # Its initial environment is what /proc shows.
            self._bystander = subprocess.Popen(
                ["sleep", "900"], env={"SECRET": self.token}, start_new_session=True, stdin=subprocess.DEVNULL
            )
            launch.LEADERS.add(self._bystander.pid)  # no stray of a submission's
        self._bystander_was = self._state_of_bystander()
        self.marks()
        return {
            **self._names,
            "FOLDER": str(folder),
            "SECRET": str(self.secret),
            "PORT": str(self.port),
            "UDP": str(self._udp.getsockname()[1]),
            "PID": str(self._bystander.pid),
            "GRADER": str(os.getpid()),
            "KEY": str(self.key),
            "NAMED": self.named_socket,
            "SITE": str(launch.site_of("numpy")),
            "COURSE": str(ROOT / "assignments"),
        }

    def marks(self) -> list[str]:
        """What an attack has done since it was last asked, by the thing that it was done to."""
        found = [f"it wrote {path.name}" for path in sorted(self.folder.iterdir())]
        for name, listening in (("port", self._tcp), ("abstract socket", self._abstract), ("socket", self._path)):
            while select.select([listening], [], [], 0)[0]:
                listening.accept()[0].close()
                found.append(f"it connected to a {name}")
        while select.select([self._udp], [], [], 0)[0]:
            self._udp.recv(100)
            found.append("it sent a datagram")
        if self.signals:
            found.append("it sent the grader a signal")
            self.signals = 0
        if self._bystander is not None and (now := self._state_of_bystander()) != self._bystander_was:
            found.append(f"it changed another process: {self._bystander_was} became {now}")
            self._end_bystander()
        left = _shmget(self.key + 1, 0, 0)
        if left >= 0:
            found.append("it left a segment of shared memory")
            _libc().shmctl(left, 0, None)
        for path in Path("/dev/shm").glob(f"*{self._names['SHM']}?*"):
            found.append("it left a file in /dev/shm")
            path.unlink()
        if self.secret.read_text() != self.token or self.shared.read_text() != self.token:
            found.append("it changed the secret")
            self.secret.write_text(self.token)
        if socket.gethostname() != self._hostname:
            found.append("it changed the name of the machine")
        return found

    _bystander_was: str = ""
    folder = Path("/nonexistent")

    def _state_of_bystander(self) -> str:
        assert self._bystander is not None
        pid = self._bystander.pid
        if self._bystander.poll() is not None:
            return f"ended with {self._bystander.returncode}"
        status = Path(f"/proc/{pid}/status").read_text()
        # Asleep or not is chance; stopped or traced is not.
        state = re.search(r"State:\s+(\w)", status)
        tracer = re.search(r"TracerPid:\s+(\d+)", status)
        assert state is not None
        assert tracer is not None
        stopped = state[1] if state[1] in "TtZX" else "alive"
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        affinity = sorted(os.sched_getaffinity(pid))
        return f"{stopped}, traced by {tracer[1]}, limit {limits}, on {affinity}, nice {os.getpriority(0, pid)}"

    def _end_bystander(self) -> None:
        if self._bystander is not None:
            self._bystander.kill()
            self._bystander.wait()
            self._bystander = None


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _shmget(key: int, size: int, flags: int) -> int:
    found: int = _libc().shmget(ctypes.c_int(key), ctypes.c_size_t(size), ctypes.c_int(flags))
    return found


# -- what may be left --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Surroundings:
    """What the grader has around it: processes, threads, open files, and the folders that it made."""

    processes: frozenset[int]
    threads: frozenset[str]
    files: frozenset[str]
    folders: frozenset[str]

    @classmethod
    def now(cls, tokens: set[bytes]) -> Surroundings:
        """How it is at this moment.

        Args:
            tokens: what workers' environments carry.
        """
        processes = descendants() | {pid for pid in pids() if any(token in _environ(pid) for token in tokens)}
        return cls(
            frozenset(processes),
            frozenset(thread.name for thread in threading.enumerate()),
            frozenset(_open_files()),
            frozenset(os.listdir(tempfile.gettempdir())),  # noqa: PTH208 -- names
        )

    def left_since(self, before: Surroundings) -> list[str]:
        """What there is now and was not before."""
        found = [f"a process is left: {told(pid)}" for pid in sorted(self.processes - before.processes)]
        for kind in ("threads", "files", "folders"):
            found += [f"of {kind} is left: {name}" for name in sorted(getattr(self, kind) - getattr(before, kind))]
        return found


def _environ(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def told(pid: int) -> str:
    """A process's number and command."""
    with contextlib.suppress(OSError):
        return f"{pid} {Path(f'/proc/{pid}/cmdline').read_bytes()!r}"
    return str(pid)


def _open_files() -> Iterator[str]:
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            yield f"{path.name}: {path.readlink()}"
