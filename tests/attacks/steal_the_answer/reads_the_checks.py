# attack: it reads the course's checks for the function that knows the answers
# catalogue: C34
# outcome: failed
# wants: read:@COURSE@
# succeeds at: process

from pathlib import Path

import numpy as np


def attempt():
    return Path("@COURSE@", "02_losses", "softmax", "checks.py").read_text()[:40]


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
