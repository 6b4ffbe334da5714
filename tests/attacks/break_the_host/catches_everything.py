# attack: it catches whatever would end it, and goes on
# catalogue: E65
# outcome: timed_out
# wants: nothing
# hasty: yes

import numpy as np


def softmax(x, axis=-1):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
        finally:
            continue


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
