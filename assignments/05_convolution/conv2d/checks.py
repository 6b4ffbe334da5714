"""What a right conv2d and its backward pass must do."""

import numpy as np
from dlgrade.author import Agreement, Example, Gradient, Policy, arrays, assert_close, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracles: one window at a time -------------------------------------------------------------------------------------


def pair(amount):
    """An int stands for the same amount along height and width."""
    return (amount, amount) if isinstance(amount, int) else amount


def output_side(size, k, stride, padding, dilation):
    """How many windows fit along one axis."""
    return (size + 2 * padding - dilation * (k - 1) - 1) // stride + 1


def output_size(x, w, stride=1, padding=0, dilation=1, **_):
    """The output's height and width."""
    sides = zip(x.shape[2:], w.shape[2:], pair(stride), pair(padding), pair(dilation), strict=True)
    return tuple(output_side(*side) for side in sides)


def framed(x, padding):
    """The image inside a frame of zero pixels."""
    (n, c, height, width), (p, q) = x.shape, pair(padding)
    frame = np.zeros((n, c, height + 2 * p, width + 2 * q))
    frame[:, :, p : p + height, q : q + width] = x
    return frame


def windows(x, w, stride, padding, dilation, groups):
    """For every output pixel and group: the pixel's place, the group's filters, the window in the framed image."""
    f, c, kh, kw = w.shape
    (s, t), (d, e) = pair(stride), pair(dilation)
    out_h, out_w = output_size(x, w, stride, padding, dilation)
    for g in range(groups):
        filters = slice(g * f // groups, (g + 1) * f // groups)
        for i in range(out_h):
            for j in range(out_w):
                rows = slice(i * s, i * s + d * (kh - 1) + 1, d)
                columns = slice(j * t, j * t + e * (kw - 1) + 1, e)
                yield i, j, filters, (slice(None), slice(g * c, (g + 1) * c), rows, columns)


def correlate(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Every output pixel is the sum of its window times each filter, plus the bias."""
    image, flat = framed(x, padding), w.reshape(len(w), -1)
    out = np.zeros((len(x), len(w), *output_size(x, w, stride, padding, dilation)))
    for i, j, filters, window in windows(x, w, stride, padding, dilation, groups):
        out[:, filters, i, j] = image[window].reshape(len(x), -1) @ flat[filters].T
    return out if b is None else out + b.reshape(-1, 1, 1)


def correlate_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """Every output pixel sends its cotangent times the filter to the window, times the window to the filter."""
    (p, q), (height, width) = pair(padding), x.shape[2:]
    image, flat = framed(x, padding), w.reshape(len(w), -1)
    dimage, dflat = np.zeros_like(image), np.zeros_like(flat)
    for i, j, filters, window in windows(x, w, stride, padding, dilation, groups):
        cotangent = grad[:, filters, i, j]
        dimage[window] += (cotangent @ flat[filters]).reshape(image[window].shape)
        dflat[filters] += cotangent.T @ image[window].reshape(len(x), -1)
    return dimage[:, :, p : p + height, q : q + width], dflat.reshape(w.shape), grad.sum((0, 2, 3))


# What a sum can come to at most, not each element's own size: an algorithm that goes through a transform, such as an
# FFT's, is right too, and spreads the rounding of its largest numbers over the whole result.
def forward_scale(x, w, b=None, **_):
    """The size that rounding errors of the forward pass are measured against."""
    return abs(x).max() * abs(w).max() * w[0].size + (0 if b is None else abs(b).max())


def backward_scale(grad, x, w, **_):
    """The same for each result of the backward pass."""
    terms = grad[:, 0].size
    return (
        abs(grad).max() * abs(w).max() * w[:, 0].size,
        abs(grad).max() * abs(x).max() * terms,
        abs(grad).max() * terms,
    )


# -- inputs ------------------------------------------------------------------------------------------------------------


def amounts(low, high):
    """An int, or a (height, width) pair."""
    side = st.integers(low, high)
    return side | st.tuples(side, side)


STRIDES, PADDINGS, DILATIONS = amounts(1, 3), amounts(0, 2), amounts(1, 2)
# Numbers of groups, and of channels in each.
ONE_GROUP = st.sampled_from([(1, 1), (1, 2), (1, 3)])
SEVERAL_GROUPS = st.sampled_from([(2, 1), (2, 2), (3, 1)])
ANY_GROUPS = ONE_GROUP | SEVERAL_GROUPS
EITHER = st.booleans()

DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


@st.composite
def calls(
    draw,
    *,
    stride=STRIDES,
    padding=PADDINGS,
    dilation=DILATIONS,
    groups=ANY_GROUPS,
    biased=EITHER,
    whole=True,
):
    """Arguments of conv2d with at least one output pixel; options at their defaults are left out."""
    options = {"stride": draw(stride), "padding": draw(padding), "dilation": draw(dilation)}
    options["groups"], c = draw(groups)
    n, filters = draw(st.integers(1, 2)), draw(st.integers(1, 2)) * options["groups"]
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    spare = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    sides = zip(kernel, pair(options["padding"]), pair(options["dilation"]), spare, strict=True)
    size = (max(1, d * (k - 1) + 1 - 2 * p) + more for k, p, d, more in sides)
    case = {
        "x": draw(arrays((n, c * options["groups"], *size), within=4, whole=whole)),
        "w": draw(arrays((filters, c, *kernel), within=4, whole=whole)),
    }
    if draw(biased):
        case["b"] = draw(arrays((filters,), within=4, whole=whole))
    return case | {name: value for name, value in options.items() if value != DEFAULTS[name]}


@st.composite
def backward_calls(draw, *, whole=True, **options):
    """Arguments of conv2d_backward, the cotangent among them."""
    case = draw(calls(biased=st.just(False), whole=whole, **options))
    shape = (len(case["x"]), len(case["w"]), *output_size(**case))
    return {"grad": draw(arrays(shape, within=4, whole=whole)), **case}


def fixed(x_shape, w_shape, *, biased=False, real=False, times=1.0, **options):
    """One call of conv2d, its numbers 1 to 9 or, if `real`, such that float32 cannot hold them; x `times` a factor."""
    rng = np.random.default_rng(0)
    shapes = {"x": x_shape, "w": w_shape} | ({"b": w_shape[:1]} if biased else {})
    numbers = rng.standard_normal if real else lambda shape: rng.integers(1, 10, shape).astype(float)
    case = {name: numbers(shape) for name, shape in shapes.items()}
    return case | {"x": times * case["x"]} | options


def fixed_backward(x_shape, w_shape, *, real=False, times=1.0, **options):
    """One call of conv2d_backward, as `fixed`; grad `times` a factor."""
    case = fixed(x_shape, w_shape, real=real, **options)
    shape = (x_shape[0], w_shape[0], *output_size(**case))
    rng = np.random.default_rng(1)
    grad = rng.standard_normal(shape) if real else rng.integers(1, 10, shape).astype(float)
    return {"grad": times * grad, **case}


# Every place where implementations part, each as small as it can be.
EDGES = [
    dict(x_shape=(1, 1, 3, 3), w_shape=(1, 1, 2, 2)),
    dict(x_shape=(1, 1, 3, 2), w_shape=(1, 1, 3, 2)),  # the kernel as large as the image
    dict(x_shape=(2, 3, 2, 3), w_shape=(2, 3, 1, 1)),
    dict(x_shape=(1, 1, 1, 2), w_shape=(1, 1, 3, 3), padding=1),  # the kernel larger than the image
    dict(x_shape=(1, 1, 2, 3), w_shape=(1, 1, 2, 2), padding=3),  # windows that lie in the frame
    dict(x_shape=(1, 1, 3, 3), w_shape=(1, 1, 3, 2), padding=(2, 0)),
    dict(x_shape=(1, 1, 3, 3), w_shape=(1, 1, 2, 3), padding=(0, 1)),
    dict(x_shape=(1, 1, 6, 6), w_shape=(1, 1, 3, 3), stride=2),  # overlapping windows, an uncovered border
    dict(x_shape=(1, 1, 5, 8), w_shape=(1, 1, 2, 2), stride=(2, 3)),  # windows side by side, and with gaps
    dict(x_shape=(1, 1, 4, 5), w_shape=(1, 1, 2, 2), stride=(1, 2), padding=(1, 0), dilation=1),
    dict(x_shape=(1, 1, 5, 5), w_shape=(1, 1, 3, 2), dilation=(2, 3)),
    dict(x_shape=(1, 1, 5, 6), w_shape=(1, 1, 2, 3), dilation=2, stride=2, padding=1),
    dict(x_shape=(1, 2, 2, 3), w_shape=(2, 1, 2, 2), groups=2),  # depthwise
    dict(x_shape=(1, 4, 2, 2), w_shape=(4, 2, 1, 2), groups=2),
    dict(x_shape=(2, 3, 2, 2), w_shape=(6, 1, 2, 1), groups=3),
    dict(x_shape=(2, 2, 6, 5), w_shape=(4, 1, 2, 3), stride=(2, 1), padding=(1, 2), dilation=(2, 1), groups=2),
    dict(x_shape=(1, 4, 2, 2), w_shape=(4, 2, 1, 1), groups=2),  # one pixel for a kernel, and groups
    dict(x_shape=(9, 5, 3, 3), w_shape=(5, 1, 3, 2), groups=5),  # many samples, many groups
    dict(x_shape=(1, 2, 2, 2), w_shape=(10, 2, 1, 2)),  # many filters
    dict(x_shape=(1, 1, 24, 25), w_shape=(1, 1, 3, 3)),  # a large output
    dict(x_shape=(1, 1, 9, 12), w_shape=(1, 1, 3, 2), stride=(4, 5)),
    # Large and small numbers: nothing is cut off.
    dict(x_shape=(1, 1, 3, 3), w_shape=(1, 1, 2, 2), times=2.0**40),
    dict(x_shape=(1, 1, 3, 3), w_shape=(1, 1, 2, 2), times=2.0**-40),
]
REAL = dict(x_shape=(2, 2, 4, 4), w_shape=(2, 2, 3, 2), real=True)


def assert_same(got, want, message):
    """Fail unless two results of whole numbers, which are whole themselves, are the same.

    An error of one part in 10 ** 9 is allowed all the same, for the sake of those who go through a transform.
    """
    assert_close(got, want, rtol=1e-9, scale=1.0, message=message)


# -- the forward pass --------------------------------------------------------------------------------------------------

examples = Example(points=1)

permitted = Policy()

conv2d_agrees = Agreement(
    "conv2d",
    oracle=correlate,
    scale=forward_scale,
    given=calls(whole=False),
    cases=[
        # A bias of several elements is among the first: memory layouts are tried on those alone.
        *(fixed(**edge, biased=i % 2 == 0 and "times" not in edge) for i, edge in enumerate(EDGES)),
        fixed((1, 1, 2, 2), (1, 1, 2, 2), b=None, stride=1, padding=0, dilation=1, groups=1),
        fixed(**REAL, biased=True),
    ],
    points=3,
    says="conv2d equals the cross-correlation that is worked out window by window.",
    examples=20,
)


@check(points=0.5, examples=12)
@given(case=calls())
@example(case=fixed((1, 1, 6, 5), (1, 1, 3, 2), stride=(2, 3)))
@example(case=fixed((1, 1, 5, 6), (1, 1, 3, 2), dilation=(2, 3)))
@example(case=fixed((1, 1, 2, 3), (1, 1, 3, 2), padding=(2, 1), stride=2))
def has_the_size_that_the_formula_gives(conv2d, case):
    """Each side of the output is floor((size + 2 padding - dilation (k - 1) - 1) / stride) + 1."""
    got, want = np.shape(conv2d(**case)), (len(case["x"]), len(case["w"]), *output_size(**case))
    assert got == want, f"the output's shape is {got}, not {want}"


@st.composite
def single_ones(draw):
    """An image of one channel, and a kernel that is 1 at one place and 0 elsewhere."""
    kh, kw = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    i, j = draw(st.integers(0, kh - 1)), draw(st.integers(0, kw - 1))
    x = draw(arrays((1, 1, kh + draw(st.integers(0, 2)), kw + draw(st.integers(0, 2))), within=4, whole=True))
    return x, single_one((kh, kw), i, j)


def single_one(shape, i, j):
    """A kernel that is 1 at (i, j) and 0 elsewhere."""
    w = np.zeros((1, 1, *shape))
    w[0, 0, i, j] = 1
    return w


@check(points=0.5, examples=10)
@given(case=single_ones())
@example(case=(np.array([[[[1.0, 2.0, 3.0]]]]), single_one((1, 2), 0, 0)))
@example(case=(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), single_one((2, 2), 0, 1)))
def a_single_one_copies_the_image_from_its_place(conv2d, case):
    """A kernel that is 1 at (i, j) and 0 elsewhere copies the image from pixel (i, j) on: nothing is flipped."""
    x, w = case
    (_, _, i, j), (out_h, out_w) = np.argwhere(w)[0], output_size(x, w)
    assert_same(conv2d(x, w), x[:, :, i : i + out_h, j : j + out_w], "the output is not the image from that pixel on")


@check(points=0.5, examples=12)
@given(case=calls(padding=amounts(1, 3)))
@example(case=fixed((1, 1, 2, 2), (1, 1, 1, 1), padding=2))
@example(case=fixed((1, 1, 3, 3), (1, 1, 2, 2), padding=(0, 2)))
@example(case=fixed((1, 1, 3, 3), (1, 1, 3, 3), padding=(2, 0)))
def padding_is_a_frame_of_zeros(conv2d, case):
    """Padding p gives what p zero pixels around the image, on all four sides, give without padding."""
    in_frame = case | {"x": framed(case["x"], case["padding"]), "padding": 0}
    assert_same(conv2d(**case), conv2d(**in_frame), "with padding the output is not that of the framed image")


@check(points=0.5, examples=12)
@given(case=calls(stride=amounts(2, 3)))
@example(case=fixed((1, 1, 5, 6), (1, 1, 2, 2), stride=2))
@example(case=fixed((1, 1, 5, 5), (1, 1, 2, 2), stride=(1, 3)))
def a_stride_keeps_every_s_th_pixel(conv2d, case):
    """Stride s keeps every s-th pixel of the output at stride 1, beginning with the first."""
    s, t = pair(case["stride"])
    message = "the output is not every s-th pixel of the one at stride 1"
    assert_same(conv2d(**case), conv2d(**case | {"stride": 1})[:, :, ::s, ::t], message)


def spread(w, dilation):
    """The kernel with dilation - 1 zeros between neighbouring weights."""
    (d, e), (f, c, kh, kw) = pair(dilation), w.shape
    wide = np.zeros((f, c, d * (kh - 1) + 1, e * (kw - 1) + 1))
    wide[:, :, ::d, ::e] = w
    return wide


@check(points=0.5, examples=12)
@given(case=calls(dilation=amounts(2, 3)))
@example(case=fixed((1, 1, 4, 4), (1, 1, 2, 2), dilation=2))
@example(case=fixed((1, 1, 4, 4), (1, 1, 2, 2), dilation=(1, 3)))
def dilation_puts_zeros_between_the_weights(conv2d, case):
    """Dilation d gives what a kernel with d - 1 zeros between neighbouring weights gives without dilation."""
    wide = case | {"w": spread(case["w"], case["dilation"]), "dilation": 1}
    assert_same(conv2d(**case), conv2d(**wide), "with dilation the output is not that of the spread kernel")


def group_by_group(case):
    """The calls, one for each group, that together make one call with groups."""
    groups = case["groups"]
    parts = {
        name: np.split(case[name], groups, axis=axis)
        for name, axis in {"x": 1, "w": 0, "b": 0, "grad": 1}.items()
        if case.get(name) is not None
    }
    return [case | {name: blocks[g] for name, blocks in parts.items()} | {"groups": 1} for g in range(groups)]


@check(points=0.5, examples=12)
@given(case=calls(groups=SEVERAL_GROUPS))
@example(case=fixed((1, 2, 1, 2), (4, 1, 1, 1), groups=2))
@example(case=fixed((1, 4, 2, 2), (2, 2, 1, 2), groups=2))
def each_group_is_a_convolution_of_its_own(conv2d, case):
    """With groups, the i-th block of filters sees the i-th block of channels alone, and the results stand in order."""
    apart = np.concatenate([conv2d(**part) for part in group_by_group(case)], axis=1)
    assert_same(conv2d(**case), apart, "the output is not that of the groups, each convolved alone")


@check(points=0.5, examples=10)
@given(case=calls(biased=st.just(True)))
@example(case=fixed((1, 2, 2, 3), (2, 2, 1, 2), biased=True))
@example(case=fixed((1, 1, 3, 3), (3, 1, 1, 1), biased=True))
def adds_each_bias_once_to_its_channel(conv2d, case):
    """b[f] is added, once, to every pixel of output channel f."""
    want = conv2d(**case | {"b": None}) + case["b"].reshape(-1, 1, 1)
    assert_same(conv2d(**case), want, "the output is not the one without bias, plus b[f]")


@st.composite
def pixels_and_matrices(draw):
    """Images, and a matrix that is to be applied to every pixel's vector of channels."""
    n, c, f, height, width = (draw(st.integers(1, 3)) for _ in range(5))
    return draw(arrays((n, c, height, width), within=4, whole=True)), draw(arrays((f, c), within=4, whole=True))


@check(points=0.5, examples=10)
@given(case=pixels_and_matrices())
@example(case=(np.arange(1.0, 5.0).reshape(1, 2, 1, 2), np.array([[1.0, 2.0], [3.0, 4.0]])))
@example(case=(np.arange(1.0, 4.0).reshape(1, 3, 1, 1), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])))
def one_by_one_kernels_mix_the_channels(conv2d, case):
    """A 1 by 1 kernel multiplies the vector of channels at every pixel by the matrix of weights."""
    x, matrix = case
    at_each_pixel = np.moveaxis(x, 1, -1) @ matrix.T
    want = np.moveaxis(at_each_pixel, -1, 1)
    assert_same(conv2d(x, matrix[:, :, None, None]), want, "a pixel is not the matrix times its vector of channels")


