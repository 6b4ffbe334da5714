"""`dlgrade similar`: submissions that are worth a look, since they are more alike than chance explains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlgrade.cli.outputs import OutFile
from dlgrade.cli.tables import aligned
from dlgrade.course.find import find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.fingerprints import Source
    from dlgrade.gradebook.identical import Same
    from dlgrade.gradebook.similar import Likeness, Pair
    from dlgrade.report.alike import Compared

_NAMES_LIMIT = 20_000
"""Characters of names on a line: those of a class of a thousand."""


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
    help="Write a page with the sources, those of a pair side by side.",
)
@click.option(
    "--least",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="How alike, weighed, a pair is that is shown, from 0 to 1.  [default: 0.75]",
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
    """Show submissions that are the same program, and pairs that are more alike than others of the class.

    SUBMISSIONS is whatever `dlgrade collect` understands. Nothing is run. The reference is compared too.

    The same program: token for token, however many handed it in; comments, layout and annotations aside. One with fewer
    than 50 tokens besides the stub's is not told unless 30 words of its comments are the same too: short ones are the
    same by chance.

    Pairs are of different programs. What the stub has, or many of the class, does not count; whoever hides a copy of a
    common answer under other names is not found. All this is worth a look, no more.
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
        from dlgrade.gradebook.identical import ENOUGH, ENOUGH_WORDS
        from dlgrade.report.alike import to_html

        write_file(out, to_html([_compared(one) for one in likely], enough=(ENOUGH, ENOUGH_WORDS)))
        click.echo(f"\nThe sources are in {visible(str(out))}.")


def _print(likely: Sequence[Likeness], least: float) -> None:
    for one in likely:
        for same in one.same:
            click.echo(f"{one.exercise}: {_headline(same)}. {_size(same)}")
            for how, sources in _copies(same):
                click.echo(f"  {how}: {visible('; '.join(source.label for source in sources), limit=_NAMES_LIMIT)}")
            click.echo()
    rows = [
        (
            one.exercise,
            _label(pair.one, one.same),
            _label(pair.other, one.same),
            f"{pair.words:.0%}",
            f"{pair.structure:.0%}",
            f"{pair.alike:.0%}",
            f"{pair.rank:,} of {one.compared:,}",
        )
        for one in likely
        for pair in one.pairs
    ]
    same_ones = any(one.same for one in likely)
    if rows:
        header = ("exercise", "look at", "and", "words", "structure", "weighed", "rank by likeness")
        click.echo(aligned(header, rows, right=header[3:]))
        click.echo("\nWeighed: by how few of the class have what the two share.")
    else:
        click.echo(f"No two {'others ' if same_ones else ''}are as alike as {least:.0%}.")
    if rows or same_ones:
        click.echo("This proves nothing: read them, and ask.")
    for one in likely:
        if one.left_out:
            number = len(one.left_out)
            said = "1 was not compared, since it" if number == 1 else f"{number:,} were not compared, since they"
            click.echo(f"{one.exercise}: {said} cannot be read.", err=True)


def _headline(same: Same) -> str:
    from dlgrade.gradebook.fingerprints import Kind

    also = [one.label for one in same.sources if one.kind is Kind.COURSE]
    if any(one.kind is Kind.PAST for one in same.sources):
        also.append("of an earlier year")
    who = "1 student handed in a" if same.students == 1 else f"{same.students:,} students handed in the same"
    return f"{who} program{', which is ' if also else ''}{' and '.join(also)}"


def _size(same: Same) -> str:
    comments = f" and, in the comments, the same {same.words:,} words" if same.words else ""
    return f"It has {same.tokens:,} tokens{comments} besides the stub's."


def _copies(same: Same) -> list[tuple[str, Sequence[Source]]]:
    """The sources with the same bytes, each time; then all whose comments, layout or annotations nobody else has."""
    said: list[tuple[str, Sequence[Source]]] = [
        ("Byte for byte the same", those) for those in same.copies if len(those) > 1
    ]
    alone = [those[0] for those in same.copies if len(those) == 1]
    return [*said, ("The same but for comments, layout or annotations", alone)] if alone else said


def _label(source: Source, groups: Iterable[Same]) -> str:
    """Whose it is, and how many more have the same program."""
    more = next((len(same.sources) - 1 for same in groups if source in same.sources), 0)
    return f"{source.label} (and {more:,} more)" if more else source.label


def _compared(one: Likeness) -> Compared:
    from dlgrade.report.alike import Alike, Compared, Identical, Side

    summary = (
        f"{one.students:,} student{'' if one.students == 1 else 's'}, {one.compared:,} pairs of different programs. To "
        f"the nearest other, half of the students are at most {one.usual:.0%} alike, weighed."
    )
    same = [
        Identical(
            _headline(its),
            _size(its),
            [(how, [source.label for source in sources]) for how, sources in _copies(its)],
            [Side("; ".join(source.label for source in those), those[0].text, ()) for those in its.copies],
        )
        for its in one.same
    ]
    pairs = [
        Alike(
            _facts(pair, one.compared),
            Side(_label(pair.one, one.same), pair.one.text, pair.marks[0]),
            Side(_label(pair.other, one.same), pair.other.text, pair.marks[1]),
        )
        for pair in one.pairs
    ]
    notes = [f"{label}: {why}" for label, why in one.left_out]
    if not pairs:
        summary += " No pair is shown."
    return Compared(one.exercise, summary, same, pairs, notes)


def _facts(pair: Pair, compared: int) -> list[str]:
    many = "No other pair is" if pair.rank == 1 else f"{pair.rank:,} of {compared:,} pairs are at least"
    as_alike = "as alike." if pair.rank == 1 else "as alike as this one."
    return [
        f"In the same words: {pair.words:.0%}. In structure: {pair.structure:.0%}. "
        f"Weighed by how few have it: {pair.alike:.0%}. {many} {as_alike}"
    ]
