# attack: it reads the users of this machine and their keys
# catalogue: C33
# outcome: failed
# wants: read:/etc/passwd
# succeeds at: process

import os
from pathlib import Path

import numpy as np


def attempt():
    seen = []
    for name in (
        "/etc/passwd",
        "/etc/shadow",
        os.path.expanduser("~root/.ssh/id_rsa"),
        "/etc/hostname",
        "/etc/ssl/openssl.cnf",
    ):
        try:
            seen.append(Path(name).read_text()[:20])
        except OSError as error:
            refused = error
    if not seen:
        raise refused
    return seen


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