@check(points=0.5, examples=10)
@given(case=calls())
@example(case=fixed((3, 2, 2, 3), (2, 2, 2, 2)))
def treats_each_sample_alone(conv2d, case):
    """Each sample of a batch gets the output that it gets alone."""
    alone = [conv2d(**case | {"x": sample[None]}) for sample in case["x"]]
    assert_same(conv2d(**case), np.concatenate(alone), "the output is not what the samples get one at a time")


@st.composite
def sums(draw):
    """A call without bias, and what is to be added to its image and to its kernel."""
    case = draw(calls(biased=st.just(False)))
    return case, {name: draw(arrays(case[name].shape, within=4, whole=True)) for name in ("x", "w")}


@check(points=0.5, examples=10)
@given(case=sums())
def is_linear_in_the_image_and_in_the_kernel(conv2d, case):
    """Without bias, conv2d(x + 2 z, w) is conv2d(x, w) + 2 conv2d(z, w), and in the kernel likewise."""
    case, others = case
    for name, other in others.items():
        apart = conv2d(**case) + 2 * conv2d(**case | {name: other})
        message = f"conv2d of {name} + 2 z is not conv2d of {name} plus twice conv2d of z"
        assert_same(conv2d(**case | {name: case[name] + 2 * other}), apart, message)


