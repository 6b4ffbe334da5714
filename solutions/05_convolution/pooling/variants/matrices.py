"""Average pooling as two small matrices, one for rows and one for columns; max pooling by the same membership."""

import numpy as np


def _pair(v):
    return (v, v) if isinstance(v, int) else v


def _membership(side, k, s, p):
    """1 where pixel b belongs to window a."""
    out = (side + 2 * p - k) // s + 1
    start = np.arange(out)[:, None] * s - p
    pixel = np.arange(side)[None, :]
    return (start <= pixel) & (pixel < start + k)


def _members(x, kernel, stride, padding):
    kernel, padding = _pair(kernel), _pair(padding)
    stride = kernel if stride is None else _pair(stride)
    return [_membership(*args) for args in zip(x.shape[2:], kernel, stride, padding)]


def max_pool2d(x, kernel, stride=None, padding=0):
    rows, columns = _members(x, kernel, stride, padding)
    wide = np.where(rows[:, :, None], x[:, :, None], -np.inf).max(axis=3)
    return np.where(columns, wide[:, :, :, None], -np.inf).max(axis=-1).astype(x.dtype)


def max_pool2d_backward(grad, x, kernel, stride=None, padding=0):
    rows, columns = _members(x, kernel, stride, padding)
    dx = np.zeros_like(x, order="C")
    flat = dx.reshape(*x.shape[:2], -1)
    for (i, row), (j, column) in ((a, b) for a in enumerate(rows) for b in enumerate(columns)):
        inside = np.outer(row, column)
        best = np.where(inside, x, -np.inf).reshape(*x.shape[:2], -1).argmax(-1)
        at = (*np.indices(best.shape), best)
        flat[at] += grad[:, :, i, j]
    return dx


def _weights(x, kernel, stride, padding, count_include_pad):
    sides = _pair(kernel)
    members = [m.astype(x.dtype) for m in _members(x, kernel, stride, padding)]
    if count_include_pad:
        return [m / k for m, k in zip(members, sides)]
    return [m / m.sum(axis=1, keepdims=True) for m in members]


def avg_pool2d(x, kernel, stride=None, padding=0, count_include_pad=True):
    rows, columns = _weights(x, kernel, stride, padding, count_include_pad)
    return rows @ x @ columns.T


def avg_pool2d_backward(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    rows, columns = _weights(x, kernel, stride, padding, count_include_pad)
    return rows.T @ grad @ columns
