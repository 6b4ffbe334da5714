# attack: it loads the library's machine code
# catalogue: G95
# outcome: raised
# wants: softmax of a library

import glob

import numpy as np
from numpy.ctypeslib import ctypes


def softmax(x, axis=-1):
    for name in (
        *glob.glob("@SITE@/torch/lib/libtorch_cpu.so"),
        *glob.glob("@SITE@/scipy/special/*.so"),
        "@SITE@/x.so",
    ):
        ctypes.CDLL(name)
        print("SUCCESS: loaded", name)
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
