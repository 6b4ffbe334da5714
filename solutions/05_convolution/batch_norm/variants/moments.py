"""Moments about the first value, which makes squares of small numbers; sums by einsum; lists for tuples."""

import numpy as np


def _cube(x):
    return x.reshape(x.shape[0], x.shape[1], -1)


def _moments(x):
    cube = _cube(x)
    n = cube.shape[0] * cube.shape[2]
    first = np.einsum("ncp->c", cube) / n
    away = cube - cube[:1, :, :1]
    by, second = np.einsum("ncp->c", away) / n, np.einsum("ncp,ncp->c", away, away) / n
    return n, first, np.maximum(second - by * by, 0)


def batch_norm(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        n, mean, var = _moments(x)
        unbiased = var * (n / (n - 1))
        running_mean = momentum * mean + (1 - momentum) * running_mean
        running_var = momentum * unbiased + (1 - momentum) * running_var
    y = (_cube(x) - mean[:, None]) * (gamma / np.sqrt(var + eps))[:, None] + beta[:, None]
    return [y.reshape(x.shape), running_mean, running_var]


def batch_norm_backward(grad, x, gamma, eps=1e-5):
    n, mean, var = _moments(x)
    g, values = _cube(grad), _cube(x)
    inverse = 1 / np.sqrt(var + eps)
    dbeta = np.einsum("ncp->c", g)
    dgamma = (np.einsum("ncp,ncp->c", g, values) - mean * dbeta) * inverse
    # dx = a * grad + b * x + c, with three numbers for each channel.
    a = gamma * inverse
    b = -a * inverse * dgamma / n
    c = -a * dbeta / n - b * mean
    dx = a[:, None] * g + b[:, None] * values + c[:, None]
    return [dx.reshape(x.shape), dgamma, dbeta]
