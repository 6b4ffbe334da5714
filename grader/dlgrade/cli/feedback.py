"""`dlgrade feedback`: a page for each student, over all exercises."""

from __future__ import annotations

import difflib
import time
from collections.abc import Sequence
from pathlib import Path

import click

from dlgrade.cli.missing import tell_missing
from dlgrade.cli.outputs import OutFolder, require_outside
from dlgrade.cli.standing import say_standing
from dlgrade.course.find import find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.text import visible


@click.command()
@click.option("--at", type=click.Path(path_type=Path), default=Path(), metavar="DIR", help="Where gradebook.db is.")
@click.option(
    "--to",
    type=OutFolder(),
    metavar="DIR",
    help="Write there.  [default: feedback/ beside gradebook.db]",
)
@click.option("--student", "students", multiple=True, metavar="S", help="Only this student's. May be repeated.")
@click.option(
    "--exercise", "exercises", multiple=True, metavar="E", help="Only this exercise or unit. May be repeated."
)
@click.pass_context
def command(
    context: click.Context, at: Path, to: Path | None, students: tuple[str, ...], exercises: tuple[str, ...]
) -> int:
    """Write DIR/<student>/feedback.html and feedback.md: of each exercise what holds, what fails and why, and how the
    points come about. Of hidden checks they tell only the category.

    Grades are computed now, as `dlgrade grades` does. DIR/students.json says which folder is whose; the pages of
    whoever was withdrawn are removed. A page of some exercises has its own name: feedback-softmax.html.

    Exit code 3: some submissions have no grade, since the grader failed on them; their pages say so.
    """
    from dlgrade.gradebook.feedback import FOLDER, HTML, MD, ledger, stem_of, write_feedback
    from dlgrade.gradebook.policy_file import load_policy
    from dlgrade.gradebook.store import Gradebook

    begun = time.monotonic()
    course = open_course(find_root(context.obj))
    policy, extensions = load_policy(course)
    if to is None:
        to = (at if at.is_dir() else at.parent) / FOLDER
        require_outside(to, "--to")
    with Gradebook.open(at) as book:
        found = ledger(book, policy, extensions, course.title)
        if not found.grades:
            raise UsageError("The gradebook is empty.", mend="`dlgrade grade SUBMISSIONS --out DIR` fills it.")
        _known(students, sorted({grade.student for grade in found.grades}), "--student")
        names = {folder.name for folder in course.named(exercises)} if exercises else set()
        if exercises and not names & set(found.max_points):
            raise UsageError("Nothing was handed in for what is asked for.", where="--exercise")
        say_standing(book, course, policy)
        stem = stem_of(exercises)
        written = write_feedback(book, found, to, students=students, exercises=names, stem=stem)
    many = "1 student" if written.students == 1 else f"{written.students:,} students"
    where = visible(str(to))
    click.echo(f"{where}/<student>/{stem}{HTML} and {stem}{MD}: {many}, {time.monotonic() - begun:.1f} s.")
    if written.removed:
        named = visible(", ".join(written.removed))
        click.echo(f"Removed, since the gradebook has nothing of them any more: the pages of {named}.")
    waiting = [
        grade
        for grade in found.grades
        if grade.to_be_regraded
        and (not students or grade.student in students)
        and (not names or grade.exercise in names)
    ]
    return tell_missing(waiting, besides=", and the pages say so")


def _known(asked: Sequence[str], known: Sequence[str], where: str) -> None:
    for name in asked:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            mend = f"Did you mean {visible(near[0])}?" if near else "`dlgrade grades` lists them."
            raise UsageError(f"The gradebook has nothing of {visible(name)!r}.", where=where, mend=mend)
