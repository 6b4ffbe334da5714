"""Starts worker processes and ends them, with all that they started. Imports nothing heavy: it runs first."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dlgrade.errors import GraderError

END_SECONDS = 1.0
"""How long a process that was told to end may take."""
MEMORY_LIMIT = 2 << 30
"""Bytes of memory of its own that a worker may take."""

FRAMEWORKS: dict[str, tuple[str, ...]] = {"numpy": ("numpy",), "torch": ("numpy", "torch")}
"""What a worker may import besides the standard library, by the exercise's framework."""
_ADDRESSES = {"torch": 8 << 30}
"""Bytes of address space, where a framework's own libraries take much of it."""

_WORKER = Path(__file__).with_name("worker.py")
_TOKEN = "DLGRADE_WORKER"


class Running(Protocol):
    """A worker that runs, wherever it came from."""

    @property
    def isolation(self) -> str:
        """The level that it is confined at."""
        ...

    @property
    def pid(self) -> int:
        """Its process number as the grader sees it; not positive once it has ended."""
        ...

    @property
    def sock(self) -> socket.socket:
        """Where frames go to and come from."""
        ...

    @property
    def output(self) -> Any:
        """The stream of its prints."""
        ...

    def cpu_seconds(self) -> float | None:
        """The processor time that it has used so far, read from outside; None where it cannot be."""
        ...

    def wait(self, timeout: float) -> int | None:
        """Its exit status, minus the signal that killed it; None if it goes on for that many seconds."""
        ...

    def out_of_memory(self) -> bool:
        """Whether the system killed it for its memory."""
        ...

    def end(self) -> int | None:
        """Kill it and everything that it started, and remove what it left; its exit status."""
        ...


def cpu_seconds_of(pid: int) -> float | None:
    """The processor time that a process has used so far; None where it cannot be read."""
    if sys.platform != "linux":
        return None
    try:
        # The kernel's clock id for the processor time of another process: see clock_getcpuclockid(3).
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


@dataclass
class Process:
    """A worker that was spawned: its socket, the pipe that its prints come out of, and its scratch folder."""

    popen: subprocess.Popen[bytes]
    sock: socket.socket
    scratch: str
    token: str
    isolation: str = "process"
    _ended: bool = False

    @property
    def pid(self) -> int:
        """Its process number as the grader sees it; not positive once it has ended."""
        return self.popen.pid if self.popen.returncode is None else 0

    @property
    def output(self) -> Any:
        """The stream of its prints."""
        return self.popen.stdout

    def cpu_seconds(self) -> float | None:
        """The processor time that it has used so far, read from outside; None where it cannot be."""
        return cpu_seconds_of(self.popen.pid)

    def wait(self, timeout: float) -> int | None:
        """Its exit status, minus the signal that killed it; None if it goes on for that many seconds."""
        if self.popen.returncode is None:
            if not _ends_within(self.popen, timeout):
                return None
            self._reap()
        return self.popen.returncode

    def _reap(self) -> None:
        """Kill its group, then reap it: until it is reaped, no other group can have its number."""
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.kill()  # whoever has ended by itself keeps the status that it ended with
        self.popen.wait()

    def out_of_memory(self) -> bool:
        """Whether the system killed it for its memory, which nobody can say here."""
        return False

    def end(self) -> int | None:
        """Kill the worker and everything that it started, remove its scratch folder; its exit status. Ended once, it
        is left alone: its number may be another's by then."""
        if self._ended:
            return self.popen.returncode
        self._ended = True
        if self.popen.returncode is None:
            self._reap()
        self.sock.close()
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        LEADERS.discard(self.popen.pid)
        _end_strays(self.token)
        remove(Path(self.scratch))
        return self.popen.returncode


