"""What a right and fast conv2d must do."""

import numpy as np
import torch.nn.functional as F
from dlgrade.author import Agreement, Example, Gradient, Policy, Timing, arrays, assert_close, check
from hypothesis import example, given
from hypothesis import strategies as st


def library(x, w, b=None, stride=1, padding=0):
    """torch's own."""
    return F.conv2d(x, w, b, stride, padding)


# -- inputs ------------------------------------------------------------------------------------------------------------


def pair(amount):
    """An int stands for the same amount along height and width."""
    return (amount, amount) if isinstance(amount, int) else amount


def output_size(x, w, stride=1, padding=0, **_):
    """The output's height and width."""
    sides = zip(x.shape[2:], w.shape[2:], pair(stride), pair(padding), strict=True)
    return tuple((size + 2 * p - k) // s + 1 for size, k, s, p in sides)


def framed(x, padding):
    """The image inside a frame of zero pixels."""
    (n, c, height, width), (p, q) = x.shape, pair(padding)
    frame = np.zeros((n, c, height + 2 * p, width + 2 * q))
    frame[:, :, p : p + height, q : q + width] = x
    return frame


# What a sum can come to at most, not each element's own size: an algorithm that goes through a transform is right too,
# and spreads the rounding of its largest numbers over the whole result.
def size_of_errors(x, w, b=None, **_):
    """The size that rounding errors are measured against."""
    return abs(x).max() * abs(w).max() * w[0].size + (0 if b is None else abs(b).max())


def amounts(low, high):
    """An int, or a (height, width) pair."""
    side = st.integers(low, high)
    return side | st.tuples(side, side)


DEFAULTS = {"stride": 1, "padding": 0}


@st.composite
def calls(draw, *, stride=amounts(1, 3), padding=amounts(0, 2), biased=st.booleans(), whole=True):  # noqa: B008
    """Arguments with at least one output pixel; options at their defaults are left out."""
    options = {"stride": draw(stride), "padding": draw(padding)}
    n, c, f = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    spare = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    sides = zip(kernel, pair(options["padding"]), spare, strict=True)
    size = (max(1, k - 2 * p) + more for k, p, more in sides)
    case = {
        "x": draw(arrays((n, c, *size), within=4, whole=whole)),
        "w": draw(arrays((f, c, *kernel), within=4, whole=whole)),
    }
    if draw(biased):
        case["b"] = draw(arrays((f,), within=4, whole=whole))
    return case | {name: value for name, value in options.items() if value != DEFAULTS[name]}


def fixed(x_shape, w_shape, *, biased=False, real=False, times=1.0, **options):
    """One call, its numbers 1 to 9 or, if `real`, such that float32 cannot hold them; x `times` a factor."""
    rng = np.random.default_rng(0)
    shapes = {"x": x_shape, "w": w_shape} | ({"b": w_shape[:1]} if biased else {})
    numbers = rng.standard_normal if real else lambda shape: rng.integers(1, 10, shape).astype(float)
    case = {name: numbers(shape) for name, shape in shapes.items()}
    return case | {"x": times * case["x"]} | options


# Every place where implementations part, each as small as it can be.
EDGES = [
    dict(x_shape=(1, 1, 3, 3), w_shape=(1, 1, 2, 2)),
    dict(x_shape=(1, 1, 3, 2), w_shape=(1, 1, 3, 2)),  # the kernel as large as the image
    dict(x_shape=(2, 3, 2, 3), w_shape=(2, 3, 1, 1)),
    dict(x_shape=(2, 2, 3, 4), w_shape=(3, 2, 2, 3), biased=True),
    dict(x_shape=(1, 1, 1, 2), w_shape=(1, 1, 3, 3), padding=1),  # the kernel larger than the image
    dict(x_shape=(1, 1, 2, 3), w_shape=(1, 1, 2, 2), padding=3),  # windows that lie in the frame
    dict(x_shape=(1, 1, 3, 3), w_shape=(1, 1, 3, 2), padding=(2, 0)),
    dict(x_shape=(2, 2, 3, 3), w_shape=(2, 2, 2, 3), padding=(0, 1), biased=True),
    dict(x_shape=(1, 1, 6, 6), w_shape=(1, 1, 3, 3), stride=2),  # overlapping windows, an uncovered border
    dict(x_shape=(1, 1, 5, 8), w_shape=(1, 1, 2, 2), stride=(2, 3)),  # windows side by side, and with gaps
    dict(x_shape=(1, 2, 4, 5), w_shape=(1, 2, 2, 2), stride=(1, 2), padding=(1, 0)),
    dict(x_shape=(2, 2, 6, 5), w_shape=(4, 2, 2, 3), stride=(2, 1), padding=(1, 2), biased=True),
    dict(x_shape=(9, 2, 3, 3), w_shape=(5, 2, 3, 2)),  # many samples
    dict(x_shape=(1, 2, 2, 2), w_shape=(10, 2, 1, 2)),  # many filters
    dict(x_shape=(1, 10, 2, 2), w_shape=(2, 10, 2, 1)),  # many channels
    dict(x_shape=(1, 1, 24, 25), w_shape=(1, 1, 3, 3)),  # a large output
    dict(x_shape=(1, 1, 9, 12), w_shape=(1, 1, 3, 2), stride=(4, 5)),
    # Large and small numbers: nothing is cut off.
    dict(x_shape=(1, 1, 3, 3), w_shape=(1, 1, 2, 2), times=2.0**40),
    dict(x_shape=(1, 1, 3, 3), w_shape=(1, 1, 2, 2), times=2.0**-40),
]


def assert_same(got, want, message):
    """Fail unless two results of whole numbers, which are whole themselves, are the same.

    An error of one part in 10 ** 9 is allowed all the same, for the sake of those who go through a transform.
    """
    assert_close(got, want, rtol=1e-9, scale=1.0, message=message)


# -- what it computes --------------------------------------------------------------------------------------------------

examples = Example(points=1)

permitted = Policy()

agrees = Agreement(
    "conv2d_fast",
    oracle=library,
    scale=size_of_errors,
    given=calls(whole=False),
    cases=[
        *(fixed(**edge) for edge in EDGES),
        fixed((1, 1, 2, 2), (1, 1, 2, 2), b=None, stride=1, padding=0),
        fixed((2, 2, 4, 4), (2, 2, 3, 2), real=True, biased=True),
    ],
    points=4,
    says="conv2d_fast equals torch's own convolution.",
    examples=20,
)


@check(points=0.5, examples=12)
@given(case=calls())
@example(case=fixed((1, 1, 6, 5), (1, 1, 3, 2), stride=(2, 3)))
@example(case=fixed((1, 1, 2, 3), (1, 1, 3, 2), padding=(2, 1), stride=2))
def has_the_size_that_the_formula_gives(conv2d_fast, case):
    """Each side of the output is floor((size + 2 padding - k) / stride) + 1."""
    got, want = np.shape(conv2d_fast(**case)), (len(case["x"]), len(case["w"]), *output_size(**case))
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


@check(points=1, examples=10)
@given(case=single_ones())
@example(case=(np.array([[[[1.0, 2.0, 3.0]]]]), single_one((1, 2), 0, 0)))
@example(case=(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), single_one((2, 2), 0, 1)))
def a_single_one_copies_the_image_from_its_place(conv2d_fast, case):
    """A kernel that is 1 at (i, j) and 0 elsewhere copies the image from pixel (i, j) on: nothing is flipped."""
    x, w = case
    (_, _, i, j), (out_h, out_w) = np.argwhere(w)[0], output_size(x, w)
    message = "the output is not the image from that pixel on"
    assert_same(conv2d_fast(x, w), x[:, :, i : i + out_h, j : j + out_w], message)


