"""Whether a verdict ever depends on the seed: every right variant over many seeds, in this process.

Run: python tests/bench/flakes.py [--seeds 1000] [EXERCISE ...]
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path

from dlgrade.author import Policy
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_check
from dlgrade.checking.trial import Trial, TrustedTarget
from dlgrade.course.find import open_course
from dlgrade.course.load import content_digest, load_exercise
from dlgrade.model import Outcome

ROOT = Path(__file__).parent.parent.parent


def functions_of(path: Path, names) -> dict:
    """A variant's entry points."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: getattr(module, name) for name in names}


def main() -> int:
    """Print a line for each exercise; 1 if any right variant ever failed a check."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=1000)
    options = parser.parse_args()
    failed = 0
    for folder in open_course(ROOT).exercises:
        if options.names and folder.name not in options.names:
            continue
        start = time.monotonic()
        exercise = load_exercise(folder, authored=True)
        content = content_digest(folder.path)
        paths = sorted((ROOT / "tests" / "variants" / folder.name).glob("*.py"))
        variants = {path.stem: functions_of(path, exercise.entry_points) for path in paths}
        checks = [check for check in exercise.checks if not isinstance(check, Policy)]
        faults = []
        for seed in range(options.seeds):
            drawer = Drawer()
            for name, functions in variants.items():
                trial = Trial(exercise, TrustedTarget(functions), drawer, seed, content, explain=False)
                faults += [(name, seed, c.name) for c in checks if run_check(c, trial).outcome != Outcome.PASSED]
        verdicts = options.seeds * len(variants)
        took = time.monotonic() - start
        print(
            f"{folder.name:<16}{len(faults)} failures in {verdicts:,} verdicts, {took:.0f} s {faults[:3]}", flush=True
        )
        failed += len(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
