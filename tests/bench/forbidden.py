"""Ways to a softmax that torch has already, singly and in pairs, against what is to see them: how many pass undetected.

Each is run without any of the three (does it give a softmax at all?), against each of them alone, against the record
and the override both, and against all. `--pairs` prints the pairs that pass both.

Run: python tests/bench/forbidden.py [LEVEL] [--singly] [--pairs] [NAME ...]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "attacks"))

from dlgrade.sandbox.levels import LEVELS, workers
from tensor_means import COLUMNS, Judge, attempts, exercise_in, source_of


def main(arguments: list[str]) -> int:
    """Print what each way passes alone, the pairs that pass all, and the table; 1 if one alone passes all."""
    level = next((name for name in arguments if name in LEVELS), "auto")
    names = [name for name in arguments if not name.startswith("-") and name not in LEVELS]
    chosen = [a for a in attempts() if not names or any(way.name in names for way in a)]
    if "--singly" in arguments:
        chosen = [attempt for attempt in chosen if len(attempt) == 1]
    passed = Counter[tuple[int, str]]()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, workers("torch", level) as started:
        judge = Judge(started, exercise_in(Path(folder)))
        for attempt in chosen:
            results = judge.passes(source_of(attempt))
            passed.update((len(attempt), column) for column, undetected in results.items() if undetected)
            if len(attempt) == 1 or results["all" if "--pairs" not in arguments else "both"]:
                told = ", ".join(column for column, undetected in results.items() if undetected)
                print(f"{' + '.join(way.name for way in attempt):56} {told or '-'}", flush=True)
        print(f"\nisolation {started.isolation}, {time.monotonic() - begun:.0f} s\n")
    print(f"{'pass undetected':18}" + "".join(f"{column:>12}" for column in COLUMNS))
    for size, name in ((1, "singly"), (2, "in pairs")):
        total = sum(len(attempt) == size for attempt in chosen)
        print(f"{name:18}" + "".join(f"{f'{passed[size, column]} of {total}':>12}" for column in COLUMNS))
    return int(passed[1, "all"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
