# attack: it reads what others have put into /dev/shm
# catalogue: C36
# outcome: failed
# wants: read:/dev/shm
# succeeds at: process

import os

import numpy as np


def attempt():
    with open("/dev/shm/@SHM@") as file:
        return file.read(), os.listdir("/dev/shm")


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
