"""`dlgrade selftest`: proves the exercises."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from dlgrade.course.find import find_root, open_course
from dlgrade.course.release import require_authored
from dlgrade.errors import AuthorError
from dlgrade.model import plain

if TYPE_CHECKING:
    from dlgrade.course.selftest import Proof


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=20, show_default=True, help="Seeds to be right over.")
@click.pass_context
def command(context: click.Context, names: tuple[str, ...], form: str, seeds: int) -> int:
    """Prove exercises: the reference earns all points, the stub none, each misconception is caught by the check that it
    names, nothing is flaky. Exit code 1 if anything falls short."""
    course = open_course(find_root(context.obj, bundled=False))
    require_authored(course, "selftest")
    folders = course.named(names) if names else list(course.exercises)
    os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")
    from dlgrade.course.selftest import prove, unproven

    proofs: list[Proof] = []
    faults: list[str] = []
    text = form == "text"
    width = max((len(folder.name) for folder in folders), default=0) + 2
    if text:
        head = f"{'reference':>11}{'stub':>6}{'caught':>9}{'flaky':>7}{'seeds':>7}{'seconds':>9}"
        click.echo(f"{'exercise':<{width}}{head}")
    for folder in folders:
        if text:
            click.echo(f"{folder.name:<{width}}", nl=False)  # an exercise takes a minute: say which one it is
        try:
            proof = prove(folder, authored=course.authored, seeds=seeds)
        except AuthorError as error:
            proof = unproven(folder, error)
        proofs.append(proof)
        faults += proof.faults
        if text:
            click.echo(_row(proof) if proof.seeds else "  cannot be loaded")
    if not text:
        click.echo(json.dumps([_data(proof) for proof in proofs], indent=2))
    for fault in faults:
        click.echo(f"\n{fault}", err=True)
    if text and not faults:
        click.echo("\nEverything holds.")
    return 1 if faults else 0


def _row(proof: Proof) -> str:
    points = f"{plain(proof.reference_points)}/{plain(proof.max_points)}"
    caught = f"{proof.caught}/{proof.misconceptions}"
    stub, flaky = plain(proof.stub_points), len(proof.flaky)
    return f"{points:>11}{stub:>6}{caught:>9}{flaky:>7}{proof.seeds:>7}{proof.seconds:>9.1f}"


def _data(proof: Proof) -> dict[str, Any]:
    return {key: plain(value) for key, value in asdict(proof).items()}
