"""`dlgrade export`: grades and reports for other programs, each computed now from a gradebook."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlgrade.cli.missing import tell_missing
from dlgrade.cli.outputs import OutFile, OutFolder, require_outside, require_same_kind
from dlgrade.cli.standing import say_standing
from dlgrade.course.find import Course, find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.exports.entries import Entry
    from dlgrade.gradebook.exports.roster import Roster
    from dlgrade.gradebook.policy import GradingPolicy

_LISTED = 20
_ANY = click.Path(path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_VISIBILITIES = ("after_published", "after_due_date", "hidden", "visible")


@dataclass(frozen=True)
class _Chosen:
    """What is exported: the grades that are asked for, and whose they are elsewhere."""

    course: Course
    policy: GradingPolicy
    entries: tuple[Entry, ...]
    roster: Roster


@click.group()
def command() -> None:
    """Write grades and reports for other programs.

    Each format is computed now from the reports in DIR/gradebook.db, course.toml, extensions and adjustments, and
    written as a whole or not at all.

    Exit code 0: all was exported. 2: wrong usage. 3: some submissions have no grade, since the grader failed on them;
    they are left out or empty, never zero.
    """


def _options(
    default: str = "", kind: click.Path | None = None, *, named: bool = False, reports: bool = False
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The options of all formats; the command gets what they choose, and `out`.

    Args:
        default: the default of --out; without, there is no such option.
        kind: what --out names.
        named: whether others may call the students otherwise.
        reports: whether the reports are read too.
    """
    names = click.option(
        "--names",
        type=_FILE,
        metavar="FILE.csv",
        help="What others call the students: columns student, id, sis_user_id, sis_login_id, email, first_name, "
        "last_name.",
    )
    at = click.option("--at", type=_ANY, default=Path(), metavar="DIR", help="The gradebook's.  [default: .]")
    out = click.option(
        "--out", type=kind, default=Path(default), metavar="PATH", show_default=True, help="Write there."
    )
    student = click.option("--student", "students", multiple=True, metavar="S", help="Only theirs. May be repeated.")
    exercise = click.option(
        "--exercise", "exercises", multiple=True, metavar="E", help="Only this exercise or unit. May be repeated."
    )
    options = (*([names] if named else []), exercise, student, *([out] if default else []), at)

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        def run(
            context: click.Context,
            /,
            at: Path,
            students: Sequence[str],
            exercises: Sequence[str],
            names: Path | None = None,
            **others: Any,
        ) -> int:
            return command(_chosen(context.obj, at, students, exercises, names, reports), **others)

        whole = click.pass_context(run)
        functools.update_wrapper(whole, command)  # with its name, its help and its own options
        return functools.reduce(lambda inner, option: option(inner), options, whole)

    return decorate


_hidden_checks = click.option(
    "--hidden-checks",
    "visibility",
    type=click.Choice(_VISIBILITIES),
    default=_VISIBILITIES[0],
    show_default=True,
    help="When students see category and points of hidden checks.",
)


# -- formats -----------------------------------------------------------------------------------------------------------


@command.command("csv")
@_options("grades.csv", OutFile("csv"))
def csv_command(chosen: _Chosen, out: Path) -> int:
    """A table: what `dlgrade grades --csv` writes."""
    from dlgrade.cli.grades import write_csv

    write_csv(out, [entry.grade for entry in chosen.entries])
    return _finished(chosen.entries, out)


@command.command("junit", short_help="JUnit XML: a suite for each student, a case for each check.")
@_options("grades.xml", OutFile("junit"), reports=True)
def junit_command(chosen: _Chosen, out: Path) -> int:
    """JUnit XML: a suite for each student, a case for each check."""
    from dlgrade.course.atomic import write_file
    from dlgrade.gradebook.exports.junit import class_junit

    write_file(out, class_junit(chosen.entries))
    return _finished(chosen.entries, out)


