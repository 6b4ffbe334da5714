"""Plain Python loops over every pixel, without padding anything."""

import numpy as np


def _two(v):
    return v if isinstance(v, tuple) else (v, v)


def _setup(x, kernel, stride, padding):
    kh, kw = _two(kernel)
    sh, sw = _two(stride) if stride is not None else (kh, kw)
    ph, pw = _two(padding)
    out_h = (x.shape[2] + 2 * ph - kh) // sh + 1
    out_w = (x.shape[3] + 2 * pw - kw) // sw + 1
    return kh, kw, sh, sw, ph, pw, out_h, out_w


def max_pool2d(x, kernel, stride=None, padding=0):
    kh, kw, sh, sw, ph, pw, out_h, out_w = _setup(x, kernel, stride, padding)
    N, C, H, W = x.shape
    out = np.empty((N, C, out_h, out_w), x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(out_h):
                for j in range(out_w):
                    best = float("-inf")
                    for u in range(kh):
                        for v in range(kw):
                            r, s = i * sh + u - ph, j * sw + v - pw
                            if 0 <= r < H and 0 <= s < W and x[n, c, r, s] > best:
                                best = x[n, c, r, s]
                    out[n, c, i, j] = best
    return out


def max_pool2d_backward(grad, x, kernel, stride=None, padding=0):
    kh, kw, sh, sw, ph, pw, out_h, out_w = _setup(x, kernel, stride, padding)
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H, W), x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(out_h):
                for j in range(out_w):
                    best, where = None, None
                    for u in range(kh):
                        for v in range(kw):
                            r, s = i * sh + u - ph, j * sw + v - pw
                            if 0 <= r < H and 0 <= s < W and (best is None or x[n, c, r, s] > best):
                                best, where = x[n, c, r, s], (n, c, r, s)
                    dx[where] += grad[n, c, i, j]
    return dx


def avg_pool2d(x, kernel, stride=None, padding=0, count_include_pad=True):
    kh, kw, sh, sw, ph, pw, out_h, out_w = _setup(x, kernel, stride, padding)
    N, C, H, W = x.shape
    out = np.empty((N, C, out_h, out_w), x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(out_h):
                for j in range(out_w):
                    total, count = 0.0, 0
                    for u in range(kh):
                        for v in range(kw):
                            r, s = i * sh + u - ph, j * sw + v - pw
                            if 0 <= r < H and 0 <= s < W:
                                total += float(x[n, c, r, s])
                                count += 1
                    out[n, c, i, j] = total / (kh * kw if count_include_pad else count)
    return out


def avg_pool2d_backward(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    kh, kw, sh, sw, ph, pw, out_h, out_w = _setup(x, kernel, stride, padding)
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H, W), x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(out_h):
                for j in range(out_w):
                    inside = [
                        (i * sh + u - ph, j * sw + v - pw)
                        for u in range(kh)
                        for v in range(kw)
                        if 0 <= i * sh + u - ph < H and 0 <= j * sw + v - pw < W
                    ]
                    count = kh * kw if count_include_pad else len(inside)
                    for r, s in inside:
                        dx[n, c, r, s] += grad[n, c, i, j] / count
    return dx
