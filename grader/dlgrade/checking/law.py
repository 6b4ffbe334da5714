"""Runs a Property: replays a law on inputs that were drawn before, and shrinks the one that breaks it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis.errors import UnsatisfiedAssumption

from dlgrade.author import Mismatch, Property, close
from dlgrade.checking.agreement import agrees
from dlgrade.checking.compare import plane
from dlgrade.checking.inputs import Arguments
from dlgrade.checking.literal import aligned, call_text, numeric
from dlgrade.checking.trial import (
    PASSED,
    Asked,
    Awaited,
    Finding,
    Memory,
    Proxy,
    Refused,
    Trial,
    broken,
    carried,
    place_of,
    quietly,
    undefined,
)
from dlgrade.model import NOT_STARTED, Evidence, Outcome
from dlgrade.sandbox.calls import Call

CALLS_SHOWN = 4
FIRST_TOGETHER = 4
MOST_TOGETHER = 32
"""How many inputs' laws ask together."""
ROUNDS = 2
"""How often they do. Each time a law is run again from its beginning, which in the end costs more than it saves."""
PLAIN = ("a", "an", "at", "by", "if", "in", "it", "no", "of", "on", "to")


def run_property(check: Property, trial: Trial) -> Finding:
    """Try the law on each input in turn; the first that breaks it is made as small as it goes."""
    missing = undefined(trial, check.entry_points)
    if missing is not None:
        return missing
    inputs = trial.inputs(check)
    calls: list[Call] = []
    for place, run in enumerate(_runs(check, trial, inputs)):
        calls += run.made
        if run.finding is PASSED:
            continue
        finding = _shrunk(check, trial, inputs[place], run.finding)
        # The diagnosis wants more than one input to tell one mistake from another.
        for more in inputs[place + 1 :]:
            if finding.outcome not in (Outcome.FAILED, Outcome.RAISED) or len(calls) > 60 or not finding.failing:
                break
            calls += _run(check, trial, more).made
        return replace(finding, fresh=tuple(calls))
    return PASSED


@dataclass(frozen=True)
class _Run:
    """The law on one input: what was found and the calls that it made; or that it waits for a reply."""

    finding: Finding
    made: tuple[Call, ...] = ()
    awaits: Asked | None = None


@dataclass
class _Pending:
    """An input of which the law has heard some replies."""

    arguments: Arguments
    heard: Memory = field(default_factory=list)
    run: _Run | None = None


def _runs(check: Property, trial: Trial, inputs: Sequence[Arguments]) -> Iterator[_Run]:
    """The law on each input, in order.

    A reply costs its worker less than its journey, so the laws on many inputs ask together: each is run until it calls
    for the first time, all these calls travel in one message, and each is run again from its beginning with what it
    has heard. Few go first: whoever fails, mostly fails at once, and is not to be called in vain.
    """
    if not trial.target.far:
        yield from (_run(check, trial, arguments) for arguments in inputs)
        return
    start = 0
    for size in itertools.chain([FIRST_TOGETHER], itertools.repeat(MOST_TOGETHER)):
        if start >= len(inputs):
            return
        together = [_Pending(arguments) for arguments in inputs[start : start + size]]
        for _ in range(ROUNDS):
            _ask(check, trial, together)
        for pending in together:
            yield pending.run or _run(check, trial, pending.arguments, pending.heard)
        start += size


def _ask(check: Property, trial: Trial, together: list[_Pending]) -> None:
    """Run the laws on as far as they go without a new reply, then get the replies that they wait for."""
    waiting: list[tuple[_Pending, Asked]] = []
    with quietly():
        for pending in together:
            if pending.run is None:
                run = _run(check, trial, pending.arguments, pending.heard, ahead=True)
                if run.awaits is None:
                    pending.run = run
                else:
                    waiting.append((pending, run.awaits))
    replies = trial.target.call_many([asked.call for _, asked in waiting])
    for (pending, asked), reply in zip(waiting, replies, strict=False):  # fewer, if one stopped the worker
        pending.heard.append((asked, reply))


