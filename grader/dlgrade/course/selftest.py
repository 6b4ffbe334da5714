"""Proves an exercise: the reference earns all points, the stub none, each misconception is caught, nothing is flaky."""

from __future__ import annotations

import ast
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlgrade.author import Check, Policy
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_check, run_checks
from dlgrade.checking.trial import Trial, TrustedTarget
from dlgrade.course.find import ExerciseFolder
from dlgrade.course.load import content_digest, load_exercise, load_misconceptions
from dlgrade.course.stub import public_functions
from dlgrade.errors import AuthorError
from dlgrade.model import CheckResult, Exercise, Outcome, Report, Submission
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.syntax import Reading

SEEDS = 20
"""Seeds that nothing may be flaky over, unless told otherwise."""


@dataclass(frozen=True)
class Proof:
    """What the selftest found of one exercise. `faults` says in sentences what falls short, with file and line."""

    exercise: str
    reference_points: float
    max_points: float
    stub_points: float
    misconceptions: int
    caught: int
    flaky: tuple[str, ...]
    seeds: int
    seconds: float
    faults: tuple[str, ...] = field(default=())

    @property
    def holds(self) -> bool:
        """Whether nothing falls short."""
        return not self.faults


def prove(folder: ExerciseFolder, *, authored: bool, seeds: int = SEEDS) -> Proof:
    """Prove one exercise.

    Args:
        folder: where it lies.
        authored: whether its folder holds the reference.
        seeds: over how many seeds the reference must pass and the misconceptions fail.

    Raises:
        AuthorError: if it cannot be loaded.
        GraderError: if no worker can be started.
    """
    start = time.monotonic()
    exercise = load_exercise(folder, authored=authored, hidden=True)
    known = load_misconceptions(exercise)
    content = content_digest(folder.path)
    drawer = Drawer()
    faults: list[str] = []

    reference = _report(exercise, exercise.source, drawer, content)
    faults += [_reference_fault(exercise, result) for result in reference.checks if result.outcome != Outcome.PASSED]
    stub = _report(exercise, exercise.stub, drawer, content)
    faults += [
        f"{_check(exercise, result.name).where}: the stub earns points for {result.name}."
        for result in stub.checks
        if result.points
    ]
    faults += _stub_faults(exercise, stub)
    faults += _idle(exercise)

    functions = _functions(exercise)
    flaky: list[str] = []
    caught = 0
    if not faults:
        trials = [_Trials(exercise, drawer, seed, content) for seed in range(seeds)]
        for check in exercise.checks:
            missed = [trial.seed for trial in trials if not trial.passes(check, functions)]
            if missed:
                flaky.append(check.name)
                faults.append(
                    f"{check.where}: {check.name} is flaky: the reference fails it with seed {missed[0]} "
                    f"({len(missed)} of {seeds} seeds)."
                )
        for item in known:
            check = _check(exercise, item.caught_by)
            missed = [trial.seed for trial in trials if trial.passes(check, {**functions, item.of: item.code})]
            caught += not missed
            if missed:
                often = "" if len(missed) == seeds else f" with seed {missed[0]} ({len(missed)} of {seeds} seeds)"
                faults.append(f"{item.where}: {item.caught_by} does not catch the misconception {item.name}{often}.")
        faults += list(_degenerate(exercise, functions, trials[0]))
    return Proof(
        exercise=exercise.name,
        reference_points=reference.points,
        max_points=exercise.max_points,
        stub_points=stub.points,
        misconceptions=len(known),
        caught=caught,
        flaky=tuple(flaky),
        seeds=seeds,
        seconds=round(time.monotonic() - start, 2),
        faults=tuple(faults),
    )


def unproven(folder: ExerciseFolder, error: AuthorError) -> Proof:
    """What is known of an exercise that cannot be loaded: why."""
    return Proof(folder.name, 0, 0, 0, 0, 0, (), 0, 0, faults=(str(error),))


def _check(exercise: Exercise, name: str) -> Check:
    return next(check for check in exercise.checks if check.name == name)


def _report(exercise: Exercise, source: str, drawer: Drawer, content: str) -> Report:
    """The report of one of the authors' own sources, by the way that every submission goes."""
    data = source.encode()
    submission = Submission(exercise.file_name, data, hashlib.sha256(data).hexdigest())
    reading = Reading(data)
    with WorkerTarget(submission, module=exercise.name, names=list(exercise.entry_points)) as target:
        return run_checks(
            exercise,
            submission,
            target,
            facts=reading.result,
            misconceptions=lambda: [],
            drawer=drawer,
            content=content,
            seed=0,
        )


