"""Checks of attention_tiled: what it computes, the laws that it obeys, autograd through it, and what it holds."""

import math

import numpy as np
import torch.nn.functional as F
from dlgrade.author import (
    Agreement,
    Example,
    Gradient,
    Mismatch,
    Policy,
    Timing,
    arrays,
    assert_close,
    check,
)
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracle and baseline -----------------------------------------------------------------------------------------------


def library(q, k, v, causal=False):
    """torch's own."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


# Rounding moves a score by a part of the products that it is the sum of, whatever is left of that sum, and a weight by
# the same part of itself. The only key that is seen has the weight 1, whatever its score.
def _size(q, k, v, causal=False):
    """For each query the largest value, times 1 plus a tenth of the largest score that it could have with such keys."""
    products = np.abs(q) @ np.abs(k).swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    choice = np.full((q.shape[-2], 1), k.shape[-2] > 1)
    if causal:
        choice[0] = False
    drive = 1 + np.where(choice, products.max(axis=-1, keepdims=True), 0) / 10
    return drive * np.abs(v).max(axis=(-1, -2), keepdims=True) + 1e-30


# -- inputs ------------------------------------------------------------------------------------------------------------

# Leading dimensions, queries, keys, width of queries and keys, width of values.
_SIZES = (
    *(((), 1, 2, 1, 1), ((), 2, 2, 1, 1), ((), 2, 3, 2, 1), ((), 3, 2, 2, 3), ((), 3, 3, 3, 2), ((), 1, 3, 2, 2)),
    *(((2,), 2, 3, 2, 1), ((2,), 3, 2, 1, 3), ((2,), 3, 3, 4, 2), ((2, 2), 2, 3, 3, 2), ((1, 3), 3, 2, 2, 2)),
    *(((2, 1), 2, 4, 2, 3), ((), 4, 1, 2, 2), ((), 5, 3, 2, 1), ((), 2, 5, 3, 2), ((2, 1, 2), 2, 3, 2, 1)),
)
# More keys than a tile has, and not always a whole number of tiles.
_LONG = (((), 2, 300, 1, 1), ((), 3, 515, 2, 1), ((2,), 2, 768, 1, 2), ((), 300, 290, 2, 1), ((), 270, 600, 1, 1))


@st.composite
def _calls(draw, *, sizes=_SIZES + _LONG, kinds=("plain",), causal=(False, True), within=2.0):
    """A call's arguments; `causal` is left out where it is False."""
    lead, n, m, d, e = draw(st.sampled_from(sizes))
    case = {
        "q": draw(arrays((*lead, n, d), within=within)),
        "k": draw(arrays((*lead, m, d), within=within)),
        "v": draw(arrays((*lead, m, e), within=3)),
    }
    kind = draw(st.sampled_from(kinds))
    if kind == "wide" and n > 1:
        case["q"][..., 0, :] *= draw(st.sampled_from((1e2, 1e4)))
    if kind == "level":
        case["k"] = case["k"] + draw(st.sampled_from((1e3, -1e3)))
    if kind == "ties" and m > 2:
        case["k"][..., 1, :] = case["k"][..., 0, :]
    if draw(st.sampled_from(causal)):
        case["causal"] = True
    return case


def _fixed(lead, n, m, d, e, **changed):
    """One such call; numbers of two decimals, most of which float32 cannot hold."""
    rng = np.random.default_rng([*lead, n, m, d, e])
    shapes = {"q": (*lead, n, d), "k": (*lead, m, d), "v": (*lead, m, e)}
    return {name: np.round(rng.normal(size=shape), 2) for name, shape in shapes.items()} | changed


def _columns(q, k, **changed):
    """A call whose queries and keys have one element each."""
    q, k = np.array(q)[:, None], np.array(k)[:, None]
    return {"q": q, "k": k, "v": np.arange(2.0 * len(k)).reshape(-1, 2) % 5 - 1.5} | changed


