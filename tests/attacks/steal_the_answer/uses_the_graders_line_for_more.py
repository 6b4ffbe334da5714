# attack: it sends a file descriptor over the grader's own line, which the grader would then hold
# catalogue: C44
# outcome: protocol_violation
# wants: nothing

import array
import os
import socket
import sys
import time

import numpy as np


def softmax(x, axis=-1):
    frame = sys._getframe()
    while type(frame.f_locals.get("self")).__name__ != "Worker":
        frame = frame.f_back
    sock = frame.f_locals["self"].channel.sock
    for _ in range(50):
        sock.sendmsg([b" "], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1] * 4))])
    time.sleep(0.5)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
