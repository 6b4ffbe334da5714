"""Weights as exp(score - logsumexp), an additive mask of 0 and -inf, full Jacobians; results are views or read-only.

A list for a tuple, positional laxness, a transposed result, `v` itself where there is one key.
"""

import numpy as np


def _bias(q, k, mask, causal):
    n, m = q.shape[-2], k.shape[-2]
    keep = np.ones((n, m), dtype=bool) if mask is None else np.asarray(mask)
    if causal:
        keep = np.logical_and(keep, ~np.triu(np.ones((n, m), dtype=bool), k=1))
    keep = np.broadcast_to(keep, q.shape[:-1] + (m,))
    return keep, np.where(keep, 0.0, -np.inf).astype(q.dtype)


def _weights(q, k, mask, causal):
    keep, bias = _bias(q, k, mask, causal)
    s = (np.swapaxes(k @ np.swapaxes(q, -1, -2), -1, -2) / q.dtype.type(q.shape[-1] ** 0.5)) + bias
    total = np.logaddexp.reduce(s, axis=-1, keepdims=True)
    return np.where(keep, np.exp(s - np.where(total > -np.inf, total, q.dtype.type(0))), q.dtype.type(0))


def attention(q, k, v, mask=None, causal=False, dropout=0.0):
    w = _weights(q, k, mask, causal)
    if k.shape[-2] == 1 and mask is None:
        out = np.broadcast_to(v, q.shape[:-1] + v.shape[-1:])
        return [out, np.broadcast_to(q.dtype.type(1), q.shape[:-1] + (1,))]
    return [np.swapaxes(np.swapaxes(v, -1, -2) @ np.swapaxes(w, -1, -2), -1, -2), w]


def attention_backward(grad, q, k, v, mask=None, causal=False):
    w = _weights(q, k, mask, causal)
    m = k.shape[-2]
    jacobian = w[..., :, None] * np.eye(m, dtype=w.dtype) - w[..., :, None] * w[..., None, :]
    dw = (v @ np.swapaxes(grad, -1, -2)).swapaxes(-1, -2)
    ds = (jacobian @ dw[..., None])[..., 0] / q.dtype.type(q.shape[-1] ** 0.5)
    return [ds @ k, np.swapaxes(ds, -1, -2) @ q, np.swapaxes(w, -1, -2) @ grad]
