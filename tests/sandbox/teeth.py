"""Each layer of isolation, and an attack that it alone stops: with every other layer, without it, and with it only."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dlgrade.sandbox import launch
from dlgrade.sandbox.calls import Call, Returned
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.forks import Zygote
from sandbox_targets import submission

PRELUDE = """
import ctypes, os, socket, sys, time
import numpy as np
libc = ctypes.CDLL(None, use_errno=True)

def fork():
    pid = libc.fork()  # below what Python itself watches
    if pid < 0:
        raise OSError(ctypes.get_errno(), "fork")
    return pid
"""


Achieved = Callable[[float], bool]
"""Whether an attack has succeeded; it is given so many seconds to come to nothing."""


@dataclass(frozen=True)
class Tooth:
    """A layer, and an attack that succeeds without it.

    Args:
        layer: one of confine.LAYERS.
        level: where it is tried.
        attack: what it tries, as a sentence.
        body: the body of `f(given)`; it returns "done" if it has succeeded.
        also: layers that stop it as well and are left out besides: defence in depth.
        given: what the attack is told, made anew for each try; it may look afterwards whether the attack succeeded.
    """

    layer: str
    level: str
    attack: str
    body: str
    also: tuple[str, ...] = ()
    given: Callable[[], contextlib.AbstractContextManager[tuple[Any, Achieved]]] | None = None
    framework: str = "numpy"


def succeeds(tooth: Tooth, without: tuple[str, ...]) -> bool:
    """Whether an attack succeeds where these layers are left out.

    Raises:
        Unconfined: if the level cannot be had here.
    """
    # Where the layer is, all the time it takes to stop the attack; without it, nothing comes that could.
    patience = 2.0 if tooth.layer in without else 60.0
    source = PRELUDE + "def f(given):\n" + textwrap.indent(textwrap.dedent(tooth.body).strip(), "    ") + "\n"
    with contextlib.ExitStack() as stack:
        given, achieved = stack.enter_context((tooth.given or _nothing)())
        zygote = stack.enter_context(Zygote(tooth.framework, tooth.level, without=without))
        target = stack.enter_context(WorkerTarget(submission(source), module="task", names=("f",), start=zygote.worker))
        reply = target.call_many([Call("f", (given,))], seconds=20.0)[0]
        if tooth.layer == "deathsig":
            os.killpg(zygote._popen.pid, signal.SIGKILL)  # as if by the kernel: nobody is left to end its workers
        else:
            target.close()
        return isinstance(reply, Returned) and reply.value == "done" and achieved(patience)


# -- what attacks are told ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _nothing() -> Iterator[tuple[int, Achieved]]:
    yield 0, lambda patience: True


@contextlib.contextmanager
def _secret() -> Iterator[tuple[str, Achieved]]:
    """A file that belongs to somebody else."""
    with tempfile.NamedTemporaryFile("w", prefix="grades-", suffix=".csv") as file:
        file.write("mary,100")
        file.flush()
        yield file.name, lambda patience: True


@contextlib.contextmanager
def _listener() -> Iterator[tuple[int, Achieved]]:
    """A service of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1], lambda patience: bool(select.select([server], [], [], 0)[0])


@contextlib.contextmanager
def _survivor() -> Iterator[tuple[str, Achieved]]:
    """A name for a process: whoever outlives the worker is found by it."""
    mark = f"dlgrade_tooth_{os.getpid()}_{time.monotonic_ns()}"

    def marked() -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
                    if alive and (entry / "comm").read_text().strip() == mark[-15:]:
                        found.append(int(entry.name))
        return found

    def lives_on(patience: float) -> bool:
        until = time.monotonic() + patience
        while marked() and time.monotonic() < until:
            time.sleep(0.05)
        return bool(marked())

    try:
        yield mark[-15:], lives_on
    finally:
        for pid in marked():
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def _closed() -> Iterator[tuple[str, Achieved]]:
    """A file among the framework's that its owner has closed to everybody."""
    real = launch.site_of("numpy")
    with tempfile.TemporaryDirectory() as site, pytest.MonkeyPatch.context() as patch:
        for entry in real.glob("numpy*"):
            Path(site, entry.name).symlink_to(entry)
        Path(site, "shut").mkdir()
        Path(site, "shut", "__init__.py").write_text("")
        closed = Path(site, "shut", "closed.txt")
        closed.write_text("shut", "utf-8")
        closed.chmod(0)
        patch.setitem(launch.FRAMEWORKS, "shut", ("numpy", "shut"))
        patch.setattr(launch, "site_of", lambda framework: Path(site))
        yield str(closed), lambda patience: True


_READS = """
with open(given) as file:
    return "done" if file.read() else "empty"
"""
_NAME = "libc.prctl(15, given.encode(), 0, 0, 0)"  # PR_SET_NAME

TEETH = (
    Tooth(
        "root", "strict", "sees which files there are, from their sizes to who owns them",
        "return 'done' if os.stat(given).st_size else ''", given=_secret,
    ),
    Tooth("landlock", "landlock", "reads a file of this machine", _READS, given=_secret),
    Tooth(
        "seccomp", "strict", "starts another process",
        """
        pid = fork()
        if pid == 0:
            os._exit(0)
        return "done" if os.waitpid(pid, 0)[0] == pid else ""
        """,
    ),
    Tooth(
        "seccomp", "landlock", "reaches a service of this machine through a datagram socket",
        """
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.sendto(b"x", ("127.0.0.1", 9))
        return "done"
        """,
    ),
    Tooth(
        "limits", "strict", "takes more memory than it may",
        "return 'done' if np.empty(3 << 30, dtype=np.int8).nbytes else ''",
    ),
    Tooth(
        "pid", "strict", "leaves a process behind that outlives it",
        f"""
        named, naming = os.pipe()
        if fork() == 0:
            os.setsid()
            {_NAME}
            os.write(naming, b".")
            while True:
                time.sleep(1)
        os.close(naming)
        os.read(named, 1)
        return "done"
        """,
        also=("seccomp",), given=_survivor,
    ),
    Tooth(
        "net", "strict", "connects to a service of this machine",
        """
        socket.create_connection(("127.0.0.1", given), timeout=5)
        return "done"
        """,
        also=("seccomp", "landlock"), given=_listener,
    ),
    Tooth(
        "capabilities", "landlock", "reads a file of the framework's that is closed to its user", _READS,
        given=_closed, framework="shut",
    ),
    Tooth(
        "deathsig", "landlock", "goes on when the grader is killed",
        f"""
        import threading
        {_NAME}
        threading.Thread(target=lambda: [time.sleep(1) for _ in range(60)]).start()
        return "done"
        """,
        also=("seccomp",), given=_survivor,
    ),
)  # fmt: skip