@check(points=0.5, examples=10)
@given(case=calls(padding=st.just(0)), more=arrays((2, 6, 3, 3), within=4, whole=True))
@example(case=fixed((1, 1, 3, 3), (1, 1, 2, 2), stride=(2, 1)), more=np.full((1, 1, 3, 3), 5.0))
def moves_with_the_image(conv2d, case, more):
    """Without padding, an image that moves down and right by one stride moves the output by one pixel."""
    (s, t), (n, c, height, width) = pair(case.get("stride", 1)), case["x"].shape
    moved = np.resize(more, (n, c, height + s, width + t))
    moved[:, :, s:, t:] = case["x"]
    message = "the output of the moved image is not the moved output"
    assert_same(conv2d(**case | {"x": moved})[:, :, 1:, 1:], conv2d(**case), message)


# -- the backward pass -------------------------------------------------------------------------------------------------

backward_agrees = Agreement(
    "conv2d_backward",
    oracle=correlate_backward,
    scale=backward_scale,
    given=backward_calls(whole=False),
    cases=[
        *(fixed_backward(**edge) for edge in EDGES),
        fixed_backward((1, 1, 2, 2), (1, 1, 2, 2), stride=1, padding=0, dilation=1, groups=1),
        fixed_backward(**REAL),
    ],
    parts=("dx", "dw", "db"),
    points=4,
    says="conv2d_backward equals the gradients that are gathered window by window.",
    examples=20,
)


