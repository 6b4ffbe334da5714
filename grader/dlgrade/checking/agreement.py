"""Runs an Agreement: a ladder of rungs, whose first one that fails is the diagnosis."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlgrade.author import Agreement
from dlgrade.checking.compare import difference, leaves, plane, same, structure_problem
from dlgrade.checking.inputs import Arguments
from dlgrade.checking.literal import aligned, call_text
from dlgrade.checking.trial import PASSED, Finding, Trial, failure_of, in_single, quietly, styled_call, undefined
from dlgrade.model import Evidence, Outcome
from dlgrade.sandbox.calls import Call, Reply, Returned

_ORDER = ("structure", "shape", "dtype", "finite", "values", "arguments")
"""The rungs of one call, in the order in which they are climbed; `runs` comes before them."""


@dataclass(frozen=True)
class Form:
    """A way in which the same inputs are given again: another precision, another memory layout."""

    name: str
    says: str
    of_array: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def _single(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _strided(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not array.ndim:
        return array
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), dtype=array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _transposed(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asfortranarray(array)


def _read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


AS_DRAWN = Form("float64", "", lambda array: array)
OTHER_FORMS = (
    Form("float32", "given float32, ", _single),
    Form("strided", "given an array that is not contiguous in memory, ", _strided),
    Form("column_major", "given an array in column-major memory order, ", _transposed),
    Form("read_only", "given a read-only array, ", _read_only),
)


@dataclass(frozen=True)
class _Fault:
    """One call's first failing rung."""

    rung: str
    message: str
    got: Any = None
    want: Any = None
    wrong: Any = None


def agrees(trial: Trial, name: str) -> bool:
    """Whether an entry point passes all its agreement checks, of which there is one; they may come after whoever asks.

    Where a check stumbles, this decides whose fault it is: over a wrong answer the answer's, over right ones ours.
    """
    checks = [check for check in trial.exercise.checks if isinstance(check, Agreement) and check.entry_point == name]
    for check in checks:
        if check.name not in trial.agreed:
            trial.agreed[check.name] = run_agreement(check, replace(trial, explain=False)).outcome == Outcome.PASSED
    return bool(checks) and all(trial.agreed[check.name] for check in checks)


def run_agreement(check: Agreement, trial: Trial) -> Finding:
    """Climb the ladder: exists, signature, then for all inputs runs, structure, shape, dtype, finite, values, arguments
    unmodified, then the same again in another order, then in float32 and in other memory layouts."""
    missing = undefined(trial, check.entry_points)
    if missing is not None:
        return missing
    inputs = trial.inputs(check)
    finding = _climb(check, trial, inputs, AS_DRAWN)
    if finding is None:
        finding = _repeat(check, trial, inputs)
    for form in OTHER_FORMS:
        if finding is None:
            # Each layout is a property of the code, not of the numbers: a few inputs show it.
            finding = _climb(check, trial, inputs if form.name == "float32" else inputs[:8], form)
    return finding or PASSED


def sample_calls(trial: Trial) -> tuple[Call, ...]:
    """Calls of every agreement's own inputs, some in float32: what tells one misconception from another."""
    calls: list[Call] = []
    for check in trial.exercise.checks:
        if isinstance(check, Agreement):
            inputs = trial.inputs(check)
            for form, count in ((AS_DRAWN, 24), (OTHER_FORMS[0], 6)):
                for arguments in inputs[:count]:
                    calls.append(_call(check, trial, arguments, form, 0, _kept(check, trial, arguments, form)))
    return tuple(calls)


def _climb(check: Agreement, trial: Trial, inputs: Sequence[Arguments], form: Form) -> Finding | None:
    """All inputs in one form, rung by rung: the lowest rung that any input fails on is the finding."""
    wants = [_kept(check, trial, arguments, form) for arguments in inputs]
    calls = [
        _kept_call(check, trial, arguments, form, style, want)
        for style, (arguments, want) in enumerate(zip(inputs, wants, strict=True))
    ]
    replies = trial.target.call_many(calls)
    for call, reply in zip(calls, replies, strict=False):
        if not isinstance(reply, Returned):
            finding = failure_of(reply, call)
            return _smaller_failure(check, trial, finding, call, inputs, form, calls)
    faults: list[_Fault | None] = []
    with quietly():
        for arguments, call, reply, want in zip(inputs, calls, replies, wants, strict=True):
            scale = _kept_scale(check, trial, arguments, form, want)
            faults.append(_fault(check, trial, arguments, call, reply, form, want, scale))
            if faults[-1] is not None and not trial.explain:
                return Finding(Outcome.FAILED, failing=(call,), fresh=tuple(calls))
    for rung in _ORDER:
        for arguments, call, fault in zip(inputs, calls, faults, strict=True):
            if fault is not None and fault.rung == rung:
                found = _shrunk(check, trial, arguments, call, fault, form, calls)
                return _pictured(found, [one for one in faults if one is not None and one.rung == rung])
    return None


