"""`dlgrade release`: derives assignments/, or says where it has drifted."""

from __future__ import annotations

import click

from dlgrade.course.find import find_root, open_course
from dlgrade.course.release import drift, release, require_authored


@click.command()
@click.option(
    "--check", "only_check", is_flag=True, help="Change nothing; exit with 1 if assignments/ is not up to date."
)
@click.pass_context
def command(context: click.Context, only_check: bool) -> int:
    """Derive assignments/ (stubs, public checks, misconceptions) from solutions/."""
    course = open_course(find_root(context.obj, bundled=False))
    require_authored(course, "release")
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
