# attack: an expression of a hundred thousand operators has to be read recursively
# catalogue: F88
# outcome: raised
# wants: nothing

import numpy as np

# @U+000A@passed = @100000*- *@1


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
