"""Wrong softmaxes that students write, and what cures each."""

import numpy as np
from dlgrade.author import misconception

# -- softmax -----------------------------------------------------------------------------------------------------------


@misconception(of="softmax", caught_by="ignores_a_common_shift")
def overflows(x, axis=-1):
    """exp() overflows near 709 (88 in float32), and inf / inf is NaN: subtract the maximum along `axis` first."""
    with np.errstate(all="ignore"):
        return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="ignores_a_common_shift")
def subtracts_the_maximum_of_everything(x, axis=-1):
    """You subtract the largest score of the whole array; a slice far below it underflows to 0 / 0. Each slice needs
    its own maximum: x.max(axis=axis, keepdims=True)."""
    with np.errstate(all="ignore"):
        powers = np.exp(x - x.max())
        return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="gives_all_to_a_large_lead")
def subtracts_the_mean(x, axis=-1):
    """You subtract the mean, and a score far above it still overflows: subtract the maximum, which leaves no exponent
    above 0."""
    with np.errstate(all="ignore"):
        powers = np.exp(x - x.mean(axis=axis, keepdims=True))
        return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="gives_all_to_a_large_lead")
def subtracts_the_minimum(x, axis=-1):
    """You subtract the minimum, which makes every exponent positive and overflows on large gaps: subtract the
    maximum."""
    with np.errstate(all="ignore"):
        powers = np.exp(x - x.min(axis=axis, keepdims=True))
        return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="ignores_a_common_shift")
def never_subtracts_a_negative_maximum(x, axis=-1):
    """You subtract the maximum only where it is positive; when all the scores are far below 0, every exp() underflows
    and 0 / 0 is NaN. Subtract the maximum whatever its sign, and start it from the scores, not from 0."""
    with np.errstate(all="ignore"):
        powers = np.exp(x - np.maximum(x.max(axis=axis, keepdims=True), 0))
        return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="softmax_agrees")
def subtracts_the_largest_magnitude(x, axis=-1):
    """You subtract the largest absolute value, which pushes negative scores down twice until they all underflow:
    subtract the largest score, sign included."""
    with np.errstate(all="ignore"):
        powers = np.exp(x - np.abs(x).max(axis=axis, keepdims=True))
        return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="ignores_a_common_shift")
def clips_the_scores(x, axis=-1):
    """You clip the scores to keep exp() from overflowing, which makes different large scores equal: subtract the
    maximum, which changes nothing."""
    powers = np.exp(np.clip(x, -500, 500 if x.dtype == np.float64 else 80))
    return powers / powers.sum(axis=axis, keepdims=True)


def _clipping(name, least_score, least_probability):
    """The misconception of clipping the shifted scores, or the probabilities, at such a number."""

    def clips(x, axis=-1):
        powers = np.exp(np.maximum(x - x.max(axis=axis, keepdims=True), np.asarray(least_score, x.dtype)))
        return np.maximum(powers / powers.sum(axis=axis, keepdims=True), np.asarray(least_probability, x.dtype))

    clips.__name__ = name
    clips.__doc__ = (
        "You clip from below, the probabilities or the shifted scores, so that none comes near 0. Softmax's own values "
        "are wanted here, however small; what guards a logarithm belongs where the logarithm is taken."
    )
    return misconception(of="softmax", caught_by="softmax_agrees")(clips)


# The numbers that people take; 1e-12 stands for all the smaller ones, which are told from 0, not from one another.
_CLIPPINGS = (
    _clipping("clips_the_shifted_scores_at_20", -20, 0.0),
    *(_clipping(f"clips_the_probabilities_at_1e_{n}", -np.inf, float(f"1e-{n}")) for n in (6, 7, 8, 12)),
)
globals().update({item.name: item for item in _CLIPPINGS})


@misconception(of="softmax", caught_by="treats_each_slice_alone")
def ignores_axis(x, axis=-1):
    """You always normalise the last axis: take the maximum and the sum along the `axis` that is given."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@misconception(of="softmax", caught_by="softmax_agrees")
def always_the_first_axis(x, axis=-1):
    """You always normalise axis 0, so each column sums to 1: take the maximum and the sum along `axis`, which is the
    last one by default."""
    powers = np.exp(x - x.max(axis=0, keepdims=True))
    return powers / powers.sum(axis=0, keepdims=True)


@misconception(of="softmax", caught_by="softmax_agrees")
def takes_axis_zero_for_no_axis(x, axis=-1):
    """`axis or -1` turns axis 0 into -1, because 0 counts as false: use `axis` as it is."""
    axis = axis or -1
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="counts_axes_from_both_ends")
def takes_a_negative_axis_for_the_last(x, axis=-1):
    """You treat every negative axis as the last one; -2 is the last but one. NumPy's own `axis` arguments count from
    the end for you."""
    axis = -1 if axis < 0 else axis
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="sums_to_one")
def sums_over_everything(x, axis=-1):
    """You divide by the sum of the whole array, so that everything together sums to 1: each slice along `axis` has a
    sum of its own, powers.sum(axis=axis, keepdims=True)."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum()


