"""What right batch normalisation and its backward pass must do."""

import functools
import math

import numpy as np
from dlgrade.author import Agreement, Example, Gradient, Policy, arrays, assert_close, assert_equal, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracles: one channel at a time ------------------------------------------------------------------------------------


def mean_of(values):
    """The mean of a channel."""
    return math.fsum(values.ravel()) / values.size


def variance_of(values, fewer=0):
    """The variance of a channel, biased unless one value fewer is counted."""
    deviations = values - mean_of(values)
    return math.fsum((deviations * deviations).ravel()) / (values.size - fewer)


def normalised(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):  # fmt: skip
    """Every channel by the formula, with the batch's statistics or the running ones."""
    y, new_mean, new_var = np.zeros(x.shape), running_mean.copy(), running_var.copy()
    for c in range(x.shape[1]):
        values, mean, var = x[:, c], running_mean[c], running_var[c]
        if training:
            mean, var = mean_of(values), variance_of(values)
            new_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean
            new_var[c] = (1 - momentum) * running_var[c] + momentum * variance_of(values, fewer=1)
        y[:, c] = gamma[c] * (values - mean) / math.sqrt(var + eps) + beta[c]
    return y, new_mean, new_var


def normalised_backward(grad, x, gamma, eps=1e-5):
    """Every channel's cotangent times its whole Jacobian."""
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(gamma.shape), np.zeros(gamma.shape)
    for c in range(x.shape[1]):
        values, cotangent = x[:, c].ravel(), grad[:, c].ravel()
        n, deviation = len(values), math.sqrt(variance_of(values) + eps)
        z = (values - mean_of(values)) / deviation
        jacobian = (np.eye(n) - 1 / n - np.outer(z, z) / n) / deviation
        dx[:, c] = (gamma[c] * (cotangent @ jacobian)).reshape(x[:, c].shape)
        dgamma[c], dbeta[c] = math.fsum(cotangent * z), math.fsum(cotangent)
    return dx, dgamma, dbeta


# Errors grow with the distance of a channel from zero, in units of its deviation: the mean is rounded, and so is what
# multiplying out puts in the place of x - mean. They do not grow with the square of that distance, as those of the mean
# of the squares less the square of the mean do.
def table(x):
    """One row for each value of a channel, one column for each channel."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def column(per_channel, x):
    """A number for each channel, in a shape that lines up with x's channels."""
    return np.reshape(per_channel, (1, -1, *[1] * (x.ndim - 2)))


def digits_lost(x, eps):
    """What subtracting the mean and dividing by the deviation does to errors, channel by channel."""
    values = table(x)
    return 1 + np.abs(values).max(0) / np.sqrt(values.var(0) + eps) / 30


def forward_scale(x, gamma, beta, running_mean, running_var, training=True, eps=1e-5, **_):
    """The size that rounding errors of each of the forward pass's results are measured against."""
    largest, var = np.abs(table(x)).max(0), table(x).var(0)
    lost = digits_lost(x, eps) if training else 1 + (largest + np.abs(running_mean)) / np.sqrt(running_var + eps)
    y = np.abs(gamma) * lost + np.abs(beta)
    # A constant channel's variance is the square of its mean's rounding, where the formula says 0.
    new_var = running_var + 2 * var + np.sqrt(var) * largest / 30 + 1e-9 * largest**2
    return column(y, x), np.abs(running_mean) + largest, new_var


def backward_scale(grad, x, gamma, eps=1e-5):
    """The same for the backward pass."""
    values = table(x)
    sums = len(values) * np.abs(table(grad)).max(0)
    lost = digits_lost(x, eps)
    dx = np.abs(gamma) * sums * lost / np.sqrt(values.var(0) + eps)
    return column(dx, x), sums * lost, sums


# -- inputs ------------------------------------------------------------------------------------------------------------

TABLES = ((2, 1), (3, 2), (2, 3), (3, 1), (4, 2), (3, 3), (5, 2), (6, 1))
IMAGES = (
    (1, 2, 1, 2),
    (2, 2, 1, 1),
    (1, 1, 2, 2),
    (2, 2, 1, 2),
    (1, 3, 2, 1),
    (2, 3, 2, 1),
    (3, 2, 1, 2),
    (2, 2, 2, 3),
)
SHAPES = st.sampled_from([*TABLES, *IMAGES])
SINGLE = ((1, 1), (1, 3), (1, 2, 1, 1))
MOMENTA = st.sampled_from([None, 0.3, 0.9, 0.25, 1.0, 0.0])
EPSILONS = st.sampled_from([None, 0.1, 1e-3, 1.0])


