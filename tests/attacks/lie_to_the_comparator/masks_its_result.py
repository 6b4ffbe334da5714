# attack: its result is a masked array of which nothing can be compared
# catalogue: B17
# outcome: failed
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    return np.ma.masked_all(x.shape, x.dtype)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
