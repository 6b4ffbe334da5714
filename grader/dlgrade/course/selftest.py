"""Proves an exercise: right answers in any style always pass, wrong ones always fail, its tolerances have room."""

from __future__ import annotations

import ast
import functools
import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dlgrade.author import Agreement, Check, Gradient, Misconception, Timing
from dlgrade.checking.compare import leaves
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_checks, worker_of
from dlgrade.checking.trial import Part
from dlgrade.course.find import CHECKS, ExerciseFolder
from dlgrade.course.load import (
    Functions,
    content_digest,
    load_exercise,
    load_misconceptions,
    load_reference,
    load_variants,
)
from dlgrade.course.mutation import run_mutants
from dlgrade.course.secrecy import published
from dlgrade.course.stub import public_functions
from dlgrade.course.trials import Trials
from dlgrade.errors import AuthorError
from dlgrade.margin import listening
from dlgrade.model import CheckResult, Exercise, Outcome, Report, Submission
from dlgrade.sandbox.syntax import Reading

SEEDS, THOROUGH_SEEDS = 10, 100
"""Over how many seeds right answers must pass and wrong ones fail, usually and in the thorough mode."""
MUTANT_SEEDS, THOROUGH_MUTANT_SEEDS = 2, 10
"""Over how many seeds each mutant must fail."""
RETRIES = 2
"""How often the reference is tried again where the machine was too busy to time it."""
ROOM = 10
"""How many times the worst error of a right answer a tolerance must be."""


@dataclass(frozen=True)
class Proof:
    """What the selftest found of one exercise. `faults` says in sentences what falls short, with file and line.

    Of `mutants`, `killed` fail a check and `equivalent` compute the same by their author's word.
    """

    exercise: str
    reference_points: float = 0
    max_points: float = 0
    stub_points: float = 0
    variants: int = 0
    misconceptions: int = 0
    caught: int = 0
    mutants: int = 0
    killed: int = 0
    equivalent: int = 0
    flaky: tuple[str, ...] = ()
    tightest: float | None = None
    """The smallest room of any tolerance: how many times the worst error of a right answer it is."""
    seeds: int = 0
    seconds: float = 0
    faults: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
    """What its author may want to know and falls short of nothing."""

    @property
    def holds(self) -> bool:
        """Whether nothing falls short."""
        return not self.faults

    @property
    def score(self) -> float | None:
        """The mutation score: the share of mutants that fail, of those that do not compute the same."""
        real = self.mutants - self.equivalent
        return self.killed / real if real else None


def prove(folder: ExerciseFolder, *, authored: bool, seeds: int = SEEDS, mutant_seeds: int = MUTANT_SEEDS) -> Proof:
    """Prove one exercise.

    Args:
        folder: where it lies.
        authored: whether its folder holds the reference.
        seeds: over how many seeds right answers must pass and misconceptions fail.
        mutant_seeds: over how many seeds each mutant must fail; 0 leaves them out.

    Raises:
        AuthorError: if it cannot be loaded.
        GraderError: if no worker can be started.
    """
    start = time.monotonic()
    exercise = load_exercise(folder, authored=authored, hidden=True)
    known = load_misconceptions(exercise)
    variants = load_variants(exercise)
    content = content_digest(folder.path)
    drawer = Drawer()

    stops: dict[str, str] = {}
    reference = _report(exercise, exercise.source, drawer, content, stops)
    for _ in range(RETRIES):
        if not any(result.outcome in (Outcome.INCONCLUSIVE, Outcome.TOO_SLOW) for result in reference.checks):
            break
        reference = _report(exercise, exercise.source, drawer, content, stops)
    # A machine that is too busy to time anything, or has no GPU, is no fault of the exercise.
    fair = (Outcome.PASSED, Outcome.SKIPPED, Outcome.INCONCLUSIVE)
    failed = [result for result in reference.checks if result.outcome not in fair]
    faults = [_reference_fault(exercise, result, stops.get(result.name)) for result in failed]
    stub = _report(exercise, exercise.stub, drawer, content, {})
    faults += [
        f"{_check(exercise, result.name).where}: the stub earns points for {result.name}."
        for result in stub.checks
        if result.points
    ]
    faults += _stub_faults(exercise, stub)
    faults += _idle(exercise)
    proof = Proof(
        exercise=exercise.name,
        reference_points=reference.points,
        max_points=exercise.max_points,
        stub_points=stub.points,
        variants=len(variants),
        misconceptions=len(known),
        seeds=seeds,
        faults=tuple(faults),
        notes=tuple(_published(folder)),
    )
    if not faults:
        functions = load_reference(exercise)
        trials = [Trials(exercise, drawer, seed, content) for seed in range(max(seeds, mutant_seeds))]
        proof = _right_answers(proof, exercise, {"the reference": functions, **variants}, trials[:seeds])
        proof = _misconceptions(proof, exercise, known, functions, trials[:seeds])
        proof = _told(proof, _degenerate(exercise, functions, trials[:seeds]))
        if mutant_seeds:
            found = run_mutants(exercise, trials[:mutant_seeds])
            proof = replace(proof, mutants=found.mutants, killed=found.killed, equivalent=found.equivalent)
            proof = _told(proof, found.faults)
    return replace(proof, seconds=round(time.monotonic() - start, 2))


