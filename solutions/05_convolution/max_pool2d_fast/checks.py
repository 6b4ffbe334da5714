"""Checks of max_pool2d_fast: what it computes, the laws that it obeys, its gradient by autograd, and what it costs."""

import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from dlgrade.author import Agreement, Example, Gradient, Policy, Timing, arrays, assert_close, assert_equal, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracles -----------------------------------------------------------------------------------------------------------


def library(x, kernel, stride=None, padding=0):
    """The library's own."""
    return F.max_pool2d(x, kernel, stride, padding)


def largest(x, kernel, stride=None, padding=0):
    """The largest real pixel of every window, one window at a time."""
    case = {"x": x, "kernel": kernel, "stride": stride, "padding": padding}
    out = x.new_zeros((*x.shape[:2], *output_size(case)))
    (kh, kw), (s, t), (p, q) = steps(case)
    for i, j in np.ndindex(*output_size(case)):
        top, left = i * s - p, j * t - q
        window = x[:, :, max(top, 0) : top + kh, max(left, 0) : left + kw]
        out[:, :, i, j] = torch.amax(window, (2, 3))
    return out


def pair(amount):
    """An int stands for the same amount along height and width."""
    return (amount, amount) if isinstance(amount, int) else amount


def steps(case):
    """A call's kernel, stride and padding, as pairs."""
    stride = case.get("stride")
    return pair(case["kernel"]), pair(case["kernel"] if stride is None else stride), pair(case.get("padding", 0))


def output_size(case):
    """The output's height and width."""
    sides = zip(case["x"].shape[2:], *steps(case), strict=True)
    return tuple((size + 2 * p - k) // s + 1 for size, k, s, p in sides)


# -- inputs ------------------------------------------------------------------------------------------------------------

SIDES = st.integers(1, 3)
STRIDES = st.none() | st.integers(1, 3) | st.tuples(SIDES, SIDES)
CONSISTS_OF = st.sampled_from(["any", "any", "negative"])
KERNELS = st.sampled_from([(2, 2), (1, 2), (2, 1), (3, 2), (2, 3), (3, 3), (1, 1), (4, 2), (1, 3), (2, 5)])
BATCHES = st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 2), (2, 3)])
SPARE = st.tuples(st.integers(0, 4), st.integers(0, 4))
EITHER = st.booleans()
numbers = functools.cache(arrays)
up_to = functools.cache(lambda most: st.integers(0, most))


def shortened(kernel, stride, padding):
    """The options as a student would write them: no default, and one int for two equal sides now and then."""
    options = {} if stride is None else {"stride": stride}
    options |= {} if padding == (0, 0) else {"padding": padding}
    return {"kernel": kernel} | options


