# attack: it writes files until something stops it, up to 200 megabytes
# catalogue: E69
# outcome: failed
# wants: write
# succeeds at: process

import os

import numpy as np


def attempt():
    written = 0
    for folder in ("@FOLDER@", os.environ["TMPDIR"], "/tmp", "/dev/shm", "/var/tmp"):
        try:
            for number in range(4):
                with open(os.path.join(folder, f"@SHM@-{number}"), "wb") as file:
                    file.truncate(10**7)
                    file.write(bytes(10**6))
                    written += 10**6
                if folder != "@FOLDER@":
                    os.unlink(os.path.join(folder, f"@SHM@-{number}"))
        except OSError as error:
            refused = error
    if not written:
        raise refused
    return written


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
