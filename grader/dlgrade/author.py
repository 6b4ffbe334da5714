"""The words an exercise is written in: checks, misconceptions, inputs. Pure data: nothing here runs a submission."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

from dlgrade import margin
from dlgrade.bounds import POINTS, Bounds

__all__ = [
    "Agreement",
    "Check",
    "Example",
    "Gradient",
    "Misconception",
    "Mismatch",
    "Policy",
    "Property",
    "Timing",
    "arrays",
    "assert_close",
    "assert_equal",
    "check",
    "misconception",
    "shapes",
]

Inputs: TypeAlias = "Mapping[str, st.SearchStrategy[Any]] | st.SearchStrategy[Mapping[str, Any]]"
"""Where a check's arguments come from: a strategy for each argument, or one strategy of whole argument mappings
(for arguments whose shapes depend on one another)."""

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


def _here() -> str:
    """The place in the author's file that is being executed, as `file:line`."""
    frame = sys._getframe(1)
    # Skip this module and the __init__ that dataclasses generate, whose file name is "<string>".
    while frame.f_back is not None and frame.f_code.co_filename in (__file__, "<string>"):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


# -- checks ------------------------------------------------------------------------------------------------------------

NUMBERS: Mapping[str, Bounds] = {
    "points": POINTS,
    "examples": Bounds(most=10_000, whole=True),
    "rtol": Bounds(),
    "rtol32": Bounds(),
    "step": Bounds(above=True),
    "size": Bounds(least=1, whole=True),
    "limit": Bounds(above=True),
}
"""What the numbers of a check must be, by the names of its arguments."""


@dataclass(frozen=True)
class Agreement:
    """Check: an entry point equals a trusted oracle on generated inputs.

    Args:
        entry_point: the name of the function that is checked.
        oracle: a trusted function of the same arguments. It is always given float64, and what it returns is
            expected; it need not be fast.
        given: where the arguments come from.
        points: what the check is worth.
        says: the sentence that the student reads; by default one that says what is checked.
        examples: how many inputs are drawn.
        cases: argument mappings that are always tried, before those that are drawn.
        rtol: how far a float64 result may be from the oracle's, in units of `scale`.
        rtol32: the same for float32.
        scale: the size that errors are measured against, from the same arguments: a number or an array that
            broadcasts to the result (or a tuple of these for a tuple of results). By default the largest
            magnitude in the expected array, or in the arguments where that is zero.
        parts: the names of the results where there are several, for the messages.
    """

    entry_point: str
    _: KW_ONLY
    oracle: Callable[..., Any]
    given: Inputs
    points: float = 1
    says: str = ""
    examples: int = 20
    cases: Sequence[Mapping[str, Any]] = ()
    rtol: float = 1e-10
    rtol32: float = 1e-4
    scale: Callable[..., Any] | None = None
    parts: Sequence[str] = ()
    name: str = ""
    where: str = field(default_factory=_here, repr=False, compare=False)

    @property
    def entry_points(self) -> tuple[str, ...]:
        """The names of the functions that the check calls."""
        return (self.entry_point,)


@dataclass(frozen=True)
class Property:
    """Check: a law, as a Hypothesis `@given` function whose remaining arguments are entry points; made by `check`.

    A law draws everything through its `@given` arguments, never inside its body, so that what was drawn once can
    be replayed on every submission.
    """

    law: Callable[..., Any]
    _: KW_ONLY
    points: float = 1
    says: str = ""
    examples: int = 20
    name: str = ""
    where: str = field(default_factory=_here, repr=False, compare=False)

    @functools.cached_property
    def entry_points(self) -> tuple[str, ...]:
        """The names of the functions that the check calls: the law's arguments that `@given` leaves free."""
        return tuple(inspect.signature(self.law).parameters)


