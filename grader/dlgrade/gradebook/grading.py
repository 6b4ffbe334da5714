"""Grades one submission after another in one process, which keeps what they share: exercises, inputs, zygotes.

Nothing of a submission runs here, only what its worker answers is looked at. Nothing is kept on disk, where a
submission that is not confined could spoil it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Self

import dlgrade
from dlgrade.course.find import CHECKS, HIDDEN, MISCONCEPTIONS, TIMES, Course, ExerciseFolder, unreadable_bytes
from dlgrade.errors import AuthorError
from dlgrade.gradebook.executor import Task
from dlgrade.model import Evidence, Exercise, Outcome, Report, Submission
from dlgrade.sandbox import launch
from dlgrade.sandbox.syntax import Facts, Parsers, Unreadable

if TYPE_CHECKING:
    from dlgrade.author import Misconception
    from dlgrade.checking.inputs import Drawer
    from dlgrade.checking.transcript import Transcripts
    from dlgrade.sandbox.levels import Workers

RECYCLED_AFTER = 400
"""Workers that are started before their zygote is replaced; it would keep itself, but the old one too."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
LIBRARIES = {"numpy": ("numpy", "hypothesis", "scipy"), "torch": ("numpy", "hypothesis", "scipy", "torch")}
"""What reports can depend on besides, by framework."""
Start = Callable[[], launch.Running]
PLENTY = 2
"""How many times the sum of its checks' limits a submission may take, the oracles' own time included."""


@dataclass(frozen=True)
class Setting:
    """What all submissions of a run are graded with. `levels`: the isolation, by framework."""

    course: Course
    seed: int
    levels: Mapping[str, str]


@dataclass(frozen=True)
class Loaded:
    """An exercise with all that its submissions are graded by; `digest` is of the files that it was loaded from."""

    exercise: Exercise
    misconceptions: Sequence[Misconception]
    inputs: str
    """What its inputs depend on."""
    digest: str


def digest_of(folder: ExerciseFolder) -> str:
    """A digest of every file of an exercise that a verdict can depend on."""
    digest = hashlib.sha256()
    for name in (folder.file_name, CHECKS, HIDDEN, MISCONCEPTIONS, TIMES):
        path = folder.path / name
        data = path.read_bytes() if path.is_file() else b""
        digest.update(f"{name} {path.is_file()} {len(data)}\n".encode() + data)
    return digest.hexdigest()


@functools.cache
def version_of(name: str) -> str:
    """The version of an installed library; empty without it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


@functools.cache
def code_digest() -> str:
    """A digest of the code that makes reports: between two releases the version alone does not tell."""
    package = Path(dlgrade.__file__).parent
    digest = hashlib.sha256()
    for room in ("*.py", "checking/*.py", "sandbox/*.py", "course/load.py", "course/stub.py", "report/as_json.py"):
        for path in sorted(package.glob(room)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def load(course: Course, folder: ExerciseFolder) -> Loaded:
    """Load an exercise with its hidden checks and its misconceptions.

    Raises:
        AuthorError: for whatever is wrong with it, or if it changes meanwhile.
    """
    from dlgrade.course.load import content_digest, load_exercise, load_misconceptions

    digest = digest_of(folder)
    exercise = load_exercise(folder, authored=course.authored, hidden=True)
    misconceptions = load_misconceptions(exercise)
    inputs = content_digest(folder.path)
    if digest_of(folder) != digest:
        raise AuthorError(
            f"{folder.name} was changed while it was loaded.", where=str(folder.path), mend="Run the command again."
        )
    return Loaded(exercise, misconceptions, inputs, digest)


def seconds_for(exercise: Exercise) -> float:
    """How long grading one submission may take at all: more than its checks' limits come to."""
    from dlgrade.sandbox import client, syntax

    # Its syntax may be read by three processes, one after another.
    start = client.START_SECONDS + client.LOAD_SECONDS * client.WALL_FACTOR + 3 * syntax.SECONDS
    return PLENTY * (start + client.CHECK_SECONDS * (len(exercise.checks) + 1))


