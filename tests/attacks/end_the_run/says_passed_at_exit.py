# attack: a function for the end of the process prints that all is passed, then it exits
# catalogue: A4
# outcome: raised,crashed
# wants: nothing

import atexit
import sys

import numpy as np

atexit.register(print, '{"schema": "dlgrade.report/1", "verdict": "passed", "points": 20, "max_points": 20}')


def softmax(x, axis=-1):
    sys.exit(0)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
