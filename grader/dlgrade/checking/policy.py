"""Runs a Policy: what the exercise forbids, looked up in the facts that a throw-away parser found.

In an exercise on tensors three things stand in the way of torch's own versions: the source may name only what it may be
built from; the operators that run are looked at, on some inputs; and the forbidden ones raise wherever they are reached
from. All three are best effort: code that runs in one process with torch can get around anything there.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import inspect
from collections.abc import Collection, Iterable, Iterator

from dlgrade.author import Agreement, Policy
from dlgrade.checking import primitives
from dlgrade.checking.trial import PASSED, Finding, Trial, styled_call
from dlgrade.model import Evidence, Exercise, Frame, Outcome
from dlgrade.sandbox.calls import Loaded, Raised, Returned
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


class Vocabulary:
    """What a source may say in an exercise on tensors.

    A dotted name is looked up as far as it is known without a run (`torch.Tensor`, `math.inf`, `int`); what follows is
    asked of a value, as in `x.exp`, of which only the attribute's name is known.

    Args:
        permit: operations that may be used besides the usual ones.
        own: the names that the source binds itself; those of its own attributes begin with a dot.
    """

    def __init__(self, permit: Iterable[str] = (), own: Collection[str] = ()) -> None:
        import torch  # what a tensor can do; an exercise on tensors has loaded it already

        self._below_torch = primitives.OPERATIONS | primitives.NAMES | frozenset(permit)
        # So that `import torch.autograd` is permitted if anything below is.
        self._namespaces = {name[:end] for name in self._below_torch for end in _dots(name)}
        self._of_tensors = frozenset(dir(torch.Tensor)) | frozenset(dir(torch))
        self._methods = self._below_torch | primitives.ATTRIBUTES
        self._own = {name.removeprefix(".") for name in own if name.startswith(".")}

    def names(self, dotted: str) -> bool:
        """Whether a dotted name may be used that the source does not bind."""
        top, _, below = dotted.partition(".")
        if top == "torch":
            known = self._known_of_torch(below)
        elif _module_of(dotted):
            known = _known_of_module(dotted)
        else:
            known = top if _is_builtin(top) else None
        if known is None:
            return False
        rest = (below if top == "torch" else dotted)[len(known) :]
        return all(self.asks(part, own=False) for part in rest.split(".") if part)

    def asks(self, attribute: str, *, own: bool = True) -> bool:
        """Whether a value may be asked for an attribute.

        Args:
            attribute: its name.
            own: whether the value may be of one of the source's own classes, since only a run would know what it is.
        """
        for applies, permitted in (  # the first that applies decides
            (attribute in primitives.FRAMES, False),
            (_is_dunder(attribute), attribute in primitives.DUNDERS),
            (own and attribute in self._own, True),
            (attribute.startswith("_"), attribute in primitives.PRIVATE),
            (attribute in self._of_tensors, _in_place_or_not(attribute, self._methods)),
        ):
            if applies:
                return permitted
        return True  # no tensor has it

    def _known_of_torch(self, below: str) -> str | None:
        """As much of a name below torch as is permitted in one piece; None if that is nothing."""
        if not below or below in self._namespaces:
            return below
        longest_first = (below[:end] for end in (len(below), *reversed(list(_dots(below)))))
        return next((name for name in longest_first if _in_place_or_not(name, self._below_torch)), None)


def _dots(name: str) -> Iterator[int]:
    return (place for place, letter in enumerate(name) if letter == ".")


def _in_place_or_not(name: str, among: Collection[str]) -> bool:
    """Whether a name is among these, or is one of them that works in place: `add` and `add_`."""
    return name in among or (name.endswith("_") and name[:-1] in among)


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_builtin(name: str) -> bool:
    if _is_dunder(name):
        return name in ("__name__", "__file__", "__doc__", "__debug__")
    return hasattr(builtins, name) and name not in primitives.BUILTINS_REFUSED


def _module_of(dotted: str) -> str:
    """The permitted module of the standard library that a name lies in; empty if none."""
    two = ".".join(dotted.split(".")[:2])
    return next((name for name in (two, two.partition(".")[0]) if name in primitives.MODULES), "")


def _known_of_module(dotted: str) -> str | None:
    """As much of a name as is a permitted module or what one of them makes public; None if it is neither."""
    module = _module_of(dotted)
    first = dotted[len(module) + 1 :].partition(".")[0]
    known = f"{module}.{first}" if first else module
    public = not first or first == "*" or first in _public(module)
    return known if public and known not in primitives.REFUSED_IN_MODULES else None


@functools.cache
def _public(module: str) -> frozenset[str]:
    """What a module of the standard library makes public: not the modules that it imports itself."""
    held = vars(importlib.import_module(module))
    names = held.get("__all__") or (name for name, value in held.items() if not inspect.ismodule(value))
    return frozenset(name for name in names if not name.startswith("_"))


def _unpermitted(check: Policy, facts: Facts) -> Iterator[Use]:
    """What the source uses and may not."""
    vocabulary = Vocabulary(check.permit, facts.own)
    starred = [use.name.removesuffix(".*") for use in facts.uses if use.name.endswith(".*")]
    for use in facts.uses:
        ways = (use.name, *(f"{module}.{use.name}" for module in starred if module in primitives.MODULES))
        if not any(vocabulary.names(way) for way in ways):
            yield use
    for use in facts.asked:
        if not vocabulary.asks(use.name):
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
            if isinstance(reply, Raised) and isinstance(trial.call(styled_call(entry_point, arguments, 0)), Returned):
                said = f"It answers, but raises {reply.kinds[0]} while a record is kept of the operators that it runs."
                return Finding(Outcome.FORBIDDEN, Evidence(said, rung="policy", traceback=reply.frames))
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
