"""Through log-softmax, with np.logaddexp.reduce, and an einsum over explicit Jacobians."""

import numpy as np


def softmax(x, axis=-1):
    return np.exp(x - np.expand_dims(np.logaddexp.reduce(x, axis=axis), axis))


def softmax_backward(grad, probs, axis=-1):
    p = np.moveaxis(probs, axis, -1)
    g = np.moveaxis(grad, axis, -1)
    eye = np.eye(p.shape[-1], dtype=p.dtype)
    jacobian = np.einsum("...i,ij->...ij", p, eye) - np.einsum("...i,...j->...ij", p, p)
    return np.moveaxis(np.einsum("...i,...ij->...j", g, jacobian), -1, axis)
