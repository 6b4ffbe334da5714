"""Seven nested loops over scalars."""

import numpy as np


def _two(v):
    if isinstance(v, (tuple, list)):
        return int(v[0]), int(v[1])
    return int(v), int(v)


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = _two(stride)
    ph, pw = _two(padding)
    dh, dw = _two(dilation)
    N, C, H, W = x.shape
    F, CG, kh, kw = w.shape
    FG = F // groups
    OH = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    OW = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    out = np.zeros((N, F, OH, OW), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            for r in range(OH):
                for s in range(OW):
                    total = 0.0 if b is None else float(b[f])
                    for c in range(CG):
                        for i in range(kh):
                            for j in range(kw):
                                row = r * sh + i * dh - ph
                                col = s * sw + j * dw - pw
                                if 0 <= row < H and 0 <= col < W:
                                    total += float(x[n, (f // FG) * CG + c, row, col]) * float(w[f, c, i, j])
                    out[n, f, r, s] = total
    return out


def conv2d_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = _two(stride)
    ph, pw = _two(padding)
    dh, dw_ = _two(dilation)
    N, C, H, W = x.shape
    F, CG, kh, kw = w.shape
    FG = F // groups
    dx = np.zeros(x.shape, x.dtype)
    dw = np.zeros(w.shape, w.dtype)
    db = np.zeros(F, w.dtype)
    for n, f, r, s in np.ndindex(*grad.shape):
        g = grad[n, f, r, s]
        db[f] += g
        for c in range(CG):
            channel = (f // FG) * CG + c
            for i in range(kh):
                row = r * sh + i * dh - ph
                if not 0 <= row < H:
                    continue
                for j in range(kw):
                    col = s * sw + j * dw_ - pw
                    if 0 <= col < W:
                        dx[n, channel, row, col] += g * w[f, c, i, j]
                        dw[f, c, i, j] += g * x[n, channel, row, col]
    return dx, dw, db
