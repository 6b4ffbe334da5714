"""Online softmax: keys one by one, with a running maximum, sum and output that are rescaled."""

import numpy as np


def _seen(q, k, mask, causal):
    n, m = q.shape[-2], k.shape[-2]
    seen = np.ones(q.shape[:-1] + (m,), bool)
    if mask is not None:
        seen &= mask
    if causal:
        seen &= np.arange(n)[:, None] >= np.arange(m)[None, :]
    return seen


def _run(q, k, v, mask, causal):
    seen = _seen(q, k, mask, causal)
    root = np.asarray(np.sqrt(q.shape[-1]), dtype=q.dtype)
    top = np.full(q.shape[:-1], -np.inf, dtype=q.dtype)
    total = np.zeros(q.shape[:-1], dtype=q.dtype)
    out = np.zeros(q.shape[:-1] + v.shape[-1:], dtype=q.dtype)
    scores = []
    for j in range(k.shape[-2]):
        s = np.sum(q * k[..., j : j + 1, :], axis=-1) / root
        live = seen[..., j]
        new = np.where(live, np.maximum(top, s), top)
        safe = np.where(np.isinf(new), q.dtype.type(0), new)
        shrink = np.exp(top - safe)
        e = np.where(live, np.exp(np.minimum(s - safe, 0)), 0).astype(q.dtype)
        total = total * shrink + e
        out = out * shrink[..., None] + e[..., None] * v[..., j : j + 1, :]
        top = new
        scores.append(s)
    full = np.where(total == 0, q.dtype.type(1), total)
    safe = np.where(np.isinf(top), q.dtype.type(0), top)
    cols = [np.where(seen[..., j], np.exp(np.minimum(s - safe, 0)), 0) / full for j, s in enumerate(scores)]
    return out / full[..., None], np.stack(cols, axis=-1).astype(q.dtype)


def attention(q, k, v, mask=None, causal=False):
    return _run(q, k, v, mask, causal)


def attention_backward(grad, q, k, v, mask=None, causal=False):
    out, p = _run(q, k, v, mask, causal)
    root = np.asarray(np.sqrt(q.shape[-1]), dtype=q.dtype)
    delta = np.sum(grad * out, axis=-1)
    dq = np.zeros_like(q)
    dk = np.empty_like(k)
    dv = np.empty_like(v)
    for j in range(k.shape[-2]):
        w = p[..., j]
        ds = w * (np.sum(grad * v[..., j : j + 1, :], axis=-1) - delta) / root
        dq += ds[..., None] * k[..., j : j + 1, :]
        dk[..., j, :] = np.sum(ds[..., None] * q, axis=-2)
        dv[..., j, :] = np.sum(w[..., None] * grad, axis=-2)
    return dq, dk, dv