_rising = np.linspace(-1000, 1000, 900)
_EDGES = (
    _fixed((), 2, 3, 4, 2),
    _fixed((), 3, 2, 2, 3, causal=True),
    _fixed((), 2, 4, 3, 1, causal=True),
    _fixed((), 3, 3, 4, 3, causal=True),
    _fixed((2,), 3, 4, 3, 2, causal=True),
    _fixed((2, 3), 2, 3, 2, 4),
    # As many heads as queries, or as samples: axes that may be taken for one another.
    _fixed((3, 3), 3, 3, 3, 3),
    _fixed((3, 3), 3, 3, 3, 3, causal=True),
    _fixed((2, 1, 2), 3, 2, 2, 1, causal=True),
    _fixed((), 1, 1, 1, 1),
    _fixed((), 1, 1, 1, 1, causal=True),
    _fixed((), 4, 1, 2, 2, causal=True),
    _fixed((), 1, 5, 2, 2, causal=True),
    # Several tiles, the last of them whole, of one key, or of all but one.
    _fixed((2,), 300, 150, 5, 3, causal=True),
    _fixed((2,), 3, 768, 5, 3),
    _fixed((), 2, 257, 2, 1),
    _fixed((), 2, 511, 2, 1),
    _fixed((), 600, 600, 2, 2, causal=True),
    _fixed((), 390, 700, 1, 1, causal=True),
    _fixed((), 700, 390, 1, 1, causal=True),
    # The largest score in the last tile, in the first, in between; whole tiles that are lost beside another.
    *(_columns([1.0, -1.0, 0.01], _rising), _columns([0.5, -2.0], np.abs(_rising))),
    *(_columns(np.linspace(-1, 1, 300), _rising[:300] - 900, causal=True), _columns([1.0], _rising - 5000)),
    _columns(np.linspace(1, -1, 600), _rising[:600], causal=True),
    # Scores far apart: those of one query, those of two, those of two samples.
    _columns([1.0, -1.0], [1e4, 1e4 - 1, -1e4, 0.5 - 1e4]),
    _columns([1.0, 1000.0], [2.0, 2.5, 2.25]),
    _columns([1.0, 2.0], [-1000.0, -1001.0, -999.5], causal=True),
    {
        "q": np.array([[[1.0], [1.25]], [[-1.0], [-0.75]]]),
        "k": np.array([[[1000.0], [1001.0], [999.5]], [[1000.5], [1001.0], [999.0]]]),
        "v": np.array([[[1.0], [3.0], [-2.0]], [[2.0], [-1.0], [5.0]]]),
    },
    # A key ahead that leads by hundreds, and seen ones whose scores are below whatever stands for minus infinity.
    _columns([1.0, 1.0, 1.0], [0.0, 1.0, 900.0], causal=True),
    _columns([-1e5, 1.0], [1e5, 1.0], causal=True),
    _columns([-1e18, 1.0], [1e18, 1.0], causal=True),
    # Beyond exp() in float32 only, on either side.
    _columns([1.0, -1.0], [100.0, 99.0, -120.0]),
    _columns([1.0], [-95.0, -96.0]),
)
_KINDS = ("plain", "plain", "plain", "wide", "level", "ties")
_HEADS = tuple(size for size in _SIZES + _LONG if size[0])


def _given(case, **changed):
    return {**case, **changed}


def _seen(case):
    """How many keys each query sees, (n,)."""
    n, m = case["q"].shape[-2], case["k"].shape[-2]
    return np.minimum(np.arange(n) + 1, m) if case.get("causal") else np.full(n, m)


def _attended(attention_tiled, case):
    """The output, once it is known to have the shape that the law goes on to use."""
    out, shape = attention_tiled(**case), (*case["q"].shape[:-1], case["v"].shape[-1])
    if np.shape(out) != shape:
        raise Mismatch(f"the shape of the output is {np.shape(out)}, not {shape}", got=out, want=np.zeros(shape))
    return out


def _same(got, want, *, rtol=1e-10, message=""):
    """Compare outputs, against 1 where all is small."""
    assert_close(got, want, rtol=rtol, scale=max(1.0, np.abs(want).max()), message=message)


# -- what it computes --------------------------------------------------------------------------------------------------

examples = Example(points=1)
permitted = Policy()

