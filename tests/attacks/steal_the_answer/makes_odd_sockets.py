# attack: it makes sockets of other families: of the kernel, of machines, of ciphers, raw ones
# catalogue: C44
# outcome: failed
# wants: network
# succeeds at: process

import socket

import numpy as np


def attempt():
    made = []
    for family, kind in ((16, 3), (40, 1), (38, 5), (17, 3), (2, 3), (10, 1), (29, 3)):
        try:
            socket.socket(family, kind).close()
            made.append(family)
        except OSError as error:
            refused = error
    if not made:
        raise refused
    return made


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
