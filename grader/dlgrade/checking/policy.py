"""Runs a Policy: what the exercise forbids, looked up in the facts that a throw-away parser found.

In an exercise on tensors three things stand in the way of torch's own versions: the source may name only what it may be
built from; the operators that run are looked at, on some inputs; and the forbidden ones raise wherever they are reached
from. All three are best effort: code that runs in one process with torch can get around anything there.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from dlgrade.author import Agreement, Policy
from dlgrade.checking import primitives
from dlgrade.checking.trial import PASSED, Finding, Trial, styled_call
from dlgrade.model import Evidence, Exercise, Frame, Outcome
from dlgrade.sandbox.calls import Loaded, Returned
from dlgrade.sandbox.syntax import Facts, Use
from dlgrade.text import visible

LOGGED = 6
"""How many inputs of each entry point are run under the eyes of the log of operators."""
BECAUSE = {
    "numpy": "the exercise is to build it from NumPy's array operations",
    "torch": "the exercise is to build it from torch's elementary tensor operations",
}


def refused_operators(exercise: Exercise) -> tuple[str, ...]:
    """The operators that raise in this exercise's worker."""
    if exercise.framework != "torch":
        return ()
    permitted = {name for check in exercise.checks if isinstance(check, Policy) for name in check.permit}
    return tuple(sorted(primitives.OPERATORS_REFUSED - permitted))


def run_policy(check: Policy, trial: Trial, facts: Facts, lines: list[str]) -> Finding:
    """The first forbidden name that the source uses is the finding, else the first forbidden operator that it runs.

    Args:
        check: the policy.
        trial: the submission on its way.
        facts: what the parser found.
        lines: the source's lines, to show the one that is meant.
    """
    framework = trial.exercise.framework
    on_tensors = framework == "torch"
    because = check.because or BECAUSE[framework]
    for use in _unpermitted(check, facts) if on_tensors else _forbidden(check, facts):
        text = visible(lines[use.line - 1].strip(), limit=200) if 0 < use.line <= len(lines) else ""
        message = f"{visible(use.name, limit=100)!r} may not be used here: {because}."
        evidence = Evidence(message, rung="policy", traceback=(Frame(use.line, "<module>", text),))
        return Finding(Outcome.FORBIDDEN, evidence)
    return _logged(trial, because) if on_tensors else PASSED


def _forbidden(check: Policy, facts: Facts) -> Iterator[Use]:
    for use in facts.uses:
        if any(use.name == name or use.name.startswith(f"{name}.") for name in check.forbid):
            yield use


def _unpermitted(check: Policy, facts: Facts) -> Iterator[Use]:
    """What the source uses and may not."""
    import torch  # what a tensor can do; an exercise on tensors has loaded it already

    operations = primitives.OPERATIONS | set(check.permit)
    methods = operations | primitives.ATTRIBUTES
    of_tensors = set(dir(torch.Tensor)) | set(dir(torch))

    def permitted(name: str, among: frozenset[str]) -> bool:
        return name in among or (name.endswith("_") and not name.startswith("_") and name[:-1] in among)

    for use in facts.uses:
        top, _, below = use.name.partition(".")
        if top == "torch":
            first, _, method = below.partition(".")
            whole = permitted(below, operations | primitives.NAMES) or below == "autograd.Function"
            of_class = first == "Tensor" and permitted(method, methods)
            of_value = first in (operations | primitives.NAMES) - {"autograd", "Tensor"} and "." not in method
            deeper = first in operations | {"float16", "float32", "float64", "finfo", "iinfo", "Size"} and of_value
            if below and not (whole or of_class or (deeper and not method.startswith("_"))):
                yield use
        elif (
            top in primitives.BUILTINS_REFUSED
            or below.startswith("__")
            or ".__" in below
            or (not hasattr(builtins, top) and top not in primitives.MODULES and top not in ("__name__", "__file__"))
        ):
            yield use
    for use in facts.asked:
        name = use.name
        if name.startswith("__") and name not in ("__init__", "__name__", "__class__", "__call__"):
            yield use
        elif name in facts.own or name in primitives.NAMES:
            continue
        elif name.startswith("_") or (name in of_tensors and not permitted(name, frozenset(methods))):
            yield use


def _logged(trial: Trial, because: str) -> Finding:
    """Look at the operators that some inputs of each entry point run."""
    refused = set(refused_operators(trial.exercise))
    trial.target.begin_check()
    loaded = trial.target.load()
    for check in trial.exercise.checks:
        if not isinstance(check, Agreement) or not isinstance(loaded, Loaded):
            continue
        if not isinstance(loaded.defines.get(check.entry_point), (list, tuple)):
            continue
        entry_point = trial.entry_point(check.entry_point)
        for arguments in trial.inputs(check)[:LOGGED]:
            reply = trial.call(styled_call(entry_point, arguments, 0, measure="operators"))
            if not isinstance(reply, Returned):
                break  # what keeps it from answering is for its other checks to tell
            for name in _operators(reply.value):
                if name in refused:
                    message = f"It runs torch's own {name.strip('_')}, which may not be used here: {because}."
                    return Finding(Outcome.FORBIDDEN, Evidence(message, rung="policy"))
    return PASSED


def _operators(value: object) -> Iterator[str]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, list) and entry and isinstance(entry[0], str):
            yield entry[0].removeprefix("aten::")