agrees = Agreement(
    "attention_tiled",
    oracle=library,
    given=_calls(kinds=_KINDS),
    cases=_EDGES,
    scale=_size,
    points=4,
    says="attention_tiled equals torch's scaled_dot_product_attention.",
)

gradient = Gradient(
    "attention_tiled",
    wrt=("q", "k", "v"),
    forward_oracle=library,
    given=_calls(sizes=_SIZES[:9] + _SIZES[-1:]),
    points=2,
    examples=8,
    says="autograd through attention_tiled gives the gradients of q, k and v.",
)

_uphill = np.arange(300.0)[:, None] / 100

# Finite differences of a few elements of q, with thousands of calls saved for k and v.
gradient_across_tiles = Gradient(
    "attention_tiled",
    wrt="q",
    forward_oracle=library,
    given=_calls(sizes=(((), 2, 600, 1, 1), ((2,), 1, 530, 2, 1))),
    # Where the second tile has the larger scores, and where it has the smaller ones: by the maxima too a way leads
    # back, and whoever cuts it in one place only has a wrong gradient in one of the two.
    cases=(
        {"q": np.ones((1, 1)), "k": _uphill, "v": _uphill / 3},
        {"q": np.ones((1, 1)), "k": _uphill[::-1], "v": _uphill[::-1] / 3},
    ),
    points=1,
    examples=4,
    says="autograd finds its way back through several tiles.",
)


@check(points=0.5, examples=12)
@given(case=_calls(causal=(False,)))
@example(case=_fixed((), 2, 3, 4, 2))
@example(case=_fixed((2,), 2, 3, 3, 2))
def odds_are_those_of_the_scaled_scores(attention_tiled, case):
    """The ratio of two weights of a query is exp() of the difference of their scores, q · k / sqrt(d)."""
    m = case["k"].shape[-2]
    # With an identity for the values the output is the weights.
    weights = _attended(attention_tiled, _given(case, v=np.broadcast_to(np.eye(m), (*case["v"].shape[:-1], m)).copy()))
    scores = np.einsum("...id,...jd->...ij", case["q"], case["k"]) / math.sqrt(case["q"].shape[-1])
    best = scores.argmax(axis=-1)[..., None]
    want = np.exp(scores - np.take_along_axis(scores, best, -1))
    ratio = weights / np.take_along_axis(weights, best, -1)
    assert_close(ratio, want, scale=want, message="the ratio of a weight to the query's largest differs")


@check(points=0.5, examples=12)
@given(case=_calls(kinds=_KINDS), value=st.sampled_from((1.0, -2.5)))
@example(case=_fixed((), 3, 3, 2, 2, causal=True), value=1.0)
@example(case=_fixed((2,), 2, 3, 2, 2), value=-2.5)
def equal_values_come_out(attention_tiled, case, value):
    """Where all values are equal, so is the output: the weights of a query sum to 1."""
    case = _given(case, v=np.full(case["v"].shape, value))
    out = _attended(attention_tiled, case)
    assert_close(out, np.full(out.shape, value), scale=_size(**case), message="the output is another than the values")


@check(points=0.5, examples=12)
@given(case=_calls(), level=st.sampled_from((0.0, 3.0, 1e3)))
@example(case=_fixed((), 3, 4, 2, 2, causal=True), level=1e3)
@example(case=_fixed((), 4, 2, 2, 2), level=0.0)
def equal_keys_share_alike(attention_tiled, case, level):
    """Where all keys are equal, each query gets the mean of the values that it sees."""
    out = _attended(attention_tiled, _given(case, k=np.full(case["k"].shape, level)))
    means = np.cumsum(case["v"], axis=-2) / np.arange(1, case["v"].shape[-2] + 1)[:, None]
    _same(out, means[..., _seen(case) - 1, :], message="the output is not the mean of the values")


