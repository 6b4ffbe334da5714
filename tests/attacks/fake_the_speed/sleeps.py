# attack: it sleeps, so that it uses no processor time while others wait
# catalogue: D60
# outcome: timed_out
# wants: nothing
# hasty: yes

import time

import numpy as np


def softmax(x, axis=-1):
    time.sleep(1000)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
