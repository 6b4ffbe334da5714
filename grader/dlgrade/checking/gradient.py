"""Runs a Gradient: a backward pass against finite differences of its own forward, and against the oracle's gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from dlgrade import margin
from dlgrade.author import Gradient
from dlgrade.checking.compare import leaves, plane, structure_problem
from dlgrade.checking.inputs import Arguments
from dlgrade.checking.literal import aligned, call_text
from dlgrade.checking.trial import Finding, Trial, by_autograd, failure_of, quietly, styled_call, undefined
from dlgrade.model import Evidence, Outcome, Plane
from dlgrade.sandbox.calls import Call, Reply, Returned
from dlgrade.sandbox.wire import Oversize

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

ORACLE_RTOL = 1e-6
"""How far from the oracle's a right gradient may be: right ones are within 1e-9, wrong ones beyond 1e-5."""
NUMERIC_RTOL = 1e-5
"""The same against finite differences, whose own error is 1e-8 at worst."""
FORWARD_RTOL = 1e-8
ROUNDING = 50 * np.finfo(np.float64).eps
"""What one evaluation of the loss may be off by, in units of the sum of its terms' magnitudes."""


@dataclass(frozen=True)
class _Case:
    """One input: the forward's arguments, a cotangent for each output, the backward's call, the right gradients."""

    arguments: Arguments
    cotangents: tuple[Any, ...]
    call: Call
    right: tuple[Array, ...]
    outputs: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not all(np.isfinite(one).all() for one in self.right):
            raise ValueError("the right gradient of an input is not finite, and says nothing about another")


def run_gradient(check: Gradient, trial: Trial) -> Finding:
    """Judge the backward on each input; what is wrong is classified over all of them and shown on the smallest."""
    missing = undefined(trial, check.entry_points[-1:])
    if missing is not None:
        return missing
    cases = [_case(check, trial, arguments, place) for place, arguments in enumerate(trial.inputs(check))]
    replies = trial.target.call_many([case.call for case in cases])
    calls = tuple(case.call for case in cases)
    for case, reply in zip(cases, replies, strict=False):
        problem = _unusable(check, trial, case, reply)
        if problem is not None:
            return Finding(problem.outcome, problem.evidence, failing=(case.call,), fresh=calls)
    answers = [_answer(reply) for reply in replies]
    wrong = [i for i, (case, answer) in enumerate(zip(cases, answers, strict=True)) if _wrong(case, answer)]
    if wrong:
        return _refuted(check, trial, cases, answers, wrong[0])
    return _own_forward(check, trial, cases)


def _case(check: Gradient, trial: Trial, arguments: Arguments, place: int) -> _Case:
    with quietly():
        outputs = tuple(leaves(check.forward_oracle(**_copied(arguments))))
    rng = np.random.default_rng([trial.seed % 2**63, place])
    names = tuple(check.cotangents) or (None,) * len(outputs)
    cotangents: list[Any] = []
    given: dict[str, Any] = {}
    if not check.backward:
        names = tuple("" if np.asarray(output).dtype.kind == "f" else None for output in outputs)
    for name, output in zip(names, outputs, strict=False):
        if not check.cotangents and check.backward:
            cotangents.append(1.0)  # a scalar loss
        elif name is None:
            cotangents.append(0.0)
        else:
            # Two decimals: still random in every element, and short to read in a counterexample. Never zero, which
            # would hide whatever it is multiplied by.
            drawn = np.round(rng.standard_normal(np.shape(output)), 2)
            cotangents.append(np.where(drawn == 0, 0.01, drawn) if np.ndim(output) else float(drawn) or 0.01)
            given[name] = cotangents[-1]
    if not check.backward:
        return _by_autograd(check, trial, arguments, tuple(cotangents), outputs)
    for name, output in zip(check.outputs, outputs, strict=False):
        if name is not None:
            given[name] = np.array(output, order="C") if isinstance(output, np.ndarray) else output
    parameters = trial.entry_point(check.backward).signature.parameters
    found = {name: given.get(name, arguments.get(name)) for name in parameters if name in given or name in arguments}
    call = styled_call(trial.entry_point(check.backward), found, place)
    assert check.oracle is not None
    with quietly():
        right = tuple(np.asarray(leaf) for leaf in leaves(check.oracle(**_copied(found))))
    return _Case(arguments, tuple(cotangents), call, right, outputs)


