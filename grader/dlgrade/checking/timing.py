"""Runs a Timing: the submission against a baseline, side by side, by clocks that only the grader reads.

On the CPU what counts is the processor time of each worker, read from outside: it knows little of other processes on
the machine, and a submission cannot turn it back. All workers keep to one core, since cores differ: in what else runs
beside them, and on many laptops in speed. An echo of the same data is taken off, so that what is left is the work. The
submission, the baseline, the baseline once more and the echo each have a worker of their own and are called once in a
round: whoever was called twice would find its memory warmer. Rounds are added until the ratio is clear of the limit;
where it never is, the check is inconclusive, which is nobody's fail.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import secrets
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from dlgrade.author import Agreement, Timing
from dlgrade.checking import devices, seeded, slowness
from dlgrade.checking.compare import difference, leaves, structure_problem
from dlgrade.checking.literal import aligned
from dlgrade.checking.trial import Finding, Trial, failure_of, styled_call, undefined
from dlgrade.model import Bar, Evidence, Outcome, Race, Submission
from dlgrade.sandbox.calls import Call, Loaded, Returned, Stopped, Timed
from dlgrade.sandbox.client import CALL_SECONDS, WorkerTarget

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

WARM = 5
"""How often each is called before it counts: the allocator learns what to keep, and until then takes twice the time."""
ROUNDS = (5, 11, 21, 41)
"""After how many rounds the ratio is looked at."""
FAR = 2.0
"""A submission that takes this many times the limit in each of the first rounds needs no more of them."""
FIRST = 3
DRIFT = (0.8, 1.25)
"""Where the baseline against itself may lie; surely beyond it the machine is too restless to time anything."""
SURE = 0.99
"""How sure a bootstrap interval is."""
LEAST_SECONDS = 2e-4
"""What the baseline's work must take, without the echo, to be measured against."""
WAIT_FACTOR, WAIT_SECONDS = 10.0, 1.0
"""A submission may wait this many times as long as the baseline takes, or so many seconds, before rounds are saved."""
PATIENCE = 40.0
"""A call may take this many times the limit before it is given up."""
FINENESS, MANY = 20.0, 256
"""Over a result of many numbers errors cancel, so that on the average they are this many times below the tolerance.
float32 leaves a hundred times less; the eleven bits of half precision, and TF32, leave six times more."""

_TURNS = ("rival", "again", "echo", "own")
"""Who is called in a round: the baseline, the baseline once more, the echo, and the submission."""

_PREAMBLE = """\
import math

import torch
import torch.nn.functional as F

"""
_ECHO = """

_kept = None


def echo(*args, **kwargs):
    global _kept
    if _kept is None:
        _kept = {name}(*args, **kwargs)
    return _kept


baseline = {name}
"""
_BASELINE = ("baseline", "echo")
"""What the source of a baseline defines."""