def grade_one(
    loaded: Loaded,
    submission: Submission,
    *,
    start: Start,
    parsers: Parsers,
    drawer: Drawer,
    transcripts: Transcripts,
    seed: int,
) -> Report:
    """Grade one submission with every check, the hidden ones too.

    Args:
        loaded: the exercise.
        submission: what was handed in.
        start: starts a worker for it to run in.
        parsers: read its syntax tree.
        drawer: where inputs come from, the same for all submissions.
        transcripts: what right answers said, the same for all submissions.
        seed: the run's.

    Raises:
        GraderError: if no worker can be started.
    """
    from dlgrade.checking.run import run_checks, worker_of

    fault = unreadable_bytes(submission)

    def facts() -> Facts | Unreadable:
        return parsers.read(submission.source) if fault is None else Unreadable(*fault)

    with worker_of(loaded.exercise, submission, seed=seed, start=start) as target:
        return run_checks(
            loaded.exercise,
            submission,
            target,
            facts=facts,
            misconceptions=lambda: loaded.misconceptions,
            drawer=drawer,
            content=loaded.inputs,
            seed=seed,
            transcripts=transcripts,
        )


class Grader:
    """Grades tasks, one after another; keeps exercises, inputs with their expected values, and zygotes.

    Args:
        setting: what all are graded with.

    Raises:
        UsageError: a level of isolation cannot be had.
        GraderError: no worker can be started.
    """

    def __init__(self, setting: Setting) -> None:
        os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")
        for variable in _ONE_THREAD:  # one process for each core, and sums that are added in one order
            os.environ[variable] = "1"
        from dlgrade.checking.inputs import Drawer
        from dlgrade.checking.transcript import Transcripts

        self._setting = setting
        self._folders = {folder.name: folder for folder in setting.course.exercises}
        self._drawer = Drawer(None)
        self._transcripts = Transcripts()
        self._parsers = Parsers()
        self._loaded: dict[str, Loaded] = {}
        self._workers: dict[str, Workers] = {}
        self._started: Counter[str] = Counter()

    def __call__(self, task: Task) -> str:
        """The report as JSON.

        Raises:
            AuthorError: the exercise was changed since the task was made.
            GraderError: no worker can be started.
        """
        from dlgrade.report.as_json import dumps

        loaded = self._load(task)
        framework = loaded.exercise.framework
        self._open(framework)
        try:
            # What is timed chooses its cores itself.
            with contextlib.nullcontext() if task.alone else launch.one_core() as core:
                report = grade_one(
                    loaded,
                    task.submission,
                    start=functools.partial(self._start, framework, core),
                    parsers=self._parsers,
                    drawer=self._drawer,
                    transcripts=self._transcripts,
                    seed=self._setting.seed,
                )
        except BaseException:
            # Whatever it was, the next one does not meet it again.
            self._close(framework)
            raise
        return dumps([report])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for framework in list(self._workers):
            self._close(framework)
        self._parsers.close()

    def _load(self, task: Task) -> Loaded:
        if task.exercise not in self._loaded:
            self._loaded[task.exercise] = load(self._setting.course, self._folders[task.exercise])
        loaded = self._loaded[task.exercise]
        if loaded.digest != task.content:
            del self._loaded[task.exercise]
            raise AuthorError(
                f"{task.exercise} was changed while it was graded.", mend="Run the command again, and leave it alone."
            )
        return loaded

    def _start(self, framework: str, core: int | None) -> launch.Running:
        self._started[framework] += 1
        worker = self._workers[framework].start()
        if core is not None and worker.pid > 0:
            launch.keep_to(worker.pid, core)
        return worker

    def _open(self, framework: str) -> None:
        """Have workers of this framework, of a fresh zygote if theirs has forked enough."""
        from dlgrade.sandbox.levels import workers

        if self._started[framework] >= RECYCLED_AFTER:
            self._close(framework)
        if framework not in self._workers:
            self._workers[framework] = workers(framework, self._setting.levels[framework])

    def _close(self, framework: str) -> None:
        self._started[framework] = 0
        if framework in self._workers:
            self._workers.pop(framework).close()


def broken_report(exercise: Exercise, submission: Submission, *, isolation: str, seed: int, why: str) -> Report:
    """The report on a submission that could not be graded: every check is broken, none is scored.

    Args:
        exercise: the exercise.
        submission: what was handed in.
        isolation: the level at which it was to be graded.
        seed: the run's.
        why: what went wrong, in a sentence.
    """
    from dlgrade.checking.run import result_of
    from dlgrade.checking.trial import Finding
    from dlgrade.text import visible

    said = visible(f"The grader failed on this submission, which is not to blame. {why}", lines=True)
    finding = Finding(Outcome.BROKEN, Evidence(said, rung="grader"))
    checks = tuple(result_of(check, finding, exercise, 0) for check in exercise.checks)
    return Report(exercise.name, exercise.unit, isolation, "cpu", seed, 0, submission, checks)
