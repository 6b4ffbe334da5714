"""Checks of softmax: what it computes, the laws that it obeys, and its backward pass."""

import math

import numpy as np
from dlgrade.author import Agreement, Example, Gradient, Mismatch, Policy, arrays, assert_close, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracles -----------------------------------------------------------------------------------------------------------


def _softmax(x, axis=-1):
    def along(scores):
        powers = np.exp(scores - scores.max())
        return powers / math.fsum(powers)

    return np.apply_along_axis(along, axis, np.asarray(x, dtype=np.float64))


def _backward(grad, probs, axis=-1):
    grad, probs = np.moveaxis(grad, axis, -1), np.moveaxis(probs, axis, -1)
    result = np.zeros(probs.shape)
    for row in np.ndindex(probs.shape[:-1]):
        jacobian = np.diag(probs[row]) - np.outer(probs[row], probs[row])
        result[row] = grad[row] @ jacobian
    return np.moveaxis(result, -1, axis)


def _size(x, axis=-1):
    """Each probability is its own yardstick, so that a tiny one cannot be clipped or rounded away unseen.

    Working with the logarithm of the sum costs a relative error of eps * |x|, which is right too; and what underflows
    in float32 may be 0.
    """
    return _softmax(x, axis) * (1 + np.abs(x).max() / 10) + 1e-30


def _backward_size(grad, probs, axis=-1):
    return probs * np.abs(grad).max(axis=axis, keepdims=True) + 1e-30


# -- inputs ------------------------------------------------------------------------------------------------------------

# Mostly more than one slice and more than one entry, so that few examples are blind to a wrong axis.
_SHAPES = st.sampled_from(
    (
        *((3,), (2, 3), (3, 3), (1, 4), (3, 1), (4, 2), (1,), (5, 3)),
        *((2, 3, 2), (2, 2, 3), (3, 1, 2), (1, 3, 3)),
        *((2, 3, 1, 2), (2, 2, 2, 3)),
    )
)


@st.composite
def _scores(draw, *, kinds=("plain",), within=3.0, backward=False):
    """A call's arguments; for the backward pass, those that belong to such scores."""
    x = draw(arrays(draw(_SHAPES), within=within))
    axis = draw(st.sampled_from((-1, *range(x.ndim), *range(-x.ndim, -1))))
    kind = draw(st.sampled_from(kinds))
    if kind == "wide":
        x = x * 300
    if kind == "levels":
        x = x + draw(arrays(x.max(axis=axis, keepdims=True).shape, within=10, whole=True)) * 1000
    if kind == "ties":
        x = x.max(axis=axis, keepdims=True) * draw(st.sampled_from((1, 1000))) + np.zeros(x.shape)
    given_axis = {} if axis == -1 else {"axis": axis}
    if not backward:
        return {"x": x, **given_axis}
    return {"grad": draw(arrays(x.shape, within=10)), "probs": _softmax(x, axis), **given_axis}