@misconception(of="softmax", caught_by="softmax_agrees")
def forgets_keepdims(x, axis=-1):
    """Without keepdims=True the sum loses its axis, and broadcasting divides each row by the sums of other rows, or
    fails: keep the axis."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis)


@misconception(of="softmax", caught_by="softmax_agrees")
def forgets_keepdims_of_the_maximum(x, axis=-1):
    """Without keepdims=True the maximum loses its axis, and broadcasting subtracts other rows' maxima, or fails: keep
    the axis in both reductions."""
    with np.errstate(all="ignore"):
        powers = np.exp(x - x.max(axis=axis))
        return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="softmax_agrees")
def changes_its_argument(x, axis=-1):
    """`x -= ...` writes into the caller's array, whose scores are lost: compute `x - ...` into a new one."""
    x -= x.max(axis=axis, keepdims=True)
    powers = np.exp(x)
    return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="sums_to_one")
def returns_logarithms(x, axis=-1):
    """These are log-probabilities (log-softmax): return their exp()."""
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@misconception(of="softmax", caught_by="sums_to_one")
def forgets_to_divide(x, axis=-1):
    """You return exp(x - max) as it is: divide by its sum along `axis`."""
    return np.exp(x - x.max(axis=axis, keepdims=True))


@misconception(of="softmax", caught_by="sums_to_one")
def divides_by_the_mean(x, axis=-1):
    """You divide by the mean along `axis`, so each slice sums to its length: divide by the sum."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.mean(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="sums_to_one")
def divides_by_the_norm(x, axis=-1):
    """You divide by the square root of the sum of squares, which makes the length 1, not the sum: divide by the sum."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / np.sqrt((powers**2).sum(axis=axis, keepdims=True))


@misconception(of="softmax", caught_by="sums_to_one")
def adds_an_epsilon(x, axis=-1):
    """You add a small number to the denominator. It is never 0 once the maximum is subtracted, because the largest
    term is exp(0) = 1; the addition only keeps the probabilities from summing to 1."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / (powers.sum(axis=axis, keepdims=True) + np.asarray(1e-8, x.dtype))


@misconception(of="softmax", caught_by="sums_to_one")
def adds_one_to_the_denominator(x, axis=-1):
    """Your denominator has a 1 too many, as if there were one more score of 0: it is the sum of the exponentials
    alone."""
    most = np.maximum(x.max(axis=axis, keepdims=True), 0)
    powers = np.exp(x - most)
    return powers / (np.exp(-most) + powers.sum(axis=axis, keepdims=True))


@misconception(of="softmax", caught_by="sums_to_one")
def squashes_each_score_alone(x, axis=-1):
    """This is the sigmoid, which takes each score alone: softmax divides exp(x) by the sum over the slice."""
    return np.exp(-np.logaddexp(0, -x)).astype(x.dtype)


@misconception(of="softmax", caught_by="has_exponential_odds")
def takes_the_winner_only(x, axis=-1):
    """This gives everything to the largest score (argmax as one-hot): softmax leaves each score its share, exp(x)
    divided by the sum."""
    winners = (x == x.max(axis=axis, keepdims=True)).astype(x.dtype)
    return winners / winners.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="has_exponential_odds")
def uses_powers_of_two(x, axis=-1):
    """You raise 2 to the scores: softmax raises e, np.exp."""
    powers = np.exp2(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="has_exponential_odds")
def prefers_low_scores(x, axis=-1):
    """The sign is turned: the largest score must get the largest probability, exp(x - max), not exp(max - x) or
    exp(-x)."""
    powers = np.exp(x.min(axis=axis, keepdims=True) - x)
    return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="has_exponential_odds")
def applies_it_twice(x, axis=-1):
    """You take softmax of probabilities, a second time, which flattens them: take it once, of the scores."""
    for _ in range(2):
        powers = np.exp(x - x.max(axis=axis, keepdims=True))
        x = powers / powers.sum(axis=axis, keepdims=True)
    return x


@misconception(of="softmax", caught_by="has_exponential_odds")
def divides_by_the_range_first(x, axis=-1):
    """You rescale the scores to at most 1 before exp(), which changes their odds: subtracting the maximum is all that
    exp() needs."""
    shifted = x - x.max(axis=axis, keepdims=True)
    powers = np.exp(shifted / np.maximum(-shifted.min(axis=axis, keepdims=True), 1))
    return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="has_exponential_odds")
def divides_the_scores_by_a_root(x, axis=-1):
    """You divide the scores by the square root of their number. That scale belongs to attention, before softmax is
    called: softmax itself has none."""
    x = x / np.asarray(np.sqrt(x.shape[axis]), x.dtype)
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="has_exponential_odds")
def normalises_without_exp(x, axis=-1):
    """You divide the scores themselves by their sum, without exp(): negative scores give negative shares. Take exp()
    first."""
    shifted = x - x.min(axis=axis, keepdims=True)
    total = shifted.sum(axis=axis, keepdims=True)
    return np.where(total > 0, shifted / np.where(total > 0, total, 1), 1 / np.asarray(x.shape[axis], x.dtype))


@misconception(of="softmax", caught_by="softmax_agrees")
def computes_in_float32(x, axis=-1):
    """You compute in float32 although the scores are float64, and lose half of their digits: keep the dtype of `x`."""
    scores = x.astype(np.float32)
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return (powers / powers.sum(axis=axis, keepdims=True)).astype(x.dtype)


@misconception(of="softmax", caught_by="softmax_agrees")
def returns_float64(x, axis=-1):
    """You return float64 for float32 scores: the result has the dtype of `x`. Beware of np.zeros and np.array without a
    dtype, and of np.float64 scalars."""
    powers = np.exp(x.astype(np.float64) - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@misconception(of="softmax", caught_by="softmax_agrees")
def rounds(x, axis=-1):
    """You round the probabilities: return them as they are, rounding is for printing."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.round(powers / powers.sum(axis=axis, keepdims=True), 6)


