"""Computes in long double and rounds once at the end; base-2 powers; keyword-only habits and a matrix product."""

import numpy as np


def softmax(x, axis=-1):
    """One flat matrix of slices, whatever the shape."""
    moved = np.moveaxis(x, axis, 0)
    table = moved.reshape(moved.shape[0], -1).astype(np.longdouble)
    powers = np.exp2((table - table.max(0)) * np.log2(np.exp(np.longdouble(1))))
    table = (powers / (np.ones(len(powers), np.longdouble) @ powers)).astype(x.dtype)
    return np.moveaxis(table.reshape(moved.shape), 0, axis)


def softmax_backward(grad, probs, axis=-1):
    shape = np.moveaxis(probs, axis, -1).shape
    g = np.moveaxis(grad, axis, -1).reshape(-1, 1, shape[-1])
    p = np.moveaxis(probs, axis, -1).reshape(-1, shape[-1], 1)
    out = p[:, :, 0] * g[:, 0, :] - (p * (g @ p))[:, :, 0]
    return np.moveaxis(out.reshape(shape), -1, axis)
