"""Says which grades are missing since the grader failed on the submissions: what no command may be silent about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.grades import Grade

_LISTED = 20


def tell_missing(
    waiting: Sequence[Grade], *, besides: str = "", command: str = "`dlgrade grade`", then: str = ""
) -> int:
    """Say whose submissions have no grade, and what to do; the exit code: 3 if there are any.

    Args:
        waiting: their grades.
        besides: what else is to be known of them, from its comma on.
        command: what is to be run again.
        then: what is to be done after that.
    """
    for grade in waiting[:_LISTED]:
        said = f"{grade.exercise} of {grade.student}, attempt {grade.attempt}"
        click.echo(f"No grade: {visible(said)}: {visible(grade.reason)}", err=True)
    if not waiting:
        return 0
    many = "1 grade is" if len(waiting) == 1 else f"{len(waiting):,} grades are"
    names = " ".join(sorted({visible(grade.exercise) for grade in waiting}))
    mend = f"Run the same {command} again: it grades what is broken anew."
    proof = f"If it stays broken, `dlgrade selftest {names}` says what is wrong with the checks."
    click.echo(" ".join(filter(None, (f"{many} missing{besides}.", mend, proof, then))), err=True)
    return 3
