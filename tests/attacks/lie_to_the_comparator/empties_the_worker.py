# attack: it deletes everything from the module that the worker speaks with
# catalogue: B24
# outcome: failed,crashed,protocol_violation,timed_out
# wants: nothing
# hasty: yes

import sys

import numpy as np


def softmax(x, axis=-1):
    sys.modules["wire"].__dict__.clear()
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
