"""Has submissions graded on other machines, by the workers of a cluster of dask.distributed.

What travels to a worker is text and the submission's bytes, and what comes back is a report as JSON text, which is
validated here. dask itself pickles and unpickles on both sides, so whoever runs the scheduler and the workers is
trusted; no submission is, since it runs in a sandbox below a worker, as it would here. A worker has a process beside
it to grade with, whose main thread is its own: dask's threads and signals never meet ours, and what kills that process
leaves the worker as it was.

The course has to lie at the same path on every machine. A worker on which anything differs that a verdict depends on
is not used, and says why.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import json
import logging
import multiprocessing
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import Any

import dlgrade
from dlgrade.course.find import find_root, open_course
from dlgrade.errors import DlgradeError, GraderError, UsageError
from dlgrade.gradebook.executor import END_SECONDS, START_SECONDS, TRIES, Answer, Failure, Task, Waiting, Work, serve
from dlgrade.gradebook.grading import LIBRARIES, Grader, Setting, code_digest, digest_of, version_of
from dlgrade.model import Submission
from dlgrade.text import visible

GPU = "GPU"
"""The resource that a worker with a GPU says that it has: `dask worker … --resources GPU=1`."""
PATIENCE = 300.0
"""Seconds to wait for a worker that can take what is left."""
CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 20.0
"""How long the scheduler may take to say which workers there are."""
LEFT_SECONDS = 900.0
"""After how long a process that nobody gives anything to is ended, once another run begins."""
LOOK_SECONDS = 0.25
"""How often it is asked."""


class Cluster:
    """An executor of the workers of a cluster.

    A worker that is gone, or that takes too long over a task, loses it to another; after that it is told as a failure.

    Args:
        address: the scheduler's, such as tcp://10.0.0.1:8786.
        setting: what all submissions are graded with.
        gpu: the exercises that only workers with a GPU take.
        say: hears of workers that cannot be used, in a sentence each.
        patience: seconds to wait for a worker that can take what is left; PATIENCE if None.

    Raises:
        UsageError: dask.distributed is not installed.
    """

    def __init__(
        self,
        address: str,
        setting: Setting,
        gpu: Collection[str] = (),
        *,
        say: Callable[[str], None] = lambda _: None,
        patience: float | None = None,
    ) -> None:
        _dask()
        self._address = address
        self._setting = setting
        self._gpu = frozenset(gpu)
        self._say = say
        self._patience = PATIENCE if patience is None else patience

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Answer]]:
        """Do tasks; each comes back once.

        Raises:
            UsageError: there is no scheduler.
            GraderError: it is gone, or no worker is left that can grade.
        """
        if not tasks:
            return
        with _connected(self._address) as client:
            run = _Run(client, self._setting, self._gpu, self._say, self._patience, tasks)
            try:
                while run.goes_on():
                    yield from run.step()
            finally:
                run.end()


def _dask() -> Any:
    """The library, which need not be there, and whose types are not told."""
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise UsageError(
            f"Grading on a cluster needs dask.distributed: {error}.",
            where="--cluster",
            mend="Install it, here and on the workers: python -m pip install 'dlgrade[cluster]'",
        ) from error


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    # What it logs of lost connections is said here, in a sentence.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = _dask().Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"No scheduler answers at {visible(address)}: {visible(str(error), limit=300)}",
            where="--cluster",
            mend="It says its address when it starts, such as tcp://10.0.0.1:8786. With tls:// it needs certificates: "
            "see course/CLUSTER.md.",
        ) from error
    try:
        yield client
    finally:
        # One whose scheduler is gone complains of that, or waits for it.
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            client.close(timeout=END_SECONDS)


@dataclass(eq=False)
class _Slot:
    """A thread of a worker. `ready` once it has been seen to be able to grade."""

    address: str
    host: str
    gpu: bool
    ready: bool = False
    future: Any = None
    until: float = 0.0
    task: Task | None = None
    known: set[str] = field(default_factory=set)


class _Run:
    """One run of tasks through a cluster."""

    def __init__(
        self,
        client: Any,
        setting: Setting,
        gpu: frozenset[str],
        say: Callable[[str], None],
        patience: float,
        tasks: Sequence[Task],
    ) -> None:
        self._client = client
        self._gpu = gpu
        self._say = say
        self._patience = patience
        self._name = secrets.token_hex(8)
        self._ours = _told(setting, {task.exercise for task in tasks}, self._name)
        self._waiting = Waiting(task for task in tasks if task.exercise not in gpu)
        self._waiting_gpu = Waiting(task for task in tasks if task.exercise in gpu)
        self._slots: list[_Slot] = []
        self._unfit: dict[str, str] = {}
        self._tries: dict[int, int] = {}
        self._looked = 0.0
        self._heard = threading.Event()
        self._some = self._some_gpu = time.monotonic()

    def goes_on(self) -> bool:
        return bool(self._waiting or self._waiting_gpu) or any(slot.task is not None for slot in self._slots)

    def step(self) -> list[tuple[Task, Answer]]:
        """Give out tasks, wait until something happens, and say what was done."""
        answers = self._look()
        self._give()
        self._heard.wait(LOOK_SECONDS)
        self._heard.clear()
        self._connected()
        now = time.monotonic()
        for slot in list(self._slots):
            if slot.future is not None and slot.future.done():
                answers += self._hear(slot)
            elif slot.future is not None and now >= slot.until:
                answers += self._gone([slot], "does not answer")
                self._retire(slot.address, "it does not answer.")
        self._give()
        return answers

    # -- who there is --------------------------------------------------------------------------------------------------

    def _look(self) -> list[tuple[Task, Answer]]:
        """See which workers there are; tasks of those that are gone are given to others."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            there = self._there()
            answers = self._gone([slot for slot in self._slots if slot.address not in there], "is gone")
            for address, worker in there.items():
                if address not in self._unfit and all(slot.address != address for slot in self._slots):
                    self._hire(address, worker)
        else:
            answers = []
        return answers + self._impatient(now)

    def _there(self) -> dict[str, Any]:
        self._connected()
        try:
            found = self._client.sync(self._client.scheduler.identity, n_workers=-1, callback_timeout=ANSWER_SECONDS)
        except (OSError, TimeoutError, RuntimeError) as error:
            raise self._lost() from error
        return {address: worker for address, worker in found["workers"].items() if worker.get("status") == "running"}

    def _connected(self) -> None:
        # dask gives up all that is under way when it loses the scheduler, even if it finds it again.
        if self._client.status != "running":
            raise self._lost()

    def _lost(self) -> GraderError:
        return GraderError(
            "The scheduler of the cluster does not answer any more. What was graded is in the gradebook.",
            where="--cluster",
            mend="Start it again, and run the same command: it grades the rest.",
        )

    def _hire(self, address: str, worker: dict[str, Any]) -> None:
        gpu = (worker.get("resources") or {}).get(GPU, 0) > 0
        for _ in range(max(1, int(worker.get("nthreads", 1)))):
            slot = _Slot(address, str(worker.get("host")), gpu)
            slot.until = time.monotonic() + START_SECONDS + ANSWER_SECONDS
            slot.future = self._submit(slot, begin, self._ours)
            self._slots.append(slot)

    def _impatient(self, now: float) -> list[tuple[Task, Answer]]:
        """What nobody has been able to take for long."""
        if any(slot.ready or slot.future is not None for slot in self._slots):
            self._some = now
        if any(slot.gpu and (slot.ready or slot.future is not None) for slot in self._slots):
            self._some_gpu = now
        if now - self._some >= self._patience:
            unfit = [f"{address}: {why}" for address, why in sorted(self._unfit.items())]
            raise GraderError(
                "\n".join(
                    [
                        f"No worker of the cluster could grade for {self._patience:.0f} s. "
                        "What was graded is in the gradebook.",
                        *map(visible, unfit[:10]),
                    ]
                ),
                where="--cluster",
                mend="Start workers, and run the same command: it grades the rest.",
            )
        if not self._waiting_gpu or now - self._some_gpu < self._patience:
            return []
        why = (
            f"No worker with a GPU could take it within {self._patience:.0f} s: start one with --resources {GPU}=1, "
            "and run the same command."
        )
        late = []
        while (task := self._waiting_gpu.take(_Slot("", "", True), ())) is not None:
            late.append(task)
        return [(task, Failure(why)) for task in late]

    # -- what they do --------------------------------------------------------------------------------------------------

    def _submit(self, slot: _Slot, function: Callable[..., str], *arguments: str | bytes, gpu: bool = False) -> Any:
        future = self._client.submit(
            function,
            *arguments,
            key=f"dlgrade-{self._name}-{secrets.token_hex(8)}",
            pure=False,
            workers=[slot.address],
            allow_other_workers=False,
            resources={GPU: 1} if gpu else None,
        )
        future.add_done_callback(lambda _: self._heard.set())
        return future

    def _give(self) -> None:
        for slot in self._slots:
            if not slot.ready or slot.task is not None:
                continue
            beside = [one for one in self._slots if one is not slot and one.host == slot.host]
            if any(one.task is not None and one.task.alone for one in beside):
                continue  # it is timed
            # What needs a GPU cannot wait for anybody else.
            task = self._waiting_gpu.take(slot, beside) if slot.gpu else None
            task = task or self._waiting.take(slot, beside)
            if task is None:
                continue
            slot.task, slot.until = task, time.monotonic() + task.seconds + START_SECONDS + ANSWER_SECONDS
            slot.known.add(task.exercise)
            said = json.dumps(
                {
                    "key": task.key,
                    "exercise": task.exercise,
                    "content": task.content,
                    "path": task.submission.path,
                    "sha256": task.submission.sha256,
                    "seconds": task.seconds,
                }
            )
            slot.future = self._submit(
                slot, graded, self._ours, said, task.submission.source, gpu=task.exercise in self._gpu
            )

    def _hear(self, slot: _Slot) -> list[tuple[Task, Answer]]:
        future, slot.future = slot.future, None
        task, slot.task = slot.task, None
        assert future is not None
        kind, said = _answer(future)
        if task is None:
            if kind == "ready":
                slot.ready = True
            else:
                self._retire(slot.address, said)
            return []
        if kind == "done":
            return [(task, said)]
        return self._failed(task, said)

    def _retire(self, address: str, why: str) -> None:
        """Use a worker no more that cannot grade."""
        if address not in self._unfit:
            self._unfit[address] = why
            self._say(f"The worker {visible(address)} is not used: {visible(why, lines=True)}")
        self._slots = [slot for slot in self._slots if slot.address != address or slot.task is not None]
        for slot in self._slots:
            slot.ready = slot.ready and slot.address != address

    def _gone(self, slots: Sequence[_Slot], how: str) -> list[tuple[Task, Answer]]:
        answers = []
        for slot in slots:
            self._slots.remove(slot)
            if slot.future is not None:
                slot.future.cancel()
            if slot.task is not None:
                answers += self._failed(slot.task, f"The worker that graded it, {slot.address}, {how}.")
        return answers

    def _failed(self, task: Task, why: str) -> list[tuple[Task, Answer]]:
        tries = self._tries[id(task)] = self._tries.get(id(task), 0) + 1
        if tries < TRIES:
            (self._waiting_gpu if task.exercise in self._gpu else self._waiting).put(task, first=True)
            return []
        return [(task, Failure(why))]

    def end(self) -> None:
        """End what is under way, and what the workers have ready."""
        with contextlib.suppress(Exception):  # whoever is gone has nothing left to end
            for slot in self._slots:
                if slot.future is not None:
                    slot.future.cancel()
            if self._slots and self._client.status == "running":
                self._client.run(end, self._name, on_error="ignore")


