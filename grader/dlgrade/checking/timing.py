"""Runs a Timing: the submission against a baseline, side by side, by clocks that only the grader reads.

On the CPU what counts is the processor time of each worker, read from outside: it knows nothing of other processes on
the machine, and a submission cannot turn it back. An echo of the same data, done by the baseline's worker, is taken off
both, so that what is left is the work. Rounds are added until the ratio is clear of the limit; where it never is, the
check is inconclusive, which is nobody's fail.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from dlgrade.author import Agreement, Timing
from dlgrade.checking import slowness
from dlgrade.checking.compare import difference, leaves, structure_problem
from dlgrade.checking.literal import aligned
from dlgrade.checking.trial import Finding, Trial, failure_of, styled_call, undefined
from dlgrade.model import Bar, Evidence, Outcome, Race, Submission
from dlgrade.sandbox.calls import Call, Loaded, Returned, Stopped, Timed
from dlgrade.sandbox.client import CALL_SECONDS, WorkerTarget

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

ROUNDS = (5, 11, 21)
"""After how many rounds the ratio is looked at."""
FAR = 2.0
"""A submission that takes this many times the limit in each of the first rounds needs no more of them."""
FIRST = 3
DRIFT = (0.8, 1.25)
"""Where the baseline against itself may lie; beyond it the machine is too restless to time anything."""
SURE = 0.99
"""How sure the bootstrap interval is."""
LEAST_SECONDS = 2e-4
"""What the baseline's work must take, without the echo, to be measured against."""
WAIT_FACTOR, WAIT_SECONDS = 10.0, 1.0
"""A submission that waits instead of working may take this many times what the baseline takes, or so many seconds."""
PATIENCE = 40.0
"""A call may take this many times the limit before it is given up."""

_PREAMBLE = """\
import math

import torch
import torch.nn.functional as F

"""
_ECHO = """

_kept = None


def baseline(*args, **kwargs):
    global _kept
    _kept = {name}(*args, **kwargs)
    return _kept


def echo(*args, **kwargs):
    return _kept
"""


def source_of_baseline(check: Timing) -> str:
    """The source that the baseline's worker runs: the author's function, and an echo of what it returned last."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(check.baseline)))
    return _PREAMBLE + source + _ECHO.format(name=check.baseline.__name__)


def run_timing(check: Timing, trial: Trial) -> Finding:
    """Time the submission's function and the baseline in turn, and verify whatever is timed."""
    if not isinstance(trial.target, WorkerTarget):
        return _undone(Outcome.SKIPPED, f"{check.entry_point} is timed in a worker only.")
    absent = _absent(check.device)
    if absent:
        return _undone(Outcome.SKIPPED, absent)
    missing = undefined(trial, check.entry_points)
    if missing is not None:
        return missing
    for other in trial.exercise.checks:
        if isinstance(other, Agreement) and other.entry_point == check.entry_point and not trial.agreed.get(other.name):
            message = f"{check.entry_point} is timed once its results are right."
            return Finding(Outcome.FAILED, Evidence(message, rung="timing"))
    measured = measure(check, trial, trial.target)
    return measured if isinstance(measured, Finding) else _judged(check, trial, measured)


def measure(check: Timing, trial: Trial, target: WorkerTarget) -> Finding | Measured:
    """Time a submission until its ratio to the baseline is clear of the limit or there are enough rounds.

    Args:
        check: what is timed, and how.
        trial: the exercise.
        target: the submission.

    Returns: what was measured, or the finding where the submission does not answer, or answers wrongly.
    """
    source = source_of_baseline(check).encode()
    trusted = Submission("baseline.py", source, hashlib.sha256(source).hexdigest())
    with target.again(trusted, ("baseline", "echo"), check.device) as rival, target.again(device=check.device) as own:
        loaded = rival.load()
        if not isinstance(loaded, Loaded):
            raise ValueError(f"the baseline of {check.name} does not load: {loaded}")
        return _Side(check, trial, own, rival).run()


# -- what is measured --------------------------------------------------------------------------------------------------


