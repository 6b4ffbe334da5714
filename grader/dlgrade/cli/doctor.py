"""`dlgrade doctor`: what this machine can do for the grader, why it cannot do more, and how to change that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from dlgrade import __version__
from dlgrade.cli.console import console
from dlgrade.text import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from dlgrade.sandbox.machine import Advice, Graphics, Noise
    from dlgrade.sandbox.refusal import Isolation

SCHEMA = "dlgrade.doctor/1"

# Named colours only: the terminal's theme decides what they are.
_MARKS = {
    "reached": ("✓", "green"),
    "fine": ("✓", "green"),
    "refused": ("✗", "red"),
    "broken": ("!", "magenta"),
    "noisy": ("!", "yellow"),
    "unknown": ("–", "dim"),
}


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--cuda", is_flag=True, help="Import torch and use each CUDA device; takes some seconds.")
def command(form: str, cuda: bool) -> int:
    """Say how isolated a submission is here, what makes times noisy, and which versions there are.

    No names of users, hosts or folders are in it: paste it into a bug report.

    Exit code 0: strangers' code can be isolated. 1: it cannot. 3: something of dlgrade's own does not work.
    """
    from dlgrade.sandbox.machine import Machine, graphics, noise, versions
    from dlgrade.sandbox.refusal import isolation

    machine = Machine()
    quiet = noise(machine)  # before the workers that the levels are tried with make a load
    levels = isolation(machine)
    about = versions(machine, __version__)
    gpu = graphics(machine, cuda=cuda)
    if form == "json":
        found = {
            "schema": SCHEMA,
            "isolation": asdict(levels),
            "noise": [asdict(one) for one in quiet],
            "versions": about,
            "gpu": asdict(gpu),
        }
        click.echo(json.dumps(found, indent=2))
    else:
        _show(levels, quiet, about, gpu)
    if any(level.state == "broken" for level in levels.levels):
        return 3
    return 0 if levels.level in ("strict", "landlock") else 1


# -- text --------------------------------------------------------------------------------------------------------------


def _show(levels: Isolation, quiet: Sequence[Noise], about: dict[str, str | None], gpu: Graphics) -> None:
    screen = console()
    _isolation(screen, levels)
    _noise(screen, quiet)
    _heading(screen, "Versions")
    _table(screen, ([_text(name), _text(version or "–")] for name, version in about.items()))
    _heading(screen, "CUDA")
    _table(screen, _graphics(gpu))


def _text(words: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(visible(words, limit=1000), style=style)


def _mark(state: str) -> Text:
    return _text(*_MARKS[state])


def _heading(console: Console, words: str, *, first: bool = False) -> None:
    if not first:
        console.print()
    console.print(_text(words, "bold"))


def _table(console: Console, rows: Iterable[Sequence[RenderableType]]) -> None:
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(" ", *row)
    _print(console, table)


def _print(console: Console, what: RenderableType) -> None:
    # As a string, since rich fills lines with blanks, and this is pasted.
    with console.capture() as capture:
        console.print(what)
    console.file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _advice(console: Console, about: str, advice: Sequence[Advice]) -> None:
    from rich.padding import Padding

    console.print()
    _print(console, Padding(_text(about), (0, 0, 0, 2)))
    for one in advice:
        _print(console, Padding(_text(one.says), (0, 0, 0, 4)))
        if one.command:  # on one line however long, so that it can be copied
            console.print(_text(f"        {one.command}", "bold"), soft_wrap=True)


def _isolation(console: Console, found: Isolation) -> None:
    inside = "" if found.container is None else f" (this looks like a container: {found.container})"
    _heading(console, f"Isolation: {found.level or 'none'}{inside}", first=True)
    rows = []
    for level in found.levels:
        said = level.keeps if level.refused is None else f"{level.state}: {level.refused}\n{level.keeps}"
        rows.append([_mark(level.state), _text(level.name), _lines(said)])
    group = found.memory_group
    rows.append([_mark("fine" if group.delegated else "unknown"), _text("cgroup"), _text(group.says)])
    _table(console, rows)
    told: dict[Sequence[Advice], str] = {}
    for level in found.levels:
        if not level.advice:
            continue
        if level.advice in told:
            _advice(console, f"To get {level.name}: as for {told[level.advice]}.", ())
        else:
            _advice(console, f"To get {level.name}:", level.advice)
        told.setdefault(level.advice, level.name)
    if group.advice:
        _advice(console, "To bound what workers really use, besides their address space:", group.advice)


def _lines(words: str) -> Text:
    from rich.text import Text

    return Text("\n").join(_text(line) for line in words.splitlines())


def _noise(console: Console, found: Sequence[Noise]) -> None:
    noisy = sum(one.state == "noisy" for one in found)
    _heading(console, f"Timing noise: {'none that can be seen' if not noisy else f'{noisy} of {len(found)}'}")
    _table(console, ([_mark(one.state), _text(one.name), _text(_value(one))] for one in found))
    for one in found:
        if one.state == "noisy":
            _advice(console, f"{one.name}:", one.advice)


def _value(one: Noise) -> str:
    return one.value if one.why is None else f"{one.value}: {one.why}"


def _graphics(gpu: Graphics) -> Iterable[Sequence[RenderableType]]:
    yield [_text("usable"), _text(gpu.cuda.says if gpu.cuda else gpu.says)]
    yield [_text("driver"), _text(gpu.driver or "–")]
    if gpu.cuda is None:
        yield [_text("devices"), _text(f"{gpu.nodes}")]
        return
    yield [_text("runtime"), _text(gpu.cuda.runtime or "–")]
    for number, device in enumerate(gpu.cuda.devices):
        yield [_text(f"device {number}"), _text(_device(device))]


def _device(device: Any) -> str:
    return f"{device.name}, capability {device.capability}, {device.memory / (1 << 30):.1f} GiB"
