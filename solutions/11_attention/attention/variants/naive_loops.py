"""One scalar at a time, in Python floats."""

import math

import numpy as np


def _shares(q, k, mask, causal, at):
    *lead, i = at
    n, m, d = q.shape[-2], k.shape[-2], q.shape[-1]
    seen = None if mask is None else np.broadcast_to(mask, q.shape[:-1] + (m,))
    keys = []
    for j in range(m):
        if causal and j > i:
            continue
        if seen is not None and not seen[(*lead, i, j)]:
            continue
        s = 0.0
        for t in range(d):
            s += float(q[(*lead, i, t)]) * float(k[(*lead, j, t)])
        keys.append((j, s / math.sqrt(d)))
    if not keys:
        return []
    top = max(s for _, s in keys)
    exps = [(j, math.exp(s - top)) for j, s in keys]
    total = sum(e for _, e in exps)
    return [(j, e / total) for j, e in exps]


def attention(q, k, v, mask=None, causal=False):
    out = np.zeros(q.shape[:-1] + (v.shape[-1],), dtype=q.dtype)
    weights = np.zeros(q.shape[:-1] + (k.shape[-2],), dtype=q.dtype)
    for at in np.ndindex(*q.shape[:-1]):
        lead = at[:-1]
        total = [0.0] * v.shape[-1]
        for j, w in _shares(q, k, mask, causal, at):
            weights[at + (j,)] = w
            for t in range(v.shape[-1]):
                total[t] += w * float(v[lead + (j, t)])
        out[at] = total
    return out, weights


def attention_backward(grad, q, k, v, mask=None, causal=False):
    dq = np.zeros(q.shape)
    dk = np.zeros(k.shape)
    dv = np.zeros(v.shape)
    root = math.sqrt(q.shape[-1])
    for at in np.ndindex(*q.shape[:-1]):
        lead = at[:-1]
        shares = _shares(q, k, mask, causal, at)
        gains = [sum(float(a) * float(b) for a, b in zip(grad[at], v[lead + (j,)])) for j, _ in shares]
        mean = sum(w * gain for (_, w), gain in zip(shares, gains))
        for (j, w), gain in zip(shares, gains):
            slope = w * (gain - mean) / root
            for t in range(q.shape[-1]):
                dq[at + (t,)] += slope * k[lead + (j, t)]
                dk[lead + (j, t)] += slope * q[at + (t,)]
            for t in range(v.shape[-1]):
                dv[lead + (j, t)] += w * grad[at + (t,)]
    return dq.astype(q.dtype), dk.astype(q.dtype), dv.astype(q.dtype)
