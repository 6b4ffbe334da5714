"""`dlgrade selftest`: proves the exercises."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from dlgrade.course.find import Course, ExerciseFolder, find_root, open_course
from dlgrade.course.release import require_authored
from dlgrade.errors import AuthorError
from dlgrade.model import plain
from dlgrade.points import number
from dlgrade.sandbox import launch

if TYPE_CHECKING:
    from dlgrade.course.selftest import Proof


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--thorough", is_flag=True, help="100 seeds, and 10 for each mutant: before you publish.")
@click.option("--seeds", type=click.IntRange(min=1), help="Seeds to be right over.  [default: 10]")
@click.option("--mutant-seeds", type=click.IntRange(min=0), help="Seeds for each mutant; 0: none.  [default: 2]")
@click.option("--timing", is_flag=True, help="Prove the limits of timing checks instead, and keep what was measured.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Exercises at a time.  [default: one for each core]")
@click.pass_context
def command(
    context: click.Context,
    names: tuple[str, ...],
    form: str,
    thorough: bool,
    seeds: int | None,
    mutant_seeds: int | None,
    timing: bool,
    jobs: int | None,
) -> int:
    """Prove exercises: the reference and the right variants beside it always pass, the stub earns nothing, each
    misconception is caught by the check that it names, mutants of the reference fail, no tolerance is tight. Exit code
    1 if anything falls short."""
    course = open_course(find_root(context.obj, bundled=False))
    require_authored(course, "selftest")
    folders = course.named(names) if names else list(course.exercises)
    os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")
    if timing:
        return _time(folders, form)
    from dlgrade.course import selftest

    if seeds is None:
        seeds = selftest.THOROUGH_SEEDS if thorough else selftest.SEEDS
    if mutant_seeds is None:
        mutant_seeds = selftest.THOROUGH_MUTANT_SEEDS if thorough else selftest.MUTANT_SEEDS
    tasks = [(course, folder, seeds, mutant_seeds) for folder in folders]
    proofs: list[Proof] = []
    text = form == "text"
    width = max((len(folder.name) for folder in folders), default=0) + 2
    if text:
        click.echo(_HEAD.format("exercise", width=width))
    for folder, proof in zip(folders, _proved(tasks, jobs or os.cpu_count() or 1), strict=True):
        proofs.append(proof)
        if text:
            click.echo(f"{folder.name:<{width}}" + (_row(proof) if proof.seeds else "  cannot be loaded"))
    if not text:
        click.echo(json.dumps([_data(proof) for proof in proofs], indent=2))
    faults = [fault for proof in proofs for fault in proof.faults]
    for fault in faults:
        click.echo(f"\n{fault}", err=True)
    for note in (note for proof in proofs for note in proof.notes if text):
        click.echo(f"\nNote: {note}", err=True)
    if text and not faults:
        click.echo("\nEverything holds.")
    return 1 if faults else 0


def _time(folders: Sequence[ExerciseFolder], form: str) -> int:
    """Time the authors' versions of each exercise, one after the other: side by side they would disturb each other."""
    from dlgrade.course.times import Time, prove_times

    times: list[tuple[str, Time]] = []
    if form == "text":
        click.echo(
            f"{'exercise':<22}{'check':<14}{'device':<8}{'version':<28}{'ratio':>8}{'interval':>18}{'limit':>7}"
            f"{'rounds':>8}{'library':>12}"
        )
    for folder in folders:
        if folder.framework != "torch":
            continue
        for time in prove_times(folder):
            times.append((folder.name, time))
            if form == "text":
                head = f"{folder.name:<22}{time.check:<14}{time.device:<8}"
                if time.skipped:
                    click.echo(head + f"skipped: {time.skipped}")
                    continue
                interval, mark = f"{time.low:.2f} to {time.high:.2f}", "" if time.right else " (slow)"
                click.echo(
                    head + f"{time.version + mark:<28}{time.ratio:>8.2f}{interval:>18}{time.limit:>7g}{time.rounds:>8}"
                    f"{time.milliseconds:>9.2f} ms"
                )
    if form == "json":
        click.echo(json.dumps([{"exercise": name, **_finite(asdict(time))} for name, time in times], indent=2))
    faults = [time.fault for _, time in times if time.fault]
    for fault in faults:
        click.echo(f"\n{fault}", err=True)
    if form == "text" and not faults:
        click.echo("\nEvery limit holds." if times else "\nNone of these has a limit on time.")
    return 1 if faults else 0


def _finite(data: dict[str, Any]) -> dict[str, Any]:
    """The same, with null for what was given up before it came to an end: JSON has no infinity."""
    return {key: None if value == float("inf") else value for key, value in data.items()}


Task = tuple[Course, ExerciseFolder, int, int]


def _proved(tasks: Sequence[Task], jobs: int) -> Iterator[Proof]:
    """The proofs in order, each as soon as it and those before it are there."""
    if min(jobs, len(tasks)) <= 1:
        yield from map(_prove, tasks)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Spawned: each begins like the first, whatever this process has loaded; and a pool's would outlive it.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=spawn, initializer=launch.end_with) as pool:
        yield from pool.map(_prove, tasks)


def _prove(task: Task) -> Proof:
    from dlgrade.course.selftest import prove, unproven

    course, folder, seeds, mutant_seeds = task
    try:
        return prove(folder, authored=course.authored, seeds=seeds, mutant_seeds=mutant_seeds)
    except AuthorError as error:
        return unproven(folder, error)


_COLUMNS: Sequence[tuple[str, int, Callable[[Proof], str]]] = (
    ("reference", 11, lambda p: f"{number(p.reference_points)}/{number(p.max_points)}"),
    ("stub", 6, lambda p: number(p.stub_points)),
    ("variants", 10, lambda p: f"{p.variants}"),
    ("caught", 9, lambda p: f"{p.caught}/{p.misconceptions}"),
    ("mutants", 9, lambda p: f"{p.mutants}"),
    ("killed", 8, lambda p: f"{p.killed}"),
    ("equivalent", 12, lambda p: f"{p.equivalent}"),
    ("score", 8, lambda p: "-" if p.score is None else f"{100 * p.score:.1f} %"),
    ("flaky", 7, lambda p: f"{len(p.flaky)}"),
    ("room", 9, lambda p: "-" if p.tightest is None else f"{p.tightest:.3g}"),
    ("seeds", 7, lambda p: f"{p.seeds}"),
    ("seconds", 9, lambda p: f"{p.seconds:.1f}"),
)
"""The table: what a column is called, how wide it is, and what it says of a proof."""

_HEAD = "{:<{width}}" + "".join(f"{name:>{wide}}" for name, wide, _ in _COLUMNS)


def _row(proof: Proof) -> str:
    return "".join(f"{of(proof):>{wide}}" for _, wide, of in _COLUMNS)


def _data(proof: Proof) -> dict[str, Any]:
    return {key: plain(value) for key, value in asdict(proof).items()}
