"""`dlgrade adjust`: points that a person gives or takes, with the reason."""

from __future__ import annotations

import difflib
import getpass
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlgrade.course.find import Course, find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.points import number, signed
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.grades import Grade
    from dlgrade.gradebook.policy import Extension, GradingPolicy
    from dlgrade.gradebook.store import Gradebook


# A number below zero is no option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("student")
@click.argument("exercise")
@click.argument("points", type=float)
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the student to read.")
@click.option("--who", metavar="NAME", help="Who decided it.  [default: the name that you are logged in with]")
@click.option(
    "--at",
    type=click.Path(exists=True, path_type=Path),
    default=".",
    metavar="DIR",
    help="Where the gradebook is.  [default: here]",
)
@click.option("--new", is_flag=True, help="The gradebook has nothing of this student yet.")
@click.pass_context
def command(
    context: click.Context,
    student: str,
    exercise: str,
    points: float,
    reason: str,
    who: str | None,
    at: Path,
    new: bool,
) -> int:
    """Give STUDENT points for EXERCISE, or take them: dlgrade adjust ada softmax -2 --reason "Copied the loop."

    Points given by hand are not made fewer by lateness, and nobody is left with less than none. Nothing is erased: what
    was given by mistake is taken again. `dlgrade grades` shows each adjustment with its reason.
    """
    from dlgrade.cli.grades import GRADES, write_csv
    from dlgrade.gradebook.policy_file import load_policy
    from dlgrade.gradebook.store import Gradebook

    course = open_course(find_root(context.obj))
    policy, extensions = load_policy(course)
    Gradebook.open(at).close()  # one that is not there is not to be made
    with Gradebook.open(at, write=True) as book:
        before = _grades(book, policy, extensions)
        student = _student(student, {one.student for one in before}, new)
        exercise = _exercise(exercise, course, {one.exercise for one in before})
        book.adjust(student, exercise, points, reason, who or who_runs_this(), datetime.now(UTC))
        after = _grades(book, policy, extensions)
        table = book.path.with_name(GRADES)
        if table.is_file():
            write_csv(table, after)
    was, now = (_graded(found, student, exercise) for found in (before, after))
    said = f"{exercise} of {student}: {was} → {now} ({signed(points)}: {reason})"
    click.echo(visible(said))
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


def _grades(book: Gradebook, policy: GradingPolicy, extensions: tuple[Extension, ...]) -> tuple[Grade, ...]:
    from dlgrade.gradebook.grades import grades

    return grades(book.records(), policy, extensions, book.adjustments())


def _student(name: str, known: Collection[str], new: bool) -> str:
    from dlgrade.gradebook.whose import safe_name

    found = name if name in known else safe_name(name)
    if found in known or new:
        return found
    near = difflib.get_close_matches(name, known, n=1)
    mend = f"Did you mean {visible(near[0])}?" if near else "`dlgrade grades` lists those that it has."
    raise UsageError(
        f"The gradebook has nothing of {visible(name)!r}.", mend=f"{mend} For somebody who handed nothing in: --new"
    )


def _exercise(name: str, course: Course, known: Collection[str]) -> str:
    if name in known:  # one that the course has no more
        return name
    found = course.named([name])
    if len(found) > 1:
        raise UsageError(f"{visible(name)} is a unit.", mend=f"Name one of: {', '.join(one.name for one in found)}.")
    return found[0].name


def _graded(grades: tuple[Grade, ...], student: str, exercise: str) -> str:
    found = next((one for one in grades if (one.student, one.exercise) == (student, exercise)), None)
    if found is None:
        return "nothing"
    return "no grade yet" if found.graded_points is None else number(found.graded_points)
