# attack: it calls itself without end
# catalogue: E78
# outcome: raised
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    return softmax(x, axis)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