SHIFTS = st.integers(-3, 3)
numbers = functools.cache(arrays)


@st.composite
def batches(draw, shape, *, kinds, whole):
    """x: far from zero, with variances near eps, with a constant channel."""
    x = draw(numbers(shape, within=4, whole=whole))
    kind = draw(st.sampled_from(kinds))
    if kind == "tiny":
        x = x / 1024
    if kind != "plain":
        x = x + column(draw(numbers((shape[1],), within=3, whole=True)), x)
    if kind == "constant":
        x[:, -1] = draw(SHIFTS)
    return x


KINDS = ("plain", "shifted", "tiny", "constant")


@st.composite
def calls(draw, *, whole=True, kinds=("plain", "shifted"), shape=SHAPES, training=True, momentum=MOMENTA, eps=EPSILONS):
    """Arguments of batch_norm; options at their defaults are left out."""
    options = {"training": False} if not training or (training == "either" and draw(st.integers(0, 3)) == 3) else {}
    shape = draw(shape if not options else st.sampled_from(SINGLE) | shape)
    options |= {name: value for name, value in (("momentum", draw(momentum)), ("eps", draw(eps))) if value is not None}
    x = draw(batches(shape, kinds=kinds, whole=whole))
    gamma, beta, mean, var = draw(numbers((4, shape[1]), within=3, whole=whole))
    return {
        "x": x,
        "gamma": np.where(gamma == 0, 2.0, gamma),
        "beta": beta,
        "running_mean": mean,
        "running_var": np.abs(var),
    } | options


@st.composite
def backward_calls(draw, *, whole=True, kinds=("plain", "shifted"), shape=SHAPES, eps=EPSILONS):
    """Arguments of batch_norm_backward."""
    shape, eps = draw(shape), draw(eps)
    gamma = draw(numbers((shape[1],), within=3, whole=whole))
    return {
        "grad": draw(numbers(shape, within=4, whole=whole)),
        "x": draw(batches(shape, kinds=kinds, whole=whole)),
        "gamma": np.where(gamma == 0, 2.0, gamma),
    } | ({} if eps is None else {"eps": eps})


def fixed(shape, *, x=None, real=False, **others):
    """One call of batch_norm, its numbers 1 to 9 or, if `real`, such that float32 cannot hold them."""
    rng = np.random.default_rng(0)
    made = rng.standard_normal if real else lambda shape: rng.integers(1, 10, shape).astype(float)
    case = {"x": made(shape)} | {
        name: np.abs(made(shape[1:2])) for name in ("gamma", "beta", "running_mean", "running_var")
    }
    return case | ({} if x is None else {"x": x}) | others


def fixed_backward(shape, **others):
    """One call of batch_norm_backward, as `fixed`."""
    case = fixed(shape, **others)
    rng = np.random.default_rng(1)
    grad = rng.standard_normal(shape) if others.get("real") else rng.integers(-9, 10, shape).astype(float)
    return {"grad": grad} | {name: case[name] for name in ("x", "gamma", "eps") if name in case}


def near(shape, level=1.0, spread=1 / 256):
    """Values so close together that their variance is about 1e-5."""
    return level + spread * (np.arange(math.prod(shape)) % 5).reshape(shape)


def far(shape, level, step=1.0):
    """Small multiples of one step, far from zero; float32 can hold them."""
    return level + step * (np.arange(math.prod(shape)) * 7 % 5).reshape(shape)


CONSTANT = np.array([[2.0, 3.0], [2.0, 5.0], [2.0, 1.0]])
CONSTANT_IMAGES = np.stack([np.full((2, 1, 2), 3.0), np.arange(4.0).reshape(2, 1, 2)], axis=1)

