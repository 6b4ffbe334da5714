# attack: it puts the inputs that it is given into its exceptions and prints
# catalogue: C43
# outcome: raised
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    print("inputs:", x.tolist(), axis)
    raise ValueError(f"inputs: {x.tolist()} {axis}")


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