@check(points=1, examples=12)
@given(case=_calls(causal=(True,)))
@example(case=_fixed((), 3, 3, 2, 2, causal=True))
@example(case=_fixed((), 2, 4, 2, 1, causal=True))
@example(case=_fixed((), 4, 2, 3, 2, causal=True))
@example(case=_fixed((2,), 3, 2, 2, 2, causal=True))
def causal_sees_the_keys_up_to_its_place(attention_tiled, case):
    """With causal=True, query i has the output of that query alone with the keys 0 to i."""
    out = _attended(attention_tiled, case)
    for i, count in enumerate(_seen(case)):
        alone = {
            "q": case["q"][..., i : i + 1, :],
            "k": case["k"][..., :count, :],
            "v": case["v"][..., :count, :],
        }
        _same(out[..., i : i + 1, :], _attended(attention_tiled, alone), message=f"query {i} sees other keys")


@check(points=0.5, examples=12)
@given(
    case=_calls(sizes=tuple(size for size in _SIZES + _LONG if size[2] > 1), causal=(True,)),
    number=st.sampled_from((1e3, -1e3, 1e6)),
)
@example(case=_fixed((), 3, 3, 2, 2, causal=True), number=1e3)
@example(case=_fixed((), 2, 3, 2, 2, causal=True), number=-1e3)
@example(case=_fixed((2,), 2, 4, 3, 1, causal=True), number=1e6)
def what_lies_ahead_may_be_anything(attention_tiled, case, number):
    """With causal=True, the last key and its value can be replaced: no query before it notices."""
    changed = {name: case[name].copy() for name in ("k", "v")}
    for array in changed.values():
        array[..., -1, :] = number
    blind = min(case["q"].shape[-2], case["k"].shape[-2] - 1)
    before, after = _attended(attention_tiled, case), _attended(attention_tiled, _given(case, **changed))
    _same(after[..., :blind, :], before[..., :blind, :], message="a query sees a key ahead of it")


@check(points=0.5, examples=10)
@given(case=_calls(), number=st.sampled_from((1e3, -1e3)))
@example(case=_fixed((), 2, 3, 2, 2, q=np.array([[2.0, 1.0], [-1.0, 2.0]])), number=1e3)
@example(case=_fixed((), 2, 3, 1, 2, q=np.array([[2.0], [-2.0]])), number=-1e3)
def a_common_shift_of_the_keys_changes_nothing(attention_tiled, case, number):
    """Adding one vector to all keys adds one number to all scores of a query: its output stays, however large."""
    shifted = _attended(attention_tiled, _given(case, k=case["k"] + number))
    _same(shifted, _attended(attention_tiled, case), rtol=1e-9, message="a shift of all keys changes the output")


@check(points=0.5, examples=10)
@given(case=_calls(kinds=_KINDS, causal=(False,)), turn=st.sampled_from((1, 2)))
@example(case=_fixed((2,), 3, 4, 2, 2), turn=1)
@example(case=_fixed((), 4, 2, 2, 2), turn=1)
def order_does_not_matter(attention_tiled, case, turn):
    """Without causal, keys may come in any order with their values, and so may queries with their outputs."""
    out = _attended(attention_tiled, case)
    keys = {name: np.roll(case[name], turn, axis=-2) for name in ("k", "v")}
    size = 1 + np.abs(case["q"]).max() * np.abs(case["k"]).max() * case["q"].shape[-1] / 10
    _same(_attended(attention_tiled, _given(case, **keys)), out, rtol=1e-10 * size, message="the order of keys matters")
    turned = _attended(attention_tiled, _given(case, q=np.roll(case["q"], turn, axis=-2)))
    _same(turned, np.roll(out, turn, axis=-2), rtol=1e-10 * size, message="the order of the queries matters")


@check(points=0.5, examples=10)
@given(case=_calls(sizes=_HEADS))
@example(case=_fixed((2,), 3, 3, 3, 2))
@example(case=_fixed((2, 3), 3, 2, 2, 2, causal=True))
@example(case=_fixed((3, 2), 2, 3, 2, 1))
def leading_dimensions_are_alone(attention_tiled, case):
    """Each leading index, such as a sample or a head, attends by itself."""
    out = _attended(attention_tiled, case)
    for at in np.ndindex(case["q"].shape[:-2]):
        alone = _given(case, **{name: case[name][at].copy() for name in ("q", "k", "v")})
        _same(out[at], _attended(attention_tiled, alone), message=f"the one at {at} is not alone")


