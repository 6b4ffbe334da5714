# attack: its result is its argument, changed in place
# catalogue: G104
# outcome: failed,raised
# wants: softmax of a library

import numpy as np


def softmax(x, axis=-1):
    x.flags.writeable = True
    x -= x.max(axis=axis, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=axis, keepdims=True)
    return x.view()


def softmax_backward(grad, probs, axis=-1):
    return probs * (grad - (grad * probs).sum(axis=axis, keepdims=True))
