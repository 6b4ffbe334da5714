"""Through the Fourier transform: right up to rounding that is spread over the whole result."""

import numpy as np


def _pair(v):
    return (v, v) if isinstance(v, int) else v


def _spread(a, sh, sw):
    wide = np.zeros(a.shape[:2] + ((a.shape[2] - 1) * sh + 1, (a.shape[3] - 1) * sw + 1), a.dtype)
    wide[:, :, ::sh, ::sw] = a
    return wide


def _full(a, k, spec):
    """Full true convolution of the last two axes, summed as `spec` says."""
    size = tuple(p + q - 1 for p, q in zip(a.shape[2:], k.shape[2:]))
    product = np.einsum(spec, np.fft.rfft2(a, size), np.fft.rfft2(k, size))
    return np.fft.irfft2(product, size)


def _padded(x, padding):
    ph, pw = _pair(padding)
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    (sh, sw), wide = _pair(stride), _spread(w, *_pair(dilation))
    kh, kw = wide.shape[2:]
    outs = []
    for xg, wg in zip(np.split(_padded(x, padding), groups, 1), np.split(wide, groups)):
        full = _full(xg, wg[:, :, ::-1, ::-1], "ncij,fcij->nfij")
        outs.append(full[:, :, kh - 1 : xg.shape[2] : sh, kw - 1 : xg.shape[3] : sw])
    out = np.concatenate(outs, 1)
    return (out if b is None else out + b[:, None, None]).astype(x.dtype)


def conv2d_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    (ph, pw), (dh, dw), wide = _pair(padding), _pair(dilation), _spread(w, *_pair(dilation))
    h, wi = x.shape[2:]
    spread, xp = _spread(grad, *_pair(stride)), _padded(x, padding)
    dxs, dws = [], []
    for gg, xg, wg in zip(np.split(spread, groups, 1), np.split(xp, groups, 1), np.split(wide, groups)):
        image = np.zeros(xg.shape, x.dtype)
        full = _full(gg, wg, "nfij,fcij->ncij")
        image[:, :, : full.shape[2], : full.shape[3]] = full
        dxs.append(image[:, :, ph : ph + h, pw : pw + wi])
        oh, ow = gg.shape[2:]
        corr = _full(xg.swapaxes(0, 1), gg.swapaxes(0, 1)[:, :, ::-1, ::-1], "cnij,fnij->fcij")
        corr = corr[:, :, oh - 1 : oh - 1 + wide.shape[2], ow - 1 : ow - 1 + wide.shape[3]]
        dws.append(corr[:, :, ::dh, ::dw])
    dw_ = np.concatenate(dws).astype(w.dtype)
    return np.concatenate(dxs, 1).astype(x.dtype), dw_, grad.sum((0, 2, 3))
