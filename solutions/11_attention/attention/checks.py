"""Checks of attention: what it computes, the laws that it obeys, and its backward pass."""

import math

import numpy as np
from dlgrade.author import Agreement, Example, Gradient, Mismatch, Policy, arrays, assert_close, assert_equal, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracles: one query at a time, over the keys that it may attend to -------------------------------------------------


def _allowed(q, k, mask=None, causal=False):
    """Who may attend to whom, (..., n, m)."""
    shape = (*q.shape[:-1], k.shape[-2])
    allowed = np.ones(shape, dtype=bool) if mask is None else np.broadcast_to(mask, shape).copy()
    if causal:
        for i in range(shape[-2]):
            allowed[..., i, i + 1 :] = False
    return allowed


def _rows(q, k, mask=None, causal=False):
    """For each query that may attend to something: its place, the places of its keys, and their weights."""
    for at in np.ndindex(q.shape[:-1]):
        keys = np.flatnonzero(_allowed(q, k, mask, causal)[at])
        if len(keys):
            scores = k[at[:-1]][keys] @ q[at] / math.sqrt(q.shape[-1])
            powers = np.exp(scores - scores.max())
            yield at, keys, powers / math.fsum(powers)


def _attention(q, k, v, mask=None, causal=False):
    out = np.zeros((*q.shape[:-1], v.shape[-1]))
    weights = np.zeros((*q.shape[:-1], k.shape[-2]))
    for at, keys, shares in _rows(q, k, mask, causal):
        weights[at][keys] = shares
        out[at] = shares @ v[at[:-1]][keys]
    return out, weights


def _attention_backward(grad, q, k, v, mask=None, causal=False):
    dq, dk, dv = np.zeros(q.shape), np.zeros(k.shape), np.zeros(v.shape)
    for at, keys, shares in _rows(q, k, mask, causal):
        lead = at[:-1]
        jacobian = np.diag(shares) - np.outer(shares, shares)
        d_scores = jacobian @ (v[lead][keys] @ grad[at]) / math.sqrt(q.shape[-1])
        dq[at] = d_scores @ k[lead][keys]
        dk[lead][keys] += np.outer(d_scores, q[at])
        dv[lead][keys] += np.outer(shares, grad[at])
    return dq, dk, dv


# Rounding moves a score by a part of the products that it is the sum of, whatever is left of that sum, and a weight by
# the same part of itself. The only key that is seen has the weight 1, whatever its score.
def _drive(q, k, mask=None, causal=False):
    """For each query: 1, or a tenth of the largest score that it could have with such keys."""
    products = np.abs(q) @ np.abs(k).swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    choice = _allowed(q, k, mask, causal).sum(axis=-1, keepdims=True) > 1
    return 1 + np.where(choice, products.max(axis=-1, keepdims=True), 0) / 10


def _size(q, k, v, mask=None, causal=False):
    """Each weight is its own yardstick, so that a tiny one cannot be rounded away unseen."""
    _, weights = _attention(q, k, v, mask, causal)
    drive = _drive(q, k, mask, causal)
    return drive * np.abs(v).max(axis=(-1, -2), keepdims=True) + 1e-30, drive * weights + 1e-30


def _backward_size(grad, q, k, v, mask=None, causal=False):
    pulls = np.abs(grad) @ np.abs(v).swapaxes(-1, -2)
    drive = _drive(q, k, mask, causal)
    slopes = (drive * pulls).max() / math.sqrt(q.shape[-1])
    rows, columns = q.shape[-2], k.shape[-2]
    of_weights = drive.max() * np.abs(grad).max() * rows
    return slopes * columns * np.abs(k).max() + 1e-30, slopes * rows * np.abs(q).max() + 1e-30, of_weights + 1e-30


# -- inputs ------------------------------------------------------------------------------------------------------------

