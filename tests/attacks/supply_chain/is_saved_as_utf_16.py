# attack: it is text for some readers and null bytes for others
# catalogue: F88
# outcome: raised
# wants: nothing
# written in: utf-16

import numpy as np


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