@st.composite
def settings(draw, *, stride=STRIDES, padded=None):
    """The options of a call, and the sides of an image that holds at least one window."""
    sides = draw(KERNELS)
    if padded and max(sides) < 2:
        sides = (2, 2)
    padding = tuple(draw(up_to(side // 2)) for side in sides)
    if padded and not any(padding):
        padding = tuple(side // 2 for side in sides)
    spare = draw(SPARE)
    size = tuple(max(1, k - 2 * p) + more for k, p, more in zip(sides, padding, spare, strict=True))
    as_int = draw(EITHER)
    kernel = sides[0] if as_int and sides[0] == sides[1] else sides
    padding = padding[0] if as_int and padding[0] == padding[1] and any(padding) else padding
    return size, shortened(kernel, draw(stride), padding)


@st.composite
def calls(draw, *, whole=True, **options):
    """Arguments of a call."""
    size, options = draw(settings(**options))
    x = draw(numbers((*draw(BATCHES), *size), within=8, whole=whole))
    return {"x": x - 20 if draw(CONSISTS_OF) == "negative" else x} | options


def distinct(shape, seed=0):
    """Images of different whole numbers in random order, some of them negative."""
    size = math.prod(shape)
    return (np.random.default_rng(seed).permutation(size) - size // 2).astype(float).reshape(shape)


def fixed(shape, kernel, *, x=None, times=1.0, **options):
    """One call; x `times` a factor."""
    return {"x": times * (distinct(shape) if x is None else x), "kernel": kernel} | options


# Every place where implementations part, each as small as it can be.
EDGES = [
    dict(shape=(1, 1, 2, 2), kernel=2),
    dict(shape=(1, 1, 2, 4), kernel=2),
    dict(shape=(2, 3, 2, 4), kernel=2),
    dict(shape=(1, 2, 3, 2), kernel=(3, 2)),  # the kernel as large as the image
    dict(shape=(2, 2, 2, 3), kernel=1),
    dict(shape=(1, 1, 1, 1), kernel=1),
    dict(shape=(1, 1, 5, 7), kernel=2),  # a border that no window reaches
    dict(shape=(1, 1, 4, 5), kernel=2, stride=1),  # windows that overlap
    dict(shape=(1, 1, 3, 4), kernel=3, stride=1, padding=1),
    dict(shape=(1, 1, 6, 6), kernel=3, stride=2),
    dict(shape=(1, 1, 5, 8), kernel=2, stride=3),  # windows with gaps between them
    dict(shape=(1, 1, 6, 5), kernel=2, stride=(1, 3)),
    dict(shape=(1, 1, 5, 6), kernel=(3, 2), stride=(2, 1), padding=(1, 0)),
    dict(shape=(1, 1, 5, 4), kernel=(2, 3), padding=(0, 1)),
    dict(shape=(1, 1, 3, 3), kernel=2, padding=1),
    dict(shape=(2, 1, 4, 4), kernel=3, stride=2, padding=1),
    dict(shape=(1, 1, 5, 6), kernel=(4, 5), stride=2, padding=2),
    dict(shape=(1, 2, 1, 2), kernel=4, stride=1, padding=2),  # a kernel larger than the image
    dict(shape=(1, 1, 1, 2), kernel=7, stride=1, padding=3),
    dict(shape=(5, 5, 1, 2), kernel=(1, 2)),  # many samples and channels
    dict(shape=(1, 1, 20, 3), kernel=2),  # a tall output
    dict(shape=(1, 1, 3, 21), kernel=2),  # a wide one
    # Large and small numbers: nothing is cut off.
    dict(shape=(1, 1, 3, 4), kernel=2, times=2.0**40),
    dict(shape=(1, 1, 3, 4), kernel=2, times=2.0**-40),
    # All pixels alike, above and below zero.
    dict(shape=(1, 1, 3, 3), kernel=2, x=np.full((1, 1, 3, 3), 7.0), padding=1),
    dict(shape=(1, 1, 3, 3), kernel=2, x=np.full((1, 1, 3, 3), -7.0), padding=1),
]
# Numbers that float32 cannot hold.
THIRDS = np.random.default_rng(1).standard_normal((2, 2, 4, 3)) / 3
REAL = dict(shape=(2, 2, 4, 3), kernel=(2, 3), x=THIRDS, stride=1, padding=(1, 0))
# Padding with a number that is merely very negative, -1e9 or -1e30, does not do.
DEEP = dict(shape=(1, 1, 2, 3), kernel=2, x=-np.array([[[[1e35, 2e35, 4e35], [3e35, 5e35, 6e35]]]]), padding=1)

# -- what it computes --------------------------------------------------------------------------------------------------

examples = Example(points=1)
permitted = Policy()

agrees = Agreement(
    "max_pool2d_fast",
    oracle=largest,
    given=calls(whole=False),
    cases=[
        *(fixed(**edge) for edge in EDGES),
        fixed((1, 1, 3, 3), 2, stride=None, padding=0),
        fixed((1, 1, 3, 3), 2, x=-1 - np.arange(9.0).reshape(1, 1, 3, 3), padding=1),
        fixed(**REAL),
        fixed(**DEEP),
    ],
    points=4,
    says="max_pool2d_fast equals the largest pixel of every window, looked up window by window.",
)


@check(points=1, examples=12)
@given(case=calls())
@example(case=fixed((1, 1, 5, 7), 2))
@example(case=fixed((1, 1, 4, 5), (1, 3)))
@example(case=fixed((1, 1, 6, 6), 2, stride=(1, 3)))
@example(case=fixed((1, 1, 3, 3), (3, 2), stride=1, padding=(1, 0)))
@example(case=fixed((1, 1, 4, 4), 2, stride=3, padding=1))
def has_the_size_that_the_formula_gives(max_pool2d_fast, case):
    """Each side of the output is floor((size + 2 padding - k) / stride) + 1."""
    got, want = np.shape(max_pool2d_fast(**case)), (*case["x"].shape[:2], *output_size(case))
    assert got == want, f"the output's shape is {got}, not {want}"


@check(points=1, examples=10)
@given(case=calls(stride=st.none()))
@example(case=fixed((1, 1, 4, 4), 2))
@example(case=fixed((1, 1, 6, 6), (3, 2), padding=1))
def steps_by_the_kernel(max_pool2d_fast, case):
    """Without `stride`, the windows lie side by side: the stride is the kernel."""
    message = "without a stride the output is not that of the stride (kh, kw)"
    assert_equal(max_pool2d_fast(**case), max_pool2d_fast(**case | {"stride": case["kernel"]}), message=message)


@check(points=1, examples=12)
@given(case=calls(stride=st.integers(2, 3) | st.tuples(SIDES, SIDES)))
@example(case=fixed((1, 1, 5, 6), 2, stride=3))
@example(case=fixed((1, 1, 5, 5), 3, stride=(1, 2)))
@example(case=fixed((1, 1, 5, 5), 3, stride=2, padding=1))
def a_stride_keeps_every_s_th_pixel(max_pool2d_fast, case):
    """Stride s keeps every s-th pixel of the output at stride 1, beginning with the first."""
    s, t = pair(case["stride"])
    dense = np.asarray(max_pool2d_fast(**case | {"stride": 1}))
    message = "the output is not every s-th pixel of the one at stride 1"
    assert_equal(max_pool2d_fast(**case), dense[:, :, ::s, ::t], message=message)


@check(points=1, examples=12)
@given(case=calls(padded=True), depth=st.sampled_from((100, 2**30, 2**40)))
@example(case=fixed((1, 1, 2, 2), 2, padding=1), depth=100)
@example(case=fixed((1, 1, 3, 3), (1, 3), padding=(0, 1)), depth=2**40)
@example(case=fixed((1, 1, 2, 2), 2, padding=1), depth=1e300)
def padding_never_wins(max_pool2d_fast, case, depth):
    """Lowering every pixel by one number lowers every maximum by it, also below zero: the frame is -inf."""
    want, message = np.asarray(max_pool2d_fast(**case)) - depth, "the maxima did not fall as far as the pixels"
    assert_equal(max_pool2d_fast(**case | {"x": case["x"] - depth}), want, message=message)


@check(points=0.5, examples=12)
@given(case=calls())
@example(case=fixed((1, 1, 2, 4), 2))
@example(case=fixed((1, 1, 2, 3), (2, 3)))
def a_rising_function_may_come_before_or_after(max_pool2d_fast, case):
    """Cubing the pixels cubes the maxima: only the order of the pixels matters, not their size."""
    want, message = np.asarray(max_pool2d_fast(**case)) ** 3, "the maxima of the cubes are not the cubes of the maxima"
    assert_equal(max_pool2d_fast(**case | {"x": case["x"] ** 3}), want, message=message)


@check(points=0.5, examples=10)
@given(case=calls())
@example(case=fixed((2, 3, 2, 4), 2))
@example(case=fixed((2, 2, 3, 3), 2, stride=1))
def treats_each_channel_alone(max_pool2d_fast, case):
    """Each channel of each sample gets the output that it gets alone."""
    n, c = case["x"].shape[:2]
    rows = [[max_pool2d_fast(**case | {"x": case["x"][i : i + 1, j : j + 1]}) for j in range(c)] for i in range(n)]
    alone = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    assert_equal(max_pool2d_fast(**case), alone, message="a channel's output is not the one that it gets alone")


@check(points=1, examples=10)
@given(case=calls())
@example(case=fixed((1, 1, 4, 5), (3, 2), stride=(1, 2)))
@example(case=fixed((1, 1, 4, 5), (2, 3), padding=(1, 0)))
def rows_and_columns_may_be_pooled_in_turn(max_pool2d_fast, case):
    """Pooling columns of height kh, and then rows of width kw, gives what the kernel (kh, kw) gives at once."""
    (kh, kw), (s, t), (p, q) = steps(case)
    by_columns = max_pool2d_fast(case["x"], (kh, 1), (s, 1), (p, 0))
    in_turn, message = max_pool2d_fast(by_columns, (1, kw), (1, t), (0, q)), "columns and then rows give another output"
    assert_equal(in_turn, max_pool2d_fast(**case), message=message)


# -- its gradient ------------------------------------------------------------------------------------------------------


@st.composite
def apart(draw):
    """A small call whose pixels lie so far apart that no finite difference changes a winner, and none ties."""
    setting = dict(draw(st.sampled_from(TINY)))
    shape = setting.pop("shape")
    seed = 100 * draw(st.integers(0, 99)) + draw(st.integers(0, 99))
    return {"x": distinct(shape, seed) * 0.5} | setting


# Few elements, for finite differences cost two calls for each; one setting for each way to go wrong.
TINY = [
    dict(shape=(1, 1, 2, 4), kernel=2),
    dict(shape=(1, 1, 3, 4), kernel=2, stride=1),
    dict(shape=(2, 1, 3, 3), kernel=2, padding=1),
    dict(shape=(1, 2, 3, 4), kernel=(2, 3), stride=(2, 1), padding=(0, 1)),
    dict(shape=(1, 1, 5, 4), kernel=3, stride=2, padding=(1, 0)),
    dict(shape=(2, 2, 2, 3), kernel=(1, 2)),
]

gradient = Gradient(
    "max_pool2d_fast",
    wrt="x",
    forward_oracle=library,
    given=apart(),
    points=3,
    says="Autograd through max_pool2d_fast sends each output's gradient to its window's largest pixel.",
)

# A window of one pixel, all alike, some alike; with a border that no window reaches, and one that is padding.
TIES = (
    {"x": np.zeros((1, 1, 2, 2)), "kernel": 2},
    {"x": np.array([[[[1.0, 3.0, 3.0, 0.0, 9.0], [3.0, 2.0, 3.0, 3.0, 9.0]]]]), "kernel": 2},
    {"x": np.full((2, 2, 3, 3), -1.0), "kernel": (3, 2), "padding": (1, 1)},
)


@check(points=0.5, examples=3)
@given(case=st.sampled_from(TIES))
@example(case=TIES[0])
@example(case=TIES[1])
@example(case=TIES[2])
def winners_share_one_gradient(max_pool2d_fast, case):
    """Where several pixels of a window are largest, what they get for a gradient of 1 is 1 together, and no others."""
    (kh, kw), _, (p, q) = steps(case)
    out = np.asarray(max_pool2d_fast(**case))
    got = max_pool2d_fast.gradient("x", np.ones_like(out), **case)
    assert np.shape(got) == case["x"].shape, f"dx has the shape {np.shape(got)}, not {case['x'].shape}"
    # The windows lie side by side, so that each pixel has its gradient from one window only.
    frame = ((0, 0), (0, 0), (p, kh), (q, kw))
    shares, pixels = np.pad(got, frame), np.pad(case["x"], frame, constant_values=-np.inf)
    for n, c, i, j in np.ndindex(out.shape):
        window = (n, c, slice(i * kh, (i + 1) * kh), slice(j * kw, (j + 1) * kw))
        winners = pixels[window] == pixels[window].max()
        assert_close(shares[window].sum(), 1.0, message="the pixels of a window do not have 1 together")
        assert (shares[window] >= 0).all(), "a pixel has a negative part of its window's gradient"
        assert not shares[window][~winners].any(), "a pixel that is not the largest has a part of the gradient"


# -- what it costs -----------------------------------------------------------------------------------------------------


@check(points=1, examples=1)
@given(shapes=st.just(((1, 1, 512, 8), (1, 1, 8, 512), (256, 4, 2, 2), (4, 256, 2, 2), (1, 1, 96, 96))))
def runs_no_loop_over_windows(max_pool2d_fast, shapes):
    """No line of Python runs once for each window, each row of windows, each channel or each sample."""
    for shape in shapes:
        few = tuple(min(side, 8) for side in shape)
        little, much = (max_pool2d_fast.lines_executed(np.zeros(size), 2) for size in (few, shape))
        assert much < 2 * little + 20, (
            f"for images of shape {few} it runs {little} lines of Python, for {shape} {much}: a loop over windows, "
            "rows, channels or samples. Loop over the few places of a window, if at all, each on whole images"
        )


@check(points=0.5, examples=1)
@given(dtypes=st.just((np.float32, np.float64)))
def float32_stays_float32(max_pool2d_fast, dtypes):
    """For float32 it holds less memory than for float64: nothing is computed in more digits."""
    single, double = (max_pool2d_fast.peak_memory(np.zeros((2, 2, 32, 32), dtype), 2) for dtype in dtypes)
    # The places of the winners, if it keeps them, are as large for either.
    assert single <= 0.9 * double, (
        f"given float32 it holds {single / 1e6:.3g} MB and given float64 {double / 1e6:.3g} MB: it computes both in "
        "the same digits. Look for .double(), .float(), .to() with a dtype, and tensors made from numbers"
    )


def _images(rng, samples):
    """Samples of 4 channels of 256 × 256 pixels, and windows that overlap."""
    x = rng.standard_normal((samples, 4, 256, 256), dtype=np.float32)
    return {"x": x, "kernel": 3, "stride": 2, "padding": 1}


# On the processor torch's own goes from window to window, and keeps the winners' places for the gradient; a maximum of
# whole shifted images is done many pixels at a time, and takes less than half.
fast = Timing(
    "max_pool2d_fast",
    baseline=library,
    given=_images,
    size=6,
    limit=2.0,
    unit="samples of 4 × 256 × 256 pixels",
    points=4,
    says="max_pool2d_fast takes at most twice what torch's own max_pool2d takes.",
)

fast_on_gpu = Timing(
    "max_pool2d_fast",
    baseline=library,
    given=_images,
    size=192,
    limit=8.0,
    device="cuda",
    unit="samples of 4 × 256 × 256 pixels",
    points=0,
    says="On a GPU max_pool2d_fast takes at most 8 times what torch's own max_pool2d takes.",
)
