"""Verdicts of a timing check on submissions of known cost: how many are wrong, how many are none, how long they take.

Each submission does the baseline's work 1, 1.5, 2.5 or 3 times over; the limit is 2. Beside them run none, two or four
busy neighbours, that work and rest in bursts. A right answer as quick as the baseline must never fail, and one three
times slower must never pass; whatever is left undecided is nobody's fail.

Run: python tests/bench/timing_verdicts.py [--verdicts 500] [--seconds S] [--isolation LEVEL] [--out FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
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
from dlgrade.model import EntryPoint, Exercise, Submission, Tensor
from dlgrade.sandbox import launch
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.levels import LEVELS, Workers, workers

COLUMNS, LIMIT = 256, 2.0
COSTS = (1.0, 1.5, 2.5, 3.0)
CROWDS = (0, 2, 4)

_SUBMISSION = """
import torch


def _once(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def softmax(x):
    for _ in range({whole} - 1):
        _once(x)
    if {part}:
        _once(x[: round({part} * len(x))])
    return _once(x)
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


def library(x):
    """The same work, once."""
    powers = torch.exp(x - x.amax(-1, keepdim=True))  # noqa: F821 -- where it is run there is torch
    return powers / powers.sum(-1, keepdim=True)


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


def exercise_of(rows: int) -> tuple[Exercise, Timing]:
    """Softmax and its timing check."""
    parameter = inspect.Parameter("x", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Tensor)
    signature = inspect.Signature([parameter], return_annotation=Tensor)
    check = Timing(
        "softmax",
        name="fast",
        baseline=library,
        given=lambda rng, n: {"x": rng.standard_normal((n, COLUMNS), dtype=np.float32)},
        size=rows,
        limit=LIMIT,
        unit="rows",
    )
    points = {"softmax": EntryPoint("softmax", signature, "")}
    return Exercise("softmax", "00_bench", Path(), "Softmax", "torch", "", "", points, (check,)), check


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


def judge(crowd: int, started: Workers, verdicts: int, seconds: float, rows: int) -> list[Tally]:
    """Verdicts on submissions of every cost, in turn."""
    exercise, check = exercise_of(rows)
    tallies = [Tally(crowd, cost) for cost in COSTS]
    until = time.monotonic() + seconds
    for _ in range(verdicts):
        for tally in tallies:
            source = source_of(tally.cost)
            submission = Submission("softmax.py", source, hashlib.sha256(source).hexdigest())
            with WorkerTarget(submission, module="softmax", names=["softmax"], start=started.start) as target:
                target.load()
                begun = time.monotonic()
                finding = timing.run_timing(check, Trial(exercise, target, Drawer(), 0, "bench"))
                tally.add(finding, time.monotonic() - begun)
        if time.monotonic() > until:
            break
    return tallies


def main() -> int:
    """Print the table; 1 if equal speed failed or three times slower passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--verdicts", type=int, default=500, help="of each cost in each crowd")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="for all of it; then fewer verdicts")
    parser.add_argument("--isolation", choices=(*LEVELS, "auto"), default="auto")
    parser.add_argument("--rows", type=int, default=2048, help=f"of {COLUMNS} float32 numbers")
    parser.add_argument("--clock", choices=("processor", "wall"), default="processor")
    parser.add_argument("--neighbours", type=int, nargs="*", default=CROWDS)
    parser.add_argument("--out", type=Path, help="a file for all figures, as JSON")
    options = parser.parse_args()
    tallies: list[Tally] = []
    with contextlib.ExitStack() as stack:
        if options.clock == "wall":
            stack.enter_context(patch.object(launch, "cpu_seconds_of", lambda pid: None))
        started = stack.enter_context(workers("torch", options.isolation))
        load = " ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"{os.cpu_count()} cores, load {load} before, isolation {started.isolation}, {options.clock} clock,")
        print(f"{options.rows} x {COLUMNS} float32, limit {LIMIT:g}\n")
        print("neighbours  cost verdicts  passed  too slow inconclusive  other  seconds  rounds   ratio")
        for crowd in options.neighbours:
            with neighbours(crowd):
                share = options.seconds / len(options.neighbours)
                for tally in judge(crowd, started, options.verdicts, share, options.rows):
                    print(tally.row(), flush=True)
                    tallies.append(tally)
    fails = sum(t.outcomes["too_slow"] for t in tallies if t.cost == 1)
    passes = sum(t.outcomes["passed"] for t in tallies if t.cost == 3)
    print(f"\nequal speed that failed: {fails}; three times slower that passed: {passes}")
    for crowd in options.neighbours:
        here = [t for t in tallies if t.crowd == crowd]
        total, open_ = sum(len(t.seconds) for t in here), sum(t.outcomes["inconclusive"] for t in here)
        print(f"{crowd} neighbours: {open_} of {total} inconclusive ({100 * open_ / total:.1f} %)")
    for message in sorted({line for t in tallies for line in t.said})[:10]:
        print(f"  {message}")
    if options.out:
        options.out.write_text(json.dumps([vars(t) for t in tallies], indent=1) + "\n", encoding="utf-8")
    return int(bool(fails or passes))


if __name__ == "__main__":
    sys.exit(main())
