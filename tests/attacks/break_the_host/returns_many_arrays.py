# attack: its result is a hundred thousand times one array
# catalogue: E80
# outcome: failed,raised,timed_out
# wants: nothing
# hasty: yes

import numpy as np


def softmax(x, axis=-1):
    return [x] * 100_001


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
