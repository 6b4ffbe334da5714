"""Average pooling by a summed-area table; max pooling by sorting each window; views of the arguments where it can."""

import numpy as np


class _Plan:
    def __init__(self, x, kernel, stride, padding):
        self.kernel = tuple(np.broadcast_to(kernel, 2).tolist())
        self.stride = self.kernel if stride is None else tuple(np.broadcast_to(stride, 2).tolist())
        self.padding = tuple(np.broadcast_to(padding, 2).tolist())
        self.bounds = []
        for side, k, s, p in zip(x.shape[2:], self.kernel, self.stride, self.padding):
            starts = np.arange(-p, side + p - k + 1, s)
            self.bounds.append((np.clip(starts, 0, side), np.clip(starts + k, 0, side)))

    def windows(self):
        (tops, bottoms), (lefts, rights) = self.bounds
        for i, (top, bottom) in enumerate(zip(tops, bottoms)):
            for j, (left, right) in enumerate(zip(lefts, rights)):
                yield i, j, int(top), int(bottom), int(left), int(right)

    def size(self):
        return tuple(len(starts) for starts, _ in self.bounds)

    def divisor(self, count_include_pad, dtype):
        if count_include_pad:
            return np.asarray(self.kernel[0] * self.kernel[1], dtype)
        heights, widths = (ends - starts for starts, ends in self.bounds)
        return np.multiply.outer(heights, widths).astype(dtype)


def max_pool2d(x, kernel, stride=None, padding=0):
    plan = _Plan(x, kernel, stride, padding)
    if plan.kernel == plan.stride == (1, 1):
        return x
    out = np.zeros(x.shape[:2] + plan.size(), dtype=x.dtype)
    for i, j, top, bottom, left, right in plan.windows():
        out[..., i, j] = np.sort(x[..., top:bottom, left:right].reshape(*x.shape[:2], -1), axis=-1)[..., -1]
    return out


def max_pool2d_backward(grad, x, kernel, stride=None, padding=0):
    plan = _Plan(x, kernel, stride, padding)
    if plan.kernel == plan.stride == (1, 1):
        return grad
    dx = [[{} for _ in range(x.shape[1])] for _ in range(x.shape[0])]
    for i, j, top, bottom, left, right in plan.windows():
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                pixels = [(-x[n, c, r, s], r, s) for r in range(top, bottom) for s in range(left, right)]
                _, r, s = min(pixels)
                dx[n][c][r, s] = dx[n][c].get((r, s), 0) + grad[n, c, i, j]
    dense = [[[[dx[n][c].get((r, s), 0.0) for s in range(x.shape[3])] for r in range(x.shape[2])]
              for c in range(x.shape[1])] for n in range(x.shape[0])]  # fmt: skip
    return np.array(dense, dtype=x.dtype)


def avg_pool2d(x, kernel, stride=None, padding=0, count_include_pad=True):
    plan = _Plan(x, kernel, stride, padding)
    table = np.zeros((*x.shape[:2], x.shape[2] + 1, x.shape[3] + 1))
    table[:, :, 1:, 1:] = x.astype(np.float64).cumsum(2).cumsum(3)
    (tops, bottoms), (lefts, rights) = plan.bounds
    across = table[..., rights] - table[..., lefts]
    total = across[:, :, bottoms] - across[:, :, tops]
    return total.astype(x.dtype) / plan.divisor(count_include_pad, x.dtype)


def avg_pool2d_backward(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    plan = _Plan(x, kernel, stride, padding)
    share = (grad / plan.divisor(count_include_pad, grad.dtype)).astype(np.float64)
    steps = np.zeros((*x.shape[:2], x.shape[2] + 1, x.shape[3] + 1))
    for i, j, top, bottom, left, right in plan.windows():
        for row, column, sign in ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1)):
            steps[:, :, row, column] += sign * share[:, :, i, j]
    return steps.cumsum(2).cumsum(3)[:, :, :-1, :-1].astype(x.dtype)
