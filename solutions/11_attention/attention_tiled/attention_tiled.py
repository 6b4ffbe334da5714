"""Attention in tiles: the softmax of rows that are never held as a whole."""

import math

import torch

### BEGIN SOLUTION
QUERIES, KEYS = 128, 256
"""The sides of a tile of scores: it fits into a cache, and the work in it takes longer than the calls."""
### END SOLUTION


def attention_tiled(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool = False) -> torch.Tensor:
    """Return softmax(q kᵀ / sqrt(d)) v for every leading index, without ever holding all n × m scores.

    The score of query i and key j is their dot product over the square root of their width d, q[i] · k[j] / sqrt(d);
    the weights are the softmax of each query's scores over the keys that it sees, and the output is the average of the
    values under these weights. A query sees all keys; with `causal`, query i sees the keys j <= i only, itself
    included, counted from the first query and the first key also where n and m differ. The result must be right for
    finite scores of any size.

    All scores of a long sequence are too many: 32,768 queries and keys have a thousand million pairs. Take the keys in
    tiles instead, and keep for each query what the keys so far come to:

        most    the largest score
        total   the sum of exp(score - most)
        out     the sum of exp(score - most) * value

    Whenever a tile has a larger score than `most`, what was summed before is too large by one factor for each query;
    multiply by it, and go on. After the last tile the output is out / total. That is the online softmax of
    FlashAttention-2.

    A tile has at most 256 keys, however many there are, and as many queries as you like: all, or a tile of them too,
    whose scores then fit into a cache. Beside its arguments the function holds a number of tensors of the size of q, k,
    v and the output, and tiles: that grows linearly with n and with m. For a few queries it grows with m by no more
    than copies of k and v do. All leading indices are computed at once; the only loops are those over tiles.

    Autograd must find its way from the output to q, k and v. (While it records, it keeps every tile. To keep none and
    compute them again on the way back takes a backward pass of your own; you may write one, but need not.)

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
    >>> attention_tiled(q, k, v)
    tensor([[6.0000],
            [3.8324]])
    >>> attention_tiled(q, k, v, causal=True)
    tensor([[3.0000],
            [3.5867]])

    The same for a thousand keys, each query seeing more of them than the one before:

    >>> places = torch.arange(1000.0)[:, None]
    >>> attention_tiled(torch.zeros(1000, 1), places, places, causal=True)[::333]
    tensor([[  0.0000],
            [166.5000],
            [333.0000],
            [499.5000]])
    """
    ### BEGIN SOLUTION
    q = q / math.sqrt(q.shape[-1])
    n, m = q.shape[-2], k.shape[-2]
    rows = []
    for i in range(0, n, QUERIES):
        block = q[..., i : i + QUERIES, :]
        most = block.new_full((*block.shape[:-1], 1), -torch.inf)
        total = out = torch.zeros_like(most)
        # With causal no query of this block sees a key behind its last query.
        for j in range(0, min(m, i + QUERIES) if causal else m, KEYS):
            scores = block @ k[..., j : j + KEYS, :].transpose(-1, -2)
            if causal:
                ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(i - j + 1)
                scores.masked_fill_(ahead, -torch.inf)
            # Every query sees the first key, so this is never -inf. Whatever is subtracted, the output is the same: for
            # autograd it is a constant.
            larger = torch.maximum(most, scores.detach().amax(dim=-1, keepdim=True))
            powers = scores.sub_(larger).exp_()
            # exp(-inf) = 0 for the first tile, before which nothing was summed.
            factor = torch.exp(most - larger)
            total = total * factor + powers.sum(dim=-1, keepdim=True)
            out = out * factor + powers @ v[..., j : j + KEYS, :]
            most = larger
        rows.append(out / total)
    return torch.cat(rows, dim=-2)
    ### END SOLUTION
