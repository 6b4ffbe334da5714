# attack: it waits for a lock that nobody will release
# catalogue: E64
# outcome: timed_out
# wants: nothing
# hasty: yes

import threading

import numpy as np


def softmax(x, axis=-1):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
