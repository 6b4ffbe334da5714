"""Ways in which batch normalisation goes wrong, and what to say about each."""

import numpy as np
from dlgrade.author import misconception

# -- right batch normalisation in pieces, of which each misconception gets one wrong -----------------------------------


def _axes(x):
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def _column(per_channel, x):
    return per_channel.reshape(1, -1, *[1] * (x.ndim - 2))


def _statistics(x, ddof=0):
    """The batch's mean and variance."""
    return x.mean(_axes(x)), x.var(_axes(x), ddof=ddof)


def _normalise(x, mean, var, eps):
    return (x - _column(mean, x)) / np.sqrt(_column(var, x) + eps)


def _affine(z, gamma, beta):
    return _column(gamma, z) * z + _column(beta, z)


def _moved(old, new, momentum):
    return (1 - momentum) * old + momentum * new


def _kept(x, running_mean, running_var, momentum, ddof=1):
    """The running statistics after a batch in training."""
    mean, var = _statistics(x, ddof)
    return _moved(running_mean, mean, momentum), _moved(running_var, var, momentum)


def _forward(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    if not training:
        return _affine(_normalise(x, running_mean, running_var, eps), gamma, beta), running_mean, running_var
    y = _affine(_normalise(x, *_statistics(x), eps), gamma, beta)
    return y, *_kept(x, running_mean, running_var, momentum)


def _with_y(y, x, running_mean, running_var, training, momentum):
    """That y, with the right running statistics."""
    return y, *(_kept(x, running_mean, running_var, momentum) if training else (running_mean, running_var))


def _used(x, running_mean, running_var, training):
    """The statistics that normalise."""
    return _statistics(x) if training else (running_mean, running_var)


def _count(x):
    return x.size // x.shape[1]


def _pieces(grad, x, eps):
    """The normalised x, one over the deviation, and the right dgamma and dbeta."""
    mean, var = _statistics(x)
    z = _normalise(x, mean, var, eps)
    return z, 1 / np.sqrt(var + eps), (grad * z).sum(_axes(x)), grad.sum(_axes(x))


def _dx(grad, x, gamma, z, per_deviation, dgamma, dbeta):
    shared = (_column(dbeta, x) + z * _column(dgamma, x)) / np.asarray(_count(x), x.dtype)
    return _column(gamma * per_deviation, x) * (grad - shared)


def _backward(grad, x, gamma, eps=1e-5):
    pieces = _pieces(grad, x, eps)
    return _dx(grad, x, gamma, *pieces), *pieces[2:]


# -- which statistics --------------------------------------------------------------------------------------------------


@misconception(of="batch_norm", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def normalises_by_the_unbiased_variance(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """You normalise by the unbiased variance, with divisor n - 1 (ddof=1, torch.var's default). A batch is normalised
    by its biased variance, with divisor n; the unbiased one is for the running variance alone."""
    used = _statistics(x, ddof=1) if training else (running_mean, running_var)
    y = _affine(_normalise(x, *used, eps), gamma, beta)
    return _with_y(y, x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="the_unbiased_variance_is_kept")
def keeps_the_biased_variance(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Your running variance takes in the biased variance, with divisor n. This is right under the convention of
    Keras 3, CS231n and Dive into Deep Learning; here it is PyTorch's, which keeps the unbiased one,
    var * n / (n - 1)."""
    y, *_ = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if not training:
        return y, running_mean, running_var
    return y, *_kept(x, running_mean, running_var, momentum, ddof=0)


@misconception(of="batch_norm", caught_by="momentum_is_the_weight_of_the_new_value")
def weighs_the_old_value_by_momentum(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Your momentum is the weight of the old value. This is right under the convention of Keras, CS231n and older
    editions of Dive into Deep Learning (momentum 0.9 keeps 0.9 of the old value); here it is PyTorch's, where it is
    the weight of the new one: (1 - momentum) * running + momentum * batch."""
    return _forward(x, gamma, beta, running_mean, running_var, training, 1 - momentum, eps)


@misconception(of="batch_norm", caught_by="the_unbiased_variance_is_kept")
def keeps_the_statistics_as_keras_does(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """These running statistics are right under the convention of Keras 3 and CS231n, which weighs the old value by
    momentum and keeps the biased variance. Here it is PyTorch's: momentum weighs the new value, and the variance that
    is kept is the unbiased one, var * n / (n - 1)."""
    y, *_ = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if not training:
        return y, running_mean, running_var
    return y, *_kept(x, running_mean, running_var, 1 - momentum, ddof=0)


@misconception(of="batch_norm", caught_by="the_unbiased_variance_is_kept")
def corrects_the_mixture(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You multiply the whole new running variance by n / (n - 1). The correction belongs to the batch's variance alone,
    before it is mixed with the old value."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        n = _count(x)
        var = _moved(running_var, _statistics(x)[1], momentum) * np.asarray(n / (n - 1), x.dtype)
    return y, mean, var


@misconception(of="batch_norm", caught_by="a_common_shift_moves_the_mean_only")
def takes_a_difference_of_squares(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Your variance is mean(x ** 2) - mean(x) ** 2, the difference of two large, nearly equal numbers where a channel
    lies far from 0: its digits are lost, and it may even be negative. Take the mean away first, then square: the mean
    of (x - mean) ** 2."""
    if not training:
        return _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    mean, n = x.mean(_axes(x)), _count(x)
    var = (x * x).mean(_axes(x)) - mean**2
    with np.errstate(all="ignore"):
        y = _affine(_normalise(x, mean, var, eps), gamma, beta)
    return y, _moved(running_mean, mean, momentum), _moved(running_var, var * (n / (n - 1)), momentum)


@misconception(of="batch_norm", caught_by="momentum_is_the_weight_of_the_new_value")
def weighs_the_old_mean_by_momentum(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Your new_running_mean is mixed the wrong way round, and new_running_var is not: in both, momentum weighs the new
    value, (1 - momentum) * running + momentum * batch."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, _moved(running_mean, _statistics(x)[0], 1 - momentum) if training else mean, var


@misconception(of="batch_norm", caught_by="momentum_is_the_weight_of_the_new_value")
def weighs_the_old_variance_by_momentum(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """Your new_running_var is mixed the wrong way round, and new_running_mean is not: in both, momentum weighs the new
    value, (1 - momentum) * running + momentum * batch."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, mean, _moved(running_var, _statistics(x, 1)[1], 1 - momentum) if training else var


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def changes_the_running_mean(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In training you write into the caller's running_mean (`*=`, `+=` or `[...] =`): return a new array, and leave the
    one that was given as it is."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    running_mean[...] = mean
    return y, running_mean, var


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def changes_the_running_variance(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In training you write into the caller's running_var (`*=`, `+=` or `[...] =`): return a new array, and leave the
    one that was given as it is."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    running_var[...] = var
    return y, mean, running_var


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def makes_the_running_variance_float64(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """new_running_var is float64 also for float32 arguments: a factor n / (n - 1) that is a np.float64, or an element
    of an array, makes it so. Make it a Python float."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, mean, var.astype(np.float64) if training else var


@misconception(of="batch_norm", caught_by="an_image_is_a_table_of_pixels")
def counts_images_and_divides_by_zero(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In the unbiased variance you take N for n, which divides by zero for a single image. A channel of images has
    N * H * W values: n / (n - 1) is meant for that n."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        var = _moved(running_var, _statistics(x)[1] * (len(x) / (len(x) - 1)), momentum)
    return y, mean, var


@misconception(of="batch_norm", caught_by="an_image_is_a_table_of_pixels")
def counts_at_least_two_images(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In the unbiased variance you take N for n, or 2 where N is 1. A channel of images has N * H * W values, always
    two at least: n / (n - 1) is meant for that n."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        n = max(len(x), 2)
        var = _moved(running_var, _statistics(x)[1] * (n / (n - 1)), momentum)
    return y, mean, var


@misconception(of="batch_norm", caught_by="an_image_is_a_table_of_pixels")
def counts_images_rather_than_pixels(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In the unbiased variance you take N for n. A channel of images has N * H * W values: n / (n - 1) is meant for
    that n."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        with np.errstate(all="ignore"):
            factor = np.divide(x.dtype.type(len(x)), x.dtype.type(len(x) - 1))
            var = _moved(running_var, _statistics(x)[1] * factor, momentum)
    return y, mean, var


@misconception(of="batch_norm", caught_by="the_unbiased_variance_is_kept")
def keeps_the_deviation(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You keep the standard deviation where the variance is kept: no root in `new_running_var`."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, mean, _moved(running_var, np.sqrt(_statistics(x, 1)[1]), momentum) if training else var


@misconception(of="batch_norm", caught_by="the_unbiased_variance_is_kept")
def keeps_eps_too(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You keep var + eps: eps is added where the root is taken and nowhere else, or it would be added twice in
    evaluation."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, mean, _moved(running_var, _statistics(x, 1)[1] + eps, momentum) if training else var


@misconception(of="batch_norm", caught_by="the_unbiased_variance_is_kept")
def keeps_the_last_batch_only(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You return this batch's statistics as the running ones: mix them with the old ones, (1 - momentum) * running +
    momentum * batch."""
    y, *_ = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, *(_statistics(x, 1) if training else (running_mean, running_var))


@misconception(of="batch_norm", caught_by="the_unbiased_variance_is_kept")
def never_moves_the_running_statistics(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """In training you return the running statistics unchanged: they must move towards this batch's."""
    y, *_ = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, running_mean, running_var


@misconception(of="batch_norm", caught_by="the_unbiased_variance_is_kept")
def adds_to_the_running_statistics(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You add momentum times the batch's statistics without taking anything off the old ones, so that they grow for
    ever: multiply the old ones by 1 - momentum."""
    y, *old = _forward(x, gamma, beta, running_mean, running_var, False, momentum, eps)
    if training:
        y, *_ = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
        old = [kept + momentum * new for kept, new in zip(old, _statistics(x, 1), strict=True)]
    return y, *old


@misconception(of="batch_norm", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def trains_on_the_running_statistics(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In training you normalise by the running statistics: there the batch's own are used, and the running ones only
    kept up to date."""
    y, *_ = _forward(x, gamma, beta, running_mean, running_var, False, momentum, eps)
    return _with_y(y, x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def trains_on_the_updated_statistics(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In training you update the running statistics first and then normalise by them: normalise by this batch's own
    mean and variance."""
    if training:
        running_mean, running_var = _kept(x, running_mean, running_var, momentum)
    return _forward(x, gamma, beta, running_mean, running_var, False, momentum, eps)


@misconception(of="batch_norm", caught_by="evaluation_treats_each_sample_alone")
def evaluates_by_the_batch(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In evaluation you normalise by the batch's statistics, so that a sample's y depends on the others: use
    running_mean and running_var."""
    y = _affine(_normalise(x, *_statistics(x), eps), gamma, beta)
    return _with_y(y, x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def always_trains(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You ignore `training`: in evaluation the running statistics are used, and returned unchanged."""
    with np.errstate(all="ignore"):
        n = _count(x)
        unbiased = _statistics(x)[1] * np.divide(x.dtype.type(n), x.dtype.type(n - 1))
        y = _affine(_normalise(x, *_statistics(x), eps), gamma, beta)
        new_mean = _moved(running_mean, _statistics(x)[0], momentum)
        return y, new_mean, _moved(running_var, unbiased, momentum)


@misconception(of="batch_norm", caught_by="evaluation_leaves_the_running_statistics")
def learns_in_evaluation(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In evaluation you move the running statistics: they are returned as they were given."""
    y, *_ = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    n = max(2, _count(x))
    mean, var = _statistics(x)
    new_var = _moved(running_var, var * np.asarray(n / (n - 1), x.dtype), momentum)
    return y, _moved(running_mean, mean, momentum), new_var


@misconception(of="batch_norm", caught_by="evaluation_with_the_batch_s_own_statistics_is_training")
def forgets_eps_in_evaluation(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In evaluation you forget eps: divide by sqrt(running_var + eps), as in training."""
    with np.errstate(all="ignore"):
        return _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps if training else 0)


@misconception(of="batch_norm", caught_by="evaluation_with_the_batch_s_own_statistics_is_training")
def evaluates_without_gamma_and_beta(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """In evaluation you leave out gamma and beta: they belong to the layer, and multiply and shift in both modes."""
    if not training:
        return _normalise(x, running_mean, running_var, eps), running_mean, running_var
    return _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)


@misconception(of="batch_norm", caught_by="evaluation_with_the_batch_s_own_statistics_is_training")
def takes_the_running_variance_for_a_deviation(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """In evaluation you divide by running_var itself: it is a variance, so divide by sqrt(running_var + eps)."""
    if not training:
        z = (x - _column(running_mean, x)) / (_column(running_var, x) + eps)
        return _affine(z, gamma, beta), running_mean, running_var
    return _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)


# -- the formula -------------------------------------------------------------------------------------------------------


@misconception(of="batch_norm", caught_by="eps_is_added_to_the_variance")
def adds_eps_to_the_deviation(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You add eps to the standard deviation, sqrt(var) + eps: it is added to the variance, under the root,
    sqrt(var + eps)."""
    mean, var = _used(x, running_mean, running_var, training)
    z = (x - _column(mean, x)) / (np.sqrt(_column(var, x)) + eps)
    return _with_y(_affine(z, gamma, beta), x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def ignores_eps(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You leave eps out: a constant channel then divides 0 by 0. Divide by sqrt(var + eps)."""
    with np.errstate(all="ignore"):
        return _forward(x, gamma, beta, running_mean, running_var, training, momentum, 0)


@misconception(of="batch_norm", caught_by="eps_is_added_to_the_variance")
def writes_eps_down(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You always use 1e-5: use the `eps` that is given."""
    return _forward(x, gamma, beta, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="eps_is_added_to_the_variance")
def adds_eps_squared(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You add eps squared under the root: it is a variance already, sqrt(var + eps)."""
    return _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps * eps)


@misconception(of="batch_norm", caught_by="eps_is_added_to_the_variance")
def divides_by_the_variance(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You divide by the variance: the root is missing, sqrt(var + eps)."""
    mean, var = _used(x, running_mean, running_var, training)
    z = (x - _column(mean, x)) / (_column(var, x) + eps)
    return _with_y(_affine(z, gamma, beta), x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def only_centres(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You take the mean away and do not divide by the deviation, sqrt(var + eps)."""
    mean, _ = _used(x, running_mean, running_var, training)
    y = _affine(x - _column(mean, x), gamma, beta)
    return _with_y(y, x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="a_common_shift_moves_the_mean_only")
def only_scales(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You divide by the deviation without taking the mean away first."""
    _, var = _used(x, running_mean, running_var, training)
    y = _affine(x / np.sqrt(_column(var, x) + eps), gamma, beta)
    return _with_y(y, x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="a_common_shift_moves_the_mean_only")
def divides_by_the_mean_square(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """Your variance is the mean of x ** 2, without the mean taken away first: square the deviations, x - mean."""
    mean, var = _used(x, running_mean, running_var, training)
    if training:
        var = (x * x).mean(_axes(x))
    y = _affine(_normalise(x, mean, var, eps), gamma, beta)
    return _with_y(y, x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="gamma_and_beta_come_last")
def forgets_gamma(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You leave out gamma: multiply the normalised values by it before you add beta."""
    return _forward(x, np.ones_like(gamma), beta, running_mean, running_var, training, momentum, eps)


@misconception(of="batch_norm", caught_by="gamma_and_beta_come_last")
def forgets_beta(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You leave out beta: add it after multiplying by gamma."""
    return _forward(x, gamma, np.zeros_like(beta), running_mean, running_var, training, momentum, eps)


@misconception(of="batch_norm", caught_by="gamma_and_beta_come_last")
def forgets_gamma_and_beta(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You return the normalised values themselves: y is gamma times them, plus beta."""
    ones, zeros = np.ones_like(gamma), np.zeros_like(beta)
    return _forward(x, ones, zeros, running_mean, running_var, training, momentum, eps)


@misconception(of="batch_norm", caught_by="gamma_and_beta_come_last")
def multiplies_beta_too(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You add beta before you multiply by gamma: multiply first, gamma * normalised + beta."""
    return _forward(x, gamma, gamma * beta, running_mean, running_var, training, momentum, eps)


@misconception(of="batch_norm", caught_by="gamma_and_beta_come_last")
def scales_before_normalising(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You apply gamma and beta to x before you normalise, which takes them away again: apply them to the normalised
    values."""
    ones, zeros = np.ones_like(gamma), np.zeros_like(beta)
    return _forward(_affine(x, gamma, beta), ones, zeros, running_mean, running_var, training, momentum, eps)


@misconception(of="batch_norm", caught_by="gamma_and_beta_come_last")
def exchanges_gamma_and_beta(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """gamma and beta have changed places: gamma multiplies, beta is added."""
    return _forward(x, beta, gamma, running_mean, running_var, training, momentum, eps)


# -- which axes --------------------------------------------------------------------------------------------------------


@misconception(of="batch_norm", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def normalises_each_sample(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You normalise each sample over its features: that is layer normalisation. Batch normalisation takes the mean and
    the variance of each channel over the batch."""
    axes = tuple(range(1, x.ndim))
    z = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    if not training:
        return _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return _with_y(_affine(z, gamma, beta), x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="an_image_is_a_table_of_pixels")
def normalises_each_image(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You normalise each image's channels by themselves: that is instance normalisation. The statistics run over the
    batch as well, axes (0, 2, 3)."""
    if x.ndim == 2 or not training:
        return _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    z = (x - x.mean((2, 3), keepdims=True)) / np.sqrt(x.var((2, 3), keepdims=True) + eps)
    return _with_y(_affine(z, gamma, beta), x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="an_image_is_a_table_of_pixels")
def normalises_each_pixel(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You take images' statistics over the batch alone, one for each pixel: a channel has one mean and one variance,
    over axes (0, 2, 3)."""
    if x.ndim == 2 or not training:
        return _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    z = (x - x.mean(0)) / np.sqrt(x.var(0) + eps)
    return _with_y(_affine(z, gamma, beta), x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="treats_each_channel_alone")
def normalises_over_everything(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You take one mean and one variance over the whole array: each channel has its own."""
    if not training:
        return _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    y = _affine((x - x.mean()) / np.sqrt(x.var() + eps), gamma, beta)
    mean, var = x.mean() + np.zeros_like(running_mean), x.var(ddof=1) + np.zeros_like(running_var)
    return y, _moved(running_mean, mean, momentum), _moved(running_var, var, momentum)


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def lines_channels_up_with_the_width(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """`gamma * x` lines gamma up with the last axis of images, the width. The channels are axis 1: reshape to (1, C, 1,
    1)."""
    mean, var = _used(x, running_mean, running_var, training)
    y = gamma * _normalise(x, mean, var, eps) + beta
    return _with_y(y, x, running_mean, running_var, training, momentum)


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def keeps_the_summed_axes(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """The running statistics keep the axes that were summed, as (1, C) or (1, C, 1, 1): return them in their own shape,
    (C,)."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return (y, _column(mean, x), _column(var, x)) if training else (y, mean, var)


# -- results and numbers -----------------------------------------------------------------------------------------------


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def writes_into_the_running_statistics(
    x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5
):
    """You write the new running statistics into the caller's arrays (`running_mean *= ...`, `running_mean[:] = ...`):
    return new ones."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    if training:
        running_mean[...], running_var[...] = mean, var
    return y, running_mean, running_var


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def normalises_in_place(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """`x -= mean` changes the caller's x: compute into a new array."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    x[...] = y
    return x, mean, var


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def returns_the_variance_first(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """The running variance comes before the running mean in what you return: the order is (y, new_running_mean,
    new_running_var)."""
    y, mean, var = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return y, var, mean


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def computes_in_float32(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You compute in float32 although x is float64, and lose half of the digits: keep x's dtype."""
    low = [array.astype(np.float32) for array in (x, gamma, beta, running_mean, running_var)]
    return tuple(result.astype(x.dtype) for result in _forward(*low, training, momentum, eps))


@misconception(of="batch_norm", caught_by="batch_norm_agrees")
def returns_float64(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    """You return float64 for float32 arguments. Beware of np.zeros and np.array without a dtype, and of np.float64
    scalars."""
    results = _forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)
    return tuple(result.astype(np.float64) for result in results)


# -- batch_norm_backward: dx -------------------------------------------------------------------------------------------


@misconception(of="batch_norm_backward", caught_by="dx_sums_to_zero_in_each_channel")
def takes_the_statistics_for_constants(grad, x, gamma, eps=1e-5):
    """dx is gamma * grad / sqrt(var + eps), as if mean and variance were constants (that is the backward pass of
    evaluation). They depend on every x of the channel: take away the mean of grad, and z * mean(grad * z), z being the
    normalised x."""
    _, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    return _column(gamma * per_deviation, x) * grad, dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="stretching_matters_through_eps_alone")
def forgets_the_way_through_the_variance(grad, x, gamma, eps=1e-5):
    """The way through the variance is missing from dx: take away z * mean(grad * z), z being the normalised x."""
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    return _dx(grad, x, gamma, z, per_deviation, 0 * dgamma, dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="dx_sums_to_zero_in_each_channel")
def forgets_the_way_through_the_mean(grad, x, gamma, eps=1e-5):
    """The way through the mean is missing from dx: take away the channel's mean of grad."""
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    return _dx(grad, x, gamma, z, per_deviation, dgamma, 0 * dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="stretching_matters_through_eps_alone")
def turns_the_sign_of_the_variance_s_way(grad, x, gamma, eps=1e-5):
    """The way through the variance has the wrong sign in dx: z * mean(grad * z) is taken away, not added."""
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    return _dx(grad, x, gamma, z, per_deviation, -dgamma, dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="stretching_matters_through_eps_alone")
def halves_the_way_through_the_variance(grad, x, gamma, eps=1e-5):
    """A factor 2 is missing in dx's way through the variance: the derivative of (x - mean) ** 2 is 2 * (x - mean), and
    cancels the 1/2 of the root's."""
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    return _dx(grad, x, gamma, z, per_deviation, dgamma / np.asarray(2, x.dtype), dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="stretching_matters_through_eps_alone")
def leaves_the_deviations_unscaled(grad, x, gamma, eps=1e-5):
    """In dx's way through the variance x - mean stands where the normalised x should, once: both factors of
    z * mean(grad * z) are divided by sqrt(var + eps)."""
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    return _dx(grad, x, gamma, z / _column(per_deviation, x), per_deviation, dgamma, dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="dx_of_a_constant_cotangent_is_zero")
def takes_sums_for_means(grad, x, gamma, eps=1e-5):
    """In dx you take away sums: they are means, sum(grad) / n and z * sum(grad * z) / n, with n values in a channel."""
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    shared = _column(dbeta, x) + z * _column(dgamma, x)
    return _column(gamma * per_deviation, x) * (grad - shared), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="an_image_is_a_table_of_pixels_going_back")
def divides_by_the_number_of_images(grad, x, gamma, eps=1e-5):
    """In dx you divide the sums by N: a channel of images has n = N * H * W values."""
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    shared = (_column(dbeta, x) + z * _column(dgamma, x)) / np.asarray(len(x), x.dtype)
    return _column(gamma * per_deviation, x) * (grad - shared), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="stretching_matters_through_eps_alone")
def differentiates_the_unbiased_variance(grad, x, gamma, eps=1e-5):
    """The backward pass uses the unbiased variance, with divisor n - 1: the forward pass normalises by the biased one,
    with divisor n."""
    n, (mean, var) = np.asarray(_count(x), x.dtype), _statistics(x, ddof=1)
    z, per_deviation = _normalise(x, mean, var, eps), 1 / np.sqrt(var + eps)
    dgamma, dbeta = (grad * z).sum(_axes(x)), grad.sum(_axes(x))
    shared = _column(dbeta, x) / n + z * _column(dgamma, x) / (n - 1)
    return _column(gamma * per_deviation, x) * (grad - shared), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="stretching_matters_through_eps_alone")
def divides_by_n_less_one(grad, x, gamma, eps=1e-5):
    """In dx's way through the variance you divide by n - 1: the batch was normalised by its biased variance, with
    divisor n."""
    n = np.asarray(_count(x), x.dtype)
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    return _dx(grad, x, gamma, z, per_deviation, dgamma * n / (n - 1), dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="gamma_multiplies_dx_alone")
def forgets_gamma_in_dx(grad, x, gamma, eps=1e-5):
    """dx lacks the factor gamma, which multiplied the normalised values in the forward pass."""
    return _backward(grad, x, np.ones_like(gamma), eps)[0], *_pieces(grad, x, eps)[2:]


@misconception(of="batch_norm_backward", caught_by="backward_adds_eps_to_the_variance")
def forgets_the_deviation_in_dx(grad, x, gamma, eps=1e-5):
    """dx is not divided by sqrt(var + eps): the normalised values change that much faster than x."""
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    return _dx(grad, x, gamma, z, np.ones_like(per_deviation), dgamma, dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="backward_adds_eps_to_the_variance")
def divides_dx_by_the_variance(grad, x, gamma, eps=1e-5):
    """dx is divided by var + eps: take the root, sqrt(var + eps)."""
    z, per_deviation, dgamma, dbeta = _pieces(grad, x, eps)
    return _dx(grad, x, gamma, z, per_deviation * per_deviation, dgamma, dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="stretching_matters_through_eps_alone")
def ignores_eps_going_back(grad, x, gamma, eps=1e-5):
    """The backward pass leaves eps out: it divides by sqrt(var + eps), as the forward pass does."""
    with np.errstate(all="ignore"):
        return _backward(grad, x, gamma, 0)


@misconception(of="batch_norm_backward", caught_by="backward_ignores_a_common_shift")
def takes_a_difference_of_squares_going_back(grad, x, gamma, eps=1e-5):
    """The backward pass takes mean(x ** 2) - mean(x) ** 2 for the variance, the difference of two large, nearly equal
    numbers where a channel lies far from 0: its digits are lost. Take the mean of (x - mean) ** 2."""
    mean = x.mean(_axes(x))
    var = (x * x).mean(_axes(x)) - mean**2
    with np.errstate(all="ignore"):
        z, per_deviation = _normalise(x, mean, var, eps), 1 / np.sqrt(var + eps)
        dgamma, dbeta = (grad * z).sum(_axes(x)), grad.sum(_axes(x))
        return _dx(grad, x, gamma, z, per_deviation, dgamma, dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="backward_adds_eps_to_the_variance")
def writes_eps_down_going_back(grad, x, gamma, eps=1e-5):
    """The backward pass always uses 1e-5: use the `eps` that is given, as the forward pass does."""
    return _backward(grad, x, gamma)


@misconception(of="batch_norm_backward", caught_by="backward_adds_eps_to_the_variance")
def adds_eps_to_the_deviation_going_back(grad, x, gamma, eps=1e-5):
    """The backward pass adds eps to the standard deviation: it is added to the variance, under the root,
    sqrt(var + eps)."""
    mean, var = _statistics(x)
    per_deviation = 1 / (np.sqrt(var) + eps)
    z = (x - _column(mean, x)) * _column(per_deviation, x)
    dgamma, dbeta = (grad * z).sum(_axes(x)), grad.sum(_axes(x))
    return _dx(grad, x, gamma, z, per_deviation, dgamma, dbeta), dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="backward_agrees")
def has_the_wrong_sign(grad, x, gamma, eps=1e-5):
    """All gradients have the wrong sign. Return the gradient itself: the minus belongs to the optimiser's step."""
    return tuple(-result for result in _backward(grad, x, gamma, eps))


@misconception(of="batch_norm_backward", caught_by="dbeta_is_the_sum_of_the_cotangent")
def ignores_the_cotangent(grad, x, gamma, eps=1e-5):
    """`grad` is taken to be all ones, for which dx and dgamma are 0. The vector-Jacobian product weighs every output by
    its element of `grad`."""
    return _backward(np.ones_like(grad), x, gamma, eps)


@misconception(of="batch_norm_backward", caught_by="dx_sums_to_zero_in_each_channel")
def goes_back_through_each_sample(grad, x, gamma, eps=1e-5):
    """Your sums in dx run over each sample's features: that is layer normalisation's backward pass. Here they run over
    the batch, channel by channel."""
    axes = tuple(range(1, x.ndim))
    deviation = np.sqrt(x.var(axes, keepdims=True) + eps)
    z, weighed = (x - x.mean(axes, keepdims=True)) / deviation, _column(gamma, x) * grad
    shared = weighed.mean(axes, keepdims=True) + z * (weighed * z).mean(axes, keepdims=True)
    return (weighed - shared) / deviation, (grad * z).sum(_axes(x)), grad.sum(_axes(x))


@misconception(of="batch_norm_backward", caught_by="an_image_is_a_table_of_pixels_going_back")
def goes_back_through_each_image(grad, x, gamma, eps=1e-5):
    """Your backward pass treats each image by itself, as instance normalisation does: the sums in dx run over the batch
    as well, axes (0, 2, 3)."""
    if x.ndim == 2:
        return _backward(grad, x, gamma, eps)
    alone = [_backward(g[None], image[None], gamma, eps) for g, image in zip(grad, x, strict=True)]
    dx, dgamma, dbeta = zip(*alone, strict=True)
    return np.concatenate(dx), sum(dgamma), sum(dbeta)


# -- batch_norm_backward: dgamma and dbeta -----------------------------------------------------------------------------


@misconception(of="batch_norm_backward", caught_by="dgamma_weighs_grad_by_the_normalised_values")
def weighs_by_x(grad, x, gamma, eps=1e-5):
    """dgamma is the sum of grad * x: gamma multiplied the normalised values, so weigh grad by those."""
    dx, _, dbeta = _backward(grad, x, gamma, eps)
    return dx, (grad * x).sum(_axes(x)), dbeta


@misconception(of="batch_norm_backward", caught_by="dgamma_weighs_grad_by_the_normalised_values")
def weighs_by_the_deviations(grad, x, gamma, eps=1e-5):
    """dgamma is the sum of grad * (x - mean): gamma multiplied the normalised values, which are divided by
    sqrt(var + eps) too."""
    dx, _, dbeta = _backward(grad, x, gamma, eps)
    return dx, (grad * (x - _column(_statistics(x)[0], x))).sum(_axes(x)), dbeta


@misconception(of="batch_norm_backward", caught_by="gamma_multiplies_dx_alone")
def multiplies_dgamma_by_gamma(grad, x, gamma, eps=1e-5):
    """dgamma has a factor gamma too many: it weighs grad by the normalised values before gamma multiplied them."""
    dx, dgamma, dbeta = _backward(grad, x, gamma, eps)
    return dx, gamma * dgamma, dbeta


@misconception(of="batch_norm_backward", caught_by="dgamma_weighs_grad_by_the_normalised_values")
def averages_dgamma_and_dbeta(grad, x, gamma, eps=1e-5):
    """dgamma and dbeta are means. Sum: if the loss is a mean, `grad` has the factor already."""
    dx, dgamma, dbeta = _backward(grad, x, gamma, eps)
    n = np.asarray(_count(x), x.dtype)
    return dx, dgamma / n, dbeta / n


@misconception(of="batch_norm_backward", caught_by="dbeta_is_the_sum_of_the_cotangent")
def averages_dbeta(grad, x, gamma, eps=1e-5):
    """dbeta is a mean. beta is added to every value of its channel, so dbeta is the sum of grad over all of them."""
    dx, dgamma, dbeta = _backward(grad, x, gamma, eps)
    return dx, dgamma, dbeta / np.asarray(_count(x), x.dtype)


@misconception(of="batch_norm_backward", caught_by="gamma_multiplies_dx_alone")
def multiplies_dbeta_by_gamma(grad, x, gamma, eps=1e-5):
    """dbeta has a factor gamma: beta is added after the multiplication, so dbeta is the sum of grad alone."""
    dx, dgamma, dbeta = _backward(grad, x, gamma, eps)
    return dx, dgamma, gamma * dbeta


@misconception(of="batch_norm_backward", caught_by="an_image_is_a_table_of_pixels_going_back")
def sums_over_the_batch_alone(grad, x, gamma, eps=1e-5):
    """For images, dgamma and dbeta have an element for each pixel: one gamma and one beta serve a whole channel, so sum
    over axes (0, 2, 3), to shape (C,)."""
    z, *_ = _pieces(grad, x, eps)
    return _backward(grad, x, gamma, eps)[0], (grad * z).sum(0), grad.sum(0)


@misconception(of="batch_norm_backward", caught_by="backward_agrees")
def keeps_the_summed_axes_going_back(grad, x, gamma, eps=1e-5):
    """dgamma and dbeta keep the axes that were summed, as (1, C) or (1, C, 1, 1). gamma has shape (C,), and so have
    they."""
    dx, dgamma, dbeta = _backward(grad, x, gamma, eps)
    return dx, _column(dgamma, x), _column(dbeta, x)


@misconception(of="batch_norm_backward", caught_by="backward_agrees")
def returns_dbeta_first(grad, x, gamma, eps=1e-5):
    """dbeta comes before dgamma in what you return: the order is (dx, dgamma, dbeta)."""
    dx, dgamma, dbeta = _backward(grad, x, gamma, eps)
    return dx, dbeta, dgamma


# -- batch_norm_backward: numbers --------------------------------------------------------------------------------------


@misconception(of="batch_norm_backward", caught_by="backward_agrees")
def changes_the_cotangent(grad, x, gamma, eps=1e-5):
    """`grad *= gamma` or `grad -= ...` writes into the caller's cotangent: compute into a new array."""
    results = _backward(grad, x, gamma, eps)
    grad *= _column(gamma, x)
    return results


@misconception(of="batch_norm_backward", caught_by="backward_agrees")
def computes_in_float32_going_back(grad, x, gamma, eps=1e-5):
    """You compute in float32 although the arguments are float64, and lose half of the digits: keep their dtype."""
    low = [array.astype(np.float32) for array in (grad, x, gamma)]
    return tuple(result.astype(x.dtype) for result in _backward(*low, eps))


@misconception(of="batch_norm_backward", caught_by="backward_agrees")
def returns_float64_going_back(grad, x, gamma, eps=1e-5):
    """The gradients are float64 also for float32 arguments. Beware of np.zeros and np.array without a dtype, and of
    np.float64 scalars."""
    return tuple(result.astype(np.float64) for result in _backward(grad, x, gamma, eps))