def _answer(future: Any) -> tuple[str, str]:
    """What a worker answered: `ready`, `done` with a report that is one, or what went wrong."""
    from dlgrade.report.as_json import from_json

    if future.status != "finished":
        error = future.exception(timeout=ANSWER_SECONDS) if future.status == "error" else None
        said = "dask gave the task up" if error is None else f"{type(error).__name__}: {error}"
        return "failed", f"The worker failed: {visible(said, limit=500)}."
    try:
        answer = json.loads(future.result(timeout=ANSWER_SECONDS))
        kind, said = str(answer["kind"]), str(answer["said"])
        if kind == "done":
            from_json(json.loads(said))
        return kind, said
    except (DlgradeError, ValueError, TypeError, KeyError, RecursionError, OSError, TimeoutError) as error:
        return "failed", f"The worker's answer is no report: {visible(str(error), limit=300)}"


# -- what is the same on every machine ---------------------------------------------------------------------------------


def _told(setting: Setting, exercises: Collection[str], name: str) -> str:
    """A setting as text, with all that has to be the same on a worker."""
    course = setting.course
    return json.dumps(
        {
            "run": name,
            "root": str(course.root.resolve()),
            "seed": setting.seed,
            "levels": dict(setting.levels),
            "same": _same(setting, exercises),
        },
        sort_keys=True,
    )


