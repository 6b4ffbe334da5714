"""Wrong and slow softmaxes that students write in torch, and what cures each."""

import math

import torch
from dlgrade.author import misconception

# -- wrong results -----------------------------------------------------------------------------------------------------


@misconception(of="softmax_fast", caught_by="ignores_a_common_shift")
def overflows(x, dim=-1):
    """exp() overflows near 88 in float32 and near 709 in float64, and inf / inf is NaN: subtract the maximum along
    `dim` first."""
    powers = torch.exp(x)
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="ignores_a_common_shift")
def subtracts_the_maximum_of_everything(x, dim=-1):
    """You subtract the largest score of the whole tensor; a slice far below it underflows to 0 / 0. Each slice needs
    its own maximum: x.amax(dim, keepdim=True)."""
    powers = torch.exp(x - x.max())
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="gives_all_to_a_large_lead")
def subtracts_the_mean(x, dim=-1):
    """You subtract the mean, and a score far above it still overflows: subtract the maximum, which leaves no exponent
    above 0."""
    powers = torch.exp(x - x.mean(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="gives_all_to_a_large_lead")
def subtracts_the_minimum(x, dim=-1):
    """You subtract the minimum, which makes every exponent positive and overflows on large gaps: subtract the
    maximum."""
    powers = torch.exp(x - x.amin(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="ignores_a_common_shift")
def never_subtracts_a_negative_maximum(x, dim=-1):
    """You subtract the maximum only where it is positive; when all the scores are far below 0, every exp() underflows
    and 0 / 0 is NaN. Subtract the maximum whatever its sign."""
    powers = torch.exp(x - x.amax(dim, keepdim=True).clamp(min=0))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="agrees")
def subtracts_the_largest_magnitude(x, dim=-1):
    """You subtract the largest absolute value, which pushes negative scores down twice until they all underflow:
    subtract the largest score, sign included."""
    powers = torch.exp(x - x.abs().amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="ignores_a_common_shift")
def clips_the_scores(x, dim=-1):
    """You clip the scores to keep exp() from overflowing, which makes different large scores equal: subtract the
    maximum, which changes nothing."""
    powers = torch.exp(x.clamp(-80, 80))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="agrees")
def adds_to_the_sum(x, dim=-1):
    """You add a small number to the sum to be safe from 0 / 0, and the probabilities no longer sum to 1. With the
    maximum subtracted the sum is at least 1: nothing has to be added."""
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / (powers.sum(dim, keepdim=True) + 1e-8)


@misconception(of="softmax_fast", caught_by="agrees")
def clips_the_probabilities(x, dim=-1):
    """You clip the probabilities from below, so that none comes near 0. Softmax's own values are wanted here, however
    small; what guards a logarithm belongs where the logarithm is taken."""
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return (powers / powers.sum(dim, keepdim=True)).clamp(min=1e-12)


@misconception(of="softmax_fast", caught_by="treats_each_slice_alone")
def ignores_dim(x, dim=-1):
    """You always normalise the last dimension: take the maximum and the sum along the `dim` that is given."""
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


@misconception(of="softmax_fast", caught_by="agrees")
def always_the_first_dimension(x, dim=-1):
    """You always normalise dimension 0, so that each column sums to 1: take the maximum and the sum along `dim`, which
    is the last one by default."""
    powers = torch.exp(x - x.amax(0, keepdim=True))
    return powers / powers.sum(0, keepdim=True)


@misconception(of="softmax_fast", caught_by="agrees")
def takes_dimension_zero_for_none(x, dim=-1):
    """`dim or -1` turns dimension 0 into -1, because 0 counts as false: use `dim` as it is."""
    dim = dim or -1
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="counts_dimensions_from_both_ends")
def takes_a_negative_dimension_for_the_last(x, dim=-1):
    """You treat every negative dimension as the last one; -2 is the last but one. Torch's own `dim` arguments count
    from the end for you."""
    dim = -1 if dim < 0 else dim
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="sums_to_one")
def sums_over_everything(x, dim=-1):
    """You divide by the sum of the whole tensor, so that everything together sums to 1: each slice along `dim` has a
    sum of its own, powers.sum(dim, keepdim=True)."""
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum()