# Leading dimensions, queries, keys, width of queries and keys, width of values.
_SIZES = (
    *(((), 1, 2, 1, 1), ((), 2, 2, 1, 1), ((), 2, 3, 2, 1), ((), 3, 2, 2, 3), ((), 3, 3, 3, 2), ((), 1, 3, 2, 2)),
    *(((2,), 2, 3, 2, 1), ((2,), 3, 2, 1, 3), ((2,), 3, 3, 4, 2), ((2, 2), 2, 3, 3, 2), ((1, 3), 3, 2, 2, 2)),
    *(((2, 1), 2, 4, 2, 3), ((), 4, 1, 2, 2), ((), 5, 3, 2, 1), ((), 2, 5, 3, 2)),
)
_MASKS = ("none", "whole", "shared", "heads", "keys", "padding", "queries")


def _mask_shape(way, lead, n, m):
    """A shape that broadcasts to (..., n, m)."""
    return {
        "whole": (*lead, n, m),
        "shared": (n, m),
        "heads": (*lead[1:], n, m),
        "keys": (m,),
        "padding": (*lead, 1, m),
        "queries": (n, 1),
    }[way]


@st.composite
def _calls(draw, *, sizes=_SIZES, kinds=("plain",), masks=_MASKS, causal=(False, True), backward=False, within=2.0):
    """Arguments of attention, or of attention_backward; options at their defaults are left out."""
    lead, n, m, d, e = draw(st.sampled_from(sizes))
    case = {"grad": draw(arrays((*lead, n, e), within=3))} if backward else {}
    case["q"] = draw(arrays((*lead, n, d), within=within))
    case["k"] = draw(arrays((*lead, m, d), within=within))
    case["v"] = draw(arrays((*lead, m, e), within=3))
    kind = draw(st.sampled_from(kinds))
    # One query of several, and some keys of several: where one key takes all, or all keys are equal, dq is zero.
    if kind == "wide" and n > 1:
        case["q"][..., 0, :] *= draw(st.sampled_from((1e2, 1e4)))
    if kind == "level":
        case["k"] = case["k"] + draw(st.sampled_from((1e3, -1e3)))
    if kind == "ties" and m > 2:
        case["k"][..., 1, :] = case["k"][..., 0, :]
    way = draw(st.sampled_from(masks))
    if way != "none":
        shape = _mask_shape(way, lead, n, m)
        case["mask"] = draw(arrays(shape, within=1, whole=True)) >= 0
        blank = draw(st.sampled_from((None, None, 0, 1)))
        if blank is not None and len(shape) > 1:
            case["mask"][..., blank % shape[-2], :] = False
    if draw(st.sampled_from(causal)):
        case["causal"] = True
    return case


_KINDS = ("plain", "plain", "plain", "wide", "level", "ties")


def _fixed(lead, n, m, d, e, *, backward=False, **changed):
    """One such call; numbers of two decimals, most of which float32 cannot hold."""
    rng = np.random.default_rng([*lead, n, m, d, e])
    shapes = {"q": (*lead, n, d), "k": (*lead, m, d), "v": (*lead, m, e)}
    if backward:
        shapes = {"grad": (*lead, n, e), **shapes}
    return {name: np.round(rng.normal(size=shape), 2) for name, shape in shapes.items()} | changed


def _at(shape, *hidden):
    """A mask that is False at these places, each an index of its last two axes, and True elsewhere."""
    mask = np.ones(shape, dtype=bool)
    for place in hidden:
        mask[(..., *place)] = False
    return mask


_LINE = slice(None)
_OF_HEADS = np.array(
    [
        [[True, False, True], [True, True, False], [False, True, True]],
        [[False, True, True], [False, False, True], [True, True, False]],
    ]
)
# Live keys whose scores are far below whatever finite number stands for a hidden one's.
_FAR_BELOW = {
    "q": np.array([[4000.0], [2000.0], [0.001]]),
    "k": np.array([[-2000.0], [0.0], [1000.0]]),
    "v": np.array([[1.0, 2.0], [3.0, -1.0], [-2.0, 5.0]]),
    "mask": np.array([[True, False, False], [True, False, False], [True, True, False]]),
}
# The same below -1e9 and -1e30, of which one is as finite as the other.
_FARTHER_BELOW = tuple(
    {"q": np.array([[-size]]), "k": np.array([[size], [1.0]]), "v": np.array([[1.0], [2.0]]), "mask": seen}
    for size, seen in ((1e5, np.array([True, False])), (1e18, np.array([[True, False]])))
)
# No query's own scores are far apart, but those of two queries are, or of two samples.
_QUERIES_APART = {
    "q": np.array([[1.0], [1000.0]]),
    "k": np.array([[2.0], [2.5], [2.25]]),
    "v": np.array([[1.0, 2.0], [3.0, -1.0], [-2.0, 5.0]]),
}
_SAMPLES_APART = {
    "q": np.array([[[1.0], [1.25]], [[-1.0], [-0.75]]]),
    "k": np.array([[[1000.0], [1001.0], [999.5]], [[1000.5], [1001.0], [999.0]]]),
    "v": np.array([[[1.0], [3.0], [-2.0]], [[2.0], [-1.0], [5.0]]]),
}
# Beyond exp() in float32 only.
_BEYOND_SINGLE = {
    "q": np.array([[1.0], [-1.0]]),
    "k": np.array([[100.0], [99.0], [-120.0]]),
    "v": np.array([[1.0, 2.0], [3.0, -1.0], [-2.0, 5.0]]),
}