def unproven(folder: ExerciseFolder, error: AuthorError) -> Proof:
    """What is known of an exercise that cannot be loaded: why."""
    return Proof(folder.name, faults=(str(error),))


def _told(proof: Proof, faults: Iterable[str]) -> Proof:
    return replace(proof, faults=(*proof.faults, *faults))


def _often(seeds: Sequence[int], trials: Sequence[Trials]) -> str:
    return f"with seed {seeds[0]} ({len(seeds)} of {len(trials)} seeds)"


# -- what is proved by running many answers ----------------------------------------------------------------------------


def _failing(trials: Sequence[Trials], check: Check, functions: Functions) -> list[int]:
    """The seeds with which these functions fail a check.

    The inputs that are always tried are the same with every seed, so they are tried once.
    """
    if not trials[0].passes(check, functions, Part.ALWAYS):
        return [trial.seed for trial in trials]
    return [trial.seed for trial in trials if not trial.passes(check, functions, Part.DRAWN)]


def _right_answers(
    proof: Proof, exercise: Exercise, answers: Mapping[str, Functions], trials: Sequence[Trials]
) -> Proof:
    """Right answers pass every check with every seed, and none comes near the limit of a tolerance."""
    flaky, faults, tightest = [], [], None
    for check in exercise.checks:
        missed: dict[str, list[int]] = {}
        most, who = 0.0, ""
        for name, functions in answers.items():
            with listening() as margin:
                failing = _failing(trials, check, functions)
            if failing:
                missed[name] = failing
            elif margin.used > most:
                most, who = margin.used, name
        for name, failing in missed.items():
            kind = "false" if len(failing) == len(trials) else "flaky"
            fault = f"{name} fails it {_often(failing, trials)}, though it is right."
            faults.append(f"{check.where}: {check.name} is {kind}: {fault}{_kinks(check)}")
        if missed:
            flaky.append(check.name)
        elif most:
            room = 1 / most
            tightest = room if tightest is None else min(tightest, room)
            if room < ROOM:
                mend = _kinks(check) or f" Widen it to {ROOM} times, or restate the law."
                faults.append(
                    f"{check.where}: the tolerance of {check.name} is only {room:.2g} times the error of {who}, which "
                    f"is right.{mend}"
                )
    proof = replace(proof, flaky=tuple(flaky), tightest=None if tightest is None else round(tightest, 1))
    return _told(proof, faults)


def _kinks(check: Check) -> str:
    """What to do about a gradient check that is too strict, which has no tolerance to widen."""
    if not isinstance(check, Gradient):
        return ""
    return (
        "\n    Finite differences are wrong at a kink (of an absolute value, a clip, a maximum of equals): keep inputs "
        "away from it.\n    `arrays` draws whole numbers and quarters too, on which kinks often lie: "
        "arrays(…).map(lambda x: x + 0.1) draws none.\n    Where there is no kink, another `step` may help."
    )


def _misconceptions(
    proof: Proof, exercise: Exercise, known: Sequence[Misconception], functions: Functions, trials: Sequence[Trials]
) -> Proof:
    """Each misconception fails, with every seed, the check that it names."""
    caught, faults = 0, []
    timed = {check.name for check in exercise.checks if isinstance(check, Timing)}
    for item in known:
        if item.caught_by in timed:
            caught += 1  # proved by `--timing`, which takes workers and a quiet machine
            continue
        check = _check(exercise, item.caught_by)
        failing = _failing(trials, check, {**functions, item.of: item.code})
        missed = [trial.seed for trial in trials if trial.seed not in failing]
        caught += not missed
        if missed:
            often = "" if len(missed) == len(trials) else f" {_often(missed, trials)}"
            faults.append(f"{item.where}: {item.caught_by} does not catch the misconception {item.name}{often}.")
    return _told(replace(proof, caught=caught), faults)


