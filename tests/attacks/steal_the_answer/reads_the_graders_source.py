# attack: it reads the source of what it finds loaded, and of what lies beside it
# catalogue: C34
# outcome: failed
# wants: read
# succeeds at: process

import inspect
import os
import sys

import numpy as np


def attempt():
    source = inspect.getsource(sys.modules["wire"])
    beside = os.listdir(os.path.dirname(sys.modules["wire"].__file__))
    return len(source), beside


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
