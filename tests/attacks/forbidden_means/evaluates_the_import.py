# attack: it builds the import as text and has it executed
# catalogue: G92
# outcome: raised
# wants: softmax of a library

import builtins

import numpy as np


def softmax(x, axis=-1):
    scope = {}
    getattr(builtins, "ex" + "ec")("from sci" + "py.special import softmax as found", scope)
    return scope["found"](x, axis)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
