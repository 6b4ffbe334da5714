"""Grades a class: what is new is graded by an executor and goes into the gradebook, what is known stays as it is.

A report follows from the submission's bytes, the exercise's files, the versions, the seed and the level of isolation;
a digest of all these is its key. Whoever has the key has the report: a second run, or a second student with the same
bytes, costs nothing. The process that calls this is the only one that writes.
"""

from __future__ import annotations

import enum
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import dlgrade
from dlgrade.course.atomic import write_file
from dlgrade.course.find import Course, ExerciseFolder
from dlgrade.errors import GraderError, UsageError
from dlgrade.gradebook.collect import Collected
from dlgrade.gradebook.executor import Executor, Failure, Task
from dlgrade.gradebook.grades import Grade
from dlgrade.gradebook.grading import (
    LIBRARIES,
    Loaded,
    Setting,
    broken_report,
    code_digest,
    digest_of,
    seconds_for,
    version_of,
)
from dlgrade.gradebook.policy import Attempts, GradingPolicy
from dlgrade.gradebook.sources import tells_more
from dlgrade.gradebook.store import Gradebook, Record, record
from dlgrade.gradebook.whose import safe_name
from dlgrade.model import Report, Submission, Verdict
from dlgrade.report.as_json import dumps, from_json

SEED_FILE = "seed"
REPORTS = "reports"
SEED_BITS = 53
"""A seed stays exact in every program that reads JSON."""


class State(enum.StrEnum):
    """What is known of an attempt before it is graded."""

    NEW = "new"
    RESUBMITTED = "resubmitted"
    """Its bytes are others than those of its report."""
    OUTDATED = "outdated"
    """Its checks, the versions, the seed or the isolation are others."""
    BROKEN = "broken"
    """The grader failed on it last time."""
    UNCHANGED = "unchanged"


class Known(NamedTuple):
    """What the gradebook says of an attempt."""

    number: int
    key: str
    submission: str
    verdict: Verdict
    points: float
    when: datetime
    clock: str = ""


@dataclass(frozen=True)
class Gone:
    """An attempt that the gradebook counts, and that was not handed in any more.

    `moved` is whether its bytes are there as another attempt: one before it is gone, and they were counted anew.
    """

    student: str
    exercise: str
    attempt: int
    points: float
    moved: bool


@dataclass(frozen=True)
class Wanted:
    """An attempt that may count, its key, and what is known of it."""

    collected: Collected
    key: str
    state: State
    known: Known | None = None
    copy: Known | None = None
    """Another attempt's report with the same key, which is its own too."""

    @property
    def to_be_graded(self) -> bool:
        """Whether it takes a worker."""
        return self.state is not State.UNCHANGED and self.copy is None


@dataclass(frozen=True)
class Graded:
    """What became of a task: the report, and of how many attempts it is one."""

    report: Report
    attempts: int


# -- what there is to do -----------------------------------------------------------------------------------------------


def counted(submissions: Iterable[Collected], policy: GradingPolicy) -> list[Collected]:
    """The attempts that may count: each student's last one at each exercise, or all of them."""
    submissions = list(submissions)
    if policy.attempts is Attempts.BEST:
        return submissions
    last = {(one.student, one.exercise): one for one in sorted(submissions, key=lambda one: one.attempt)}
    return [one for one in submissions if last[one.student, one.exercise] is one]


def plan(submissions: Iterable[Collected], setting: Setting, records: Iterable[Record]) -> list[Wanted]:
    """What is to be done for each attempt.

    Args:
        submissions: the attempts that may count.
        setting: what they are graded with.
        records: what the gradebook holds, in its order.
    """
    attempts: dict[tuple[str, str, int], Known] = {}
    by_key: dict[str, Known] = {}
    for one in records:
        known = Known(one.number, one.key, one.submission, one.verdict, one.points, one.when, one.clock)
        attempts[one.student, one.exercise, one.attempt] = known
        if one.verdict is not Verdict.BROKEN:
            by_key[one.key] = known
    folders = {folder.name: folder for folder in setting.course.exercises}
    bases: dict[str, str] = {}
    wanted = []
    for collected in submissions:
        name = collected.exercise
        if name not in bases:
            bases[name] = base_of(folders[name], setting.seed, setting.levels[folders[name].framework])
        key = key_of(bases[name], collected.submission.sha256)
        mine = attempts.get((collected.student, name, collected.attempt))
        state = _state(collected, key, mine)
        copy = by_key.get(key) if state is not State.UNCHANGED else None
        wanted.append(Wanted(collected, key, state, mine, copy))
    return wanted


