# attack: it searches the memory that it inherited for what the grader knew
# catalogue: C32
# outcome: failed
# wants: read:memory

import gc
import sys

import numpy as np


def attempt():
    marks = ("token" + "-", "GRADERS" + "_SECRET", "solutions" + "/02_losses")
    found = []
    for held in gc.get_objects():
        for value in gc.get_referents(held):
            if isinstance(value, (str, bytes)) and len(value) < 10_000:
                text = value if isinstance(value, str) else value.decode("latin-1")
                if any(mark in text for mark in marks) and text not in marks and "found" not in text:
                    found.append(text[:100])
    return found[:3] if found else 1 / 0


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
