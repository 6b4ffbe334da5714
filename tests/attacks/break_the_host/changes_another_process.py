# attack: it changes the limits, the priority and the processors of another process
# catalogue: E72
# outcome: failed
# wants: signal
# succeeds at: process

import os
import resource

import numpy as np


def attempt():
    for way in (
        lambda: resource.prlimit(int("@PID@"), resource.RLIMIT_NOFILE, (3, 3)),
        lambda: os.setpriority(os.PRIO_PROCESS, int("@PID@"), 19),
        lambda: os.sched_setaffinity(int("@PID@"), {0}),
    ):
        try:
            way()
        except OSError as error:
            refused = error
            continue
        return "changed"
    raise refused


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