def one_output(x_shape, w_shape, place, **options):
    """A call of conv2d_backward whose cotangent is 1 at one place and 0 elsewhere."""
    case = fixed_backward(x_shape, w_shape, **options)
    case["grad"] = np.zeros_like(case["grad"])
    case["grad"][place] = 1
    return case


@st.composite
def single_outputs(draw):
    """The same, drawn."""
    case = draw(backward_calls(padding=st.just(0), groups=ONE_GROUP))
    place = tuple(draw(st.integers(0, side - 1)) for side in case["grad"].shape)
    case["grad"] = np.zeros_like(case["grad"])
    case["grad"][place] = 1
    return case


def window_of(case, i, j):
    """The rows and columns under the window of output pixel (i, j)."""
    axes = zip((i, j), case["w"].shape[2:], pair(case.get("stride", 1)), pair(case.get("dilation", 1)), strict=True)
    return [slice(at * step, at * step + gap * (k - 1) + 1, gap) for at, k, step, gap in axes]


@check(points=0.5, examples=12)
@given(case=single_outputs())
@example(case=one_output((1, 1, 3, 3), (1, 1, 2, 2), (0, 0, 0, 1)))
@example(case=one_output((1, 1, 4, 4), (1, 1, 2, 2), (0, 0, 1, 0), stride=2))
@example(case=one_output((1, 1, 3, 4), (1, 1, 2, 2), (0, 0, 0, 1), dilation=2))
@example(case=one_output((2, 2, 3, 2), (2, 2, 2, 2), (1, 1, 1, 0)))
def one_output_pixel_reaches_its_window(conv2d_backward, case):
    """For a cotangent of 1 at one output pixel, dx is the filter laid on that pixel's window, and dw is that window."""
    x, w = case["x"], case["w"]
    n, f, i, j = np.argwhere(case["grad"])[0]
    window = (n, slice(None), *window_of(case, i, j))
    want_dx, want_dw = np.zeros_like(x), np.zeros_like(w)
    want_dx[window], want_dw[f] = w[f], x[window]
    dx, dw, _ = conv2d_backward(**case)
    assert_same(dx, want_dx, message="dx is not the filter on its window")
    assert_same(dw, want_dw, message="dw is not the window")


