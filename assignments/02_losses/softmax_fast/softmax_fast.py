"""Softmax, fast: the same probabilities from a few operations on whole tensors."""

import torch


def softmax_fast(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Return exp(x) / sum(exp(x)) along `dim`, without a Python loop, for scores of any size, on any device.

    Each slice along `dim` is a probability distribution of its own. The largest score of a slice is subtracted before
    exp(), so that nothing overflows and no slice underflows as a whole.

    Every operation on a large tensor reads and writes all of it, and that is what takes the time: use few operations,
    each on the whole tensor, in the dtype and on the device of `x`. Time and memory are proportional to the number of
    scores: no table of all pairs of scores.

    Only elementary operations of torch may be used: not torch.softmax, torch.logsumexp or torch.nn. Autograd has to
    find the gradient, so nothing that is still needed for it may be overwritten in place.

    Args:
        x: finite scores, any shape with at least one dimension, never empty, float32 or float64, in any memory layout.
            Not modified.
        dim: the dimension along which the probabilities sum to 1; a negative one counts from the end.

    Returns:
        The probabilities: a tensor of the shape, dtype and device of `x`.

    >>> softmax_fast(torch.tensor([0.0, 0.0, 0.0, 0.0]))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    >>> softmax_fast(torch.tensor([[1000.0, -5.0], [1000.0, -5.0]]), dim=0)
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])
    >>> softmax_fast(torch.tensor([[1000.0, 0.0], [-2000.0, -2000.0]]))
    tensor([[1.0000, 0.0000],
            [0.5000, 0.5000]])
    """
    raise NotImplementedError