def _state(collected: Collected, key: str, known: Known | None) -> State:
    if known is None:
        return State.NEW
    if known.key != key:
        changed = known.submission != collected.submission.sha256
        return State.RESUBMITTED if changed else State.OUTDATED
    if known.verdict is Verdict.BROKEN:
        return State.BROKEN
    return State.UNCHANGED


def gone(submissions: Iterable[Collected], records: Iterable[Record]) -> list[Gone]:
    """The attempts that the gradebook counts and that are not there any more.

    Args:
        submissions: all attempts that were found, those too that do not count.
        records: what the gradebook counts, of the students and exercises that were looked for.
    """
    places: set[tuple[str, str, int]] = set()
    contents: set[tuple[str, str, str]] = set()
    for one in submissions:
        places.add((one.student, one.exercise, one.attempt))
        contents.add((one.student, one.exercise, one.submission.sha256))
    last = {(one.student, one.exercise, one.attempt): (one.points, one.submission) for one in records}
    return [
        Gone(*place, points, (*place[:2], submission) in contents)
        for place, (points, submission) in sorted(last.items())
        if place not in places
    ]


def earlier(wanted: Wanted) -> bool:
    """Whether the same bytes now turn out to have been handed in before the time that the gradebook has, or at a time
    that was not known.

    A later time changes nothing: whoever copies files often gives them one.
    """
    its, known = wanted.collected, wanted.known
    return known is not None and tells_more(its.when, its.clock, known.when, known.clock)


