"""Workers that a zygote forks: confined, and ready in milliseconds. The trusted end of the zygote's control socket."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlgrade.errors import GraderError
from dlgrade.sandbox import launch
from dlgrade.sandbox.cgroup import Group, delegated

READY_SECONDS = 60.0
"""How long a zygote may take to import its framework."""
FORK_SECONDS = 20.0
TOLD_SECONDS = 20.0
"""How long a zygote may take to say how a worker ended that has."""
FORKS_LIMIT = 500
"""How many workers one zygote forks before it is replaced."""

_ZYGOTE = Path(__file__).with_name("zygote.py")


class Unconfined(GraderError):
    """A level of isolation cannot be had here; the message says which step the kernel refused."""


@dataclass
class Forked:
    """A worker that a zygote forked.

    Args:
        zygote: the zygote.
        number: its number there.
        handle: the kernel's own handle of the process, which no other process can ever take.
        sock: where frames go to and come from.
        output: the stream of its prints.
    """

    zygote: Zygote
    number: int
    handle: int
    sock: socket.socket
    output: Any
    group: Group | None = None
    _pid: int | None = field(default=None)
    _status: int | None = field(default=None)

    @property
    def isolation(self) -> str:
        """The level that it is confined at."""
        return self.zygote.level

    def cpu_seconds(self) -> float | None:
        """The processor time that it has used so far, read from outside."""
        return launch.cpu_seconds_of(self.pid) if self.pid > 0 else None

    @property
    def pid(self) -> int:
        """Its process number as the grader sees it; not positive once it has ended."""
        if self.output.closed:
            return 0
        if self._pid is None:
            told = Path(f"/proc/self/fdinfo/{self.handle}").read_text()
            self._pid = int(told.partition("Pid:")[2].split()[0])
        return self._pid

    def wait(self, timeout: float) -> int | None:
        """Its exit status, minus the signal that killed it; None if it goes on for that many seconds."""
        status = self.zygote.status_of(self.number, timeout)
        if status is None and select.select([self.handle], [], [], 0)[0]:
            # It has ended: on a busy machine its zygote only needs time to say how.
            status = self.zygote.status_of(self.number, TOLD_SECONDS)
        return status

    def out_of_memory(self) -> bool:
        """Whether the system killed it for its memory."""
        return self.group is not None and self.group.ran_out()

    def end(self) -> int | None:
        """Kill it; its exit status. At both levels it cannot have started anything that outlives it."""
        if self.output.closed:
            return self._status
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        self._status = self.wait(5.0)
        self.sock.close()
        self.output.close()
        os.close(self.handle)
        if self.group is not None:
            self.group.remove()
        self.zygote.forget(self.number)
        return self._status


class Zygote:
    """A process that imported a framework and forks confined workers.

    Args:
        framework: what it imports.
        level: `strict` or `landlock`.
        memory: bytes of address space that a worker may take; by default as many as its framework needs.
        without: layers that are left out: for tests that show what each is for.

    Raises:
        Unconfined: if the level cannot be had here.
        GraderError: if it does not start for another reason.
    """

    def __init__(
        self,
        framework: str,
        level: str,
        *,
        memory: int | None = None,
        without: Collection[str] = (),
    ) -> None:
        self.level = level
        self.forks = 0
        self._memory = memory or launch.address_space(framework)
        self._groups = delegated()
        self._ended: dict[int, int] = {}
        self._handles: dict[int, int] = {}
        self._refused: dict[int, str] = {}
        site = launch.site_of(framework)
        self._scratch = launch.scratch_folder()
        try:
            self._control, theirs = launch.pair(socket.SOCK_SEQPACKET)
        except GraderError:
            launch.remove(Path(self._scratch))
            raise
        options = [str(site), str(self._memory), level, ",".join(without), *launch.FRAMEWORKS[framework]]
        try:
            self._popen = subprocess.Popen(
                [*launch.python(_ZYGOTE), *options],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=launch.environment(self._scratch, secrets.token_hex(16)),
                start_new_session=True,
            )
            launch.LEADERS.add(self._popen.pid)
        except BaseException as error:  # Ctrl-C too
            self._control.close()
            launch.remove(Path(self._scratch))
            if isinstance(error, OSError):
                raise GraderError(f"A zygote could not be started: {error}") from error
            raise
        finally:
            theirs.close()

    def worker(self) -> Forked:
        """Fork a worker.

        Raises:
            Unconfined: if the level cannot be had here.
            GraderError: if there is none.
        """
        self._until_ready()
        number, self.forks = self.forks, self.forks + 1
        with contextlib.ExitStack() as kept, contextlib.ExitStack() as given:
            ours, theirs = launch.pair()
            kept.enter_context(ours)
            given.enter_context(theirs)
            try:
                reading, writing = os.pipe2(os.O_CLOEXEC)
            except OSError as error:
                raise GraderError(f"A worker could not be forked: {error}") from error
            output = kept.enter_context(os.fdopen(reading, "rb", buffering=0))
            given.callback(os.close, writing)
            try:
                socket.send_fds(self._control, [json.dumps({"fork": number}).encode()], [theirs.fileno(), writing])
            except OSError:
                raise self._dead() from None
            given.close()
            deadline = time.monotonic() + FORK_SECONDS
            while number not in self._handles and number not in self._refused:
                if not self._hear(deadline):
                    raise self._dead()
            if number in self._refused:
                raise GraderError(f"A worker could not be forked: {self._refused.pop(number)}.")
            kept.pop_all()
        forked = Forked(self, number, self._handles[number], ours, output)
        if self._groups is not None:
            # It has read nothing of a submission yet: it waits for the grader to speak.
            with contextlib.suppress(OSError):
                forked.group = self._groups.new(self._memory)
                forked.group.add(forked.pid)
        return forked

    def status_of(self, number: int, timeout: float) -> int | None:
        """How a worker ended; None if it goes on for that many seconds."""
        deadline = time.monotonic() + timeout
        while number not in self._ended:
            if not self._hear(deadline):
                return None
        return self._ended[number]

    def forget(self, number: int) -> None:
        """Keep nothing of a worker that has ended."""
        self._ended.pop(number, None)
        self._handles.pop(number, None)

    def close(self) -> None:
        """End the zygote, and with it every worker; whatever has been ended is left alone."""
        if self._closed:
            return
        self._closed = True
        self._control.close()
        launch.end_group(self._popen)
        launch.LEADERS.discard(self._popen.pid)
        if self._popen.stdout is not None:
            self._popen.stdout.close()
        launch.remove(Path(self._scratch))

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it says --------------------------------------------------------------------------------------------------

    _ready = False
    _closed = False

    def _until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready:
            if not self._hear(deadline):
                raise self._dead()

    def _hear(self, deadline: float) -> bool:
        """Take one message; False if none came in time, or the zygote is gone."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._control], [], [], left)[0]:
            return False
        data, handles, _, _ = socket.recv_fds(self._control, 4096, 1)
        if not data:
            return False
        message = json.loads(data)
        if "ready" in message:
            self._ready = True
        elif "failed" in message:
            self.close()
            raise Unconfined(f"The level {self.level} cannot be had here: {message['failed']}.")
        elif "forked" in message:
            os.set_inheritable(handles[0], False)
            self._handles[message["forked"]] = handles[0]
        elif "refused" in message:
            self._refused[message["refused"]] = message["why"]
        elif "ended" in message:
            self._ended[message["ended"]] = message["status"]
        return True

    def _dead(self) -> GraderError:
        self._popen.kill()
        said = self._popen.stdout.read(4000).decode("utf-8", "replace").strip() if self._popen.stdout else ""
        return GraderError("A zygote does not answer.", mend=f"What it said:\n{said}" if said else "It said nothing.")


class Nursery:
    """The zygote of one framework and level, replaced when it has forked enough.

    Args:
        framework, level, options: as Zygote takes them.
    """

    def __init__(self, framework: str, level: str, **options: Any) -> None:
        self._make: Callable[[], Zygote] = lambda: Zygote(framework, level, **options)
        self._zygote = self._make()
        self._retired: list[Zygote] = []

    def worker(self) -> Forked:
        """Fork a worker, of a new zygote if it is time.

        Raises:
            GraderError: if there is none.
        """
        if self._zygote.forks >= FORKS_LIMIT:
            self._retired.append(self._zygote)  # its last workers may still be running
            self._zygote = self._make()
        return self._zygote.worker()

    def close(self) -> None:
        """End every zygote, and with it every worker."""
        for zygote in (*self._retired, self._zygote):
            zygote.close()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
