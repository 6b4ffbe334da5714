"""`dlgrade adjust`: points that a person gives, takes, or takes back, with the reason."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlgrade.cli.mistakes import tell_mistakes
from dlgrade.course.find import find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.points import number, signed
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.grades import Grade
    from dlgrade.gradebook.store import Adjustment

_UNDONE = "taken back"
"""The reason of what is taken back without one: the gradebook keeps it, and nobody else reads it."""


# A number below zero is no option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("student", required=False)
@click.argument("exercise", required=False)
@click.argument("points", type=float, required=False)
@click.option("--reason", metavar="TEXT", help="Why, for the student to read.")
@click.option(
    "--from",
    "table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Make all adjustments of a table, or none: columns student, exercise, points, reason.",
)
@click.option("--undo", is_flag=True, help="Take back the last adjustment; with POINTS, the last one of so many.")
@click.option("--who", metavar="NAME", help="Who decided it.  [default: the name that you are logged in with]")
@click.option(
    "--at",
    type=click.Path(exists=True, path_type=Path),
    default=".",
    metavar="DIR",
    help="Where the gradebook is.  [default: here]",
)
@click.option("--new", is_flag=True, help="The gradebook has nothing of this student yet.")
@click.option("--beyond", is_flag=True, help="It may be more than the exercise is worth.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would change.")
@click.pass_context
def command(
    context: click.Context,
    student: str | None,
    exercise: str | None,
    points: float | None,
    reason: str | None,
    table: Path | None,
    undo: bool,
    who: str | None,
    at: Path,
    new: bool,
    beyond: bool,
    dry_run: bool,
) -> int:
    """Give STUDENT points for EXERCISE, or take them: dlgrade adjust ada softmax -2 --reason "Copied the loop."

    Points given by hand are not made fewer by lateness, and nobody is left with less than none. `dlgrade grades` shows
    each adjustment with its reason and who decided it; the student is told the reason. The gradebook erases nothing;
    what is taken back with --undo is shown to nobody any more: dlgrade adjust --undo ada softmax
    """
    from dlgrade.cli.grades import GRADES, write_csv
    from dlgrade.gradebook.adjusting import Desk, last_of, read_adjustments
    from dlgrade.gradebook.grades import grades
    from dlgrade.gradebook.policy_file import load_policy
    from dlgrade.gradebook.store import Gradebook

    if table is not None:
        if student is not None or reason is not None or undo:
            raise UsageError("The table says whose points, how many and why.", where="--from", mend="Name it alone.")
    elif student is None or exercise is None or (points is None and not undo):
        missing = "STUDENT" if student is None else "EXERCISE" if exercise is None else "POINTS"
        raise click.MissingParameter(param_type="argument", param_hint=f"'{missing}'", ctx=context)
    elif reason is None and not undo:
        raise click.MissingParameter(param_type="option", param_hint="'--reason'", ctx=context)
    course = open_course(find_root(context.obj))
    policy, extensions = load_policy(course)
    Gradebook.open(at).close()  # one that is not there is not to be made
    with Gradebook.open(at, write=not dry_run) as book:
        standing = list(book.adjustments())
        before = grades(book.records(), policy, extensions, standing)
        desk = Desk(course, before, who or who_runs_this(), datetime.now(UTC), new, beyond)
        made: list[Adjustment] = []
        left = standing
        if table is not None:
            made, file = read_adjustments(table, desk, standing)
            if file.mistakes:
                return tell_mistakes(file.mistakes, "Nothing was written.")
        elif student is not None and exercise is not None:
            if points is not None and not undo:
                made = [desk.adjustment(student, exercise, points, reason or "")]
            else:
                last = last_of(standing, desk.student(student), desk.exercise(exercise), points)
                left = [one for one in standing if one != last]
        after = grades(book.records(), policy, extensions, [*left, *made])
        gone = [one for one in standing if one not in left]
        if not dry_run:
            book.adjust_all(made)
            for one in gone:
                book.undo(one, reason or _UNDONE, desk.who, desk.at)
            written = book.path.with_name(GRADES)
            if written.is_file():
                write_csv(written, after)
    changes = [(one, signed(one.points)) for one in made]
    changes += [(one, f"taken back: {signed(one.points)}") for one in gone]
    for one, change in changes:
        click.echo(visible(_said(one, before, after, change)))
    if dry_run:
        click.echo("Nothing was written.")
    elif table is not None:
        click.echo(f"{'1 adjustment was' if len(made) == 1 else f'{len(made):,} adjustments were'} made.")
    return 0


def who_runs_this() -> str:
    """The name of whoever runs this.

    Raises:
        UsageError: nobody knows it.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise UsageError("It is not known who you are.", mend="Say it: --who NAME, or set LOGNAME.") from error


def _said(one: Adjustment, before: Sequence[Grade], after: Sequence[Grade], change: str) -> str:
    was, now = (_graded(found, one.student, one.exercise) for found in (before, after))
    return f"{one.exercise} of {one.student}: {was} → {now} ({change}: {one.reason})"


def _graded(grades: Sequence[Grade], student: str, exercise: str) -> str:
    found = next((one for one in grades if (one.student, one.exercise) == (student, exercise)), None)
    if found is None:
        return "nothing"
    return "no grade yet" if found.graded_points is None else number(found.graded_points)
