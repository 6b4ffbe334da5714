"""The usual vectorised code: slices of one product, 1 / (1 + exp(-z)), whose overflow to inf is harmless."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_cell(x, h, c, w_x, w_h, b):
    H = h.shape[1]
    a = np.dot(x, w_x) + np.dot(h, w_h) + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H : 2 * H])
    g = np.tanh(a[:, 2 * H : 3 * H])
    o = sigmoid(a[:, 3 * H :])
    next_c = f * c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c


def lstm_cell_backward(dh, dc, x, h, c, w_x, w_h, b):
    H = h.shape[1]
    a = np.dot(x, w_x) + np.dot(h, w_h) + b
    i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 3 * H :])
    g = np.tanh(a[:, 2 * H : 3 * H])
    next_c = f * c + i * g
    tanh_c = np.tanh(next_c)
    do = dh * tanh_c
    dnext_c = dc + dh * o * (1 - tanh_c * tanh_c)
    da = np.hstack(
        [
            dnext_c * g * i * (1 - i),
            dnext_c * c * f * (1 - f),
            dnext_c * i * (1 - g * g),
            do * o * (1 - o),
        ]
    )
    return da.dot(w_x.T), da.dot(w_h.T), dnext_c * f, x.T.dot(da), h.T.dot(da), np.sum(da, axis=0)
