# attack: it works in its argument, which it puts back as it was
# catalogue: G102
# outcome: passed,raised
# wants: softmax of a library
# implementation: right

import numpy as np


def softmax(x, axis=-1):
    x.flags.writeable = True
    held = x.copy()
    x -= x.max(axis=axis, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=axis, keepdims=True)
    result = x.copy()
    x[...] = held
    return result


def softmax_backward(grad, probs, axis=-1):
    return probs * (grad - (grad * probs).sum(axis=axis, keepdims=True))
