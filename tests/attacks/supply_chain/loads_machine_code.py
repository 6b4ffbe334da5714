# attack: it loads machine code from a file without a name
# catalogue: F84
# outcome: failed
# wants: fork
# succeeds at: process, landlock

import errno
import os
import platform

import numpy as np
from numpy.ctypeslib import ctypes
import numpy.linalg._umath_linalg as library


def attempt():
    with open(library.__file__, "rb") as file:
        code = file.read()
    held = os.memfd_create("library")
    os.write(held, code)
    ctypes.CDLL(f"/proc/self/fd/{held}")
    return "loaded"


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