@check(points=0.5, examples=10)
@given(case=backward_calls(padding=st.just(0), groups=st.just((1, 1))))
@example(case=fixed_backward((1, 1, 1, 3), (1, 1, 1, 2)))
@example(case=fixed_backward((1, 1, 6, 4), (1, 1, 3, 2), stride=2))
def overlapping_windows_add_up(conv2d_backward, case):
    """For one filter whose weights are all 1, dx is, at each pixel, the sum of grad over the windows that cover it."""
    case = case | {"w": np.ones_like(case["w"][:1]), "grad": case["grad"][:, :1]}
    want = np.zeros_like(case["x"])
    for i, j in np.ndindex(*case["grad"].shape[2:]):
        want[:, :, *window_of(case, i, j)] += case["grad"][:, :, i : i + 1, j : j + 1]
    dx, _, _ = conv2d_backward(**case)
    assert_same(dx, want, "dx is not the sum of grad over the windows that cover a pixel")


def inner(a, b):
    """The sum of products of two arrays of one shape."""
    assert np.shape(a) == np.shape(b), f"the shapes {np.shape(a)} and {np.shape(b)} should be equal"
    return np.sum(a * b)


@check(points=0.5, examples=12)
@given(case=backward_calls())
@example(case=fixed_backward((2, 2, 4, 3), (2, 1, 2, 2), stride=(2, 1), padding=(0, 1), groups=2))
def dx_and_dw_are_adjoint_to_the_forward_pass(conv2d, conv2d_backward, case):
    """The sum of conv2d(x, w) * grad equals the sum of x * dx and the sum of w * dw."""
    forward = {name: value for name, value in case.items() if name != "grad"}
    want = inner(conv2d(**forward), case["grad"])
    dx, dw, _ = conv2d_backward(**case)
    assert_same(inner(case["x"], dx), want, message="x * dx and conv2d(x, w) * grad have different sums")
    assert_same(inner(case["w"], dw), want, message="w * dw and conv2d(x, w) * grad have different sums")


