# attack: it declares an encoding that nobody knows
# -*- coding: ../../evil -*-
# catalogue: F88
# outcome: raised
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
