"""`dlgrade similar`: pairs of submissions that are worth a look, since they are more alike than chance explains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlgrade.cli.outputs import OutFile
from dlgrade.cli.tables import aligned
from dlgrade.course.find import find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.similar import Likeness, Pair
    from dlgrade.report.alike import Group


@click.command()
@click.argument("submissions", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SUBMISSIONS...")
@click.option(
    "--past",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Submissions of an earlier year, which may have been copied. May be repeated.",
)
@click.option(
    "--exercise", "exercises", multiple=True, metavar="E", help="Only this exercise or unit. May be repeated."
)
@click.option(
    "--out",
    type=OutFile("html"),
    metavar="FILE.html",
    help="Write a page with both sources of each pair side by side.",
)
@click.option(
    "--least",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="How alike a pair is that is shown, from 0 to 1.  [default: 0.75]",
)
@click.pass_context
def command(
    context: click.Context,
    submissions: tuple[Path, ...],
    past: tuple[Path, ...],
    exercises: tuple[str, ...],
    out: Path | None,
    least: float | None,
) -> None:
    """Show pairs of submissions that are more alike than others of the class, copies of the reference included.

    SUBMISSIONS is whatever `dlgrade collect` understands. Nothing is run. What the stub has, or many of the class,
    does not count; whoever hides a copy of a common answer under other names is not found. A pair is worth a look, no
    more.
    """
    from dlgrade.gradebook.collect import collect
    from dlgrade.gradebook.similar import LEAST, likenesses

    course = open_course(find_root(context.obj))
    if out is not None and not out.parent.is_dir():
        raise UsageError(f"There is no folder {out.parent}.", where="--out")
    found = collect(submissions, course).submissions
    earlier = collect(past, course).submissions
    least = LEAST if least is None else least
    likely = likenesses(course, found, earlier, exercises, least=least)
    if not likely:
        raise UsageError(
            "There are no submissions to compare.", mend="`dlgrade collect … --dry-run` says what is taken for one."
        )
    if past and not earlier:
        click.echo("Note: nothing below --past is known to be a submission.", err=True)
    _print(likely, least)
    if out is not None:
        from dlgrade.course.atomic import write_file
        from dlgrade.report.alike import to_html

        write_file(out, to_html([_group(one) for one in likely]))
        click.echo(f"\nBoth sources of each pair are in {visible(str(out))}.")


def _print(likely: Sequence[Likeness], least: float) -> None:
    rows = [
        (
            one.exercise,
            pair.one.label,
            pair.other.label,
            f"{pair.words:.0%}",
            f"{pair.structure:.0%}",
            f"{pair.rank:,} of {one.compared:,}",
        )
        for one in likely
        for pair in one.pairs
    ]
    if rows:
        header = ("exercise", "look at", "and", "words", "structure", "rank by likeness")
        click.echo(aligned(header, rows, right=header[3:]))
        click.echo("\nThis proves nothing: read both, and ask.")
    else:
        click.echo(f"No two are as alike as {least:.0%}.")
    for one in likely:
        if one.left_out:
            number = len(one.left_out)
            said = "1 was not compared, since it" if number == 1 else f"{number:,} were not compared, since they"
            click.echo(f"{one.exercise}: {said} cannot be read.", err=True)


def _group(one: Likeness) -> Group:
    from dlgrade.report.alike import Alike, Group, Side

    summary = (
        f"{one.students:,} students, {one.compared:,} pairs. To the nearest other, half of the students are at most "
        f"{max(0.0, one.usual):.0%} alike."
    )
    pairs = [
        Alike(
            _facts(pair, one.compared),
            Side(pair.one.label, pair.one.text, pair.marks[0]),
            Side(pair.other.label, pair.other.text, pair.marks[1]),
        )
        for pair in one.pairs
    ]
    notes = [f"{label}: {why}" for label, why in one.left_out]
    return Group(one.exercise, summary if pairs else f"{summary} None is shown.", pairs, notes)


def _facts(pair: Pair, compared: int) -> list[str]:
    many = "No other pair is" if pair.rank == 1 else f"{pair.rank:,} of {compared:,} pairs are at least"
    as_alike = "as alike." if pair.rank == 1 else "as alike as this one."
    return [f"In the same words: {pair.words:.0%}. In structure: {pair.structure:.0%}. {many} {as_alike}"]
