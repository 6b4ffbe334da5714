"""`dlgrade grades`: grades as a table and as CSV, computed from a gradebook and the course's policy."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlgrade.cli.missing import tell_missing
from dlgrade.cli.outputs import OutFile
from dlgrade.cli.pages import page_format, page_options, write_page
from dlgrade.cli.standing import say_standing
from dlgrade.cli.tables import aligned
from dlgrade.course.find import COURSE_FILE, find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.points import number, percent, share_of
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.grades import Grade, Total
    from dlgrade.gradebook.policy import Extension, GradingPolicy
    from dlgrade.gradebook.spreadsheet import Cell
    from dlgrade.gradebook.store import Gradebook

COLUMNS = ("student", "exercise", "points", "max_points", "verdict", "credit", "graded_points", "reason")
"""Of the CSV."""
TOTAL_COLUMNS = ("student", "points", "max_points", "share", "missing", "to_be_regraded")
"""Of the CSV with the totals."""
GRADES = "grades.csv"
"""Its name where `dlgrade grade` writes it."""
_NAMED_LIMIT = 10


@click.command()
@click.argument("gradebook", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@click.option("--csv", "csv", type=OutFile("csv"), metavar="FILE.csv", help="Write them there.")
@click.option("--student", "students", multiple=True, metavar="S", help="Only this student's. May be repeated.")
@click.option(
    "--exercise", "exercises", multiple=True, metavar="E", help="Only this exercise or unit. May be repeated."
)
@click.option("--totals", "summed", is_flag=True, help="Only the totals: a line for each student.")
@click.option("--verify", is_flag=True, help="Look through every report first, and say what is damaged.")
@page_format
@click.pass_context
def command(
    context: click.Context,
    gradebook: Path,
    csv: Path | None,
    students: tuple[str, ...],
    exercises: tuple[str, ...],
    summed: bool,
    verify: bool,
    form: str,
    out: Path | None,
) -> int:
    """Print grades, computed now from the reports in DIR/gradebook.db, course.toml, extensions and adjustments.

    DIR is the current folder if none is named. Exit code 3: some submissions have no grade, since the grader failed on
    them.
    """
    from dlgrade.gradebook.grades import asked_for, grades, totals
    from dlgrade.gradebook.policy_file import load_policy
    from dlgrade.gradebook.store import Gradebook

    page_options(form, out, csv)
    if summed and (exercises or form != "text"):
        raise UsageError("Totals are over all exercises, in a table of text or CSV.", where="--totals")
    course = open_course(find_root(context.obj))
    policy, extensions = load_policy(course)
    with Gradebook.open(gradebook) as book:
        if verify:
            _verify(book)
        # All are needed, whoever is asked for: grace days are spent over a student's exercises, and a total is of what
        # anybody handed in.
        found = grades(book.records(), policy, extensions, book.adjustments())
        shown = asked_for(found, policy, students, exercises)
        say_standing(book, course, policy)
    whole = [total for total in totals(found, policy) if not students or total.student in students]
    # Whoever stands in another folder would have other terms, and not see it.
    due = "" if any(terms.due for terms in policy.terms) else ", by which nothing is ever due"
    click.echo(f"Terms: {visible(str(course.root / COURSE_FILE))}{due}.", err=True)
    if not students:
        _unknown_students(extensions, found)
    say_clocks(shown, policy)
    if form == "html":
        from dlgrade.report.class_pages import grades_page

        there = {one.exercise for one in (shown if exercises else found)}
        sums = whole if not exercises and len(there) > 1 else ()
        write_page(grades_page(course.title, shown, sums, policy.in_order(there)), out)
    elif summed and csv is not None:
        _write_totals(csv, whole)
        click.echo(f"{'1 total is' if len(whole) == 1 else f'{len(whole)} totals are'} in {visible(str(csv))}.")
    elif summed:
        click.echo(_totals(whole))
    elif csv is not None:
        write_csv(csv, shown)
        click.echo(f"{'1 grade is' if len(shown) == 1 else f'{len(shown)} grades are'} in {visible(str(csv))}.")
    else:
        click.echo(_table(shown))
        if not exercises and len({grade.exercise for grade in found}) > 1:
            click.echo(f"\n{_totals(whole)}")
    return tell_missing([grade for grade in shown if grade.to_be_regraded])


def _verify(book: Gradebook) -> None:
    from dlgrade.errors import GraderError
    from dlgrade.gradebook.store import RESCUE

    faults = book.faults()
    if faults:
        raise GraderError("\n".join(["The gradebook is damaged.", *faults]), where=str(book.path), mend=RESCUE)
    click.echo(f"{visible(str(book.path))} is sound.", err=True)


def _unknown_students(extensions: Sequence[Extension], found: Sequence[Grade]) -> None:
    """A name that is misspelt among the extensions would cost somebody the time that was granted."""
    known = sorted({grade.student for grade in found})
    for name in sorted({one.student for one in extensions} - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        mean = f": did you mean {visible(near[0])}?" if near else "."
        click.echo(f"Note: an extension is for {visible(name)}, of whom the gradebook has nothing{mean}", err=True)


def unknown_times(those: Sequence[tuple[str, str, str]], what: str) -> str:
    """What is to be said of those of which nobody knows when they were handed in; empty if there are none.

    Args:
        those: student, exercise and clock of each.
        what: what each of them is.
    """
    from dlgrade.gradebook.sources import UNKNOWN, Clock

    unknown = [one for one in those if one[2] in UNKNOWN]
    if not unknown:
        return ""
    few = f": {_named(unknown)}" if len(unknown) < len(those) else ""
    many = f"{len(unknown):,} of {len(those):,} {what}{'' if len(those) == 1 else 's'}"
    were = "was" if len(unknown) == 1 else "were"
    said = f"When {many} {were} handed in is not known: a platform's zip has the time of the download. "
    said += f"Graded as on time{few}."
    late = [one for one in unknown if one[2] == Clock.LATE]
    if late:
        said += f" Canvas says that these are late: {_named(late)}. `dlgrade adjust` takes points by hand."
    return said


def _named(those: Sequence[tuple[str, str, str]]) -> str:
    named = [f"{exercise} of {student}" for student, exercise, _ in those]
    more = f" and {len(named) - _NAMED_LIMIT:,} more" if len(named) > _NAMED_LIMIT else ""
    return f"{visible(', '.join(named[:_NAMED_LIMIT]))}{more}"


def say_clocks(grades: Sequence[Grade], policy: GradingPolicy) -> None:
    """Say, on the standard error, where lateness stands on weak ground: unknown times, and such as copying sets."""
    from dlgrade.gradebook.sources import COPIED

    due = {terms.exercise for terms in policy.terms if terms.due is not None}
    those = [(one.student, one.exercise, one.clock) for one in grades if one.exercise in due and one.attempt]
    untimed = unknown_times(those, "submission")
    if untimed:
        click.echo(f"Note: {untimed}", err=True)
    late = [
        (one.student, one.exercise, one.clock)
        for one in grades
        if one.clock in COPIED and one.credit is not None and one.credit < 1
    ]
    if late:
        said = "a grade is" if len(late) == 1 else f"{len(late):,} grades are"
        click.echo(
            f"Note: {said} lower for lateness by the time of a file, which copying can change: {_named(late)}.",
            err=True,
        )


def _table(grades: Sequence[Grade]) -> str:
    header = ("student", "exercise", "points", "verdict", "credit", "graded", "reason")
    rows = (
        (
            grade.student,
            grade.exercise,
            f"{number(grade.points)}/{number(grade.max_points)}",
            grade.verdict,
            percent(grade.credit),
            "–" if grade.graded_points is None else number(grade.graded_points),
            grade.noted,
        )
        for grade in grades
    )
    return aligned(header, rows, right=("points", "credit", "graded"))


def _totals(totals: Sequence[Total]) -> str:
    rows = (
        (
            total.student,
            f"{number(total.points)}/{number(total.max_points)}",
            percent(share_of(total.points, total.max_points)),
            ", ".join(total.missing) or "–",
            ", ".join(total.to_be_regraded) or "–",
        )
        for total in totals
    )
    return aligned(("student", "total", "share", "missing", "to be regraded"), rows, right=("total", "share"))


def _write_totals(path: Path, totals: Sequence[Total]) -> None:
    from dlgrade.course.atomic import write_file
    from dlgrade.gradebook.spreadsheet import to_csv

    rows: list[list[Cell]] = [
        [
            total.student, total.points, total.max_points, share_of(total.points, total.max_points),
            " ".join(total.missing), " ".join(total.to_be_regraded),
        ]
        for total in totals
    ]  # fmt: skip
    write_file(path, to_csv(TOTAL_COLUMNS, rows))


def write_csv(path: Path, grades: Sequence[Grade]) -> None:
    """Write grades as CSV, as a whole or not at all.

    Raises:
        UsageError: if it cannot be written.
    """
    from dlgrade.course.atomic import write_file
    from dlgrade.gradebook.spreadsheet import to_csv

    rows: list[list[Cell]] = [
        [
            grade.student, grade.exercise, grade.points, grade.max_points, grade.verdict, grade.credit,
            grade.graded_points, grade.noted,
        ]
        for grade in grades
    ]  # fmt: skip
    write_file(path, to_csv(COLUMNS, rows))