@check(points=0.5, examples=12)
@given(case=calls(padding=amounts(1, 3)))
@example(case=fixed((1, 1, 2, 2), (1, 1, 1, 1), padding=2))
@example(case=fixed((1, 1, 3, 3), (1, 1, 2, 2), padding=(0, 2)))
@example(case=fixed((1, 1, 3, 3), (1, 1, 3, 3), padding=(2, 0)))
def padding_is_a_frame_of_zeros(conv2d_fast, case):
    """Padding p gives what p zero pixels around the image, on all four sides, give without padding."""
    in_frame = case | {"x": framed(case["x"], case["padding"]), "padding": 0}
    message = "with padding the output is not that of the framed image"
    assert_same(conv2d_fast(**case), conv2d_fast(**in_frame), message)


@check(points=0.5, examples=12)
@given(case=calls(stride=amounts(2, 3)))
@example(case=fixed((1, 1, 5, 6), (1, 1, 2, 2), stride=2))
@example(case=fixed((1, 1, 5, 5), (1, 1, 2, 2), stride=(1, 3)))
def a_stride_keeps_every_s_th_pixel(conv2d_fast, case):
    """Stride s keeps every s-th pixel of the output at stride 1, beginning with the first."""
    s, t = pair(case["stride"])
    message = "the output is not every s-th pixel of the one at stride 1"
    assert_same(conv2d_fast(**case), conv2d_fast(**case | {"stride": 1})[:, :, ::s, ::t], message)


