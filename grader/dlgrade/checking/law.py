"""Runs a Property: replays a law on inputs that were drawn before, and shrinks the one that breaks it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis.errors import UnsatisfiedAssumption

from dlgrade.author import Agreement, Mismatch, Property, close
from dlgrade.checking.agreement import run_agreement
from dlgrade.checking.inputs import Arguments
from dlgrade.checking.literal import aligned, call_text, numeric
from dlgrade.checking.trial import PASSED, Finding, Proxy, Refused, Trial, carried, quietly, undefined
from dlgrade.model import NOT_STARTED, Evidence, Outcome
from dlgrade.sandbox.calls import Call

CALLS_SHOWN = 4
PLAIN = ("a", "an", "at", "by", "if", "in", "it", "no", "of", "on", "to")


def run_property(check: Property, trial: Trial) -> Finding:
    """Try the law on each input in turn; the first that breaks it is made as small as it goes."""
    missing = undefined(trial, check.entry_points)
    if missing is not None:
        return missing
    inputs = trial.inputs(check)
    calls: list[Call] = []
    for place, arguments in enumerate(inputs):
        finding = _try(check, trial, arguments, calls)
        if finding is PASSED:
            continue
        finding = _shrunk(check, trial, arguments, finding)
        # The diagnosis wants more than one input to tell one mistake from another.
        for more in inputs[place + 1 :]:
            if finding.outcome not in (Outcome.FAILED, Outcome.RAISED) or len(calls) > 60 or not finding.failing:
                break
            _try(check, trial, more, calls)
        return replace(finding, fresh=tuple(calls))
    return PASSED


def _try(check: Property, trial: Trial, arguments: Arguments, seen: list[Call] | None = None) -> Finding:
    """The law on one input."""
    calls: list[tuple[Call, Any]] = []
    proxies = {name: Proxy(trial, name, calls) for name in check.entry_points}
    law = check.law.hypothesis.inner_test  # type: ignore[attr-defined]
    try:
        with quietly():
            # A copy: a law that writes into its arguments would change what the next submission meets.
            law(**proxies, **{key: carried(value) for key, value in arguments.items()})
    except UnsatisfiedAssumption:
        finding = PASSED  # `assume` says that the law does not speak of this input
    except Refused as refused:
        finding = refused.finding
    except Mismatch as mismatch:
        finding = _broken_law(trial, calls, mismatch)
    except AssertionError as error:
        finding = _broken_law(trial, calls, error)
    except Exception as error:
        finding = _undecided(check, trial, calls, error)
    else:
        finding = PASSED
    if seen is not None:
        seen.extend(call for call, _ in calls)
    return finding


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


def _broken_law(trial: Trial, calls: list[tuple[Call, Any]], error: AssertionError) -> Finding:
    message = str(error).strip() or "the law does not hold"
    expected = got = worst = None
    if isinstance(error, Mismatch) and trial.explain:
        wrong = None
        if numeric(error.got) and numeric(error.want) and np.shape(error.got) == np.shape(error.want):
            wrong = ~close(np.asarray(error.got), np.asarray(error.want), rtol=error.rtol, scale=error.scale)
        expected, got, worst = aligned(error.got, error.want, wrong)
    evidence = Evidence(
        sentence(message),
        rung="law", call=_calls_text(calls, trial), expected=expected, got=got, worst=worst,
    )  # fmt: skip
    return Finding(Outcome.FAILED, evidence, failing=tuple(call for call, _ in calls))


def _undecided(check: Property, trial: Trial, calls: list[tuple[Call, Any]], error: Exception) -> Finding:
    """The law itself stumbled. Over a wrong answer that is the answer's fault, over right ones it is ours."""
    said = f"{type(error).__name__}: {error}"
    if all(_agrees(trial, name) for name in check.entry_points):
        message = f"The check {check.name} failed by itself ({said}). This is not your mistake; please report it."
        return Finding(Outcome.BROKEN, Evidence(message, rung="law", call=_calls_text(calls, trial)))
    message = f"The law cannot even be computed from what was returned ({said})."
    evidence = Evidence(message, rung="law", call=_calls_text(calls, trial))
    return Finding(Outcome.FAILED, evidence, failing=tuple(call for call, _ in calls))


def _agrees(trial: Trial, name: str) -> bool:
    """Whether an entry point passes all its agreement checks, of which there is one; they may come after the law."""
    checks = [check for check in trial.exercise.checks if isinstance(check, Agreement) and check.entry_point == name]
    for check in checks:
        if check.name not in trial.agreed:
            trial.agreed[check.name] = run_agreement(check, replace(trial, explain=False)).outcome == Outcome.PASSED
    return bool(checks) and all(trial.agreed[check.name] for check in checks)


def _shrunk(check: Property, trial: Trial, arguments: Arguments, finding: Finding) -> Finding:
    """The finding for the smallest input that breaks the law in the same way."""
    assert finding.evidence is not None
    rung = finding.evidence.rung
    if finding.outcome not in (Outcome.FAILED, Outcome.RAISED) or rung == NOT_STARTED:
        return finding  # to try again would cost a worker its life each time, or show nothing new

    def fails(smaller: Arguments) -> bool:
        found = _try(check, trial, smaller)
        return found.outcome == finding.outcome and found.evidence is not None and found.evidence.rung == rung

    best = trial.smallest(check, fails, arguments)
    again = _try(check, trial, best)
    same = again.outcome == finding.outcome and again.evidence is not None and again.evidence.rung == rung
    return again if same else finding
