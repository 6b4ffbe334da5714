# attack: it reads memory that is not there
# catalogue: E77
# outcome: crashed
# wants: nothing

import numpy as np
from numpy.ctypeslib import ctypes


def softmax(x, axis=-1):
    ctypes.string_at(0)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