@check(points=0.5, examples=10)
@given(case=calls(biased=st.just(True)))
@example(case=fixed((1, 2, 2, 3), (2, 2, 1, 2), biased=True))
@example(case=fixed((1, 1, 3, 3), (3, 1, 1, 1), biased=True))
@example(case=fixed((3, 1, 2, 3), (3, 1, 1, 1), biased=True))
def adds_each_bias_once_to_its_channel(conv2d_fast, case):
    """b[f] is added, once, to every pixel of output channel f."""
    want = conv2d_fast(**case | {"b": None}) + case["b"].reshape(-1, 1, 1)
    assert_same(conv2d_fast(**case), want, "the output is not the one without bias, plus b[f]")


@st.composite
def pixels_and_matrices(draw):
    """Images, and a matrix that is to be applied to every pixel's vector of channels."""
    n, c, f, height, width = (draw(st.integers(1, 3)) for _ in range(5))
    return draw(arrays((n, c, height, width), within=4, whole=True)), draw(arrays((f, c), within=4, whole=True))


@check(points=1, examples=10)
@given(case=pixels_and_matrices())
@example(case=(np.arange(1.0, 5.0).reshape(1, 2, 1, 2), np.array([[1.0, 2.0], [3.0, 4.0]])))
@example(case=(np.arange(1.0, 4.0).reshape(1, 3, 1, 1), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])))
@example(case=(np.arange(1.0, 13.0).reshape(2, 2, 1, 3), np.array([[1.0, 2.0], [3.0, 4.0]])))
def one_by_one_kernels_mix_the_channels(conv2d_fast, case):
    """A 1 by 1 kernel multiplies the vector of channels at every pixel by the matrix of weights."""
    x, matrix = case
    at_each_pixel = np.moveaxis(x, 1, -1) @ matrix.T
    want = np.moveaxis(at_each_pixel, -1, 1)
    message = "a pixel is not the matrix times its vector of channels"
    assert_same(conv2d_fast(x, matrix[:, :, None, None]), want, message)


@check(points=0.5, examples=10)
@given(case=calls())
@example(case=fixed((3, 2, 2, 3), (2, 2, 2, 2)))
def treats_each_sample_alone(conv2d_fast, case):
    """Each sample of a batch gets the output that it gets alone."""
    alone = [conv2d_fast(**case | {"x": sample[None]}) for sample in case["x"]]
    assert_same(conv2d_fast(**case), np.concatenate(alone), "the output is not what the samples get one at a time")


@st.composite
def sums(draw):
    """A call without bias, and what is to be added to its image and to its kernel."""
    case = draw(calls(biased=st.just(False)))
    return case, {name: draw(arrays(case[name].shape, within=4, whole=True)) for name in ("x", "w")}


@check(points=0.5, examples=10)
@given(case=sums())
def is_linear_in_the_image_and_in_the_kernel(conv2d_fast, case):
    """Without bias, conv2d(x + 2 z, w) is conv2d(x, w) + 2 conv2d(z, w), and in the kernel likewise."""
    case, others = case
    for name, other in others.items():
        apart = conv2d_fast(**case) + 2 * conv2d_fast(**case | {name: other})
        message = f"the output for {name} + 2 z is not the one for {name} plus twice the one for z"
        assert_same(conv2d_fast(**case | {name: case[name] + 2 * other}), apart, message)


@check(points=0.5, examples=10)
@given(case=calls(padding=st.just(0)), more=arrays((2, 6, 3, 3), within=4, whole=True))
@example(case=fixed((1, 1, 3, 3), (1, 1, 2, 2), stride=(2, 1)), more=np.full((1, 1, 3, 3), 5.0))
def moves_with_the_image(conv2d_fast, case, more):
    """Without padding, an image that moves down and right by one stride moves the output by one pixel."""
    (s, t), (n, c, height, width) = pair(case.get("stride", 1)), case["x"].shape
    moved = np.resize(more, (n, c, height + s, width + t))
    moved[:, :, s:, t:] = case["x"]
    message = "the output of the moved image is not the moved output"
    assert_same(conv2d_fast(**case | {"x": moved})[:, :, 1:, 1:], conv2d_fast(**case), message)


# -- the gradient ------------------------------------------------------------------------------------------------------

