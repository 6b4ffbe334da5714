"""`dlgrade check`: finds a student's files, starts their workers, and says what is wrong with them."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlgrade.cli.console import console
from dlgrade.cli.outputs import require_same_kind
from dlgrade.course.find import (
    Course,
    ExerciseFolder,
    find_files,
    find_root,
    open_course,
    read_submission,
    unreadable_bytes,
)
from dlgrade.course.start import is_stub, stub_of
from dlgrade.errors import UsageError
from dlgrade.model import CheckResult, Exercise, Report, Submission, Verdict
from dlgrade.sandbox import launch
from dlgrade.sandbox.syntax import Facts, Reading, Unreadable

if TYPE_CHECKING:
    from rich.console import Console

    from dlgrade.sandbox.levels import Workers


@dataclass
class _Started:
    """A submission whose worker and parser are already under way."""

    folder: ExerciseFolder
    submission: Submission
    reading: Reading | None
    fault: Unreadable | None
    process: launch.Running | None

    def facts(self) -> Facts | Unreadable:
        if self.fault is not None:
            return self.fault
        assert self.reading is not None
        return self.reading.result()


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--at", default=".", metavar="PATH", help="Your folder, in any layout, or one .py file.  [default: .]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "html", "markdown", "json", "junit"]),
    default="text",
    show_default=True,
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the report there.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draw other inputs.")
@click.option(
    "--isolation",
    type=click.Choice(["auto", "strict", "landlock", "process"]),
    default="process",
    show_default=True,
    help="How confined your code runs; auto: as much as this machine can.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the tensors of torch exercises live; auto: on CUDA where there is such a GPU.",
)
@click.option("--watch", is_flag=True, help="Go on: check again whatever you save, until you press Ctrl-C.")
@click.pass_context
def command(
    context: click.Context,
    names: tuple[str, ...],
    at: str,
    form: str,
    out: Path | None,
    seed: int,
    isolation: str,
    device: str,
    watch: bool,
) -> int:
    """Check your solutions: those of these exercises or units, or all that you have started.

    Exit code 0: every check passed. 1: something is wrong. 2: wrong usage. 3: dlgrade itself failed.
    """
    course = open_course(find_root(context.obj))
    found = _found(course, names, Path(at))
    chosen = [one for one in found if names or _differs_from_stub(*one)]
    if not chosen and not watch:
        mend = f"Open {found[0][1]}, replace `raise NotImplementedError`, and run this again."
        raise UsageError("No exercise has been started yet.", mend=mend)
    for _, path in found if watch else chosen:
        if out is not None and out.exists() and path.exists() and out.samefile(path):
            raise UsageError(f"{out} is your solution: the report would replace it.", where="--out")
    if out is not None:
        require_same_kind(out, form, "--out")
    chosen = _possible(chosen) if chosen else []
    launch.adopt_strays()
    with ExitStack() as cleanup:
        start = _starter(isolation, device, cleanup)
        queue = _started(chosen, start, cleanup)
        # Before anything heavy is imported, so that worker and grader start side by side.
        first = list(itertools.islice(queue, 1))
        screen, checker = _Screen(form, out), _Checker(course, seed, device)
        latest: dict[str, Report] = {}
        with contextlib.suppress(KeyboardInterrupt) if watch else contextlib.nullcontext():
            _check(itertools.chain(first, queue), checker, start, screen, latest)
            if watch:
                _watch(found, checker, start, functools.partial(_Screen, form, out), latest)
    verdicts = {report.verdict for report in latest.values()}
    return 3 if Verdict.BROKEN in verdicts else 1 if Verdict.FAILED in verdicts else 0


def _check(
    started: Iterable[_Started], checker: _Checker, start: Start, screen: _Screen, latest: dict[str, Report]
) -> None:
    """Check submissions, one after another, and show what comes of each.

    Args:
        started: the submissions.
        checker: makes the reports.
        start: starts workers.
        screen: where the reports are shown.
        latest: the last report on each exercise, to be kept up.
    """
    reports = []
    for one in started:
        report = checker.report(one, start, screen)
        reports.append(report)
        latest[report.exercise] = report  # before it is told: whoever has read it may press Ctrl-C at once
        screen.end(report, one.folder.hidden_points)
    if reports:
        screen.close(reports)


def _watch(
    found: Sequence[tuple[ExerciseFolder, Path]],
    checker: _Checker,
    start: Start,
    new_screen: Callable[[], _Screen],
    latest: dict[str, Report],
) -> None:
    """Check whatever is saved, each time that it is; a worker is started ahead, while somebody writes.

    Args:
        found: the exercises that may be saved, each with its file.
        checker: makes the reports.
        start: starts workers.
        new_screen: where the reports of one round are shown.
        latest: the last report on each exercise, to be kept up.

    Raises:
        KeyboardInterrupt: in the end.
    """
    from dlgrade.cli.watch import Watch

    folders = {path: folder for folder, path in found}
    files = Watch(folders)
    framework = next((folder.framework for folder, _ in found if not launch.missing(folder.framework)), "numpy")
    many = "1 file is" if len(folders) == 1 else f"{len(folders)} files are"
    click.echo(f"{many} watched: what you save is checked. Ctrl-C ends it.", err=True)
    while True:
        with ExitStack() as cleanup:
            ahead = _Ahead(start, framework, cleanup)
            saved = files.changed()
            if sys.stdout.isatty():
                click.clear()
            screen = new_screen()
            try:
                chosen = _possible([(folders[path], path) for path in saved])
                framework = chosen[0][0].framework
                _check(_started(chosen, ahead, cleanup), checker, start, screen, latest)
            except UsageError as error:  # such as a file that is far too large; what is saved next may be better
                click.echo(str(error), err=True)


class _Ahead:
    """Starts workers like what it is given, the first of one framework at once.

    Args:
        start: starts a worker.
        framework: of which one is started.
        cleanup: where it is ended if nobody takes it.
    """

    def __init__(self, start: Start, framework: str, cleanup: ExitStack) -> None:
        self._start = start
        self._framework = framework
        self._process: launch.Running | None = start(framework)
        cleanup.callback(self._process.end)

    def __call__(self, framework: str) -> launch.Running:
        process, fits = self._process, framework == self._framework
        if process is None or not fits or process.wait(0) is not None:
            return self._start(framework)
        self._process = None
        return process


# -- which files -------------------------------------------------------------------------------------------------------


_WHERE = "`dlgrade start` makes a folder with all files; --at PATH names another place to look."


def _found(course: Course, names: Sequence[str], at: Path) -> list[tuple[ExerciseFolder, Path]]:
    """The exercises that are meant, each with its file, whether it was started or not."""
    if not course.exercises:
        raise UsageError(f"The course in {course.root} has no exercises yet.")
    if at.is_file():
        if not names and at.name not in {folder.file_name for folder in course.exercises}:
            raise UsageError(
                f"{at.name} is named after no exercise of this course.",
                mend=f"Say which one it solves: dlgrade check NAME --at {at}",
            )
        named = course.named(names or [at.name])
        if len(named) != 1:
            raise UsageError(f"{at} is one file, and {len(named)} exercises are to be checked.", mend="Name one.")
        return [(named[0], at)]
    if not at.exists():
        raise UsageError(f"There is no folder or file {at}.", where="--at")
    # A shell completes paths: a name that is a file here means that file.
    exact = {Path(n).name: Path(n) for n in names if at == Path() and n.endswith(".py") and Path(n).is_file()}
    bare = [Path(name).name if Path(name).name in exact else name for name in names]
    wanted = course.named(bare) if names else list(course.exercises)
    # Who names a unit means what is there of it; who names an exercise means that one.
    itself = {Path(name).name.removesuffix(".py") for name in bare}
    files = find_files(at, [folder.file_name for folder in wanted])
    found = []
    for folder in wanted:
        paths = files[folder.file_name]
        if folder.file_name in exact:
            paths = [exact[folder.file_name]]
        if len(paths) > 1 and not course.authored:
            # Where a course was released, its own copy of the stub is nobody's work.
            own = (folder.path / folder.file_name).resolve()
            paths = [path for path in paths if path.resolve() != own]
        if len(paths) > 1:
            listed = "\n".join(f"  {path}" for path in paths[:10])
            raise UsageError(
                f"There is more than one {folder.file_name} here:\n{listed}",
                mend=f"Say which: dlgrade check {paths[0]}",
            )
        if paths:
            found.append((folder, paths[0]))
        elif folder.name in itself:
            raise UsageError(
                f"There is no {folder.file_name} under {at.resolve()}.",
                mend=_WHERE,
            )
    if not found:
        raise UsageError(f"No exercise's file was found under {at.resolve()}.", mend=_WHERE)
    return found


def _possible(chosen: list[tuple[ExerciseFolder, Path]]) -> list[tuple[ExerciseFolder, Path]]:
    """Those exercises whose framework is installed here; of the others it is said that they are left out.

    Raises:
        UsageError: if none remains.
    """
    possible = [(folder, path) for folder, path in chosen if not launch.missing(folder.framework)]
    left_out = [folder for folder, path in chosen if launch.missing(folder.framework)]
    if left_out:
        names, framework = ", ".join(folder.name for folder in left_out), left_out[0].framework
        said = UsageError(
            f"{names}: not checked, since {framework} is not installed here.",
            mend=f"Install it: python -m pip install {framework}",
        )
        if not possible:
            raise said
        click.echo(str(said), err=True)
    return possible


def _differs_from_stub(folder: ExerciseFolder, path: Path) -> bool:
    try:
        return not is_stub(read_submission(path).source, stub_of(folder))
    except UsageError:
        return True  # to be said once it is that exercise's turn


# -- workers under way -------------------------------------------------------------------------------------------------


Start = Callable[..., launch.Running]


def _starter(isolation: str, device: str, cleanup: ExitStack) -> Start:
    """Starts workers at this level, each with the framework that it is asked for.

    Raises:
        UsageError: if that level cannot be had here, or not on that device.
    """
    if isolation == "process":
        return functools.partial(_started_on, device)
    if device not in ("auto", "cpu"):
        raise UsageError(
            f"A worker that is confined at the level {isolation} cannot reach a GPU.",
            where="--device",
            mend="For your own code: --isolation process",
        )
    from dlgrade.sandbox.levels import workers

    @functools.cache
    def of(framework: str) -> Workers:
        return cleanup.enter_context(workers(framework, isolation))

    return lambda framework: of(framework).start()


def _started_on(device: str, framework: str, **options: str) -> launch.Running:
    """A worker that is not confined; where it may turn out to work on a GPU, its memory is not limited."""
    from dlgrade.checking.devices import may_have_cuda

    if device == "auto":
        device = "cuda" if may_have_cuda() else "cpu"
    return launch.start(framework, **({"device": device} if framework == "torch" else {}) | options)


def _started(chosen: Iterable[tuple[ExerciseFolder, Path]], start: Start, cleanup: ExitStack) -> Iterator[_Started]:
    """Each submission with its worker started; the next one starts while the one before is checked."""
    read = [(folder, read_submission(path)) for folder, path in chosen]
    ahead: list[_Started] = []
    for folder, submission in read:
        ahead.append(_start(folder, submission, start, cleanup))
        if len(ahead) == 2:
            yield ahead.pop(0)
    yield from ahead


def _start(folder: ExerciseFolder, submission: Submission, start: Start, cleanup: ExitStack) -> _Started:
    fault = unreadable_bytes(submission)
    if fault is not None:
        return _Started(folder, submission, None, Unreadable(*fault), None)
    process = start(folder.framework)
    cleanup.callback(process.end)
    reading = Reading(submission.source)
    cleanup.callback(reading.close)
    return _Started(folder, submission, reading, None, process)


# -- checking ----------------------------------------------------------------------------------------------------------


class _Checker:
    """Checks submissions, one after another; keeps what they share.

    Args:
        course: the course.
        seed: the run's seed.
        device: where tensors live, as it was asked for.
    """

    def __init__(self, course: Course, seed: int, device: str) -> None:
        os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")  # other people's plug-ins cost time and may print
        gc.disable()  # what the imports make stays: to look through it again and again would cost a tenth of the start
        from dlgrade.checking.inputs import Drawer
        from dlgrade.checking.run import run_checks  # noqa: F401 -- what each submission needs
        from dlgrade.course.load import load_exercise  # noqa: F401

        gc.freeze()
        gc.enable()
        self._course = course
        self._seed = seed
        self._device = device
        self._drawer = Drawer(_cache())
        self._exercises: dict[str, tuple[str, Exercise]] = {}

    def report(self, started: _Started, start: Start, screen: _Screen) -> Report:
        """The report on one submission, whose results are shown as they come."""
        from dlgrade.checking.devices import chosen
        from dlgrade.checking.run import run_checks, worker_of
        from dlgrade.course.load import load_misconceptions

        exercise, content = self._exercise(started.folder)
        submission, process = started.submission, started.process
        on = "cpu"
        if exercise.framework == "torch" and (process is None or process.isolation == "process"):
            on = chosen(self._device)
        screen.begin(exercise.title, exercise.name, submission.path)
        begin = functools.partial(start, exercise.framework)
        with worker_of(exercise, submission, seed=self._seed, device=on, process=process, start=begin) as target:
            return run_checks(
                exercise,
                submission,
                target,
                facts=started.facts,
                misconceptions=functools.partial(load_misconceptions, exercise, hidden=False),
                drawer=self._drawer,
                content=content,
                seed=self._seed,
                on_result=screen.result,
            )

    def _exercise(self, folder: ExerciseFolder) -> tuple[Exercise, str]:
        """An exercise and a digest of its files: loaded again only if they have changed."""
        from dlgrade.course.load import content_digest, load_exercise

        content = content_digest(folder.path)
        if self._exercises.get(folder.name, ("",))[0] != content:
            self._exercises[folder.name] = content, load_exercise(folder, authored=self._course.authored)
        return self._exercises[folder.name][1], content


def _cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("dlgrade") / "inputs"


# -- what is seen ------------------------------------------------------------------------------------------------------


class _Screen:
    """Shows results as they come, or writes a whole report in the end.

    Args:
        form: text, html, markdown, json or junit.
        out: a file to write to instead of the standard output.
    """

    def __init__(self, form: str, out: Path | None) -> None:
        self._form = form
        self._out = out
        self._console: Console | None = None
        self._text = io.StringIO()
        if out is not None:
            self._write(out, "a")  # said now rather than after all the work; an older report stays until then

    def _write(self, out: Path, mode: str) -> None:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            with out.open(mode, encoding="utf-8", newline="\n") as file:
                file.write(self._text.getvalue())
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}.", where="--out") from error

    def _print(self, *things: Any) -> None:
        if self._console is None:
            self._console = console(self._text if self._out is not None else None)
        for thing in things:
            self._console.print(thing, crop=False)

    def begin(self, title: str, name: str, path: str) -> None:
        """An exercise is about to be checked."""
        if self._form == "text":
            from dlgrade.report import terminal

            self._print(terminal.heading(title, name, path))

    def result(self, result: CheckResult) -> None:
        """A check is done."""
        if self._form == "text":
            from dlgrade.report import terminal

            self._print(terminal.check_line(result, width=self._console.width if self._console else None))

    def end(self, report: Report, hidden_points: float = 0.0) -> None:
        """An exercise is done; checks that are not here are worth that much."""
        if self._form == "text":
            from dlgrade.report import terminal

            self._print(*terminal.details(report), "", terminal.summary(report, hidden_points), "")

    def close(self, reports: Sequence[Report]) -> None:
        """All exercises are done."""
        if self._form == "text":
            if len(reports) > 1:
                from dlgrade.report import terminal

                self._print(terminal.overview(reports))
        else:
            self._emit(_rendered(self._form, reports))
        if self._out is not None:
            self._write(self._out, "w")
            click.echo(f"The report is in {self._out}.", err=True)

    def _emit(self, text: str) -> None:
        if self._out is not None:
            self._text.write(f"{text}\n")
        else:
            click.echo(text.encode())  # in UTF-8 whatever the terminal speaks, as these formats ask for


def _rendered(form: str, reports: Sequence[Report]) -> str:
    """The reports in a format that is written as a whole; only what it needs is imported."""
    if form == "html":
        from dlgrade.report.html import to_html

        return to_html(reports)
    if form == "markdown":
        from dlgrade.report.markdown import to_markdown

        return to_markdown(reports)
    if form == "junit":
        from dlgrade.report.junit import to_junit

        return to_junit(reports)
    from dlgrade.report.as_json import dumps

    return dumps(reports)