def base_of(folder: ExerciseFolder, seed: int, isolation: str) -> str:
    """A digest of all that a report on an exercise follows from besides the submission."""
    framework = folder.framework
    parts = {
        "exercise": [folder.unit, folder.name],
        "files": digest_of(folder),
        "seed": seed,
        "isolation": isolation,
        "python": list(sys.version_info[:2]),
        "dlgrade": [dlgrade.__version__, code_digest()],
        "libraries": {name: version_of(name) for name in LIBRARIES[framework]},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def key_of(base: str, submission: str) -> str:
    """A digest of all that a report follows from: what `base_of` says, and the submission's SHA-256."""
    return hashlib.sha256(f"{base} {submission}".encode()).hexdigest()


# -- grading -----------------------------------------------------------------------------------------------------------


def tasks_of(wanted: Sequence[Wanted], loaded: Mapping[str, Loaded]) -> list[Task]:
    """A task for each key that is to be graded.

    Args:
        wanted: the attempts.
        loaded: their exercises.
    """
    from dlgrade.author import Timing

    tasks: dict[str, Task] = {}
    for one in wanted:
        if one.to_be_graded and one.key not in tasks:
            its = loaded[one.collected.exercise]
            submission = one.collected.submission
            # The report is of these bytes, whosever they are and wherever they lay.
            submission = Submission(its.exercise.file_name, submission.source, submission.sha256)
            timed = any(isinstance(check, Timing) for check in its.exercise.checks)
            tasks[one.key] = Task(
                one.key, its.exercise.name, its.digest, submission, seconds_for(its.exercise), alone=timed
            )
    return list(tasks.values())


def copy_known(wanted: Sequence[Wanted], book: Gradebook, now: Callable[[], datetime]) -> int:
    """Add the reports that the gradebook has already, from other attempts with the same key; say how many.

    Raises:
        DlgradeError: the gradebook cannot be read or written.
    """
    sources: dict[int, list[Wanted]] = {}
    for one in wanted:
        source = one.known if one.state is State.UNCHANGED and earlier(one) else one.copy
        if source is not None:
            sources.setdefault(source.number, []).append(one)
    if not sources:
        return 0
    added = 0
    for found in book.records():
        for one in sources.get(found.number, ()):
            its = one.collected
            added += book.add(
                replace(
                    found, student=its.student, attempt=its.attempt, when=its.when, clock=its.clock, graded_at=now(),
                    number=0,
                )
            )  # fmt: skip
    return added


def grade(
    wanted: Sequence[Wanted],
    tasks: Sequence[Task],
    loaded: Mapping[str, Loaded],
    setting: Setting,
    book: Gradebook,
    executor: Executor,
    now: Callable[[], datetime],
) -> Generator[Graded, None, None]:
    """Grade; each report is in the gradebook before it is handed out.

    Args:
        wanted: the attempts.
        tasks: of `tasks_of`.
        loaded: their exercises.
        setting: what they are graded with.
        book: where the reports go.
        executor: what grades.
        now: the time, with its zone.

    Raises:
        DlgradeError: nothing can be graded, or the gradebook cannot be written.
    """
    owners: dict[str, list[Collected]] = {}
    for one in wanted:
        if one.to_be_graded:
            owners.setdefault(one.key, []).append(one.collected)
    for task, answer in executor.run(tasks):
        exercise = loaded[task.exercise].exercise
        report = _report(task, answer, loaded[task.exercise], setting)
        if (report.exercise, report.submission.sha256) != (exercise.name, task.submission.sha256):
            raise GraderError("An executor gave back the report on another submission.")
        records = [
            record(
                report,
                student=its.student,
                attempt=its.attempt,
                when=its.when,
                key=task.key,
                graded_at=now(),
                clock=its.clock,
            )
            for its in owners[task.key]
        ]
        book.add(*records)
        yield Graded(report, len(records))


def _report(task: Task, answer: str | Failure, loaded: Loaded, setting: Setting) -> Report:
    if isinstance(answer, str):
        return from_json(json.loads(answer))
    level = setting.levels[loaded.exercise.framework]
    return broken_report(loaded.exercise, task.submission, isolation=level, seed=setting.seed, why=answer.why)


# -- what lies in the folder -------------------------------------------------------------------------------------------


def kept_seed(folder: Path) -> int | None:
    """The seed that a class is graded with; None if none was drawn yet.

    Raises:
        UsageError: the file cannot be read, or holds no seed.
    """
    path = folder / SEED_FILE
    try:
        text = path.read_text("ascii").strip()
        if not text.isdigit() or len(text) > 30:
            raise ValueError
        return int(text)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no number"
        raise UsageError(f"The seed cannot be read: {said}.", where=str(path), mend="Name one: --seed N") from error


def keep_seed(folder: Path, seed: int) -> None:
    """Keep the seed, for nobody else to read: whoever knows it can foresee the inputs.

    Raises:
        UsageError: it cannot be written.
    """
    write_file(folder / SEED_FILE, f"{seed}\n", private=True)


def new_seed() -> int:
    """A seed that nobody can foresee."""
    return secrets.randbits(SEED_BITS)


def report_file(folder: Path, student: str, exercise: str) -> Path:
    """Where the report that counts lies."""
    return folder / REPORTS / safe_name(student) / f"{safe_name(exercise)}.json"


def write_reports(folder: Path, book: Gradebook, grades: Iterable[Grade]) -> list[Path]:
    """Write the report that counts for each grade to reports/<student>/<exercise>.json, and remove those of which none
    counts any more, with a folder that is empty then. Nothing else that lies there is touched.

    A file bears the time at which its report was made, so that one that is there already is not written again.

    Returns:
        What was removed.

    Raises:
        UsageError: one cannot be written or removed.
        GraderError: the gradebook is damaged.
    """
    counting = {grade.number for grade in grades if grade.number}
    kept: set[str] = set()
    known: dict[str, Path] = {}
    for one in book.records(withdrawn=True):
        path = report_file(folder, one.student, one.exercise)
        place = str(path).casefold()  # as a file system may tell them apart, or not
        known[place] = path
        if one.number not in counting:
            continue
        kept.add(place)
        time = _nanoseconds(one.graded_at)
        with suppress(OSError):
            if path.stat().st_mtime_ns == time:
                continue
        write_file(path, dumps([one.report]) + "\n", synced=False)
        with suppress(OSError):
            os.utime(path, ns=(time, time))
    return [path for place, path in sorted(known.items()) if place not in kept and _removed(path)]


def _removed(path: Path) -> bool:
    """Remove a file, and its folder if that is empty then; whether there was any."""
    there = path.is_file()
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be removed: {error.strerror}.") from error
    with suppress(OSError):  # it holds something else, or is not there
        path.parent.rmdir()
    return there


def _nanoseconds(moment: datetime) -> int:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def levels(frameworks: Iterable[str], wanted: str) -> dict[str, str]:
    """The level of isolation that workers of each framework have here, found out by starting one.

    Args:
        frameworks: which.
        wanted: a level, or `auto`: the highest, but never lower than `landlock`.

    Raises:
        UsageError: that level cannot be had, or `auto` finds none that is high enough.
        GraderError: no worker can be started at all.
    """
    from dlgrade.sandbox import levels as isolation

    found = {}
    for framework in sorted(set(frameworks)):
        with isolation.workers(framework, wanted, floor=FLOOR) as workers:
            found[framework] = workers.isolation
    return found


FLOOR = "landlock"
"""The lowest level at which strangers' code runs unless another is named."""


def load_exercises(course: Course, names: Iterable[str]) -> dict[str, Loaded]:
    """Load the exercises of these names.

    Raises:
        AuthorError: for the first mistake in one.
    """
    from dlgrade.gradebook.grading import load

    wanted = set(names)
    return {folder.name: load(course, folder) for folder in course.exercises if folder.name in wanted}