@command.command("canvas")
@_options("canvas.csv", OutFile("csv"), named=True)
@click.option(
    "--into", type=_FILE, metavar="EXPORTED.csv", help="Fill the scores into this file, which Canvas exported."
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar='E="TITLE (ID)"',
    help="Canvas's column for an exercise or a unit. May be repeated; then only these are exported.",
)
@click.option(
    "--student-id",
    "key",
    type=click.Choice(["id", "sis_user_id", "sis_login_id"]),
    help="By what students are found.  [default: found out]",
)
@click.option("--scale", is_flag=True, help="Make the points fit where Canvas has others.")
@click.option("--skip-unknown", is_flag=True, help="Leave out students whom Canvas's file does not have.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would go where.")
def canvas_command(
    chosen: _Chosen,
    out: Path,
    into: Path | None,
    columns: tuple[str, ...],
    key: str | None,
    scale: bool,
    skip_unknown: bool,
    dry_run: bool,
) -> int:
    """A CSV that Canvas's gradebook imports.

    With --into, whatever is not a score of ours stays as Canvas wrote it. Without, it is a new file; an empty cell in
    it clears a score that Canvas has.
    """
    from dlgrade.course.atomic import write_file
    from dlgrade.gradebook.exports import canvas
    from dlgrade.gradebook.exports.canvas_sheet import read_sheet, write_sheet

    grades = [entry.grade for entry in chosen.entries]
    titles = _titles(columns)
    written: int | None = None
    if into is None:
        data = canvas.fresh(grades, chosen.policy, chosen.roster, columns=titles, key=key)
    else:
        if out.exists() and into.exists() and out.samefile(into):
            raise UsageError(f"{out} is the file that Canvas exported.", where="--out", mend="Name another one.")
        sheet = read_sheet(_read(into, "--into"), str(into))
        filling = canvas.fill(sheet, grades, chosen.policy, chosen.roster, columns=titles, key=key, scale=scale)
        click.echo(canvas.preview(filling))
        if filling.absent and not skip_unknown:
            many = len(filling.absent)
            what = f"{many} students with grades are" if many > 1 else "1 student with grades is"
            mend = "--names FILE.csv says what Canvas calls them; --skip-unknown leaves them out."
            raise UsageError(f"{what} not in Canvas's file.", where="--into", mend=mend)
        data, written = write_sheet(filling.sheet), filling.written
    if dry_run:
        click.echo("Nothing was written.")
        return _left_out(chosen.entries)
    write_file(out, data)
    return _finished(chosen.entries, out, written)


@command.command("gradescope", short_help="Gradescope's results.json for each submission.")
@_options("gradescope", OutFolder(), reports=True)
@_hidden_checks
def gradescope_command(chosen: _Chosen, out: Path, visibility: str) -> int:
    """Gradescope's results.json for each submission: PATH/<exercise>/<student>/results.json."""
    from dlgrade.gradebook.exports.files import write_folder
    from dlgrade.gradebook.exports.gradescope import folder_of

    write_folder(out, folder_of(chosen.entries, visibility), "gradescope")
    return _finished(chosen.entries, out)


