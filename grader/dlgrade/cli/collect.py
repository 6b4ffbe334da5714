"""`dlgrade collect`: gathers a class's submissions into one folder, or shows what it would take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlgrade.cli.grades import unknown_times
from dlgrade.cli.outputs import OutFolder
from dlgrade.course.find import find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.collect import Collected
    from dlgrade.gradebook.sources import PassedOver

_SHOWN = 10
"""Files of each reason to be passed over that are shown."""
_UNREMARKABLE = {"It is neither Python nor a notebook.", "Nobody hands in what lies in such a folder."}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--to", type=OutFolder(), metavar="DIR", help="Gather them there.")
@click.option(
    "--pattern",
    metavar="REGEX",
    help="Whose a file is and what it solves, by the named groups student and exercise, looked for in its path.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be taken as whose.")
@click.pass_context
def command(
    context: click.Context, paths: tuple[Path, ...], to: Path | None, pattern: str | None, dry_run: bool
) -> int:
    """Gather submissions: folders, zips as Canvas, Moodle and Gradescope give them out, notebooks, git checkouts,
    nbgrader's submitted/.

    Whose a file is, the outermost folder or archive says: SUBMISSIONS/<student>/<exercise>.py, <student>.zip,
    <student>_<exercise>.py. Nothing is run, and nothing is extracted. Run it again, and only what is new is added.
    """
    if to is None and not dry_run:
        raise UsageError(
            "It is not said where to gather them.", mend="Name a folder, --to DIR, or look first: --dry-run"
        )
    course = open_course(find_root(context.obj))
    from dlgrade.gradebook.collect import collect
    from dlgrade.gradebook.policy_file import load_policy

    policy, _ = load_policy(course)
    if to is not None and any(path.resolve() == to.resolve() for path in paths):
        raise UsageError(f"{to} is where the submissions are, and cannot be where they are gathered.", where="--to")
    found = collect(paths, course, pattern, without=() if to is None else (to,), zone=policy.zone)
    if not found.submissions:
        _passed_over(found.passed_over, whole=True)
        raise UsageError(
            "Nothing there is known to be a submission.",
            mend="A file is named after its exercise, such as ada/softmax.py; --pattern says how else they are named.",
        )
    untimed = unknown_times([(one.student, one.exercise, one.clock) for one in found.submissions], "attempt")
    if dry_run or to is None:
        _table(found.submissions)
        click.echo(f"\n{untimed}" if untimed else "", nl=bool(untimed))
        _passed_over(found.passed_over, whole=True)
        click.echo(f"\n{_counted(found.submissions)}. Nothing was written.")
        return 0
    from dlgrade.gradebook.deposit import deposit

    written = deposit(found, to)
    _passed_over(found.passed_over, whole=False)
    click.echo(f"{_counted(found.submissions)}.")
    if untimed:
        click.echo(untimed, err=True)
    click.echo(f"New: {len(written.added)}. {to} holds {written.total}, and their receipts in receipts.csv.")
    return 0


def _counted(submissions: Sequence[Collected]) -> str:
    students = len({one.student for one in submissions})
    exercises = len({one.exercise for one in submissions})
    return f"{_of(len(submissions), 'attempt')} of {_of(students, 'student')} at {_of(exercises, 'exercise')}"


def _of(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _table(submissions: Sequence[Collected]) -> None:
    rows = [("student", "exercise", "attempt", "handed in", "bytes", "from")]
    from dlgrade.gradebook.sources import UNKNOWN

    for one in submissions:
        when = "unknown" if one.clock in UNKNOWN else one.when.strftime("%Y-%m-%d %H:%M:%S") + "Z"
        rows.append(
            (visible(one.student), one.exercise, f"{one.attempt}", when, f"{len(one.submission.source):,}", _from(one))
        )
    widths = [min(40, max(len(row[column]) for row in rows)) for column in range(5)]
    for row in rows:
        # What is measured stands to the right, what is read to the left.
        cells = (f"{row[0]:<{widths[0]}}", f"{row[1]:<{widths[1]}}", f"{row[2]:>{widths[2]}}", f"{row[3]:<{widths[3]}}")
        click.echo("  ".join((*cells, f"{row[4]:>{widths[4]}}", row[5])))


def _from(one: Collected) -> str:
    notes = f"  ({'; '.join(one.notes)})" if one.notes else ""
    return visible(f"{one.origin}{notes}", limit=400)


def _passed_over(passed: Sequence[PassedOver], *, whole: bool) -> None:
    """What was passed over, by reason. Without `whole`, only what somebody may have handed in."""
    reasons: dict[str, list[PassedOver]] = {}
    for one in passed:
        if whole or one.why not in _UNREMARKABLE:
            reasons.setdefault(one.why, []).append(one)
    for number, (why, those) in enumerate(sorted(reasons.items())):
        if not number:
            click.echo("\nPassed over:" if whole else "Passed over:")
        click.echo(f"  {visible(why)}")
        for one in those[:_SHOWN]:
            click.echo(f"    {visible(one.path, limit=300)}")
        if len(those) > _SHOWN:
            click.echo(f"    … and {len(those) - _SHOWN:,} more")
    if reasons and not whole:
        click.echo()
