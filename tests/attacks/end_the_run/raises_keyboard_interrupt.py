# attack: it raises KeyboardInterrupt, as if somebody had stopped the grader
# catalogue: A16
# outcome: raised
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    raise KeyboardInterrupt


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