@check(points=0.5, examples=10)
@given(case=backward_calls())
@example(case=fixed_backward((2, 1, 2, 3), (3, 1, 1, 1)))
def db_is_the_sum_of_the_cotangent(conv2d_backward, case):
    """db[f] is the sum of grad over all samples, rows and columns of channel f."""
    _, _, db = conv2d_backward(**case)
    assert_same(db, case["grad"].sum((0, 2, 3)), "db is not the sum of grad")


@check(points=0.5, examples=12)
@given(case=backward_calls(padding=amounts(1, 3)))
@example(case=fixed_backward((1, 1, 2, 2), (1, 1, 2, 2), padding=1))
@example(case=fixed_backward((1, 1, 3, 3), (1, 1, 2, 2), padding=(0, 1)))
@example(case=fixed_backward((1, 1, 3, 3), (1, 1, 2, 3), padding=(1, 2)))
def the_frame_is_cut_off_dx(conv2d_backward, case):
    """With padding, dx is the framed image's without its frame, also where a side's padding is 0; dw is the same."""
    (p, q), (height, width) = pair(case["padding"]), case["x"].shape[2:]
    dx, dw, _ = conv2d_backward(**case)
    dimage, want_dw, _ = conv2d_backward(**case | {"x": framed(case["x"], (p, q)), "padding": 0})
    assert_same(dx, dimage[:, :, p : p + height, q : q + width], message="dx differs")
    assert_same(dw, want_dw, message="dw differs")


