"""What right max and average pooling and their backward passes must do."""

import functools
import math

import numpy as np
from dlgrade.author import Agreement, Example, Gradient, Policy, arrays, assert_close, assert_equal, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracles: one window at a time -------------------------------------------------------------------------------------


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


def windows(case):
    """For every output pixel: its place, and the rows and columns of the image that its window covers."""
    (kh, kw), (s, t), (p, q) = steps(case)
    height, width = case["x"].shape[2:]
    for i, j in np.ndindex(*output_size(case)):
        top, left = i * s - p, j * t - q
        yield i, j, slice(max(top, 0), min(top + kh, height)), slice(max(left, 0), min(left + kw, width))


def largest(x, kernel, stride=None, padding=0):
    """The largest real pixel of every window."""
    case = {"x": x, "kernel": kernel, "stride": stride, "padding": padding}
    out = np.zeros((*x.shape[:2], *output_size(case)))
    for i, j, rows, columns in windows(case):
        out[:, :, i, j] = x[:, :, rows, columns].max(axis=(2, 3))
    return out


def largest_backward(grad, x, kernel, stride=None, padding=0):
    """Every window's cotangent goes to the first of its largest pixels, in row-major order."""
    dx = np.zeros(x.shape)
    for i, j, rows, columns in windows({"x": x, "kernel": kernel, "stride": stride, "padding": padding}):
        for n, c in np.ndindex(*x.shape[:2]):
            window = x[n, c, rows, columns]
            row, column = np.argwhere(window == window.max())[0]
            dx[n, c, rows.start + row, columns.start + column] += grad[n, c, i, j]
    return dx


def divisor(kernel, rows, columns, count_include_pad):
    """What a window's sum is divided by."""
    kh, kw = pair(kernel)
    return kh * kw if count_include_pad else (rows.stop - rows.start) * (columns.stop - columns.start)


def average(x, kernel, stride=None, padding=0, count_include_pad=True):
    """The sum of every window's real pixels, divided by the number that counts."""
    case = {"x": x, "kernel": kernel, "stride": stride, "padding": padding}
    out = np.zeros((*x.shape[:2], *output_size(case)))
    for i, j, rows, columns in windows(case):
        total = x[:, :, rows, columns].sum(axis=(2, 3))
        out[:, :, i, j] = total / divisor(kernel, rows, columns, count_include_pad)
    return out