def _call(check: Agreement, trial: Trial, arguments: Arguments, form: Form, style: int, want: Any) -> Call:
    entry_point = trial.entry_point(check.entry_point)
    formed = {key: _formed(value, form) for key, value in arguments.items()}
    size = sum(leaf.nbytes for leaf in leaves(want) if isinstance(leaf, np.ndarray))
    return styled_call(entry_point, formed, style, want_after=True, expected_bytes=size)


def _formed(value: Any, form: Form) -> Any:
    return form.of_array(value) if isinstance(value, np.ndarray) else value


def _expected(check: Agreement, arguments: Arguments, form: Form) -> Any:
    """What the oracle says, in float64, of the inputs as they are after they were given that form.

    In float32 what is too large for it is infinite, whatever the oracle could hold.
    """
    with quietly():
        want = check.oracle(**_in_double(arguments, form))
        return _narrowed(want) if _float_dtype(arguments, form) == np.float32 else want


def _narrowed(want: Any) -> Any:
    if isinstance(want, (tuple, list)):
        return type(want)(_narrowed(item) for item in want) if type(want) in (tuple, list) else want
    is_float = isinstance(want, np.ndarray) and want.dtype.kind == "f"
    return want.astype(np.float32).astype(np.float64) if is_float else want


def _kept(check: Agreement, trial: Trial, arguments: Arguments, form: Form) -> Any:
    """The same, asked once for an input that the drawer handed out."""
    return trial.drawer.kept(arguments, (check.where, form.name), functools.partial(_expected, check, form=form))


def _kept_call(check: Agreement, trial: Trial, arguments: Arguments, form: Form, style: int, want: Any) -> Call:
    """The call with an input that the drawer handed out, made once for all submissions."""
    make = functools.partial(_call, check, trial, form=form, style=style, want=want)
    call: Call = trial.drawer.kept(arguments, (check.where, form.name, style), make)
    return call


def _kept_scale(check: Agreement, trial: Trial, arguments: Arguments, form: Form, want: Any) -> Any:
    def scale(given: Arguments) -> Any:
        return scale_of(check, _in_double(given, form), want)

    return trial.drawer.kept(arguments, (check.where, form.name, "scale"), scale)


