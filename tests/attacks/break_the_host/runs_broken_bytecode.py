# attack: it runs instructions that no compiler would make
# catalogue: E77
# outcome: crashed,raised
# wants: nothing

import types

import numpy as np


def softmax(x, axis=-1):
    code = softmax.__code__.replace(co_code=bytes([100, 255]) * 50, co_consts=(), co_stacksize=0)
    return types.FunctionType(code, {})(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
