"""Adds shifted copies of the image, one for each kernel position; groups become a block-diagonal kernel."""

import numpy as np


def _pair(v):
    return (v, v) if np.isscalar(v) else (v[0], v[1])


def _dense(w, groups):
    f, c, kh, kw = w.shape
    full = np.zeros((f, c * groups, kh, kw), dtype=w.dtype)
    for g in range(groups):
        full[g * f // groups : (g + 1) * f // groups, g * c : (g + 1) * c] = w[g * f // groups : (g + 1) * f // groups]
    return full


def _taps(w, out, stride, dilation):
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            top, left = i * dilation[0], j * dilation[1]
            yield (
                i,
                j,
                slice(top, top + (out[0] - 1) * stride[0] + 1, stride[0]),
                slice(left, left + (out[1] - 1) * stride[1] + 1, stride[1]),
            )


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    s, p, d = _pair(stride), _pair(padding), _pair(dilation)
    wd = _dense(w, groups)
    h, wi = x.shape[2] + 2 * p[0], x.shape[3] + 2 * p[1]
    xp = np.zeros(x.shape[:2] + (h, wi), x.dtype)
    xp[:, :, p[0] : h - p[0], p[1] : wi - p[1]] = x
    out = (h - d[0] * (w.shape[2] - 1) - 1) // s[0] + 1, (wi - d[1] * (w.shape[3] - 1) - 1) // s[1] + 1
    y = np.zeros((len(x), len(w)) + out, x.dtype)
    if b is not None:
        y += b[:, None, None]
    for i, j, rows, cols in _taps(w, out, s, d):
        y += (wd[None, :, :, i, j, None, None] * xp[:, None, :, rows, cols]).sum(2)
    return y


def conv2d_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    s, p, d = _pair(stride), _pair(padding), _pair(dilation)
    wd = _dense(w, groups)
    h, wi = x.shape[2] + 2 * p[0], x.shape[3] + 2 * p[1]
    xp = np.zeros(x.shape[:2] + (h, wi), x.dtype)
    xp[:, :, p[0] : h - p[0], p[1] : wi - p[1]] = x
    dxp, dwd = np.zeros_like(xp), np.zeros_like(wd)
    for i, j, rows, cols in _taps(w, grad.shape[2:], s, d):
        dxp[:, :, rows, cols] += (wd[None, :, :, i, j, None, None] * grad[:, :, None]).sum(1)
        dwd[:, :, i, j] = (grad[:, :, None] * xp[:, None, :, rows, cols]).sum((0, 3, 4))
    f, c = w.shape[:2]
    dw = np.concatenate(
        [dwd[g * f // groups : (g + 1) * f // groups, g * c : (g + 1) * c] for g in range(groups)], axis=0
    )
    return dxp[:, :, p[0] : h - p[0], p[1] : wi - p[1]], dw, np.einsum("nfhw->f", grad)
