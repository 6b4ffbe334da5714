# attack: it connects to a socket that has no file, such as desktops have
# catalogue: C44
# outcome: failed
# wants: network
# succeeds at: process

import socket

import numpy as np


def attempt():
    with socket.socket(socket.AF_UNIX) as line:
        line.connect("\0@ABSTRACT@")
    return "connected"


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
