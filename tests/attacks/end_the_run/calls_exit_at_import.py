# attack: it leaves by sys.exit(0) while it is loaded
# catalogue: A2
# outcome: raised
# wants: nothing

import sys

import numpy as np

sys.exit(0)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
