# attack: it replaces the worker's own packing of results
# catalogue: B24
# outcome: failed,protocol_violation,raised
# wants: nothing

import sys

import numpy as np

wire = sys.modules["wire"]
wire.Packer.pack = lambda self, value, depth=0: {"a": 0}


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
