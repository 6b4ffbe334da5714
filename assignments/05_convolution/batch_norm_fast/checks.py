"""What right and fast batch normalisation must do."""

import functools
import math

import numpy as np
import torch.nn.functional as F
from dlgrade.author import Agreement, Example, Gradient, Policy, Timing, arrays, assert_close, check
from hypothesis import example, given
from hypothesis import strategies as st


def library(x, gamma, beta, eps=1e-5):
    """torch's own."""
    return F.batch_norm(x, None, None, gamma, beta, True, 0.1, eps)


# Errors grow with the distance of a channel from zero, in units of its deviation: the mean is rounded, and so is what
# multiplying out puts in the place of x - mean. They do not grow with the square of that distance, as those of the mean
# of the squares less the square of the mean do.
def table(x):
    """One row for each value of a channel, one column for each channel."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def column(per_channel):
    """A number for each channel, in a shape that lines up with the channels of images."""
    return np.reshape(per_channel, (1, -1, 1, 1))


def size_of_errors(x, gamma, beta, eps=1e-5):
    """The size that rounding errors are measured against, channel by channel."""
    values = table(x)
    lost = 1 + np.abs(values).max(0) / np.sqrt(values.var(0) + eps) / 30
    return np.maximum(column(np.abs(gamma) * lost + np.abs(beta)), 1e-30)


# -- inputs ------------------------------------------------------------------------------------------------------------

SHAPES = (
    (1, 2, 1, 2),
    (2, 2, 1, 1),
    (1, 1, 2, 2),
    (2, 2, 1, 2),
    (1, 3, 2, 1),
    (2, 3, 2, 1),
    (3, 2, 1, 2),
    (2, 2, 2, 3),
    (3, 1, 1, 1),
    (2, 2, 2, 2),
)
EPSILONS = st.sampled_from([None, 0.1, 1e-3, 1.0])
KINDS = ("plain", "shifted", "tiny", "constant")

numbers = functools.cache(arrays)


@st.composite
def calls(draw, *, whole=True, kinds=("plain", "shifted"), shapes=SHAPES, eps=EPSILONS):
    """Arguments: channels at 0, far from 0, with a variance near eps, constant; eps is left out or given."""
    shape, eps, kind = draw(st.sampled_from(shapes)), draw(eps), draw(st.sampled_from(kinds))
    x = draw(numbers(shape, within=4, whole=whole))
    if kind == "tiny":
        x = x / 1024
    if kind != "plain":
        x = x + column(draw(numbers((shape[1],), within=3, whole=True)))
    if kind == "constant":
        x[:, -1] = draw(st.integers(-3, 3))
    gamma, beta = draw(numbers((2, shape[1]), within=3, whole=whole))
    case = {"x": x, "gamma": np.where(gamma == 0, 2.0, gamma), "beta": beta}
    return case if eps is None else {**case, "eps": eps}


def fixed(shape, *, x=None, real=False, **others):
    """One call, its numbers 1 to 9 or, if `real`, such that float32 cannot hold them."""
    rng = np.random.default_rng(0)
    made = rng.standard_normal if real else lambda shape: rng.integers(1, 10, shape).astype(float)
    case = {"x": made(shape), "gamma": made(shape[1:2]), "beta": made(shape[1:2])}
    return case | ({} if x is None else {"x": x}) | others


def near(shape, level=1.0, spread=1 / 256):
    """Values so close together that their variance is about 1e-5."""
    return level + spread * (np.arange(math.prod(shape)) % 5).reshape(shape)


def far(shape, level, step=1.0):
    """Small multiples of one step, far from zero; float32 can hold them."""
    return level + step * (np.arange(math.prod(shape)) * 7 % 5).reshape(shape)


CONSTANT = np.stack([np.full((2, 1, 2), 3.0), np.arange(4.0).reshape(2, 1, 2)], axis=1)

# Every place where implementations part, each as small as it can be.
EDGES = [
    dict(shape=(1, 1, 1, 2)),
    dict(shape=(2, 2, 1, 1)),
    dict(shape=(1, 2, 2, 2)),
    dict(shape=(2, 3, 2, 2)),
    dict(shape=(3, 2, 1, 2)),
    dict(shape=(2, 2, 2, 2)),
    dict(shape=(2, 1, 2, 3)),
    # The mean of the squares and the square of the mean agree here to nearly all digits of float32.
    dict(shape=(3, 2, 1, 2), x=far((3, 2, 1, 2), 1000.0)),
    dict(shape=(2, 2, 2, 3), x=far((2, 2, 2, 3), -4096.0)),
    dict(shape=(3, 2, 1, 1), x=far((3, 2, 1, 1), 100.0, 0.125)),
    dict(shape=(2, 2, 2, 2), x=near((2, 2, 2, 2))),
    dict(shape=(2, 2, 2, 2), x=near((2, 2, 2, 2), level=-2.0)),
    dict(shape=(2, 2, 1, 2), x=CONSTANT),
    dict(shape=(2, 2, 1, 2), eps=0.1),
    dict(shape=(3, 2, 1, 1), eps=1.0),
    dict(shape=(2, 2, 1, 2), eps=1e-5),
    dict(shape=(3, 2, 1, 1), gamma=np.array([-2.0, 0.0])),
    dict(shape=(2, 3, 2, 2), real=True),
    # A variance that is far below 1, but not below eps.
    dict(shape=(3, 2, 1, 1), x=1e-5 * np.arange(-3.0, 3.0).reshape(3, 2, 1, 1) ** 3, eps=1e-12),
    # A first pixel, or a first sample, that lies far from the others.
    dict(shape=(2, 1, 2, 4), x=np.array([-500.0, *range(15)]).reshape(2, 1, 2, 4)),
    # Many samples, channels, rows and columns.
    dict(shape=(33, 9, 1, 1)),
    dict(shape=(2, 65, 1, 2)),
    dict(shape=(2, 2, 17, 19)),
]


def normalised(batch_norm_fast, case):
    """y, once it is known to have the shape that a law goes on to use."""
    y = np.asarray(batch_norm_fast(**case))
    assert y.shape == case["x"].shape, f"y has shape {y.shape}, not {case['x'].shape}"
    return y


# -- what it computes --------------------------------------------------------------------------------------------------

examples = Example(points=1)

permitted = Policy()

agrees = Agreement(
    "batch_norm_fast",
    oracle=library,
    scale=size_of_errors,
    given=calls(whole=False, kinds=KINDS),
    cases=[fixed(**edge) for edge in EDGES],
    points=4,
    says="batch_norm_fast equals torch's own batch normalisation in training.",
    examples=20,
)


@check(points=1, examples=12)
@given(case=calls(kinds=KINDS))
@example(case=fixed((3, 2, 1, 1)))
@example(case=fixed((2, 2, 2, 2)))
@example(case=fixed((2, 2, 1, 2), x=near((2, 2, 1, 2))))
@example(case=fixed((3, 1, 1, 1), eps=1.0))
def channels_get_mean_beta_and_variance_gamma_squared(batch_norm_fast, case):
    """Each channel of y has mean beta and variance gamma ** 2 * var / (var + eps), var being biased."""
    y, values = normalised(batch_norm_fast, case), table(case["x"])
    size = size_of_errors(**case).ravel()
    var, eps = values.var(0), case.get("eps", 1e-5)
    assert_close(table(y).mean(0), case["beta"], scale=size, message="a channel's mean is not beta")
    want = case["gamma"] ** 2 * var / (var + eps)
    message = "a channel's variance is not gamma ** 2 var / (var + eps)"
    assert_close(table(y).var(0), want, scale=size**2, message=message)


@check(points=0.5, examples=10)
@given(case=calls())
@example(case=fixed((3, 2, 1, 1)))
@example(case=fixed((1, 2, 2, 2)))
def gamma_and_beta_come_last(batch_norm_fast, case):
    """y is gamma times what gamma = 1 and beta = 0 give, plus beta."""
    plain = case | {"gamma": np.ones_like(case["gamma"]), "beta": np.zeros_like(case["beta"])}
    want = column(case["gamma"]) * normalised(batch_norm_fast, plain) + column(case["beta"])
    message = "y is not gamma times the normalised x, plus beta"
    assert_close(batch_norm_fast(**case), want, scale=size_of_errors(**case), message=message)


@check(points=1, examples=10)
@given(case=calls(), level=st.integers(-50, 50))
@example(case=fixed((3, 2, 1, 1)), level=10)
@example(case=fixed((2, 2, 1, 2)), level=-20)
@example(case=fixed((3, 2, 1, 1)), level=10**6)
def ignores_a_common_shift(batch_norm_fast, case, level):
    """Adding a number to a whole channel changes nothing."""
    shift = level + np.arange(float(case["x"].shape[1]))
    moved = case | {"x": case["x"] + column(shift)}
    message = "y of the shifted channels is not y"
    assert_close(batch_norm_fast(**moved), batch_norm_fast(**case), scale=size_of_errors(**moved), message=message)


def in_single(case):
    """The same arguments in float32."""
    return {name: v.astype(np.float32) if isinstance(v, np.ndarray) else v for name, v in case.items()}


# All of these numbers are whole and small enough for float32 to hold them. What the level costs is rounding of the mean
# alone, at most 4096 / 2 ** 24 / deviation and a few times that; the squares' cancellation would cost all digits.
@check(points=1, examples=8)
@given(
    case=calls(eps=st.none(), shapes=((2, 2, 2, 3), (3, 2, 2, 2), (4, 1, 2, 2))), level=st.sampled_from((1024, -4096))
)
@example(case=fixed((2, 2, 2, 2)), level=4096)
@example(case=fixed((3, 2, 2, 2)), level=-1024)
def keeps_its_digits_far_from_zero(batch_norm_fast, case, level):
    """In float32 a channel around 1000 or 4000 keeps its digits: its y is what it is around 0."""
    x = case["x"].copy()
    x[0, :, 0, 0], x[0, :, 0, 1] = 1, 3  # a deviation of some size in every channel
    case = case | {"x": x}
    want = normalised(batch_norm_fast, case)
    got = batch_norm_fast(**in_single(case | {"x": x + level}))
    deviation = np.sqrt(table(x).var(0))
    scale = column(np.abs(case["gamma"]) / deviation + np.abs(case["beta"]) / 100)
    assert_close(got, want, rtol=1e-2, scale=scale, message=f"y around {level} is not y around 0")


@check(points=0.5, examples=10)
@given(case=calls(eps=st.sampled_from([1e-5, 0.1, 1.0, 3.0])), factor=st.sampled_from([2.0, 0.5, 8.0, 0.125]))
@example(case=fixed((3, 2, 1, 1), eps=1.0), factor=2.0)
@example(case=fixed((1, 1, 2, 2), eps=0.1), factor=0.125)
def eps_is_added_to_the_variance(batch_norm_fast, case, factor):
    """Multiplying x by a and eps by a ** 2 leaves y as it is: eps is a variance, added under the root."""
    other = case | {"x": factor * case["x"], "eps": factor**2 * case["eps"]}
    message = "y for a * x and a ** 2 * eps is not y for x and eps"
    assert_close(batch_norm_fast(**other), batch_norm_fast(**case), scale=size_of_errors(**case), message=message)


@check(points=0.5, examples=10)
@given(case=calls(kinds=("shifted",)), level=st.integers(-3, 3))
@example(case=fixed((3, 2, 1, 1)), level=2)
@example(case=fixed((2, 2, 2, 2)), level=0)
def a_constant_channel_becomes_beta(batch_norm_fast, case, level):
    """Where a channel is constant, y is beta throughout."""
    x = case["x"].copy()
    x[:, 0] = level
    case = case | {"x": x}
    y = normalised(batch_norm_fast, case)
    message = "y of the constant channel is not beta"
    size = size_of_errors(**case).ravel()[0]
    assert_close(y[:, 0], np.full(x[:, 0].shape, case["beta"][0]), scale=size, message=message)


@check(points=1, examples=10)
@given(case=calls())
@example(case=fixed((3, 3, 1, 1)))
@example(case=fixed((2, 2, 1, 2)))
def treats_each_channel_alone(batch_norm_fast, case):
    """Each channel gets the y that it gets alone."""
    alone = []
    for c in range(case["x"].shape[1]):
        one = {name: case[name][c : c + 1] for name in ("gamma", "beta")}
        alone.append(batch_norm_fast(**case | one | {"x": case["x"][:, c : c + 1]}))
    message = "y is not what the channels get one at a time"
    assert_close(batch_norm_fast(**case), np.concatenate(alone, axis=1), scale=size_of_errors(**case), message=message)


@check(points=1, examples=12)
@given(case=calls())
@example(case=fixed((2, 2, 1, 2)))
@example(case=fixed((1, 2, 2, 3)))
@example(case=fixed((2, 2, 2, 2)))
def samples_rows_and_columns_are_alike(batch_norm_fast, case):
    """Images whose pixels are given one by one, as (N * H * W, C, 1, 1), get the same y."""
    x = case["x"]
    pixels = batch_norm_fast(**case | {"x": table(x)[:, :, None, None].copy()})
    assert np.shape(pixels) == (x.size // x.shape[1], x.shape[1], 1, 1), f"y has shape {np.shape(pixels)}"
    message, scale = "y is not what the pixels get as samples of their own", size_of_errors(**case)
    assert_close(table(normalised(batch_norm_fast, case)), pixels[:, :, 0, 0], scale=scale.ravel(), message=message)


# -- the gradient ------------------------------------------------------------------------------------------------------


@st.composite
def tiny_calls(draw):
    """A small call, for finite differences cost two calls for each number; its values are far enough apart."""
    shape = draw(st.sampled_from(((3, 2, 1, 1), (2, 1, 1, 2), (1, 2, 2, 2), (2, 2, 1, 2))))
    size, seed = math.prod(shape), 100 * draw(st.integers(0, 99)) + draw(st.integers(0, 99))
    apart = np.random.default_rng(seed).permutation(size).reshape(shape) * 1.0
    case = draw(calls(whole=False, shapes=(shape,), kinds=("plain",)))
    return case | {"x": apart - size // 2 + case["x"] / 16}


gradient = Gradient(
    "batch_norm_fast",
    wrt=("x", "gamma", "beta"),
    forward_oracle=library,
    given=tiny_calls(),
    points=3,
    says="Autograd finds its way through batch_norm_fast to x, gamma and beta, by mean and variance too.",
    examples=6,
)


# -- what it costs -----------------------------------------------------------------------------------------------------


def batch(n, c, height, width):
    """A call whose numbers do not matter, but its sizes."""
    x = (np.arange(n * c * height * width) * 7 % 11).reshape(n, c, height, width) / 8
    return {"x": x, "gamma": np.ones(c), "beta": np.zeros(c)}


@check(points=1, examples=1)
@given(case=st.just({}))
def runs_no_loop(batch_norm_fast, case):
    """It executes as many lines of Python for many samples, channels or pixels as for few."""
    few = batch_norm_fast.lines_executed(**batch(2, 2, 2, 2))
    for what, size in {"samples": (64, 2, 2, 2), "channels": (2, 64, 2, 2), "pixels": (2, 2, 32, 32)}.items():
        many = batch_norm_fast.lines_executed(**batch(*size))
        assert many <= 2 * few, (
            f"it executes {many} lines of Python where there are more {what}, and {few} where there are few: it loops "
            "over them. Reductions take several axes at once, dim=(0, 2, 3), and broadcasting does the rest"
        )


@check(points=0.5, examples=1)
@given(case=st.just({}))
def memory_grows_with_the_images(batch_norm_fast, case):
    """It holds a few tensors as large as the images, and none of C × C."""
    few, many = (batch_norm_fast.peak_memory(**batch(2, channels, 2, 2)) for channels in (32, 256))
    assert many <= 16 * few, (
        f"for 8 times the channels it holds {many / few:.0f} times the memory, {many / 1e6:.3g} MB: somewhere it makes "
        "a table of C × C, such as a diagonal matrix; broadcasting multiplies each channel by a number of its own"
    )


def last_stage(rng, n):
    """16 samples of n channels of 7 by 7 pixels, as a residual network's last stage has them."""
    return {
        "x": rng.standard_normal((16, n, 7, 7), dtype=np.float32) + np.float32(3),
        "gamma": rng.standard_normal(n, dtype=np.float32),
        "beta": rng.standard_normal(n, dtype=np.float32),
    }


def first_stage(rng, n):
    """n samples of 64 channels of 56 by 56 pixels, as a residual network's first stage has them."""
    return {
        "x": rng.standard_normal((n, 64, 56, 56), dtype=np.float32) + np.float32(3),
        "gamma": rng.standard_normal(64, dtype=np.float32),
        "beta": rng.standard_normal(64, dtype=np.float32),
    }


fast = Timing(
    "batch_norm_fast",
    baseline=library,
    given=last_stage,
    size=2048,
    limit=7.0,
    unit="channels of 7 by 7 pixels, for 16 samples",
    points=4,
    says="batch_norm_fast takes at most 7 times what torch's batch_norm takes.",
)

fast_on_gpu = Timing(
    "batch_norm_fast",
    baseline=library,
    given=first_stage,
    size=256,
    limit=4.0,
    device="cuda",
    unit="samples of 64 channels and 56 by 56 pixels",
    points=0,
    says="On a GPU, batch_norm_fast takes at most 4 times what torch's batch_norm takes.",
)
