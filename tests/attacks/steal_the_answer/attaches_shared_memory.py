# attack: it attaches a segment of System V shared memory by its key
# catalogue: C36
# outcome: failed
# wants: read:shared memory
# succeeds at: process

import errno
import os
import platform

import numpy as np
from numpy.ctypeslib import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def call(x86_64, aarch64, *args):
    """A system call by its number, past everything that Python would ask first."""
    number = {"x86_64": x86_64, "aarch64": aarch64}[platform.machine()]
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in args))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def reached(x86_64, aarch64, *args):
    """Whether the kernel looked at a call at all, whatever it then said to its arguments."""
    try:
        call(x86_64, aarch64, *args)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOSYS, errno.EACCES):
            raise


def attempt():
    libc.shmat.restype = ctypes.c_void_p
    held = libc.shmget(int("@KEY@"), 0, 0)
    if held < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return ctypes.string_at(libc.shmat(held, None, 0o10000), 40)


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
