# attack: its result is a gigabyte of zeros
# catalogue: E80
# outcome: failed,out_of_memory
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    return np.zeros(2**27)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
