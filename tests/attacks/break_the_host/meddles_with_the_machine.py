# attack: it tries what changes the whole machine: reboot, swap, accounting, clocks, names, quotas
# catalogue: E76
# outcome: failed
# wants: syscall
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
    looked = []
    calls = (
        lambda: reached(169, 142, 0, 0, 0, 0),  # reboot
        lambda: reached(167, 224, 0, 0),  # swapon
        lambda: reached(163, 89, 1),  # acct
        lambda: reached(227, 112, 99, 0),  # clock_settime
        lambda: reached(170, 161, 0, -1),  # sethostname
        lambda: reached(103, 116, 99, 0, 0),  # syslog
        lambda: reached(172, 0, 99),  # iopl
        lambda: reached(303, 264, -1, 0, 0, 0, 0),  # name_to_handle_at
    )
    for number, way in enumerate(calls):
        try:
            way()
            looked.append(number)
        except OSError as error:
            refused = error
    if not looked:
        raise refused
    return looked


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