@dataclass(frozen=True)
class Gradient:
    """Check: a hand-written backward pass agrees with finite differences of the student's own forward pass, and with
    the oracle's gradient, element by element, in float64.

    Without a backward, in an exercise on tensors, it is autograd through the student's forward that has to agree, and
    the oracle's gradient is autograd through `forward_oracle`.

    A backward's arguments are found by name: one named in `cotangents` is a random cotangent of that output of the
    forward pass, one named in `outputs` is that output itself, any other is the forward's argument of that name.

    Args:
        entry_point: the name of the forward function.
        backward: the name of the backward function; empty for autograd.
        wrt: the forward's arguments that are differentiated, in the order in which the backward returns them.
        oracle: a trusted backward of the same arguments as the student's.
        forward_oracle: a trusted forward of the same arguments as the student's.
        given: where the forward's arguments come from; keep them away from kinks.
        cases: forward's arguments that are always tried, before those that are drawn.
        cotangents: the backward's argument that is the cotangent of each of the forward's outputs, in order; None
            for an output that has none. Empty for a scalar loss, whose cotangent is 1.
        outputs: the backward's argument that is each of the forward's outputs, in order.
        points, says, examples: as for Agreement.
        step: the finite difference's step.
    """

    entry_point: str
    _: KW_ONLY
    backward: str = ""
    wrt: str | Sequence[str]
    oracle: Callable[..., Any] | None = None
    forward_oracle: Callable[..., Any]
    given: Inputs
    cotangents: Sequence[str | None] = ("grad",)
    outputs: Sequence[str | None] = ()
    points: float = 1
    says: str = ""
    examples: int = 6
    cases: Sequence[Mapping[str, Any]] = ()
    step: float = 1e-5
    name: str = ""
    where: str = field(default_factory=_here, repr=False, compare=False)

    @property
    def entry_points(self) -> tuple[str, ...]:
        """The names of the functions that the check calls."""
        return (self.entry_point, self.backward) if self.backward else (self.entry_point,)

    @property
    def judged(self) -> str:
        """What the check is of: the backward function, or autograd."""
        return self.backward or f"autograd through {self.entry_point}"

    @property
    def tensors(self) -> tuple[str, ...]:
        """The arguments that are differentiated, in the order of the backward's results."""
        return (self.wrt,) if isinstance(self.wrt, str) else tuple(self.wrt)


@dataclass(frozen=True)
class Example:
    """Check: the doctests in the stub's docstrings hold."""

    _: KW_ONLY
    points: float = 1
    says: str = "The examples in the docstrings hold."
    name: str = ""
    where: str = field(default_factory=_here, repr=False, compare=False)

    @property
    def entry_points(self) -> tuple[str, ...]:
        """Empty: the doctests are those of every entry point."""
        return ()


ANSWERS_FOR_SALE = (
    "torch", "tensorflow", "keras", "jax", "flax", "mxnet", "paddle", "cupy", "scipy", "sklearn", "skimage", "cv2",
    "tinygrad", "autograd", "statsmodels",
)  # fmt: skip
"""Libraries that hold ready-made versions of what a course asks for."""

BACK_DOORS = ("eval", "exec", "compile", "__import__", "importlib", "ctypes", "subprocess", "tracemalloc")
"""Names by which a library could be reached without its name being written, or a count falsified."""


@dataclass(frozen=True)
class Policy:
    """Check: what the exercise forbids, found in the syntax tree without running anything.

    In an exercise on tensors it is a list of what may be used instead, and the operators that run are looked at too:
    `checking.primitives` holds both lists.

    Args:
        forbid: dotted names (`scipy`, `numpy.linalg.norm`): importing or naming one of them, or anything below it,
            fails. An alias (`import numpy as np`) is seen through.
        permit: in an exercise on tensors, operations that may be used besides the usual ones.
        because: why something is forbidden, as the end of the sentence "`name` may not be used here: …".
        points, says: as for Agreement.
    """

    _: KW_ONLY
    forbid: Sequence[str] = ANSWERS_FOR_SALE + BACK_DOORS
    permit: Sequence[str] = ()
    because: str = ""
    points: float = 0
    says: str = "Only the permitted libraries are used."
    name: str = ""
    where: str = field(default_factory=_here, repr=False, compare=False)

    @property
    def entry_points(self) -> tuple[str, ...]:
        """Empty: the rules hold for the whole file."""
        return ()


@dataclass(frozen=True)
class Timing:
    """Check: an entry point takes at most `limit` times what a baseline takes on the same inputs, side by side.

    On the CPU it is processor time that counts, read from outside; on a GPU the time until the result is there. What is
    timed is verified too: against what the baseline returns.

    Args:
        entry_point: the name of the function that is timed.
        baseline: a function of the same arguments that needs nothing but torch and math: the library's own operator.
            Its source is sent to a worker of its own.
        given: the arguments for a generator of random numbers and a size; other numbers in every round.
        size: the size at which the work, and not the call, is what takes the time.
        limit: how many times the baseline's time.
        device: `cpu` or `cuda`; where there is none the check is skipped.
        rtol: how far a result may be from the baseline's, in units of the largest magnitude in it.
        unit: what the size counts, for the reader: `rows`, `keys`.
        against: what the baseline is, for the reader, where it is not torch's own operator: `a loop over sequences`.
        points, says: as for Agreement.
    """

    entry_point: str
    _: KW_ONLY
    baseline: Callable[..., Any]
    given: Callable[[np.random.Generator, int], Mapping[str, Any]]
    size: int
    limit: float
    device: str = "cpu"
    rtol: float = 1e-3
    unit: str = ""
    against: str = "torch's own operator"
    points: float = 1
    says: str = ""
    name: str = ""
    where: str = field(default_factory=_here, repr=False, compare=False)

    @property
    def entry_points(self) -> tuple[str, ...]:
        """The names of the functions that the check calls."""
        return (self.entry_point,)