@dataclass
class Measured:
    """Seconds of each round: the submission, the baseline twice, the echo."""

    own: list[float] = field(default_factory=list)
    rival: list[float] = field(default_factory=list)
    rival_again: list[float] = field(default_factory=list)
    echo: list[float] = field(default_factory=list)
    own_wall: list[float] = field(default_factory=list)
    rival_wall: list[float] = field(default_factory=list)
    clock: str = "processor"

    @property
    def rounds(self) -> int:
        """How many rounds there were."""
        return len(self.own)

    def baseline_seconds(self) -> float:
        """What the baseline's work takes, the echo taken off."""
        return float(np.median([*self.rival, *self.rival_again]) - np.median(self.echo))

    def drift(self) -> float:
        """The baseline against itself: 1 on a machine that is quiet."""
        echo = float(np.median(self.echo))
        return float((np.median(self.rival) - echo) / max(float(np.median(self.rival_again)) - echo, 1e-12))

    def ratio(self) -> float:
        """The submission's work in units of the baseline's."""
        return float((np.median(self.own) - np.median(self.echo)) / max(self.baseline_seconds(), 1e-12))

    def interval(self) -> tuple[float, float]:
        """The bootstrap interval of the ratio (Efron and Tibshirani, An Introduction to the Bootstrap, ch. 13)."""
        rng = np.random.default_rng(0)
        picks = rng.integers(0, self.rounds, size=(2000, self.rounds))
        echo, own = (np.median(np.asarray(side)[picks], axis=1) for side in (self.echo, self.own))
        both = np.concatenate([np.asarray(self.rival)[picks], np.asarray(self.rival_again)[picks]], axis=1)
        ratios = (own - echo) / np.maximum(np.median(both, axis=1) - echo, 1e-12)
        low, high = np.quantile(ratios, [(1 - SURE) / 2, (1 + SURE) / 2])
        return float(low), float(high)

    def waits(self) -> bool:
        """Whether it takes far more time than work."""
        wall = float(np.median(self.own_wall))
        return wall > max(WAIT_FACTOR * float(np.median(self.rival_wall)), WAIT_SECONDS)

    def settled(self, limit: float) -> bool:
        """Whether more rounds would tell nothing more."""
        low, high = self.interval()
        return (high < limit or low > limit) and self.steady()

    def steady(self) -> bool:
        """Whether the baseline can be measured against at all."""
        return self.baseline_seconds() > LEAST_SECONDS and DRIFT[0] <= self.drift() <= DRIFT[1]


