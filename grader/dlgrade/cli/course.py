"""`dlgrade course`: what course.toml says, or what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dlgrade.cli.mistakes import tell_mistakes
from dlgrade.cli.tables import aligned
from dlgrade.course.find import COURSE_FILE, Course, find_root, read_course
from dlgrade.errors import AuthorError
from dlgrade.points import added, number, percent
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.policy import Extension, GradingPolicy


@click.group()
def command() -> None:
    """The course's own file: units, due times, what lateness costs."""


@command.command()
@click.pass_context
def check(context: click.Context) -> int:
    """Print what was understood of course.toml (exercises, points, due times, credit), or every mistake in it.

    Exit code 2 if there are mistakes.
    """
    from dlgrade.gradebook.policy_file import read_policy

    root = find_root(context.obj)
    course: Course | None = None
    mistakes: list[AuthorError] = []
    try:
        course, mistakes = read_course(root)
    except AuthorError as error:
        mistakes = [error]
    reading = read_policy(root, course.exercises if course else None, settled=not mistakes)
    mistakes = [*mistakes, *(one for one in reading.mistakes if str(one) not in map(str, mistakes))]
    points: dict[str, str] = {}
    absent: dict[str, list[str]] = {}
    if course is not None:
        points, more, absent = _points(course)
        mistakes += more
    if mistakes:
        return tell_mistakes(mistakes)
    assert course is not None
    _show(course, reading.policy, reading.extensions, points)
    for name, exercises in sorted(absent.items()):
        said = f"Note: {name} is not installed here, so that the points of {', '.join(exercises)} are not known."
        click.echo(f"\n{said}\nWhoever grades them needs it: python -m pip install {name}", err=True)
    return 0


def _points(course: Course) -> tuple[dict[str, str], list[AuthorError], dict[str, list[str]]]:
    """What the checks are worth, in words; what is wrong with those that cannot be loaded; and by what is not installed
    here, the exercises that are not looked at for want of it.
    """
    os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")
    from dlgrade.course.load import load_exercise
    from dlgrade.sandbox.launch import missing

    points: dict[str, str] = {}
    mistakes: list[AuthorError] = []
    absent: dict[str, list[str]] = {}
    for folder in course.exercises:
        if needed := missing(folder.framework):
            absent.setdefault(needed, []).append(folder.name)
            continue
        try:
            exercise = load_exercise(folder, authored=course.authored, hidden=True)
        except AuthorError as error:
            mistakes.append(error)
            continue
        hidden = added(one.points for one in exercise.checks if one.name in exercise.hidden)
        points[folder.name] = number(added((exercise.max_points, -hidden)))
        if exercise.hidden:
            points[folder.name] += f" + {number(hidden)} hidden"
    return points, mistakes, absent


def _show(
    course: Course, policy: GradingPolicy, extensions: Sequence[Extension], points: dict[str, str]
) -> None:  # fmt: skip
    from dlgrade.gradebook.policy import local

    click.echo(f"{visible(course.title)} ({visible(str(course.root / COURSE_FILE))})\n")
    steps = [f"{percent(step.credit)} until" for step in policy.late]
    rows = []
    for terms in policy.terms:
        due = terms.due
        until = [local(step.until.after(due)) if due else "" for step in policy.late]
        worth = (points.get(terms.exercise, "?"), number(terms.weight))
        rows.append([terms.unit, terms.exercise, *worth, local(due) if due else "never", *until])
    click.echo(aligned(["unit", "exercise", "points", "weight", "due", *steps], rows, right=["points", "weight"]))
    late = ", ".join(f"{percent(step.credit)} of the points for {step.until}" for step in policy.late)
    grace = "none" if not policy.grace_days else f"{policy.grace_days} for each student and the whole course"
    people = len({one.student for one in extensions})
    given = f"{len(extensions)} for {people} {'student' if people == 1 else 'students'}" if extensions else "none"
    zone = visible(str(policy.zone)) if policy.zone else "none: each due time says its own"
    click.echo(f"\nTime zone    {zone}")
    click.echo(f"After due    {late}, then nothing" if late else "After due    nothing is given")
    click.echo(f"Grace days   {grace}")
    click.echo(f"Attempts     the {policy.attempts} counts")
    click.echo(f"Extensions   {given}")
