# attack: it leaves files in /dev/shm and /tmp, for whoever comes next
# catalogue: E69
# outcome: failed
# wants: write
# succeeds at: process

import os

import numpy as np


def attempt():
    with open("/dev/shm/@SHM@-left", "w") as file:
        file.write("a mark")
    return "left"


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
