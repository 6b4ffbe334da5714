"""The reader of tests/bench/fuzz.py, fuzzed by coverage: atheris keeps what reaches a new branch and goes on from it.

What it prints is libFuzzer's: `cov` counts the branches reached, `ft` those together with how often, `corp` the cases
kept. A surprise is a crash there, and its case is left as a file crash-*. What is kept in CORPUS, fuzz.py can read.

Run: python tests/bench/fuzz_atheris.py [CORPUS] [-runs=N] [-max_total_time=SECONDS]
It needs atheris, NumPy and Hypothesis, and nothing of ours installed.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

try:
    import atheris
except ImportError:
    print("Skipped: atheris is not installed here (pip install atheris; Linux and macOS).")
    sys.exit(0)

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "grader"), str(ROOT / "tests" / "sandbox")]

with atheris.instrument_imports(include=["dlgrade.sandbox.wire", "dlgrade.sandbox.client", "dlgrade.text"]):
    import frames

RUNS = 200_000
LONGEST = 1 << 16
SEEDS = 300


def mutate(data: bytes, size: int, seed: int) -> bytes:
    """Half of the time one more nasty part of the JSON and the right lengths; else what libFuzzer makes of bytes."""
    draw = random.Random(seed)
    if draw.random() < 0.5:
        case = frames.remade(draw, data)
        if len(case) <= size:
            return case
    return atheris.Mutate(data, size)


def main() -> None:
    """Fuzz until it has run often enough."""
    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    corpus = Path(folders[0] if folders else tempfile.mkdtemp(prefix="dlgrade-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(frames.steps(SEEDS, 0)):
        (corpus / f"seed-{number:03}").write_bytes(case[:LONGEST])
    print(f"The corpus is in {corpus}.", flush=True)
    bounds = [f"-max_len={LONGEST}", *([] if any("runs" in o or "time" in o for o in options) else [f"-runs={RUNS}"])]
    atheris.Setup([sys.argv[0], *bounds, *options, str(corpus)], frames.read, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
