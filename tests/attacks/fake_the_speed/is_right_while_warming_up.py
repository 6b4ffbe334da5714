# attack: it computes its first three results and then repeats them
# catalogue: D51
# outcome: failed
# wants: nothing

import numpy as np

FIRST = []


def softmax(x, axis=-1):
    if len(FIRST) < 3:
        powers = np.exp(x - x.max(axis=axis, keepdims=True))
        FIRST.append(powers / powers.sum(axis=axis, keepdims=True))
        return FIRST[-1]
    return np.resize(FIRST[0], x.shape).astype(x.dtype)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
