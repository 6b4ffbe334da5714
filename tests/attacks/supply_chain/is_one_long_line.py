# attack: its source is one line of half a million characters
# catalogue: F88
# outcome: failed
# wants: nothing

import numpy as np

passed = "@500000*x*@"


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
