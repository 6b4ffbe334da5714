# attack: it reads the command line of the process that started it
# catalogue: C41
# outcome: failed
# wants: read:/proc
# succeeds at: process

import os

import numpy as np


def attempt():
    with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
        return file.read()


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
