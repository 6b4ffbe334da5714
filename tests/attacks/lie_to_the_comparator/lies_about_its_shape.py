# attack: its result says that it has another shape, dtype and size than it has
# catalogue: B17
# outcome: failed,raised,protocol_violation
# wants: nothing

import numpy as np


class Liar(np.ndarray):
    shape = property(lambda self: (3,))
    size = property(lambda self: 0)
    nbytes = property(lambda self: 0)
    ndim = property(lambda self: 1)

    def view(self, *args):
        return self

    def reshape(self, *args):
        return self


def softmax(x, axis=-1):
    return np.zeros(1000).view(Liar)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