@misconception(of="softmax_fast", caught_by="agrees")
def forgets_keepdim(x, dim=-1):
    """Without keepdim=True the sum loses its dimension, and broadcasting divides each row by the sums of other rows, or
    fails: keep the dimension."""
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim)


@misconception(of="softmax_fast", caught_by="agrees")
def forgets_keepdim_of_the_maximum(x, dim=-1):
    """Without keepdim=True the maximum loses its dimension, and broadcasting subtracts other rows' maxima, or fails:
    keep the dimension in both reductions."""
    powers = torch.exp(x - x.amax(dim))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="agrees")
def flattens_to_rows(x, dim=-1):
    """You reshape to a matrix with `dim` as its columns' number; reshape() keeps the order in memory, so that for any
    but the last dimension the rows are no slices. Leave the shape alone: reductions take any `dim`."""
    rows = x.reshape(-1, x.shape[dim])
    powers = torch.exp(rows - rows.amax(1, keepdim=True))
    return (powers / powers.sum(1, keepdim=True)).reshape(x.shape)


@misconception(of="softmax_fast", caught_by="agrees")
def forgets_to_move_the_dimension_back(x, dim=-1):
    """You move `dim` to the end to normalise there, and never move it back: the result must have the shape of x."""
    moved = x.movedim(dim, -1)
    powers = torch.exp(moved - moved.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


@misconception(of="softmax_fast", caught_by="agrees")
def returns_the_logarithm(x, dim=-1):
    """You return the logarithms of the probabilities: this is log-softmax. Take exp() of it."""
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


@misconception(of="softmax_fast", caught_by="agrees")
def normalises_by_the_length(x, dim=-1):
    """You divide by the Euclidean length of the powers, so that their squares sum to 1: divide by their sum."""
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.square().sum(dim, keepdim=True).sqrt()


@misconception(of="softmax_fast", caught_by="agrees")
def uses_powers_of_two(x, dim=-1):
    """You take powers of 2 instead of e, a softmax of lower contrast: use exp(), or multiply by 1 / log(2) first."""
    powers = torch.exp2(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="agrees")
def returns_float64(x, dim=-1):
    """You work in float64 and return it: the result has the dtype of x, and in float32 it is exact enough throughout,
    at half the memory."""
    x = x.double()
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


@misconception(of="softmax_fast", caught_by="float32_stays_float32")
def computes_in_float64(x, dim=-1):
    """You compute in float64 and round at the end: twice the memory traffic on a CPU, and on many a GPU 64 times the
    time. With the maximum subtracted float32 is good enough."""
    double = x.double()
    powers = torch.exp(double - double.amax(dim, keepdim=True))
    return (powers / powers.sum(dim, keepdim=True)).to(x.dtype)


@misconception(of="softmax_fast", caught_by="agrees")
def computes_in_float32(x, dim=-1):
    """You work in float32 whatever the dtype of x, and float64 scores lose half of their digits: stay in the dtype of
    x."""
    single = x.float()
    powers = torch.exp(single - single.amax(dim, keepdim=True))
    return (powers / powers.sum(dim, keepdim=True)).to(x.dtype)


@misconception(of="softmax_fast", caught_by="agrees")
def works_in_half_precision(x, dim=-1):
    """You work in half precision, which is fast but keeps three digits: the probabilities are wanted to the digits of
    x's own dtype."""
    half = (x - x.amax(dim, keepdim=True)).to(torch.bfloat16)
    powers = torch.exp(half)
    return (powers / powers.sum(dim, keepdim=True)).to(x.dtype)


@misconception(of="softmax_fast", caught_by="agrees")
def overwrites_the_scores(x, dim=-1):
    """You subtract in place, `x -= …` or x.sub_(…), and the caller's scores are gone: x - … makes a tensor of your own,
    on which exp_() is then free to work."""
    x -= x.amax(dim, keepdim=True)
    x.exp_()
    return x / x.sum(dim, keepdim=True)


# -- wrong gradients ---------------------------------------------------------------------------------------------------


@misconception(of="softmax_fast", caught_by="gradient")
def holds_the_sum_constant(x, dim=-1):
    """You detach the sum, and autograd takes it for a constant: the gradient loses the term that makes it sum to 0.
    Only the maximum may be detached, for it cancels."""
    powers = torch.exp(x - x.detach().amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True).detach()


@misconception(of="softmax_fast", caught_by="gradient")
def divides_in_place(x, dim=-1):
    """You divide in place, but exp() needs its result to go back, and autograd finds it overwritten: divide into a new
    tensor."""
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers.div_(powers.sum(dim, keepdim=True))


@misconception(of="softmax_fast", caught_by="gradient")
def shuts_autograd_out(x, dim=-1):
    """You compute without a record, under torch.no_grad(), by .detach() or .data: no gradient reaches x. Only the
    maximum may be taken so."""
    with torch.no_grad():
        powers = torch.exp(x - x.amax(dim, keepdim=True))
        return powers / powers.sum(dim, keepdim=True)


# -- right results at too high a cost ----------------------------------------------------------------------------------


@misconception(of="softmax_fast", caught_by="fast")
def loops_over_the_rows(x, dim=-1):
    """You take the rows one at a time in Python, and each small operation costs more to start than to do: reduce with
    keepdim=True, and broadcasting does all rows at once."""
    moved = x.movedim(dim, -1)
    rows = []
    for row in moved.reshape(-1, moved.shape[-1]):
        powers = torch.exp(row - row.max())
        rows.append(powers / powers.sum())
    return torch.stack(rows).reshape(moved.shape).movedim(-1, dim)


@misconception(of="softmax_fast", caught_by="fast")
def loops_over_small_blocks(x, dim=-1):
    """You go through the scores in blocks of a few rows, and starting the operations still costs more than the work in
    them: if blocks at all, then of many thousands of scores, so that Python has nothing to do meanwhile."""
    moved = x.movedim(dim, -1)
    blocks = []
    for rows in moved.reshape(-1, moved.shape[-1]).split(16):
        powers = torch.exp(rows - rows.amax(1, keepdim=True))
        blocks.append(powers / powers.sum(1, keepdim=True))
    return torch.cat(blocks).reshape(moved.shape).movedim(-1, dim)


@misconception(of="softmax_fast", caught_by="runs_no_python_loop")
def loops_over_the_entries(x, dim=-1):
    """You go through the entries of a slice in a Python loop with a running sum: sum(dim, keepdim=True) does it in one
    operation."""
    columns = x.unbind(dim)
    largest = columns[0]
    for column in columns[1:]:
        largest = torch.maximum(largest, column)
    powers = [torch.exp(column - largest) for column in columns]
    total = powers[0]
    for power in powers[1:]:
        total = total + power
    return torch.stack([power / total for power in powers], dim)


@misconception(of="softmax_fast", caught_by="runs_no_python_loop")
def loops_over_numbers(x, dim=-1):
    """You take the numbers out of the tensor and compute with Python's own: one operation on the whole tensor does the
    same a thousand times faster, and autograd can follow it."""
    moved = x.movedim(dim, -1)
    rows = []
    for row in moved.reshape(-1, moved.shape[-1]).tolist():
        powers = [math.exp(score - max(row)) for score in row]
        rows.append([power / sum(powers) for power in powers])
    return torch.tensor(rows, dtype=x.dtype, device=x.device).reshape(moved.shape).movedim(-1, dim)


@misconception(of="softmax_fast", caught_by="memory_grows_with_the_scores")
def compares_all_pairs(x, dim=-1):
    """You build the differences of all pairs of a slice's scores, C² of them for C scores. One maximum and one sum for
    each slice are enough."""
    moved = x.movedim(dim, -1)
    pairs = moved[..., None, :] - moved[..., :, None]
    return pairs.exp().sum(-1).reciprocal().movedim(-1, dim)


@misconception(of="softmax_fast", caught_by="memory_grows_with_the_scores")
def divides_by_a_matrix(x, dim=-1):
    """You divide by a diagonal matrix of the sums, which has as many entries as there are pairs of slices: with
    keepdim=True the sums broadcast, and no matrix is needed."""
    moved = x.movedim(dim, -1)
    rows = moved.reshape(-1, moved.shape[-1])
    powers = torch.exp(rows - rows.amax(1, keepdim=True))
    scaled = torch.diag(powers.sum(1).reciprocal()) @ powers
    return scaled.reshape(moved.shape).movedim(-1, dim)