# Every place where implementations part, each as small as it can be.
EDGES = [
    dict(shape=(2, 1)),
    dict(shape=(2, 2)),
    dict(shape=(3, 3)),
    dict(shape=(4, 2)),
    dict(shape=(2, 3)),
    dict(shape=(1, 1, 1, 2)),
    dict(shape=(2, 2, 1, 1)),
    dict(shape=(1, 2, 2, 2)),
    dict(shape=(2, 3, 2, 2)),
    dict(shape=(3, 2, 1, 2)),
    dict(shape=(2, 2, 2, 2)),
    dict(shape=(2, 1, 2, 3)),
    dict(shape=(4, 2), x=near((4, 2))),
    dict(shape=(2, 2, 2, 2), x=near((2, 2, 2, 2), level=-2.0)),
    dict(shape=(3, 2), x=CONSTANT),
    dict(shape=(2, 2, 1, 2), x=CONSTANT_IMAGES),
    dict(shape=(3, 2), eps=1.0),
    dict(shape=(2, 2, 1, 2), eps=0.1),
    dict(shape=(3, 2), gamma=np.array([-2.0, 0.0])),
    dict(shape=(4, 2), real=True),
    dict(shape=(2, 3, 2, 2), real=True),
    # The mean of the squares and the square of the mean agree here to nearly all digits of float32.
    dict(shape=(3, 2, 1, 2), x=far((3, 2, 1, 2), 1000.0)),
    dict(shape=(3, 2), x=far((3, 2), 100.0, 0.125)),
    # A variance that is far below 1, but not below eps.
    dict(shape=(3, 2), x=1e-5 * np.array([[1.0, -2.0], [3.0, 0.0], [-2.0, 4.0]]), eps=1e-12),
    # Many samples, and many channels.
    dict(shape=(33, 9)),
    dict(shape=(17, 9, 1, 1)),
]


def only(case, c):
    """The same call for one channel."""
    parts = {name: value[:, c : c + 1] for name, value in case.items() if name in ("grad", "x")}
    names = ("gamma", "beta", "running_mean", "running_var")
    return case | parts | {name: case[name][c : c + 1] for name in names if name in case}


def as_table(case):
    """The same call for the table whose rows are the pixels."""
    return case | {name: table(case[name]) for name in ("grad", "x") if name in case}


def same(got, want, parts, scale):
    """Compare the results one by one."""
    for part, ours, theirs, size in zip(parts, got, want, scale, strict=True):
        assert_close(ours, theirs, scale=np.maximum(size, 1e-30), message=f"{part} differs")


FORWARD = ("y", "new_running_mean", "new_running_var")
BACKWARD = ("dx", "dgamma", "dbeta")

# -- training ----------------------------------------------------------------------------------------------------------

examples = Example(points=1)

permitted = Policy()

batch_norm_agrees = Agreement(
    "batch_norm",
    oracle=normalised,
    scale=forward_scale,
    given=calls(whole=False, kinds=KINDS, training="either"),
    cases=[
        *(fixed(**edge) for edge in EDGES),
        fixed((3, 2), x=CONSTANT, running_var=np.array([0.0, 2.0])),
        fixed((3, 2), momentum=0.3),
        fixed((2, 2, 1, 2), momentum=0.9),
        fixed((2, 2), momentum=1.0),
        fixed((2, 2), momentum=0.0),
        fixed((3, 2), training=True, momentum=0.1, eps=1e-5),
        fixed((1, 1), training=False),
        fixed((1, 2, 1, 1), training=False, eps=0.1),
        fixed((3, 2), training=False, momentum=0.3),
        fixed((2, 3, 2, 2), training=False, real=True),
        fixed((2, 2, 1, 2), training=False, running_var=np.array([1e-5, 0.0])),
    ],
    rtol=1e-11,
    parts=FORWARD,
    points=4,
    says="batch_norm equals the formula, worked out channel by channel, in training and in evaluation.",
    examples=20,
)


@check(points=0.5, examples=12)
@given(case=calls(kinds=KINDS))
@example(case=fixed((3, 2)))
@example(case=fixed((2, 2, 2, 2)))
@example(case=fixed((4, 2), x=near((4, 2))))
@example(case=fixed((3, 1), eps=1.0))
def channels_get_mean_beta_and_variance_gamma_squared(batch_norm, case):
    """In training, each channel of y has mean beta and variance gamma ** 2 * var / (var + eps), var being biased."""
    y, values = np.asarray(batch_norm(**case)[0]), table(case["x"])
    assert y.shape == case["x"].shape, f"y has shape {y.shape}, not {case['x'].shape}"
    size = np.maximum(forward_scale(**case)[0].ravel(), 1e-30)
    var, eps = values.var(0), case.get("eps", 1e-5)
    assert_close(table(y).mean(0), case["beta"], scale=size, message="a channel's mean is not beta")
    want = case["gamma"] ** 2 * var / (var + eps)
    assert_close(
        table(y).var(0), want, scale=size**2, message="a channel's variance is not gamma ** 2 var / (var + eps)"
    )


