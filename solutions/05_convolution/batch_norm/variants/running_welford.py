"""One value after another by Welford's update; dual numbers' transposed rule backward; statistics by reference."""

import numpy as np


def _axes(x):
    return (0,) if x.ndim == 2 else (0, 2, 3)


def _expand(v, x):
    return v if x.ndim == 2 else v[:, None, None]


def _welford(x):
    count, mean, m2 = 0, np.zeros(x.shape[1], x.dtype), np.zeros(x.shape[1], x.dtype)
    for value in np.moveaxis(x, 1, -1).reshape(-1, x.shape[1]):
        count += 1
        delta = value - mean
        mean = mean + delta / count
        m2 = m2 + delta * (value - mean)
    return count, mean, m2


def batch_norm(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    if not training:
        y = (x - _expand(running_mean, x)) / np.sqrt(_expand(running_var, x) + eps)
        y *= _expand(gamma, x)
        y += _expand(beta, x)
        return y, running_mean, running_var
    count, mean, m2 = _welford(x)
    y = x - _expand(mean, x)
    y /= np.sqrt(_expand(m2 / count, x) + eps)
    y *= _expand(gamma, x)
    y += _expand(beta, x)
    keep = 1 - momentum
    return y, running_mean * keep + mean * momentum, running_var * keep + m2 / (count - 1) * momentum


def batch_norm_backward(grad, x, gamma, eps=1e-5):
    count, mean, m2 = _welford(x)
    axes, std = _axes(x), np.sqrt(m2 / count + eps)
    xhat = (x - _expand(mean, x)) / _expand(std, x)
    dgamma, dbeta = np.sum(grad * xhat, axis=axes), np.sum(grad, axis=axes)
    scale = _expand(gamma / (count * std), x)
    dx = scale * (count * grad - _expand(dbeta, x) - xhat * _expand(dgamma, x))
    return dx, dgamma, dbeta