def _by_autograd(
    check: Gradient, trial: Trial, arguments: Arguments, cotangents: tuple[Any, ...], outputs: tuple[Any, ...]
) -> _Case:
    """One input whose gradients autograd is to find through the forward."""
    entry_point = trial.entry_point(check.entry_point)
    sent = tuple(None if np.ndim(c) == 0 and c == 0.0 else np.asarray(c) for c in cotangents)
    call = by_autograd(entry_point, styled_call(entry_point, arguments, 0), sent, check.tensors)
    with quietly():
        # An author's function on tensors knows its own gradient.
        measured = check.forward_oracle.measures["gradient"]  # type: ignore[attr-defined]
        right, _ = measured(None, call.args, _copied(call.kwargs))
    return _Case(arguments, cotangents, call, tuple(np.asarray(leaf) for leaf in leaves(right)), outputs)


def _copied(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in arguments.items()}


def _answer(reply: Reply) -> tuple[Array, ...]:
    assert isinstance(reply, Returned)
    return tuple(np.asarray(leaf, dtype=np.float64) for leaf in leaves(reply.value))


def _name(check: Gradient, place: int) -> str:
    return f"d{check.tensors[place]}"


def _unusable(check: Gradient, trial: Trial, case: _Case, reply: Reply) -> Finding | None:
    """The finding if there is no gradient to compare: the call raised, or its structure, shape or values say so."""
    if not isinstance(reply, Returned):
        return failure_of(reply, case.call)
    problem = None
    if check.backward:
        problem = structure_problem(reply.value, trial.entry_point(check.backward).signature.return_annotation)
    if problem is None and len(leaves(reply.value)) != len(case.right):
        problem = f"it returned {len(leaves(reply.value))} gradients, not {len(case.right)}"
    rung = "structure"
    if problem is None:
        for place, (got, want) in enumerate(zip(leaves(reply.value), case.right, strict=True)):
            shape = got.shape if isinstance(got, Oversize) else np.shape(got)
            if shape != want.shape:
                rung, problem = "shape", f"{_name(check, place)} has shape {shape}, not {want.shape}"
                if shape[::-1] == want.shape:
                    problem += ": it is transposed"
                break
            if np.asarray(got).dtype.kind not in "fiu":
                rung, problem = "dtype", f"{_name(check, place)} has dtype {np.asarray(got).dtype}, not {want.dtype}"
                break
            if not np.isfinite(np.asarray(got)).all():
                rung, problem = "finite", f"{_name(check, place)} holds values that are not finite"
                break
    if problem is None:
        return None
    message = (problem[0].upper() + problem[1:] if rung == "structure" else problem) + "."
    return Finding(Outcome.FAILED, Evidence(message, rung=rung, call=call_text(case.call)), failing=(case.call,))


def _scale(case: _Case, place: int, least: float = 1e-6) -> float:
    """What errors of one gradient are measured against: never zero, even where the right gradient is.

    Args:
        case: the input.
        place: which gradient.
        least: what it is at least, in units of the cotangent. Where the right gradient vanishes a rounded one is about
            1e-16, and finite differences are off by the square of their step.
    """
    cotangent = max((float(np.max(np.abs(c), initial=0.0)) for c in case.cotangents), default=1.0)
    return max(float(np.max(np.abs(case.right[place]), initial=0.0)), least * cotangent)


def _wrong(case: _Case, answer: Sequence[Array]) -> list[int]:
    """Which of the gradients differ from the oracle's."""
    wrong = []
    for place, (got, want) in enumerate(zip(answer, case.right, strict=True)):
        off, allowed = np.max(np.abs(got - want), initial=0.0), ORACLE_RTOL * _scale(case, place)
        margin.note(off, allowed)
        if not off <= allowed:
            wrong.append(place)
    return wrong


