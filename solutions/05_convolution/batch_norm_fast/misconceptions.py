"""Ways in which fast batch normalisation goes wrong, or stays slow, and what to say about each."""

import torch
from dlgrade.author import misconception

# -- right batch normalisation in pieces, of which each misconception gets one wrong -----------------------------------

_CHANNEL = (0, 2, 3)


def _column(per_channel):
    return per_channel[:, None, None]


def _statistics(x, correction=0):
    """Mean and variance of each channel."""
    mean = x.mean(_CHANNEL)
    deviations = x - _column(mean)
    return mean, deviations.square().sum(_CHANNEL) / (x.numel() // x.shape[1] - correction)


def _applied(x, mean, var, gamma, beta, eps):
    return (x - _column(mean)) * _column(gamma / torch.sqrt(var + eps)) + _column(beta)


def _forward(x, gamma, beta, eps=1e-5):
    return _applied(x, *_statistics(x), gamma, beta, eps)


# -- mean and variance -------------------------------------------------------------------------------------------------


@misconception(of="batch_norm_fast", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def takes_the_unbiased_variance(x, gamma, beta, eps=1e-5):
    """You divide by n - 1, as torch's var(), std() and var_mean() do unless they are told otherwise. Batch
    normalisation divides by n: correction=0."""
    return _applied(x, *_statistics(x, correction=1), gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="keeps_its_digits_far_from_zero")
def takes_a_difference_of_squares(x, gamma, beta, eps=1e-5):
    """Your variance is mean(x ** 2) - mean(x) ** 2, the difference of two large, nearly equal numbers where a channel
    lies far from 0: its digits are lost, and it may even be negative. Take the mean away first and then square, or take
    var_mean()."""
    mean = x.mean(_CHANNEL)
    return _applied(x, mean, x.square().mean(_CHANNEL) - mean.square(), gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="keeps_its_digits_far_from_zero")
def clamps_a_difference_of_squares(x, gamma, beta, eps=1e-5):
    """Your variance is mean(x ** 2) - mean(x) ** 2, and where that comes out negative you make it 0. The digits are
    lost all the same where a channel lies far from 0: take the mean away first and then square."""
    mean = x.mean(_CHANNEL)
    return _applied(x, mean, (x.square().mean(_CHANNEL) - mean.square()).clamp(min=0), gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="samples_rows_and_columns_are_alike")
def normalises_each_sample(x, gamma, beta, eps=1e-5):
    """Mean and variance run over rows and columns alone, so that each sample is normalised by itself: that is instance
    normalisation. Batch normalisation takes the samples together: dim=(0, 2, 3)."""
    mean = x.mean((2, 3), keepdim=True)
    var = (x - mean).square().mean((2, 3), keepdim=True)
    return (x - mean) / torch.sqrt(var + eps) * _column(gamma) + _column(beta)


@misconception(of="batch_norm_fast", caught_by="samples_rows_and_columns_are_alike")
def normalises_each_pixel(x, gamma, beta, eps=1e-5):
    """Mean and variance run over the batch alone, and every pixel has its own. A channel's rows and columns belong
    together: dim=(0, 2, 3)."""
    mean = x.mean(0)
    var = (x - mean).square().mean(0)
    return (x - mean) / torch.sqrt(var + eps) * _column(gamma) + _column(beta)


@misconception(of="batch_norm_fast", caught_by="treats_each_channel_alone")
def normalises_over_the_channels(x, gamma, beta, eps=1e-5):
    """Mean and variance run over channels, rows and columns of one sample: that is layer normalisation. Here every
    channel has its own, over the batch: dim=(0, 2, 3)."""
    mean = x.mean((1, 2, 3), keepdim=True)
    var = (x - mean).square().mean((1, 2, 3), keepdim=True)
    return (x - mean) / torch.sqrt(var + eps) * _column(gamma) + _column(beta)


@misconception(of="batch_norm_fast", caught_by="treats_each_channel_alone")
def normalises_everything_at_once(x, gamma, beta, eps=1e-5):
    """There is one mean and one variance for the whole tensor. Every channel has its own: dim=(0, 2, 3)."""
    mean = x.mean()
    var = (x - mean).square().mean()
    return (x - mean) / torch.sqrt(var + eps) * _column(gamma) + _column(beta)


@misconception(of="batch_norm_fast", caught_by="samples_rows_and_columns_are_alike")
def averages_the_planes_variances(x, gamma, beta, eps=1e-5):
    """You take the variance of each sample's plane, and the mean of those. What is missing is how far the planes' own
    means lie apart: add their variance over the batch, or take all values at once, dim=(0, 2, 3)."""
    planes = x.mean((2, 3), keepdim=True)
    var = (x - planes).square().mean((2, 3)).mean(0)
    return _applied(x, x.mean(_CHANNEL), var, gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="agrees")
def reshapes_channels_without_transposing(x, gamma, beta, eps=1e-5):
    """You reshape (N, C, H, W) to (C, -1) and take its rows for channels: reshape() keeps the order of the numbers, so
    a row has parts of several channels. Transpose the first two axes before you reshape."""
    rows = x.reshape(x.shape[1], -1)
    mean = rows.mean(1)
    var = (rows - mean[:, None]).square().mean(1)
    return _applied(x, mean, var, gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="agrees")
def reshapes_back_without_transposing(x, gamma, beta, eps=1e-5):
    """You normalise a table of (C, N * H * W) or (N * H * W, C) and reshape that to (N, C, H, W): reshape() keeps the
    order of the numbers. Undo the transposition after it."""
    y = _forward(x, gamma, beta, eps)
    return y.transpose(0, 1).reshape(x.shape)


@misconception(of="batch_norm_fast", caught_by="ignores_a_common_shift")
def forgets_to_take_the_mean_away(x, gamma, beta, eps=1e-5):
    """You divide by the deviation without taking the mean away."""
    _, var = _statistics(x)
    return x * _column(gamma / torch.sqrt(var + eps)) + _column(beta)


@misconception(of="batch_norm_fast", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def forgets_the_mean_s_factor(x, gamma, beta, eps=1e-5):
    """You put factor and term together as x * factor + beta - mean: the mean has the factor too,
    beta - mean * factor."""
    mean, var = _statistics(x)
    return x * _column(gamma / torch.sqrt(var + eps)) + _column(beta - mean)


@misconception(of="batch_norm_fast", caught_by="ignores_a_common_shift")
def adds_the_mean(x, gamma, beta, eps=1e-5):
    """You put factor and term together as x * factor + beta + mean * factor. The mean is taken away:
    beta - mean * factor."""
    mean, var = _statistics(x)
    return _applied(x, -mean, var, gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="agrees")
def takes_var_for_mean(x, gamma, beta, eps=1e-5):
    """torch.var_mean() gives the variance first and then the mean: you take them the other way round."""
    mean, var = _statistics(x)
    return _applied(x, var, mean, gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="treats_each_channel_alone")
def normalises_each_column(x, gamma, beta, eps=1e-5):
    """You reduce over the first three axes, as if the channels came last. They are axis 1: dim=(0, 2, 3)."""
    mean = x.mean((0, 1, 2), keepdim=True)
    var = (x - mean).square().mean((0, 1, 2), keepdim=True)
    return (x - mean) / torch.sqrt(var + eps) * _column(gamma) + _column(beta)


# -- eps ---------------------------------------------------------------------------------------------------------------


@misconception(of="batch_norm_fast", caught_by="eps_is_added_to_the_variance")
def adds_eps_to_the_deviation(x, gamma, beta, eps=1e-5):
    """You add eps to the standard deviation. It is added to the variance, under the root: sqrt(var + eps)."""
    mean, var = _statistics(x)
    deviation = torch.where(var > 0, torch.sqrt(torch.where(var > 0, var, 1)), 0)
    return (x - _column(mean)) * _column(gamma / (deviation + eps)) + _column(beta)


@misconception(of="batch_norm_fast", caught_by="eps_is_added_to_the_variance")
def adds_the_square_of_eps(x, gamma, beta, eps=1e-5):
    """You add eps ** 2 to the variance. eps is a variance already: sqrt(var + eps)."""
    return _forward(x, gamma, beta, eps**2)


@misconception(of="batch_norm_fast", caught_by="agrees")
def forgets_eps(x, gamma, beta, eps=1e-5):
    """eps is never added, and a constant channel becomes 0 / 0. Divide by sqrt(var + eps)."""
    return _forward(x, gamma, beta, 0.0)


@misconception(of="batch_norm_fast", caught_by="agrees")
def has_an_eps_of_its_own(x, gamma, beta, eps=1e-5):
    """You always add 1e-5, whatever `eps` says. Read it from the argument."""
    return _forward(x, gamma, beta)


@misconception(of="batch_norm_fast", caught_by="agrees")
def adds_a_large_eps(x, gamma, beta, eps=1e-5):
    """Your eps is 1e-3 unless it is given, as in Keras. Here, as in PyTorch, it is 1e-5."""
    return _forward(x, gamma, beta, 1e-3 if eps == 1e-5 else eps)


@misconception(of="batch_norm_fast", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def divides_by_the_variance(x, gamma, beta, eps=1e-5):
    """You divide by the variance. Divide by its root, the standard deviation."""
    mean, var = _statistics(x)
    return (x - _column(mean)) * _column(gamma / (var + eps)) + _column(beta)


@misconception(of="batch_norm_fast", caught_by="channels_get_mean_beta_and_variance_gamma_squared")
def multiplies_by_the_deviation(x, gamma, beta, eps=1e-5):
    """You multiply by sqrt(var + eps). Divide by it, or multiply by rsqrt(var + eps)."""
    mean, var = _statistics(x)
    return (x - _column(mean)) * _column(gamma * torch.sqrt(var + eps)) + _column(beta)


# -- gamma and beta ----------------------------------------------------------------------------------------------------


@misconception(of="batch_norm_fast", caught_by="gamma_and_beta_come_last")
def forgets_gamma_and_beta(x, gamma, beta, eps=1e-5):
    """You return the normalised x. Multiply it by gamma and add beta, channel by channel."""
    return _forward(x, torch.ones_like(gamma), torch.zeros_like(beta), eps)


@misconception(of="batch_norm_fast", caught_by="gamma_and_beta_come_last")
def multiplies_beta_too(x, gamma, beta, eps=1e-5):
    """You add beta before you multiply by gamma, so that beta is multiplied too. beta comes last."""
    return _forward(x, gamma, gamma * beta, eps)


@misconception(of="batch_norm_fast", caught_by="gamma_and_beta_come_last")
def swaps_gamma_and_beta(x, gamma, beta, eps=1e-5):
    """gamma and beta are swapped: gamma multiplies, beta is added."""
    return _forward(x, beta, gamma, eps)


@misconception(of="batch_norm_fast", caught_by="agrees")
def lines_gamma_up_with_the_width(x, gamma, beta, eps=1e-5):
    """gamma and beta, of shape (C,), line up with the last axis, the width. Channels are axis 1: gamma[:, None, None],
    or gamma.view(1, -1, 1, 1)."""
    plain = _forward(x, torch.ones_like(gamma), torch.zeros_like(beta), eps)
    return plain * gamma + beta


@misconception(of="batch_norm_fast", caught_by="agrees")
def lines_gamma_up_with_the_samples(x, gamma, beta, eps=1e-5):
    """gamma and beta line up with axis 0, the samples. Channels are axis 1: gamma[:, None, None], or
    gamma.view(1, -1, 1, 1)."""
    plain = _forward(x, torch.ones_like(gamma), torch.zeros_like(beta), eps)
    return plain * gamma[:, None, None, None] + beta[:, None, None, None]


@misconception(of="batch_norm_fast", caught_by="gamma_and_beta_come_last")
def multiplies_beta_alone(x, gamma, beta, eps=1e-5):
    """gamma multiplies beta and not the normalised x. addcmul(a, b, c) is a + b * c: beta is what is added, gamma
    belongs to the product."""
    return _forward(x, torch.ones_like(gamma), gamma * beta, eps)


# -- dtype, arguments, autograd ----------------------------------------------------------------------------------------


@misconception(of="batch_norm_fast", caught_by="agrees")
def computes_in_float32(x, gamma, beta, eps=1e-5):
    """You compute in float32 although the images are float64, and lose half of the digits: torch.zeros() and
    torch.tensor() make float32 unless they are told otherwise."""
    return _forward(x.float(), gamma.float(), beta.float(), eps).to(x.dtype)


@misconception(of="batch_norm_fast", caught_by="agrees")
def returns_float64(x, gamma, beta, eps=1e-5):
    """The result is float64 also for float32 images: return x's dtype."""
    return _forward(x.double(), gamma.double(), beta.double(), eps)


@misconception(of="batch_norm_fast", caught_by="agrees")
def computes_in_bfloat16(x, gamma, beta, eps=1e-5):
    """You compute in half precision, where two or three digits are left: keep x's dtype."""
    return _forward(x.bfloat16(), gamma.bfloat16(), beta.bfloat16(), eps).to(x.dtype)


@misconception(of="batch_norm_fast", caught_by="agrees")
def writes_into_the_images(x, gamma, beta, eps=1e-5):
    """`x -= mean`, sub_() and the like save a tensor by writing into the caller's images. Only a tensor that you made
    yourself may be overwritten."""
    y = _forward(x, gamma, beta, eps)
    x.sub_(x.mean(_CHANNEL, keepdim=True))
    return y


@misconception(of="batch_norm_fast", caught_by="agrees")
def normalises_in_place(x, gamma, beta, eps=1e-5):
    """`x -= mean`, `x /= ...` and so on make the caller's images into y. Only a tensor that you made yourself may be
    overwritten."""
    return x.copy_(_forward(x, gamma, beta, eps))


@misconception(of="batch_norm_fast", caught_by="agrees")
def writes_into_gamma(x, gamma, beta, eps=1e-5):
    """`gamma *= ...`, mul_() and the like write into the caller's gamma. Compute into a new tensor."""
    y = _forward(x, gamma, beta, eps)
    gamma.mul_(2)
    return y


@misconception(of="batch_norm_fast", caught_by="gradient")
def takes_the_statistics_for_constants(x, gamma, beta, eps=1e-5):
    """Mean and variance are cut off, by .detach(), .item() or no_grad(), as if they did not depend on x. They do: each
    value of x reaches y through both, and the gradient has a term for each."""
    mean, var = _statistics(x.detach())
    return _applied(x, mean, var, gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="gradient")
def takes_the_mean_for_a_constant(x, gamma, beta, eps=1e-5):
    """The mean is cut off, by .detach() or .item(), as if it did not depend on x: the gradient lacks a term."""
    mean, var = _statistics(x)
    return _applied(x, mean.detach(), var, gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="gradient")
def takes_the_variance_for_a_constant(x, gamma, beta, eps=1e-5):
    """The variance is cut off, by .detach() or .item(), as if it did not depend on x: the gradient lacks a term."""
    mean, var = _statistics(x)
    return _applied(x, mean, var.detach(), gamma, beta, eps)


@misconception(of="batch_norm_fast", caught_by="gradient")
def cuts_gamma_and_beta_off(x, gamma, beta, eps=1e-5):
    """No gradient comes back to gamma and beta: .detach(), .data, .tolist() or no_grad() cuts it off, and then neither
    of them can be learnt."""
    return _forward(x, gamma.detach(), beta.detach(), eps)


# -- right, but slow ---------------------------------------------------------------------------------------------------


@misconception(of="batch_norm_fast", caught_by="fast")
def loops_over_the_channels(x, gamma, beta, eps=1e-5):
    """You loop over the channels, and calling torch takes longer than the few numbers of one: reductions take several
    axes at once, dim=(0, 2, 3), and give a number for each channel."""
    out = []
    for c in range(x.shape[1]):
        values = x[:, c]
        deviations = values - values.mean()
        out.append(gamma[c] * deviations / torch.sqrt(deviations.square().mean() + eps) + beta[c])
    return torch.stack(out, 1)


@misconception(of="batch_norm_fast", caught_by="fast")
def multiplies_by_a_diagonal_matrix(x, gamma, beta, eps=1e-5):
    """You multiply by a diagonal matrix, C products for each number of which all but one are with 0. Broadcasting
    multiplies each channel by a number of its own: factor[:, None, None]."""
    mean, var = _statistics(x)
    factor = torch.diag(gamma / torch.sqrt(var + eps))
    rows = (x - _column(mean)).permute(0, 2, 3, 1) @ factor + beta
    return rows.permute(0, 3, 1, 2)


@misconception(of="batch_norm_fast", caught_by="fast")
def loops_over_samples_and_channels(x, gamma, beta, eps=1e-5):
    """You loop over samples and channels, and write one plane at a time: x - mean[:, None, None] lines a number for
    each channel up with all planes of all samples at once."""
    mean, var = _statistics(x)
    rows = []
    for sample in x:
        planes = zip(sample, mean, torch.sqrt(var + eps), gamma, beta, strict=True)
        rows.append(torch.stack([g * (plane - m) / d + shift for plane, m, d, g, shift in planes]))
    return torch.stack(rows)
