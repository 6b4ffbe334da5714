"""How many examples a check needs: the chance that a misconception survives those that it gets.

For each misconception the share of drawn inputs that its check catches it on is measured, and from it the chance to
survive all examples of one run. Inputs that are always tried count apart: what one of them catches cannot survive.

Run: python tests/bench/survival.py [EXERCISE ...]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from dlgrade.author import Agreement, Property
from dlgrade.checking.inputs import Drawer, draw, seed_of, source_of
from dlgrade.checking.run import run_check
from dlgrade.checking.trial import Trial, TrustedTarget
from dlgrade.course.find import open_course
from dlgrade.course.load import load_exercise, load_misconceptions
from dlgrade.model import Outcome

ROOT = Path(__file__).parent.parent.parent
SAMPLES = 200
WORST = 8


class One(Drawer):
    """Hands out the one input that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.only: list = []

    def inputs(self, check, *, content, seed):
        """The one input."""
        return self.only


def caught(check, exercise, functions, drawer: One, arguments) -> bool:
    """Whether the check fails on this input alone."""
    drawer.only = [arguments]
    trial = Trial(exercise, TrustedTarget(functions), drawer, 0, "", explain=False)
    return run_check(check, trial).outcome != Outcome.PASSED


def main(names: list[str]) -> None:
    """Print the misconceptions that are likeliest to survive, exercise by exercise."""
    for folder in open_course(ROOT).exercises:
        if names and folder.name not in names:
            continue
        exercise = load_exercise(folder, authored=True)
        scope: dict = {}
        exec(exercise.source, scope)
        right = {name: scope[name] for name in exercise.entry_points}
        drawer, rows = One(), []
        pools: dict = {}
        for item in load_misconceptions(exercise):
            check = next(c for c in exercise.checks if c.name == item.caught_by)
            if not isinstance(check, (Agreement, Property)):
                continue
            if check.name not in pools:
                source = source_of(check)
                many = replace(source, always=(), examples=SAMPLES)
                pools[check.name] = (source.always, draw(many, seed=seed_of(check, 1)))
            always, drawn = pools[check.name]
            functions = {**right, item.of: item.code}
            sure = any(caught(check, exercise, functions, drawer, arguments) for arguments in always)
            share = sum(caught(check, exercise, functions, drawer, arguments) for arguments in drawn) / len(drawn)
            rows.append((0.0 if sure else (1 - share) ** check.examples, share, sure, check, item))
        rows.sort(key=lambda row: (-row[0], row[1]))
        certain = sum(row[2] for row in rows)
        print(f"{exercise.name}: {len(rows)} misconceptions, {certain} of them caught by an input that is always tried")
        for survival, share, sure, check, item in rows[:WORST]:
            how = "always" if sure else f"survives {survival:.0e}"
            print(f"  {item.name:<44}{check.name:<36}{share:>6.0%} of inputs, {check.examples:>3} examples: {how}")


if __name__ == "__main__":
    main(sys.argv[1:])
