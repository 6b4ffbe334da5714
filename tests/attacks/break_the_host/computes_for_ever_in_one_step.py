# attack: a single operation of the interpreter never ends, between any two lines
# catalogue: E64
# outcome: timed_out
# wants: nothing
# hasty: yes

import numpy as np


def softmax(x, axis=-1):
    (10**8) ** (10**8)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
