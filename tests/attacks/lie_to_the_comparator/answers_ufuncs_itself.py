# attack: its result takes over every operation of NumPy on it
# catalogue: B17
# outcome: failed
# wants: nothing

import numpy as np


class Liar(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.ones(self.shape, dtype=bool)

    def __array_function__(self, function, types, args, kwargs):
        return True

    def __array_finalize__(self, other):
        self.passed = True


def softmax(x, axis=-1):
    return np.full(x.shape, 0.5, x.dtype).view(Liar)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
