"""Plain Python numbers, one channel at a time."""

import math

import numpy as np


def _values(x, c):
    return [float(v) for v in x[:, c].reshape(-1)]


def batch_norm(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    y = np.empty(x.shape, x.dtype)
    new_mean, new_var = [], []
    for c in range(x.shape[1]):
        values = _values(x, c)
        n = len(values)
        if training:
            mean = sum(values) / n
            squares = sum((v - mean) ** 2 for v in values)
            var = squares / n
            new_mean.append((1 - momentum) * float(running_mean[c]) + momentum * mean)
            new_var.append((1 - momentum) * float(running_var[c]) + momentum * squares / (n - 1))
        else:
            mean, var = float(running_mean[c]), float(running_var[c])
        scaled = [float(gamma[c]) * (v - mean) / math.sqrt(var + eps) + float(beta[c]) for v in values]
        y[:, c] = np.array(scaled).reshape(x[:, c].shape)
    if not training:
        return y, running_mean, running_var
    return y, np.array(new_mean, dtype=x.dtype), np.array(new_var, dtype=x.dtype)


def batch_norm_backward(grad, x, gamma, eps=1e-5):
    dx = np.empty(x.shape, x.dtype)
    dgamma, dbeta = np.empty(gamma.shape, x.dtype), np.empty(gamma.shape, x.dtype)
    for c in range(x.shape[1]):
        values, upstream = _values(x, c), _values(grad, c)
        n = len(values)
        mean = sum(values) / n
        var = sum((v - mean) ** 2 for v in values) / n
        std = math.sqrt(var + eps)
        dgamma[c] = sum(g * (v - mean) / std for g, v in zip(upstream, values))
        dbeta[c] = sum(upstream)
        dnormal = [g * float(gamma[c]) for g in upstream]
        dvar = sum(d * (v - mean) for d, v in zip(dnormal, values)) * -0.5 * (var + eps) ** -1.5
        dmean = -sum(dnormal) / std - dvar * 2 * sum(v - mean for v in values) / n
        each = [d / std + dvar * 2 * (v - mean) / n + dmean / n for d, v in zip(dnormal, values)]
        dx[:, c] = np.reshape(each, x[:, c].shape)
    return dx, dgamma, dbeta