def _same(setting: Setting, exercises: Collection[str]) -> dict[str, Any]:
    """All that a verdict depends on, by what it is called."""
    folders = [folder for folder in setting.course.exercises if folder.name in exercises]
    libraries = sorted({name for folder in folders for name in LIBRARIES[folder.framework]})
    return {
        "Python": ".".join(map(str, sys.version_info[:2])),
        "dlgrade": dlgrade.__version__,
        **{name: version_of(name) or "not installed" for name in libraries},
        "the code of dlgrade": code_digest(),
        **{f"the exercise {folder.name}": digest_of(folder) for folder in folders},
    }


def _setting_of(told: str) -> tuple[Setting, dict[str, Any]]:
    data = json.loads(told)
    root = str(data["root"])
    mend = "The course has to lie at the same path on every machine: share its folder, or copy it there."
    try:
        course = open_course(find_root(root))
    except DlgradeError as error:
        raise UsageError(f"There is no course {root} on it: {error}", mend=mend) from error
    setting = Setting(course, int(data["seed"]), {str(key): str(value) for key, value in data["levels"].items()})
    here = [folder.name for folder in course.exercises]
    wanted = [name.removeprefix("the exercise ") for name in data["same"] if name.startswith("the exercise ")]
    absent = sorted(set(wanted) - set(here))
    if absent:
        raise UsageError(f"Its course {root} has no {', '.join(absent)}.", mend=mend)
    found = _same(setting, wanted)
    differs = {name: (value, found.get(name)) for name, value in data["same"].items() if found.get(name) != value}
    if differs:
        # A digest tells nobody anything but that it is another one.
        short = [
            f"{name} differs" if len(str(value)) > 30 else f"{name} is {other} there, {value} here"
            for name, (value, other) in differs.items()
        ]
        raise UsageError(
            f"{'; '.join(short)}.",
            mend="Install the same versions on every machine, and copy the course there again, so that a verdict is "
            "the same wherever it is made.",
        )
    return setting, data


