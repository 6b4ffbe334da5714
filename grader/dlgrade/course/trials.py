"""Trusted code against an exercise's checks, for one seed: what every proof of the selftest is made of."""

from __future__ import annotations

from dataclasses import dataclass

from dlgrade.author import Check, Policy, Timing
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_check
from dlgrade.checking.trial import Part, Trial, TrustedTarget
from dlgrade.course.load import Functions
from dlgrade.model import Exercise, Outcome


@dataclass(frozen=True)
class Trials:
    """Trusted code against an exercise's checks, for one seed; draws are shared."""

    exercise: Exercise
    drawer: Drawer
    seed: int
    content: str

    def passes(self, check: Check, functions: Functions, part: Part = Part.ALL) -> bool:
        """Whether these functions pass a check, or that part of it."""
        if isinstance(check, Policy | Timing):
            return True  # what is read, and what is timed, is not found out by calling functions in this process
        target = TrustedTarget(functions)
        trial = Trial(self.exercise, target, self.drawer, self.seed, self.content, explain=False, part=part)
        return run_check(check, trial).outcome == Outcome.PASSED
