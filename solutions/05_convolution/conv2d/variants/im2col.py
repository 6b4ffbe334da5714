"""im2col, one matrix product per group, col2im with np.add.at."""

import numpy as np


def _pair(v):
    return v if isinstance(v, tuple) else (v, v)


def _indices(C, H, W, kh, kw, stride, padding, dilation):
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    out_h = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    out_w = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    k = np.repeat(np.arange(C), kh * kw).reshape(-1, 1)
    i0 = np.tile(np.repeat(np.arange(kh) * dh, kw), C)
    j0 = np.tile(np.tile(np.arange(kw) * dw, kh), C)
    i = i0.reshape(-1, 1) + (np.repeat(np.arange(out_h), out_w) * sh).reshape(1, -1)
    j = j0.reshape(-1, 1) + (np.tile(np.arange(out_w), out_h) * sw).reshape(1, -1)
    return k, i, j, out_h, out_w


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    N, C, H, W = x.shape
    F, CG, kh, kw = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2), mode="constant")
    outs = []
    for xg, wg in zip(np.split(xp, groups, axis=1), np.split(w, groups, axis=0)):
        k, i, j, out_h, out_w = _indices(CG, H, W, kh, kw, stride, padding, dilation)
        cols = xg[:, k, i, j]  # (N, CG*kh*kw, L)
        cols = cols.transpose(1, 2, 0).reshape(CG * kh * kw, -1)
        y = wg.reshape(len(wg), -1) @ cols
        outs.append(y.reshape(len(wg), out_h, out_w, N).transpose(3, 0, 1, 2))
    out = np.concatenate(outs, axis=1)
    if b is not None:
        out = out + b.reshape(1, -1, 1, 1)
    return out


def conv2d_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    N, C, H, W = x.shape
    F, CG, kh, kw = w.shape
    ph, pw = padding
    xp = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode="constant")
    dxs, dws = [], []
    parts = zip(np.split(grad, groups, axis=1), np.split(xp, groups, axis=1), np.split(w, groups, axis=0))
    for gg, xg, wg in parts:
        k, i, j, out_h, out_w = _indices(CG, H, W, kh, kw, stride, padding, dilation)
        cols = xg[:, k, i, j].transpose(1, 2, 0).reshape(CG * kh * kw, -1)
        g = gg.transpose(1, 2, 3, 0).reshape(len(wg), -1)
        dws.append((g @ cols.T).reshape(wg.shape))
        dcols = wg.reshape(len(wg), -1).T @ g
        dcols = dcols.reshape(CG * kh * kw, -1, N).transpose(2, 0, 1)
        dxp = np.zeros(xg.shape, dtype=x.dtype)
        np.add.at(dxp, (slice(None), k, i, j), dcols)
        dxs.append(dxp)
    dx = np.concatenate(dxs, axis=1)
    if ph > 0:
        dx = dx[:, :, ph:-ph, :]
    if pw > 0:
        dx = dx[:, :, :, pw:-pw]
    return dx, np.concatenate(dws, axis=0), np.sum(grad, axis=(0, 2, 3))