def _always(*, backward=False):
    """The places where implementations part."""
    ladder = np.array([[1e4], [1e4 - 1], [-1e4], [0.5 - 1e4]])
    steps = np.array([[0.0], [-15.0], [-8.0], [-18.0]])
    calls = (
        _fixed((), 2, 3, 4, 2, backward=backward),
        _fixed((), 3, 2, 2, 3, backward=backward, causal=True),
        _fixed((), 2, 4, 3, 1, backward=backward, causal=True),
        _fixed((), 2, 3, 2, 2, backward=backward, mask=_at((2, 3), (0, 1))),
        _fixed((), 3, 3, 2, 2, backward=backward, mask=_at((3, 3), (1, _LINE), (2, 0))),
        _fixed((), 3, 3, 2, 2, backward=backward, mask=_at((3, 3), (0, 0), (2, 1)), causal=True),
        _fixed((2,), 3, 4, 3, 2, backward=backward, mask=_at((2, 1, 4), (0, 1)), causal=True),
        _fixed((2, 3), 2, 3, 2, 4, backward=backward, mask=_at((2, 1, 2, 3), (1, 2))),
        _fixed((), 3, 3, 4, 3, backward=backward, causal=True),
        _fixed((), 3, 4, 2, 1, backward=backward, mask=_at((1, 4), (0, 0), (0, 3))),
        _fixed((), 2, 2, 1, 1, backward=backward, mask=np.zeros((2, 2), dtype=bool)),
        _fixed((), 4, 3, 2, 2, backward=backward, mask=_at((4, 1), (2, 0)), causal=False),
        _fixed((), 2, 4, 1, 2, backward=backward, k=ladder, q=np.array([[1.0], [-1.0]])),
        _fixed((), 2, 4, 1, 2, backward=backward, k=ladder, q=np.array([[1.0], [-1.0]]), mask=_at((1, 4), (0, 0))),
        _fixed((), 2, 4, 1, 2, backward=backward, k=steps, q=np.array([[1.0], [1.25]])),
        _fixed((2,), 2, 5, 3, 2, backward=backward),
        _fixed((), 1, 1, 1, 1, backward=backward, mask=None, causal=True),
        # More than any tile or block that is likely.
        _fixed((2,), 18, 17, 6, 5, backward=backward, mask=np.arange(17) % 7 != 3, causal=True),
        _fixed((), 5, 3, 3, 2, backward=backward, causal=True, mask=np.array([False, True, True])),
        # A mask of one axis fewer than the scores is one for each head, not for each sample.
        _fixed((2, 2), 3, 3, 2, 2, backward=backward, mask=_OF_HEADS),
        _fixed((2, 1, 2), 2, 3, 2, 1, backward=backward),
        # As many queries as keys: a row is of the keys, a column of the queries.
        _fixed((), 3, 3, 2, 1, backward=backward, mask=np.array([True, False, True])),
        _fixed((), 3, 3, 2, 1, backward=backward, mask=_at((3, 1), (1, 0))),
        # An axis of size 1 stands for every sample, or for every head.
        _fixed((2, 2), 3, 3, 2, 2, backward=backward, mask=_OF_HEADS[None]),
        _fixed((2, 2), 3, 3, 2, 2, backward=backward, mask=_OF_HEADS[:, None]),
    )
    turned = _with(_SAMPLES_APART, q=-_SAMPLES_APART["q"])
    far = (_FAR_BELOW, *_FARTHER_BELOW, _QUERIES_APART, _SAMPLES_APART, turned, _BEYOND_SINGLE)
    if backward:
        far = tuple({"grad": _cotangent(case), **case} for case in far)
    return (*calls[:8], *far[:-1], *calls[8:], far[-1])