@check(points=0.5, examples=12)
@given(case=backward_calls(stride=amounts(2, 3)))
@example(case=fixed_backward((1, 1, 4, 4), (1, 1, 2, 2), stride=2))
@example(case=fixed_backward((1, 1, 4, 6), (1, 1, 2, 2), stride=(1, 3)))
def a_stride_spreads_the_cotangent(conv2d_backward, case):
    """Stride s gives what stride 1 gives for the cotangent with s - 1 zeros between its pixels."""
    (s, t), grad = pair(case["stride"]), case["grad"]
    wide = np.zeros((*grad.shape[:2], *output_size(**case | {"stride": 1})))
    wide[:, :, ::s, ::t] = grad
    same_results(conv2d_backward(**case), conv2d_backward(**case | {"grad": wide, "stride": 1}))


def same_results(got, want):
    """Compare dx, dw and db one by one."""
    for name, ours, theirs in zip(("dx", "dw", "db"), got, want, strict=True):
        assert_same(ours, theirs, message=f"{name} differs")


@check(points=0.5, examples=12)
@given(case=backward_calls(dilation=amounts(2, 3)))
@example(case=fixed_backward((1, 1, 3, 4), (1, 1, 2, 2), dilation=2))
@example(case=fixed_backward((1, 1, 3, 4), (1, 1, 2, 2), dilation=(1, 3)))
def dilation_leaves_the_zeros_out_of_dw(conv2d_backward, case):
    """Dilation d gives what a kernel with d - 1 zeros between its weights gives; dw has no place for the zeros."""
    d, e = pair(case["dilation"])
    dx, dw, db = conv2d_backward(**case | {"w": spread(case["w"], (d, e)), "dilation": 1})
    same_results(conv2d_backward(**case), (dx, dw[:, :, ::d, ::e], db))


