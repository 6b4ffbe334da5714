"""`dlgrade collect`: gathers a class's submissions into one folder, or shows what it would take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlgrade.cli.grades import unknown_times
from dlgrade.cli.outputs import OutFolder
from dlgrade.cli.tables import aligned
from dlgrade.course.find import find_root, open_course
from dlgrade.errors import UsageError
from dlgrade.text import visible

if TYPE_CHECKING:
    from dlgrade.gradebook.collect import Collected, Collection
    from dlgrade.gradebook.sources import PassedOver

_SHOWN = 10
"""Files of each reason to be passed over that are shown."""


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--to", type=OutFolder(), metavar="DIR", help="Gather them there.")
@click.option(
    "--pattern",
    metavar="REGEX",
    help="Whose a file is and what it solves, by the named groups student and exercise, looked for in its path.",
)
@click.option("--restore", is_flag=True, help="Bring back what was taken out of DIR since it was gathered.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be taken as whose.")
@click.pass_context
def command(
    context: click.Context, paths: tuple[Path, ...], to: Path | None, pattern: str | None, restore: bool, dry_run: bool
) -> int:
    """Gather submissions: folders, zips as Canvas, Moodle and Gradescope give them out, notebooks, git checkouts,
    nbgrader's submitted/.

    Whose a file is, the outermost folder or archive says: SUBMISSIONS/<student>/<exercise>.py, <student>.zip,
    <student>_<exercise>.py. Nothing is run, and nothing is extracted. Run it again, and only what is new is added: what
    you took out of DIR stays out.
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
    nothing = _nothing_of(found)
    if dry_run or to is None:
        click.echo(_table(found.submissions))
        click.echo(f"\n{untimed}" if untimed else "", nl=bool(untimed))
        _passed_over(found.passed_over, whole=True)
        click.echo(f"\n{_counted(found)}. {nothing}Nothing was written.")
        return 0
    from dlgrade.gradebook.deposit import deposit

    written = deposit(found, to, restore=restore)
    _passed_over(found.passed_over, whole=False)
    click.echo(f"{_counted(found)}.{f' {nothing.rstrip()}' if nothing else ''}")
    if untimed:
        click.echo(untimed, err=True)
    if written.absent:
        one = len(written.absent) == 1
        named = _listed([f"{each.exercise} of {each.student} (attempt {each.attempt})" for each in written.absent])
        click.echo(
            f"{'1 attempt' if one else f'{len(written.absent):,} attempts'} had been taken out of {to}, and "
            f"{'is' if one else 'are'} left out: {named}. To have {'it' if one else 'them'} back: the same command "
            "with --restore.",
            err=True,
        )
    click.echo(f"New: {len(written.added)}. {to} holds {written.total}, and their receipts in receipts.csv.")
    return 0


def _counted(found: Collection) -> str:
    from dlgrade.gradebook.collect import SAME

    students = len({one.student for one in found.submissions})
    exercises = len({one.exercise for one in found.submissions})
    same = sum(one.why == SAME for one in found.passed_over)
    said = f"{_of(len(found.submissions), 'attempt')} of {_of(students, 'student')} at {_of(exercises, 'exercise')}"
    return f"{said}, and {_of(same, 'file')} the same as the attempt before" if same else said


def _nothing_of(found: Collection) -> str:
    """Who is named by what was passed over, and by nothing that was taken."""
    taken = {one.student for one in found.submissions}
    taken |= {re.sub(r"_\d+$", "", student) for student in taken}  # whom a platform's number tells apart
    theirs: dict[str, str] = {}
    for one in found.passed_over:
        if one.student is not None and one.student not in taken:
            theirs.setdefault(one.student, one.path)
    if not theirs:
        return ""
    named = _listed([f"{student} ({path})" for student, path in sorted(theirs.items())])
    return f"Nothing was taken of {named}. "


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{visible(', '.join(names[:_SHOWN]), limit=4000)}{more}"


def _of(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _table(submissions: Sequence[Collected]) -> str:
    from dlgrade.gradebook.sources import UNKNOWN

    rows = []
    for one in submissions:
        when = "unknown" if one.clock in UNKNOWN else one.when.strftime("%Y-%m-%d %H:%M:%S") + "Z"
        notes = f"  ({'; '.join(one.notes)})" if one.notes else ""
        size = f"{len(one.submission.source):,}"
        rows.append((one.student, one.exercise, f"{one.attempt}", when, size, f"{one.origin}{notes}"))
    header = ("student", "exercise", "attempt", "handed in", "bytes", "from")
    return aligned(header, rows, right=("attempt", "bytes"))


def _passed_over(passed: Sequence[PassedOver], *, whole: bool) -> None:
    """What was passed over, by reason. Without `whole`, only what somebody may have handed in."""
    from dlgrade.gradebook.collect import NO_CODE, SAME
    from dlgrade.gradebook.sources import PRUNED

    reasons: dict[str, list[PassedOver]] = {}
    for one in passed:
        if whole or one.why not in (NO_CODE, SAME, PRUNED):
            reasons.setdefault(one.why, []).append(one)
    for number, (why, those) in enumerate(sorted(reasons.items())):
        if not number:
            click.echo("\nPassed over:" if whole else "Passed over:")
        click.echo(f"  {visible(why)}")
        for one in those[:_SHOWN]:
            whose = f"  ({one.student})" if one.student is not None else ""
            click.echo(f"    {visible(f'{one.path}{whose}', limit=400)}")
        if len(those) > _SHOWN:
            click.echo(f"    … and {len(those) - _SHOWN:,} more")
    if reasons and not whole:
        click.echo()
