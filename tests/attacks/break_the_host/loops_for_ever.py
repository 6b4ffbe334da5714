# attack: it never returns
# catalogue: E64
# outcome: timed_out
# wants: nothing
# hasty: yes

import numpy as np


def softmax(x, axis=-1):
    while True:
        pass


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