@check(points=0.25, examples=10)
@given(case=calls())
@example(case=fixed((3, 2)))
@example(case=fixed((1, 2, 2, 2)))
def gamma_and_beta_come_last(batch_norm, case):
    """y is gamma times what gamma = 1 and beta = 0 give, plus beta; the running statistics do not depend on them."""
    ones, zeros = np.ones_like(case["gamma"]), np.zeros_like(case["beta"])
    plain, mean, var = batch_norm(**case | {"gamma": ones, "beta": zeros})
    want = column(case["gamma"], case["x"]) * np.asarray(plain) + column(case["beta"], case["x"])
    same(batch_norm(**case), (want, mean, var), FORWARD, forward_scale(**case))


@check(points=0.25, examples=10)
@given(case=calls(), level=st.integers(-50, 50))
@example(case=fixed((3, 2)), level=10)
@example(case=fixed((2, 2, 1, 2), momentum=0.3), level=-20)
@example(case=fixed((3, 2)), level=10**6)
def a_common_shift_moves_the_mean_only(batch_norm, case, level):
    """Adding a number to a whole channel adds momentum times it to new_running_mean, and changes nothing else."""
    shift = level + np.arange(float(case["x"].shape[1]))
    moved = case | {"x": case["x"] + column(shift, case["x"])}
    y, mean, var = batch_norm(**case)
    want = (y, mean + case.get("momentum", 0.1) * shift, var)
    same(batch_norm(**moved), want, FORWARD, forward_scale(**moved))


@check(points=0.5, examples=10)
@given(case=calls(eps=st.sampled_from([1e-5, 0.1, 1.0, 3.0])), factor=st.sampled_from([2.0, 0.5, 8.0, 0.125]))
@example(case=fixed((3, 2), eps=1.0), factor=2.0)
@example(case=fixed((1, 1, 2, 2), eps=0.1), factor=0.125)
def eps_is_added_to_the_variance(batch_norm, case, factor):
    """Multiplying x by a and eps by a ** 2 leaves y as it is: eps is a variance, added under the root."""
    other = case | {"x": factor * case["x"], "eps": factor**2 * case["eps"]}
    scale = np.maximum(forward_scale(**case)[0], 1e-30)
    message = "y for a * x and a ** 2 * eps is not y for x and eps"
    assert_close(batch_norm(**other)[0], batch_norm(**case)[0], scale=scale, message=message)


@check(points=0.25, examples=10)
@given(case=calls(kinds=("shifted",)), level=st.integers(-3, 3))
@example(case=fixed((3, 2)), level=2)
@example(case=fixed((2, 2, 2, 2)), level=0)
def a_constant_channel_becomes_beta(batch_norm, case, level):
    """Where a channel is constant, y is beta throughout."""
    x = case["x"].copy()
    x[:, 0] = level
    y, case = np.asarray(batch_norm(**case | {"x": x})[0]), case | {"x": x}
    assert y.shape == x.shape, f"y has shape {y.shape}, not {x.shape}"
    size = max(forward_scale(**case)[0].ravel()[0], 1e-30)
    message = "y of the constant channel is not beta"
    assert_close(y[:, 0], np.full(x[:, 0].shape, case["beta"][0]), scale=size, message=message)


