# attack: it stops its process, which then neither works nor ends
# catalogue: E64
# outcome: raised
# outcome[process]: timed_out
# wants: nothing
# hasty: yes

import os
import signal

import numpy as np


def softmax(x, axis=-1):
    os.kill(os.getpid(), signal.SIGSTOP)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
