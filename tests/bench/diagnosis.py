"""How often a report names the mistake: for each misconception alone, and for a forward and a backward one together.

Run: python tests/bench/diagnosis.py [EXERCISE ...]
"""

from __future__ import annotations

import argparse
import hashlib
import random
import time
from pathlib import Path

from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_checks
from dlgrade.checking.trial import TrustedTarget
from dlgrade.course.find import open_course
from dlgrade.course.load import content_digest, load_exercise, load_misconceptions, load_reference
from dlgrade.model import Outcome, Submission
from dlgrade.sandbox.syntax import Reading

ROOT = Path(__file__).parent.parent.parent
AIM = 0.95


def main() -> int:
    """Print a line for each exercise and the shares of all; 1 if either is below the aim."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    singles = pairs = first = anywhere = both = 0
    for folder in open_course(ROOT).exercises:
        if options.names and folder.name not in options.names:
            continue
        start = time.process_time()
        exercise = load_exercise(folder, authored=True)
        known = load_misconceptions(exercise)
        right = load_reference(exercise)
        data = exercise.source.encode()
        submission = Submission(exercise.file_name, data, hashlib.sha256(data).hexdigest())
        read = Reading(data).result()
        drawer, content = Drawer(), content_digest(folder.path)

        def hints(*wrong):
            report = run_checks(
                exercise,  # noqa: B023 -- called in this round only
                submission,  # noqa: B023
                TrustedTarget({**right, **{item.of: item.code for item in wrong}}),  # noqa: B023
                facts=lambda: read,  # noqa: B023
                misconceptions=lambda: known,  # noqa: B023
                drawer=drawer,  # noqa: B023
                content=content,  # noqa: B023
                seed=0,
            )
            return [r.misconception for r in report.checks if r.outcome != Outcome.PASSED]

        missed = []
        for item in known:
            named = hints(item)
            first += named[:1] == [item.name]
            anywhere += item.name in named
            if named[:1] != [item.name]:
                missed.append(f"{item.name}: {named}")
        singles += len(known)

        # A forward mistake for each backward one and the other way round, always the same.
        of = {name: [item for item in known if item.of == name] for name in right}
        choose = random.Random(0)
        lonely = 0
        for backward in (name for name in right if name.endswith("_backward")):
            forward = backward.removesuffix("_backward")
            count = max(len(of[forward]), len(of[backward]))
            some = [
                [items[i % len(items)] for i in range(count)]
                for items in (choose.sample(of[name], len(of[name])) for name in (forward, backward))
            ]
            for one, other in zip(*some, strict=True):
                named = hints(one, other)
                pairs += 1
                both += one.name in named and other.name in named
                if not (one.name in named and other.name in named):
                    lonely += 1
                    missed.append(f"{one.name} + {other.name}: {named}")
        took = time.process_time() - start
        print(f"{folder.name:<16}{len(known)} alone, {lonely} pairs of which one is missed, {took:.0f} s", flush=True)
        for line in missed:
            print(f"    {line}")
    print(f"alone: named first {first}/{singles} ({first / singles:.1%}), anywhere {anywhere}/{singles}")
    if pairs:
        print(f"forward and backward together: both named {both}/{pairs} ({both / pairs:.1%})")
    return 0 if first >= AIM * singles and both >= AIM * pairs else 1


if __name__ == "__main__":
    raise SystemExit(main())
