# attack: it imports the answer
# catalogue: G95
# outcome: forbidden
# wants: softmax of a library
# check: permitted

from scipy.special import softmax

import numpy as np


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