# Few elements, for finite differences cost two calls for each; one setting for each way to go wrong.
TINY = [
    dict(x_shape=(1, 1, 4, 3), w_shape=(1, 1, 2, 2)),
    dict(x_shape=(2, 1, 3, 3), w_shape=(2, 1, 2, 2), stride=2, padding=1),
    dict(x_shape=(1, 2, 4, 3), w_shape=(2, 2, 2, 2), stride=(2, 1), padding=(0, 1)),
    dict(x_shape=(1, 1, 5, 4), w_shape=(2, 1, 2, 2), stride=(1, 2), padding=(1, 0)),
    dict(x_shape=(2, 2, 3, 3), w_shape=(1, 2, 1, 3), padding=(0, 2)),
]


@st.composite
def tiny_calls(draw):
    """One of these settings, with random numbers."""
    setting = dict(draw(st.sampled_from(TINY)))
    x_shape, w_shape = setting.pop("x_shape"), setting.pop("w_shape")
    shapes = {"x": x_shape, "w": w_shape, "b": w_shape[:1]}
    return {name: draw(arrays(shape, within=3)) for name, shape in shapes.items()} | setting


gradient = Gradient(
    "conv2d_fast",
    wrt=("x", "w", "b"),
    forward_oracle=library,
    given=tiny_calls(),
    points=3,
    says="Autograd finds its way through conv2d_fast to x, w and b.",
    examples=6,
)


# -- what it costs -----------------------------------------------------------------------------------------------------


def batch(n, c, f, side, dtype=np.float64):
    """A call whose numbers do not matter, but its sizes."""
    return {"x": np.ones((n, c, side, side), dtype), "w": np.ones((f, c, 3, 3), dtype), "padding": 1}


@check(points=1, examples=1)
@given(case=st.just({}))
def runs_no_loop(conv2d_fast, case):
    """It executes as many lines of Python for many images, channels, filters or pixels as for few."""
    few = conv2d_fast.lines_executed(**batch(2, 2, 2, 4))
    sizes = {"images": (64, 2, 2, 4), "channels": (2, 64, 2, 4), "filters": (2, 2, 64, 4), "pixels": (2, 2, 2, 32)}
    for what, size in sizes.items():
        many = conv2d_fast.lines_executed(**batch(*size))
        assert many <= 2 * few, (
            f"it executes {many} lines of Python where there are more {what}, and {few} where there are few: it loops "
            "over them. unfold() shows all windows at once, and one matrix product multiplies them by all filters"
        )


@check(points=1, examples=1)
@given(case=st.just({}))
def memory_grows_with_the_columns(conv2d_fast, case):
    """It holds a few tensors as large as the columns or the output, and none that is as large as all products."""
    n, c, f, side = 1, 4, 64, 16
    held = conv2d_fast.peak_memory(**batch(n, c, f, side))
    columns, out = c * 3 * 3 * side**2, f * side**2
    assert held <= 8 * 8 * (columns + out), (
        f"it holds {held / 1e6:.3g} MB, where the columns and the output are {8 * (columns + out) / 1e6:.3g} MB: "
        "somewhere it makes a tensor of all products of a weight and a pixel before they are summed; a matrix product "
        "sums as it goes"
    )


@check(points=0.5, examples=1)
@given(case=st.just({}))
def float32_stays_float32(conv2d_fast, case):
    """For float32 it holds about half the memory that it holds for float64: nothing is computed in more digits."""
    single, double = (conv2d_fast.peak_memory(**batch(2, 8, 8, 16, dtype)) for dtype in (np.float32, np.float64))
    assert single <= 0.8 * double, (
        f"given float32 it holds {single / 1e6:.3g} MB and given float64 {double / 1e6:.3g} MB: it computes both in "
        "the same digits. Look for .double(), .float(), .to() with a dtype, and tensors made from numbers"
    )


def photographs(rng, n):
    """n images of 56 by 56 pixels and 64 channels, for 128 filters of 3 by 3."""
    return {
        "x": rng.standard_normal((n, 64, 56, 56), dtype=np.float32),
        "w": rng.standard_normal((128, 64, 3, 3), dtype=np.float32) / np.float32(24),
        "b": rng.standard_normal(128, dtype=np.float32),
        "padding": 1,
    }


fast = Timing(
    "conv2d_fast",
    baseline=library,
    given=photographs,
    size=2,
    limit=6.0,
    unit="images of 64 channels and 56 by 56 pixels",
    points=4,
    says="conv2d_fast takes at most 6 times what torch's conv2d takes.",
)

fast_on_gpu = Timing(
    "conv2d_fast",
    baseline=library,
    given=photographs,
    size=128,
    limit=6.0,
    device="cuda",
    unit="images of 64 channels and 56 by 56 pixels",
    points=0,
    says="On a GPU, conv2d_fast takes at most 6 times what torch's conv2d takes.",
)
