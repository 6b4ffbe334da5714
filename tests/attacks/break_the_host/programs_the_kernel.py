# attack: it loads programs and modules into the kernel, or asks for its counters
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
        lambda: reached(321, 280, 0, 0, 0),  # bpf
        lambda: reached(298, 241, 0, 0, -1, -1, 0),  # perf_event_open
        lambda: reached(175, 105, 0, 0, 0),  # init_module
        lambda: reached(313, 273, -1, 0, 0),  # finit_module
        lambda: reached(246, 104, 0, 0, 0, 0),  # kexec_load
        lambda: reached(323, 282, 0xFFFF),  # userfaultfd
        lambda: reached(317, 277, 99, 0, 0),  # seccomp
        lambda: reached(444, 444, 0, 0, 0),  # landlock_create_ruleset
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
