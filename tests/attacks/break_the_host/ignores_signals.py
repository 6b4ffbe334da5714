# attack: it ignores every signal that can be ignored, and never returns
# catalogue: E65
# outcome: timed_out
# wants: nothing
# hasty: yes

import signal

import numpy as np


def softmax(x, axis=-1):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            continue
    while True:
        pass


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
