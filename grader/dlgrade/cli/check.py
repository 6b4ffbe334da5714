"""`dlgrade check`: finds a student's files, starts their workers, and says what is wrong with them."""

from __future__ import annotations

import functools
import gc
import io
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlgrade.cli.console import console
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
from dlgrade.model import CheckResult, Report, Submission, Verdict
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
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the tensors of torch exercises live.",
)
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
) -> int:
    """Check your solutions: those of these exercises or units, or all that you have started.

    Exit code 0: every check passed. 1: something is wrong. 2: wrong usage. 3: dlgrade itself failed.
    """
    course = open_course(find_root(context.obj))
    chosen = _chosen(course, names, Path(at))
    for _, path in chosen:
        if out is not None and out.exists() and path.exists() and out.samefile(path):
            raise UsageError(f"{out} is your solution: the report would replace it.", where="--out")
    chosen = _possible(chosen)
    launch.adopt_strays()
    with ExitStack() as cleanup:
        start = _starter(isolation, device, cleanup)
        queue = _started(chosen, start, cleanup)
        first = next(queue)  # before anything heavy is imported, so that worker and grader start side by side
        screen = _Screen(form, out)
        reports = list(_reports(course, itertools.chain([first], queue), start, seed, device, screen))
        screen.close(reports)
    verdicts = {report.verdict for report in reports}
    return 3 if Verdict.BROKEN in verdicts else 1 if Verdict.FAILED in verdicts else 0


# -- which files -------------------------------------------------------------------------------------------------------


_WHERE = "`dlgrade start` makes a folder with all files; --at PATH names another place to look."


def _chosen(course: Course, names: Sequence[str], at: Path) -> list[tuple[ExerciseFolder, Path]]:
    """The exercises to check, each with its file."""
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
        if paths and (names or _differs_from_stub(folder, paths[0])):
            found.append((folder, paths[0]))
        elif folder.name in itself and not paths:
            raise UsageError(
                f"There is no {folder.file_name} under {at.resolve()}.",
                mend=_WHERE,
            )
    if not found:
        stubs = [paths[0] for paths in files.values() if paths]
        if stubs:
            mend = f"Open {stubs[0]}, replace `raise NotImplementedError`, and run this again."
            raise UsageError("No exercise has been started yet.", mend=mend)
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

    on_gpu = framework == "torch" and (device == "cuda" or (device == "auto" and may_have_cuda()))
    return launch.start(framework, **({"device": "cuda"} if on_gpu else {}) | options)


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


def _reports(
    course: Course, queue: Iterator[_Started], start: Start, seed: int, device: str, screen: _Screen
) -> Iterator[Report]:
    os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")  # other people's plug-ins cost time and may print
    gc.disable()  # what the imports make stays: to look through it again and again would cost a tenth of the start
    from dlgrade.checking.devices import chosen
    from dlgrade.checking.inputs import Drawer
    from dlgrade.checking.run import run_checks, worker_of
    from dlgrade.course.load import content_digest, load_exercise, load_misconceptions

    gc.freeze()
    gc.enable()
    drawer = Drawer(_cache())
    for started in queue:
        exercise = load_exercise(started.folder, authored=course.authored)
        begin = functools.partial(start, exercise.framework)
        submission, process = started.submission, started.process
        on = "cpu"
        if exercise.framework == "torch" and (process is None or process.isolation == "process"):
            on = chosen(device)
        screen.begin(exercise.title, exercise.name, submission.path)
        with worker_of(exercise, submission, seed=seed, device=on, process=process, start=begin) as target:
            report = run_checks(
                exercise,
                submission,
                target,
                facts=started.facts,
                misconceptions=functools.partial(load_misconceptions, exercise, hidden=False),
                drawer=drawer,
                content=content_digest(started.folder.path),
                seed=seed,
                on_result=screen.result,
            )
        screen.end(report, started.folder.hidden_points)
        yield report


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
