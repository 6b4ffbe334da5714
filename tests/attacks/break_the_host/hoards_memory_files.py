# attack: it holds more memory in files without names than its limit of memory
# catalogue: E68
# outcome: failed
# wants: memory
# succeeds at: process

import os

import numpy as np


def attempt():
    held = []
    for _ in range(300):
        file = os.memfd_create("hoard")
        os.truncate(file, 2**24)
        os.pwrite(file, b"x", 2**24 - 1)
        held.append(file)
    return f"{len(held) * 16} megabytes beside its limit"


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
