"""Checks of attention_fast: what it computes, the laws that it obeys, autograd through it, and what it costs."""

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


@st.composite
def _calls(draw, *, sizes=_SIZES, kinds=("plain",), causal=(False, True), within=2.0):
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
    # Longer than a block is likely to be.
    _fixed((2,), 300, 150, 5, 3, causal=True),
    _fixed((2,), 70, 300, 5, 3),
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
_HEADS = tuple(size for size in _SIZES if size[0])


def _given(case, **changed):
    return {**case, **changed}


def _seen(case):
    """How many keys each query sees, (n,)."""
    n, m = case["q"].shape[-2], case["k"].shape[-2]
    return np.minimum(np.arange(n) + 1, m) if case.get("causal") else np.full(n, m)


def _attended(attention_fast, case):
    """The output, once it is known to have the shape that the law goes on to use."""
    out, shape = attention_fast(**case), (*case["q"].shape[:-1], case["v"].shape[-1])
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
    "attention_fast",
    oracle=library,
    given=_calls(kinds=_KINDS),
    cases=_EDGES,
    scale=_size,
    points=4,
    says="attention_fast equals torch's scaled_dot_product_attention.",
)

gradient = Gradient(
    "attention_fast",
    wrt=("q", "k", "v"),
    forward_oracle=library,
    given=_calls(sizes=_SIZES[:9] + _SIZES[-1:]),
    points=3,
    examples=8,
    says="autograd through attention_fast gives the gradients of q, k and v.",
)


@check(points=1, examples=12)
@given(case=_calls(causal=(False,)))
@example(case=_fixed((), 2, 3, 4, 2))
@example(case=_fixed((2,), 2, 3, 3, 2))
def odds_are_those_of_the_scaled_scores(attention_fast, case):
    """The ratio of two weights of a query is exp() of the difference of their scores, q · k / sqrt(d)."""
    m = case["k"].shape[-2]
    # With an identity for the values the output is the weights.
    weights = _attended(attention_fast, _given(case, v=np.broadcast_to(np.eye(m), (*case["v"].shape[:-1], m)).copy()))
    scores = np.einsum("...id,...jd->...ij", case["q"], case["k"]) / math.sqrt(case["q"].shape[-1])
    best = scores.argmax(axis=-1)[..., None]
    want = np.exp(scores - np.take_along_axis(scores, best, -1))
    ratio = weights / np.take_along_axis(weights, best, -1)
    assert_close(ratio, want, scale=want, message="the ratio of a weight to the query's largest differs")


@check(points=0.5, examples=12)
@given(case=_calls(kinds=_KINDS), value=st.sampled_from((1.0, -2.5)))
@example(case=_fixed((), 3, 3, 2, 2, causal=True), value=1.0)
@example(case=_fixed((2,), 2, 3, 2, 2), value=-2.5)
def equal_values_come_out(attention_fast, case, value):
    """Where all values are equal, so is the output: the weights of a query sum to 1."""
    case = _given(case, v=np.full(case["v"].shape, value))
    out = _attended(attention_fast, case)
    assert_close(out, np.full(out.shape, value), scale=_size(**case), message="the output is another than the values")


@check(points=0.5, examples=12)
@given(case=_calls(), level=st.sampled_from((0.0, 3.0, 1e3)))
@example(case=_fixed((), 3, 4, 2, 2, causal=True), level=1e3)
@example(case=_fixed((), 4, 2, 2, 2), level=0.0)
def equal_keys_share_alike(attention_fast, case, level):
    """Where all keys are equal, each query gets the mean of the values that it sees."""
    out = _attended(attention_fast, _given(case, k=np.full(case["k"].shape, level)))
    means = np.cumsum(case["v"], axis=-2) / np.arange(1, case["v"].shape[-2] + 1)[:, None]
    _same(out, means[..., _seen(case) - 1, :], message="the output is not the mean of the values")


