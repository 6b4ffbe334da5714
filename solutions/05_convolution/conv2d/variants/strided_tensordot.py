"""as_strided windows + tensordot per group, channels last inside; dx one window at a time."""

import numpy as np
from numpy.lib.stride_tricks import as_strided


def _norm(v):
    a = np.broadcast_to(np.asarray(v), (2,))
    return int(a[0]), int(a[1])


def _patches(x, k, stride, padding, dilation):
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    n, c, h, w = x.shape
    z = np.zeros((n, h + 2 * ph, w + 2 * pw, c), dtype=x.dtype)
    z[:, ph : ph + h, pw : pw + w] = x.transpose(0, 2, 3, 1)
    oh = 1 + (z.shape[1] - dh * (k[0] - 1) - 1) // sh
    ow = 1 + (z.shape[2] - dw * (k[1] - 1) - 1) // sw
    a, r, q, e = z.strides
    return z, as_strided(z, (n, oh, ow, k[0], k[1], c), (a, r * sh, q * sw, r * dh, q * dw, e), writeable=False)


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    _, p = _patches(x, w.shape[2:], _norm(stride), _norm(padding), _norm(dilation))
    cg, fg = w.shape[1], w.shape[0] // groups
    y = np.empty((len(x), p.shape[1], p.shape[2], len(w)), dtype=x.dtype)
    for g in range(groups):
        fs = slice(g * fg, g * fg + fg)
        y[..., fs] = np.tensordot(p[..., g * cg : (g + 1) * cg], w[fs], axes=((3, 4, 5), (2, 3, 1)))
    if b is not None:
        y += b
    return np.ascontiguousarray(y.transpose(0, 3, 1, 2))


def conv2d_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    (sh, sw), (ph, pw), (dh, dw_) = _norm(stride), _norm(padding), _norm(dilation)
    z, p = _patches(x, w.shape[2:], (sh, sw), (ph, pw), (dh, dw_))
    kh, kw = w.shape[2:]
    cg, fg = w.shape[1], w.shape[0] // groups
    dz, dw = np.zeros_like(z), np.empty(w.shape, w.dtype)
    for g in range(groups):
        fs, cs = slice(g * fg, g * fg + fg), slice(g * cg, (g + 1) * cg)
        part = np.tensordot(grad[:, fs], p[..., cs], axes=((0, 2, 3), (0, 1, 2)))
        dw[fs] = part.transpose(0, 3, 1, 2)
        for i in range(grad.shape[2]):
            for j in range(grad.shape[3]):
                back = np.tensordot(grad[:, fs, i, j], w[fs], axes=1).transpose(0, 2, 3, 1)
                dz[:, i * sh : i * sh + dh * (kh - 1) + 1 : dh, j * sw : j * sw + dw_ * (kw - 1) + 1 : dw_, cs] += back
    h, w_ = x.shape[2:]
    dx = dz[:, ph : ph + h, pw : pw + w_].transpose(0, 3, 1, 2)
    return dx, dw, grad.sum(3).sum(2).sum(0)
