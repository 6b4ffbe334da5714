# attack: its bytes are in another encoding than it says
# catalogue: F88
# outcome: raised
# wants: nothing
# written in: latin-1

import numpy as np

passed = "überall"


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