@check(points=0.5, examples=12)
@given(case=calls(momentum=st.just(None)))
@example(case=fixed((3, 2)))
@example(case=fixed((2, 2, 1, 2)))
def momentum_is_the_weight_of_the_new_value(batch_norm, case):
    """With momentum m, running statistics keep 1 - m of the old value and take m of the batch's: with 0 they stay."""
    _, *at_0 = batch_norm(**case, momentum=0.0)
    _, *at_1 = batch_norm(**case, momentum=1.0)
    _, *at_3_4 = batch_norm(**case, momentum=0.75)
    _, *by_default = batch_norm(**case)
    sizes = forward_scale(**case)[1:]
    olds = (case["running_mean"], case["running_var"])
    for part, old, zero, one, mixed, default, size in zip(
        FORWARD[1:], olds, at_0, at_1, at_3_4, by_default, sizes, strict=True
    ):
        size, new = np.maximum(size, 1e-30), np.asarray(one)
        assert_close(zero, old, scale=size, message=f"{part} with momentum 0 is not what it was")
        assert_close(
            mixed, 0.25 * old + 0.75 * new, scale=size, message=f"{part} with momentum 0.75 is mixed otherwise"
        )
        assert_close(default, 0.9 * old + 0.1 * new, scale=size, message=f"momentum is not 0.1 by default in {part}")


# With momentum 1/2 it does not matter which of the two values it weighs.
@check(points=0.5, examples=12)
@given(case=calls(momentum=st.just(0.5)))
@example(case=fixed((2, 1), momentum=0.5))
@example(case=fixed((3, 2), momentum=0.5))
@example(case=fixed((2, 2, 1, 2), momentum=0.5))
def the_unbiased_variance_is_kept(batch_norm, case):
    """With momentum 1/2, half the batch's mean and half its unbiased variance are added to half the old ones."""
    _, mean, var = batch_norm(**case)
    values, (_, *sizes) = table(case["x"]), forward_scale(**case)
    want_mean = (case["running_mean"] + values.mean(0)) / 2
    want_var = (case["running_var"] + values.var(0, ddof=1)) / 2
    for part, got, want, size in zip(FORWARD[1:], (mean, var), (want_mean, want_var), sizes, strict=True):
        assert_close(got, want, scale=np.maximum(size, 1e-30), message=f"{part} differs")


IMAGE_SHAPES = st.sampled_from(IMAGES)


@check(points=0.5, examples=12)
@given(case=calls(shape=IMAGE_SHAPES, training="either"))
@example(case=fixed((2, 2, 1, 2)))
@example(case=fixed((1, 2, 2, 3)))
@example(case=fixed((2, 2, 2, 2)))
@example(case=fixed((2, 2, 1, 2), training=False))
def an_image_is_a_table_of_pixels(batch_norm, case):
    """Images give what the table gives whose rows are the pixels of all images, one column for each channel."""
    y, mean, var = batch_norm(**case)
    assert np.shape(y) == case["x"].shape, f"y has shape {np.shape(y)}, not {case['x'].shape}"
    want, scale = batch_norm(**as_table(case)), forward_scale(**case)
    same((table(np.asarray(y)), mean, var), want, FORWARD, (scale[0].ravel(), *scale[1:]))


@check(points=0.25, examples=10)
@given(case=calls(training="either"))
@example(case=fixed((3, 3)))
@example(case=fixed((2, 2, 1, 2)))
def treats_each_channel_alone(batch_norm, case):
    """Each channel gets the y and the running statistics that it gets alone."""
    parts = zip(*(batch_norm(**only(case, c)) for c in range(case["x"].shape[1])), strict=True)
    y, mean, var = parts
    want = np.concatenate(y, axis=1), np.concatenate(mean), np.concatenate(var)
    same(batch_norm(**case), want, FORWARD, forward_scale(**case))


@check(points=0.25, examples=10)
@given(case=calls(), turn=st.integers(1, 4))
@example(case=fixed((3, 2)), turn=1)
@example(case=fixed((2, 2, 2, 2)), turn=1)
def the_order_of_samples_does_not_matter(batch_norm, case, turn):
    """Samples in another order give y in that order, and the same running statistics."""
    y, mean, var = batch_norm(**case)
    want = (np.roll(y, turn, axis=0), mean, var)
    same(batch_norm(**case | {"x": np.roll(case["x"], turn, axis=0)}), want, FORWARD, forward_scale(**case))


# -- evaluation --------------------------------------------------------------------------------------------------------


@check(points=0.25, examples=10)
@given(case=calls(training=False))
@example(case=fixed((3, 2), training=False))
@example(case=fixed((2, 2, 1, 2), training=False, momentum=0.3))
def evaluation_leaves_the_running_statistics(batch_norm, case):
    """In evaluation, the running statistics are returned as they were given, to the last bit."""
    _, mean, var = batch_norm(**case)
    assert_equal(mean, case["running_mean"], message="new_running_mean is not running_mean")
    assert_equal(var, case["running_var"], message="new_running_var is not running_var")


