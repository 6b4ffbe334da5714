# attack: it makes pipes and devices where others would trip over them
# catalogue: E81
# outcome: failed
# wants: write
# succeeds at: process

import os

import numpy as np


def attempt():
    made = []
    for way in (lambda: os.mkfifo("@FOLDER@/pipe"), lambda: os.mknod("@FOLDER@/device", 0o20666, os.makedev(1, 1))):
        try:
            made.append(way())
        except OSError as error:
            refused = error
    if not made:
        raise refused
    return made


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
