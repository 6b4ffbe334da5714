"""Fancy-index gathers; the gradient by np.bincount over flat positions."""

import numpy as np


def _pair(v):
    return (v, v) if np.isscalar(v) else tuple(v)


def _positions(x, kernel, stride, padding):
    """Flat position in a channel of every window's pixels, (H'W', kh kw), and which of them are real."""
    (kh, kw), (ph, pw), (h, w) = _pair(kernel), _pair(padding), x.shape[2:]
    sh, sw = _pair(kernel) if stride is None else _pair(stride)
    out_h, out_w = 1 + (h + 2 * ph - kh) // sh, 1 + (w + 2 * pw - kw) // sw
    i, j, u, v = np.ix_(np.arange(out_h), np.arange(out_w), np.arange(kh), np.arange(kw))
    r, c = i * sh + u - ph, j * sw + v - pw
    real = (r >= 0) & (r < h) & (c >= 0) & (c < w)
    flat = np.where(real, r * w + c, 0)
    return flat.reshape(out_h * out_w, kh * kw), real.reshape(out_h * out_w, kh * kw), (out_h, out_w)


def max_pool2d(x, kernel, stride=None, padding=0):
    flat, real, size = _positions(x, kernel, stride, padding)
    pixels = np.where(real, x.reshape(*x.shape[:2], -1)[..., flat], x.dtype.type(-np.inf))
    return np.amax(pixels, axis=-1).reshape(*x.shape[:2], *size)


def _bincount(positions, weights, x):
    n, c, h, w = x.shape
    base = (np.arange(n * c) * (h * w)).reshape(n, c, *[1] * (positions.ndim - 2))
    index = np.broadcast_to(positions + base, weights.shape).ravel()
    return np.bincount(index, weights=weights.ravel(), minlength=x.size).reshape(x.shape).astype(x.dtype)


def max_pool2d_backward(grad, x, kernel, stride=None, padding=0):
    flat, real, _ = _positions(x, kernel, stride, padding)
    pixels = np.where(real, x.reshape(*x.shape[:2], -1)[..., flat], -np.inf)
    winner = pixels.argmax(-1)
    at = flat[np.arange(len(flat)), winner]
    return _bincount(at, grad.reshape(*grad.shape[:2], -1), x)


def avg_pool2d(x, kernel, stride=None, padding=0, count_include_pad=True):
    flat, real, size = _positions(x, kernel, stride, padding)
    if count_include_pad:
        return (x.reshape(*x.shape[:2], -1)[..., flat] * real).mean(-1, dtype=x.dtype).reshape(*x.shape[:2], *size)
    total = np.einsum("nclk,lk->ncl", x.reshape(*x.shape[:2], -1)[..., flat], real.astype(x.dtype))
    return (total / real.sum(-1).astype(x.dtype)).reshape(*x.shape[:2], *size)


def avg_pool2d_backward(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    flat, real, _ = _positions(x, kernel, stride, padding)
    count = real.shape[1] if count_include_pad else real.sum(-1, keepdims=True)
    weights = grad.reshape(*grad.shape[:2], -1, 1) * (real / count)
    positions = np.broadcast_to(flat, weights.shape)
    return _bincount(positions, weights, x)
