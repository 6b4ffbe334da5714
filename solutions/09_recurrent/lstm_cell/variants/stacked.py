"""One product of [x, h, 1] with stacked weights; all results are views of shared blocks, some of them Fortran-ordered.

Sigmoid from tanh; a list where a tuple would do.
"""

import numpy as np


def _run(x, h, w_x, w_h, b):
    one = np.ones((x.shape[0], 1), dtype=x.dtype)
    inputs = np.concatenate([x, h, one], axis=1)
    weights = np.concatenate([w_x, w_h, b[None, :]], axis=0)
    z = (inputs @ weights).reshape(x.shape[0], 4, -1).transpose(1, 0, 2)
    half = np.array([0.5, 0.5, 1.0, 0.5], dtype=x.dtype)[:, None, None]
    t = np.tanh(half * z)
    gates = np.where(half == 1, t, (t + 1) / 2)
    slopes = np.where(half == 1, 1 - t**2, (1 - t**2) / 4)
    return inputs, weights, gates, slopes


def lstm_cell(x, h, c, w_x, w_h, b):
    _, _, (i, f, g, o), _ = _run(x, h, w_x, w_h, b)
    both = np.empty((2, *c.shape), dtype=c.dtype)
    np.add(f * c, i * g, out=both[1])
    np.multiply(o, np.tanh(both[1]), out=both[0])
    return [both[0], both[1]]


def lstm_cell_backward(dh, dc, x, h, c, w_x, w_h, b):
    inputs, weights, gates, slopes = _run(x, h, w_x, w_h, b)
    i, f, g, o = gates
    s = np.tanh(f * c + i * g)
    total = dc + dh * (o * (1 - s**2))
    incoming = np.stack([total * g, total * c, total * i, dh * s]) * slopes
    dz = incoming.transpose(1, 0, 2).reshape(x.shape[0], -1)
    d_inputs = dz @ weights.T
    d_weights = (dz.T @ inputs).T
    D, H = x.shape[1], h.shape[1]
    return (
        d_inputs[:, :D],
        d_inputs[:, D : D + H],
        total * f,
        d_weights[:D],
        d_weights[D : D + H],
        d_weights[-1],
    )
