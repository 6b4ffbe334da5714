"""What a returned value is, and where two of them differ; never looks at anything but plain values and arrays."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from dlgrade.author import close
from dlgrade.checking.literal import numeric, shown, worst_index
from dlgrade.model import Plane, Tensor
from dlgrade.sandbox.wire import Foreign, Oversize
from dlgrade.text import visible

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


PLANE_SIDE = 16
"""A plane has no more rows, and no more columns: more are no picture, and a report is kept for each submission."""
PLANE_DIGITS = 5
SINGLE_RTOL = 1e-6
"""How far a number that was returned in float32 may be from the right one."""


def described(value: Any) -> str:
    """A value in words: `None`, `a list of 3`, `a float64 array of shape (2, 3)`."""
    if value is None:
        return "None"
    if isinstance(value, Foreign):
        text = visible(value.description, limit=200)
        return text if " " in text else f"a value of type {text!r}"
    if isinstance(value, Oversize):
        return f"a {value.dtype} array of shape {value.shape}"
    if isinstance(value, np.ndarray):
        return f"a {value.dtype} array of shape {value.shape}"
    if isinstance(value, np.generic):
        return f"a NumPy {value.dtype} scalar"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a value of type {type(value).__name__!r}"


def _declared(annotation: Any) -> str:
    if annotation is np.ndarray or typing.get_origin(annotation) is np.ndarray:
        return "an array"
    if annotation is Tensor:
        return "a tensor"
    if annotation in (float, int):
        return "a number"
    if typing.get_origin(annotation) is tuple:
        parts = [part for part in typing.get_args(annotation) if part is not ...]
        return "a tuple of " + ", ".join(_declared(part) for part in parts)
    if typing.get_origin(annotation) is list:
        return "a list"
    return getattr(annotation, "__name__", str(annotation))


def structure_problem(value: Any, annotation: Any) -> str | None:
    """How a returned value differs in kind from what the signature declares; None if it does not.

    Only kinds are compared (an array, a number, a tuple of so many), not shapes, dtypes or values. A list passes for a
    tuple of the same length, and a 0-d array for a number: they mean the same to whoever unpacks or adds them.
    """
    if _conforms(value, annotation):
        return None
    if isinstance(value, (list, tuple)) and typing.get_origin(annotation) is tuple:
        parts = typing.get_args(annotation)
        if len(parts) == len(value):
            for place, (item, part) in enumerate(zip(value, parts, strict=True), 1):
                if not _conforms(item, part):
                    return f"result {place} of {len(parts)} is {described(item)}, not {_declared(part)}"
    way, inner, wanted = _innermost(value, annotation)
    if way:
        return f"in what it returned, {' of '.join(way)} is {described(inner)}, not {_declared(wanted)}"
    return f"it returned {described(value)}, not {_declared(annotation)}"


def _innermost(value: Any, annotation: Any) -> tuple[tuple[str, ...], Any, Any]:
    """Where in a nest something is not of its kind: the way from there outwards, what it is, what it should be."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    inside: list[tuple[str, Any, Any]] = []
    if origin is list and isinstance(value, list):
        inside = [(f"item {place}", item, args[0]) for place, item in enumerate(value, 1)]
    elif origin is tuple and isinstance(value, (tuple, list)) and len(value) == len(args) and args[-1] is not ...:
        inside = [(f"part {i}", item, part) for i, (item, part) in enumerate(zip(value, args, strict=True), 1)]
    for name, item, kind in inside:
        if not _conforms(item, kind):
            place, inner, wanted = _innermost(item, kind)
            return (*place, name), inner, wanted
    return (), value, annotation


def _conforms(value: Any, annotation: Any) -> bool:
    if annotation is Any or annotation is inspect.Signature.empty or isinstance(annotation, str):
        return True
    if annotation is None:
        return value is None
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(_conforms(value, option) for option in args)
    if annotation is type(None):
        return value is None
    if annotation in (np.ndarray, Tensor) or origin is np.ndarray:
        return isinstance(value, (np.ndarray, Oversize))
    if annotation is int:
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        return whole or (isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iu")
    if annotation is float:
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.complexfloating))
        zero_d = isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf"
        return number or zero_d
    if origin is tuple:
        if len(args) == 2 and args[1] is ...:
            return isinstance(value, (tuple, list)) and all(_conforms(item, args[0]) for item in value)
        fits = isinstance(value, (tuple, list)) and len(value) == len(args)
        return fits and all(_conforms(item, part) for item, part in zip(value, args, strict=True))
    if origin is list:
        return isinstance(value, list) and all(_conforms(item, args[0]) for item in value)
    if annotation is bool:
        return isinstance(value, (bool, np.bool_)) or (
            isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind == "b"
        )
    if isinstance(annotation, type):
        return isinstance(value, annotation)
    return True