@check(points=0.25, examples=10)
@given(case=calls(training=False))
@example(case=fixed((3, 2), training=False))
@example(case=fixed((2, 2, 1, 2), training=False))
def evaluation_treats_each_sample_alone(batch_norm, case):
    """In evaluation, each sample gets the y that it gets without the others."""
    alone = [batch_norm(**case | {"x": sample[None]})[0] for sample in case["x"]]
    scale = np.maximum(forward_scale(**case)[0], 1e-30)
    message = "y is not what the samples get one at a time"
    assert_close(batch_norm(**case)[0], np.concatenate(alone), scale=scale, message=message)


@check(points=0.25, examples=12)
@given(case=calls(kinds=KINDS))
@example(case=fixed((2, 2)))
@example(case=fixed((2, 2, 1, 2), eps=1.0))
def evaluation_with_the_batch_s_own_statistics_is_training(batch_norm, case):
    """If running_mean and running_var are the batch's mean and biased variance, evaluation gives the y of training."""
    values = table(case["x"])
    own = case | {"running_mean": values.mean(0), "running_var": values.var(0)}
    want = batch_norm(**own)[0]
    scale = np.maximum(forward_scale(**case)[0], 1e-30)
    message = "y in evaluation is not y in training"
    assert_close(batch_norm(**own | {"training": False})[0], want, scale=scale, message=message)


# -- the backward pass -------------------------------------------------------------------------------------------------

backward_agrees = Agreement(
    "batch_norm_backward",
    oracle=normalised_backward,
    scale=backward_scale,
    given=backward_calls(whole=False, kinds=KINDS),
    cases=[*(fixed_backward(**edge) for edge in EDGES), fixed_backward((3, 2), eps=1e-5)],
    rtol=1e-11,
    parts=BACKWARD,
    points=4,
    says="batch_norm_backward equals the cotangent times the Jacobian, worked out channel by channel.",
    examples=20,
)


def checked(got, like):
    """dx, once it is known to have the shape that the law goes on to use."""
    assert np.shape(got) == like.shape, f"dx has shape {np.shape(got)}, not {like.shape}"
    return np.asarray(got)


@check(points=0.5, examples=12)
@given(case=backward_calls())
@example(case=fixed_backward((3, 2)))
@example(case=fixed_backward((2, 2, 1, 2)))
def dx_sums_to_zero_in_each_channel(batch_norm_backward, case):
    """In each channel dx sums to 0: adding one number to the whole channel does not change y."""
    dx = checked(batch_norm_backward(**case)[0], case["x"])
    size = np.maximum(backward_scale(**case)[0].ravel(), 1e-30)
    assert_close(table(dx).sum(0), np.zeros(dx.shape[1]), scale=size, message="a channel's sum of dx is not 0")


@check(points=0.5, examples=10)
@given(case=backward_calls(), level=st.sampled_from([1.0, -2.0, 3.0]))
@example(case=fixed_backward((3, 2)), level=1.0)
@example(case=fixed_backward((2, 2, 1, 2)), level=-2.0)
def dx_of_a_constant_cotangent_is_zero(batch_norm_backward, case, level):
    """Where grad is the same for a whole channel, dx is 0 there, for the sum of y over the channel cannot change."""
    levels = level + np.arange(float(case["x"].shape[1]))
    case = case | {"grad": column(levels, case["x"]) + np.zeros(case["x"].shape)}
    scale = np.maximum(backward_scale(**case)[0], 1e-30)
    message = "dx is not 0 where grad is constant"
    assert_close(batch_norm_backward(**case)[0], np.zeros(case["x"].shape), scale=scale, message=message)


@check(points=0.5, examples=12)
@given(case=backward_calls())
@example(case=fixed_backward((3, 2)))
@example(case=fixed_backward((4, 1), eps=3.0))
@example(case=fixed_backward((2, 2, 1, 2), eps=0.1))
def stretching_matters_through_eps_alone(batch_norm_backward, case):
    """In each channel dx * (x - mean) sums to gamma * dgamma * eps / (var + eps): only eps notices stretching."""
    dx, dgamma, _ = batch_norm_backward(**case)
    values, eps = table(case["x"]), case.get("eps", 1e-5)
    var = values.var(0)
    got = (table(checked(dx, case["x"])) * (values - values.mean(0))).sum(0)
    size = backward_scale(**case)[0].ravel() * np.abs(values).max(0) * len(values)
    want = case["gamma"] * np.asarray(dgamma) * eps / (var + eps)
    message = "the sum of dx * (x - mean) is not gamma * dgamma * eps / (var + eps)"
    assert_close(got, want, scale=np.maximum(size, 1e-30), message=message)


