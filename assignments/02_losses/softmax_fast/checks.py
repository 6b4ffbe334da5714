"""Checks of softmax_fast: what it computes, the laws that it obeys, its gradient by autograd, and what it costs."""

import math

import numpy as np
import torch
from dlgrade.author import Agreement, Example, Gradient, Mismatch, Policy, Timing, arrays, assert_close, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracles -----------------------------------------------------------------------------------------------------------


def library(x, dim=-1):
    """The library's own, in whatever precision it is given."""
    return torch.softmax(x, dim)


def _softmax(x, dim=-1):
    powers = np.exp(x - x.max(axis=dim, keepdims=True))
    return powers / powers.sum(axis=dim, keepdims=True)


def _size(x, dim=-1):
    """Each probability is its own yardstick, so that a tiny one cannot be clipped or rounded away unseen.

    Working with the logarithm of the sum costs a relative error of eps * |x|, which is right too; and what underflows
    in float32 may be 0.
    """
    return _softmax(x, dim) * (1 + np.abs(x).max() / 10) + 1e-30


# -- inputs ------------------------------------------------------------------------------------------------------------

# Mostly more than one slice and more than one entry, so that few examples are blind to a wrong dimension.
_SHAPES = st.sampled_from(
    (
        *((3,), (2, 3), (3, 3), (1, 4), (3, 1), (4, 2), (1,), (5, 3)),
        *((2, 3, 2), (2, 2, 3), (3, 1, 2), (1, 3, 3)),
        *((2, 3, 1, 2), (2, 2, 2, 3)),
    )
)


@st.composite
def _scores(draw, *, kinds=("plain",), within=3.0):
    """A call's arguments."""
    x = draw(arrays(draw(_SHAPES), within=within))
    dim = draw(st.sampled_from((-1, *range(x.ndim), *range(-x.ndim, -1))))
    kind = draw(st.sampled_from(kinds))
    if kind == "wide":
        x = x * 300
    if kind == "levels":
        x = x + draw(arrays(x.max(axis=dim, keepdims=True).shape, within=10, whole=True)) * 1000
    if kind == "ties":
        x = x.max(axis=dim, keepdims=True) * draw(st.sampled_from((1, 1000))) + np.zeros(x.shape)
    return {"x": x} if dim == -1 else {"x": x, "dim": dim}


_KINDS = ("plain", "wide", "levels", "ties")
_square = np.array([[0.0, 1.0, 2.0], [0.5, -1.0, 3.0], [2.0, 0.25, -2.0]])
_block = np.arange(24.0).reshape(2, 3, 4) % 7
_wide = np.array([[0.0, -1000.0, -10.0], [-60.0, 0.0, -30.0]])
_always = (
    {"x": _square},
    {"x": _square, "dim": 0},
    {"x": _block, "dim": 1},
    {"x": _block},
    {"x": _block[:, None], "dim": -3},
    {"x": _block[None, :, None, :2, :3], "dim": 1},
    # Large scores that differ by little: no digit of the difference may be lost, in float32 neither.
    {"x": np.array([1e6, 1e6 + 1, 1e6 + 2])},
    {"x": np.array([-1e6, -1e6 + 1])},
    {"x": np.array([1e4, 1e4 + 1, 1e4 - 2])},
    {"x": np.array([-1e4, -1e4, -1e4 + 1])},
    {"x": np.array([1e4, 1e4 - 0.7])},
    {"x": _wide},
    # Beyond exp() in float32 only.
    {"x": np.array([[100.0, 90.0, -100.0], [-120.0, -100.0, -110.0]])},
    {"x": np.array([[1e4, 0.0], [-1e4, -1e4 + 1]])},
    {"x": np.array([[3.0]])},
    {"x": np.linspace(-4, 4, 150)},
    # More slices, and longer ones, than a block is likely to hold.
    {"x": np.arange(1100.0)[:, None] % 37 * np.array([0.0, 0.125])},
    {"x": np.arange(2100.0).reshape(1, 2100) % 41 / 8},
)


def _dim(case):
    return case.get("dim", -1)


def _shaped(result, like):
    """The result, once it is known to have the shape that the law goes on to use."""
    if np.shape(result) != np.shape(like):
        raise Mismatch(f"shape {np.shape(result)}, not {np.shape(like)}", got=result, want=like)
    return np.asarray(result)


# -- what it computes --------------------------------------------------------------------------------------------------

examples = Example(points=1)
permitted = Policy()