def _run(
    check: Property, trial: Trial, arguments: Arguments, heard: Memory | None = None, *, ahead: bool = False
) -> _Run:
    """The law on one input.

    Args:
        check: the law.
        trial: the trial.
        arguments: the input.
        heard: calls that it is known to begin with, and their replies.
        ahead: go no further than these.
    """
    calls: list[tuple[Call, Any]] = []
    memory = list(heard or [])
    proxies = {name: Proxy(trial, name, calls, memory, ahead) for name in check.entry_points}
    law = check.law.hypothesis.inner_test  # type: ignore[attr-defined]
    try:
        with quietly():
            # A copy: a law that writes into its arguments would change what the next submission meets.
            law(**proxies, **{key: carried(value) for key, value in arguments.items()})
    except Awaited as awaited:
        return _Run(PASSED, awaits=awaited.asked)
    except UnsatisfiedAssumption:
        finding = PASSED  # `assume` says that the law does not speak of this input
    except Exception as error:
        finding = replace(_failed(check, trial, calls, error), place=place_of(error, check))
    else:
        finding = PASSED
    return _Run(finding, tuple(call for call, _ in calls))


def _calls_text(calls: list[tuple[Call, Any]], trial: Trial) -> str:
    if not trial.explain:
        return ""
    texts = [call_text(call) for call, _ in calls[:CALLS_SHOWN]]
    more = [f"# and {len(calls) - CALLS_SHOWN} more"] if len(calls) > CALLS_SHOWN else []
    return "\n".join([*texts, *more])


def sentence(message: str) -> str:
    """An author's message as a sentence; one that begins with a name, such as h' or dx, keeps it as it is."""
    first = message.split()[0]
    begun = message[0].upper() + message[1:] if first.isalpha() and (len(first) > 2 or first in PLAIN) else message
    return begun if begun.endswith((".", "?", "!")) else f"{begun}."


def _failed(check: Property, trial: Trial, calls: list[tuple[Call, Any]], error: Exception) -> Finding:
    """What is found where a law does not come to its end."""
    if isinstance(error, Refused):
        return error.finding
    if isinstance(error, AssertionError):
        return _broken_law(trial, calls, error)
    return _undecided(check, trial, calls, error)


def _broken_law(trial: Trial, calls: list[tuple[Call, Any]], error: AssertionError) -> Finding:
    message = str(error).strip() or "the law does not hold"
    expected = got = worst = picture = None
    if isinstance(error, Mismatch) and trial.explain:
        wrong = None
        if numeric(error.got) and numeric(error.want) and np.shape(error.got) == np.shape(error.want):
            wrong = ~close(np.asarray(error.got), np.asarray(error.want), rtol=error.rtol, scale=error.scale)
        expected, got, worst = aligned(error.got, error.want, wrong)
        picture = plane(error.got, error.want, wrong)
    evidence = Evidence(
        sentence(message),
        rung="law", call=_calls_text(calls, trial), expected=expected, got=got, worst=worst,
        plane=picture,
    )  # fmt: skip
    return Finding(Outcome.FAILED, evidence, failing=tuple(call for call, _ in calls))


def _undecided(check: Property, trial: Trial, calls: list[tuple[Call, Any]], error: Exception) -> Finding:
    """The law itself stumbled. Over a wrong answer that is the answer's fault, over right ones it is ours."""
    if all(agrees(trial, name) for name in check.entry_points):
        return broken(check.name, error, rung="law", call=_calls_text(calls, trial))
    message = f"The law cannot even be computed from what was returned ({type(error).__name__}: {error})."
    evidence = Evidence(message, rung="law", call=_calls_text(calls, trial))
    return Finding(Outcome.FAILED, evidence, failing=tuple(call for call, _ in calls))


def _shrunk(check: Property, trial: Trial, arguments: Arguments, finding: Finding) -> Finding:
    """The finding for the smallest input that breaks the law in the same way."""
    assert finding.evidence is not None
    rung = finding.evidence.rung
    if finding.outcome not in (Outcome.FAILED, Outcome.RAISED) or rung == NOT_STARTED:
        return finding  # to try again would cost a worker its life each time, or show nothing new

    def fails(smaller: Arguments) -> bool:
        found = _run(check, trial, smaller).finding
        return found.outcome == finding.outcome and found.evidence is not None and found.evidence.rung == rung

    best = trial.smallest(check, fails, arguments)
    again = _run(check, trial, best).finding
    same = again.outcome == finding.outcome and again.evidence is not None and again.evidence.rung == rung
    if not same or again.evidence is None:
        return finding
    # On the larger input more can be seen.
    picture = finding.evidence.plane or again.evidence.plane
    return replace(again, evidence=replace(again.evidence, plane=picture))