def _cotangent(case):
    """One of two decimals."""
    shape = (*case["q"].shape[:-1], case["v"].shape[-1])
    return np.round(np.random.default_rng(shape).normal(size=shape), 2)


def _with(case, **changed):
    return {**case, **changed}


def _without(case, *names):
    return {name: value for name, value in case.items() if name not in names}


def _who(case):
    """Who may attend to whom in a call."""
    return _allowed(case["q"], case["k"], case.get("mask"), case.get("causal", False))


def _shaped(result, shape, name):
    """The result, once it is known to have the shape that the law goes on to use."""
    if np.shape(result) != shape:
        raise Mismatch(f"the shape of {name} is {np.shape(result)}, not {shape}", got=result, want=np.zeros(shape))
    return np.asarray(result)


def _attended(attention, case):
    """attention's two results, of the right shapes."""
    out, weights = attention(**case)
    lead, m, e = case["q"].shape[:-1], case["k"].shape[-2], case["v"].shape[-1]
    return _shaped(out, (*lead, e), "out"), _shaped(weights, (*lead, m), "weights")


def _gradients(attention_backward, case):
    """attention_backward's three results, of the right shapes."""
    named = zip("qkv", attention_backward(**case), strict=True)
    return [_shaped(gradient, case[name].shape, f"d{name}") for name, gradient in named]


def _compared(got, want, names, *, rtol=1e-10):
    """Compare several results one by one, against 1 where all is small."""
    for name, ours, theirs in zip(names, got, want, strict=True):
        assert_close(ours, theirs, rtol=rtol, scale=max(1.0, np.abs(theirs).max()), message=f"what differs is {name}")


_RESULTS = ("out", "weights")
_GRADIENTS = ("dq", "dk", "dv")

# -- the forward pass --------------------------------------------------------------------------------------------------

examples = Example(points=1)
permitted = Policy()

attention_agrees = Agreement(
    "attention",
    oracle=_attention,
    given=_calls(kinds=_KINDS),
    cases=_always(),
    scale=_size,
    parts=_RESULTS,
    points=3,
    says="attention gives (out, weights), worked out query by query over the keys that it may attend to.",
    examples=20,
)


@check(points=0.5, examples=12)
@given(case=_calls())
@example(case=_fixed((), 2, 3, 4, 2))
@example(case=_fixed((), 3, 3, 2, 2, mask=_at((3, 3), (0, 1), (2, 0))))
@example(case=_fixed((), 3, 3, 2, 2, mask=_at((3, 3), (1, _LINE))))
def weights_are_distributions(attention, case):
    """The weights of a query are not negative and sum to 1; to 0 where it may attend to nothing."""
    _, weights = _attended(attention, case)
    if not np.all(weights >= 0):
        raise Mismatch("a weight is negative or NaN", got=weights, want=np.where(weights >= 0, weights, 0))
    want = _who(case).any(axis=-1).astype(float)
    assert_close(weights.sum(axis=-1), want, rtol=1e-13, scale=1.0, message="the weights of a query sum to another")


@check(points=1, examples=12)
@given(case=_calls(masks=("none",), causal=(False,)))
@example(case=_fixed((), 2, 3, 4, 2))
@example(case=_fixed((2,), 2, 3, 3, 2))
def odds_are_those_of_the_scaled_scores(attention, case):
    """The ratio of two weights of a query is exp() of the difference of their scores, q · k / sqrt(d)."""
    _, weights = _attended(attention, case)
    scores = np.einsum("...id,...jd->...ij", case["q"], case["k"]) / math.sqrt(case["q"].shape[-1])
    best = scores.argmax(axis=-1)[..., None]
    ratio = weights / np.take_along_axis(weights, best, -1)
    want = np.exp(scores - np.take_along_axis(scores, best, -1))
    assert_close(ratio, want, scale=want, message="the ratio of a weight to the query's largest differs")