Check: TypeAlias = Agreement | Property | Gradient | Example | Policy | Timing


def claim_of(check: Check) -> str:
    """The sentence that the student reads: the author's, or else what the check compares."""
    if check.says:
        return check.says
    match check:
        case Gradient(entry_point=forward, backward=""):
            return f"Autograd through {forward} agrees with finite differences of it."
        case Gradient(entry_point=forward, backward=backward):
            return f"{backward} agrees with finite differences of your own {forward}."
        case Timing(entry_point=name, limit=limit, against=against):
            return f"{name} takes at most {limit:g} times as long as {against}."
        case _:
            return f"{' and '.join(check.entry_points) or 'It'} agrees with its definition."


def check(*, points: float = 1, examples: int = 20) -> Callable[[Callable[..., Any]], Property]:
    """Make a Property of a Hypothesis `@given` function; its docstring's first line is what the student reads.

    Args:
        points: what the check is worth.
        examples: how many inputs are drawn; those that `@example` names are always tried besides.
    """

    def make(law: Callable[..., Any]) -> Property:
        inner = getattr(getattr(law, "hypothesis", None), "inner_test", law)
        place = f"{inner.__code__.co_filename}:{inner.__code__.co_firstlineno}"
        says = (inspect.getdoc(law) or "").split("\n")[0]
        return Property(law, points=points, says=says, examples=examples, name=law.__name__, where=place)

    return make


def named(item: Check, name: str) -> Check:
    """The same check under the name of the variable that holds it."""
    return replace(item, name=name)


# -- misconceptions ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Misconception:
    """A wrong implementation of an entry point, the sentence that cures it, and the check that must catch it."""

    code: Callable[..., Any]
    _: KW_ONLY
    of: str
    caught_by: str
    name: str
    cure: str
    where: str = field(repr=False, compare=False)


def misconception(*, of: str, caught_by: str) -> Callable[[Callable[..., Any]], Misconception]:
    """Declare a wrong implementation; its docstring is the cure that a student who made this mistake reads.

    Args:
        of: the entry point that it gets wrong, whose signature it shares.
        caught_by: the name of the check that must fail on it.
    """

    def make(code: Callable[..., Any]) -> Misconception:
        place = f"{code.__code__.co_filename}:{code.__code__.co_firstlineno}"
        cure = " ".join((inspect.getdoc(code) or "").split())
        return Misconception(code, of=of, caught_by=caught_by, name=code.__name__, cure=cure, where=place)

    return make


# -- inputs ------------------------------------------------------------------------------------------------------------


_SIDE = Bounds(whole=True)
_WITHIN = Bounds()


