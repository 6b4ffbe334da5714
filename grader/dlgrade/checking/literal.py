"""Values as text that can be read and pasted: calls as NumPy literals, arrays aligned with the worst element marked."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from dlgrade.model import Worst
from dlgrade.sandbox.calls import Call
from dlgrade.sandbox.wire import Foreign, Oversize, layout_of
from dlgrade.text import visible

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

SHOWN = 64
"""An array of more elements is shown by the rows around its worst one."""

PERIOD = 16
"""Of what comes again after as few elements, only those are shown."""


def _numbers(array: Array, of: str = "np") -> str:
    text = np.array2string(
        array,
        separator=", ",
        threshold=array.size + 1,
        floatmode="unique",
        max_line_width=10**9,
        formatter={
            "float_kind": lambda v: _float(v, of),
            "complex_kind": lambda v: f"complex({_float(v.real, of)}, {_float(v.imag, of)})",
        },
    )
    return re.sub(r"\s*\n\s*", " ", text)


def _float(value: Any, of: str = "np") -> str:
    if np.isfinite(value):
        return repr(float(value))
    return f"{of}.nan" if np.isnan(value) else f"{of}.inf" if value > 0 else f"-{of}.inf"


def literal(value: Any, *, tensors: bool = False) -> str:
    """A value as a Python expression over `np`, or over `torch`, that makes it again, memory layout included."""
    if isinstance(value, np.ndarray):
        return _tensor(value) if tensors else _array(value)
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        return f"{_type(value)}({_numbers(np.asarray(value))})"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {literal(held, tensors=tensors)}" for key, held in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(item, tensors=tensors) for item in value) + "]"
    if isinstance(value, tuple):
        inner = ", ".join(literal(item, tensors=tensors) for item in value)
        return f"({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        return value.__name__
    return repr(value)


def _array(value: Array) -> str:
    layout = layout_of(value)
    dtype = "" if value.dtype in (np.float64, np.int64) else ", dtype=" + _type(value)
    if value.size == 0:
        return f"np.zeros({value.shape}, dtype={_type(value)})"
    period = _period(value, layout)
    if period == 1:
        return f"np.full({value.shape}, {_numbers(value.flat[0])}{dtype})"
    if period:
        return f"np.resize(np.array({_numbers(value.ravel()[:period])}{dtype}), {value.shape})"
    if layout == "reversed":
        return f"np.array({_numbers(value[..., ::-1])}{dtype})[..., ::-1]"
    plain = f"np.array({_numbers(value)}{dtype})"
    if layout == "F":
        return f"np.asfortranarray({plain})"
    return f"np.repeat({plain}, 2, axis=-1)[..., ::2]" if layout == "strided" else plain


def _tensor(value: Array) -> str:
    layout = layout_of(value)
    period = _period(value, layout)
    dtype = f", dtype=torch.{value.dtype}" if value.dtype not in (np.float32, np.int64, np.bool_) else ""
    if value.size == 0:
        return f"torch.zeros({value.shape}{dtype})"
    if period == 1:
        return f"torch.full({value.shape}, {_numbers(value.flat[0], 'torch')}{dtype})"
    if period:
        first, times = _numbers(value.ravel()[:period], "torch"), -(-value.size // period)
        return f"torch.tensor({first}{dtype}).repeat({times})[:{value.size}].reshape({value.shape})"
    plain = f"torch.tensor({_numbers(value, 'torch')}{dtype})"
    if layout == "F":
        return f"{plain}.mT.contiguous().mT"
    return f"{plain}.repeat_interleave(2, -1)[..., ::2]" if layout == "strided" else plain


def _period(value: Array, layout: str) -> int:
    """After how few elements a large array begins anew, in row-major order; 0 if it does not."""
    if value.size <= SHOWN or layout != "C":
        return 0
    flat = value.ravel()
    # Bytes, since -0.0 equals 0.0 and NaN does not equal itself.
    periods = (period for period in range(1, PERIOD + 1) if flat[period:].tobytes() == flat[:-period].tobytes())
    return next(periods, 0)


def _type(value: Any) -> str:
    # NumPy 1 has no np.bool.
    return "np.bool_" if value.dtype.kind == "b" else f"np.{value.dtype}"


def call_text(call: Call) -> str:
    """A call as lines that can be pasted; an array that must be read-only is made so on a line before.

    Gradients that autograd is to find are shown as a call of `backward`; they then stand in `.grad`.
    """
    if call.measure == "gradient":
        return _gradient_text(call)
    before: list[str] = []

    def argument(name: str, value: Any) -> str:
        if isinstance(value, np.ndarray) and not value.flags.writeable and not call.tensors:
            before.append(f"{name} = {literal(value)}; {name}.flags.writeable = False")
            return name
        return literal(value, tensors=call.tensors)

    args = [argument(f"arg{place}", value) for place, value in enumerate(call.args, 1)]
    args += [f"{key}={argument(key, value)}" for key, value in call.kwargs.items()]
    return "\n".join([*before, f"{call.name}({', '.join(args)})"])


def _gradient_text(call: Call) -> str:
    cotangents, places, *args = call.args
    texts: dict[Any, str] = {**{i: literal(arg, tensors=True) for i, arg in enumerate(args)},
             **{key: literal(value, tensors=True) for key, value in call.kwargs.items()}}  # fmt: skip
    lines = []
    for number, place in enumerate(places):
        value = args[place] if isinstance(place, int) else call.kwargs[place]
        name = f"t{number}"
        lines.append(f"{name} = {_tensor(value)}.requires_grad_()")
        texts[place] = name
    said = ", ".join(text if isinstance(key, int) else f"{key}={text}" for key, text in texts.items())
    made = f"{call.name}({said})"
    sent = {i: literal(c, tensors=True) for i, c in enumerate(cotangents) if c is not None}
    if len(cotangents) == 1:
        return "\n".join([*lines, f"{made}.backward({sent[0]})"])
    parts = ", ".join(f"results[{i}]" for i in sent)
    return "\n".join([*lines, f"results = {made}", f"torch.autograd.backward([{parts}], [{', '.join(sent.values())}])"])


def weight(arguments: Any) -> tuple[int, int]:
    """How large a counterexample is: the elements of its arrays, then the length of its text."""
    values = arguments.values() if isinstance(arguments, Mapping) else [arguments]
    size = sum(_elements(value) for value in values)
    return size, sum(len(literal(value)) for value in values) if size <= 1000 else 0


def _elements(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return int(value.size)
    if isinstance(value, Mapping):
        return sum(_elements(item) for item in value.values())
    return sum(_elements(item) for item in value) if isinstance(value, (list, tuple)) else 0


# -- two arrays under each other ---------------------------------------------------------------------------------------


def worst_index(got: Array, want: Array, wrong: Array) -> tuple[int, ...]:
    """The index of the wrong element that is furthest off; a non-finite one where the right one is finite leads."""
    wide = np.complex128 if "c" in (got.dtype.kind, want.dtype.kind) else np.float64
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(wide) - want.astype(wide))
    error = np.where(np.isnan(error), np.inf, error)
    error = np.where(wrong, error, -1.0)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(error)), error.shape))


def aligned(got: Any, want: Any, wrong: Any = None) -> tuple[str, str, Worst | None]:
    """Expected and got as text in columns of one width, the worst element between arrows, and that element.

    Returns: the expected text, the got text, and the worst element (None if nothing is marked as wrong).
    """
    if not numeric(got) or not numeric(want) or np.shape(got) != np.shape(want):
        return shown(want), shown(got), None
    left, right = np.asarray(got), np.asarray(want)
    marks = np.asarray(wrong) if wrong is not None else np.zeros(left.shape, dtype=bool)
    index = worst_index(left, right, marks) if marks.any() else None
    cut, lead = _window(left, index)
    digits = 6
    while digits < 17 and index is not None and _text(left[index], digits) == _text(right[index], digits):
        digits += 3
    worst = None
    if index is not None:
        with np.errstate(all="ignore"):
            error = float(abs(left[index].astype(np.float64) - right[index])) if left.dtype.kind in "biuf" else None
        bounded = error if error is not None and np.isfinite(error) else None
        worst = Worst(index, _text(right[index], max(digits, 6)), _text(left[index], max(digits, 6)), bounded)
    inside = None if index is None else tuple(i - start for i, start in zip(index, lead, strict=True))
    cells = [[_text(v, digits) for v in array[cut].reshape(-1)] for array in (right, left)]
    width = max((len(cell) for row in cells for cell in row), default=1)
    texts = [_grid(row, left[cut].shape, inside, width) for row in cells]
    if left[cut].size < left.size:
        where = ", ".join(f"{s.start}:{s.stop}" for s in cut)
        texts = [f"[{where}] of shape {left.shape}:\n{text}" for text in texts]
    return texts[0], texts[1], worst


def shown(value: Any) -> str:
    """A value for reading: an array in full if it is small."""
    if isinstance(value, (Foreign, Oversize)):
        return (
            visible(value.description, limit=200)
            if isinstance(value, Foreign)
            else f"{value.dtype} array of shape {value.shape}"
        )
    if isinstance(value, (np.ndarray, np.generic)):
        return np.array2string(np.asarray(value), separator=", ", precision=6, threshold=SHOWN, max_line_width=100)
    return repr(value)[:500]


def numeric(value: Any) -> bool:
    """Whether a value is a number or an array of numbers."""
    return isinstance(value, (int, float, np.ndarray, np.generic)) and np.asarray(value).dtype.kind in "biufc"


def _window(array: Array, index: tuple[int, ...] | None) -> tuple[tuple[slice, ...], tuple[int, ...]]:
    """The part of an array to show: all of it if small, else the innermost rows about the worst element."""
    if array.size <= SHOWN:
        return tuple(slice(0, side) for side in array.shape), (0,) * array.ndim
    centre = index or (0,) * array.ndim
    starts, slices, room = [], [], SHOWN
    for axis in reversed(range(array.ndim)):
        length = min(array.shape[axis], max(1, min(room, 8 if axis >= array.ndim - 2 else 1)))
        start = max(0, min(centre[axis] - length // 2, array.shape[axis] - length))
        starts.append(start)
        slices.append(slice(start, start + length))
        room //= length
    return tuple(reversed(slices)), tuple(reversed(starts))


def _text(value: Any, digits: int) -> str:
    if np.asarray(value).dtype.kind == "b":
        return str(bool(value))
    if np.asarray(value).dtype.kind in "iu":
        return str(int(value))
    if np.asarray(value).dtype.kind == "c":
        return f"{complex(value):.{digits}g}"
    return f"{float(value):.{digits}g}"


def _grid(cells: Sequence[str], shape: tuple[int, ...], mark: tuple[int, ...] | None, width: int) -> str:
    at = -1 if mark is None or not shape else int(np.ravel_multi_index(mark, shape))
    if not shape:
        return cells[0]
    padded = [f"{'>' if i == at else ' '}{cell:>{width}}{'<' if i == at else ' '}" for i, cell in enumerate(cells)]

    def block(start: int, sides: tuple[int, ...], indent: int) -> str:
        if len(sides) == 1:
            return "[" + "".join(padded[start : start + sides[0]]) + "]"
        step = int(np.prod(sides[1:]))
        rows = [block(start + i * step, sides[1:], indent + 1) for i in range(sides[0])]
        return "[" + ("\n" + " " * (indent + 1)).join(rows) + "]"

    return block(0, shape, 0)
