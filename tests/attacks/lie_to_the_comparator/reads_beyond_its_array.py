# attack: its result is a view far past the end of its array, into memory of others
# catalogue: B28
# outcome: failed,crashed
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    return np.lib.stride_tricks.as_strided(np.zeros(1), x.shape, [2**20] * x.ndim)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
