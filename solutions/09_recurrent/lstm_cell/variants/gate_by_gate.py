"""A tiny tape: weights cut into four matrices, sigmoid by clipping far out, float64 inside whatever comes in."""

import numpy as np


def _sig(z):
    return 1.0 / (1.0 + np.exp(-np.clip(z, -500.0, 500.0)))


def _cut(w):
    size = w.shape[-1] // 4
    return [w[..., k * size : (k + 1) * size] for k in range(4)]


class _Gate:
    def __init__(self, x, h, wx, wh, b, function, slope):
        self.x, self.h, self.wx, self.wh = x, h, wx, wh
        self.value = function(x @ wx + h @ wh + b)
        self.slope = slope(self.value)

    def back(self, grad):
        d = grad * self.slope
        return d @ np.transpose(self.wx), d @ np.transpose(self.wh), self.x.T @ d, self.h.T @ d, d.sum(0)


def _gates(x, h, w_x, w_h, b):
    kinds = [(_sig, lambda s: s * (1 - s))] * 4
    kinds[2] = (np.tanh, lambda t: (1 - t) * (1 + t))
    return [_Gate(x, h, wx, wh, bb, *kind) for wx, wh, bb, kind in zip(_cut(w_x), _cut(w_h), _cut(b), kinds)]


def lstm_cell(x, h, c, w_x, w_h, b):
    dtype = x.dtype
    x, h, c, w_x, w_h, b = (np.asarray(a, dtype=np.float64) for a in (x, h, c, w_x, w_h, b))
    i, f, g, o = (gate.value for gate in _gates(x, h, w_x, w_h, b))
    c = c * f + g * i
    h = np.tanh(c) * o
    return h.astype(dtype, copy=False), c.astype(dtype, copy=False)


def lstm_cell_backward(dh, dc, x, h, c, w_x, w_h, b):
    dtype = x.dtype
    dh, dc, x, h, c, w_x, w_h, b = (np.asarray(a, dtype=np.float64) for a in (dh, dc, x, h, c, w_x, w_h, b))
    gates = i, f, g, o = _gates(x, h, w_x, w_h, b)
    memory = c * f.value + g.value * i.value
    t = np.tanh(memory)
    d_memory = dc + dh * o.value / np.cosh(np.clip(memory, -300, 300)) ** 2
    parts = [
        gate.back(grad) for gate, grad in zip(gates, (d_memory * g.value, d_memory * c, d_memory * i.value, dh * t))
    ]
    dx, dhp = sum(p[0] for p in parts), sum(p[1] for p in parts)
    dwx, dwh, db = (np.concatenate([p[k] for p in parts], axis=-1) for k in (2, 3, 4))
    return tuple(a.astype(dtype) for a in (dx, dhp, d_memory * f.value, dwx, dwh, db))
