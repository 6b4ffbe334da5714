"""Whether a verdict ever depends on the seed: every right answer over many seeds, in this process.

The inputs that are always tried are the same for every seed, so they are tried with the first seed only.

Run: python tests/bench/flakes.py [--seeds 1000] [--first 0] [EXERCISE ...]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from dlgrade.author import Agreement, Gradient, Property
from dlgrade.checking.inputs import Arguments, Drawer, source_of
from dlgrade.course.find import open_course
from dlgrade.course.load import content_digest, load_exercise, load_reference, load_variants
from dlgrade.course.trials import Trials

ROOT = Path(__file__).parent.parent.parent


class DrawnOnly(Drawer):
    """Hands out only what differs from seed to seed."""

    def inputs(self, check: Agreement | Property | Gradient, *, content: str, seed: int) -> list[Arguments]:
        """The inputs of a check without those that are always tried."""
        return super().inputs(check, content=content, seed=seed)[len(source_of(check).always) :]


def main() -> int:
    """Print a line for each exercise; 1 if any right answer ever failed a check."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    failed = 0
    for folder in open_course(ROOT).exercises:
        if options.names and folder.name not in options.names:
            continue
        start = time.process_time()
        exercise = load_exercise(folder, authored=True)
        content = content_digest(folder.path)
        reference = load_reference(exercise)
        answers = {"the reference": reference, **load_variants(exercise)}
        faults = []
        for seed in range(options.first, options.first + options.seeds):
            drawer = Drawer() if seed == options.first else DrawnOnly()  # nothing is kept from seed to seed
            trials = Trials(exercise, drawer, seed, content)
            for name, functions in answers.items():
                faults += [(name, seed, check.name) for check in exercise.checks if not trials.passes(check, functions)]
        verdicts = options.seeds * len(answers)
        took = time.process_time() - start
        print(
            f"{folder.name:<16}{len(faults)} failures in {verdicts:,} verdicts of {len(answers)} right answers over "
            f"{options.seeds:,} seeds, {took:.0f} s {faults[:3] or ''}",
            flush=True,
        )
        failed += len(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
