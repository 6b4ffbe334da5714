# attack: it reads every descriptor that it may have inherited
# catalogue: C37
# outcome: failed
# wants: read:@SECRET@

import os
import stat

import numpy as np


def attempt():
    seen = []
    for number in range(200):
        try:
            if stat.S_ISREG(os.fstat(number).st_mode) or stat.S_ISDIR(os.fstat(number).st_mode):
                seen.append((number, os.pread(number, 60, 0) if stat.S_ISREG(os.fstat(number).st_mode) else "a folder"))
        except OSError as error:
            refused = error
    if not seen:
        raise refused
    return seen


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
