"""A million frames from a hostile worker: only refusals come out, in bounded time and memory.

Most are mutations of sound frames, some are made by a grammar; both are the generators of tests/sandbox/frames.py. A
surprise is printed as hex, written to a file in the folder for temporary files, and makes the exit code 1.

Run: python tests/bench/fuzz.py [--frames N] [--grammar N] [--seed N] [FILE ...]
With files, the cases in them are read instead: a surprise again, or what the coverage-guided fuzzer kept.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import os
import resource
import sys
import tempfile
import time
import traceback
import tracemalloc
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context, resource_tracker
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "sandbox"))

import frames  # noqa: E402
from dlgrade.sandbox import client, wire  # noqa: E402

FRAMES = 1_000_000
GRAMMAR = 20_000
"""How many of the frames are made by the grammar, which is a hundred times slower."""
DEAR = 1 / 5000
"""How many of the mutated frames are as long as they may be."""
SAMPLED = 200
"""Of how many frames one is read again with every allocation counted; the long ones all are."""
SECONDS = 3.0
"""More processor time than any frame may take."""
GROWTH = 256 << 20
"""More bytes than the process may grow by."""
CHUNK = 5_000
READER = [
    wire.Channel.receive, wire.Channel._take, wire.Channel._unsealed, wire._files_in, wire.Unpacker, wire._entry,
    wire.laid_out, client._loaded, client._replied, client._answer, client._returned, client._raised,
    client._described, client._safe,
]  # fmt: skip
"""The code that the frames are for."""


class Tally:
    """What came of the frames so far."""

    def __init__(self) -> None:
        self.count = self.sampled = self.surprises = 0
        self.outcomes: Counter[str] = Counter()
        self.seconds = array("d")
        self.slowest = b""
        self.peak = (0, 0)
        self.dearest = 0.0

    def read(self, case: bytes) -> None:
        """Read one case and note what came of it."""
        self.count += 1
        start = time.thread_time()
        try:
            outcomes = frames.read(case)
        except Exception:
            self.surprise(case, traceback.format_exc())
            return
        spent = time.thread_time() - start
        if not self.seconds or spent > self.dearest:
            self.slowest, self.dearest = case, spent
        self.seconds.append(spent)
        self.outcomes.update(outcomes)
        if spent > SECONDS:
            self.surprise(case, f"It took {spent:.2f} s.")
        if self.count % SAMPLED == 0 or len(case) > 1 << 19:
            self.weigh(case)

    def weigh(self, case: bytes) -> None:
        """Read a case with every allocation counted."""
        self.sampled += 1
        tracemalloc.start()
        frames.read(case)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        self.peak = max(self.peak, (peak, len(case)))
        if peak > frames.most_memory(case):
            self.surprise(case, f"It took {peak:,} bytes of memory for {len(case):,} bytes.")

    def surprise(self, case: bytes, what: str) -> None:
        """Tell of a case that did what none may do, and keep it."""
        self.surprises += 1
        path = Path(tempfile.gettempdir(), f"dlgrade-fuzz-{hashlib.sha256(case).hexdigest()[:12]}")
        path.write_bytes(case)
        print(f"\nSURPRISE, kept in {path}:\n{case.hex()}\n{what}", flush=True)


def made_by_grammar(count: int, seed: int) -> list[bytes]:
    """That many cases that Hypothesis makes, or a few less where it has no more ideas."""
    made: list[bytes] = []
    bounded = settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    def keep(case: bytes) -> None:
        made.append(case)

    hypothesis.seed(seed)(bounded(given(frames.cases())(keep)))()
    return made


def by_grammar(count: int, seed: int) -> Iterator[bytes]:
    """That many cases by the grammar, made in processes of their own: what Hypothesis holds is not the reader's."""
    done = 0
    while done < count:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            made = pool.submit(made_by_grammar, min(CHUNK, count - done), seed + done).result()
        done += len(made)
        yield from made


def lines_reached(cases: Iterable[bytes]) -> tuple[int, int, list[str]]:
    """How many lines of the reader the cases reach, of how many, and those that they do not."""
    codes: list[CodeType] = []
    for part in READER:
        functions = [part] if inspect.isfunction(part) else [held for held in vars(part).values() if callable(held)]
        codes += [function.__code__ for function in functions if inspect.isfunction(function)]
    for code in codes:
        codes += [held for held in code.co_consts if isinstance(held, CodeType)]
    wanted = {(code, line) for code in codes for _, _, line in code.co_lines() if line and line > code.co_firstlineno}
    reached: set[tuple[CodeType, int]] = set()
    known = set(codes)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code not in known:
            return None
        if event == "line":
            reached.add((frame.f_code, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        for case in cases:
            frames.read(case)
    finally:
        sys.settrace(None)
    missed = sorted(f"{Path(code.co_filename).name}:{line}" for code, line in wanted - reached)
    return len(wanted & reached), len(wanted), missed


def files_open() -> int:
    """How many files this process has open; 0 where that cannot be told."""
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0  # noqa: PTH208


def largest() -> int:
    """The most bytes that this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> int:
    """Read the frames, print what came of them; 1 if anything was a surprise."""
    parser = argparse.ArgumentParser(description="Fuzz the reader of what a worker sends.")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--grammar", type=int, default=GRAMMAR)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()

    tally = Tally()
    held = [path.read_bytes() for path in options.files]
    resource_tracker.ensure_running()  # it comes with the first child, and keeps a file open
    start, files, before = time.monotonic(), files_open(), largest()

    def mutated() -> Iterator[bytes]:
        for number, case in enumerate(frames.steps(options.frames - options.grammar, options.seed, dear=DEAR)):
            if number % 100_000 == 0:
                print(f"  {number:>9,} frames, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
            yield case

    for case in held or chain(mutated(), by_grammar(options.grammar, options.seed)):
        tally.read(case)
    spent = time.monotonic() - start
    # This program's own table grows with the run: eight bytes for each frame's time.
    grown, leaked = largest() - before - 8 * tally.count, files_open() - files

    print(f"{tally.count:,} frames in {spent:.0f} s, of which {tally.surprises} were a surprise\n")
    print(f"{'outcome':<72}{'count':>10}")
    for outcome, count in tally.outcomes.most_common():
        print(f"{outcome:<72}{count:>10,}")
    times = sorted(tally.seconds)
    print(f"\nprocessor time of a frame: median {1e6 * times[len(times) // 2]:.0f} µs, ", end="")
    print(f"p99.9 {1e3 * times[int(0.999 * (len(times) - 1))]:.2f} ms, worst {1e3 * times[-1]:.0f} ms ", end="")
    print(f"(a frame of {len(tally.slowest):,} bytes that begins {tally.slowest[30:90]!r})")
    print(f"memory of a frame: at most {tally.peak[0] / 2**20:.1f} MiB, for one of {tally.peak[1]:,} bytes ", end="")
    print(f"({tally.sampled:,} were measured); the process grew by {grown / 2**20:.0f} MiB; files left open: {leaked}")
    reached, lines, missed = lines_reached(held or frames.steps(20_000, options.seed))
    print(f"lines of the reader that were reached: {reached} of {lines}; not: {', '.join(missed) or 'none'}")
    return 1 if tally.surprises or grown > GROWTH or leaked else 0


if __name__ == "__main__":
    sys.exit(main())