# -- softmax_backward --------------------------------------------------------------------------------------------------


@misconception(of="softmax_backward", caught_by="backward_of_a_constant_is_zero")
def keeps_the_diagonal_only(grad, probs, axis=-1):
    """p * (1 - p) is only the diagonal of the Jacobian: each score also lowers the other probabilities, by p[i] * p[j].
    Subtract the sum of grad * probs along `axis`."""
    return grad * probs * (1 - probs)


@misconception(of="softmax_backward", caught_by="backward_of_a_constant_is_zero")
def drops_the_diagonal(grad, probs, axis=-1):
    """Only the terms -p[i] * p[j] are there: on the diagonal the Jacobian also has + p[i]."""
    return -probs * (grad * probs).sum(axis=axis, keepdims=True)


@misconception(of="softmax_backward", caught_by="backward_of_a_constant_is_zero")
def scales_by_the_probabilities_only(grad, probs, axis=-1):
    """probs * grad treats each entry as if the denominator were fixed: it depends on every score, which takes away
    the sum of grad * probs along `axis`."""
    return probs * grad


@misconception(of="softmax_backward", caught_by="backward_sums_to_zero")
def forgets_the_outer_factor(grad, probs, axis=-1):
    """The factor `probs` in front is missing: the gradient is probs * (grad - sum(grad * probs))."""
    return grad - (grad * probs).sum(axis=axis, keepdims=True)


@misconception(of="softmax_backward", caught_by="backward_sums_to_zero")
def subtracts_the_plain_mean(grad, probs, axis=-1):
    """You subtract the plain mean of the cotangent: the probabilities weigh it, sum(grad * probs)."""
    return probs * (grad - grad.mean(axis=axis, keepdims=True))


@misconception(of="softmax_backward", caught_by="backward_of_a_constant_is_zero")
def subtracts_the_plain_sum(grad, probs, axis=-1):
    """You subtract the plain sum of the cotangent: the probabilities weigh it, sum(grad * probs)."""
    return probs * (grad - grad.sum(axis=axis, keepdims=True))


@misconception(of="softmax_backward", caught_by="backward_is_symmetric")
def differentiates_the_logarithm(grad, probs, axis=-1):
    """grad - probs * sum(grad) is the backward pass of log-softmax: for softmax it is
    probs * (grad - sum(grad * probs))."""
    return grad - probs * grad.sum(axis=axis, keepdims=True)


@misconception(of="softmax_backward", caught_by="backward_of_a_constant_is_zero")
def subtracts_the_cotangent(grad, probs, axis=-1):
    """probs - target is the gradient of cross-entropy and softmax together: here the second argument's Jacobian is
    multiplied by any cotangent, probs * (grad - sum(grad * probs))."""
    return probs - grad


