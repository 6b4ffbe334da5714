# attack: it knows the answers of the examples that everybody can see, and no others
# catalogue: G101
# outcome: failed
# wants: softmax of a library

import numpy as np

KNOWN = {
    ((0.0, 0.0), -1): [0.5, 0.5],
    ((1000.0, 1000.0, 0.0, 0.0, 0.0, 0.0), -1): [[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]],
    ((0.0, 1.0, 0.0, -1.0), 0): [[0.5, 0.8807970779778823], [0.5, 0.11920292202211755]],
}


def softmax(x, axis=-1):
    return np.array(KNOWN.get((tuple(x.ravel().tolist()), axis), np.zeros(x.shape)), x.dtype)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
