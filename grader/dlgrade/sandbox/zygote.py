"""The mother of confined workers: imports a framework once, then forks a worker for each request. Runs as a script.

It holds no secret and never runs an operation: a thread pool that an operation had started would not live in a child,
and the child would hang. It has one thread, and makes sure of it before each fork. What it forks goes under everything
that its level promises before it reads a byte of a submission, and tries the doors itself; a worker that finds one open
says so and ends.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

PRELOADED = (
    "ctypes",
    "fcntl",
    "bz2",
    "lzma",
    "zlib",
    "hashlib",
    "decimal",
    "random",
    "inspect",
    "traceback",
    "tracemalloc",
)
"""Modules whose shared libraries a worker could not load later, or that every worker imports."""
BROKEN = 71
"""The exit status of a worker that could not be confined."""


def _worker() -> Any:
    """The module `worker`, which lies beside this file, loaded without the package around it."""
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        return importlib.import_module("worker")
    finally:
        del sys.path[0]


class Zygote:
    """Forks workers on request, and tells how each one ended.

    Args:
        control: where requests come from: one JSON object a message, with the worker's socket and pipe.
        level: `strict` or `landlock`.
        memory: bytes of address space that a worker may take.
        names: the framework's modules.
        site: the folder that they are installed in.
        without: layers that are left out, by tests only.
    """

    def __init__(
        self, control: socket.socket, level: str, memory: int, names: list[str], site: str, without: Collection[str]
    ) -> None:
        self.control = control
        self.level = level
        self.memory = memory
        self.names = names
        self.site = site
        self.without = frozenset(without)
        self.children: dict[int, int] = {}
        self.worker = _worker()
        self.confine = self.worker.beside("confine")
        self.seccomp = self.worker.beside("seccomp")
        for name in PRELOADED:
            __import__(name)
        self.worker.import_framework(names, site)
        sys.modules["numpy"].random  # noqa: B018 -- imported when it is asked for, and each worker asks for it
        self.codec = self.worker.beside("wire")
        self.measure = self.worker.beside("measure")
        self.tensors = self.worker.beside("tensors") if "torch" in names else None
        if self.tensors is not None:
            self.tensors.know_processor()
        self.namespaces: Any = None
        self.rules: int | None = None

    def enclose(self) -> None:
        """Go into what all workers share: at `strict` the namespaces and the root; the rules of landlock are made.

        Raises:
            OSError: if the kernel refuses.
        """
        confine = self.confine
        os.close(os.pidfd_open(os.getpid()))  # without such handles nobody could end a worker for sure
        readable, masked = confine.readable_paths(self.names, self.site)
        if "landlock" not in self.without:
            confine.landlock_version()
        if self.level == "strict":
            confine.enter_namespaces(self.without)
            if "pid" not in self.without:
                self._become_first()
                self.namespaces = confine.ProcessNamespaces()
        # Opened while there is a /proc to open it in.
        self.tasks = os.open("/proc/self/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if self.level == "strict" and "root" not in self.without:
            confine.enter_root(readable, masked, Path(os.environ["TMPDIR"]))
        os.chdir("/")
        if "landlock" not in self.without:
            self.rules = confine.landlock_rules(readable, masked)
        if "seccomp" not in self.without:
            self.seccomp.machine()
        gc.collect()
        gc.freeze()

    def _become_first(self) -> None:
        """Go on in a child, the first process of a new process namespace: when it ends, so does all below it."""
        child = os.fork()
        if child:
            self.control.close()
            _, status = os.waitpid(child, 0)
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
        self.confine.die_with_parent()

    def serve(self) -> None:
        """Answer requests until the grader hangs up."""
        self.say({"ready": True})
        wake, waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self.control.fileno(), wake], [], [])
            if wake in ready:
                os.read(wake, 4096)
                self.reap()
            if self.control.fileno() in ready:
                data, descriptors, _, _ = socket.recv_fds(self.control, 4096, 4)
                if not data:
                    return
                self.fork(json.loads(data)["fork"], descriptors)

    def say(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        """Tell the grader something."""
        socket.send_fds(self.control, [json.dumps(message).encode()], descriptors)

    def reap(self) -> None:
        """Tell how each worker ended that did."""
        while self.children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.children:
                with contextlib.suppress(OSError):
                    self.say({"ended": self.children.pop(pid), "status": os.waitstatus_to_exitcode(status)})

    def fork(self, number: int, descriptors: list[int]) -> None:
        """Fork a worker that serves this socket and prints to this pipe."""
        tasks = len(os.listdir(self.tasks))  # noqa: PTH208 -- a descriptor
        try:
            if tasks != 1:
                raise OSError(errno.EBUSY, f"the zygote has {tasks} threads, and a worker would inherit their locks")
            if self.namespaces is not None:
                self.namespaces.next()
            pid = os.fork()
        except OSError as error:
            for descriptor in descriptors:
                os.close(descriptor)
            self.say({"refused": number, "why": str(error)})
            return
        if pid == 0:
            self.be_a_worker(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self.children[pid] = number
        handle = os.pidfd_open(pid)
        try:
            self.say({"forked": number}, (handle,))
        finally:
            os.close(handle)

    def be_a_worker(self, channel: int, prints: int) -> None:
        """Shed everything, try the doors, serve; never returns."""
        status = BROKEN
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            os.dup2(prints, 1)
            os.dup2(prints, 2)
            held = os.dup2(channel, 63)
            rules = os.dup2(self.rules, 62) if self.rules is not None else None
            self.confine.close_all_but([0, 1, 2, held, *([] if rules is None else [rules])])
            sock = socket.socket(fileno=held)  # now: it asks the kernel what kind of socket it is
            self.shed(rules)
            found = self.open_door()
            if found:
                print(f"This worker was to be confined at the level {self.level}, but {found}.")
                os._exit(BROKEN)
            line = self.codec.Channel(sock)
            line.send(self.codec.READY, 0, {})
            status = 0
            with contextlib.suppress(self.codec.Closed):
                self.worker.Worker(self.codec, self.measure.MEASURES, line, self.tensors).serve()
        except BaseException as error:
            if status == BROKEN:
                print(f"A worker could not be confined: {type(error).__name__}: {error}")
        finally:
            os._exit(status)

    def shed(self, rules: int | None) -> None:
        """Give up whatever the level says; in this order, since each step needs what the later ones take away."""
        confine, without = self.confine, self.without
        if self.level == "landlock" and "deathsig" not in without:
            confine.die_with_parent()
        if "limits" not in without:
            confine.limit(self.worker.limits(self.memory))
        if "capabilities" not in without:
            confine.drop_capabilities()
        if rules is not None:
            confine.enter_landlock(rules)
            os.close(rules)
        self.worker.refuse(self.names, self.site)
        if "seccomp" not in without:
            self.seccomp.install(self.seccomp.program(self.seccomp.machine(), os.getpid()))

    def open_door(self) -> str:
        """What can be done that the level forbids; empty if nothing can."""
        without = self.without
        if "seccomp" not in without:
            with contextlib.suppress(PermissionError):
                socket.socket().close()
                return "a socket could be made"
            with contextlib.suppress(PermissionError):
                os.kill(os.getpid(), 0)
                return "a signal could be sent"
        if "landlock" not in without:
            with contextlib.suppress(PermissionError):
                next(Path("/").iterdir(), None)
                return "the root folder could be listed"
        if self.level == "strict" and "root" not in without and Path("/etc").exists():
            return "the machine's own root folder is there"
        if self.level == "strict" and "pid" not in without and os.getpid() != 1:
            return "it is not alone in its process namespace"
        if "limits" not in without:
            import resource

            if resource.getrlimit(resource.RLIMIT_AS) != (self.memory, self.memory):
                return "its memory is not limited"
        return ""


def main() -> None:
    """Take the control socket, import, go inside, serve."""
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    site, memory, level, without, *names = sys.argv[1:]
    zygote = Zygote(control, level, int(memory), names, site, [layer for layer in without.split(",") if layer])
    zygote.confine.die_with_parent()
    try:
        zygote.enclose()
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        zygote.say({"failed": what})
        return
    zygote.serve()


if __name__ == "__main__":
    main()