@misconception(of="softmax_backward", caught_by="backward_agrees")
def ignores_the_cotangent(grad, probs, axis=-1):
    """p * (1 - p) does not even look at `grad`: a backward pass multiplies the cotangent by the Jacobian."""
    return probs * (1 - probs)


@misconception(of="softmax_backward", caught_by="backward_agrees")
def takes_the_cotangent_for_ones(grad, probs, axis=-1):
    """You sum the Jacobian's rows, as if the cotangent were all ones, which gives 0 for softmax: weigh them by
    `grad`."""
    return probs * (1 - probs.sum(axis=axis, keepdims=True))


@misconception(of="softmax_backward", caught_by="backward_agrees")
def turns_the_sign(grad, probs, axis=-1):
    """The sign is turned: the gradient is probs * (grad - sum), not probs * (sum - grad)."""
    return probs * ((grad * probs).sum(axis=axis, keepdims=True) - grad)


@misconception(of="softmax_backward", caught_by="backward_treats_each_slice_alone")
def ignores_axis_going_back(grad, probs, axis=-1):
    """You always sum along the last axis: the sum of grad * probs runs along the `axis` that is given."""
    return probs * (grad - (grad * probs).sum(axis=-1, keepdims=True))


@misconception(of="softmax_backward", caught_by="backward_agrees")
def always_the_first_axis_going_back(grad, probs, axis=-1):
    """You always sum along axis 0: the sum of grad * probs runs along `axis`, the last one by default."""
    return probs * (grad - (grad * probs).sum(axis=0, keepdims=True))


@misconception(of="softmax_backward", caught_by="backward_treats_each_slice_alone")
def sums_over_everything_going_back(grad, probs, axis=-1):
    """You sum grad * probs over the whole array (np.sum or np.vdot without an axis): each slice along `axis` has a sum
    of its own."""
    return probs * (grad - (grad * probs).sum())


@misconception(of="softmax_backward", caught_by="backward_agrees")
def forgets_keepdims_going_back(grad, probs, axis=-1):
    """Without keepdims=True the sum loses its axis and is subtracted from other rows, or fails to broadcast: keep the
    axis."""
    return probs * (grad - (grad * probs).sum(axis=axis))


@misconception(of="softmax_backward", caught_by="backward_agrees")
def takes_softmax_again(grad, probs, axis=-1):
    """The argument is already softmax's output, and you take softmax of it once more: use `probs` as they are."""
    powers = np.exp(probs - probs.max(axis=axis, keepdims=True))
    probs = powers / powers.sum(axis=axis, keepdims=True)
    return probs * (grad - (grad * probs).sum(axis=axis, keepdims=True))


@misconception(of="softmax_backward", caught_by="backward_treats_each_slice_alone")
def averages_over_the_batch(grad, probs, axis=-1):
    """You divide by the number of slices: the mean over a batch belongs to the loss, which has put it into `grad`
    already."""
    return probs * (grad - (grad * probs).sum(axis=axis, keepdims=True)) / (probs.size // probs.shape[axis])


@misconception(of="softmax_backward", caught_by="backward_agrees")
def averages_over_the_classes(grad, probs, axis=-1):
    """You take the mean of grad * probs where the Jacobian has the sum: sum along `axis`."""
    return probs * (grad - (grad * probs).mean(axis=axis, keepdims=True))


@misconception(of="softmax_backward", caught_by="backward_agrees")
def changes_the_cotangent(grad, probs, axis=-1):
    """`grad -= ...` or `grad *= ...` writes into the caller's cotangent: compute into a new array."""
    grad -= (grad * probs).sum(axis=axis, keepdims=True)
    return probs * grad


@misconception(of="softmax_backward", caught_by="backward_agrees")
def computes_in_float32_going_back(grad, probs, axis=-1):
    """You compute in float32 although the arguments are float64, and lose half of their digits: keep their dtype."""
    low, p = grad.astype(np.float32), probs.astype(np.float32)
    return (p * (low - (low * p).sum(axis=axis, keepdims=True))).astype(probs.dtype)


@misconception(of="softmax_backward", caught_by="backward_agrees")
def returns_float64_going_back(grad, probs, axis=-1):
    """You return float64 for float32 arguments: the result has their dtype. Beware of np.zeros and np.eye without a
    dtype."""
    p = probs.astype(np.float64)
    return p * (grad - (grad * p).sum(axis=axis, keepdims=True))
