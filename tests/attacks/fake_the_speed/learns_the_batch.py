# attack: it finds all the calls of its request and computes them in the first, wrongly in the others
# catalogue: D52
# outcome: failed
# wants: nothing

import sys

import numpy as np

CALLS = []


def softmax(x, axis=-1):
    frame = sys._getframe()
    while frame is not None and "request" not in frame.f_locals:
        frame = frame.f_back
    CALLS.append(len(frame.f_locals["request"].body["calls"]) if frame else 1)
    if len(CALLS) == 1:
        powers = np.exp(x - x.max(axis=axis, keepdims=True))
        return powers / powers.sum(axis=axis, keepdims=True)
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
