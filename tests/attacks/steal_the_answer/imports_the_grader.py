# attack: it imports the grader, the checks and what they are made with
# catalogue: C34
# outcome: failed
# wants: read

import numpy as np


def attempt():
    found = []
    for name in ("dlgrade", "dlgrade.author", "dlgrade.checking.compare", "hypothesis", "checks"):
        try:
            __import__(name)
            found.append(name)
        except ImportError as error:
            refused = error
    if not found:
        raise refused
    return found


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