def shapes(*sides: int | tuple[int, int]) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes with these sides, each a length or a (smallest, largest) pair: `shapes((1, 4), 3)` gives (n, 3).

    Raises:
        ValueError: if a side is neither.
    """
    for side in sides:
        pair = side if isinstance(side, tuple | list) and len(side) == 2 else (side, side)
        if not all(map(_SIDE.hold, pair)) or pair[0] > pair[1]:
            raise ValueError(f"a side is {side!r}; it is {_SIDE}, or a (smallest, largest) pair of them")
    return st.tuples(*(st.just(side) if isinstance(side, int) else st.integers(*side) for side in sides))


# How an array's values are made, from the simplest to the hardest; Hypothesis shrinks towards the first.
_KINDS = ("small integers", "quarters", "uniform", "wide")

# A kind and the two digits of a seed. Each number stays below 100: Hypothesis replaces larger ones, now and then, by
# constants that it finds in whatever modules are loaded, and the same seed would then not give the same inputs.
_HOW = st.tuples(st.sampled_from(range(len(_KINDS))), st.integers(0, 99), st.integers(0, 99))


def _values(shape: tuple[int, ...], how: tuple[int, int, int], within: float, whole: bool) -> Array:
    kind, high, low = how
    rng = np.random.default_rng([100 * high + low, kind])
    if whole:
        bound = max(1, int(min(within, 4 if kind == 0 else within)))
        return rng.integers(-bound, bound, size=shape, endpoint=True).astype(np.float64)
    if kind == 0:
        bound = int(min(within, 3)) or 1
        return rng.integers(-bound, bound, size=shape, endpoint=True) * min(1.0, within)
    if kind == 1:
        bound = max(1, int(min(within, 8) * 4))
        return rng.integers(-bound, bound, size=shape, endpoint=True) * min(0.25, within)
    if kind == 2:
        return rng.uniform(-within, within, size=shape)
    signs = rng.choice([-1.0, 1.0], size=shape)
    magnitudes: Array = signs * within * 10.0 ** rng.uniform(-4, 0, size=shape)
    return magnitudes


def arrays(
    shape: tuple[int, ...] | st.SearchStrategy[tuple[int, ...]] | None = None,
    *,
    ndim: int = 2,
    sides: tuple[int, int] = (1, 4),
    within: float = 10.0,
    whole: bool = False,
) -> st.SearchStrategy[Array]:
    """Float64 arrays whose every element is random, that shrink to few elements and small integers.

    What is drawn is a shape, a kind of values and a seed, not each element: that is an order of magnitude faster
    than element by element, never leaves most of an array at one value, and since the low kinds are small integers
    and quarters a shrunk array is still short to read.

    Args:
        shape: the shape, or a strategy of shapes; by default `ndim` sides, each within `sides`.
        within: the largest magnitude.
        whole: integers only, so that sums of products are exact.

    Raises:
        ValueError: if `ndim`, `sides` or `within` is no such number.
    """
    if not _WITHIN.hold(within):
        raise ValueError(f"`within` is {within!r}; it is {_WITHIN}")
    if not _SIDE.hold(ndim):
        raise ValueError(f"`ndim` is {ndim!r}; it is {_SIDE}")
    if shape is None:
        shape = shapes(*([sides] * ndim))
    if isinstance(shape, tuple):
        return _arrays_of(shape, within, whole)
    return st.tuples(shape, _HOW).map(lambda drawn: _values(*drawn, within, whole))


# Kept, since a strategy takes longer to make than an array takes to draw, and composites make theirs for each example.
@functools.lru_cache(maxsize=4096)
def _arrays_of(shape: tuple[int, ...], within: float, whole: bool) -> st.SearchStrategy[Array]:
    return _HOW.map(lambda how: _values(shape, how, within, whole))


# -- assertions --------------------------------------------------------------------------------------------------------


class Mismatch(AssertionError):
    """A law's two sides differ; holds both, so that a report can show them aligned."""

    def __init__(self, message: str, *, got: Any, want: Any, rtol: float = 0.0, scale: Any = None) -> None:
        super().__init__(message)
        self.got = got
        self.want = want
        self.rtol = rtol
        self.scale = scale


def assert_close(got: Any, want: Any, *, rtol: float = 1e-10, scale: Any = None, message: str = "") -> None:
    """Fail unless `got` and `want` have one shape (or `want` is a number) and agree to `rtol` in units of `scale`.

    Args:
        got: what the submission computed.
        want: what it should be, an array of the same shape or one number for all elements.
        rtol: the allowed error in units of `scale`.
        scale: a number or an array that broadcasts; by default the largest magnitude in `want`, or 1 where that
            is zero. NaN agrees only with NaN, an infinity only with itself.
        message: what differs, in words.
    """
    left, right = np.asarray(got), np.asarray(want)
    if right.ndim and left.shape != right.shape:
        raise Mismatch(message or f"shape {left.shape}, not {right.shape}", got=got, want=want)
    if not np.all(close(left, np.broadcast_to(right, left.shape), rtol=rtol, scale=scale)):
        whole = np.broadcast_to(right, left.shape)
        raise Mismatch(message or "it does not hold here", got=got, want=whole, rtol=rtol, scale=scale)


def assert_equal(got: Any, want: Any, *, message: str = "") -> None:
    """Fail unless `got` and `want` are equal to the last bit (NaN equals NaN, -0.0 equals 0.0)."""
    assert_close(got, want, rtol=0.0, message=message)


def close(got: Array, want: Array, *, rtol: float, scale: Any = None) -> Array:
    """Where two arrays of one shape agree: |got - want| <= rtol * scale, NaN with NaN, infinities with themselves.

    Raises:
        ValueError: if the scale is not finite, so that anything would agree.
    """
    with np.errstate(all="ignore"):
        finite = np.isfinite(want)
        if scale is None:
            largest = np.max(np.abs(want[finite]), initial=0.0)
            scale = largest if largest > 0 else 1.0
        elif not np.all(np.isfinite(scale)):
            raise ValueError("the scale of a comparison is not finite")
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        error, allowed = np.abs(got - np.where(finite, want, 0)), rtol * np.asarray(scale)
        near = finite & np.isfinite(got) & (error <= allowed)
        margin.note(error, allowed)
    result: Array = same | near
    return result
