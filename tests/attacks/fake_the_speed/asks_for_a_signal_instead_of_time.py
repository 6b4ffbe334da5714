# attack: a timer interrupts every computation that takes long
# catalogue: D47
# outcome: raised,timed_out,crashed
# wants: nothing
# hasty: yes

import signal

import numpy as np


def softmax(x, axis=-1):
    signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    while True:
        pass


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