@check(points=0.5, examples=12)
@given(case=backward_calls(groups=SEVERAL_GROUPS))
@example(case=fixed_backward((1, 2, 1, 2), (4, 1, 1, 1), groups=2))
@example(case=fixed_backward((1, 4, 2, 2), (2, 2, 1, 2), groups=2))
def each_group_has_gradients_of_its_own(conv2d_backward, case):
    """With groups, dx, dw and db are those of the groups, each worked out alone, in order."""
    dx, dw, db = zip(*(conv2d_backward(**part) for part in group_by_group(case)), strict=True)
    same_results(conv2d_backward(**case), (np.concatenate(dx, axis=1), np.concatenate(dw), np.concatenate(db)))


@check(points=0.5, examples=10)
@given(case=backward_calls())
@example(case=fixed_backward((2, 1, 2, 3), (1, 1, 2, 2)))
@example(case=fixed_backward((3, 1, 2, 2), (2, 1, 1, 1)))
def dw_and_db_add_up_over_the_batch(conv2d_backward, case):
    """dx keeps the samples apart; dw and db are the sums of what each sample gives alone."""
    alone = [
        conv2d_backward(**case | {"grad": g[None], "x": x[None]}) for g, x in zip(case["grad"], case["x"], strict=True)
    ]
    dx, dw, db = zip(*alone, strict=True)
    same_results(conv2d_backward(**case), (np.concatenate(dx), sum(dw), sum(db)))


# Few elements, for finite differences cost two calls for each; one setting for each way to go wrong.
TINY = [
    dict(x_shape=(1, 1, 4, 3), w_shape=(1, 1, 2, 2)),
    dict(x_shape=(2, 1, 3, 3), w_shape=(2, 1, 2, 2), stride=2, padding=1),
    dict(x_shape=(1, 2, 4, 3), w_shape=(2, 1, 2, 2), stride=(2, 1), padding=(0, 1), groups=2),
    dict(x_shape=(1, 1, 5, 4), w_shape=(2, 1, 2, 2), stride=(1, 2), padding=(1, 0), dilation=(2, 1)),
    dict(x_shape=(2, 2, 3, 3), w_shape=(1, 2, 1, 3), padding=(0, 2), dilation=(1, 2)),
    dict(x_shape=(1, 2, 2, 5), w_shape=(4, 1, 2, 2), stride=(1, 2), dilation=(1, 2), groups=2),
]


@st.composite
def tiny_calls(draw):
    """One of these settings, with random numbers."""
    setting = dict(draw(st.sampled_from(TINY)))
    x_shape, w_shape = setting.pop("x_shape"), setting.pop("w_shape")
    shapes = {"x": x_shape, "w": w_shape, "b": w_shape[:1]}
    return {name: draw(arrays(shape, within=3)) for name, shape in shapes.items()} | setting


gradient = Gradient(
    "conv2d",
    backward="conv2d_backward",
    wrt=("x", "w", "b"),
    oracle=correlate_backward,
    forward_oracle=correlate,
    given=tiny_calls(),
    points=2,
    says="dx, dw and db equal the finite differences of conv2d, element by element.",
    examples=6,
)
