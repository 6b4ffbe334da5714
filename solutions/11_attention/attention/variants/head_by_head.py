"""Leading dimensions flattened and looped over; the rows that see something picked out by index; float64 inside."""

import numpy as np


def _flat(q, k, mask, causal):
    n, m = q.shape[-2], k.shape[-2]
    allowed = np.broadcast_to(True if mask is None else mask, (*q.shape[:-2], n, m)).reshape(-1, n, m)
    return allowed & np.tril(np.ones((n, m), dtype=bool)) if causal else allowed


def _head(q, k, allowed):
    w = np.zeros(allowed.shape)
    rows = np.nonzero(allowed.any(axis=1))[0]
    s = np.ma.masked_array(q[rows] @ k.T / np.sqrt(q.shape[1]), mask=~allowed[rows])
    e = np.exp(s - s.max(axis=1, keepdims=True)).filled(0.0)
    w[rows] = e / e.sum(axis=1, keepdims=True)
    return w


def attention(q, k, v, mask=None, causal=False):
    lead, dtype = q.shape[:-2], q.dtype
    heads = [np.reshape(a, (-1, *a.shape[-2:])).astype(float) for a in (q, k, v)]
    ws = [_head(a, b, live) for a, b, live in zip(heads[0], heads[1], _flat(q, k, mask, causal))]
    outs = [w @ c for w, c in zip(ws, heads[2])]
    shape = lambda parts: np.array(parts, dtype=dtype).reshape(*lead, *parts[0].shape)
    return shape(outs), shape(ws)


def attention_backward(grad, q, k, v, mask=None, causal=False):
    lead, dtype = q.shape[:-2], q.dtype
    heads = zip(*(np.reshape(a, (-1, *a.shape[-2:])).astype(float) for a in (grad, q, k, v)), _flat(q, k, mask, causal))
    results = []
    for g, a, b, c, live in heads:
        w = _head(a, b, live)
        dw = g @ c.T
        wdw = w * dw
        ds = (wdw - w * wdw.sum(axis=1)[:, None]) / np.sqrt(a.shape[1])
        results.append((ds @ b, ds.T @ a, w.T @ g))
    return tuple(np.array(parts, dtype=dtype).reshape(*lead, *parts[0].shape) for parts in zip(*results))