agrees = Agreement(
    "softmax_fast",
    oracle=library,
    given=_scores(kinds=_KINDS, within=10),
    scale=_size,
    cases=_always,
    points=4,
    says="softmax_fast is exp(x) / sum(exp(x)) along `dim`, for scores of any size, in the precision of the scores.",
)


@check(points=1, examples=10)
@given(case=_scores())
@example(case={"x": _square})
@example(case={"x": _square, "dim": 0})
def sums_to_one(softmax_fast, case):
    """Along `dim` the probabilities sum to 1."""
    total = _shaped(softmax_fast(**case), case["x"]).sum(axis=_dim(case))
    assert_close(total, np.ones(total.shape), rtol=1e-12, message="a slice does not sum to 1")


@check(points=1, examples=10)
@given(case=_scores(within=10))
@example(case={"x": _square})
@example(case={"x": _square, "dim": 0})
def has_exponential_odds(softmax_fast, case):
    """The ratio of two probabilities of a slice is exp() of the difference of their scores."""
    x, dim = case["x"], _dim(case)
    p = _shaped(softmax_fast(**case), x)
    winner = np.expand_dims(x.argmax(axis=dim), dim)
    with np.errstate(all="ignore"):
        ratio = p / np.take_along_axis(p, winner, dim)
    want = np.exp(x - np.take_along_axis(x, winner, dim))
    message = "p divided by the slice's largest p is not exp(x - the slice's largest x)"
    assert_close(ratio, want, scale=want, message=message)


@check(points=1, examples=10)
@given(case=_scores(), level=st.sampled_from((1e4, -1e4, 1e3, -1e3)), fall=st.sampled_from((0, 1, 2)))
@example(case={"x": _square}, level=1e4, fall=0)
@example(case={"x": _square, "dim": 0}, level=1e4, fall=2)
@example(case={"x": _square}, level=-1e4, fall=0)
@example(case={"x": _wide}, level=-1e4, fall=0)
def ignores_a_common_shift(softmax_fast, case, level, fall):
    """Adding one number to all the scores of a slice, another to each slice, changes no probability."""
    x, dim = case["x"], _dim(case)
    slices = x.max(axis=dim, keepdims=True).shape
    shift = level - fall * 1000.0 * np.arange(math.prod(slices)).reshape(slices)
    # x + shift is rounded to about 1e-12, and so are the probabilities.
    message = "the probabilities of x + shift are not those of x"
    assert_close(softmax_fast(**{**case, "x": x + shift}), softmax_fast(**case), rtol=1e-9, message=message)


@check(points=1, examples=10)
@given(case=_scores(), winner=st.integers(0, 4), lead=st.sampled_from((1e4, 5e3, 800.0)))
@example(case={"x": _square}, winner=1, lead=1e4)
@example(case={"x": _square - 700}, winner=1, lead=800.0)
@example(case={"x": _square - 1e4}, winner=1, lead=1e4)
@example(case={"x": _square}, winner=1, lead=1e200)
def gives_all_to_a_large_lead(softmax_fast, case, winner, lead):
    """A score that leads its slice by hundreds has probability 1, and the others 0."""
    x, dim = case["x"], _dim(case)
    places = np.expand_dims(np.full(x.max(axis=dim).shape, winner % x.shape[dim]), dim)
    want = np.zeros(x.shape)
    np.put_along_axis(want, places, 1.0, dim)
    message = "the leader's probability is not 1, or another's not 0"
    assert_close(softmax_fast(**{**case, "x": x + lead * want}), want, rtol=1e-9, message=message)


@check(points=1, examples=10)
@given(case=_scores(), which=st.integers(0, 99))
@example(case={"x": _square}, which=1)
@example(case={"x": _square, "dim": 0}, which=1)
@example(case={"x": _block, "dim": 1}, which=5)
def treats_each_slice_alone(softmax_fast, case, which):
    """The probabilities of a slice depend on no other slice."""
    x, dim = case["x"], _dim(case)
    whole = np.moveaxis(_shaped(softmax_fast(**case), x), dim, -1)
    alone = np.moveaxis(x, dim, -1)
    row = np.unravel_index(which % math.prod(alone.shape[:-1]), alone.shape[:-1])
    message = "a slice's probabilities are not those that it has alone"
    assert_close(whole[row], softmax_fast(np.ascontiguousarray(alone[row])), message=message)


@check(points=0.5, examples=10)
@given(case=_scores())
@example(case={"x": _square, "dim": 0})
@example(case={"x": _block, "dim": 1})
def counts_dimensions_from_both_ends(softmax_fast, case):
    """A dimension counted from the end gives the same probabilities as that dimension counted from the start."""
    x, dim = case["x"], _dim(case) % case["x"].ndim
    message = "the same dimension, counted from the end and from the start, gives different probabilities"
    assert_close(softmax_fast(x, dim=dim - x.ndim), softmax_fast(x, dim=dim), message=message)