# -- the forward's own finite differences ------------------------------------------------------------------------------


def _numeric(check: Gradient, trial: Trial, case: _Case) -> tuple[list[Array], float] | Finding:
    """Central differences of the student's forward, every element, in one message; and the noise they carry."""
    calls: list[Call] = []
    for name in check.tensors:
        at = case.arguments[name]
        for index in np.ndindex(at.shape):
            for step in (check.step, -check.step):
                moved = at.copy()
                moved[index] += step
                arguments = {**case.arguments, name: moved}
                calls.append(styled_call(trial.entry_point(check.entry_point), arguments, 0))
    losses, noise = [], 0.0
    for reply, call in zip(trial.target.call_many(calls), calls, strict=False):
        if not isinstance(reply, Returned):
            return failure_of(reply, call)
        terms = _terms(case, reply.value)
        if terms is None:
            return Finding(Outcome.FAILED, Evidence("Its result is of another kind or shape.", rung="shape"))
        losses.append(float(terms.sum()))
        noise = max(noise, _rounding(reply.value) * float(np.abs(terms).sum()))
    gradients, start = [], 0
    for name in check.tensors:
        shape = case.arguments[name].shape
        count = int(np.prod(shape))
        pairs = np.array(losses[start : start + 2 * count]).reshape(-1, 2)
        gradients.append(((pairs[:, 0] - pairs[:, 1]) / (2 * check.step)).reshape(shape))
        start += 2 * count
    return gradients, noise / check.step


def _rounding(value: Any) -> float:
    """What one evaluation may be off by, in units of its terms: a number may come back in any precision."""
    kinds = [leaf.dtype for leaf in leaves(value) if isinstance(leaf, np.generic) and leaf.dtype.kind == "f"]
    return max([ROUNDING, *(50 * float(np.finfo(str(kind)).eps) for kind in kinds)])


def _terms(case: _Case, value: Any) -> Array | None:
    """The terms whose sum is the loss: each output times its cotangent."""
    outputs = leaves(value)
    if len(outputs) != len(case.outputs):
        return None
    terms = []
    for output, cotangent, right in zip(outputs, case.cotangents, case.outputs, strict=True):
        if np.shape(output) != np.shape(right) or np.asarray(output).dtype.kind not in "fiu":
            return None
        terms.append(np.ravel(np.asarray(output, dtype=np.float64) * cotangent) if np.any(cotangent) else np.zeros(0))
    return np.concatenate(terms)


def _forward_is_right(check: Gradient, trial: Trial, case: _Case) -> bool:
    reply = trial.call(styled_call(trial.entry_point(check.entry_point), case.arguments, 0))
    if not isinstance(reply, Returned) or len(leaves(reply.value)) != len(case.outputs):
        return False
    for got, want in zip(leaves(reply.value), case.outputs, strict=True):
        if np.shape(got) != np.shape(want) or np.asarray(got).dtype.kind not in "fiu":
            return False
        error = np.max(np.abs(np.asarray(got, dtype=np.float64) - want), initial=0.0)
        if not error <= FORWARD_RTOL * max(1.0, float(np.max(np.abs(want), initial=0.0))):
            return False
    return True


