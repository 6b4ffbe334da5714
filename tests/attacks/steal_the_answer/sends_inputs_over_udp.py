# attack: it sends a datagram, which needs no connection
# catalogue: C44
# outcome: failed
# wants: network
# succeeds at: process

import socket

import numpy as np


def attempt():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(b"inputs", ("127.0.0.1", int("@UDP@")))
    return "sent"


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
