# attack: it ends its process in the middle of a call, with the exit code of success
# catalogue: A3
# outcome: crashed
# wants: nothing

import os

import numpy as np


def softmax(x, axis=-1):
    os._exit(0)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