@command.command("gradescope-zip")
@click.option("--exercise", required=True, metavar="E", help="The exercise that it grades.")
@click.option("--out", type=OutFile("zip"), metavar="FILE.zip", help="Write there.  [default: E-autograder.zip]")
@click.option(
    "--at",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Grade with the seed that is kept there.  [default: a new one]",
)
@click.option(
    "--wheel",
    "wheels",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="Install this wheel of dlgrade. May be repeated.",
)
@click.option(
    "--isolation",
    type=click.Choice(["auto", "strict", "landlock", "process"]),
    default="auto",
    show_default=True,
    help="How confined submissions run; auto: as much as the container can, which it says.",
)
@_hidden_checks
@click.pass_context
def gradescope_zip_command(
    context: click.Context,
    exercise: str,
    out: Path | None,
    at: Path | None,
    wheels: tuple[Path, ...],
    isolation: str,
    visibility: str,
) -> int:
    """Gradescope's autograder for one exercise.

    It holds the checks, the hidden ones too, and no solution. Without --wheel it installs this version of dlgrade from
    the package index.
    """
    from dlgrade import __version__
    from dlgrade.course.atomic import write_file
    from dlgrade.gradebook.exports.gradescope_zip import autograder_zip, read_wheels, settings_of
    from dlgrade.gradebook.grade import kept_seed, new_seed

    course = open_course(find_root(context.obj))
    folders = course.named([exercise])
    if len(folders) != 1:
        raise UsageError(f"{exercise} is {len(folders)} exercises.", where="--exercise", mend="Name one.")
    (folder,) = folders
    kept = None if at is None else kept_seed(at if at.is_dir() else at.parent)
    settings = settings_of(course, folder.name, new_seed() if kept is None else kept, visibility, isolation)
    inside = read_wheels(wheels, __version__)
    data = autograder_zip(course, folder, settings, wheels=inside, version=__version__)
    if out is None:
        out = Path(f"{folder.name}-autograder.zip")
        require_outside(out, "--out")
    write_file(out, data)
    due = settings.policy.of(folder.name).due
    click.echo(f"{visible(str(out))}: the checks of {folder.name}, {len(data):,} bytes.")
    click.echo("Lateness: none, as it is never due." if due is None else f"Due: {due.isoformat()}.")
    click.echo("Grace days and extensions in the course's files are not in it; Gradescope's own extensions count.")
    return 0


@command.command("gradescope-run", hidden=True)
@click.option("--root", type=_FOLDER, default=Path("/autograder"))
def gradescope_run_command(root: Path) -> int:
    """What run_autograder calls inside the zip: grade the submission below a root."""
    from dlgrade.course.atomic import write_file
    from dlgrade.gradebook.exports.files import to_json
    from dlgrade.gradebook.exports.gradescope_run import autograde, results_path

    ran = autograde(root, datetime.now(UTC))
    # The harness reads it as whoever it is.
    write_file(results_path(root), to_json(ran.results))
    click.echo(visible(ran.said, lines=True))
    return 0 if ran.graded else 3


@command.command("classroom50", short_help="Classroom 50's result/v1 for each submission.")
@_options("classroom50", OutFolder(file_okay=True), named=True, reports=True)
@click.option("--classroom", envvar="CLASSROOM", metavar="NAME", help="The classroom's short name.")
@click.option("--organization", envvar="GITHUB_REPOSITORY_OWNER", metavar="NAME", help="Its organization on GitHub.")
def classroom50_command(chosen: _Chosen, out: Path, classroom: str | None, organization: str | None) -> int:
    """Classroom 50's result/v1 for each submission: PATH/<exercise>/<username>.json.

    A username is the student's sis_login_id among --names, else the name in the gradebook. Inside Classroom 50's runner
    (where SUBMISSION_TAG is set) PATH is one file, for one submission. Lateness and adjustments have no place in it.
    """
    from dlgrade.course.atomic import write_file
    from dlgrade.gradebook.exports.classroom50 import asked_of, results_of
    from dlgrade.gradebook.exports.files import to_json, write_folder

    asked = asked_of(os.environ)
    if not classroom or not (asked or organization):
        raise UsageError(
            "Classroom 50 wants to know where it is.", mend="Name both: --classroom NAME --organization NAME"
        )
    found = results_of(chosen.entries, chosen.roster, classroom, organization or "", asked)
    for name, factor in found.factors.items():
        if factor != 1:
            click.echo(f"{name}: points are multiplied by {factor}, since they are integers there.", err=True)
    if asked is None:
        write_folder(out, {path: to_json(data) for path, data in found.results.items()}, "classroom50")
        return _finished(chosen.entries, out)
    if len(chosen.entries) != 1:
        mend = "Name one: --student S --exercise E"
        raise UsageError(f"There are {len(chosen.entries)} submissions, and Classroom 50 is asking for one.", mend=mend)
    out = out / "result.json" if out.is_dir() else out
    require_same_kind(out, "json", "--out")
    for data in found.results.values():
        write_file(out, to_json(data))
    return _finished(chosen.entries, out) if found.results else _left_out(chosen.entries)


