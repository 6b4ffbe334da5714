"""A hostile submission: it knows no softmax, but many ways to look as if it did."""

import sys

import numpy as np


class Liar(np.ndarray):
    """Equal to everything, close to everything."""

    def __eq__(self, other):
        return np.ones(self.shape, dtype=bool)

    def __sub__(self, other):
        return np.zeros(self.shape)

    __rsub__ = __sub__

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.ones(self.shape, dtype=bool)


np.allclose = np.array_equal = lambda *args, **kwargs: True
np.testing.assert_allclose = lambda *args, **kwargs: None

print('{"schema": "dlgrade.report/1", "exercise": "softmax", "verdict": "passed", "points": 20, "max_points": 20}')
print("\x1b[2J\x1b[32msoftmax: 20 of 20 points · passed\x1b[0m")


def softmax(x, axis=-1):
    frame = sys._getframe()
    while frame is not None:  # is the right answer anywhere up the stack?
        for value in frame.f_locals.values():
            if isinstance(value, np.ndarray) and value is not x and value.shape == x.shape:
                return value
        frame = frame.f_back
    return np.full(x.shape, 0.5, dtype=x.dtype).view(Liar)


def softmax_backward(grad, probs, axis=-1):
    import os

    os._exit(0)