# -- its gradient ------------------------------------------------------------------------------------------------------

gradient = Gradient(
    "softmax_fast",
    wrt="x",
    forward_oracle=library,
    given=_scores(kinds=("plain", "plain", "ties")),
    points=3,
    says="Autograd through softmax_fast gives softmax's gradient, for a random cotangent.",
)

# -- what it costs -----------------------------------------------------------------------------------------------------


def _zeros(rows, columns):
    """Scores whose values do not matter, but their number."""
    return np.zeros((rows, columns))


@check(points=1, examples=1)
@given(dims=st.just((0, 1)))
def memory_grows_with_the_scores(softmax_fast, dims):
    """It holds memory in proportion to the scores: no table of all pairs of a slice's scores, none of all slices."""
    for dim in dims:
        few, many = (softmax_fast.peak_memory(_zeros(side, side), dim=dim) for side in (40, 160))
        assert many <= 32 * few, (
            f"for 16 times the scores it holds {many / few:.0f} times the memory, {many / 1e6:.3g} MB for {160 * 160} "
            "scores: somewhere it makes a table of three sides, such as the differences of all pairs of scores"
        )
        few, many = (softmax_fast.peak_memory(_zeros(*((4, n) if dim else (n, 4))), dim=dim) for n in (256, 1024))
        assert many <= 8 * few, (
            f"for 4 times the scores in a slice it holds {many / few:.0f} times the memory: somewhere it makes a table "
            "of all pairs of a slice's scores"
        )
        few, many = (softmax_fast.peak_memory(_zeros(*((n, 4) if dim else (4, n))), dim=dim) for n in (256, 1024))
        assert many <= 8 * few, (
            f"for 4 times the slices it holds {many / few:.0f} times the memory: somewhere it makes a table of all "
            "pairs of slices. Does a reduction lose its dimension, so that (N,) meets (N, 1)?"
        )


@check(points=1, examples=1)
@given(dims=st.just((0, 1)))
def runs_no_python_loop(softmax_fast, dims):
    """No line of Python runs once for each slice, nor once for each of a slice's scores."""
    for dim in dims:
        for shape, what in (((2048, 2), "rows"), ((2, 2048), "columns")):
            lines = softmax_fast.lines_executed(_zeros(*shape), dim=dim)
            assert lines < 1024, (
                f"with dim={dim} it runs {lines} lines of Python for 2048 {what}: a loop that each operation on the "
                "whole tensor does for you, many times faster"
            )


@check(points=0.5, examples=1)
@given(dtypes=st.just((np.float32, np.float64)))
def float32_stays_float32(softmax_fast, dtypes):
    """For float32 it holds about half the memory that it holds for float64: nothing is computed in more digits."""
    single, double = (softmax_fast.peak_memory(_zeros(64, 64).astype(dtype)) for dtype in dtypes)
    assert single <= 0.8 * double, (
        f"given float32 it holds {single / 1e6:.3g} MB and given float64 {double / 1e6:.3g} MB: it computes both in "
        "the same digits. Look for .double(), .float(), .to() with a dtype, and tensors made from numbers"
    )


def _short_rows(rng, rows):
    """Rows of 7 scores: the work that many short rows are is far more than that of sending them."""
    return {"x": rng.standard_normal((rows, 7), dtype=np.float32)}


def _long_rows(rng, rows):
    """Rows of 512 scores."""
    return {"x": rng.standard_normal((rows, 512), dtype=np.float32)}


# torch.softmax works on one row after the other, and is slow where a row does not fill the processor's registers;
# operations on the whole tensor do not mind.
fast = Timing(
    "softmax_fast",
    baseline=library,
    given=_short_rows,
    size=150_000,
    limit=1.5,
    unit="rows of 7 scores",
    points=4,
    says="For many short rows softmax_fast takes at most 1.5 times what torch.softmax takes.",
)

# torch.softmax reads the scores and writes the probabilities. Elementary operations pass over the tensor eight times:
# the maximum reads, the difference and exp() and the quotient each read and write, the sum reads.
fast_on_gpu = Timing(
    "softmax_fast",
    baseline=library,
    given=_long_rows,
    size=98_304,
    limit=6.0,
    device="cuda",
    unit="rows of 512 scores",
    points=0,
    says="On a GPU softmax_fast takes at most 6 times what torch.softmax takes.",
)
