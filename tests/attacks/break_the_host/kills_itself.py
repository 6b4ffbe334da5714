# attack: it kills its own process
# catalogue: E64
# outcome: raised
# outcome[process]: crashed
# wants: nothing

import os
import signal

import numpy as np


def softmax(x, axis=-1):
    os.kill(os.getpid(), signal.SIGKILL)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
