# attack: it traces every line of the worker, and returns from its functions early
# catalogue: D56
# outcome: failed
# wants: nothing

import sys

import numpy as np


def trace(frame, event, argument):
    if frame.f_code.co_name in ("returned", "pack"):
        for name, value in frame.f_locals.items():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                value[...] = 0.5
    return trace


def softmax(x, axis=-1):
    sys.settrace(trace)
    sys.setprofile(trace)
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
