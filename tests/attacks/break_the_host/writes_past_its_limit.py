# attack: it writes a file that is larger than it may be
# catalogue: E69
# outcome: failed
# wants: write

import os
import signal

import numpy as np


def attempt():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(os.path.join(os.environ["TMPDIR"], "large"), "wb") as file:
        file.seek(2**32)
        file.write(b"x")
    return "four gigabytes"


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
