# attack: it holds null bytes, behind which readers differ
# catalogue: F88
# outcome: raised
# wants: nothing

import numpy as np

passed = True  # @U+0000@ import os


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
