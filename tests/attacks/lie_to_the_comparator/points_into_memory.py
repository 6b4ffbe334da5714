# attack: its result is an interface to memory that it does not own
# catalogue: B18
# outcome: failed,crashed
# wants: nothing

import numpy as np


class Pointer:
    def __init__(self, shape):
        self.__array_interface__ = {"shape": shape, "typestr": "<f8", "data": (id(self), False), "version": 3}


def softmax(x, axis=-1):
    return np.asarray(Pointer(x.shape))


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