class _Side:
    """A submission and its rival, side by side."""

    def __init__(self, check: Timing, trial: Trial, own: WorkerTarget, rival: WorkerTarget) -> None:
        self.check = check
        self.trial = trial
        self.own = own
        self.rival = rival
        self.measured = Measured(clock="processor" if check.device == "cpu" else "wall")
        self.seconds = CALL_SECONDS * 10

    def run(self) -> Finding | Measured:
        """Play rounds until it is settled."""
        measured = self.measured
        warm = self._round()
        if warm is not None:
            return warm
        _forget(measured)  # the first calls allocate, and page in what later ones find there
        while True:
            fault = self._round()
            if fault is not None:
                return fault
            limit = self.check.limit
            if measured.rounds == FIRST and min(_ratios(measured)) > FAR * limit:
                return measured
            if measured.rounds in ROUNDS and (measured.settled(limit) or measured.waits()):
                return measured
            if measured.rounds >= ROUNDS[-1]:
                return measured

    def _round(self) -> Finding | None:
        """Everybody's turn with the same fresh inputs, in an order that nobody knows; the finding if that is wrong."""
        entropy = int.from_bytes(os.urandom(8), "little")  # nobody can have prepared for these
        rng = np.random.default_rng(entropy)
        arguments = self.check.given(rng, self.check.size)
        calls = {
            "rival": _call(self.trial, self.check, arguments, "baseline"),
            "own": _call(self.trial, self.check, arguments, self.check.entry_point),
        }
        calls["again"], calls["echo"] = calls["rival"], _call(self.trial, self.check, arguments, "echo")
        order = ["rival", *(str(name) for name in rng.permutation(["own", "again", "echo"]))]
        if rng.integers(2):  # the echo wants something to give back, so the baseline is never after it
            order = ["again" if name == "rival" else "rival" if name == "again" else name for name in order]
        took: dict[str, Timed] = {}
        for name in order:
            self.trial.target.begin_check()
            target = self.own if name == "own" else self.rival
            target.begin_check()
            took[name] = target.timed(calls[name], seconds=self.seconds)
            if isinstance(took[name].reply, Stopped) and name != "own":
                raise ValueError(f"the baseline of {self.check.name} was stopped: {took[name].reply}")
        fault = self._fault(calls["own"], took)
        if fault is None:
            self._note(took)
        return fault

    def _note(self, took: Mapping[str, Timed]) -> None:
        measured = self.measured
        if any(timed.processor is None for timed in took.values()):
            measured.clock = "wall"
        for name, list_ in (
            ("own", measured.own),
            ("rival", measured.rival),
            ("again", measured.rival_again),
            ("echo", measured.echo),
        ):
            timed = took[name]
            list_.append(timed.wall if measured.clock == "wall" or timed.processor is None else timed.processor)
        measured.own_wall.append(took["own"].wall)
        measured.rival_wall.append(min(took["rival"].wall, took["again"].wall))
        base = took["rival"].processor if measured.clock == "processor" else took["rival"].wall
        # Not to wait for ever for a loop, nor to call one slow that is only on a slow machine.
        self.seconds = max(CALL_SECONDS, PATIENCE * self.check.limit * (base or CALL_SECONDS))

    def _fault(self, call: Call, took: Mapping[str, Timed]) -> Finding | None:
        """What is wrong with what the submission returned, if anything is."""
        reply = took["own"].reply
        if isinstance(reply, Stopped) and reply.outcome is Outcome.TIMED_OUT:
            size, many = _size(self.check), PATIENCE
            message = f"At {size} it was given up after more than {many:.0f} times the limit."
            return _too_slow(self.check, self.trial, message, None)
        if not isinstance(reply, Returned):
            finding = failure_of(reply)
            assert finding.evidence is not None
            message = f"At {_size(self.check)}: {finding.evidence.message}"
            return Finding(finding.outcome, Evidence(message, rung="timing", traceback=finding.evidence.traceback))
        theirs = took["rival"].reply
        assert isinstance(theirs, Returned), theirs
        annotation = self.trial.entry_point(self.check.entry_point).signature.return_annotation
        problem = structure_problem(reply.value, annotation)
        if problem is None:
            found = difference(
                reply.value,
                theirs.value,
                scale=[_largest(leaf) for leaf in leaves(theirs.value)],
                rtol=self.check.rtol,
                float_dtype=_float_dtype(theirs.value),
            )
            if found is None:
                return None
            problem = found.message
            if found.got is not None:
                expected, got, worst = aligned(found.got, found.want, found.wrong)
                evidence = Evidence(
                    f"At {_size(self.check)}, where it is timed, {problem}.",
                    rung="values", expected=expected, got=got, worst=worst,
                )  # fmt: skip
                return Finding(Outcome.FAILED, evidence)
        return Finding(
            Outcome.FAILED, Evidence(f"At {_size(self.check)}, where it is timed, {problem}.", rung="values")
        )


def _call(trial: Trial, check: Timing, arguments: Mapping[str, Any], name: str) -> Call:
    plain = styled_call(trial.entry_point(check.entry_point), arguments, 0)
    size = sum(value.nbytes for value in arguments.values() if isinstance(value, np.ndarray))
    return Call(name, plain.args, plain.kwargs, tensors=plain.tensors, expected_bytes=4 * size + (1 << 24))


def _forget(measured: Measured) -> None:
    for side in (measured.own, measured.rival, measured.rival_again, measured.echo):
        side.clear()
    measured.own_wall.clear()
    measured.rival_wall.clear()


