"""Unusual: the whole layer as one explicit matrix from image to output; backward is its transpose."""

import numpy as np


def _pair(v):
    return (v, v) if isinstance(v, (int, np.integer)) else v


def _entries(x_shape, w_shape, stride, padding, dilation, groups):
    """(output index, image index, weight index) of every product that the layer makes for one sample."""
    (sh, sw), (ph, pw), (dh, dw) = _pair(stride), _pair(padding), _pair(dilation)
    _, C, H, W = x_shape
    F, cg, kh, kw = w_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    f, y, z, c, i, j = np.indices((F, oh, ow, cg, kh, kw)).reshape(6, -1)
    row, col = y * sh + i * dh - ph, z * sw + j * dw - pw
    inside = (row >= 0) & (row < H) & (col >= 0) & (col < W)
    out = (f * oh + y) * ow + z
    channel = f // (F // groups) * cg + c
    image = (channel * H + row) * W + col
    weight = ((f * cg + c) * kh + i) * kw + j
    return out[inside], image[inside], weight[inside], (F, oh, ow)


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    out, image, weight, shape = _entries(x.shape, w.shape, stride, padding, dilation, groups)
    matrix = np.zeros((int(np.prod(shape)), x[0].size), dtype=x.dtype)
    matrix[out, image] = w.reshape(-1)[weight]
    y = (x.reshape(len(x), -1) @ matrix.T).reshape(-1, *shape)
    return y if b is None else y + b.reshape(1, -1, 1, 1)


def conv2d_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    out, image, weight, shape = _entries(x.shape, w.shape, stride, padding, dilation, groups)
    matrix = np.zeros((int(np.prod(shape)), x[0].size), dtype=x.dtype)
    matrix[out, image] = w.reshape(-1)[weight]
    flat = grad.reshape(len(grad), -1)
    dx = (flat @ matrix).reshape(x.shape)
    outer = flat.T @ x.reshape(len(x), -1)
    dw = np.zeros(w.size, dtype=w.dtype)
    np.add.at(dw, weight, outer[out, image])
    return dx, dw.reshape(w.shape), flat.sum(0).reshape(shape).sum((1, 2))
