"""Runs an Example: the doctests of the trusted stub, here in the grader, their calls going to the submission."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from typing import Any

import numpy as np

from dlgrade.author import Example
from dlgrade.checking.agreement import agrees
from dlgrade.checking.trial import PASSED, Finding, Proxy, Refused, Trial, broken, quietly, undefined
from dlgrade.model import Evidence, Outcome
from dlgrade.sandbox.calls import Call
from dlgrade.sandbox.wire import Foreign

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf|nan)(?![\w.])")
_SCALAR = re.compile(r"np\.(?:float|int)\d+\((.*?)\)|np\.(True|False)_")
RTOL = 1e-6
PRINTED_RTOL = 1e-3
"""For tensors, of which torch prints four digits."""


def run_example(check: Example, trial: Trial) -> Finding:
    """Run every entry point's doctests; the first that does not print what it should is the finding."""
    parser = doctest.DocTestParser()
    for name, entry_point in trial.exercise.entry_points.items():
        missing = undefined(trial, (name,))
        if missing is not None:
            return missing
        calls: list[tuple[Call, Any]] = []
        proxies: dict[str, Any] = {other: Proxy(trial, other, calls) for other in trial.exercise.entry_points}
        on_tensors = trial.exercise.framework == "torch"
        if on_tensors:
            proxies = _on_tensors(proxies)
        scope: dict[str, Any] = {"np": np, "__name__": "__main__", **proxies}
        silent: list[str] = []  # what printed nothing, such as an assignment that a later example shows
        for example in parser.get_examples(entry_point.doc):
            printed = io.StringIO()
            shown = "\n".join([*silent, example.source.strip()])
            try:
                code = compile(example.source, f"<example of {name}>", "single")
                with contextlib.redirect_stdout(printed), quietly():
                    exec(code, scope)
            except Refused as refused:
                return refused.finding
            except Exception as error:
                if all(agrees(trial, other) for other in {call.name for call, _ in calls}):
                    return broken(check.name, error, rung="example", call=shown)
                message = f"The example could not be computed from what was returned ({type(error).__name__}: {error})."
                evidence = Evidence(message, rung="example", call=shown)
                return Finding(Outcome.FAILED, evidence, failing=tuple(call for call, _ in calls))
            got = printed.getvalue()
            if not alike(got, example.want, rtol=PRINTED_RTOL if on_tensors else RTOL):
                evidence = Evidence(
                    f"An example in the docstring of {name} gives something else.",
                    rung="example",
                    call=shown,
                    expected=example.want.strip(),
                    got=got.strip(),
                )
                return Finding(Outcome.FAILED, evidence, failing=tuple(call for call, _ in calls))
            if not example.want:
                silent.append(example.source.strip())
    return PASSED


def _on_tensors(proxies: dict[str, Any]) -> dict[str, Any]:
    """The entry points as the examples of an exercise on tensors call them, and torch itself."""
    import torch

    from dlgrade.sandbox.tensors import Carrier

    carrier = Carrier(Foreign)

    def on_tensors(proxy: Proxy) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            named = {key: carrier.leave(value) for key, value in kwargs.items()}
            return carrier.enter(proxy(*(carrier.leave(value) for value in args), **named))

        return call

    return {"torch": torch, **{name: on_tensors(proxy) for name, proxy in proxies.items()}}


def alike(got: str, want: str, *, rtol: float = RTOL) -> bool:
    """Whether two printed texts say the same: numbers to `rtol`, white space and `np.float64(…)` aside."""
    got, want = _SCALAR.sub(r"\1\2", got), _SCALAR.sub(r"\1\2", want)
    if _words(got) != _words(want):
        return False
    left, right = [np.array(_NUMBER.findall(text), dtype=np.float64) for text in (got, want)]
    if left.shape != right.shape:
        return False
    # Where zeros alone are printed, what a print would round to zero is one.
    scale = float(np.max(np.abs(right[np.isfinite(right)]), initial=0.0)) or 1.0
    return bool(np.allclose(left, right, rtol=rtol, atol=0.01 * rtol * scale, equal_nan=True))


def _words(text: str) -> str:
    # An empty line would end the example, so doctest has a word for one.
    return "".join(_NUMBER.sub("#", text.replace("<BLANKLINE>", "")).split())
