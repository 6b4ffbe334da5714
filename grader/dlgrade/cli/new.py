"""`dlgrade new`: the skeleton of an exercise."""

from __future__ import annotations

import click

from dlgrade.course.find import find_root, open_course
from dlgrade.course.release import require_authored
from dlgrade.course.scaffold import new_exercise
from dlgrade.errors import UsageError


@click.command()
@click.argument("name", metavar="UNIT/NAME")
@click.pass_context
def command(context: click.Context, name: str) -> None:
    """Write the skeleton of a new exercise, such as 02_losses/huber, into solutions/."""
    course = open_course(find_root(context.obj, bundled=False))
    require_authored(course, "new")
    unit, slash, exercise = name.strip("/").rpartition("/")
    if not slash:
        raise UsageError(f"{name!r} names no unit.", mend="Write UNIT/NAME, such as 02_losses/huber.")
    for path in new_exercise(course, unit, exercise):
        click.echo(f"  {path}")
    click.echo(f"\nNext: dlgrade selftest {exercise}, then dlgrade release")
