# attack: its result is an array that is equal and close to everything
# catalogue: B17
# outcome: failed
# wants: nothing

import numpy as np


class Liar(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, dtype=bool)

    __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __eq__

    def __sub__(self, other):
        return np.zeros(self.shape)

    __rsub__ = __sub__


def softmax(x, axis=-1):
    return np.full(x.shape, 0.5, x.dtype).view(Liar)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
