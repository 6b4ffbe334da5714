"""sliding_window_view forward, argmax and np.add.at backward."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _args(kernel, stride, padding):
    def two(v):
        return v if isinstance(v, tuple) else (v, v)

    kernel = two(kernel)
    return kernel, kernel if stride is None else two(stride), two(padding)


def _view(x, kernel, stride, padding, fill):
    (ph, pw), (sh, sw) = padding, stride
    xp = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode="constant", constant_values=fill)
    return sliding_window_view(xp, kernel, axis=(2, 3))[:, :, ::sh, ::sw], xp.shape


def max_pool2d(x, kernel, stride=None, padding=0):
    kernel, stride, padding = _args(kernel, stride, padding)
    view, _ = _view(x, kernel, stride, padding, np.finfo(x.dtype).min)
    return view.max(axis=(-2, -1))


def max_pool2d_backward(grad, x, kernel, stride=None, padding=0):
    kernel, stride, padding = _args(kernel, stride, padding)
    view, shape = _view(x, kernel, stride, padding, -np.inf)
    flat = view.reshape(*view.shape[:4], -1).argmax(axis=-1)
    n, c, i, j = np.indices(flat.shape)
    rows = i * stride[0] + flat // kernel[1]
    columns = j * stride[1] + flat % kernel[1]
    dx = np.zeros(shape, dtype=grad.dtype)
    np.add.at(dx, (n, c, rows, columns), grad)
    (ph, pw), (h, w) = padding, x.shape[2:]
    return dx[:, :, ph : ph + h, pw : pw + w]


def _divisor(x, kernel, stride, padding, count_include_pad):
    if count_include_pad:
        return kernel[0] * kernel[1]
    ones, _ = _view(np.ones(x.shape, x.dtype), kernel, stride, padding, 0)
    return ones.sum(axis=(-2, -1))


def avg_pool2d(x, kernel, stride=None, padding=0, count_include_pad=True):
    kernel, stride, padding = _args(kernel, stride, padding)
    view, _ = _view(x, kernel, stride, padding, 0)
    return view.sum(axis=(-2, -1)) / _divisor(x, kernel, stride, padding, count_include_pad)


def avg_pool2d_backward(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    kernel, stride, padding = _args(kernel, stride, padding)
    share = grad / _divisor(x, kernel, stride, padding, count_include_pad)
    _, shape = _view(x, kernel, stride, padding, 0)
    dx = np.zeros(shape, dtype=grad.dtype)
    for i in range(grad.shape[2]):
        for j in range(grad.shape[3]):
            top, left = i * stride[0], j * stride[1]
            dx[:, :, top : top + kernel[0], left : left + kernel[1]] += share[:, :, i : i + 1, j : j + 1]
    (ph, pw), (h, w) = padding, x.shape[2:]
    return dx[:, :, ph : ph + h, pw : pw + w].copy()