@check(points=0.5, examples=12)
@given(case=_calls())
@example(case=_fixed((), 2, 3, 4, 2))
@example(case=_fixed((), 3, 3, 2, 2, mask=_at((3, 3), (1, _LINE), (2, 0))))
def out_is_the_weighted_average(attention, case):
    """The output is weights @ v, for the weights that are returned."""
    out, weights = _attended(attention, case)
    _compared((out,), (weights @ case["v"],), ("out",))


@check(points=1, examples=16)
@given(case=_calls(masks=_MASKS[1:]))
@example(case=_fixed((), 2, 3, 2, 2, mask=_at((2, 3), (0, 1))))
@example(case=_fixed((), 3, 3, 2, 2, mask=_at((3, 3), (0, 2), (2, 1)), causal=True))
@example(case=_fixed((2,), 2, 3, 2, 2, mask=_at((2, 1, 3), (0, 2))))
def false_hides_and_true_does_not(attention, case):
    """A weight is exactly 0 where the mask is False or a causal query looks ahead, and greater than 0 elsewhere."""
    _, weights = _attended(attention, case)
    allowed = _who(case)
    assert_equal(weights * ~allowed, np.zeros(weights.shape), message="a hidden key has a weight")
    if not np.all(weights[allowed] > 0):
        raise Mismatch("a key that may be attended to has no weight", got=weights > 0, want=allowed)


@check(points=0.5, examples=12)
@given(case=_calls(masks=("none",), causal=(True,)))
@example(case=_fixed((), 3, 3, 2, 2, causal=True))
@example(case=_fixed((), 2, 4, 2, 1, causal=True))
@example(case=_fixed((), 4, 2, 3, 2, causal=True))
@example(case=_fixed((2,), 3, 2, 2, 2, causal=True))
def causal_is_a_triangular_mask(attention, case):
    """causal=True is the mask that is True where j <= i, whether n and m are equal or not."""
    triangle = _with(_without(case, "causal"), mask=_who(case))
    _compared(_attended(attention, case), _attended(attention, triangle), _RESULTS)


@check(points=0.5, examples=12)
@given(case=_calls(masks=("whole", "shared", "keys", "padding"), causal=(True,)))
@example(case=_fixed((), 3, 3, 2, 2, mask=_at((3, 3), (1, 0), (2, 1)), causal=True))
@example(case=_fixed((), 3, 3, 2, 2, mask=_at((1, 3), (0, 0)), causal=True))
def mask_and_causal_must_both_allow(attention, case):
    """With a mask and causal=True, a query sees the keys that both allow: as with the one mask that says so."""
    _compared(
        _attended(attention, case), _attended(attention, _with(_without(case, "causal"), mask=_who(case))), _RESULTS
    )


@st.composite
def _blanked(draw, *, backward=False):
    """A call in which one query, at least, may attend to nothing."""
    case = draw(_calls(masks=("whole", "shared"), backward=backward))
    case["mask"][..., draw(st.integers(0, case["mask"].shape[-2] - 1)), :] = False
    return case


@check(points=0.5, examples=12)
@given(case=_blanked())
@example(case=_fixed((), 2, 2, 2, 2, mask=_at((2, 2), (0, _LINE))))
@example(case=_fixed((), 3, 3, 2, 2, mask=_at((3, 3), (0, 0), (2, _LINE)), causal=True))
@example(case=_fixed((2,), 2, 3, 2, 1, mask=_at((2, 2, 3), (1, _LINE))))
def nothing_to_see_gives_zeros(attention, case):
    """A query that may attend to nothing has output and weights 0, and the others are as if it were not there."""
    blind = ~_who(case).any(axis=-1, keepdims=True)
    out, weights = _attended(attention, case)
    assert_equal(np.where(blind, out, 0), np.zeros(out.shape), message="a query that sees nothing has an output")
    message = "a query that sees nothing has weights"
    assert_equal(np.where(blind, weights, 0), np.zeros(weights.shape), message=message)
    free_out, free_weights = _attended(attention, _with(_without(case, "causal"), mask=_who(case) | blind))
    _compared((out, weights), (np.where(blind, 0, free_out), np.where(blind, 0, free_weights)), _RESULTS)