@contextlib.contextmanager
def _work(told: str) -> Iterator[Work]:
    """What grades, once it is known that it can do so just as it would elsewhere."""
    from dlgrade.sandbox import levels

    setting, _ = _setting_of(told)
    for framework, level in setting.levels.items():
        with levels.workers(framework, level):
            pass
    with Grader(setting) as grader:
        yield grader


# -- on a worker -------------------------------------------------------------------------------------------------------


@dataclass
class _Station:
    """A process beside a worker, which grades. It ends when the worker does."""

    told: str
    popen: subprocess.Popen[bytes]
    pipe: connection.Connection
    lifeline: int
    used: float = field(default_factory=time.monotonic)

    def alive(self) -> bool:
        return self.popen.poll() is None

    def end(self) -> None:
        """End it with what it started."""
        self.popen.terminate()
        try:
            self.popen.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        with contextlib.suppress(OSError):
            self.pipe.close()
            os.close(self.lifeline)


_idle: list[_Station] = []
_all: list[_Station] = []
_lock = threading.Lock()


def begin(told: str) -> str:
    """Have a process that grades, and say whether it can: run by a worker.

    Args:
        told: the setting as text.
    """
    with _lock:
        # Whoever had them and was killed did not end them.
        left = [station for station in _idle if time.monotonic() - station.used > LEFT_SECONDS]
    for one in left:
        _dismiss(one)
    station, why = _started(told)
    if station is None:
        return json.dumps({"kind": "refused", "said": why})
    with _lock:
        _idle.append(station)
    return json.dumps({"kind": "ready", "said": ""})


