# attack: it forks by the interpreter's own means
# catalogue: E66
# outcome: failed
# wants: fork

import os

import numpy as np


def attempt():
    child = os.fork()
    if child == 0:
        os._exit(0)
    return child


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
