"""The computational graph, one node at a time, on a table of pixels."""

import numpy as np


def _to_table(x):
    return x if x.ndim == 2 else x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def _from_table(t, like):
    if like.ndim == 2:
        return t
    n, c, h, w = like.shape
    return t.reshape(n, h, w, c).transpose(0, 3, 1, 2)


def batch_norm(x, gamma, beta, running_mean, running_var, training=True, momentum=0.1, eps=1e-5):
    t = _to_table(x)
    if training:
        mu = np.mean(t, axis=0)
        var = np.var(t, axis=0)
        m = len(t)
        out_mean = running_mean + momentum * (mu - running_mean)
        out_var = running_var + momentum * (var * m / (m - 1) - running_var)
    else:
        mu, var = running_mean, running_var
        out_mean, out_var = running_mean.copy(), running_var.copy()
    inverse = (var + eps) ** -0.5
    # Folded into one multiplication and one addition.
    weight = gamma * inverse
    bias = beta - mu * weight
    return _from_table(t * weight + bias, x), out_mean, out_var


def batch_norm_backward(grad, x, gamma, eps=1e-5):
    t, dout = _to_table(x), _to_table(grad)
    m = t.shape[0]
    mu = 1 / m * np.sum(t, axis=0)
    xmu = t - mu
    var = 1 / m * np.sum(xmu**2, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / m * np.ones(dout.shape, dtype=x.dtype) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / m * np.ones(dout.shape, dtype=x.dtype) * dmu
    return _from_table(dx1 + dx2, x), dgamma, dbeta
