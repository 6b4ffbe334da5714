"""`dlgrade start`: makes a student's folder."""

from __future__ import annotations

from pathlib import Path

import click

from dlgrade.course.find import find_root, open_course
from dlgrade.course.start import is_started, start

FOLDER = Path("dlgrade-course")


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path), metavar="[DIR]")
@click.pass_context
def command(context: click.Context, folder: Path | None) -> None:
    """Make a folder (dlgrade-course) with every exercise's stub. What is there already is never overwritten."""
    course = open_course(find_root(context.obj))
    if folder is None:
        # Whoever starts again from inside wants what is missing here, not a course within the course.
        folder = Path() if is_started(course, Path()) else FOLDER
    started = start(course, folder)
    for path in started.written:
        click.echo(f"  {path}")
    if started.kept:
        there = "1 file was" if len(started.kept) == 1 else f"{len(started.kept)} files were"
        click.echo(f"{there} there already and left alone.")
    enter = "" if folder == Path() else f"cd {folder}, "
    click.echo(f"\nNext: {enter}open a file, replace `raise NotImplementedError`, and run: dlgrade check")