@check(points=1, examples=12)
@given(case=_calls(causal=(True,)))
@example(case=_fixed((), 3, 3, 2, 2, causal=True))
@example(case=_fixed((), 2, 4, 2, 1, causal=True))
@example(case=_fixed((), 4, 2, 3, 2, causal=True))
@example(case=_fixed((2,), 3, 2, 2, 2, causal=True))
def causal_sees_the_keys_up_to_its_place(attention_fast, case):
    """With causal=True, query i has the output of that query alone with the keys 0 to i."""
    out = _attended(attention_fast, case)
    for i, count in enumerate(_seen(case)):
        alone = {
            "q": case["q"][..., i : i + 1, :],
            "k": case["k"][..., :count, :],
            "v": case["v"][..., :count, :],
        }
        _same(out[..., i : i + 1, :], _attended(attention_fast, alone), message=f"query {i} sees other keys")


@check(points=0.5, examples=12)
@given(
    case=_calls(sizes=tuple(size for size in _SIZES if size[2] > 1), causal=(True,)),
    number=st.sampled_from((1e3, -1e3, 1e6)),
)
@example(case=_fixed((), 3, 3, 2, 2, causal=True), number=1e3)
@example(case=_fixed((), 2, 3, 2, 2, causal=True), number=-1e3)
@example(case=_fixed((2,), 2, 4, 3, 1, causal=True), number=1e6)
def what_lies_ahead_may_be_anything(attention_fast, case, number):
    """With causal=True, the last key and its value can be replaced: no query before it notices."""
    changed = {name: case[name].copy() for name in ("k", "v")}
    for array in changed.values():
        array[..., -1, :] = number
    blind = min(case["q"].shape[-2], case["k"].shape[-2] - 1)
    before, after = _attended(attention_fast, case), _attended(attention_fast, _given(case, **changed))
    _same(after[..., :blind, :], before[..., :blind, :], message="a query sees a key ahead of it")


@check(points=0.5, examples=10)
@given(case=_calls(), number=st.sampled_from((1e3, -1e3)))
@example(case=_fixed((), 2, 3, 2, 2, q=np.array([[2.0, 1.0], [-1.0, 2.0]])), number=1e3)
@example(case=_fixed((), 2, 3, 1, 2, q=np.array([[2.0], [-2.0]])), number=-1e3)
def a_common_shift_of_the_keys_changes_nothing(attention_fast, case, number):
    """Adding one vector to all keys adds one number to all scores of a query: its output stays, however large."""
    shifted = _attended(attention_fast, _given(case, k=case["k"] + number))
    _same(shifted, _attended(attention_fast, case), rtol=1e-9, message="a shift of all keys changes the output")


@check(points=0.5, examples=10)
@given(case=_calls(kinds=_KINDS, causal=(False,)), turn=st.sampled_from((1, 2)))
@example(case=_fixed((2,), 3, 4, 2, 2), turn=1)
@example(case=_fixed((), 4, 2, 2, 2), turn=1)
def order_does_not_matter(attention_fast, case, turn):
    """Without causal, keys may come in any order with their values, and so may queries with their outputs."""
    out = _attended(attention_fast, case)
    keys = {name: np.roll(case[name], turn, axis=-2) for name in ("k", "v")}
    size = 1 + np.abs(case["q"]).max() * np.abs(case["k"]).max() * case["q"].shape[-1] / 10
    _same(_attended(attention_fast, _given(case, **keys)), out, rtol=1e-10 * size, message="the order of keys matters")
    turned = _attended(attention_fast, _given(case, q=np.roll(case["q"], turn, axis=-2)))
    _same(turned, np.roll(out, turn, axis=-2), rtol=1e-10 * size, message="the order of the queries matters")


