"""Attention: each query takes the average of the values whose keys it matches, forward and backward."""

import math

import numpy as np



def attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None = None, causal: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaled dot-product attention of queries to keys and values, and the attention weights.

    The score of query i and key j is their dot product over the square root of their width d, not of any other size:

        scores[..., i, j] = (q[..., i, :] · k[..., j, :]) / sqrt(d)

    The weights are the softmax of each query's scores over the keys that it may attend to, and exactly 0 for the
    others; the output is the average of the values under these weights:

        weights = softmax(scores) along the last axis,    out = weights @ v

    `mask` says who may attend to whom: True = may attend, False = hidden, as in PyTorch's
    `scaled_dot_product_attention`. (The masks of `nn.MultiheadAttention` say the opposite.) With `causal`, query i
    sees the keys j <= i only, itself included, counted from the first query and the first key also where n and m
    differ. With both, both must allow. A query that may attend to nothing gives zeros, in the output and in the
    weights.

    Leading dimensions (batch, heads) are independent of each other. The result must be right for finite scores of any
    size.

    Args:
        q: the queries, (..., n, d), float64 or float32.
        k: the keys, (..., m, d), of q's dtype, with q's leading dimensions.
        v: the values, (..., m, e), of q's dtype, with q's leading dimensions.
        mask: bool, of at least one axis and broadcastable to (..., n, m), or None for no mask. As in NumPy, the last
            axes are matched first: (m,) is of the keys, and (heads, n, m) is for all samples of (batch, heads, n, m).
        causal: whether a query sees only the keys up to its own place.

    Returns:
        (out, weights): (..., n, e) and (..., n, m), of q's dtype.

    Arrays come with any strides and are never empty. No argument is modified; results may share memory with one.

    >>> q, k = np.array([[0.0, 0.0], [2.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]])
    >>> v = np.array([[3.0], [6.0], [9.0]])
    >>> out, weights = attention(q, k, v)
    >>> weights
    array([[0.33333333, 0.33333333, 0.33333333],
           [0.76791794, 0.1866937 , 0.04538836]])
    >>> out
    array([[6.        ],
           [3.83241128]])

    The first query may see the last two keys, the second none:

    >>> out, weights = attention(q, k, v, mask=np.array([[False, True, True], [False, False, False]]))
    >>> weights
    array([[0. , 0.5, 0.5],
           [0. , 0. , 0. ]])
    >>> out
    array([[7.5],
           [0. ]])
    >>> attention(q, k, v, causal=True)[1]
    array([[1.        , 0.        , 0.        ],
           [0.80442968, 0.19557032, 0.        ]])
    """
    raise NotImplementedError


def attention_backward(
    grad: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None = None,
    causal: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the vector-Jacobian products of `attention`: the loss's gradients with respect to q, k and v.

    `grad` is the cotangent of the output, the gradient of a scalar loss with respect to it; the loss does not look at
    the weights. What a query sends to the keys and the values is summed over the queries, not averaged. Hidden pairs
    of query and key pass no gradient: a query that may attend to nothing has gradient zero, and so have a key and a
    value that no query may attend to.

    Args:
        grad: the cotangent of the output, (..., n, e), float64 or float32.
        q, k, v: the queries, keys and values that attention was given, of grad's dtype.
        mask, causal: as attention was given them; True = may attend.

    Returns:
        (dq, dk, dv), with the shapes of q, k and v, of grad's dtype.

    Arrays come with any strides and are never empty. No argument is modified; results may share memory with one.

    >>> q, k, v = np.array([[1.0]]), np.array([[2.0], [2.0]]), np.array([[4.0], [8.0]])
    >>> dq, dk, dv = attention_backward(np.array([[1.0]]), q, k, v)
    >>> dq
    array([[0.]])
    >>> dk
    array([[-1.],
           [ 1.]])
    >>> dv
    array([[0.5],
           [0.5]])
    >>> dq, dk, dv = attention_backward(np.array([[1.0]]), q, k, v, mask=np.array([False, True]))
    >>> dk
    array([[0.],
           [0.]])
    >>> dv
    array([[0.],
           [1.]])
    """
    raise NotImplementedError