@st.composite
def _hidden_keys(draw, *, backward=False):
    """A call in which no query may attend to the first key or to the last, and other values of that key."""
    sizes = tuple(size for size in _SIZES if size[2] > 1)
    case = draw(_calls(sizes=sizes, masks=("none",), causal=(False,), backward=backward))
    m = case["k"].shape[-2]
    at = draw(st.sampled_from((0, m - 1)))
    return _with(case, mask=np.arange(m) != at), draw(st.sampled_from((1e3, -1e3, 1e6, -1e6)))


def _hidden_key(case, at):
    return _with(case, mask=np.arange(case["k"].shape[-2]) != at)


@check(points=0.5, examples=12)
@given(drawn=_hidden_keys())
@example(drawn=(_hidden_key(_fixed((), 2, 3, 2, 2), 0), 1e3))
@example(drawn=(_hidden_key(_fixed((), 2, 3, 2, 2), 2), -1e6))
@example(drawn=(_hidden_key(_fixed((2,), 3, 3, 2, 1), 1), 1e6))
def hidden_keys_may_be_anything(attention, drawn):
    """A key and its value that no query may attend to can be replaced by ±1,000,000: nothing changes."""
    case, number = drawn
    changed = {name: np.where(case["mask"][:, None], case[name], number) for name in ("k", "v")}
    _compared(_attended(attention, _with(case, **changed)), _attended(attention, case), _RESULTS)


@check(points=0.5, examples=10)
@given(case=_calls(masks=("none", "shared")), number=st.sampled_from((1e3, -1e3)))
@example(case=_fixed((), 2, 3, 2, 2, q=np.array([[2.0, 1.0], [-1.0, 2.0]])), number=1e3)
@example(case=_fixed((), 2, 3, 1, 2, q=np.array([[2.0], [-2.0]])), number=-1e3)
def a_common_shift_of_the_keys_changes_nothing(attention, case, number):
    """Adding one vector to all keys adds one number to all scores of a query: its weights stay, however large."""
    _compared(_attended(attention, _with(case, k=case["k"] + number)), _attended(attention, case), _RESULTS, rtol=1e-9)


@check(points=0.5, examples=10)
@given(
    case=_calls(sizes=tuple(size for size in _SIZES if size[0]), masks=("none", "whole", "padding", "shared", "heads"))
)
@example(case=_fixed((2,), 3, 3, 3, 2))
@example(case=_fixed((2,), 2, 3, 2, 2, mask=_at((2, 1, 3), (0, 2)), causal=True))
@example(case=_fixed((2, 2), 2, 3, 2, 2, mask=np.arange(24).reshape(2, 2, 2, 3) % 5 != 1))
@example(case=_fixed((2, 2), 3, 3, 2, 2, mask=_OF_HEADS))
def leading_dimensions_are_alone(attention, case):
    """Each leading index, such as a sample or a head, attends by itself, under its own part of the mask."""
    out, weights = _attended(attention, case)
    for at in np.ndindex(case["q"].shape[:-2]):
        _compared((out[at], weights[at]), _attended(attention, _alone(case, at)), _RESULTS)


def _alone(case, at):
    """The part of a call that belongs to one leading index."""
    shape = (*case["q"].shape[:-1], case["k"].shape[-2])
    parts = {name: case[name][at].copy() for name in ("grad", "q", "k", "v") if name in case}
    if "mask" in case:
        parts["mask"] = np.broadcast_to(case["mask"], shape)[at].copy()
    return _with(case, **parts)


# -- the backward pass -------------------------------------------------------------------------------------------------

backward_agrees = Agreement(
    "attention_backward",
    oracle=_attention_backward,
    given=_calls(kinds=_KINDS, backward=True),
    cases=_always(backward=True),
    scale=_backward_size,
    parts=_GRADIENTS,
    points=3,
    says="attention_backward gives (dq, dk, dv), worked out query by query with softmax's Jacobian.",
    examples=20,
)


