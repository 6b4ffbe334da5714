"""A submission with a classic mistake: the backward pass uses only the diagonal of the Jacobian."""

import numpy as np


def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def softmax_backward(grad, probs, axis=-1):
    return grad * probs * (1 - probs)
