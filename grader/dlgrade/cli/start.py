"""`dlgrade start`: makes a student's folder."""

from __future__ import annotations

from pathlib import Path

import click

from dlgrade.course.find import find_root, open_course
from dlgrade.course.start import start


@click.command()
@click.argument("folder", default="dlgrade-course", type=click.Path(file_okay=False, path_type=Path), metavar="[DIR]")
@click.pass_context
def command(context: click.Context, folder: Path) -> None:
    """Make a folder (dlgrade-course) with every exercise's stub. What is there already is never overwritten."""
    started = start(open_course(find_root(context.obj)), folder)
    for path in started.written:
        click.echo(f"  {path}")
    if started.kept:
        click.echo(f"{len(started.kept)} files were there already and have been left as they are.")
    if started.written:
        click.echo(f"\nNext: cd {folder}, open a file, replace `raise NotImplementedError`, and run: dlgrade check")
