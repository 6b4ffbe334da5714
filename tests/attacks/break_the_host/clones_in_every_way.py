# attack: it makes processes by clone, vfork and clone3 with every odd set of flags
# catalogue: E66
# outcome: failed
# wants: fork
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
    made = []
    refused = None
    for flags in (17, 0x100 | 17, 0x4000 | 0x100 | 17, 0x8000 | 17, 0x10000000 | 17, 0x20000000 | 17, 0x2000000 | 17):
        child = (
            libc.syscall(
                ctypes.c_long({"x86_64": 56, "aarch64": 220}[platform.machine()]),
                ctypes.c_long(flags),
                None,
                None,
                None,
                None,
            )
            if not flags & 0x100
            else -1
        )
        if child == 0:
            libc._exit(0)
        if child > 0:
            made.append(flags)
        refused = refused or OSError(ctypes.get_errno(), "clone")
    arguments = ctypes.create_string_buffer(64)
    arguments[32:33] = b"\x11"
    child = libc.syscall(ctypes.c_long(435), arguments, ctypes.c_long(64))
    if child == 0:
        libc._exit(0)
    if child > 0:
        made.append("clone3")
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
