"""`dlgrade stats`: how a class did, by exercise and by check, as text and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlgrade.cli.outputs import OutFolder
from dlgrade.cli.pages import page_format, page_options, write_page
from dlgrade.cli.standing import say_standing
from dlgrade.cli.tables import aligned
from dlgrade.course.find import find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.points import number
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.spreadsheet import Cell
    from dlgrade.gradebook.statistics import CheckStatistics, ExerciseStatistics

MISCONCEPTIONS = 5
"""Of each exercise, in the text."""
_EXERCISES = (
    "exercise", "max_points", "students", "to_be_regraded", "mean", "lower_quartile", "median", "upper_quartile",
    "full_marks", "zero",
)  # fmt: skip
_CHECKS = ("exercise", "check", "hidden", "students", "passed", "pass_rate", "discrimination", "median_seconds")
_MISCONCEPTIONS = ("exercise", "misconception", "students", "share", "cure")


@click.command()
@click.argument("gradebook", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@click.option(
    "--csv",
    "csv",
    type=OutFolder(),
    metavar="DIR",
    help="Write exercises.csv, checks.csv and misconceptions.csv there.",
)
@click.option(
    "--exercise", "exercises", multiple=True, metavar="E", help="Only this exercise or unit. May be repeated."
)
@page_format
@click.pass_context
def command(
    context: click.Context,
    gradebook: Path,
    csv: Path | None,
    exercises: tuple[str, ...],
    form: str,
    out: Path | None,
) -> None:
    """Say how the class did: of each exercise how the points are spread, of each check who passed it and how well it
    tells the able from the others, and the commonest misconceptions.

    DIR is where gradebook.db is, the current folder if none is named. Discrimination is the point-biserial correlation
    of passing the check with the points for all other checks.
    """
    from dlgrade.gradebook.grades import asked_for, grades
    from dlgrade.gradebook.policy_file import load_policy
    from dlgrade.gradebook.statistics import statistics
    from dlgrade.gradebook.store import Gradebook

    page_options(form, out, csv)
    course = open_course(find_root(context.obj))
    policy, extensions = load_policy(course)
    with Gradebook.open(gradebook) as book:
        graded = grades(book.records(), policy, extensions, book.adjustments())
        place = {terms.exercise: number for number, terms in enumerate(policy.terms)}
        chosen = sorted(
            asked_for(graded, policy, (), exercises),
            key=lambda grade: (place.get(grade.exercise, len(place)), grade.exercise),
        )
        names = {grade.exercise for grade in chosen}
        found = statistics((one for one in book.records() if one.exercise in names), chosen)
        say_standing(book, course, policy)
    if not found:
        raise UsageError("The gradebook has no reports there, only points by hand.", where=str(book.path))
    if form == "html":
        from dlgrade.report.class_pages import statistics_page

        points: dict[str, list[float]] = {}
        for grade in chosen:
            if grade.attempt and not grade.to_be_regraded:
                points.setdefault(grade.exercise, []).append(grade.points)
        write_page(statistics_page(course.title, found, points), out)
        return
    if csv is None:
        click.echo("\n\n".join(_text(one) for one in found))
        return
    _write(csv, found)
    click.echo(f"exercises.csv, checks.csv and misconceptions.csv are in {visible(str(csv))}.")


def _text(one: ExerciseStatistics) -> str:
    name = visible(one.exercise)
    if not one.students:
        return f"{name}: none of {one.to_be_regraded} submissions could be graded: to be regraded"
    lines = [
        f"{name}: {one.students} {'student' if one.students == 1 else 'students'}, {number(one.max_points)} points",
        f"  mean {_short(one.mean)}, median {_short(one.median)}, the middle half {_short(one.lower)} to "
        f"{_short(one.upper)}, all points {_of(one.full, one.students)}, none {_of(one.zero, one.students)}",
    ]
    if one.to_be_regraded:
        lines.append(f"  to be regraded, and not counted: {one.to_be_regraded}")
    rows = [_row(check) for check in one.checks]
    table = aligned(
        ("check", "passed", "discrimination", "median s"), rows, right=("passed", "discrimination", "median s")
    )
    lines += ["", *(f"  {line}" for line in table.splitlines())]
    if one.misconceptions:
        many = len(one.misconceptions)
        lines += ["", "  Commonest misconceptions" + (f", {MISCONCEPTIONS} of {many}" if many > MISCONCEPTIONS else "")]
    for misconception in one.misconceptions[:MISCONCEPTIONS]:
        students = _of(misconception.students, one.students + one.to_be_regraded)
        lines.append(f"  {students:>10}  {visible(misconception.misconception)}: {visible(misconception.cure)}")
    return "\n".join(lines)


def _row(check: CheckStatistics) -> Sequence[str]:
    return (
        f"{check.check} (hidden)" if check.hidden else check.check,
        _of(check.passed, check.students),
        "–" if check.discrimination is None else f"{check.discrimination:.2f}",
        "–" if check.median_seconds is None else f"{check.median_seconds:.3g}",
    )


def _of(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.0f} %)"


def _short(value: float | None) -> str:
    return "–" if value is None else number(value, digits=2)


def _write(folder: Path, found: Sequence[ExerciseStatistics]) -> None:
    from dlgrade.course.atomic import write_file
    from dlgrade.gradebook.spreadsheet import to_csv

    exercises: list[list[Cell]] = [
        [
            one.exercise, one.max_points, one.students, one.to_be_regraded, _rounded(one.mean), _rounded(one.lower),
            _rounded(one.median), _rounded(one.upper), one.full, one.zero,
        ]
        for one in found
    ]  # fmt: skip
    checks: list[list[Cell]] = [
        [
            check.exercise, check.check, "yes" if check.hidden else "no", check.students, check.passed,
            _rounded(check.pass_rate), _rounded(check.discrimination), _rounded(check.median_seconds),
        ]
        for one in found
        for check in one.checks
    ]  # fmt: skip
    misconceptions: list[list[Cell]] = [
        [item.exercise, item.misconception, item.students, _rounded(item.share), item.cure]
        for one in found
        for item in one.misconceptions
    ]
    write_file(folder / "exercises.csv", to_csv(_EXERCISES, exercises))
    write_file(folder / "checks.csv", to_csv(_CHECKS, checks))
    write_file(folder / "misconceptions.csv", to_csv(_MISCONCEPTIONS, misconceptions))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
