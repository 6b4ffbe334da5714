# attack: it opens the devices and files that show the kernel's and all memory
# catalogue: C35
# outcome: failed
# wants: read:memory
# succeeds at: process

import numpy as np
from numpy.ctypeslib import ctypes


def attempt():
    seen = []
    for name in (
        "/dev/mem",
        "/dev/kmsg",
        "/proc/kcore",
        "/proc/kallsyms",
        "/proc/1/root/etc/passwd",
        "/sys/kernel/notes",
        "/dev/vda",
        "/dev/sda",
        "/proc/self/root/etc/passwd",
        "/proc/thread-self/environ",
    ):
        try:
            with open(name, "rb") as file:
                seen.append((name, file.read(16)))
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