_KINDS = ("plain", "wide", "levels", "ties")
_square = np.array([[0.0, 1.0, 2.0], [0.5, -1.0, 3.0], [2.0, 0.25, -2.0]])
_block = np.arange(24.0).reshape(2, 3, 4) % 7
_wide = np.array([[0.0, -1000.0, -10.0], [-60.0, 0.0, -30.0]])
_always = (
    {"x": _square},
    {"x": _square, "axis": 0},
    {"x": _block, "axis": 1},
    {"x": _block},
    # Large scores that differ by little: no digit of the difference may be lost, in float32 neither.
    {"x": np.array([1e6, 1e6 + 1, 1e6 + 2])},
    {"x": np.array([3e4, 3e4 + 1])},
    {"x": _block[:, None], "axis": -3},
    {"x": _block[None, :, None, :2, :3], "axis": 1},
    {"x": np.array([1e4, 1e4 + 1, 1e4 - 2])},
    {"x": np.array([-1e4, -1e4, -1e4 + 1])},
    {"x": np.array([1e4, 1e4 - 0.7])},
    {"x": np.array([1e4, 1e4 + 0.05])},
    {"x": np.array([-1e6, -1e6 + 1])},
    {"x": _wide},
    # Beyond exp() in float32 only.
    {"x": np.array([[100.0, 90.0, -100.0], [-120.0, -100.0, -110.0]])},
    {"x": np.array([[1e4, 0.0], [-1e4, -1e4 + 1]])},
    {"x": np.array([[3.0]])},
    {"x": np.linspace(-4, 4, 150)},
)
_backward_always = (
    {"grad": _square.T - 1, "probs": _softmax(_square)},
    {"grad": _square.T - 1, "probs": _softmax(_square, 0), "axis": 0},
    {"grad": _block[::-1] - 2, "probs": _softmax(_block, 1), "axis": 1},
    {"grad": _block[::-1] - 2, "probs": _softmax(_block)},
    {"grad": _block[::-1, None] - 2, "probs": _softmax(_block[:, None], -3), "axis": -3},
    {"grad": np.array([1.0, -2.0, 5.0]), "probs": np.array([0.0, 1.0, 0.0])},
    {"grad": np.array([[2.0, 5.0]]), "probs": np.array([[1.0, 1.0]]), "axis": 0},
)


def _axis(case):
    return case.get("axis", -1)


def _shaped(result, like):
    """The result, once it is known to have the shape that the law goes on to use."""
    if np.shape(result) != np.shape(like):
        raise Mismatch(f"shape {np.shape(result)}, not {np.shape(like)}", got=result, want=like)
    return np.asarray(result)


# -- the forward pass --------------------------------------------------------------------------------------------------

examples = Example(points=1)
permitted = Policy()

softmax_agrees = Agreement(
    "softmax",
    oracle=_softmax,
    given=_scores(kinds=_KINDS, within=10),
    scale=_size,
    cases=_always,
    points=3,
    says="softmax is exp(x) / sum(exp(x)) along `axis`, for scores of any size and any number of axes.",
)


@check(points=1, examples=10)
@given(case=_scores())
@example(case={"x": _square})
@example(case={"x": _square, "axis": 0})
def sums_to_one(softmax, case):
    """Along `axis` the probabilities sum to 1."""
    p = _shaped(softmax(**case), case["x"])
    assert_close(
        p.sum(axis=_axis(case)), np.ones(p.sum(axis=_axis(case)).shape), rtol=1e-13, message="a slice does not sum to 1"
    )


@check(points=1, examples=10)
@given(case=_scores(within=10))
@example(case={"x": _square})
@example(case={"x": _square, "axis": 0})
def has_exponential_odds(softmax, case):
    """The ratio of two probabilities of a slice is exp() of the difference of their scores."""
    x, axis = case["x"], _axis(case)
    p = _shaped(softmax(**case), x)
    winner = np.expand_dims(x.argmax(axis=axis), axis)
    with np.errstate(all="ignore"):
        ratio = p / np.take_along_axis(p, winner, axis)
    want = np.exp(x - np.take_along_axis(x, winner, axis))
    message = "p divided by the slice's largest p is not exp(x - the slice's largest x)"
    assert_close(ratio, want, scale=want, message=message)


@check(points=1, examples=10)
@given(case=_scores(), level=st.sampled_from((1e4, -1e4, 1e3, -1e3)), fall=st.sampled_from((0, 1, 2)))
@example(case={"x": _square}, level=1e4, fall=0)
@example(case={"x": _square, "axis": 0}, level=1e4, fall=2)
@example(case={"x": _square}, level=-1e4, fall=0)
@example(case={"x": _wide}, level=-1e4, fall=0)
def ignores_a_common_shift(softmax, case, level, fall):
    """Adding one number to all the scores of a slice, another to each slice, changes no probability."""
    x, axis = case["x"], _axis(case)
    slices = x.max(axis=axis, keepdims=True).shape
    shift = level - fall * 1000.0 * np.arange(math.prod(slices)).reshape(slices)
    # x + shift is rounded to about 1e-12, and so are the probabilities.
    message = "the probabilities of x + shift are not those of x"
    assert_close(softmax(**{**case, "x": x + shift}), softmax(**case), rtol=1e-9, message=message)


