"""sliding_window_view + einsum; dx as the full correlation of the stuffed cotangent with the flipped kernel."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _pair(v):
    return (v, v) if isinstance(v, int) else tuple(v)


def _view(xp, kh, kw, sh, sw, dh, dw):
    v = sliding_window_view(xp, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), axis=(2, 3))
    return v[:, :, ::sh, ::sw, ::dh, ::dw]


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    (sh, sw), (ph, pw), (dh, dw) = _pair(stride), _pair(padding), _pair(dilation)
    F, cg, kh, kw = w.shape
    xp = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    v = _view(xp, kh, kw, sh, sw, dh, dw)
    v = v.reshape(v.shape[0], groups, cg, *v.shape[2:])
    wg = w.reshape(groups, F // groups, cg, kh, kw)
    y = np.einsum("ngchwij,gfcij->ngfhw", v, wg, optimize=True)
    y = y.reshape(y.shape[0], F, y.shape[3], y.shape[4])
    if b is not None:
        y += b[None, :, None, None]
    return y


def conv2d_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    (sh, sw), (ph, pw), (dh, dw_) = _pair(stride), _pair(padding), _pair(dilation)
    N, C, H, W = x.shape
    F, cg, kh, kw = w.shape
    OH, OW = grad.shape[2:]
    xp = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    v = _view(xp, kh, kw, sh, sw, dh, dw_).reshape(N, groups, cg, OH, OW, kh, kw)
    gg = grad.reshape(N, groups, F // groups, OH, OW)
    dw = np.einsum("ngchwij,ngfhw->gfcij", v, gg, optimize=True).reshape(w.shape)
    # stuff, pad by the kernel's reach, correlate with the flipped kernel
    rh, rw = dh * (kh - 1), dw_ * (kw - 1)
    stuffed = np.zeros((N, F, H + 2 * ph + rh, W + 2 * pw + rw), dtype=grad.dtype)
    stuffed[:, :, rh : rh + sh * OH : sh, rw : rw + sw * OW : sw][:, :, :OH, :OW] = grad
    wt = w.reshape(groups, F // groups, cg, kh, kw)[..., ::-1, ::-1].swapaxes(1, 2)
    wt = wt.reshape(groups * cg, F // groups, kh, kw)
    full = conv2d(stuffed, wt, dilation=(dh, dw_), groups=groups)
    return full[:, :, ph : ph + H, pw : pw + W], dw, grad.sum(axis=(0, 2, 3))
