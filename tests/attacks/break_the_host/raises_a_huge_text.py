# attack: its exception's text has two megabytes
# catalogue: E80
# outcome: raised
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    raise ValueError("passed " * 2**18)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