@check(points=1, examples=10)
@given(case=_scores(), winner=st.integers(0, 4), lead=st.sampled_from((1e4, 5e3, 800.0)))
@example(case={"x": _square}, winner=1, lead=1e4)
@example(case={"x": _square - 700}, winner=1, lead=800.0)
@example(case={"x": _square - 1e4}, winner=1, lead=1e4)
@example(case={"x": _square}, winner=1, lead=1e200)
def gives_all_to_a_large_lead(softmax, case, winner, lead):
    """A score that leads its slice by hundreds has probability 1, and the others 0."""
    x, axis = case["x"], _axis(case)
    places = np.expand_dims(np.full(x.max(axis=axis).shape, winner % x.shape[axis]), axis)
    want = np.zeros(x.shape)
    np.put_along_axis(want, places, 1.0, axis)
    message = "the leader's probability is not 1, or another's not 0"
    assert_close(softmax(**{**case, "x": x + lead * want}), want, rtol=1e-9, message=message)


@check(points=1, examples=10)
@given(case=_scores(), level=st.sampled_from((0.0, 2.0, 800.0, -800.0, 1e4, -1e4)))
@example(case={"x": _square}, level=-1e4)
@example(case={"x": _square, "axis": 0}, level=1e4)
def shares_equally_among_equals(softmax, case, level):
    """Where all the scores of a slice are equal, each of its C entries has probability 1 / C."""
    x = case["x"]
    got, want = softmax(**{**case, "x": np.full(x.shape, level)}), np.full(x.shape, 1 / x.shape[_axis(case)])
    assert_close(got, want, rtol=1e-9, message="the probabilities of equal scores are not 1 / C")


@check(points=1, examples=10)
@given(case=_scores(), which=st.integers(0, 99))
@example(case={"x": _square}, which=1)
@example(case={"x": _square, "axis": 0}, which=1)
@example(case={"x": _block, "axis": 1}, which=5)
def treats_each_slice_alone(softmax, case, which):
    """The probabilities of a slice depend on no other slice."""
    x, axis = case["x"], _axis(case)
    whole = np.moveaxis(_shaped(softmax(**case), x), axis, -1)
    alone = np.moveaxis(x, axis, -1)
    row = np.unravel_index(which % math.prod(alone.shape[:-1]), alone.shape[:-1])
    message = "a slice's probabilities are not those that it has alone"
    assert_close(whole[row], softmax(np.ascontiguousarray(alone[row])), message=message)


@check(points=1, examples=10)
@given(case=_scores())
@example(case={"x": _square, "axis": 0})
@example(case={"x": _block, "axis": 1})
def counts_axes_from_both_ends(softmax, case):
    """An axis counted from the end gives the same probabilities as that axis counted from the start."""
    x, axis = case["x"], _axis(case) % case["x"].ndim
    message = "the same axis, counted from the end and from the start, gives different probabilities"
    assert_close(softmax(x, axis=axis - x.ndim), softmax(x, axis=axis), message=message)


# -- the backward pass -------------------------------------------------------------------------------------------------

backward_agrees = Agreement(
    "softmax_backward",
    oracle=_backward,
    given=_scores(kinds=_KINDS, backward=True),
    scale=_backward_size,
    cases=_backward_always,
    points=3,
    says="softmax_backward is the cotangent times softmax's Jacobian, slice by slice along `axis`.",
)


@check(points=1, examples=10)
@given(case=_scores(backward=True), constant=st.sampled_from((1.0, -2.0, 5.0)))
@example(case=_backward_always[0], constant=1.0)
@example(case=_backward_always[1], constant=-2.0)
@example(case=_backward_always[2], constant=1.0)
def backward_of_a_constant_is_zero(softmax_backward, case, constant):
    """A cotangent that is the same for all the entries gives 0: the probabilities' sum cannot change."""
    p = case["probs"]
    got = softmax_backward(**{**case, "grad": np.full(p.shape, constant)})
    message = "the gradient for a constant cotangent is not 0"
    assert_close(got, np.zeros(p.shape), rtol=1e-12, scale=abs(constant), message=message)