def _ratios(measured: Measured) -> list[float]:
    return [
        (own - echo) / max(rival - echo, 1e-12)
        for own, rival, echo in zip(measured.own, measured.rival, measured.echo, strict=True)
    ]


def _largest(value: Any) -> float:
    array = np.asarray(value)
    finite = np.abs(array[np.isfinite(array)]) if array.dtype.kind == "f" else np.zeros(0)
    return float(np.max(finite, initial=0.0)) or 1.0


def _float_dtype(value: Any) -> Any:
    kinds = [leaf.dtype for leaf in leaves(value) if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"]
    return kinds[0] if kinds else np.dtype(np.float32)


def _absent(device: str) -> str:
    """Why there is no such device here; empty if there is."""
    if device == "cpu":
        return ""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        without = "this torch was built without CUDA" if torch.version.cuda is None else "no GPU is usable here"
        return f"There is nothing to time on a GPU: {without}. The limit on the CPU counts all the same."
    return ""


# -- what it comes to --------------------------------------------------------------------------------------------------


def _undone(outcome: Outcome, message: str) -> Finding:
    return Finding(outcome, Evidence(message, rung="timing"))


def _size(check: Timing) -> str:
    return f"size {check.size:,}" if not check.unit else f"{check.size:,} {check.unit}"


def _judged(check: Timing, trial: Trial, measured: Measured) -> Finding:
    race = race_of(check, measured, trial.exercise.times.get(check.name, {}))
    low, high = measured.interval()
    far = measured.rounds == FIRST and min(_ratios(measured)) > FAR * check.limit
    if not far and measured.waits():
        seconds = float(np.median(measured.own_wall))
        message = f"At {_size(check)} it is not busy but waits: {seconds:.2f} s until its result is there."
        return Finding(Outcome.TOO_SLOW, Evidence(message, rung="timing", race=race))
    if not far and not measured.steady():
        message = "This machine is too busy, or too restless, to time anything: try again when it is quiet."
        return Finding(Outcome.INCONCLUSIVE, Evidence(message, rung="timing", race=race))
    if high < check.limit:
        return Finding(Outcome.PASSED, Evidence("", race=race))
    if far or low > check.limit:
        message = (
            f"It takes {measured.ratio():.1f} times what the library takes at {_size(check)}; "
            f"at most {check.limit:g} times are allowed."
        )
        return _too_slow(check, trial, message, race)
    message = (
        f"It takes between {low:.1f} and {high:.1f} times what the library takes, and the limit, {check.limit:g}, "
        "lies between: try again when the machine is quiet."
    )
    return Finding(Outcome.INCONCLUSIVE, Evidence(message, rung="timing", race=race))


def _too_slow(check: Timing, trial: Trial, message: str, race: Race | None) -> Finding:
    """The finding for a slow submission, with what makes it slow where that can be seen."""
    calls = slowness.calls(check, functools.partial(_small, trial, check))
    cause = slowness.cause(trial.target, calls)
    notes = (cause,) if cause else ()
    return Finding(Outcome.TOO_SLOW, Evidence(message, rung="timing", race=race, notes=notes), failing=tuple(calls[:2]))


def _small(trial: Trial, check: Timing, size: int, how: str) -> Call:
    arguments = check.given(np.random.default_rng(0), size)
    plain = styled_call(trial.entry_point(check.entry_point), arguments, 0, measure=how)
    return plain


def race_of(check: Timing, measured: Measured, known: Mapping[str, float]) -> Race:
    """What was measured, as it is shown."""
    low, high = measured.interval()
    bars: Sequence[Bar] = (
        Bar("yours", measured.ratio(), low, high),
        Bar("limit", check.limit),
        Bar("library", 1.0),
        *(Bar(label, ratio) for label, ratio in known.items()),
    )
    rounded = tuple(Bar(b.label, _digits(b.ratio), _digits(b.low), _digits(b.high)) for b in bars)
    return Race(
        _size(check), check.device, measured.clock, measured.rounds,
        round(1e3 * measured.baseline_seconds(), 3), rounded,
    )  # fmt: skip


def _digits(value: Any) -> Any:
    return None if value is None else round(value, 3)
