# attack: it raises its own limits, and then takes what it likes
# catalogue: E68
# outcome: failed
# wants: memory
# succeeds at: process

import resource

import numpy as np


def attempt():
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    np.empty(2**29)  # never touched
    return "four gigabytes"


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