@check(points=0.25, examples=10)
@given(case=backward_calls(), turn=st.integers(1, 4))
@example(case=fixed_backward((3, 2)), turn=1)
@example(case=fixed_backward((2, 2, 2, 2)), turn=1)
def backward_is_symmetric(batch_norm_backward, case, turn):
    """Each channel's Jacobian J is symmetric: for two cotangents u and v, v · (J u) is u · (J v)."""
    u, v = case["grad"], np.roll(case["grad"], turn, axis=0) + np.arange(case["x"].size).reshape(case["x"].shape) % 3
    one = table(v * checked(batch_norm_backward(**case)[0], u)).sum(0)
    other = table(u * checked(batch_norm_backward(**case | {"grad": v})[0], u)).sum(0)
    size = backward_scale(**case)[0].ravel() * table(np.abs(v)).max(0) * len(table(u))
    assert_close(one, other, scale=np.maximum(size, 1e-30), message="v · (J u) is not u · (J v)")


@check(points=0.5, examples=12)
@given(case=backward_calls())
@example(case=fixed_backward((3, 2)))
@example(case=fixed_backward((2, 2, 1, 2)))
def dgamma_weighs_grad_by_the_normalised_values(batch_norm, batch_norm_backward, case):
    """dgamma is, in each channel, the sum of grad times what batch_norm gives for gamma = 1 and beta = 0."""
    x, ones = case["x"], np.ones_like(case["gamma"])
    eps = {name: case[name] for name in ("eps",) if name in case}
    z = np.asarray(batch_norm(x, ones, 0 * ones, 0 * ones, ones, **eps)[0])
    assert z.shape == x.shape, f"y has shape {z.shape}, not {x.shape}"
    _, dgamma, _ = batch_norm_backward(**case)
    scale, message = np.maximum(backward_scale(**case)[1], 1e-30), "dgamma is not the sum of grad * normalised x"
    assert_close(dgamma, table(case["grad"] * z).sum(0), scale=scale, message=message)


@check(points=0.5, examples=10)
@given(case=backward_calls())
@example(case=fixed_backward((3, 2)))
@example(case=fixed_backward((2, 2, 1, 2)))
def dbeta_is_the_sum_of_the_cotangent(batch_norm_backward, case):
    """dbeta is, in each channel, the sum of grad over the batch and over rows and columns."""
    _, _, dbeta = batch_norm_backward(**case)
    scale = np.maximum(backward_scale(**case)[2], 1e-30)
    assert_close(dbeta, table(case["grad"]).sum(0), scale=scale, message="dbeta is not the sum of grad")


@check(points=0.25, examples=10)
@given(case=backward_calls(), level=st.integers(-50, 50))
@example(case=fixed_backward((3, 2)), level=10)
@example(case=fixed_backward((2, 2, 1, 2)), level=-20)
@example(case=fixed_backward((3, 2)), level=10**6)
def backward_ignores_a_common_shift(batch_norm_backward, case, level):
    """Adding a number to a whole channel of x changes no gradient."""
    shift = level + np.arange(float(case["x"].shape[1]))
    moved = case | {"x": case["x"] + column(shift, case["x"])}
    same(batch_norm_backward(**moved), batch_norm_backward(**case), BACKWARD, backward_scale(**moved))


@check(points=0.25, examples=10)
@given(case=backward_calls(eps=st.sampled_from([1e-5, 0.1, 1.0, 3.0])), factor=st.sampled_from([2.0, 0.5, 8.0, 0.125]))
@example(case=fixed_backward((3, 2), eps=1.0), factor=2.0)
@example(case=fixed_backward((1, 1, 2, 2), eps=0.1), factor=0.125)
def backward_adds_eps_to_the_variance(batch_norm_backward, case, factor):
    """Multiplying x by a and eps by a ** 2 divides dx by a, and leaves dgamma and dbeta as they are."""
    other = case | {"x": factor * case["x"], "eps": factor**2 * case["eps"]}
    dx, dgamma, dbeta = batch_norm_backward(**other)
    want = batch_norm_backward(**case)
    same((factor * np.asarray(dx), dgamma, dbeta), want, BACKWARD, backward_scale(**case))


