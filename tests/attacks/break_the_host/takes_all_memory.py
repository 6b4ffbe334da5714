# attack: it takes memory until there is none
# catalogue: E68
# outcome: out_of_memory
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    held = []
    while True:
        held.append(np.empty(2**25))


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
