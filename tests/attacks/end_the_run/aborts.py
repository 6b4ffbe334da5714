# attack: it ends itself by abort(), as a broken library would
# catalogue: A3
# outcome: crashed
# wants: nothing

import os

import numpy as np


def softmax(x, axis=-1):
    os.abort()


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