def _in_double(arguments: Arguments, form: Form) -> dict[str, Any]:
    def double(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return _formed(value, form).astype(np.float64)
        return value.copy() if isinstance(value, np.ndarray) else value

    return {key: double(value) for key, value in arguments.items()}


def scale_of(check: Agreement, arguments: Mapping[str, Any], want: Any) -> Any:
    """What errors are measured against: what the author says, else the largest expected magnitude of each result."""
    if check.scale is not None:
        with quietly():
            return check.scale(**arguments)
    floats = [v for v in arguments.values() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    inputs = [np.max(np.abs(array), initial=0.0) for array in floats]
    fallback = max((float(v) for v in inputs if np.isfinite(v)), default=0.0) or 1.0

    def largest(leaf: Any) -> float:
        array = np.asarray(leaf)
        values = np.abs(array) if array.dtype.kind in "iufc" else np.zeros(0)
        return float(np.max(values[np.isfinite(values)], initial=0.0)) or fallback

    of_each = [largest(leaf) for leaf in leaves(want)]
    return tuple(of_each) if isinstance(want, (tuple, list, dict)) else of_each[0]


def _fault(
    check: Agreement,
    trial: Trial,
    arguments: Arguments,
    call: Call,
    reply: Reply,
    form: Form,
    want: Any,
    scale: Any = None,
) -> _Fault | None:
    """The first rung that a call fails on; None if it fails on none, or did not return at all."""
    if not isinstance(reply, Returned):
        return None
    problem = structure_problem(reply.value, trial.entry_point(check.entry_point).signature.return_annotation)
    if problem is not None:
        return _Fault("structure", problem)
    single = form.name == "float32"
    found = difference(
        reply.value,
        want,
        scale=scale_of(check, _in_double(arguments, form), want) if scale is None else scale,
        rtol=check.rtol32 if single else check.rtol,
        float_dtype=_float_dtype(arguments, form),
        parts=check.parts,
    )
    if found is not None:
        show = (found.got, found.want, found.wrong) if found.got is not None else (reply.value, want, None)
        return _Fault(found.rung, found.message, *show)
    for name, before, after in _arguments_after(trial, call, reply):
        message = f"it changed its argument {name} in place: the caller's {_kind(before)} is not yours to write to"
        if isinstance(before, list):
            if not same(after, before, rtol=0.0):
                return _Fault("arguments", message, after, before)
            continue
        alike = isinstance(after, np.ndarray) and after.shape == before.shape and after.dtype == before.dtype
        if not alike or not _identical(after, before):
            got = "gone" if after is None else after
            differs = ~((after == before) | ((after != after) & (before != before))) if alike else None
            return _Fault("arguments", message, got, before, differs)
    return None


def answers_rightly(trial: Trial, call: Call, reply: Reply) -> bool:
    """Whether a reply is what the oracle of its entry point says, as an Agreement would judge it; False without one."""
    asked = _asked_for(trial, call)
    if asked is None:
        return False
    check, arguments, form, want = asked
    return isinstance(reply, Returned) and _fault(check, trial, arguments, call, reply, form, want) is None


def errors_forgiven(trial: Trial, call: Call) -> Any:
    """How far a call's results may be from the right ones, as an Agreement would judge them.

    A number or an array for each leaf of the result, or for all of them; None where no Agreement can say.
    """
    asked = _asked_for(trial, call)
    if asked is None:
        return None
    check, arguments, form, want = asked
    scale = scale_of(check, _in_double(arguments, form), want)
    rtol = check.rtol32 if form.name == "float32" else check.rtol
    return tuple(rtol * each for each in scale) if isinstance(scale, (tuple, list)) else rtol * scale


def _asked_for(trial: Trial, call: Call) -> tuple[Agreement, Arguments, Form, Any] | None:
    """A call as an Agreement of its entry point would have made it, and what it expects; None if there is no such."""
    check = next((c for c in trial.exercise.checks if isinstance(c, Agreement) and c.entry_point == call.name), None)
    if check is None:
        return None
    arguments = _named(trial, call)
    form = OTHER_FORMS[0] if in_single(call) else AS_DRAWN
    try:
        return check, arguments, form, _expected(check, arguments, form)
    except Exception:  # a law may give what its oracle does not take
        return None


def _float_dtype(arguments: Arguments, form: Form) -> Any:
    formed = [_formed(v, form).dtype for v in arguments.values() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    return formed[0] if formed else np.dtype(np.float64)


def _named(trial: Trial, call: Call) -> dict[str, Any]:
    """A call's arguments by the names that they are declared with, in the order in which they are passed."""
    return {**dict(zip(trial.entry_point(call.name).signature.parameters, call.args, strict=False)), **call.kwargs}


def _arguments_after(trial: Trial, call: Call, reply: Returned) -> list[tuple[str, Any, Any]]:
    named = _named(trial, call)
    after = reply.after or (None,) * len(named)
    return [
        (name, before, now)
        for (name, before), now in zip(named.items(), after, strict=True)
        if isinstance(before, np.ndarray | list)
    ]  # fmt: skip


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "array"


def _identical(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


# -- the counterexample ------------------------------------------------------------------------------------------------


def _first(check: Agreement, trial: Trial, arguments: Arguments, form: Form) -> tuple[Call, Reply, _Fault | None]:
    want = _expected(check, arguments, form)
    call = _call(check, trial, arguments, form, 0, want)
    reply = trial.call(call)
    return call, reply, _fault(check, trial, arguments, call, reply, form, want)


def _shrunk(
    check: Agreement, trial: Trial, arguments: Arguments, call: Call, fault: _Fault, form: Form, calls: Sequence[Call]
) -> Finding:
    """The finding for the smallest input that fails on the same rung."""

    def fails(smaller: Arguments) -> bool:
        _, _, found = _first(check, trial, smaller, form)
        return found is not None and found.rung == fault.rung

    best = trial.smallest(check, fails, arguments)
    if best is not arguments:
        again, _, found = _first(check, trial, best, form)
        if found is not None and found.rung == fault.rung:
            call, fault = again, found
    expected, got, worst = (None, None, None) if fault.want is None else aligned(fault.got, fault.want, fault.wrong)
    evidence = Evidence(
        _sentence(form.says + fault.message),
        rung=fault.rung if form is AS_DRAWN else form.name,
        call=call_text(call),
        expected=expected,
        got=got,
        worst=worst,
    )
    return Finding(Outcome.FAILED, evidence, failing=(call,), fresh=tuple(calls))


def _pictured(finding: Finding, faults: Sequence[_Fault]) -> Finding:
    """The finding with a picture of the largest result that is wrong in the same way."""
    largest = max(faults, key=lambda fault: np.size(fault.wrong) if fault.wrong is not None else 0)
    if finding.evidence is None or largest.wrong is None or largest.rung == "arguments":
        return finding
    picture = plane(largest.got, largest.want, largest.wrong)
    return replace(finding, evidence=replace(finding.evidence, plane=picture))


def _sentence(text: str) -> str:
    # A sentence that begins with a result's name, such as dx, leaves it as it is.
    begun = text[0].upper() + text[1:] if text.startswith(("it ", "given ", "in ", "result ", "the ")) else text
    return begun + ("" if text.endswith((".", "?", "!")) else ".")


def _smaller_failure(
    check: Agreement, trial: Trial, finding: Finding, call: Call, inputs: Sequence[Arguments], form: Form,
    calls: Sequence[Call],
) -> Finding:  # fmt: skip
    """The finding for the smallest input that raises; one that costs a worker its life is not tried again."""
    assert finding.evidence is not None
    if finding.outcome not in (Outcome.RAISED, Outcome.FAILED) or finding.evidence.rung != "runs":
        return replace(finding, fresh=tuple(calls))
    start = inputs[calls.index(call)]
    kind = finding.evidence.message.split(":")[0]

    def fails(smaller: Arguments) -> bool:
        again, reply, _ = _first(check, trial, smaller, form)
        if isinstance(reply, Returned):
            return False
        evidence = failure_of(reply, again).evidence
        return evidence is not None and evidence.message.split(":")[0] == kind

    best = trial.smallest(check, fails, start)
    again, reply, _ = _first(check, trial, best, form)
    if not isinstance(reply, Returned):
        smaller = failure_of(reply, again)
        assert smaller.evidence is not None
        if smaller.evidence.message.split(":")[0] == kind:
            finding = smaller
    assert finding.evidence is not None
    if form.says:
        message = (
            form.says[0].upper() + form.says[1:] + finding.evidence.message[0].lower() + finding.evidence.message[1:]
        )
        finding = replace(finding, evidence=replace(finding.evidence, message=message, rung=form.name))
    return replace(finding, fresh=tuple(calls))


def _repeat(check: Agreement, trial: Trial, inputs: Sequence[Arguments]) -> Finding | None:
    """The same inputs in the opposite order: a function that keeps something between calls answers differently."""
    calls = [_kept_call(check, trial, one, AS_DRAWN, 0, _kept(check, trial, one, AS_DRAWN)) for one in inputs]
    first = trial.target.call_many(calls)
    # The opposite order has the replies from its end where the target had to be stopped on the way.
    again = trial.target.call_many(calls[::-1]) if len(first) == len(calls) else []
    for call, odd in (*zip(calls, first, strict=False), *zip(calls[::-1], again, strict=False)):
        if not isinstance(odd, Returned):
            finding = failure_of(odd, call)
            assert finding.evidence is not None
            message = "Called again, it no longer answers: " + finding.evidence.message
            return replace(finding, evidence=replace(finding.evidence, message=message, rung="repeatable"))
    for call, one, other in zip(calls, first, again[::-1], strict=True):
        assert isinstance(one, Returned) and isinstance(other, Returned)
        if not same(one.value, other.value):
            expected, got, worst = aligned(other.value, one.value)
            message = (
                "Called again with the same arguments, it answers differently: does it keep something between calls?"
            )
            evidence = Evidence(
                message, rung="repeatable", call=call_text(call), expected=expected, got=got, worst=worst
            )
            return Finding(Outcome.FAILED, evidence, failing=(call,), fresh=tuple(calls))
    return None
