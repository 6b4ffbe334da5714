"""Verdicts of a timing check on submissions of known cost: how many are wrong, how many are none, how long they take.

Each submission does the baseline's work 1, 1.5, 2.5 or 3 times over; the limit is 2. Beside them run none, two or four
busy neighbours, that work and rest in bursts. A right answer as quick as the baseline must never fail, and one three
times slower must never pass; whatever is left undecided is nobody's fail. With --out a run goes on where the last one
with the same options ended, until there are as many verdicts as are asked for.

Run: python tests/bench/timing_verdicts.py [--verdicts 500] [--seconds S] [--isolation LEVEL] [--out FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
from dlgrade.author import Timing
from dlgrade.checking import timing
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.trial import Trial
from dlgrade.course.atomic import write_file
from dlgrade.model import EntryPoint, Exercise, Submission, Tensor
from dlgrade.sandbox import launch
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.levels import LEVELS, Workers, workers

HEADS, WIDTH, LIMIT = 4, 64, 2.0
COSTS = (1.0, 1.5, 2.5, 3.0)
CROWDS = (0, 2, 4)

_SUBMISSION = """
import math

import torch


def _once(q, k, v):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True) @ v


def attention(q, k, v):
    for _ in range({whole} - 1):
        _once(q, k, v)
    if {part}:
        _once(q[..., : round({part} * q.shape[-2]), :], k, v)
    return _once(q, k, v)
"""
_NEIGHBOUR = """
import random, time
from array import array

held = array("d", range(1 << 18))
while True:
    until = time.monotonic() + random.expovariate(1 / 0.08)
    while time.monotonic() < until:
        held = held[:]  # memory
        sum(range(20_000))  # arithmetic
    time.sleep(random.expovariate(1 / 0.04))