@check(points=0.5, examples=10)
@given(case=_calls(backward=True))
@example(case=_fixed((), 2, 3, 2, 2, backward=True))
@example(case=_fixed((), 3, 3, 2, 2, backward=True, mask=_at((3, 3), (1, _LINE), (2, 0))))
@example(case=_fixed((), 3, 2, 2, 1, backward=True, causal=True))
def dv_is_the_weighted_cotangent(attention_backward, case):
    """dv is the transpose of the weights times grad: each value gets every query's cotangent, by its weight."""
    _, weights = _attention(**_without(case, "grad"))
    _, _, dv = _gradients(attention_backward, case)
    _compared((dv,), (weights.swapaxes(-1, -2) @ case["grad"],), ("dv",))


@check(points=0.5, examples=10)
@given(case=_calls(backward=True))
@example(case=_fixed((), 2, 3, 2, 2, backward=True))
@example(case=_fixed((), 3, 3, 2, 2, backward=True, causal=True))
def dk_sums_to_zero_over_the_keys(attention_backward, case):
    """Over the keys dk sums to zero, since adding one vector to all keys changes no weight."""
    _, dk, _ = _gradients(attention_backward, case)
    scale = max(1.0, *(array.max() for array in _backward_size(**case)))
    assert_close(dk.sum(axis=-2), np.zeros(dk.sum(axis=-2).shape), rtol=1e-12, scale=scale)


@check(points=0.5, examples=10)
@given(case=_calls(backward=True))
@example(case=_fixed((), 2, 3, 4, 2, backward=True))
@example(case=_fixed((2,), 3, 3, 3, 1, backward=True, causal=True))
def queries_and_keys_share_the_slope(attention_backward, case):
    """The sum of q * dq equals the sum of k * dk: both are that of scores times their cotangents."""
    dq, dk, _ = _gradients(attention_backward, case)
    scale = max(1.0, case["q"].size * np.abs(case["q"]).max() * _backward_size(**case)[0].max())
    assert_close(np.sum(case["q"] * dq), np.sum(case["k"] * dk), rtol=1e-12, scale=scale)


@check(points=1, examples=10)
@given(
    case=_calls(sizes=tuple(size for size in _SIZES if size[1] == 1), masks=("none",), causal=(False,), backward=True)
)
@example(case=_fixed((), 1, 3, 2, 2, backward=True))
@example(case=_fixed((), 1, 4, 3, 1, backward=True))
def one_query_has_a_known_gradient(attention_backward, case):
    """For one query, dq = s @ k / sqrt(d) and dk = outer(s, q) / sqrt(d), where s = w (a - w · a) and a = v @ grad."""
    weights = _attention(**_without(case, "grad"))[1][0]
    gains = case["v"] @ case["grad"][0]
    slopes = weights * (gains - weights @ gains) / math.sqrt(case["q"].shape[-1])
    dq, dk, _ = _gradients(attention_backward, case)
    _compared((dq, dk), ((slopes @ case["k"])[None], np.outer(slopes, case["q"][0])), ("dq", "dk"))


@check(points=0.5, examples=10)
@given(case=_calls(backward=True))
@example(case=_fixed((), 2, 3, 2, 2, backward=True))
@example(case=_fixed((), 3, 3, 2, 2, backward=True, mask=_at((3, 3), (1, _LINE), (2, 0))))
def equal_values_teach_nothing_to_queries_and_keys(attention_backward, case):
    """Where all values are equal, the output is that value whatever the weights are: dq and dk are zero."""
    case = _with(case, v=case["v"][..., :1, :] + np.zeros(case["v"].shape))
    scales = _backward_size(**case)
    for name, gradient, scale in zip(("dq", "dk"), _gradients(attention_backward, case), scales, strict=False):
        size = max(1.0, float(np.max(scale)))
        assert_close(gradient, np.zeros(gradient.shape), rtol=1e-12, scale=size, message=f"not zero is {name}")


