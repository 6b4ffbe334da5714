"""Attention, fast: each query's average of the values, for all heads at once from whole-tensor operations."""

import math

import torch


def attention_fast(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool = False) -> torch.Tensor:
    """Return softmax(q kᵀ / sqrt(d)) v for every leading index at once, without a Python loop, on any device.

    The score of query i and key j is their dot product over the square root of their width d:

        scores[..., i, j] = (q[..., i, :] · k[..., j, :]) / sqrt(d)

    The weights are the softmax of each query's scores over the keys that it sees, and the output is the average of the
    values under these weights. A query sees all keys; with `causal`, query i sees the keys j <= i only, itself
    included, counted from the first query and the first key also where n and m differ. The result must be right for
    finite scores of any size.

    What takes the time are two matrix products, and beside them each pass over the (..., n, m) scores: take few passes,
    and do small things to q or to the output, which are smaller. An array of n × m × d numbers is too much, and so is a
    loop over queries, keys or leading indices. Work in the dtype that you are given: float64 inside costs twice the
    memory and, on many a GPU, up to 64 times the time. Autograd must find its way from the output to q, k and v.

    Only elementary operations of torch may be used: not torch.softmax, scaled_dot_product_attention or torch.nn.

    Args:
        q: the queries, (..., n, d), float32 or float64.
        k: the keys, (..., m, d), of q's dtype and device, with q's leading dimensions.
        v: the values, (..., m, e), of q's dtype and device, with q's leading dimensions.
        causal: whether a query sees only the keys up to its own place.

    Returns:
        The output, (..., n, e): dtype and device of `q`.

    There may be any number of leading dimensions, none included. Tensors come with any strides and are never empty. No
    argument is modified.

    >>> q = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    >>> k = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]])
    >>> v = torch.tensor([[3.0], [6.0], [9.0]])
    >>> attention_fast(q, k, v)
    tensor([[6.0000],
            [3.8324]])
    >>> attention_fast(q, k, v, causal=True)
    tensor([[3.0000],
            [3.5867]])
    """
    ### BEGIN SOLUTION
    # Scaled before the product, where there are n × d numbers to scale instead of n × m.
    scores = q / math.sqrt(q.shape[-1]) @ k.transpose(-1, -2)
    if causal:
        ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
        scores.masked_fill_(ahead, -torch.inf)
    # The scores are ours alone, and what makes them needs them no more, so each pass may overwrite them. The softmax is
    # the same whatever is subtracted: for autograd the maximum is a constant.
    powers = scores.sub_(scores.detach().amax(dim=-1, keepdim=True)).exp_()
    # Normalised after the product, for the same reason as above.
    return powers @ v / powers.sum(dim=-1, keepdim=True)
    ### END SOLUTION
