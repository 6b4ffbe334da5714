"""Plain Python loops over every slice and every pair."""

import math

import numpy as np


def softmax(x, axis=-1):
    result = np.empty_like(x)
    source, target = np.moveaxis(x, axis, -1), np.moveaxis(result, axis, -1)
    for place in np.ndindex(*source.shape[:-1]):
        scores = [float(value) for value in source[place]]
        most = max(scores)
        powers = [math.exp(score - most) for score in scores]
        total = sum(powers)
        for k, power in enumerate(powers):
            target[place + (k,)] = power / total
    return result


def softmax_backward(grad, probs, axis=-1):
    result = np.empty_like(probs)
    g, p, r = (np.moveaxis(a, axis, -1) for a in (grad, probs, result))
    n = p.shape[-1]
    for place in np.ndindex(*p.shape[:-1]):
        for j in range(n):
            total = 0.0
            for i in range(n):
                jacobian = float(p[place + (i,)]) * ((1.0 if i == j else 0.0) - float(p[place + (j,)]))
                total += float(g[place + (i,)]) * jacobian
            r[place + (j,)] = total
    return result
