"""`dlgrade release`: derives assignments/, and writes what students or nbgrader get."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from dlgrade.cli.outputs import OutFolder
from dlgrade.course.find import Course, find_root, open_course
from dlgrade.course.release import drift, release, require_authored
from dlgrade.errors import UsageError
from dlgrade.text import visible

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--check", "only_check", is_flag=True, help="Change nothing; exit with 1 if assignments/ is not up to date."
)
@click.option("--to", type=OutFolder(), metavar="DIR", help="Write what students get there, as a course of its own.")
@click.option("--notebooks", type=OutFolder(), metavar="DIR", help="Write the course there as an nbgrader course.")
@click.option(
    "--verify", type=_FOLDER, metavar="DIR", help="Say which files there differ from what was released; exit 1 if any."
)
@click.pass_context
def command(
    context: click.Context, only_check: bool, to: Path | None, notebooks: Path | None, verify: Path | None
) -> int:
    """Derive assignments/ (stubs, public checks, misconceptions) from solutions/, or write what is handed out.

    What is written with --to or --notebooks has a MANIFEST.json; a folder is replaced only if nobody has touched it.
    """
    wanted = {"--check": only_check, "--to": to, "--notebooks": notebooks, "--verify": verify}
    given = [name for name, value in wanted.items() if value]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} cannot go together.", mend="Run one after the other.")
    if verify is not None:
        return _verify(verify)
    course = open_course(find_root(context.obj, bundled=False))
    require_authored(course, "release")
    if to is not None:
        return _hand_out(course, to)
    if notebooks is not None:
        return _nbgrader(course, notebooks)
    changed = drift(course) if only_check else release(course)
    for path, why in changed.items():
        said = why if only_check else "removed" if why == "extra" else "written"
        click.echo(f"  {said:<8} assignments/{path.as_posix()}")
    if only_check and changed:
        click.echo(
            "assignments/ is not what solutions/ says. It is derived: edit solutions/, then run `dlgrade release`.",
            err=True,
        )
        return 1
    if not changed:
        click.echo("assignments/ is up to date.")
    return 0


def _verify(folder: Path) -> int:
    from dlgrade.course.manifest import differences

    found = differences(folder)
    for path, why in found.items():
        click.echo(f"  {why:<8} {visible(path.as_posix())}")
    if not found:
        click.echo("Everything is as it was released.")
    return 1 if found else 0


def _hand_out(course: Course, to: Path) -> int:
    from dlgrade.course.handout import handout

    files = handout(course)
    _write(to, files)
    click.echo(f"\nNext: give {visible(str(to))} to the students; its README.md tells them how to begin.")
    return 0


def _nbgrader(course: Course, to: Path) -> int:
    from dlgrade.course.nbgrader import nbgrader_course
    from dlgrade.sandbox.launch import missing

    for folder in course.exercises:
        if needed := missing(folder.framework):
            raise UsageError(
                f"How many points {folder.name} is worth cannot be counted, since {needed} is not installed here.",
                where="--notebooks",
                mend=f"Install it: python -m pip install {needed}",
            )
    files = nbgrader_course(course)
    _write(to, files)
    unit = min(path.parts[1] for path in files if len(path.parts) > 1)
    click.echo(
        f"\nsource/ holds the solutions: it is for instructors only.\n"
        f"Next: cd {visible(str(to))} and, for each unit: nbgrader generate_assignment {visible(unit)} --force"
    )
    return 0


def _write(to: Path, files: Mapping[Path, bytes]) -> None:
    from dlgrade.course.manifest import NAME, write

    write(to, files)
    folders = {path.parts[0] for path in files if len(path.parts) > 1}
    click.echo(f"{len(files)} files written to {visible(str(to))}, listed with their hashes in its {NAME}:")
    for name in sorted(folders):
        count = sum(path.parts[0] == name for path in files)
        click.echo(f"  {visible(name)}/ ({count} {'file' if count == 1 else 'files'})")