def graded(told: str, task: str, source: bytes) -> str:
    """Grade one submission: run by a worker.

    Args:
        told: the setting as text.
        task: the task as text.
        source: the submission's bytes.
    """
    data = json.loads(task)
    if hashlib.sha256(source).hexdigest() != data["sha256"]:
        return json.dumps({"kind": "failed", "said": "The submission arrived as other bytes than it was sent."})
    one = Task(
        data["key"],
        data["exercise"],
        data["content"],
        Submission(data["path"], source, data["sha256"]),
        float(data["seconds"]),
    )
    with _lock:
        found = [station for station in _idle if station.told == told and station.alive()]
        station = found[0] if found else None
        if station is not None:
            _idle.remove(station)
    if station is None:
        station, why = _started(told)
    if station is None:
        return json.dumps({"kind": "failed", "said": why})
    kind, said = _asked(station, one)
    if kind == "died":
        _dismiss(station)
    else:
        station.used = time.monotonic()
        with _lock:
            _idle.append(station)
    return json.dumps({"kind": "done" if kind == "done" else "failed", "said": said})


def end(name: str) -> None:
    """End the processes of a run: run by a worker."""
    with _lock:
        those = [station for station in _all if json.loads(station.told)["run"] == name]
    for station in those:
        _dismiss(station)


def _started(told: str) -> tuple[_Station | None, str]:
    """A process that is ready, or why there is none."""
    if os.name != "posix":
        return None, "A worker that grades needs Linux or macOS."
    ours, theirs = multiprocessing.Pipe()
    ends, lifeline = os.pipe()
    try:
        popen = subprocess.Popen(
            [sys.executable, "-P", "-m", "dlgrade.gradebook.cluster", str(theirs.fileno()), str(ends)],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), ends),
        )
    except OSError as error:
        ours.close()
        os.close(lifeline)
        return None, f"A process that grades could not be started: {error.strerror}."
    finally:
        theirs.close()
        os.close(ends)
    station = _Station(told, popen, ours, lifeline)
    with _lock:
        _all.append(station)
    try:
        ours.send(told)
        kind, said = ours.recv() if ours.poll(START_SECONDS) else ("late", None)
    except (OSError, EOFError):
        kind, said = "died", None
    if kind == "ready":
        return station, ""
    _dismiss(station)
    if kind == "refused":
        return None, str(said)
    return None, f"A process that grades {'is not ready' if kind == 'late' else 'ended as it started'}."


def _asked(station: _Station, task: Task) -> tuple[str, str]:
    try:
        station.pipe.send(task)
        if not station.pipe.poll(task.seconds):
            return "died", f"The process that graded it did not finish within {task.seconds:.0f} s."
        kind, said = station.pipe.recv()
        return str(kind), str(said)
    except (OSError, EOFError):
        return "died", "The process that graded it died."


def _dismiss(station: _Station) -> None:
    with _lock:
        for those in (_idle, _all):
            with contextlib.suppress(ValueError):
                those.remove(station)
    station.end()


def _main() -> None:
    """The process beside a worker."""
    pipe, giver = connection.Connection(int(sys.argv[1])), int(sys.argv[2])
    serve(pipe, functools.partial(_work, pipe.recv()), giver)


if __name__ == "__main__":
    _main()