@check(points=1, examples=10)
@given(case=_scores(backward=True))
@example(case=_backward_always[0])
@example(case=_backward_always[1])
def backward_sums_to_zero(softmax_backward, case):
    """Along `axis` the gradient sums to 0: raising all the scores alike changes nothing."""
    total = _shaped(softmax_backward(**case), case["probs"]).sum(axis=_axis(case))
    scale, message = np.abs(case["grad"]).max() + 1e-300, "the gradient's sum along `axis` is not 0"
    assert_close(total, np.zeros(total.shape), rtol=1e-12, scale=scale, message=message)


@check(points=0.5, examples=10)
@given(case=_scores(backward=True), factor=st.sampled_from((2.0**40, 2.0**-40)))
@example(case=_backward_always[0], factor=2.0**40)
@example(case=_backward_always[0], factor=2.0**-40)
def backward_scales_with_the_cotangent(softmax_backward, case, factor):
    """A cotangent that is k times as large gives a gradient that is k times as large, however large or small k is."""
    want = factor * _shaped(softmax_backward(**case), case["probs"])
    got = softmax_backward(**{**case, "grad": factor * case["grad"]})
    scale = factor * (np.abs(case["grad"]).max() + 1e-300)
    assert_close(got, want, rtol=1e-12, scale=scale, message="the gradient is not k times what it was")


@check(points=0.5, examples=10)
@given(case=_scores(backward=True), turn=st.sampled_from((1, 2, 3)))
@example(case=_backward_always[0], turn=1)
@example(case=_backward_always[1], turn=1)
def backward_is_symmetric(softmax_backward, case, turn):
    """Softmax's Jacobian J is symmetric: for two cotangents u and v, v · (J u) is u · (J v)."""
    u = case["grad"]
    v = np.roll(u, turn, axis=_axis(case)) + np.cos(np.arange(u.size)).reshape(u.shape)
    one = np.sum(v * _shaped(softmax_backward(**case), u))
    other = np.sum(u * _shaped(softmax_backward(**{**case, "grad": v}), u))
    scale, message = u.size * (1 + np.abs(u).max() ** 2), "v · (J u) is not u · (J v)"
    assert_close(one, other, rtol=1e-12, scale=scale, message=message)


@check(points=1, examples=10)
@given(case=_scores(backward=True), which=st.integers(0, 99))
@example(case=_backward_always[0], which=1)
@example(case=_backward_always[1], which=1)
@example(case=_backward_always[2], which=1)
def backward_treats_each_slice_alone(softmax_backward, case, which):
    """The gradient of a slice depends on no other slice, and there is no mean over them."""
    axis = _axis(case)
    whole = np.moveaxis(_shaped(softmax_backward(**case), case["probs"]), axis, -1)
    grad, probs = np.moveaxis(case["grad"], axis, -1), np.moveaxis(case["probs"], axis, -1)
    row = np.unravel_index(which % math.prod(probs.shape[:-1]), probs.shape[:-1])
    alone = softmax_backward(np.ascontiguousarray(grad[row]), np.ascontiguousarray(probs[row]))
    scale, message = np.abs(grad[row]).max() + 1e-300, "a slice's gradient is not the one that it has alone"
    assert_close(whole[row], alone, rtol=1e-12, scale=scale, message=message)


gradient = Gradient(
    "softmax",
    backward="softmax_backward",
    wrt="x",
    cotangents=("grad",),
    outputs=("probs",),
    oracle=_backward,
    forward_oracle=_softmax,
    given=_scores(),
    points=2,
    says="softmax_backward agrees with finite differences of your own softmax, for a random cotangent.",
)