def _ends_within(popen: subprocess.Popen[bytes], timeout: float) -> bool:
    """Whether a process ends within so many seconds; where the system can tell, it is not reaped."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError), os.fdopen(os.pidfd_open(popen.pid), "rb") as ended:
            return bool(select.select([ended], [], [], timeout)[0])
    try:
        popen.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


def remove(scratch: Path) -> None:
    """Remove a folder that a submission wrote to, however deep it is and whatever modes it has."""
    found = [scratch]
    with contextlib.suppress(OSError):
        scratch.chmod(0o700)
    for folder in found:
        for path in list(folder.iterdir()) if folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if path.is_symlink() or not path.is_dir():
                    path.unlink()
                    continue
                path.chmod(0o700)
                # To the top, so that no path grows too long and nothing here needs a deep stack.
                found.append(path.rename(scratch / secrets.token_hex(16)))
    for folder in reversed(found):
        with contextlib.suppress(OSError):
            folder.rmdir()


LEADERS: set[int] = set()
"""The processes that we started in sessions of their own, and that have not ended."""
_adopting = False


def adopt_strays(adopt: bool = True) -> None:
    """Become the parent of whatever workers leave behind, so that it is found whatever it has shed; or be it no more.

    Only for a process all of whose children are of this package: what lives in a session that nobody here began is
    taken for a stray. Where the system cannot do it, a stray is known by its environment alone.
    """
    global _adopting
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(AttributeError, OSError):
        _adopting = ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0) == 0 and adopt


_SET_CHILD_SUBREAPER = 36


def _end_strays(token: str) -> None:
    """Kill what left the worker's process group: it still carries the worker's environment, or has become our child."""
    mark = f"{_TOKEN}={token}".encode()
    proc = Path("/proc")
    if sys.platform != "linux" or not proc.is_dir():
        return
    known = {os.getsid(0), *LEADERS}
    for _ in range(20):  # a stray may fork while we look
        found = False
        for entry in proc.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    state, parent, _, session = _stat(entry)[:4]
                    adopted = _adopting and int(parent) == os.getpid() and int(session) not in known
                    if adopted and state == "Z":
                        os.waitpid(int(entry.name), os.WNOHANG)
                    elif state != "Z" and (adopted or mark in (entry / "environ").read_bytes()):
                        found = True
                        os.kill(int(entry.name), signal.SIGKILL)
        if not found:
            return


def _stat(entry: Path) -> list[str]:
    """The fields of a process's stat from its state on: see proc_pid_stat(5)."""
    return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()


def threads_of(pid: int) -> int:
    """How many threads a process has; 0 where that cannot be read."""
    try:
        return int(_stat(Path("/proc", str(pid)))[17])
    except (OSError, ValueError, IndexError):
        return 0


def address_space(framework: str, device: str = "cpu") -> int:
    """Bytes of address space that a worker may take; 0 for any number: a GPU maps far more than there is memory."""
    return _ADDRESSES.get(framework, MEMORY_LIMIT) if device == "cpu" else 0


def missing(framework: str) -> str:
    """What of a framework is not installed here, found without importing it; empty if nothing."""
    return next((name for name in FRAMEWORKS[framework] if importlib.util.find_spec(name) is None), "")


def site_of(framework: str) -> Path:
    """The folder that a framework is installed in, found without importing it."""
    for name in FRAMEWORKS[framework]:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise GraderError(f"{name} is not installed here", mend=f"Install it: python -m pip install {name}")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent.parent


def start(framework: str, device: str = "cpu") -> Process:
    """Start a worker of its own that is not confined; it imports its framework while the caller goes on.

    Args:
        framework: what it imports.
        device: where it may work: its memory is limited on the CPU only.

    Raises:
        GraderError: if it cannot be started.
    """
    site = site_of(framework)
    token = secrets.token_hex(16)
    windows = sys.platform == "win32"
    ours, theirs = pair()
    try:
        scratch = scratch_folder()
    except GraderError:
        ours.close()
        theirs.close()
        raise
    try:
        popen = subprocess.Popen(
            [*python(_WORKER), str(site), str(address_space(framework, device)), *FRAMEWORKS[framework]],
            stdin=subprocess.PIPE if windows else theirs.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=scratch,
            env=environment(scratch, token) | _tie(),
            bufsize=0,
            start_new_session=not windows,
        )
        if sys.platform == "win32":
            assert popen.stdin is not None
            popen.stdin.write(theirs.share(popen.pid))
            popen.stdin.close()
    except BaseException as error:  # Ctrl-C too
        ours.close()
        remove(Path(scratch))
        if isinstance(error, OSError):
            raise GraderError(f"A worker process could not be started: {error}") from error
        raise
    finally:
        theirs.close()
    if not windows:
        LEADERS.add(popen.pid)
    return Process(popen, ours, scratch, token)


