"""Whether a verdict ever depends on the seed: every right answer over many seeds, in this process.

The inputs that are always tried are the same for every seed, so they are tried with the first seed only.

Run: python tests/bench/flakes.py [--seeds 1000] [--first 0] [EXERCISE ...]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from dlgrade.checking.inputs import Drawer
from dlgrade.checking.trial import Part
from dlgrade.course.find import open_course
from dlgrade.course.load import content_digest, load_exercise, load_reference, load_variants
from dlgrade.course.trials import Trials

ROOT = Path(__file__).parent.parent.parent


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
            trials = Trials(exercise, Drawer(), seed, content)  # nothing is kept from seed to seed
            part = Part.ALL if seed == options.first else Part.DRAWN
            for name, functions in answers.items():
                failed_by = [check for check in exercise.checks if not trials.passes(check, functions, part)]
                faults += [(name, seed, check.name) for check in failed_by]
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