def _own_forward(check: Gradient, trial: Trial, cases: Sequence[_Case]) -> Finding:
    """The backward is the oracle's; whether the student's own forward agrees with it too."""
    if undefined(trial, (check.entry_point,)) is not None:
        return _passed_without_forward(check)
    for case in cases:
        numeric = _numeric(check, trial, case)
        if isinstance(numeric, Finding):
            # Whatever keeps a forward from answering is the fault of the forward, and told by its own checks.
            hostile = numeric.outcome == Outcome.PROTOCOL_VIOLATION
            return numeric if hostile else _passed_without_forward(check)
        gradients, noise = numeric
        for place, (slope, right) in enumerate(zip(gradients, case.right, strict=True)):
            off = np.max(np.abs(slope - right), initial=0.0)
            allowed = NUMERIC_RTOL * _scale(case, place, 1e-3) + noise
            margin.note(off, allowed)
            if off <= allowed:
                continue
            if not _forward_is_right(check, trial, case):
                return _passed_without_forward(check)
            marks = ~np.isclose(slope, right, rtol=1e-5, atol=noise)
            expected, got, worst = aligned(slope, right, marks)
            message = (
                f"{_capital(check.judged)} is right, but finite differences of your {check.entry_point} do not agree "
                "with it: is it rounding, or keeping something between calls?"
            )
            call = styled_call(trial.entry_point(check.entry_point), case.arguments, 0)
            evidence = Evidence(
                message, rung="forward", call=call_text(call), expected=expected, got=got, worst=worst,
                plane=plane(slope, right, marks, "slopes"),
            )  # fmt: skip
            return Finding(Outcome.FAILED, evidence, failing=(call,))
    return Finding(Outcome.PASSED)


def _passed_without_forward(check: Gradient) -> Finding:
    note = f"Your {check.entry_point} is not right yet, so {check.judged} was judged by the right gradient alone."
    return Finding(Outcome.PASSED, Evidence("", notes=(note,)))


# -- what is wrong with a wrong gradient -------------------------------------------------------------------------------


def _refuted(
    check: Gradient, trial: Trial, cases: Sequence[_Case], answers: Sequence[tuple[Array, ...]], first: int
) -> Finding:
    """The finding for a backward that is not the oracle's: classified over all inputs, shown on a small one."""
    place = _wrong(cases[first], answers[first])[0]
    case, answer = _shrunk(check, trial, cases[first], answers[first], place)
    kind = _classified(check, cases, answers, place)
    right_ones = [
        _name(check, other)
        for other in range(len(case.right))
        if not any(other in _wrong(c, a) for c, a in zip(cases, answers, strict=True))
    ]
    name = _name(check, place) if len(case.right) > 1 else "The gradient"
    message = f"{name} {kind}."
    if right_ones:
        message += f" {_listed(right_ones)} {'is' if len(right_ones) == 1 else 'are'} right."
    # A wrong forward is right on some inputs, and the smallest one may be among them: all are asked.
    missing = undefined(trial, (check.entry_point,)) is not None
    if missing or not all(_forward_is_right(check, trial, one) for one in (*cases, case)):
        rung = "forward"
        its = f"your {check.backward}" if check.backward else "its gradient"
        message += f" Your {check.entry_point} is wrong, so {its} cannot be judged against it."
    else:
        rung = "values"
        whose = f"Your {check.backward}" if check.backward else "What autograd finds"
        message += f" {whose} disagrees with your own {check.entry_point}."
    expected, got, worst = aligned(answer[place], case.right[place], _marks(case, answer, place))
    evidence = Evidence(
        message, rung=rung, call=call_text(case.call), expected=expected, got=got, worst=worst,
        plane=_pictured(cases, answers, place),
    )  # fmt: skip
    return Finding(Outcome.FAILED, evidence, failing=(case.call,), fresh=tuple(case.call for case in cases))


def _marks(case: _Case, answer: Sequence[Array], place: int) -> Array:
    """Which elements of a gradient are wrong."""
    return np.asarray(np.abs(answer[place] - case.right[place]) > ORACLE_RTOL * _scale(case, place))