"""


def library(q, k, v):
    """The same work, once."""
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # noqa: F821 -- where it is run there is math
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))  # noqa: F821 -- and torch
    return powers / powers.sum(-1, keepdim=True) @ v


@dataclass
class Tally:
    """The verdicts on submissions of one cost, in one crowd."""

    crowd: int
    cost: float
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def add(self, finding, seconds: float) -> None:
        """Count one verdict."""
        self.outcomes[finding.outcome.value] += 1
        self.seconds.append(seconds)
        if finding.evidence is not None and finding.evidence.race is not None:
            self.rounds.append(finding.evidence.race.rounds)
            self.ratios.append(finding.evidence.race.bars[0].ratio)
        if finding.outcome.value not in ("passed", "too_slow"):
            self.said.append(finding.evidence.message)

    def row(self) -> str:
        """As a line of the table."""
        total = sum(self.outcomes.values())
        passed, slow, open_ = (self.outcomes[name] for name in ("passed", "too_slow", "inconclusive"))
        other = total - passed - slow - open_
        ratios = f"{statistics.median(self.ratios):.2f} ({min(self.ratios):.2f} to {max(self.ratios):.2f})"
        return (
            f"{self.crowd:>10}{self.cost:>6}{total:>9}{passed:>8}{slow:>10}{open_:>13}{other:>7}"
            f"{statistics.median(self.seconds):>9.2f}{statistics.mean(self.rounds):>8.1f}   {ratios}"
        )


def source_of(cost: float) -> bytes:
    """A submission that does the work so many times."""
    return _SUBMISSION.format(whole=int(cost), part=cost - int(cost)).encode()


def exercise_of(positions: int) -> tuple[Exercise, Timing]:
    """Attention and its timing check."""
    names = "q", "k", "v"
    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Tensor) for n in names]
    signature = inspect.Signature(parameters, return_annotation=Tensor)
    check = Timing(
        "attention",
        name="fast",
        baseline=library,
        given=lambda rng, n: {name: rng.standard_normal((HEADS, n, WIDTH), dtype=np.float32) for name in names},
        size=positions,
        limit=LIMIT,
        unit="queries and keys",
    )
    points = {"attention": EntryPoint("attention", signature, "")}
    return Exercise("attention", "00_bench", Path(), "Attention", "torch", "", "", points, (check,)), check


@contextlib.contextmanager
def neighbours(count: int) -> Iterator[None]:
    """So many busy processes beside us."""
    started = [subprocess.Popen([sys.executable, "-c", _NEIGHBOUR]) for _ in range(count)]
    try:
        time.sleep(0.5 * bool(count))
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def judge(exercise: Exercise, check: Timing, started: Workers, tally: Tally) -> None:
    """One more verdict on a submission of this cost."""
    submission = Submission.of("attention.py", source_of(tally.cost))
    with WorkerTarget(submission, module="attention", names=["attention"], start=started.start) as target:
        target.load()
        begun = time.monotonic()
        finding = timing.run_timing(check, Trial(exercise, target, Drawer(), 0, "bench"))
        tally.add(finding, time.monotonic() - begun)


def earlier(path: Path | None, settings: dict[str, object]) -> dict[tuple[int, float], Tally]:
    """What runs with the same settings found before."""
    if path is None or not path.exists():
        return {}
    held = json.loads(path.read_text(encoding="utf-8"))
    if held["settings"] != settings:
        raise SystemExit(f"{path} holds verdicts of other settings: {held['settings']}")
    tallies = [Tally(**{**tally, "outcomes": Counter(tally["outcomes"])}) for tally in held["tallies"]]
    return {(tally.crowd, tally.cost): tally for tally in tallies}


def main() -> int:
    """Print the table; 1 if equal speed failed or three times slower passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--verdicts", type=int, default=500, help="of each cost in each crowd")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="for all of it; then fewer verdicts")
    parser.add_argument("--isolation", choices=(*LEVELS, "auto"), default="auto")
    parser.add_argument("--positions", type=int, default=256, help=f"queries and keys, {HEADS} heads of {WIDTH}")
    parser.add_argument("--clock", choices=("processor", "wall"), default="processor")
    parser.add_argument("--neighbours", type=int, nargs="*", default=CROWDS)
    parser.add_argument("--out", type=Path, help="a file for all figures, as JSON; those already in it count")
    options = parser.parse_args()
    exercise, check = exercise_of(options.positions)
    with contextlib.ExitStack() as stack:
        if options.clock == "wall":
            stack.enter_context(patch.object(launch, "cpu_seconds_of", lambda pid: None))
        started = stack.enter_context(workers("torch", options.isolation))
        settings = {"isolation": started.isolation, "clock": options.clock, "positions": options.positions}
        held = earlier(options.out, settings)
        cells = [(crowd, cost) for crowd in options.neighbours for cost in COSTS]
        tallies = [held.setdefault(cell, Tally(*cell)) for cell in cells]
        load = " ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"{os.cpu_count()} cores, load {load} before, isolation {started.isolation}, {options.clock} clock,")
        print(f"attention of {HEADS} heads, {options.positions} queries and keys of {WIDTH} float32, limit {LIMIT:g}\n")
        print("neighbours  cost verdicts  passed  too slow inconclusive  other  seconds  rounds   ratio")
        for crowd in options.neighbours:
            until = time.monotonic() + options.seconds / len(options.neighbours)
            here = [tally for tally in tallies if tally.crowd == crowd]
            with neighbours(crowd):
                while time.monotonic() < until and min(len(tally.seconds) for tally in here) < options.verdicts:
                    for tally in here:
                        judge(exercise, check, started, tally)
                    if options.out:
                        found = {"settings": settings, "tallies": [vars(tally) for tally in held.values()]}
                        write_file(options.out, json.dumps(found) + "\n")
            for tally in here:
                print(tally.row(), flush=True)
    fails = sum(t.outcomes["too_slow"] for t in tallies if t.cost == 1)
    passes = sum(t.outcomes["passed"] for t in tallies if t.cost == 3)
    print(f"\nequal speed that failed: {fails}; three times slower that passed: {passes}")
    for crowd in options.neighbours:
        here = [t for t in tallies if t.crowd == crowd]
        total, open_ = sum(len(t.seconds) for t in here), sum(t.outcomes["inconclusive"] for t in here)
        print(f"{crowd} neighbours: {open_} of {total} inconclusive ({100 * open_ / total:.1f} %)")
    for message in sorted({line for t in tallies for line in t.said})[:10]:
        print(f"  {message}")
    return int(bool(fails or passes))


if __name__ == "__main__":
    sys.exit(main())
