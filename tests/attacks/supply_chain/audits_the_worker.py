# attack: its audit hook refuses whatever the worker does from now on
# catalogue: F84
# outcome: failed,raised,crashed
# wants: nothing

import sys

import numpy as np


def refuse(event, arguments):
    raise RuntimeError("nothing is permitted any more")


def softmax(x, axis=-1):
    sys.addaudithook(refuse)
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
