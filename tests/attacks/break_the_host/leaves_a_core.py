# attack: it asks for a core dump and crashes
# catalogue: E81
# outcome: failed
# wants: write
# succeeds at: process

import os
import resource

import numpy as np


def attempt():
    resource.setrlimit(resource.RLIMIT_CORE, (2**20, resource.RLIM_INFINITY))
    os.chdir("@FOLDER@")
    return "a core would be written"


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
