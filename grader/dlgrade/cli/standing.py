"""Says where the grades of a class do not stand on the same ground, which no command may be silent about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dlgrade.errors import UsageError
from dlgrade.points import number
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.course.find import Course
    from dlgrade.gradebook.policy import GradingPolicy
    from dlgrade.gradebook.standing import Outdated
    from dlgrade.gradebook.store import Gradebook

_NAMED = 10


def say_standing(book: Gradebook, course: Course, policy: GradingPolicy) -> None:
    """Say, on the standard error, which grades are of other checks than the course's now, and what was never graded.

    Args:
        book: the gradebook; the seed of its class lies beside it.
        course: the course as it is now.
        policy: the course's.
    """
    from dlgrade.gradebook.grade import kept_seed
    from dlgrade.gradebook.standing import standing

    try:
        seed = kept_seed(book.path.parent)
    except UsageError:
        seed = None  # grading with it will say so; here it would only tell more
    found = standing(book.latest(), course, policy, seed)
    again = "`dlgrade grade` with the same submissions grades them"
    if found.outdated:
        click.echo(
            f"Note: graded by other checks or versions than those that are here now: "
            f"{'; '.join(map(_told, found.outdated))}. {again} anew; with --dry-run it says what would change.",
            err=True,
        )
    if found.ungraded:
        named = [f"{exercise} of {student}" for student, exercise in dict.fromkeys(found.ungraded)]
        more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
        many = len(found.ungraded)
        are = "1 earlier attempt was" if many == 1 else f"{many:,} earlier attempts were"
        click.echo(
            f"Note: the best attempt counts, and {are} never graded: {visible(', '.join(named[:_NAMED]))}{more}. "
            f"{again.replace('them', 'it') if many == 1 else again}.",
            err=True,
        )


def _told(one: Outdated) -> str:
    if not one.attempts:
        many = "some"
    else:
        many = f"all {one.of:,}" if one.attempts == one.of else f"{one.attempts:,} of {one.of:,}"
    points = " and ".join(number(most) for most in one.max_points)
    return f"{one.exercise} ({many}{f', out of {points} points' if len(one.max_points) > 1 else ''})"