def source_of_baseline(check: Timing) -> str:
    """The source that the baseline's workers run: the author's function, and an echo of what it returned first."""
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
        same = isinstance(other, Agreement) and other.entry_point == check.entry_point
        if same and trial.agreed.get(other.name) is False:
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

    Returns: what was measured, or the finding where there is no such device, or where the submission does not answer or
        answers wrongly.

    Raises:
        ValueError: if the baseline does not do what its author says.
    """
    absent = _absent(check.device)
    if absent:
        return _undone(Outcome.SKIPPED, absent)
    source = source_of_baseline(check).encode()
    trusted = Submission.of("baseline.py", source)
    with contextlib.ExitStack() as stack:
        # All are started before one is waited for. On a GPU memory is scarce, and it is not the worker that gets warm.
        count = 3 if check.device == "cpu" else 1
        ours = [stack.enter_context(target.again(trusted, _BASELINE, check.device)) for _ in range(count)]
        own = stack.enter_context(target.again(device=check.device))
        for baseline in ours:
            said = baseline.load()
            if not isinstance(said, Loaded):
                raise ValueError(f"the baseline of {check.name} does not load: {said}")
        loaded = own.load()
        if not isinstance(loaded, Loaded):
            return failure_of(loaded)
        if check.device == "cpu":
            _keep_to_one_core(own, *ours)
        turns = [*(ours * 3)[:3], own]  # one worker plays all three where there is only one
        return _Rounds(check, trial, dict(zip(_TURNS, turns, strict=True))).run()


def _keep_to_one_core(*targets: WorkerTarget) -> None:
    """Let workers share a core: they never work at the same time, and meet the same conditions."""
    if not hasattr(os, "sched_setaffinity"):
        return
    core = secrets.choice(sorted(os.sched_getaffinity(0)))
    for target in targets:
        target.keep_to(core)


# -- what is measured --------------------------------------------------------------------------------------------------


@dataclass
class Measured:
    """Seconds of each round: the submission, the baseline twice, the echo; and on the wall the first two."""

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
        echo = np.median(self.echo)
        return float((np.median(self.rival) - echo) / max(np.median(self.rival_again) - echo, LEAST_SECONDS))

    def ratio(self) -> float:
        """The submission's work in units of the baseline's."""
        return float((np.median(self.own) - np.median(self.echo)) / max(self.baseline_seconds(), LEAST_SECONDS))

    def interval(self) -> tuple[float, float]:
        """The bootstrap interval of the ratio."""
        return _Resampled(self).interval

    def drift_interval(self) -> tuple[float, float]:
        """The bootstrap interval of the baseline against itself."""
        return _Resampled(self).drift

    def measurable(self) -> bool:
        """Whether the baseline's work takes long enough to be told from the echo."""
        return _Resampled(self).measurable

    def steady(self) -> bool:
        """Whether the baseline can be measured against at all."""
        return _Resampled(self).steady

    def far(self, limit: float) -> bool:
        """Whether even the quickest round of the submission is far above the limit by the slowest of the baseline."""
        most = max(*self.rival, *self.rival_again) - min(self.echo)
        return min(self.own) - max(self.echo) > FAR * limit * max(most, LEAST_SECONDS)

    def waits(self) -> bool:
        """Whether it surely takes far more time than work."""
        return _Resampled(self).waited[0] > max(WAIT_FACTOR * float(np.median(self.rival_wall)), WAIT_SECONDS)

    def lingers(self, limit: float) -> bool:
        """Whether surely its work and its waiting together are above the limit."""
        return _Resampled(self).with_waiting[0] > limit

    def settled(self, limit: float) -> bool:
        """Whether more rounds would tell nothing more."""
        drawn = _Resampled(self)
        low, high = drawn.interval
        return drawn.steady and (low > limit or (high < limit and drawn.with_waiting[0] <= limit))


class _Resampled:
    """Medians of rounds that are drawn again (Efron and Tibshirani, An Introduction to the Bootstrap, ch. 13)."""

    def __init__(self, measured: Measured) -> None:
        rng = np.random.default_rng(0)
        picks = rng.integers(0, measured.rounds, size=(2000, measured.rounds))

        def medians(*sides: Any) -> Array:
            drawn: Array = np.median(np.concatenate([np.asarray(side)[picks] for side in sides], axis=1), axis=1)
            return drawn

        own, rival, again, echo = map(medians, (measured.own, measured.rival, measured.rival_again, measured.echo))
        both = medians(measured.rival, measured.rival_again) - echo
        base = np.maximum(both, LEAST_SECONDS)
        waited = np.zeros(len(picks))
        if measured.clock == "processor":  # by the wall all time counts anyway
            # On a busy machine whoever works longer stands in line longer: that is no waiting of its own.
            stretch = np.maximum(own / np.maximum(rival, 1e-9), 1)
            usual = medians(np.subtract(measured.rival_wall, measured.rival))
            waited = medians(np.subtract(measured.own_wall, measured.own)) - stretch * np.maximum(usual, 0)
        self.interval = _between((own - echo) / base)
        self.drift = _between((rival - echo) / np.maximum(again - echo, LEAST_SECONDS))
        self.waited = _between(waited)
        self.with_waiting = _between((own - echo + np.maximum(waited, 0)) / base)
        self.measurable = _between(both)[0] > LEAST_SECONDS
        self.steady = self.measurable and self.drift[0] <= DRIFT[1] and self.drift[1] >= DRIFT[0]


def _between(values: Array) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - SURE) / 2, (1 + SURE) / 2])
    return float(low), float(high)