def average_backward(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """Every real pixel of a window gets the same share of the window's cotangent."""
    dx = np.zeros(x.shape)
    for i, j, rows, columns in windows({"x": x, "kernel": kernel, "stride": stride, "padding": padding}):
        share = grad[:, :, i, j] / divisor(kernel, rows, columns, count_include_pad)
        dx[:, :, rows, columns] += share[:, :, None, None]
    return dx


# What a sum can come to at most, not what it comes to: pixels that cancel leave an error of their own size.
def average_scale(x, **_):
    """The size that rounding errors of an average are measured against."""
    return np.abs(x).max()


# A float64 table of running sums carries an error of its largest numbers into every window, and is right. One in
# float32 loses all that lies beside a huge pixel.
def window_scale(x, kernel, stride=None, padding=0, **_):
    """The same by each window's own pixels, but no less than a part of the image's largest."""
    return np.maximum(largest(np.abs(x), kernel, stride, padding), average_scale(x) / 1e4)


def backward_scale(grad, kernel, **_):
    """The same for a gradient, in which at most kh * kw windows meet at one pixel."""
    return np.abs(grad).max() * math.prod(pair(kernel))


# -- inputs ------------------------------------------------------------------------------------------------------------

SIDES = st.integers(1, 3)
STRIDES = st.none() | st.integers(1, 3) | st.tuples(SIDES, SIDES)
FEW_STRIDES = st.none() | st.integers(1, 2)
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
def settings(draw, *, stride=STRIDES, padded=None, counts=False):
    """The options of a call, and the sides of an image that holds at least one window."""
    sides = draw(KERNELS)
    if padded and max(sides) < 2:
        sides = (2, 2)
    padding = tuple(draw(up_to(side // 2)) for side in sides)
    if padded is False:
        padding = (0, 0)
    elif padded and not any(padding):
        padding = tuple(side // 2 for side in sides)
    spare = draw(SPARE)
    size = tuple(max(1, k - 2 * p) + more for k, p, more in zip(sides, padding, spare, strict=True))
    as_int = draw(EITHER)
    kernel = sides[0] if as_int and sides[0] == sides[1] else sides
    padding = padding[0] if as_int and padding[0] == padding[1] and any(padding) else padding
    options = shortened(kernel, draw(stride), padding)
    if counts and not draw(EITHER):
        options["count_include_pad"] = False
    return size, options


@st.composite
def calls(draw, *, whole=True, consists_of=CONSISTS_OF, **options):
    """Arguments of a forward pass."""
    size, options = draw(settings(**options))
    x = draw(numbers((*draw(BATCHES), *size), within=8, whole=whole))
    return {"x": x - 20 if draw(consists_of) == "negative" else x} | options


@st.composite
def backward_calls(draw, *, whole=True, **options):
    """Arguments of a backward pass."""
    case = draw(calls(whole=whole, **options))
    return {"grad": draw(numbers((*case["x"].shape[:2], *output_size(case)), within=8, whole=whole))} | case


def distinct(shape, seed=0):
    """An image of different whole numbers in random order, some of them negative."""
    size = math.prod(shape)
    return (np.random.default_rng(seed).permutation(size) - size // 2).astype(float).reshape(shape)


def fixed(shape, kernel, *, x=None, times=1.0, **options):
    """One call of a forward pass; x `times` a factor."""
    return {"x": times * (distinct(shape) if x is None else x), "kernel": kernel} | options


def fixed_backward(shape, kernel, *, x=None, times=1.0, **options):
    """One call of a backward pass, with the cotangents 1, 2, 3, … in order, `times` a factor."""
    case = fixed(shape, kernel, x=x, **options)
    size = (*case["x"].shape[:2], *output_size(case))
    return {"grad": times * np.arange(1.0, 1 + math.prod(size)).reshape(size)} | case


def thirds(shape, level=0.0):
    """Numbers that float32 cannot hold."""
    return level + np.random.default_rng(1).standard_normal(shape) / 3


# Every place where implementations part, each as small as it can be.
EDGES = [
    dict(shape=(1, 1, 2, 2), kernel=2),
    dict(shape=(1, 1, 2, 4), kernel=2),
    dict(shape=(2, 3, 2, 4), kernel=2),
    dict(shape=(1, 2, 3, 2), kernel=(3, 2)),  # the kernel as large as the image
    dict(shape=(2, 2, 2, 3), kernel=1),
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
]
# Whole numbers beside a huge one, which float32 holds, but not their sum.
HUGE = dict(shape=(1, 1, 4, 4), kernel=2, stride=1, x=np.where(np.arange(16).reshape(1, 1, 4, 4) == 0, 1e8, 1.0))
REAL = dict(shape=(2, 2, 4, 3), kernel=(2, 3), x=thirds((2, 2, 4, 3)), stride=1, padding=(1, 0))
# Padding with a number that is merely very negative, -1e9 or -1e30, does not do.
DEEP = dict(shape=(1, 1, 2, 3), kernel=2, x=-np.array([[[[1e35, 2e35, 4e35], [3e35, 5e35, 6e35]]]]), padding=1)


def inner(a, b):
    """The sum of products of two arrays of one shape."""
    assert np.shape(a) == np.shape(b), f"the shapes {np.shape(a)} and {np.shape(b)} should be equal"
    return np.sum(a * b)


def only(case, n, c):
    """The same call for one channel of one sample."""
    arrays_of_channels = {name: case[name][n : n + 1, c : c + 1] for name in ("grad", "x") if name in case}
    return case | arrays_of_channels


def channel_by_channel(function, case):
    """What the channels of all samples give, each alone."""
    n, c = case["x"].shape[:2]
    alone = [np.concatenate([function(**only(case, i, j)) for j in range(c)], axis=1) for i in range(n)]
    return np.concatenate(alone)


def without_grad(case):
    """The forward pass's arguments."""
    return {name: value for name, value in case.items() if name != "grad"}


def expect_size(out, case):
    """Fail unless the output has the size of the formula."""
    want = (*case["x"].shape[:2], *output_size(case))
    assert np.shape(out) == want, f"the output's shape is {np.shape(out)}, not {want}"


def expect_default_stride(function, case):
    """Fail unless a call without stride is the call whose stride is the kernel."""
    bare = {name: value for name, value in case.items() if name != "stride"}
    message = "without a stride the output is not that of the stride (kh, kw)"
    assert_equal(function(**bare), function(**bare | {"stride": case["kernel"]}), message=message)


STRIDED = "the output is not every s-th pixel of the one at stride 1"
ALONE = "a channel's output is not the one that it gets alone"
SPREAD = "dx is not that of stride 1, for grad with zeros between its elements"
ALONE_GOING_BACK = "a channel's dx is not the one that it gets alone"

# -- max pooling -------------------------------------------------------------------------------------------------------

examples = Example(points=1)

permitted = Policy()

max_pool2d_agrees = Agreement(
    "max_pool2d",
    oracle=largest,
    given=calls(whole=False),
    cases=[
        *(fixed(**edge) for edge in EDGES),
        fixed((1, 1, 3, 3), 2, stride=None, padding=0),
        fixed((1, 1, 3, 3), 2, x=-1 - np.arange(9.0).reshape(1, 1, 3, 3), padding=1),
        fixed(**REAL),
        fixed(**DEEP),
    ],
    points=2,
    says="max_pool2d equals the largest pixel of every window, looked up window by window.",
    examples=20,
)


@check(points=0.25, examples=12)
@given(case=calls())
@example(case=fixed((1, 1, 5, 7), 2))
@example(case=fixed((1, 1, 4, 5), (1, 3)))
@example(case=fixed((1, 1, 6, 6), 2, stride=(1, 3)))
@example(case=fixed((1, 1, 3, 3), (3, 2), stride=1, padding=(1, 0)))
@example(case=fixed((1, 1, 4, 4), 2, stride=3, padding=1))
def max_pool2d_has_the_size_that_the_formula_gives(max_pool2d, case):
    """Each side of max_pool2d's output is floor((size + 2 padding - k) / stride) + 1."""
    expect_size(max_pool2d(**case), case)


@check(points=0.25, examples=10)
@given(case=calls(stride=st.none()))
@example(case=fixed((1, 1, 4, 4), 2))
@example(case=fixed((1, 1, 6, 6), (3, 2), padding=1))
def max_pool2d_steps_by_the_kernel(max_pool2d, case):
    """Without `stride`, the windows of max_pool2d lie side by side: the stride is the kernel."""
    expect_default_stride(max_pool2d, case)


@check(points=0.5, examples=12)
@given(case=calls(stride=st.integers(2, 3) | st.tuples(SIDES, SIDES)))
@example(case=fixed((1, 1, 5, 6), 2, stride=3))
@example(case=fixed((1, 1, 5, 5), 3, stride=(1, 2)))
@example(case=fixed((1, 1, 5, 5), 3, stride=2, padding=1))
def max_pool2d_with_a_stride_keeps_every_s_th_pixel(max_pool2d, case):
    """Stride s keeps every s-th pixel of max_pool2d's output at stride 1, beginning with the first."""
    s, t = pair(case["stride"])
    dense = np.asarray(max_pool2d(**case | {"stride": 1}))
    assert_equal(max_pool2d(**case), dense[:, :, ::s, ::t], message=STRIDED)


@check(points=0.5, examples=12)
@given(case=calls(padded=True), depth=st.sampled_from((100, 2**30, 2**40)))
@example(case=fixed((1, 1, 2, 2), 2, padding=1), depth=100)
@example(case=fixed((1, 1, 3, 3), (1, 3), padding=(0, 1)), depth=2**40)
@example(case=fixed((1, 1, 2, 2), 2, padding=1), depth=1e300)
def padding_never_wins(max_pool2d, case, depth):
    """Lowering every pixel by one number lowers every maximum by it, also below zero: the frame is -inf."""
    want, message = np.asarray(max_pool2d(**case)) - depth, "the maxima did not fall as far as the pixels"
    assert_equal(max_pool2d(**case | {"x": case["x"] - depth}), want, message=message)


@check(points=0.5, examples=12)
@given(case=calls())
@example(case=fixed((1, 1, 2, 4), 2))
@example(case=fixed((1, 1, 2, 3), (2, 3)))
def a_rising_function_may_come_before_or_after(max_pool2d, case):
    """Cubing the pixels cubes the maxima: only the order of the pixels matters, not their size."""
    want, message = np.asarray(max_pool2d(**case)) ** 3, "the maxima of the cubes are not the cubes of the maxima"
    assert_equal(max_pool2d(**case | {"x": case["x"] ** 3}), want, message=message)


@check(points=0.25, examples=10)
@given(case=calls())
@example(case=fixed((2, 3, 2, 4), 2))
@example(case=fixed((2, 2, 3, 3), 2, stride=1))
def max_pool2d_treats_each_channel_alone(max_pool2d, case):
    """Each channel of each sample gets the output of max_pool2d that it gets alone."""
    assert_equal(max_pool2d(**case), channel_by_channel(max_pool2d, case), message=ALONE)


@check(points=0.25, examples=10)
@given(case=calls())
@example(case=fixed((1, 1, 4, 5), (3, 2), stride=(1, 2)))
@example(case=fixed((1, 1, 4, 5), (2, 3), padding=(1, 0)))
def rows_and_columns_may_be_pooled_in_turn(max_pool2d, case):
    """Pooling columns of height kh, and then rows of width kw, gives what the kernel (kh, kw) gives at once."""
    (kh, kw), (s, t), (p, q) = steps(case)
    by_columns = max_pool2d(case["x"], (kh, 1), (s, 1), (p, 0))
    in_turn, message = max_pool2d(by_columns, (1, kw), (1, t), (0, q)), "columns and then rows do not give the same"
    assert_equal(in_turn, max_pool2d(**case), message=message)


# -- the backward pass of max pooling ----------------------------------------------------------------------------------

# The first and the last of equal pixels, by rows and by columns, are four different ones here.
TIES = np.array([[0.0, 7.0, 7.0], [7.0, 1.0, 7.0], [7.0, 7.0, 0.0]]).reshape(1, 1, 3, 3)
# What is no tie: for float64, for float32 neither, and where a tolerance would take it for one.
NEARLY_TIES = [1.0 + gap * np.array([[[[0.0, 1.0], [-1.0, 2.0]]]]) for gap in (1e-12, 3e-9, 3e-7, 1e-6)]

max_pool2d_backward_agrees = Agreement(
    "max_pool2d_backward",
    oracle=largest_backward,
    scale=backward_scale,
    given=backward_calls(whole=False),
    cases=[
        # The first, which tells one mistaken choice from another in every report.
        fixed_backward((1, 1, 3, 3), 3, x=TIES, stride=1, padding=1),
        *(fixed_backward(**edge) for edge in EDGES),
        fixed_backward((1, 1, 3, 3), 2, stride=None, padding=0),
        fixed_backward((1, 1, 3, 3), 2, x=-1 - np.arange(9.0).reshape(1, 1, 3, 3), padding=1),
        *(fixed_backward((1, 1, 2, 2), 2, x=x, stride=1, padding=1) for x in NEARLY_TIES),
        fixed_backward(**REAL) | {"grad": thirds((2, 2, 5, 1))},
        fixed_backward(**DEEP),
    ],
    points=2,
    says="max_pool2d_backward equals the cotangents that are sent to the winners window by window.",
    examples=20,
)


@st.composite
def levels(draw):
    """A backward call whose image has few different values, so that most windows hold ties."""
    case = draw(backward_calls(consists_of=st.just("any")))
    case["x"] = np.abs(case["x"]) % draw(st.sampled_from((1, 2, 3))) - draw(st.sampled_from((0, 5)))
    return case


@check(points=0.5, examples=14)
@given(case=levels())
@example(case=fixed_backward((1, 1, 2, 2), 2, x=np.zeros((1, 1, 2, 2))))
@example(case=fixed_backward((1, 1, 3, 3), 3, x=TIES))
@example(case=fixed_backward((1, 1, 2, 2), 2, x=np.ones((1, 1, 2, 2)), padding=1))
@example(case=fixed_backward((1, 1, 3, 3), 2, x=np.full((1, 1, 3, 3), -2.0), stride=1))
def a_tie_goes_to_the_first(max_pool2d_backward, case):
    """Of equal pixels, the first in row-major order gets the whole gradient, and the others nothing."""
    # Lowered by less than any real difference, later pixels lose their ties.
    rank = np.arange(math.prod(case["x"].shape[2:])).reshape(case["x"].shape[2:])
    want = max_pool2d_backward(**case | {"x": case["x"] - rank / 1024})
    assert_equal(max_pool2d_backward(**case), want, message="of equal pixels another than the first got a gradient")


@check(points=0.5, examples=12)
@given(case=backward_calls())
@example(case=fixed_backward((1, 1, 2, 4), 2))
@example(case=fixed_backward((1, 1, 3, 3), 2, stride=1))
@example(case=fixed_backward((1, 1, 3, 3), 2, x=-1 - np.arange(9.0).reshape(1, 1, 3, 3), padding=1))
@example(case=fixed_backward((1, 1, 2, 2), 2, x=np.full((1, 1, 2, 2), 3.0)))
@example(case=fixed_backward((1, 1, 2, 2), 2, x=np.full((1, 1, 2, 2), -1e300), padding=1))
def no_gradient_is_lost(max_pool2d_backward, case):
    """In each channel dx sums to what `grad` sums to: every window sends its gradient on, whole, once."""
    got = np.sum(max_pool2d_backward(**case), axis=(2, 3))
    assert_equal(got, case["grad"].sum((2, 3)), message="a channel's sum of dx is not its sum of grad")


def peak(shape, place, kernel, **options):
    """A backward call whose image has one pixel that wins wherever it takes part."""
    case = fixed_backward(shape, kernel, **options)
    case["x"][0, 0][place] = 100
    return case


@st.composite
def peaks(draw):
    """The same, drawn."""
    case = draw(backward_calls(stride=st.sampled_from((1, 2)), consists_of=st.just("any")))
    height, width = case["x"].shape[2:]
    case["x"][:, :, draw(st.integers(0, 9)) % height, draw(st.integers(0, 9)) % width] = 100
    return case


@check(points=0.5, examples=12)
@given(case=peaks())
@example(case=peak((1, 1, 1, 3), (0, 1), (1, 2), stride=1))
@example(case=peak((1, 1, 3, 3), (1, 1), 2, stride=1))
@example(case=peak((1, 1, 5, 5), (2, 2), 3, stride=2))
@example(case=peak((1, 1, 3, 3), (1, 0), 3, stride=1, padding=1))
def windows_that_share_a_winner_add_up(max_pool2d_backward, case):
    """A pixel that is larger than all others gets the sum of the gradients of all windows that cover it."""
    dx = np.asarray(max_pool2d_backward(**case))
    assert dx.shape == case["x"].shape, f"dx has shape {dx.shape}, not {case['x'].shape}"
    (row, column), want = np.argwhere(case["x"][0, 0] == 100)[0], 0.0
    for i, j, rows, columns in windows(case):
        if rows.start <= row < rows.stop and columns.start <= column < columns.stop:
            want = want + case["grad"][:, :, i, j]
    message = "the winner's gradient is not the sum over its windows"
    assert_equal(dx[:, :, row, column], want + np.zeros(dx.shape[:2]), message=message)


@check(points=0.5, examples=12)
@given(case=backward_calls())
@example(case=fixed_backward((1, 1, 4, 5), 2, stride=1))
@example(case=fixed_backward((1, 1, 3, 3), 2, x=-1 - np.arange(9.0).reshape(1, 1, 3, 3), padding=1))
@example(case=fixed_backward((1, 1, 4, 5), (3, 2), stride=(1, 2), padding=(1, 0)))
def dx_carries_the_maxima(max_pool2d, max_pool2d_backward, case):
    """The sum of x * dx equals the sum of max_pool2d(x) * grad, for the gradient went where the maximum came from."""
    want = inner(max_pool2d(**without_grad(case)), case["grad"])
    message = "x * dx and max_pool2d(x) * grad have different sums"
    assert_equal(inner(case["x"], max_pool2d_backward(**case)), want, message=message)


@check(points=0.25, examples=10)
@given(case=backward_calls(stride=st.integers(2, 3) | st.tuples(SIDES, SIDES)))
@example(case=fixed_backward((1, 1, 5, 5), 2, stride=3))
@example(case=fixed_backward((1, 1, 5, 5), 3, stride=(1, 2)))
@example(case=fixed_backward((1, 1, 5, 4), 2, stride=2))
def max_pool2d_backward_spreads_grad_over_the_stride(max_pool2d_backward, case):
    """max_pool2d_backward with stride s gives what stride 1 gives for grad with s - 1 zeros between its elements."""
    (s, t), dense = pair(case["stride"]), case | {"stride": 1}
    dense["grad"] = np.zeros((*case["x"].shape[:2], *output_size(dense)))
    dense["grad"][:, :, ::s, ::t] = case["grad"]
    assert_equal(max_pool2d_backward(**case), max_pool2d_backward(**dense), message=SPREAD)


@check(points=0.25, examples=10)
@given(case=backward_calls())
@example(case=fixed_backward((2, 3, 2, 4), 2))
@example(case=fixed_backward((2, 2, 3, 3), 2, stride=1, padding=1))
def max_pool2d_backward_treats_each_channel_alone(max_pool2d_backward, case):
    """Each channel of each sample gets the dx of max_pool2d_backward that it gets alone."""
    assert_equal(max_pool2d_backward(**case), channel_by_channel(max_pool2d_backward, case), message=ALONE_GOING_BACK)


@st.composite
def apart(draw):
    """A small forward call whose pixels lie so far apart that no finite difference changes a winner."""
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

max_pool2d_gradient = Gradient(
    "max_pool2d",
    backward="max_pool2d_backward",
    wrt="x",
    oracle=largest_backward,
    forward_oracle=largest,
    given=apart(),
    points=0.5,
    says="dx equals the finite differences of max_pool2d, element by element.",
    examples=6,
)


# -- average pooling ---------------------------------------------------------------------------------------------------

NO_PADDING_COUNTS = dict(count_include_pad=False)
PADDED_EDGES = [edge | NO_PADDING_COUNTS for edge in EDGES if "padding" in edge]
# Pixels that are zero, but are no padding.
ZEROS = dict(shape=(1, 1, 2, 3), kernel=2, x=np.array([[[[0.0, 3.0, 0.0], [6.0, 0.0, 0.0]]]]), padding=1)

avg_pool2d_agrees = Agreement(
    "avg_pool2d",
    oracle=average,
    scale=window_scale,
    given=calls(whole=False, counts=True),
    cases=[
        *(fixed(**edge) for edge in [*EDGES, *PADDED_EDGES]),
        fixed((1, 1, 3, 3), 2, stride=None, padding=0, count_include_pad=True),
        fixed((1, 1, 3, 3), 2, stride=1, count_include_pad=False),
        fixed(**ZEROS),
        fixed(**ZEROS, count_include_pad=False),
        fixed(**REAL),
        fixed(**REAL, count_include_pad=False),
        fixed(**HUGE),
    ],
    rtol=1e-9,
    rtol32=1e-5,
    points=2,
    says="avg_pool2d equals the average of every window, worked out window by window.",
    examples=20,
)


@check(points=0.25, examples=12)
@given(case=calls(counts=True))
@example(case=fixed((1, 1, 5, 7), 2))
@example(case=fixed((1, 1, 4, 5), (1, 3)))
@example(case=fixed((1, 1, 6, 6), 2, stride=(1, 3)))
@example(case=fixed((1, 1, 3, 3), (3, 2), stride=1, padding=(1, 0)))
@example(case=fixed((1, 1, 4, 4), 2, stride=3, padding=1))
def avg_pool2d_has_the_size_that_the_formula_gives(avg_pool2d, case):
    """Each side of avg_pool2d's output is floor((size + 2 padding - k) / stride) + 1."""
    expect_size(avg_pool2d(**case), case)


@check(points=0.25, examples=10)
@given(case=calls(stride=st.none(), counts=True))
@example(case=fixed((1, 1, 4, 4), 2))
@example(case=fixed((1, 1, 6, 6), (3, 2), padding=1))
def avg_pool2d_steps_by_the_kernel(avg_pool2d, case):
    """Without `stride`, the windows of avg_pool2d lie side by side: the stride is the kernel."""
    bare = {name: value for name, value in case.items() if name != "stride"}
    want, message = avg_pool2d(**bare | {"stride": case["kernel"]}), "without a stride it is not the kernel's sides"
    assert_close(avg_pool2d(**bare), want, scale=average_scale(**case), message=message)


@check(points=0.25, examples=12)
@given(case=calls(counts=True, stride=st.integers(2, 3) | st.tuples(SIDES, SIDES)))
@example(case=fixed((1, 1, 5, 6), 2, stride=3))
@example(case=fixed((1, 1, 5, 5), 3, stride=(1, 2)))
@example(case=fixed((1, 1, 5, 5), 3, stride=2, padding=1))
def avg_pool2d_with_a_stride_keeps_every_s_th_pixel(avg_pool2d, case):
    """Stride s keeps every s-th pixel of avg_pool2d's output at stride 1, beginning with the first."""
    (s, t), dense = pair(case["stride"]), np.asarray(avg_pool2d(**case | {"stride": 1}))
    assert_close(avg_pool2d(**case), dense[:, :, ::s, ::t], scale=average_scale(**case), message=STRIDED)


@check(points=0.5, examples=10)
@given(case=calls(padded=False, counts=True), level=st.sampled_from((1.0, -3.0, 0.5)))
@example(case=fixed((1, 1, 2, 4), 2), level=1.0)
@example(case=fixed((1, 1, 4, 4), (3, 1), stride=1), level=1.0)
@example(case=fixed((1, 1, 3, 3), (2, 3), count_include_pad=False), level=-3.0)
def equal_pixels_are_their_own_average(avg_pool2d, case, level):
    """Without padding, the average of equal pixels is that pixel."""
    x = np.full_like(case["x"], level)
    want = np.full((*x.shape[:2], *output_size(case)), level)
    assert_close(avg_pool2d(**case | {"x": x}), want, message="the average of equal pixels is not that pixel")


@check(points=0.25, examples=12)
@given(case=calls(padded=True))
@example(case=fixed((1, 1, 2, 2), 2, padding=1))
@example(case=fixed((1, 1, 3, 3), (1, 3), padding=(0, 1)))
@example(case=fixed((1, 1, 3, 4), (4, 2), stride=1, padding=(2, 1)))
def padding_that_counts_is_a_frame_of_zeros(avg_pool2d, case):
    """If padding counts, padding p gives what p zero pixels around the image, on all four sides, give without it."""
    (p, q), x = pair(case["padding"]), case["x"]
    kernel, stride, _ = steps(case)
    framed = np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)))
    want, message = avg_pool2d(framed, kernel, stride), "with padding the output is not that of the framed image"
    assert_close(avg_pool2d(**case), want, scale=average_scale(**case), message=message)


@check(points=0.5, examples=12)
@given(case=calls(padded=True), level=st.sampled_from((1.0, -3.0, 0.5)))
@example(case=fixed((1, 1, 2, 2), 2, padding=1), level=1.0)
@example(case=fixed(**ZEROS), level=1.0)
@example(case=fixed((1, 1, 3, 3), (1, 3), padding=(0, 1)), level=-3.0)
def padding_that_does_not_count_divides_by_the_real_pixels(avg_pool2d, case, level):
    """With count_include_pad=False, raising all pixels by one number raises all averages by it, at the border too."""
    case = case | {"count_include_pad": False}
    raised, scale = avg_pool2d(**case | {"x": case["x"] + level}), average_scale(**case) + abs(level)
    message = "the averages did not rise as the pixels did"
    assert_close(raised, np.asarray(avg_pool2d(**case)) + level, scale=scale, message=message)


@check(points=0.25, examples=10)
@given(case=calls(counts=True))
@example(case=fixed((2, 3, 2, 4), 2))
@example(case=fixed((2, 2, 3, 3), 2, stride=1))
def avg_pool2d_treats_each_channel_alone(avg_pool2d, case):
    """Each channel of each sample gets the output of avg_pool2d that it gets alone."""
    want = channel_by_channel(avg_pool2d, case)
    assert_close(avg_pool2d(**case), want, scale=average_scale(**case), message=ALONE)


@check(points=0.25, examples=10)
@given(case=calls(counts=True, consists_of=st.just("any")), other=arrays((1, 6), within=8, whole=True))
@example(case=fixed((1, 1, 2, 4), 2), other=np.arange(6.0))
@example(case=fixed((1, 1, 2, 3), (2, 3)), other=np.arange(6.0))
def avg_pool2d_is_linear(avg_pool2d, case, other):
    """The average of x - 2 z is the average of x minus twice the average of z."""
    z = np.resize(other, case["x"].shape)
    want = np.asarray(avg_pool2d(**case)) - 2 * np.asarray(avg_pool2d(**case | {"x": z}))
    scale, message = np.abs(case["x"]).max() + 20, "the average of x - 2 z is not that of x less twice that of z"
    assert_close(avg_pool2d(**case | {"x": case["x"] - 2 * z}), want, scale=scale, message=message)


# -- the backward pass of average pooling ------------------------------------------------------------------------------

avg_pool2d_backward_agrees = Agreement(
    "avg_pool2d_backward",
    oracle=average_backward,
    scale=backward_scale,
    given=backward_calls(whole=False, counts=True),
    cases=[
        *(fixed_backward(**edge) for edge in [*EDGES, *PADDED_EDGES]),
        fixed_backward((1, 1, 3, 3), 2, stride=None, padding=0, count_include_pad=True),
        fixed_backward((1, 1, 3, 3), 2, stride=1, count_include_pad=False),
        fixed_backward(**ZEROS),
        fixed_backward(**ZEROS, count_include_pad=False),
        fixed_backward(**REAL) | {"grad": thirds((2, 2, 5, 1))},
        fixed_backward(**REAL, count_include_pad=False) | {"grad": thirds((2, 2, 5, 1))},
    ],
    points=2,
    says="avg_pool2d_backward equals the shares that are handed out window by window.",
    examples=20,
)


@check(points=0.5, examples=12)
@given(case=backward_calls(counts=True))
@example(case=fixed_backward((1, 1, 4, 3), 2, stride=1))
@example(case=fixed_backward((1, 1, 3, 3), 2, padding=1))
@example(case=fixed_backward((1, 1, 3, 3), 2, padding=1, count_include_pad=False))
@example(case=fixed_backward((1, 1, 4, 5), (3, 2), stride=(1, 2), padding=(1, 0)))
def dx_is_adjoint_to_the_average(avg_pool2d, avg_pool2d_backward, case):
    """The sum of avg_pool2d(x) * grad equals the sum of x * dx."""
    want = inner(avg_pool2d(**without_grad(case)), case["grad"])
    scale = np.abs(case["x"]).max() * np.abs(case["grad"]).sum() or 1.0
    message = "avg_pool2d(x) * grad and x * dx have different sums"
    assert_close(inner(case["x"], avg_pool2d_backward(**case)), want, scale=scale, message=message)


@check(points=0.5, examples=12)
@given(case=backward_calls(padded=False, counts=True))
@example(case=fixed_backward((1, 1, 2, 4), 2))
@example(case=fixed_backward((1, 1, 3, 3), 2, stride=1))
def the_shares_add_up_to_grad(avg_pool2d_backward, case):
    """Without padding, dx sums in each channel to what `grad` sums to."""
    scale, message = np.abs(case["grad"]).sum() or 1.0, "a channel's sum of dx is not its sum of grad"
    got = np.sum(avg_pool2d_backward(**case), axis=(2, 3))
    assert_close(got, case["grad"].sum((2, 3)), scale=scale, message=message)


@check(points=0.5, examples=12)
@given(case=backward_calls(padded=True))
@example(case=fixed_backward((1, 1, 2, 2), 2, padding=1))
@example(case=fixed_backward((1, 1, 3, 3), (1, 3), padding=(0, 1)))
@example(case=fixed_backward(**ZEROS))
def padding_that_does_not_count_gets_no_share(avg_pool2d_backward, case):
    """With count_include_pad=False, dx sums in each channel to what `grad` sums to, also with padding."""
    got = np.sum(avg_pool2d_backward(**case, count_include_pad=False), axis=(2, 3))
    scale, message = np.abs(case["grad"]).sum() or 1.0, "a channel's sum of dx is not its sum of grad"
    assert_close(got, case["grad"].sum((2, 3)), scale=scale, message=message)


@check(points=0.25, examples=12)
@given(case=backward_calls(padded=True))
@example(case=fixed_backward((1, 1, 2, 2), 2, padding=1))
@example(case=fixed_backward((1, 1, 3, 3), (3, 1), stride=1, padding=(1, 0)))
@example(case=fixed_backward((1, 1, 3, 4), (1, 2), stride=1, padding=(0, 1)))
def the_frame_is_cut_off_dx(avg_pool2d_backward, case):
    """If padding counts, dx is that of the image in its frame of zeros, without the frame."""
    (p, q), x = pair(case["padding"]), case["x"]
    kernel, stride, _ = steps(case)
    framed = avg_pool2d_backward(case["grad"], np.pad(x, ((0, 0), (0, 0), (p, p), (q, q))), kernel, stride)
    want = np.asarray(framed)[:, :, p : p + x.shape[2], q : q + x.shape[3]]
    message = "dx is not that of the framed image, without the frame"
    assert_close(avg_pool2d_backward(**case), want, scale=backward_scale(**case) or 1.0, message=message)


@check(points=0.25, examples=10)
@given(case=backward_calls(counts=True, stride=st.integers(2, 3) | st.tuples(SIDES, SIDES)))
@example(case=fixed_backward((1, 1, 5, 5), 2, stride=3))
@example(case=fixed_backward((1, 1, 5, 5), 3, stride=(1, 2)))
@example(case=fixed_backward((1, 1, 5, 4), 2, stride=2))
def avg_pool2d_backward_spreads_grad_over_the_stride(avg_pool2d_backward, case):
    """avg_pool2d_backward with stride s gives what stride 1 gives for grad with s - 1 zeros between its elements."""
    (s, t), dense = pair(case["stride"]), case | {"stride": 1}
    dense["grad"] = np.zeros((*case["x"].shape[:2], *output_size(dense)))
    dense["grad"][:, :, ::s, ::t] = case["grad"]
    got, want = avg_pool2d_backward(**case), avg_pool2d_backward(**dense)
    assert_close(got, want, scale=backward_scale(**case) or 1.0, message=SPREAD)


@check(points=0.25, examples=10)
@given(case=backward_calls(counts=True))
@example(case=fixed_backward((2, 3, 2, 4), 2))
@example(case=fixed_backward((2, 2, 3, 3), 2, stride=1, padding=1))
def avg_pool2d_backward_treats_each_channel_alone(avg_pool2d_backward, case):
    """Each channel of each sample gets the dx of avg_pool2d_backward that it gets alone."""
    want = channel_by_channel(avg_pool2d_backward, case)
    assert_close(avg_pool2d_backward(**case), want, scale=backward_scale(**case) or 1.0, message=ALONE_GOING_BACK)


@check(points=0.25, examples=10)
@given(case=backward_calls(counts=True), factor=st.sampled_from((0.0, -3.0, 100.0)))
@example(case=fixed_backward((1, 1, 2, 4), 2), factor=-3.0)
@example(case=fixed_backward((1, 1, 3, 3), 2, padding=1, count_include_pad=False), factor=0.0)
def the_pixels_do_not_matter(avg_pool2d_backward, case, factor):
    """dx depends on `grad` and on the shape of x alone, not on x's values."""
    want = avg_pool2d_backward(**case)
    got, message = avg_pool2d_backward(**case | {"x": factor * case["x"]}), "dx is another for other pixels"
    assert_close(got, want, scale=backward_scale(**case) or 1.0, message=message)


@st.composite
def tiny_calls(draw):
    """A small forward call of average pooling."""
    setting = dict(draw(st.sampled_from(TINY)))
    shape = setting.pop("shape")
    if not draw(EITHER):
        setting["count_include_pad"] = False
    return {"x": draw(arrays(shape, within=3))} | setting


avg_pool2d_gradient = Gradient(
    "avg_pool2d",
    backward="avg_pool2d_backward",
    wrt="x",
    oracle=average_backward,
    forward_oracle=average,
    given=tiny_calls(),
    points=0.5,
    says="dx equals the finite differences of avg_pool2d, element by element.",
    examples=6,
)
