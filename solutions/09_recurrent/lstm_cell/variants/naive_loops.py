"""Scalar loops over samples, units and inputs; Python floats."""

import math

import numpy as np


def _sigmoid(z):
    if z >= 0:
        return 1.0 / (1.0 + math.exp(-z))
    e = math.exp(z)
    return e / (1.0 + e)


def _one(x, h, w_x, w_h, b, n, column):
    total = float(b[column])
    for j in range(x.shape[1]):
        total += float(x[n, j]) * float(w_x[j, column])
    for j in range(h.shape[1]):
        total += float(h[n, j]) * float(w_h[j, column])
    return total


def _gates(x, h, w_x, w_h, b, n, u):
    H = h.shape[1]
    z = [_one(x, h, w_x, w_h, b, n, gate * H + u) for gate in range(4)]
    return _sigmoid(z[0]), _sigmoid(z[1]), math.tanh(z[2]), _sigmoid(z[3])


def lstm_cell(x, h, c, w_x, w_h, b):
    N, H = h.shape
    new_h = np.empty((N, H), dtype=x.dtype)
    new_c = np.empty((N, H), dtype=x.dtype)
    for n in range(N):
        for u in range(H):
            i, f, g, o = _gates(x, h, w_x, w_h, b, n, u)
            memory = f * float(c[n, u]) + i * g
            new_c[n, u] = memory
            new_h[n, u] = o * math.tanh(memory)
    return new_h, new_c


def lstm_cell_backward(dh, dc, x, h, c, w_x, w_h, b):
    N, H = h.shape
    D = x.shape[1]
    dx, dhp, dcp = np.zeros((N, D)), np.zeros((N, H)), np.zeros((N, H))
    dwx, dwh, db = np.zeros((D, 4 * H)), np.zeros((H, 4 * H)), np.zeros(4 * H)
    for n in range(N):
        for u in range(H):
            i, f, g, o = _gates(x, h, w_x, w_h, b, n, u)
            t = math.tanh(f * float(c[n, u]) + i * g)
            through_h = float(dh[n, u])
            total = float(dc[n, u]) + through_h * o * (1.0 - t) * (1.0 + t)
            dcp[n, u] = total * f
            slopes = (
                total * g * i * (1.0 - i),
                total * float(c[n, u]) * f * (1.0 - f),
                total * i * (1.0 - g) * (1.0 + g),
                through_h * t * o * (1.0 - o),
            )
            for gate, slope in enumerate(slopes):
                col = gate * H + u
                db[col] += slope
                for j in range(D):
                    dx[n, j] += slope * w_x[j, col]
                    dwx[j, col] += slope * x[n, j]
                for j in range(H):
                    dhp[n, j] += slope * w_h[j, col]
                    dwh[j, col] += slope * h[n, j]
    return tuple(a.astype(x.dtype) for a in (dx, dhp, dcp, dwx, dwh, db))
