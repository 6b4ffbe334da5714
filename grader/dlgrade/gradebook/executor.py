"""Has submissions graded in processes of their own, any of which may die; the seam behind which that may be elsewhere.

Whatever runs the tasks, each comes back once: with its report, or with why there is none.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import Any, Protocol

from dlgrade.errors import DlgradeError, GraderError
from dlgrade.model import Submission
from dlgrade.sandbox import launch

START_SECONDS = 180.0
"""How long a process may take to be ready; it imports what it grades with."""
TRIES = 2
"""How often a task is given to a process before it is told as a failure."""
STARTS_LIMIT = 3
"""How many processes in a row may die as they start."""
END_SECONDS = 3.0
"""How long a process that is told to end may take to end its workers."""


@dataclass(frozen=True)
class Task:
    """One submission to be graded."""

    key: str
    """A digest of all that the report follows from."""
    exercise: str
    content: str
    """A digest of the exercise's files as they were when the task was made."""
    submission: Submission
    seconds: float
    """How long it may take at all: far more than the limits of all its checks."""
    alone: bool = False
    """Whether nothing else may be graded beside it, since it is timed."""


@dataclass(frozen=True)
class Failure:
    """Why a task has no report, in a sentence. It is never the submission's fault."""

    why: str


Answer = str | Failure
"""A report as JSON, or why there is none."""


class Executor(Protocol):
    """Whatever has tasks done."""

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Answer]]:
        """Do tasks; each comes back once, in any order. Whoever closes the iterator early ends what is under way.

        Raises:
            DlgradeError: if none can be done here.
        """
        ...


Work = Callable[[Task], str]
Make = Callable[[], AbstractContextManager[Work]]
"""Makes, inside a process, what does its tasks."""


class Processes:
    """An executor of processes on this machine.

    One that dies, or takes too long over a task, is replaced. Its task is tried once more, then told as a failure.

    Args:
        make: makes what does the tasks; it is pickled.
        jobs: how many processes there are at most.
    """

    def __init__(self, make: Make, jobs: int) -> None:
        self._make = make
        self._jobs = jobs

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Answer]]:
        """Do tasks; each comes back once.

        Raises:
            DlgradeError: if what does the tasks cannot be made, or processes die as they start.
        """
        run = _Run(self._make, self._jobs, tasks)
        try:
            while run.goes_on():
                # What is free is given more to do before anybody looks at what is done.
                yield from run.step()
        except BaseException:
            run.end(patient=False)
            raise
        run.end(patient=True)


@dataclass(eq=False)
class _Process:
    """A process that grades. `until`: when it has to have said something."""

    process: Any
    pipe: connection.Connection
    until: float
    ready: bool = False
    task: Task | None = None
    known: set[str] = field(default_factory=set)
    """The exercises whose inputs it has drawn."""

    def died(self) -> str:
        """How it ended, as the end of a sentence."""
        self.process.join(END_SECONDS)
        code = self.process.exitcode
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"was killed by {signal.Signals(-code).name}"
        return f"ended by itself (exit code {code})"

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Taker(Protocol):
    """What takes tasks, one at a time. `known`: the exercises whose inputs it has drawn."""

    task: Task | None
    known: set[str]