# -- what it holds -----------------------------------------------------------------------------------------------------


def _batch(lead, n, m, width, dtype=np.float32):
    """A call whose numbers do not matter, but its sizes."""

    def some(rows):
        return (np.arange(math.prod(lead) * rows * width) % 7 / 8).reshape(*lead, rows, width).astype(dtype)

    return {"q": some(n), "k": some(m), "v": some(m)}


@check(points=1.5, examples=1)
@given(causal=st.just(False))
@example(causal=True)
def memory_is_linear_in_the_length(attention_tiled, causal):
    """For 4 times as many queries and keys it holds at most 4 times the memory."""
    few, many = (attention_tiled.peak_memory(**_batch((), n, n, 4), causal=causal) for n in (512, 2048))
    assert many <= 4.5 * few, (
        f"for 4 times the length it holds {many / few:.1f} times the memory, {many / 1e6:.3g} MB for 2048 queries and "
        "keys: somewhere it makes n × m numbers, be they scores, a mask, or tiles that are larger or all kept where "
        "there are more keys"
    )


@check(points=1, examples=1)
@given(case=st.just({}))
def keys_come_in_tiles(attention_tiled, case):
    """For 128 queries, each key more takes no more memory than copies of it and of its value do."""
    few, many = (attention_tiled.peak_memory(**_batch((), 128, m, 1)) for m in (512, 4096))
    each = (many - few) / (4096 - 512) / 4
    assert each <= 16, (
        f"with 128 queries it holds {each:.0f} numbers more for each key more: whole rows of scores, somewhere. "
        "Tiles of queries alone do not help a long row; take the keys in tiles too, and rescale what was summed before"
    )


@check(points=0.5, examples=1)
@given(causal=st.just(True))
@example(causal=False)
def loops_over_no_heads(attention_tiled, causal):
    """It executes as many lines of Python for 64 heads as for 2: all leading indices are computed at once."""
    few, many = (attention_tiled.lines_executed(**_batch(lead, 4, 4, 2), causal=causal) for lead in ((1, 2), (4, 16)))
    # A loop, even one within a line, counts each of the 62 more.
    assert many < few + 62, (
        f"it executes {many} lines of Python for 64 heads, and {few} for 2: it loops over them. A product of two "
        "tensors, q @ k.transpose(-1, -2), does it for all of them at once"
    )


@check(points=0.5, examples=1)
@given(case=st.just({}))
def float32_stays_float32(attention_tiled, case):
    """For float32 it holds about half the memory that it holds for float64: nothing is computed in more digits."""
    single, double = (attention_tiled.peak_memory(**_batch((), 128, 128, 8, kind)) for kind in (np.float32, np.float64))
    assert single <= 0.75 * double, (
        f"given float32 it holds {single / 1e6:.3g} MB and given float64 {double / 1e6:.3g} MB: it computes both in "
        "the same digits. Look for .double(), .float(), .to() with a dtype, and tensors made from numbers"
    )


# Four dimensions, since with fewer torch does not take its fastest way.
def _heads(rng, n):
    return {name: rng.standard_normal((1, n, 1024, 64), dtype=np.float32) for name in ("q", "k", "v")}


def _long_heads(rng, n):
    return {name: rng.standard_normal((1, n, 4096, 64), dtype=np.float32) for name in ("q", "k", "v")}


fast = Timing(
    "attention_tiled",
    baseline=library,
    given=_heads,
    size=4,
    limit=5.0,
    unit="heads of 1024 queries and keys",
    points=4,
    says="attention_tiled takes at most 5 times what torch's scaled_dot_product_attention takes.",
)

fast_on_gpu = Timing(
    "attention_tiled",
    baseline=library,
    given=_long_heads,
    size=16,
    limit=6.0,
    device="cuda",
    unit="heads of 4096 queries and keys",
    points=0,
    says="On a GPU attention_tiled takes at most 6 times what torch's scaled_dot_product_attention takes.",
)
