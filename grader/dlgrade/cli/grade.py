"""`dlgrade grade`: grades a class's submissions, each in a confined worker, into one folder."""

from __future__ import annotations

import contextlib
import difflib
import functools
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from dlgrade.cli.grades import GRADES, say_clocks
from dlgrade.cli.missing import tell_missing
from dlgrade.cli.outputs import OutFolder
from dlgrade.cli.standing import say_standing
from dlgrade.cli.tables import aligned
from dlgrade.course.find import Course, find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.model import Verdict
from dlgrade.points import added, number, signed
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.collect import Collected
    from dlgrade.gradebook.executor import Executor
    from dlgrade.gradebook.grade import Gone, Graded, Wanted
    from dlgrade.gradebook.grades import Grade
    from dlgrade.gradebook.grading import Loaded, Setting
    from dlgrade.gradebook.policy import Extension, GradingPolicy
    from dlgrade.gradebook.store import Gradebook

SAID_EVERY = 60.0
"""Seconds between two lines of progress where there is no terminal."""
_GONE_SHOWN = 10
_UNPROTECTED = (
    "Warning: --isolation process: submissions run unprotected, as you. They can read and change whatever you can, "
    "their grades too."
)


@click.command()
@click.argument("submissions", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SUBMISSIONS...")
@click.option("--out", required=True, type=OutFolder(), metavar="DIR", help="Write results there.")
@click.option(
    "-j", "jobs", type=click.IntRange(min=1), metavar="N", help="Processes that grade.  [default: one for each core]"
)
@click.option(
    "--isolation",
    type=click.Choice(["auto", "strict", "landlock", "process"]),
    default="auto",
    show_default=True,
    help="How confined submissions run; auto: as much as this machine can, and never less than landlock.",
)
@click.option("--pattern", metavar="REGEX", help="Whose a file is and what it solves, as `dlgrade collect` takes it.")
@click.option("--student", "students", multiple=True, metavar="S", help="Only this student's. May be repeated.")
@click.option(
    "--exercise", "exercises", multiple=True, metavar="E", help="Only this exercise or unit. May be repeated."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    help="Draw these inputs.  [default: drawn once, kept in DIR/seed]",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Grade on the workers of this dask.distributed scheduler, such as tcp://10.0.0.1:8786.",
)
@click.option("--dry-run", is_flag=True, help="Grade nothing; say what there is to grade, and why.")
@click.option("--withdraw", is_flag=True, help="What was graded and is not among SUBMISSIONS any more counts no more.")
@click.pass_context
def command(
    context: click.Context,
    submissions: tuple[Path, ...],
    out: Path,
    jobs: int | None,
    isolation: str,
    pattern: str | None,
    students: tuple[str, ...],
    exercises: tuple[str, ...],
    seed: int | None,
    cluster: str | None,
    dry_run: bool,
    withdraw: bool,
) -> int:
    """Grade a class: SUBMISSIONS/<student>/<exercise>.py, or whatever else `dlgrade collect` understands.

    Writes DIR/gradebook.db, DIR/reports/<student>/<exercise>.json and DIR/grades.csv. Run it again, and only what has
    changed is graded: submissions, checks, versions. Whatever ends it, nothing is lost.

    What was graded once counts even if its file is gone, until --withdraw says that it was taken away on purpose.

    Exit code 0: all was graded. 2: wrong usage. 3: something could not be graded.
    """
    from dlgrade.gradebook import grade
    from dlgrade.gradebook.grading import Setting
    from dlgrade.gradebook.policy_file import load_policy
    from dlgrade.gradebook.store import FILE, Gradebook

    if cluster is not None and jobs is not None:
        raise UsageError(
            "How many processes grade on a cluster, its workers say.", where="-j", mend="Leave it out, or --cluster."
        )
    course = open_course(find_root(context.obj))
    policy, extensions = load_policy(course)
    collected = _collected(submissions, course, pattern, out, students, exercises, policy)
    attempts = grade.counted(collected, policy)
    attempts, left_out = _possible(attempts, course)
    frameworks = {folder.framework for folder in course.named(sorted({one.exercise for one in attempts}))}
    levels = grade.levels(frameworks, isolation)
    if isolation == "process":
        click.echo(_UNPROTECTED, err=True)
    kept = grade.kept_seed(out)
    if seed is not None and kept not in (None, seed):
        click.echo("This seed is not the one that was used in this folder: all is graded anew.", err=True)
    setting = Setting(course, _first(seed, kept, grade.new_seed()), levels)
    if dry_run:
        with contextlib.ExitStack() as opened:
            known = opened.enter_context(Gradebook.open(out / FILE)) if (out / FILE).is_file() else None
            _say_plan(grade.plan(attempts, setting, known.records() if known else ()))
            gone = _gone(collected, known, course, students, exercises) if known else []
        _say_gone(gone, withdrawn=withdraw, would="would ")
        return 3 if left_out else 0
    with Gradebook.open(out / FILE, write=True) as book:
        if setting.seed != kept:
            grade.keep_seed(out, setting.seed)
        wanted = grade.plan(attempts, setting, book.records())
        loaded = grade.load_exercises(course, {one.collected.exercise for one in wanted if one.to_be_graded})
        try:
            executor = functools.partial(_executor, cluster, setting, loaded, jobs)
            graded = _graded(wanted, loaded, setting, book, executor)
        except KeyboardInterrupt:
            said = f"Stopped. What was graded is in {out / FILE}; the same command grades the rest."
            click.echo(visible(said), err=True)
            return 130
        gone = _gone(collected, book, course, students, exercises)
        chosen = {one.exercise for one in attempts}
        _withdraw([one for one in gone if one.exercise in chosen and (withdraw or one.moved)], book)
        found = _finish(out, book, policy, extensions)
        say_standing(book, course, policy)
    places = {(one.student, one.exercise) for one in attempts}
    found = tuple(one for one in found if (one.student, one.exercise) in places)
    _summary(found, graded)
    say_clocks(found, policy)
    _say_gone(gone, withdrawn=withdraw)
    click.echo(f"\n{visible(str(out))} holds {FILE}, {GRADES} and {grade.REPORTS}/<student>/<exercise>.json.")
    return _code(found, graded, left_out)


def _first(*seeds: int | None) -> int:
    return next(seed for seed in seeds if seed is not None)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# -- which submissions -------------------------------------------------------------------------------------------------


def _collected(
    paths: Sequence[Path],
    course: Course,
    pattern: str | None,
    out: Path,
    students: Sequence[str],
    exercises: Sequence[str],
    policy: GradingPolicy,
) -> list[Collected]:
    """The attempts that are asked for.

    Raises:
        UsageError: there are none.
    """
    from dlgrade.gradebook.collect import collect
    from dlgrade.gradebook.whose import safe_name

    if any(path.resolve() == out.resolve() for path in paths):
        raise UsageError(f"{out} is where the submissions are, and cannot be where the results go.", where="--out")
    names = {folder.name for folder in course.named(exercises)} if exercises else None
    collection = collect(paths, course, pattern, without=(out,), zone=policy.zone)
    found = list(collection.submissions)
    if collection.passed_over:
        many = len(collection.passed_over)
        said = "1 file was" if many == 1 else f"{many:,} files were"
        click.echo(f"{said} passed over: `dlgrade collect … --dry-run` says which and why.", err=True)
    if not found:
        raise UsageError(
            "Nothing there is known to be a submission.",
            mend="A file is named after its exercise, such as ada/softmax.py; --pattern says how else they are named.",
        )
    known = {one.student for one in found}
    wanted = {name if name in known else safe_name(name) for name in students}
    for name in sorted(wanted - known):
        near = difflib.get_close_matches(name, known, n=1)
        mend = f"Did you mean {visible(near[0])}?" if near else "`dlgrade collect … --dry-run` lists them."
        raise UsageError(f"Nothing was handed in by {visible(name)!r}.", where="--student", mend=mend)
    found = [one for one in found if (names is None or one.exercise in names) and (not wanted or one.student in wanted)]
    if not found:
        raise UsageError("None of the submissions is one of those that are asked for.", where="--student, --exercise")
    return found


def _possible(attempts: Sequence[Collected], course: Course) -> tuple[list[Collected], bool]:
    """Those whose exercise's framework is installed here, and whether any was left out, which is said."""
    from dlgrade.sandbox import launch

    frameworks = {folder.name: folder.framework for folder in course.exercises}
    absent = {framework: launch.missing(framework) for framework in set(frameworks.values())}
    possible = [one for one in attempts if not absent[frameworks[one.exercise]]]
    for framework, missing in sorted(absent.items()):
        names = sorted({one.exercise for one in attempts if frameworks[one.exercise] == framework})
        if not missing or not names:
            continue
        said = UsageError(
            f"{', '.join(names)}: not graded, since {missing} is not installed here.",
            mend=f"Install it: python -m pip install {missing}",
        )
        if not possible:
            raise said
        click.echo(str(said), err=True)
    return possible, len(possible) < len(attempts)


def _gone(
    collected: Sequence[Collected], book: Gradebook, course: Course, students: Sequence[str], exercises: Sequence[str]
) -> list[Gone]:
    """What the gradebook counts, of the students and exercises that are asked for, and is not there any more."""
    from dlgrade.gradebook.grade import gone

    names = {folder.name for folder in (course.named(exercises) if exercises else course.exercises)}
    asked = {one.student for one in collected} if students else None
    records = (one for one in book.records() if one.exercise in names and (asked is None or one.student in asked))
    return gone(collected, records)


def _withdraw(gone: Sequence[Gone], book: Gradebook) -> None:
    """Have attempts that are gone count no more."""
    from dlgrade.cli.adjust import who_runs_this

    if gone:
        places = ((one.student, one.exercise, one.attempt) for one in gone)
        book.withdraw(places, "It is not among the submissions any more.", who_runs_this(), _now())


def _say_gone(gone: Sequence[Gone], *, withdrawn: bool, would: str = "") -> None:
    """Say which attempts are not there any more, and what comes of that; not those whose bytes are."""
    gone = [one for one in gone if not one.moved]
    if not gone:
        return
    named = [f"{one.exercise} of {one.student} (attempt {one.attempt}: {number(one.points)} points)" for one in gone]
    more = f" and {len(named) - _GONE_SHOWN:,} more" if len(named) > _GONE_SHOWN else ""
    one = len(gone) == 1
    many, they = ("1 graded attempt is", "it") if one else (f"{len(gone):,} graded attempts are", "they")
    count = "counts" if one and not would else "count"
    said = f"{they.capitalize()} {would}{count} no more, unless handed in again."
    if not withdrawn:
        taken = f"If {they} {'was' if one else 'were'} taken away on purpose: the same command with --withdraw."
        said = f"{they.capitalize()} {would}still {count}. {taken}"
    listed = f"{visible(', '.join(named[:_GONE_SHOWN]))}{more}"
    click.echo(f"{many} not among the submissions any more: {listed}. {said}", err=True)


# -- grading -----------------------------------------------------------------------------------------------------------


def _graded(
    wanted: Sequence[Wanted],
    loaded: dict[str, Loaded],
    setting: Setting,
    book: Gradebook,
    executor: Callable[[], Executor],
) -> Counter[str]:
    """Grade what is to be graded, by an executor that is made if there is anything; how many attempts were, by
    exercise."""
    from dlgrade.gradebook import grade

    counts: Counter[str] = Counter()
    grade.copy_known(wanted, book, _now)
    tasks = grade.tasks_of(wanted, loaded)
    if not tasks:
        return counts
    total = sum(one.to_be_graded for one in wanted)
    with (
        contextlib.closing(grade.grade(wanted, tasks, loaded, setting, book, executor(), _now)) as results,
        _progress(total) as progress,
    ):
        for one in results:
            counts[one.report.exercise] += one.attempts
            progress.graded(one)
    return counts


def _executor(cluster: str | None, setting: Setting, loaded: dict[str, Loaded], jobs: int | None) -> Executor:
    """What grades: processes of this machine, or the workers of a cluster."""
    if cluster is None:
        from dlgrade.gradebook.executor import Processes
        from dlgrade.gradebook.grading import Grader

        return Processes(functools.partial(Grader, setting), jobs or _cores())
    from dlgrade.author import Timing
    from dlgrade.gradebook.cluster import Cluster

    gpu = {
        name
        for name, one in loaded.items()
        if any(isinstance(check, Timing) and check.device != "cpu" for check in one.exercise.checks)
    }
    return Cluster(cluster, setting, gpu, say=lambda said: click.echo(said, err=True))


def _now() -> datetime:
    return datetime.now(UTC)


def _finish(out: Path, book: Gradebook, policy: GradingPolicy, extensions: Sequence[Extension]) -> tuple[Grade, ...]:
    """Write what follows from the gradebook: the reports that count, and the grades."""
    from dlgrade.cli.grades import write_csv
    from dlgrade.gradebook.grade import write_reports
    from dlgrade.gradebook.grades import grades

    found = grades(book.records(), policy, extensions, book.adjustments())
    removed = write_reports(out, book, found)
    if removed:
        named = ", ".join(path.relative_to(out).as_posix() for path in removed[:_GONE_SHOWN])
        more = f" and {len(removed) - _GONE_SHOWN:,} more" if len(removed) > _GONE_SHOWN else ""
        click.echo(f"Removed, since it counts no more: {visible(named)}{more}.", err=True)
    write_csv(out / GRADES, found)
    return found


# -- what is seen ------------------------------------------------------------------------------------------------------


class _Progress(Protocol):
    def graded(self, one: Graded) -> None: ...


class _Tally:
    """How far it is, as a sentence."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = self.failed = self.broken = 0
        self._begun = time.monotonic()

    def add(self, one: Graded) -> None:
        self.done += one.attempts
        self.failed += one.attempts * (one.report.verdict is Verdict.FAILED)
        self.broken += one.attempts * (one.report.verdict is Verdict.BROKEN)

    def rate(self) -> str:
        took = time.monotonic() - self._begun
        each = self.done / took if took else 0.0
        return f"{each:.1f}/s" if each >= 1 else f"{60 * each:.1f}/min"

    def counts(self) -> str:
        return f"{self.failed:,} failed, {self.broken:,} broken"

    def left(self) -> str:
        took = time.monotonic() - self._begun
        seconds = took / self.done * (self.total - self.done) if self.done else 0
        return f"{seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"


class _Lines:
    """Progress where nobody looks at a terminal: a line a minute."""

    def __init__(self, total: int) -> None:
        self._tally = _Tally(total)
        self._said = time.monotonic()

    def graded(self, one: Graded) -> None:
        """Count what was graded; say so if it is time."""
        tally = self._tally
        tally.add(one)
        if time.monotonic() - self._said >= SAID_EVERY:
            self._said = time.monotonic()
            said = f"{tally.done:,} of {tally.total:,} graded ({tally.rate()}, {tally.left()}): {tally.counts()}"
            click.echo(said, err=True)


@contextlib.contextmanager
def _progress(total: int) -> Iterator[_Progress]:
    """Shows how far it is, on the standard error."""
    if not sys.stderr.isatty():
        yield _Lines(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tally = _Tally(total)
        shown = bar.add_task("", total=total, rate="", counts=tally.counts())

        class Bar:
            def graded(self, one: Graded) -> None:
                tally.add(one)
                bar.update(shown, completed=tally.done, rate=tally.rate(), counts=tally.counts())

        yield Bar()


def _summary(grades: Sequence[Grade], graded: Counter[str]) -> None:
    """A line for each exercise: what was graded now, and how its students stand."""
    rows = []
    for name in dict.fromkeys(one.exercise for one in sorted(grades, key=lambda one: one.exercise)):
        its = [one for one in grades if one.exercise == name]
        counted = [one for one in its if not one.to_be_regraded]
        mean = sum(one.points for one in counted) / len(counted) if counted else None
        most = max(one.max_points for one in its)
        rows.append(
            (
                name,
                f"{graded[name]:,}",
                f"{len(its):,}",
                f"{sum(one.verdict == Verdict.PASSED for one in counted):,}",
                "–" if mean is None else f"{number(mean, digits=1, least=1)}/{number(most)}",
                f"{len(its) - len(counted):,}",
            )
        )
    header = ("exercise", "graded now", "students", "passed", "mean points", "broken")
    click.echo(aligned(header, rows, right=header[1:]))


def _code(grades: Sequence[Grade], graded: Counter[str], left_out: bool) -> int:
    missing = tell_missing([one for one in grades if one.to_be_regraded], command="command")
    return 3 if missing or left_out else 0


def _say_plan(wanted: Sequence[Wanted]) -> None:
    """What a run would do, by exercise, with the points that are known without grading."""
    from dlgrade.course.find import unreadable_bytes
    from dlgrade.gradebook.grade import State

    states = (State.NEW, State.RESUBMITTED, State.OUTDATED, State.BROKEN, State.UNCHANGED)
    rows = []
    for name in sorted({one.collected.exercise for one in wanted}):
        its = [one for one in wanted if one.collected.exercise == name]
        counts = Counter(one.state for one in its)
        changes, unknown = [], 0
        for one in its:
            if one.state is State.UNCHANGED:
                continue
            if one.copy is not None:
                points = one.copy.points
            elif unreadable_bytes(one.collected.submission) is not None:
                points = 0.0
            else:
                unknown += 1
                continue
            changes.append(points - (one.known.points if one.known is not None else 0.0))
        known = [f"{signed(added(changes))} in {len(changes)}"] if changes else []
        known += [f"{unknown} not known until graded"] if unknown else []
        rows.append((name, *(f"{counts[state]:,}" for state in states), ", ".join(known) or "–"))
    header = ("exercise", *(str(state) for state in states), "change in points")
    click.echo(aligned(header, rows, right=header[1:-1]))
    to_do = sum(one.to_be_graded for one in wanted)
    taken = sum(one.copy is not None for one in wanted)
    same = f"; {taken:,} would take the report over that the same bytes have already" if taken else ""
    click.echo(f"\n{to_do:,} of {len(wanted):,} would be graded{same}. Nothing was written.")