class _Rounds:
    """The submission, the baseline twice and the echo, called in turn."""

    def __init__(self, check: Timing, trial: Trial, targets: Mapping[str, WorkerTarget]) -> None:
        self.check = check
        self.trial = trial
        self.targets = targets
        self.measured = Measured(clock="processor" if check.device == "cpu" else "wall")
        self.seconds = CALL_SECONDS * 10
        self.laid = False
        """Whether the inputs lie on the device, to be changed by a seed: what is timed there is not their way to it."""

    def run(self) -> Finding | Measured:
        """Play rounds until it is settled."""
        measured, limit = self.measured, self.check.limit
        for time in range(WARM):
            warm = self._round(want_after=time == 0)
            if isinstance(warm, Finding):
                return warm
            if self._hopeless(warm):
                break
            if self.check.device != "cpu" and not self.laid:
                fault = self._lay()
                if fault is not None:
                    return fault
        while True:
            took = self._round(shuffled=True)
            if isinstance(took, Finding):
                return took
            self._note(took)
            if measured.rounds == FIRST and (measured.far(limit) or measured.waits()):
                return measured
            if measured.rounds in ROUNDS and (measured.settled(limit) or measured.waits()):
                return measured
            if measured.rounds >= ROUNDS[-1]:
                return measured

    def _lay(self) -> Finding | None:
        """Send the inputs to the device, where they stay."""
        arguments = self.check.given(np.random.default_rng(int.from_bytes(os.urandom(8), "little")), self.check.size)
        for target in dict.fromkeys(self.targets.values()):
            is_own = target is self.targets["own"]
            plain = _call(self.trial, self.check, arguments, self.check.entry_point if is_own else "baseline")
            failed = seeded.prepare(target, plain, seconds=10 * self.seconds)
            if failed is not None and is_own:
                return failure_of(failed)
            if failed is not None:
                raise ValueError(f"the inputs of {self.check.name} cannot be sent to {self.check.device}: {failed}")
        self.laid = True
        return None

    def _calls(self, rng: np.random.Generator, want_after: bool) -> dict[str, Call]:
        """Everybody's call with the same fresh inputs."""
        if self.laid:
            seed = int(rng.integers(2**62))
            own, baseline, echo = (seeded.call(name, seed) for name in (self.check.entry_point, "baseline", "echo"))
        else:
            arguments = self.check.given(rng, self.check.size)
            own, baseline, echo = (
                _call(self.trial, self.check, arguments, name) for name in (self.check.entry_point, "baseline", "echo")
            )
        return {"own": replace(own, want_after=want_after), "rival": baseline, "again": baseline, "echo": echo}

    def _round(self, *, shuffled: bool = False, want_after: bool = False) -> Finding | dict[str, Timed]:
        """Everybody's turn with the same fresh inputs; the finding if what the submission returns is wrong.

        Args:
            shuffled: in an order that nobody knows; else the submission comes last, when it is known how long to wait.
            want_after: look at the submission's arguments afterwards too.
        """
        rng = np.random.default_rng(int.from_bytes(os.urandom(8), "little"))  # nobody can have prepared for these
        calls = self._calls(rng, want_after)
        order = list(_TURNS)
        if shuffled:
            rng.shuffle(order)
        took: dict[str, Timed] = {}
        for name in order:
            self.trial.target.begin_check()
            target = self.targets[name]
            target.begin_check()
            timed = took[name] = target.timed(calls[name], seconds=self.seconds)
            if name == "own":
                continue
            if isinstance(timed.reply, Stopped) and timed.reply.outcome is Outcome.TIMED_OUT:
                return _undone(
                    Outcome.INCONCLUSIVE, f"{_BUSY} Even {self.check.against} did not finish in {timed.wall:.0f} s."
                )
            if not isinstance(timed.reply, Returned):
                raise ValueError(f"the baseline of {self.check.name} fails at {_size(self.check)}: {timed.reply}")
            if timed.processor is None:
                self.measured.clock = "wall"
            if name != "echo":
                # Not to wait for ever for a loop, nor to give up what is only on a slow machine.
                self.seconds = max(CALL_SECONDS, PATIENCE * self.check.limit * self._counted(timed))
        return self._fault(took, calls["own"]) or took

    def _counted(self, timed: Timed) -> float:
        return timed.wall if self.measured.clock == "wall" or timed.processor is None else timed.processor

    def _hopeless(self, took: Mapping[str, Timed]) -> bool:
        """Whether it is so slow, or so long asleep, that it is not worth warming."""
        own, rival = took["own"], took["rival"]
        asleep = own.wall > max(WAIT_FACTOR * rival.wall, WAIT_SECONDS)
        return asleep or self._counted(own) > FAR * self.check.limit * self._counted(rival)

    def _note(self, took: Mapping[str, Timed]) -> None:
        measured = self.measured
        measured.own.append(self._counted(took["own"]))
        measured.rival.append(self._counted(took["rival"]))
        measured.rival_again.append(self._counted(took["again"]))
        measured.echo.append(self._counted(took["echo"]))
        measured.own_wall.append(took["own"].wall)
        measured.rival_wall.append(took["rival"].wall)

    def _fault(self, took: Mapping[str, Timed], call: Call) -> Finding | None:
        """What is wrong with what the submission returned, if anything is."""
        reply, size = took["own"].reply, _size(self.check)
        if isinstance(reply, Stopped) and reply.outcome is Outcome.TIMED_OUT:
            message = (
                f"At {size} it had no result after {_seconds(took['own'].wall)}; "
                f"{self.check.against} takes {_seconds(took['rival'].wall)}."
            )
            return _too_slow(self.check, self.trial, message, None)
        if not isinstance(reply, Returned):
            finding = failure_of(reply)
            assert finding.evidence is not None
            message = f"At {size}: {finding.evidence.message}"
            return Finding(finding.outcome, Evidence(message, rung="timing", traceback=finding.evidence.traceback))
        if took["own"].processor is None and self.measured.clock == "processor":
            message = f"At {size} the process ended behind its answer; does your code call exit()?"
            return Finding(Outcome.CRASHED, Evidence(message, rung="timing"))
        theirs = took["rival"].reply
        assert isinstance(theirs, Returned), theirs
        if self.laid:
            problem = seeded.fault(reply, theirs)
            message = f"At {size} on {self.check.device}, where it is timed, {problem}."
            return Finding(Outcome.FAILED, Evidence(message, rung="values")) if problem else None
        return self._wrong(reply.value, theirs.value) or self._changed(reply, call)

    def _wrong(self, got: Any, want: Any) -> Finding | None:
        """Where a result is not the baseline's."""
        size, rtol = _size(self.check), self.check.rtol
        annotation = self.trial.entry_point(self.check.entry_point).signature.return_annotation
        problem = structure_problem(got, annotation)
        if problem is not None:
            return Finding(Outcome.FAILED, Evidence(f"At {size}, where it is timed, {problem}.", rung="structure"))
        scale = [_largest(leaf) for leaf in leaves(want)]
        found = difference(got, want, scale=scale, rtol=rtol, float_dtype=_float_dtype(want))
        if found is None:
            return self._coarse(got, want)
        message = f"At {size}, where it is timed, {found.message}."
        if found.got is None:
            return Finding(Outcome.FAILED, Evidence(message, rung=found.rung))
        expected, shown, worst = aligned(found.got, found.want, found.wrong)
        evidence = Evidence(message, rung=found.rung, expected=expected, got=shown, worst=worst)
        return Finding(Outcome.FAILED, evidence)

    def _changed(self, reply: Returned, call: Call) -> Finding | None:
        """The finding if it worked in its arguments' own memory."""
        for before, after in zip([*call.args, *call.kwargs.values()], reply.after or (), strict=False):
            if isinstance(before, np.ndarray) and not np.array_equal(before, np.asarray(after), equal_nan=True):
                message = f"At {_size(self.check)}, where it is timed, it changes its arguments: work on a copy."
                return Finding(Outcome.FAILED, Evidence(message, rung="mutation"))
        return None

    def _coarse(self, got: Any, want: Any) -> Finding | None:
        """The finding if its numbers are near enough each, but in all not as exact as their dtype."""
        for mine, theirs in zip(leaves(got), leaves(want), strict=True):
            if not isinstance(theirs, np.ndarray) or theirs.dtype.kind != "f" or theirs.size < MANY:
                continue
            right = theirs[np.isfinite(theirs)].astype(np.float64)
            error = np.asarray(mine)[np.isfinite(theirs)] - right
            size = float(np.sqrt(np.mean(right**2))) if right.size else 0.0
            off = float(np.sqrt(np.mean(error**2))) / size if size else 0.0
            if off > self.check.rtol / FINENESS:
                message = (
                    f"At {_size(self.check)}, where it is timed, its results are off by {off:.0e} of their size on the "
                    f"average, which {theirs.dtype} would not be: is something computed in a lower precision?"
                )
                return Finding(Outcome.FAILED, Evidence(message, rung="values"))
        return None