@check(points=1, examples=10)
@given(case=_calls(sizes=_HEADS))
@example(case=_fixed((2,), 3, 3, 3, 2))
@example(case=_fixed((2, 3), 3, 2, 2, 2, causal=True))
@example(case=_fixed((3, 2), 2, 3, 2, 1))
def leading_dimensions_are_alone(attention_fast, case):
    """Each leading index, such as a sample or a head, attends by itself."""
    out = _attended(attention_fast, case)
    for at in np.ndindex(case["q"].shape[:-2]):
        alone = _given(case, **{name: case[name][at].copy() for name in ("q", "k", "v")})
        _same(out[at], _attended(attention_fast, alone), message=f"the one at {at} is not alone")


# -- what it costs -----------------------------------------------------------------------------------------------------


def _batch(lead, length, width, dtype=np.float64):
    """A call whose numbers do not matter, but its sizes: queries, keys and values alike."""
    whole = (np.arange(math.prod(lead) * length * width) % 7 / 8).reshape(*lead, length, width).astype(dtype)
    return {"q": whole, "k": whole[..., ::-1, :].copy(), "v": whole.copy()}


@check(points=1, examples=1)
@given(causal=st.just(True))
@example(causal=False)
def runs_no_loop(attention_fast, causal):
    """It executes as many lines of Python for 32 queries as for 4, and for 64 heads as for 2."""
    sizes = ("queries", 28, ((2,), 4, 2), ((2,), 32, 2)), ("leading indices", 62, ((1, 2), 4, 2), ((4, 16), 4, 2))
    for what, more, small, large in sizes:
        few, many = (attention_fast.lines_executed(**_batch(*size), causal=causal) for size in (small, large))
        # A loop, even one within a line, counts each of those that there are more.
        assert many < few + more, (
            f"it executes {many} lines of Python where there are more {what}, and {few} where there are few: it loops "
            "over them. A product of two tensors, q @ k.transpose(-1, -2), does it for all of them at once"
        )


@check(points=0.5, examples=1)
@given(case=st.just({}))
def memory_grows_with_the_scores(attention_fast, case):
    """It holds some tensors of n × m numbers, and none of n × m × d."""
    few, many = (attention_fast.peak_memory(**_batch((), 256, width)) for width in (4, 32))
    # Copies of all arguments and results are a hundredth of what they are compared with.
    assert many - few <= 256 * 256 * (32 - 4) * 8 / 2, (
        f"for keys and values 8 times as wide it holds {many / few:.1f} times the memory, {many / 1e6:.3g} MB: "
        "it makes a tensor of n × m × d somewhere, all products before they are summed; a matrix product sums at once"
    )


@check(points=1, examples=1)
@given(case=st.just({}))
def float32_stays_float32(attention_fast, case):
    """For float32 it holds about half the memory that it holds for float64: nothing is computed in more digits."""
    single, double = (attention_fast.peak_memory(**_batch((), 128, 8, dtype)) for dtype in (np.float32, np.float64))
    assert single <= 0.75 * double, (
        f"given float32 it holds {single / 1e6:.3g} MB and given float64 {double / 1e6:.3g} MB: it computes both in "
        "the same digits. Look for .double(), .float(), .to() with a dtype, and tensors made from numbers"
    )


# Four dimensions, since with fewer torch does not take its fastest way.
def _heads(rng, n):
    return {name: rng.standard_normal((1, n, 512, 64), dtype=np.float32) for name in ("q", "k", "v")}


def _long_heads(rng, n):
    return {name: rng.standard_normal((1, n, 2048, 64), dtype=np.float32) for name in ("q", "k", "v")}


fast = Timing(
    "attention_fast",
    baseline=library,
    given=_heads,
    size=4,
    limit=4.0,
    unit="heads of 512 queries and keys",
    points=4,
    says="attention_fast takes at most 4 times what torch's scaled_dot_product_attention takes.",
)

fast_on_gpu = Timing(
    "attention_fast",
    baseline=library,
    given=_long_heads,
    size=32,
    limit=4.0,
    device="cuda",
    unit="heads of 2048 queries and keys",
    points=0,
    says="On a GPU attention_fast takes at most 4 times what torch's scaled_dot_product_attention takes.",
)
