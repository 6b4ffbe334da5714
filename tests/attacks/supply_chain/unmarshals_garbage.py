# attack: it loads compiled code that is none
# catalogue: F90
# outcome: failed,crashed,raised
# wants: nothing

import marshal

import numpy as np


def softmax(x, axis=-1):
    for size in range(1, 60):
        try:
            marshal.loads(b"\xe3" + bytes(range(256)) * size)
        except (ValueError, EOFError, TypeError):
            pass
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