def _call(trial: Trial, check: Timing, arguments: Mapping[str, Any], name: str) -> Call:
    plain = styled_call(trial.entry_point(check.entry_point), arguments, 0)
    size = sum(value.nbytes for value in arguments.values() if isinstance(value, np.ndarray))
    return Call(name, plain.args, plain.kwargs, tensors=plain.tensors, expected_bytes=4 * size + (1 << 24))


def _largest(value: Any) -> float:
    array = np.asarray(value)
    finite = np.abs(array[np.isfinite(array)]) if array.dtype.kind == "f" else np.zeros(0)
    return float(np.max(finite, initial=0.0)) or 1.0


def _float_dtype(value: Any) -> Any:
    kinds = [leaf.dtype for leaf in leaves(value) if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"]
    return kinds[0] if kinds else np.dtype(np.float32)


def _absent(device: str) -> str:
    """Why there is no such device here; empty if there is."""
    why = devices.absent(device)
    return f"There is nothing to time on a GPU: {why}. The limit on the CPU counts all the same." if why else ""


# -- what it comes to --------------------------------------------------------------------------------------------------


_BUSY = "This machine is too busy, or too restless, to time anything: try again when it is quiet."


def _undone(outcome: Outcome, message: str) -> Finding:
    return Finding(outcome, Evidence(message, rung="timing"))


def _size(check: Timing) -> str:
    return f"size {check.size:,}" if not check.unit else f"{check.size:,} {check.unit}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1e3 * seconds:.1f} ms"


def _judged(check: Timing, trial: Trial, measured: Measured) -> Finding:
    race = race_of(check, measured, trial.exercise.times.get(check.name, {}))
    low, high = measured.interval()
    far = measured.far(check.limit)
    if not far and (measured.waits() or (high < check.limit and measured.steady() and measured.lingers(check.limit))):
        took, worked = (_seconds(float(np.median(side))) for side in (measured.own_wall, measured.own))
        message = f"At {_size(check)} its result is there only after {took}, of which it works {worked}: it waits."
        return Finding(Outcome.TOO_SLOW, Evidence(message, rung="timing", race=race))
    if far or (measured.steady() and low > check.limit):
        message = (
            f"It takes {measured.ratio():.1f} times what {check.against} takes at {_size(check)}; "
            f"at most {check.limit:g} times are allowed."
        )
        return _too_slow(check, trial, message, race)
    if measured.steady() and high < check.limit:
        return Finding(Outcome.PASSED, Evidence("", race=race))
    if not measured.measurable():
        message = (
            f"What {check.against} takes at {_size(check)}, {_seconds(max(0.0, measured.baseline_seconds()))} without "
            "the way there and back, cannot be told from the noise of this machine: try again when it is quiet."
        )
    elif not measured.steady():
        message = _BUSY
    else:
        message = (
            f"It takes between {low:.1f} and {high:.1f} times what {check.against} takes, and the limit, "
            f"{check.limit:g}, lies between: try again when the machine is quiet."
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
        Bar(check.against, 1.0),
        *(Bar(label, ratio) for label, ratio in known.items()),
    )
    rounded = tuple(Bar(b.label, _digits(b.ratio), _digits(b.low), _digits(b.high)) for b in bars)
    return Race(
        _size(check), check.device, measured.clock, measured.rounds,
        round(1e3 * measured.baseline_seconds(), 3), rounded, check.against,
    )  # fmt: skip


def _digits(value: Any) -> Any:
    return None if value is None else round(value, 3)