def _degenerate(exercise: Exercise, functions: Functions, trials: Sequence[Trials]) -> Iterator[str]:
    """Say which functions that compute nothing at all pass every check of their entry point."""
    for name, right in functions.items():
        empties: dict[str, Callable[..., Any]] = {
            f"always gives {value}": _after(right, _filled(value)) for value in (0.0, 0.5, 1.0, float("nan"))
        }
        for place, parameter in enumerate(exercise.entry_points[name].signature.parameters):
            empties[f"gives back its argument {parameter}"] = _echo(right, place)
        if _gives_arrays(right, name, exercise, trials[0]):
            empties["gives the other float dtype"] = _after(right, _other_dtype)
        checks = [check for check in exercise.checks if name in check.entry_points]
        for what, empty in empties.items():
            passing = list(trials)
            for check in checks:
                failing = _failing(passing, check, {**functions, name: empty}) if passing else []
                passing = [trial for trial in passing if trial.seed not in failing]
            if passing:
                yield (
                    f"{_place(exercise, name)}: a {name} that {what} passes every check that calls it "
                    f"(seed {passing[0].seed})."
                )


def _after(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def changed(*args: Any, **kwargs: Any) -> Any:
        return change(function(*args, **kwargs))

    return changed


def _filled(value: float) -> Callable[[Any], Any]:
    def fill(result: Any) -> Any:
        if isinstance(result, (tuple, list)):
            return type(result)(fill(item) for item in result)
        return np.full_like(result, value) if isinstance(result, np.ndarray) else value

    return fill


def _other_dtype(result: Any) -> Any:
    if isinstance(result, (tuple, list)):
        return type(result)(_other_dtype(item) for item in result)
    if isinstance(result, np.ndarray) and result.dtype.kind == "f":
        return result.astype(np.float32 if result.dtype == np.float64 else np.float64)
    return result


def _echo(function: Callable[..., Any], place: int) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def echo(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return list(bound.arguments.values())[place]

    return echo


def _gives_arrays(function: Callable[..., Any], name: str, exercise: Exercise, trial: Trials) -> bool:
    """Whether what an entry point returns holds an array of floats: of a number only the value counts."""
    seen: list[Any] = []

    def look(result: Any) -> Any:
        seen.extend(leaves(result))
        return result

    for check in exercise.checks:
        if isinstance(check, Agreement) and check.entry_point == name:
            trial.passes(check, {name: _after(function, look)})
    return any(isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" for leaf in seen)


# -- what is proved by one report --------------------------------------------------------------------------------------


def _check(exercise: Exercise, name: str) -> Check:
    return next(check for check in exercise.checks if check.name == name)


def _report(exercise: Exercise, source: str, drawer: Drawer, content: str, stops: dict[str, str]) -> Report:
    """The report of one of the authors' own sources, by the way that every submission goes.

    Args:
        exercise, source, drawer, content: what is checked, and with what.
        stops: where each check stopped that did not come to its end is written here.
    """
    stops.clear()
    submission = Submission.of(exercise.file_name, source.encode())
    reading = Reading(submission.source)
    with worker_of(exercise, submission) as target:
        return run_checks(
            exercise,
            submission,
            target,
            facts=reading.result,
            misconceptions=lambda: [],
            drawer=drawer,
            content=content,
            seed=0,
            on_stop=stops.__setitem__,
        )


def _reference_fault(exercise: Exercise, result: CheckResult, stop: str | None) -> str:
    """Why the reference does not pass its own check, which may have stopped somewhere: the oracle or the law is wrong,
    or the reference is."""
    check = _check(exercise, result.name)
    kinds = {
        "agreement": f"the oracle of {result.name} disagrees with the reference",
        "property": f"the reference breaks the law {result.name}",
        "gradient": f"the reference fails the gradient check {result.name}",
        "example": "the reference does not give what the examples in its docstrings say",
        "policy": "the reference uses what its own policy forbids",
        "timing": f"the reference is not within the limit of {result.name}",
    }
    evidence = result.evidence
    what = f"{result.name} cannot be computed" if result.outcome == Outcome.BROKEN else kinds[result.kind]
    lines = [f"{stop or check.where}: {what}."]
    if evidence is not None:
        # What a student is told of a check that failed by itself is not for its author.
        lines += [
            evidence.message.removesuffix(" This is not your mistake; please report it."),
            *(evidence.call or "").splitlines(),
        ]
        lines += [f"{side}: {text}" for side, text in (("expected", evidence.expected), ("got", evidence.got)) if text]
    on_a_kink = evidence is not None and evidence.rung == "forward"
    return "\n    ".join(lines) + (_kinks(check) if on_a_kink else "")


def _published(folder: ExerciseFolder) -> Iterator[str]:
    """Say which lines of the solution students get, since they stand in the public checks: maybe on purpose."""
    for one in published(folder):
        place = f"{folder.path / folder.file_name}:{one.line}"
        yield f"{place}: students get this line of the solution, in line {one.there} of {CHECKS}: {one.text}"


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