def as_declared(value: Any, annotation: Any) -> Any:
    """A result that conforms to its annotation in the very kind that is declared: laws and examples see one kind only.

    A 0-d array becomes the number that it stands for, a list a tuple, and a read-only array one that can be written.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(value, np.ndarray):
        if annotation in (float, int, bool):
            return value[()]
        return value if value.flags.writeable else value.copy()
    if origin is tuple and isinstance(value, (tuple, list)):
        parts = [args[0]] * len(value) if len(args) == 2 and args[1] is ... else args
        return tuple(as_declared(item, part) for item, part in zip(value, parts, strict=True))
    if origin is list and isinstance(value, list):
        return [as_declared(item, args[0]) for item in value]
    return value


def leaves(value: Any) -> list[Any]:
    """The arrays and numbers of a result in order: those of a tuple, list or dict, or the result itself."""
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in leaves(value[key])]
    return [value]


def _nesting_problem(got: Any, want: Any, verb: str = "returned") -> str | None:
    """How a result is put together otherwise than what was expected: a list of another length, a None for an array."""
    pairs: list[tuple[Any, Any]] | None = None
    if isinstance(want, (tuple, list)) and isinstance(got, (tuple, list)) and len(got) == len(want):
        pairs = list(zip(got, want, strict=True))
    elif isinstance(want, dict) and isinstance(got, dict) and set(got) == set(want):
        pairs = [(got[key], want[key]) for key in want]
    elif (_is_number(got) and _is_number(want)) or (type(got) is type(want) and not isinstance(want, _NESTED)):
        pairs = []
    if pairs is None:
        return f"it {verb} {described(got)}, not {described(want)}"
    return next((problem for pair in pairs if (problem := _nesting_problem(*pair, "holds"))), None)


_NESTED = (tuple, list, dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic, Oversize, int, float, complex))


@dataclass(frozen=True)
class Difference:
    """The first rung on which a result differs from what was expected."""

    rung: str
    message: str
    got: Array | None = None
    want: Array | None = None
    wrong: Array | None = None
    """Where the two differ."""


def difference(
    got: Any, want: Any, *, scale: Any, rtol: float, float_dtype: Any, parts: Sequence[str] = ()
) -> Difference | None:
    """The first rung, structure, shape, dtype, finite, values, on which any leaf of `got` differs from that of `want`.

    Args:
        got: what came back; of the declared structure.
        want: what the oracle returned.
        scale: what errors are measured against: a number, an array, or one of these for each leaf.
        rtol: the error allowed in units of `scale`.
        float_dtype: the dtype that floating-point arrays must have.
        parts: the names of the leaves, for the message.
    """
    problem = _nesting_problem(got, want)
    if problem is not None:
        return Difference("structure", problem)
    pairs = list(zip(leaves(got), leaves(want), strict=True))
    scales = scale if isinstance(scale, (tuple, list)) and len(scale) == len(pairs) else [scale] * len(pairs)
    names = (
        list(parts) if len(parts) == len(pairs) else [f"result {i} of {len(pairs)}" for i in range(1, 1 + len(pairs))]
    )
    said = names if len(pairs) > 1 else ["it" for _ in pairs]
    for rung in ("shape", "dtype", "finite", "values"):
        for (left, right), of_scale, who in zip(pairs, scales, said, strict=True):
            found = _RUNGS[rung](left, right, of_scale, rtol, float_dtype, who)
            if found is not None:
                return found
    return None


def _shape(got: Any, want: Any, _s: Any, _r: float, _d: Any, who: str) -> Difference | None:
    expected = np.shape(want)
    shape = got.shape if isinstance(got, Oversize) else np.shape(got)
    if shape == expected:
        return None
    return Difference("shape", f"{who} has shape {shape}, not {expected}")


def _dtype(got: Any, want: Any, _s: Any, _r: float, float_dtype: Any, who: str) -> Difference | None:
    if not isinstance(want, np.ndarray) or not isinstance(got, (np.ndarray, Oversize)):
        return None  # of a number only the value counts
    expected = want.dtype
    if expected.kind in "fc":
        expected = np.dtype(float_dtype) if expected.kind == "f" else np.result_type(float_dtype, np.complex64)
    held = np.dtype(got.dtype)
    if held == expected or (expected.kind in "iu" and held.kind in "iu"):
        return None
    return Difference("dtype", f"{who} has dtype {got.dtype}, not {expected}")


def _finite(got: Any, want: Any, _s: Any, _r: float, _d: Any, who: str) -> Difference | None:
    left, right = np.asarray(got), np.asarray(want)
    if left.dtype.kind not in "fc" or right.dtype.kind not in "fc":
        return None
    wrong = np.isfinite(right) & ~np.isfinite(left)
    if not wrong.any():
        return None
    first = left[wrong].flat[0]
    return Difference("finite", f"{who} holds {first} where the right value is finite", left, right, wrong)


def _values(got: Any, want: Any, scale: Any, rtol: float, _d: Any, who: str) -> Difference | None:
    left, right = np.asarray(got), np.asarray(want)
    if not _is_number(want):
        return None if got == want else Difference("values", f"{who} is {shown(got)}, not {shown(want)}")
    if left.dtype.kind in "biu" and right.dtype.kind in "biu":
        near = left == right  # what counts is exact, however large
    else:
        # Of a number only the value counts, in whatever precision it was returned, to the digits that this has.
        single = not isinstance(want, np.ndarray) and isinstance(got, (np.float32, np.float16))
        allowed = max(rtol, SINGLE_RTOL) if single else rtol
        near = close(left.astype(np.result_type(left, np.float64)), right, rtol=allowed, scale=scale)
    if near.all():
        return None
    wrong = ~near
    count = f"{int(wrong.sum())} of {wrong.size} elements differ" if wrong.size > 1 else "the value differs"
    whose = "" if who == "it" else f"in {who}, "
    return Difference("values", f"{whose}{count}", left, right, wrong)


_RUNGS = {"shape": _shape, "dtype": _dtype, "finite": _finite, "values": _values}


def plane(got: Any, want: Any, wrong: Any, compared: str = "values") -> Plane | None:
    """Where two arrays differ over their last two dimensions, for a picture; None where there is none to make.

    Args:
        got: what came back.
        want: what should have.
        wrong: where they differ.
        compared: what they are, as `Plane.compared` says it.
    """
    if wrong is None or not numeric(got) or not numeric(want):
        return None
    left, right, marks = np.asarray(got), np.asarray(want), np.asarray(wrong)
    flat = "biuf"
    if not left.shape == right.shape == marks.shape or left.dtype.kind not in flat or right.dtype.kind not in flat:
        return None
    if left.size < 2 or not marks.any():
        return None
    worst, sides = worst_index(left, right, marks), left.shape[-2:]
    at = [
        max(0, min(middle - PLANE_SIDE // 2, side - PLANE_SIDE)) for middle, side in zip(worst[-2:], sides, strict=True)
    ]
    cut: tuple[int | slice, ...] = (*worst[:-2], *(slice(start, start + PLANE_SIDE) for start in at))
    with np.errstate(all="ignore"):
        there = left[cut].astype(np.float64)
        off = np.where(marks[cut], there - right[cut].astype(np.float64), 0.0)
    return Plane(compared, left.shape, (*worst[:-2], *at), _rows(there), _rows(off))


def _rows(array: Array) -> tuple[tuple[float | None, ...], ...]:
    # What is finite may not be so any more once it is rounded.
    rounded = [[float(f"{cell:.{PLANE_DIGITS}g}") for cell in row] for row in np.atleast_2d(array)]
    return tuple(tuple(cell if np.isfinite(cell) else None for cell in row) for row in rounded)


def within(one: Any, other: Any, errors: Any) -> bool:
    """Whether two results are the same but for errors up to these, each of which is a number or an array.

    Args:
        one: a result.
        other: another.
        errors: one for each leaf, or one for all.
    """
    if _nesting_problem(one, other) is not None:
        return False
    pairs = list(zip(leaves(one), leaves(other), strict=True))
    allowed = errors if isinstance(errors, (tuple, list)) and len(errors) == len(pairs) else [errors] * len(pairs)
    return all(_within(*pair, error) for pair, error in zip(pairs, allowed, strict=True))


def _within(one: Any, other: Any, error: Any) -> bool:
    if same(one, other):
        return True
    floats = all(isinstance(leaf, (np.ndarray, np.floating, float)) for leaf in (one, other))
    if not floats or np.shape(one) != np.shape(other) or not np.all(np.isfinite(error)):
        return False
    left, right = np.asarray(one), np.asarray(other)
    if left.dtype != right.dtype or left.dtype.kind != "f" or not _fits(np.shape(error), left.shape):
        return False
    return bool(close(left, right, rtol=1.0, scale=error).all())


def _fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    """Whether an array of one shape broadcasts to another shape."""
    return len(shape) <= len(into) and all(a in (1, b) for a, b in zip(shape[::-1], into[::-1], strict=False))


def same(one: Any, other: Any, *, rtol: float = 1e-9) -> bool:
    """Whether two results are the same to rounding: structure, shapes, dtypes and values."""
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(same(a, b, rtol=rtol) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return set(one) == set(other) and all(same(one[key], other[key], rtol=rtol) for key in one)
    if isinstance(one, (Foreign, Oversize)) or isinstance(other, (Foreign, Oversize)):
        return type(one) is type(other) and bool(one == other)
    if isinstance(one, (np.ndarray, np.generic, int, float)) and isinstance(
        other, (np.ndarray, np.generic, int, float)
    ):
        left, right = np.asarray(one), np.asarray(other)
        if left.shape != right.shape or left.dtype.kind != right.dtype.kind:
            return False
        if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and left.dtype != right.dtype:
            return False
        if left.dtype.kind not in "fc":
            return bool((left == right).all())
        # In float32 two ways to the same result differ by far more than two in float64.
        single = left.dtype.itemsize <= 4 or right.dtype.itemsize <= 4
        return bool(close(left, right, rtol=max(rtol, 1e-4) if single else rtol).all())
    return type(one) is type(other) and bool(one == other)