def _tie() -> dict[str, str]:
    """What lets a worker die with this process: the system ties it to the thread that starts it, which must live on."""
    return {"DLGRADE_TIED": str(os.getpid())} if threading.current_thread() is threading.main_thread() else {}


def pair(kind: int = socket.SOCK_STREAM) -> tuple[socket.socket, socket.socket]:
    """Two sockets that are connected to each other.

    Raises:
        GraderError: if this process may not open any more.
    """
    try:
        return socket.socketpair(type=kind)
    except OSError as error:
        raise GraderError(f"A worker process could not be started: {error}") from error


def scratch_folder() -> str:
    """A new empty folder.

    Raises:
        GraderError: if there is no room for one.
    """
    try:
        return tempfile.mkdtemp(prefix="dlgrade-")
    except OSError as error:
        raise GraderError(
            f"No folder could be made for a worker: {error.strerror or error}.",
            mend="Make room in the folder for temporary files, or name another: TMPDIR=DIR",
        ) from error


def end_group(leader: subprocess.Popen[bytes]) -> None:
    """Let a process end by itself, so that the system knows what those used that it waited for; then end its group.

    Args:
        leader: the process, which leads a group of its own and was told to end.
    """
    # It is not reaped before all are ended: until it is, nobody else can have its number.
    with contextlib.suppress(OSError, AttributeError), os.fdopen(os.pidfd_open(leader.pid), "rb") as ended:
        select.select([ended], [], [], END_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader.pid, signal.SIGKILL)
    leader.kill()
    leader.wait()


def keep_to(pid: int, core: int) -> bool:
    """Let a process (0: this one) run on one core only; whether the system can do that and lets us."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setaffinity(pid, {core})
        return True
    return False


@contextlib.contextmanager
def one_core() -> Iterator[int | None]:
    """Keep to the core that this process happens to be on, for its workers to be kept to; None where that cannot be.

    A grader and its worker take turns, a thousand times for a submission. On two cores each turn wakes one that sleeps,
    which costs an eighth of all processor time. Afterwards the system is free again to move this process elsewhere.
    """
    if sys.platform != "linux":
        yield None
        return
    import ctypes

    before = os.sched_getaffinity(0)
    core = int(ctypes.CDLL(None).sched_getcpu())
    try:
        yield core if core >= 0 and keep_to(0, core) else None
    finally:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, before)


def end_with(giver: int | None = None, *, before: Callable[[], None] = lambda: None) -> None:
    """Have this process end, whatever is under way, when the one that it works for is gone, however that ended.

    Args:
        giver: what is ready to be read once that one is gone; by default the sentinel of the process that started this.
        before: what is done first.
    """
    import multiprocessing
    from multiprocessing import connection

    if giver is None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        giver = parent.sentinel

    def watch() -> None:
        connection.wait([giver])
        before()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def python(script: Path) -> list[str]:
    """How a script of the other side is run: no site-packages, no user site, no script folder on the path, no bytecode
    written, nothing buffered."""
    return [sys.executable, "-S", "-s", "-P", "-B", "-u", str(script)]


def environment(scratch: str, token: str) -> dict[str, str]:
    """The environment of the other side: nothing of ours but what its libraries need.

    Args:
        scratch: the folder that it may write to.
        token: what it is known by, wherever it goes.
    """
    variables = {
        "PATH": os.defpath,
        "HOME": scratch,
        "TMPDIR": scratch,
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "VECLIB_MAXIMUM_THREADS": "1",
        _TOKEN: token,
    }
    if "SYSTEMROOT" in os.environ:  # Windows cannot open sockets without it
        variables["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return variables
