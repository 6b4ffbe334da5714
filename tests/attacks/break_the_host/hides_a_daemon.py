# attack: it forks twice, leaves the session, and sheds the environment that it would be known by
# catalogue: E70
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
    reading, writing = os.pipe()
    child = libc.fork()
    if child < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if child == 0:
        libc.setsid()
        grandchild = libc.fork()
        if grandchild == 0:
            for number in range(3, 64):
                libc.close(number)
            empty = (ctypes.c_char_p * 1)(None)
            libc.execve(b"/bin/sleep", (ctypes.c_char_p * 3)(b"sleep", b"40", None), empty)
            libc._exit(1)
        with open("@FOLDER@/hidden.pid", "w") as file:
            file.write(str(grandchild))
        libc._exit(0)
    libc.waitpid(child, None, 0)
    return child


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