def _pictured(cases: Sequence[_Case], answers: Sequence[tuple[Array, ...]], place: int) -> Plane | None:
    """A picture of the largest gradient that is wrong in this tensor."""
    wrong = [(case, answer) for case, answer in zip(cases, answers, strict=True) if place in _wrong(case, answer)]
    case, answer = max(wrong, key=lambda pair: pair[1][place].size)
    return plane(answer[place], case.right[place], _marks(case, answer, place), "gradient")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:] if text.startswith("autograd") else text


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _shrunk(
    check: Gradient, trial: Trial, case: _Case, answer: tuple[Array, ...], place: int
) -> tuple[_Case, tuple[Array, ...]]:
    """The smallest input whose gradient is wrong in the same tensor."""

    def tried(arguments: Arguments) -> tuple[_Case, tuple[Array, ...]] | None:
        smaller = _case(check, trial, arguments, 0)
        reply = trial.call(smaller.call)
        if _unusable(check, trial, smaller, reply) is not None:
            return None
        found = _answer(reply)
        return (smaller, found) if place in _wrong(smaller, found) else None

    best = trial.smallest(check, lambda arguments: tried(arguments) is not None, case.arguments)
    return tried(best) or (case, answer)


def _classified(check: Gradient, cases: Sequence[_Case], answers: Sequence[tuple[Array, ...]], place: int) -> str:
    """What a wrong gradient is, as the end of a sentence: zero, of the wrong sign, transposed, scaled, or wrong."""
    pairs = [
        (case, answer[place], case.right[place])
        for case, answer in zip(cases, answers, strict=True)
        if np.any(np.abs(case.right[place]) > ORACLE_RTOL * _scale(case, place))
    ]
    if not pairs:
        return "should be zero"
    if all(not got.any() for _, got, _ in pairs):
        return "is zero everywhere"

    def like(case: _Case, got: Array, want: Array) -> bool:
        return got.shape == want.shape and bool(np.max(np.abs(got - want)) <= ORACLE_RTOL * _scale(case, place))

    if all(like(case, -got, want) for case, got, want in pairs):
        return "has the wrong sign"
    swapped = [
        (case, np.swapaxes(got, -1, -2), want) for case, got, want in pairs
        if got.ndim >= 2 and got.shape[-1] == got.shape[-2] and got.shape[-1] > 1
    ]  # fmt: skip
    if swapped and all(like(*triple) for triple in swapped):
        return "is transposed"
    factors = [float(np.vdot(want, got) / np.vdot(want, want)) for _, got, want in pairs]
    scaled = all(like(case, got, k * want) for (case, got, want), k in zip(pairs, factors, strict=True))
    if scaled and any(abs(k - 1) > ORACLE_RTOL for k in factors):
        return f"is {_factor(check, [case for case, _, _ in pairs], factors)} times what it should be"
    return "is wrong"


def _factor(check: Gradient, cases: Sequence[_Case], factors: Sequence[float]) -> str:
    """The name of a factor: one of the sizes of the first argument or a small number, whichever fits every input."""
    sizes = [case.arguments[check.tensors[0]].shape for case in cases]
    axes = ("N", "C", "H", "W") if all(len(shape) == 4 for shape in sizes) else ("N", "C")
    named: dict[str, list[float]] = {"2": [2.0] * len(cases), "1/2": [0.5] * len(cases)}
    for axis, letter in enumerate(axes):
        if all(len(shape) > axis for shape in sizes):
            named[letter] = [float(shape[axis]) for shape in sizes]
    if "N" in named and "C" in named:
        named["N·C"] = [n * c for n, c in zip(named["N"], named["C"], strict=True)]
    pixels = [float(np.prod(np.shape(case.outputs[0])[2:])) for case in cases]
    if "H" in named:
        named["H′·W′"] = pixels
        named["N·H′·W′"] = [n * p for n, p in zip(named["N"], pixels, strict=True)]
    for name, values in list(named.items()):
        if name not in ("2", "1/2"):
            named[f"1/({name})" if "·" in name else f"1/{name}"] = [1 / value for value in values]
    for name, values in named.items():
        if np.allclose(factors, values, rtol=1e-5):
            meaning = {"N": " (the batch size)", "1/N": " (N is the batch size)", "C": " (the classes)"}
            is_4d = "H" in named
            return name + (meaning.get(name, "") if not (is_4d and name == "C") else " (the channels)")
    if np.allclose(factors, factors[0], rtol=1e-5):
        return f"{factors[0]:.6g}"
    return f"a factor that depends on the input ({factors[0]:.4g} in one case)"
