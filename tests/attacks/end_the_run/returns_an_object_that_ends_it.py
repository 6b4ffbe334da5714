# attack: a finalizer ends the process with success as soon as the result is dropped
# catalogue: A5
# outcome: failed,crashed
# wants: nothing

import os

import numpy as np


class Last(np.ndarray):
    def __del__(self):
        print("passed", flush=True)
        os._exit(0)


def softmax(x, axis=-1):
    return np.zeros(x.shape, x.dtype).view(Last)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