@check(points=0.5, examples=12)
@given(case=_blanked(backward=True))
@example(case=_fixed((), 2, 2, 2, 2, backward=True, mask=_at((2, 2), (0, _LINE))))
@example(case=_fixed((), 3, 3, 2, 2, backward=True, mask=_at((3, 3), (_LINE, 1), (2, _LINE))))
@example(case=_fixed((2,), 2, 3, 2, 1, backward=True, mask=_at((2, 3), (0, _LINE), (1, 2))))
@example(case=_fixed((), 3, 4, 2, 2, backward=True, mask=_at((3, 4), (1, _LINE)), causal=True))
def the_hidden_has_no_gradient(attention_backward, case):
    """dq is exactly 0 for a query that sees nothing, and dk and dv are for a key that no query sees."""
    allowed = _who(case)
    blind, unseen = ~allowed.any(axis=-1)[..., None], ~allowed.any(axis=-2)[..., None]
    for name, gradient, hidden in zip(
        _GRADIENTS, _gradients(attention_backward, case), (blind, unseen, unseen), strict=True
    ):
        message = f"not 0 where nothing is seen is {name}"
        assert_equal(np.where(hidden, gradient, 0), np.zeros(gradient.shape), message=message)


@check(points=0.5, examples=12)
@given(case=_calls(backward=True, masks=("none", "shared", "keys"), causal=(True,)))
@example(case=_fixed((), 3, 3, 2, 2, backward=True, causal=True))
@example(case=_fixed((), 2, 4, 2, 1, backward=True, causal=True))
@example(case=_fixed((), 4, 2, 3, 2, backward=True, causal=True))
@example(case=_fixed((), 3, 3, 2, 2, backward=True, mask=_at((3, 3), (1, 0), (2, 1)), causal=True))
def the_gradient_knows_causal_and_mask(attention_backward, case):
    """The gradients with causal=True, and with a mask besides, are those with the one mask that says the same."""
    triangle = _with(_without(case, "causal"), mask=_who(case))
    _compared(_gradients(attention_backward, case), _gradients(attention_backward, triangle), _GRADIENTS)


@check(points=0.5, examples=10)
@given(drawn=_hidden_keys(backward=True))
@example(drawn=(_hidden_key(_fixed((), 2, 3, 2, 2, backward=True), 0), 1e3))
@example(drawn=(_hidden_key(_fixed((), 2, 3, 2, 2, backward=True), 2), -1e6))
@example(drawn=(_hidden_key(_fixed((), 3, 3, 2, 2, backward=True), 1), 1e6))
def hidden_keys_change_no_gradient(attention_backward, drawn):
    """A key and its value that no query may attend to can be replaced by ±1,000,000: no gradient changes."""
    case, number = drawn
    changed = {name: np.where(case["mask"][:, None], case[name], number) for name in ("k", "v")}
    _compared(_gradients(attention_backward, _with(case, **changed)), _gradients(attention_backward, case), _GRADIENTS)


@check(points=0.5, examples=10)
@given(
    case=_calls(
        sizes=tuple(size for size in _SIZES if size[0]),
        masks=("none", "whole", "padding", "shared", "heads"),
        backward=True,
    )
)
@example(case=_fixed((2,), 3, 3, 3, 2, backward=True))
@example(case=_fixed((2,), 2, 3, 2, 2, backward=True, mask=_at((2, 1, 3), (0, 2)), causal=True))
@example(case=_fixed((2, 2), 2, 3, 2, 2, backward=True, mask=np.arange(24).reshape(2, 2, 2, 3) % 5 != 1))
@example(case=_fixed((2, 2), 3, 3, 2, 2, backward=True, mask=_OF_HEADS))
def gradients_of_leading_dimensions_are_alone(attention_backward, case):
    """Each leading index, such as a sample or a head, has gradients of its own, with no mean over them."""
    together = _gradients(attention_backward, case)
    for at in np.ndindex(case["q"].shape[:-2]):
        alone = _gradients(attention_backward, _alone(case, at))
        _compared([gradient[at] for gradient in together], alone, _GRADIENTS)


gradient = Gradient(
    "attention",
    backward="attention_backward",
    wrt=("q", "k", "v"),
    cotangents=("grad", None),
    oracle=_attention_backward,
    forward_oracle=_attention,
    given=_calls(sizes=_SIZES[:8]),
    points=2,
    says="attention_backward agrees with finite differences of your own attention, for a random cotangent of out.",
    examples=8,
)