@check(points=0.25, examples=10)
@given(case=backward_calls())
@example(case=fixed_backward((3, 2)))
@example(case=fixed_backward((2, 2, 1, 2)))
def gamma_multiplies_dx_alone(batch_norm_backward, case):
    """dx is gamma times what gamma = 1 gives; dgamma and dbeta do not depend on gamma."""
    dx, dgamma, dbeta = batch_norm_backward(**case | {"gamma": np.ones_like(case["gamma"])})
    want = (column(case["gamma"], case["x"]) * np.asarray(dx), dgamma, dbeta)
    same(batch_norm_backward(**case), want, BACKWARD, backward_scale(**case))


@check(points=0.5, examples=12)
@given(case=backward_calls(shape=IMAGE_SHAPES))
@example(case=fixed_backward((2, 2, 1, 2)))
@example(case=fixed_backward((1, 2, 2, 3)))
@example(case=fixed_backward((2, 2, 2, 2)))
def an_image_is_a_table_of_pixels_going_back(batch_norm_backward, case):
    """Images give the gradients of the table whose rows are the pixels of all images, one column for each channel."""
    dx, dgamma, dbeta = batch_norm_backward(**case)
    got, scale = (table(checked(dx, case["x"])), dgamma, dbeta), backward_scale(**case)
    same(got, batch_norm_backward(**as_table(case)), BACKWARD, (scale[0].ravel(), *scale[1:]))


@check(points=0.25, examples=10)
@given(case=backward_calls())
@example(case=fixed_backward((3, 3)))
@example(case=fixed_backward((2, 2, 1, 2)))
def backward_treats_each_channel_alone(batch_norm_backward, case):
    """Each channel gets the dx, dgamma and dbeta that it gets alone."""
    dx, dgamma, dbeta = zip(*(batch_norm_backward(**only(case, c)) for c in range(case["x"].shape[1])), strict=True)
    want = np.concatenate(dx, axis=1), np.concatenate(dgamma), np.concatenate(dbeta)
    same(batch_norm_backward(**case), want, BACKWARD, backward_scale(**case))


@check(points=0.25, examples=10)
@given(case=backward_calls(), turn=st.integers(1, 4))
@example(case=fixed_backward((3, 2)), turn=1)
@example(case=fixed_backward((2, 2, 2, 2)), turn=1)
def the_order_of_samples_does_not_matter_going_back(batch_norm_backward, case, turn):
    """Samples in another order give dx in that order, and the same dgamma and dbeta."""
    dx, dgamma, dbeta = batch_norm_backward(**case)
    turned = {name: np.roll(case[name], turn, axis=0) for name in ("grad", "x")}
    want = (np.roll(dx, turn, axis=0), dgamma, dbeta)
    same(batch_norm_backward(**case | turned), want, BACKWARD, backward_scale(**case))


# Few elements, for finite differences cost two calls for each; values far enough apart for them.
TINY = st.sampled_from([(3, 2), (4, 1), (2, 1, 1, 2), (1, 2, 2, 2), (2, 2, 1, 2)])


@st.composite
def tiny_calls(draw):
    """A small forward call in training."""
    shape = draw(TINY)
    size, seed = math.prod(shape), 100 * draw(st.integers(0, 99)) + draw(st.integers(0, 99))
    apart = np.random.default_rng(seed).permutation(size).reshape(shape) * 1.0
    case = draw(calls(whole=False, shape=st.just(shape), momentum=st.just(None)))
    return case | {"x": apart - size // 2 + case["x"] / 16}


gradient = Gradient(
    "batch_norm",
    backward="batch_norm_backward",
    wrt=("x", "gamma", "beta"),
    cotangents=("grad", None, None),
    oracle=normalised_backward,
    forward_oracle=normalised,
    given=tiny_calls(),
    points=2,
    says="dx, dgamma and dbeta equal the finite differences of batch_norm, element by element.",
    examples=6,
)