class Waiting:
    """The tasks that nobody has taken yet, by exercise."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._together: dict[str, deque[Task]] = {}
        self._alone: deque[Task] = deque()
        for task in tasks:
            self.put(task)

    def __len__(self) -> int:
        return sum(map(len, self._together.values())) + len(self._alone)

    def put(self, task: Task, *, first: bool = False) -> None:
        """Add a task, or put one back to the front."""
        line = self._alone if task.alone else self._together.setdefault(task.exercise, deque())
        if first:
            line.appendleft(task)
        else:
            line.append(task)

    def take(self, one: Taker, others: Iterable[Taker]) -> Task | None:
        """The next task for a process.

        It stays with an exercise whose inputs it has drawn; next comes one that no other has, the largest first.
        """
        others = list(others)
        if self._together:
            elsewhere = set().union(*(other.known for other in others))
            exercise = max(
                self._together,
                key=lambda name: (name in one.known, name not in elsewhere, len(self._together[name])),
            )
            task = self._together[exercise].popleft()
            if not self._together[exercise]:
                del self._together[exercise]
            return task
        if self._alone and all(other.task is None for other in others):
            return self._alone.popleft()
        return None


class _Run:
    """One run of tasks through processes."""

    def __init__(self, make: Make, jobs: int, tasks: Sequence[Task]) -> None:
        self._make = make
        self._jobs = max(1, jobs)
        self._waiting = Waiting(tasks)
        self._processes: list[_Process] = []
        self._tries: dict[int, int] = {}
        self._died_at_start = 0

    def goes_on(self) -> bool:
        return bool(self._waiting) or any(one.task is not None for one in self._processes)

    def step(self) -> list[tuple[Task, Answer]]:
        """Give out tasks, wait until something happens, and say what was done."""
        self._hire()
        self._give()
        answers: list[tuple[Task, Answer]] = []
        waits = [one.until for one in self._processes if one.task is not None or not one.ready]
        left = max(0.0, min(waits) - time.monotonic()) if waits else 0.0
        heard = connection.wait([one.pipe for one in self._processes], left)
        for one in list(self._processes):
            if one.pipe in heard:
                answers += self._hear(one)
            elif (one.task is not None or not one.ready) and time.monotonic() >= one.until:
                answers += self._late(one)
        self._hire()
        self._give()
        return answers

    def _hire(self) -> None:
        busy = sum(one.task is not None for one in self._processes)
        while len(self._processes) < min(self._jobs, busy + len(self._waiting)):
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs, self._make), name="dlgrade grade", daemon=True)
            try:
                process.start()
            except OSError as error:
                ours.close()
                raise GraderError(f"A process that grades could not be started: {error.strerror}.") from error
            finally:
                theirs.close()
            self._processes.append(_Process(process, ours, time.monotonic() + START_SECONDS))

    def _give(self) -> None:
        for one in self._processes:
            if not one.ready or one.task is not None:
                continue
            task = self._waiting.take(one, (other for other in self._processes if other is not one))
            if task is None:
                continue
            one.task, one.until = task, time.monotonic() + task.seconds
            one.known.add(task.exercise)
            # One that has just died is heard of when it is listened to.
            with contextlib.suppress(OSError):
                one.pipe.send(task)

    def _hear(self, one: _Process) -> list[tuple[Task, Answer]]:
        try:
            kind, said = one.pipe.recv()
        except (EOFError, OSError):
            return self._gone(one, one.died())
        if kind == "refused":
            raise said
        if kind == "ready":
            one.ready, self._died_at_start = True, 0
            return []
        task, one.task = one.task, None
        assert task is not None
        return [(task, said)] if kind == "done" else self._failed(task, said)

    def _late(self, one: _Process) -> list[tuple[Task, Answer]]:
        seconds = START_SECONDS if one.task is None else one.task.seconds
        return self._gone(one, f"did not finish within {seconds:.0f} s")

    def _gone(self, one: _Process, why: str) -> list[tuple[Task, Answer]]:
        """A process is no more, or has to go."""
        _terminate([one])
        self._processes.remove(one)
        if not one.ready:
            self._died_at_start += 1
            if self._died_at_start >= STARTS_LIMIT:
                raise GraderError(
                    f"No process can be had that grades: {STARTS_LIMIT} in a row did not start. The last one {why}."
                )
        return [] if one.task is None else self._failed(one.task, f"The process that graded it {why}.")

    def _failed(self, task: Task, why: str) -> list[tuple[Task, Answer]]:
        tries = self._tries[id(task)] = self._tries.get(id(task), 0) + 1
        if tries < TRIES:
            self._waiting.put(task, first=True)
            return []
        return [(task, Failure(why))]

    def end(self, *, patient: bool) -> None:
        """End all processes: those that have nothing to do are told so, any others are terminated."""
        if patient:
            for one in self._processes:
                with contextlib.suppress(OSError):
                    one.pipe.send(None)
            until = time.monotonic() + END_SECONDS
            for one in self._processes:
                one.process.join(max(0.0, until - time.monotonic()))
        _terminate(self._processes)
        self._processes = []


def _terminate(processes: Sequence[_Process]) -> None:
    """End processes with their workers, all at once; those that do not hear are killed."""
    for one in processes:
        one.process.terminate()
    until = time.monotonic() + END_SECONDS
    for one in processes:
        one.process.join(max(0.0, until - time.monotonic()))
        one.kill()


# -- inside a process --------------------------------------------------------------------------------------------------


def serve(pipe: connection.Connection, make: Make, giver: int | None = None) -> None:
    """Do tasks until there are no more, or whoever gave them is gone.

    Args:
        pipe: where tasks come from and answers go.
        make: makes what does them.
        giver: what is ready to be read once whoever gives the tasks is gone; that process's own sentinel if None.
    """
    # Ctrl-C reaches every process of a terminal; here the one that gives out the tasks decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    sys.unraisablehook = _swallowed
    launch.end_with(giver, before=_unwind)
    launch.adopt_strays()  # whatever is started here, only a submission can have started
    try:
        with make() as work:
            pipe.send(("ready", None))
            while (task := pipe.recv()) is not None:
                pipe.send(_done(work, task))
    except DlgradeError as error:
        pipe.send(("refused", error))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _done(work: Work, task: Task) -> tuple[str, Any]:
    try:
        return "done", work(task)
    except Exception as error:
        said = str(error) if isinstance(error, DlgradeError) else f"{type(error).__name__}: {error}"
        return "failed", said


def _leave(number: int, frame: object) -> None:
    """Unwind, so that workers are ended on the way."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _swallowed(what: sys.UnraisableHookArgs) -> None:
    """To leave may strike where nothing can be unwound, as while garbage is collected: then a moment later, again."""
    if not isinstance(what.exc_value, SystemExit):
        sys.__unraisablehook__(what)
        return
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_insist, daemon=True).start()


def _insist() -> None:
    """Tell the main thread to leave until it does: told just before it begins to wait, it would not hear."""
    while signal.getsignal(signal.SIGTERM) is _leave:
        time.sleep(0.05)
        _interrupt()


def _interrupt() -> None:
    """Tell the main thread to leave, wherever it waits; a signal to the process may reach another thread."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGTERM)


def _unwind() -> None:
    """Let the main thread leave, and give it the time to end its workers."""
    _interrupt()
    if hasattr(signal, "pthread_kill"):
        time.sleep(END_SECONDS)