@command.command("ags", short_help="Scores for LTI 1.3, a file for each submission.")
@_options("ags", OutFolder(), named=True)
def ags_command(chosen: _Chosen, out: Path) -> int:
    """Scores for LTI 1.3: PATH/<exercise>/<student>.json, each to be posted to the line item's /scores.

    userId is the student's id among --names, else the name in the gradebook. Export into the same PATH again, and each
    timestamp is newer than it was.
    """
    from dlgrade.gradebook.exports import ags
    from dlgrade.gradebook.exports.files import require_replaceable, write_folder

    require_replaceable(out, "ags")
    paths = [ags.path_of(entry) for entry in chosen.entries]
    last = {path: when for path in paths if (when := ags.timestamp_of(_json(out / path))) is not None}
    write_folder(out, ags.scores(chosen.entries, chosen.roster, datetime.now(UTC), last), "ags")
    return _finished(chosen.entries, out)


@command.command("nbgrader", short_help="Scores in nbgrader's own gradebook.")
@_options(named=True)
@click.option(
    "--db", type=OutFile(), required=True, metavar="FILE", help="nbgrader's gradebook.db; made if there is none."
)
def nbgrader_command(chosen: _Chosen, db: Path) -> int:
    """Scores in nbgrader's own gradebook: an assignment for each exercise."""
    from dlgrade.gradebook.exports.nbgrader_db import export

    done = export(db, chosen.entries, chosen.policy, chosen.roster)
    click.echo(f"{done.scores:,} scores are in {visible(str(db))}.")
    if done.by_hand:
        click.echo(f"{done.by_hand:,} of them have a score by hand in nbgrader, which is what counts there.", err=True)
    return _left_out(chosen.entries)


# -- what is read and said ---------------------------------------------------------------------------------------------


def _chosen(
    where: str | None,
    at: Path,
    students: Sequence[str],
    exercises: Sequence[str],
    names: Path | None,
    reports: bool,
) -> _Chosen:
    from dlgrade.gradebook.exports.entries import read_entries
    from dlgrade.gradebook.exports.roster import read_roster
    from dlgrade.gradebook.policy_file import load_policy
    from dlgrade.gradebook.store import Gradebook

    course = open_course(find_root(where))
    policy, extensions = load_policy(course)
    roster = {} if names is None else read_roster(names)
    with Gradebook.open(at) as book:
        entries = read_entries(book, policy, extensions, students=students, exercises=exercises, reports=reports)
        say_standing(book, course, policy)
    unnamed = sorted({entry.grade.student for entry in entries} - roster.keys()) if roster else []
    if unnamed:
        more = f" and {len(unnamed) - _LISTED} more" if len(unnamed) > _LISTED else ""
        said = ", ".join(map(visible, unnamed[:_LISTED]))
        click.echo(f"Note: --names has nothing on {said}{more}: the names in the gradebook are taken.", err=True)
    return _Chosen(course, policy, entries, roster)


def _finished(entries: Sequence[Entry], out: Path, written: int | None = None) -> int:
    """Say how many grades were written, by default all that there are; the exit code."""
    many = sum(entry.graded for entry in entries) if written is None else written
    click.echo(f"{'1 grade is' if many == 1 else f'{many:,} grades are'} in {visible(str(out))}.")
    return _left_out(entries)


def _left_out(entries: Sequence[Entry]) -> int:
    """Say whose submissions have no grade; the exit code."""
    waiting = [entry.grade for entry in entries if not entry.graded]
    return tell_missing(waiting, besides=", and nobody's zero", then="Then export again.")


def _titles(columns: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for one in columns:
        name, mark, title = one.partition("=")
        if not mark or not name.strip() or not title.strip():
            mend = 'Write it as softmax="HW1 softmax (4711)".'
            raise UsageError(f"{visible(one)!r} names no column.", where="--column", mend=mend)
        if name.strip() in found:
            raise UsageError(f"{visible(name)!r} is named twice.", where="--column")
        found[name.strip()] = title.strip()
    return found


def _read(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", where=option) from error


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
