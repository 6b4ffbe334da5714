# attack: it connects to a port of this machine and sends what it knows
# catalogue: C44
# outcome: failed
# wants: network
# succeeds at: process

import socket

import numpy as np


def attempt():
    with socket.create_connection(("127.0.0.1", int("@PORT@")), timeout=2) as line:
        line.sendall(b"inputs")
    return "connected"


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
