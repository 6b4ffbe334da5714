# attack: it takes more memory than it may have while it is loaded
# catalogue: E68
# outcome: out_of_memory
# wants: nothing

import numpy as np

held = bytearray(2**40)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