def _reference_fault(exercise: Exercise, result: CheckResult) -> str:
    """Why the reference does not pass its own check: the oracle or the law is wrong, or the reference is."""
    check = _check(exercise, result.name)
    kinds = {
        "agreement": f"the oracle of {result.name} disagrees with the reference",
        "property": f"the reference breaks the law {result.name}",
        "gradient": f"the reference fails the gradient check {result.name}",
        "example": "the reference does not give what the examples in its docstrings say",
        "policy": "the reference uses what its own policy forbids",
    }
    evidence = result.evidence
    what = f"{result.name} cannot be computed" if result.outcome == Outcome.BROKEN else kinds[result.kind]
    lines = [f"{check.where}: {what}."]
    if evidence is not None:
        # What a student is told of a check that failed by itself is not for its author.
        lines += [
            evidence.message.removesuffix(" This is not your mistake; please report it."),
            *(evidence.call or "").splitlines(),
        ]
        lines += [f"{side}: {text}" for side, text in (("expected", evidence.expected), ("got", evidence.got)) if text]
    return "\n    ".join(lines)


def _stub_faults(exercise: Exercise, stub: Report) -> list[str]:
    """Why a student could not even begin with the stub; nothing where it only waits to be filled in."""
    for result in stub.checks:
        if result.evidence is not None and result.evidence.rung in ("reads", "loads", "exists", "signature"):
            frames = result.evidence.traceback
            line = f" (line {frames[-1].line} of the stub: {frames[-1].text})" if frames else ""
            return [f"{_place(exercise)}: the stub does not load. {result.evidence.message}{line}"]
    return []


def _idle(exercise: Exercise) -> list[str]:
    """The entry points that no check calls."""
    called = {name for check in exercise.checks for name in check.entry_points}
    return [
        f"{_place(exercise, name)}: no check calls the entry point {name}."
        for name in exercise.entry_points
        if name not in called
    ]


def _place(exercise: Exercise, name: str | None = None) -> str:
    """The reference's file, with the line of an entry point."""
    nodes = public_functions(ast.parse(exercise.source))
    line = next((node.lineno for node in nodes if node.name == name), None)
    path = exercise.folder / exercise.file_name
    return f"{path}:{line}" if line else str(path)


def _functions(exercise: Exercise) -> Mapping[str, Callable[..., Any]]:
    """The reference's entry points, as functions of this process."""
    scope: dict[str, Any] = {"__name__": exercise.name}
    path = str(exercise.folder / exercise.file_name)
    exec(compile(exercise.source, path, "exec", dont_inherit=True), scope)
    return {name: scope[name] for name in exercise.entry_points}


@dataclass(frozen=True)
class _Trials:
    """Trusted code against an exercise's checks, for one seed; draws are shared."""

    exercise: Exercise
    drawer: Drawer
    seed: int
    content: str

    def passes(self, check: Check, functions: Mapping[str, Callable[..., Any]]) -> bool:
        """Whether these functions pass a check."""
        if isinstance(check, Policy):
            return True
        target = TrustedTarget(functions)
        trial = Trial(self.exercise, target, self.drawer, self.seed, self.content, explain=False)
        return run_check(check, trial).outcome == Outcome.PASSED


def _degenerate(exercise: Exercise, functions: Mapping[str, Callable[..., Any]], trials: _Trials) -> Iterator[str]:
    """Say which functions that compute nothing at all pass every check of their entry point."""

    def filled(value: float) -> Callable[[Any], Any]:
        def fill(result: Any) -> Any:
            if isinstance(result, (tuple, list)):
                return type(result)(fill(item) for item in result)
            return np.full_like(result, value) if isinstance(result, np.ndarray) else value

        return fill

    for name, right in functions.items():
        empties: dict[str, Callable[..., Any]] = {
            f"always gives {value}": _after(right, filled(value)) for value in (0.0, 0.5, 1.0, float("nan"))
        }
        empties["gives back its first argument"] = lambda first, *rest, **named: first
        checks = [check for check in exercise.checks if name in check.entry_points]
        for what, empty in empties.items():
            if all(trials.passes(check, {**functions, name: empty}) for check in checks):
                yield f"{_place(exercise, name)}: a {name} that {what} passes every check that calls it."


def _after(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: change(function(*args, **kwargs))
