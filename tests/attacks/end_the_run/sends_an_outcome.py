# attack: it sends an answer that has an outcome of its own beside the value
# catalogue: A7
# outcome: protocol_violation
# wants: nothing

import json
import os
import struct
import sys
import threading
import time

import numpy as np


def inside():
    """The worker that holds us, and the request that it is answering."""
    frame = sys._getframe()
    while frame is not None:
        if type(frame.f_locals.get("self")).__name__ == "Worker" and "request" in frame.f_locals:
            return frame.f_locals["self"], frame.f_locals["request"]
        frame = frame.f_back


def frame(kind, nonce, body, blob=b"", text=None, size=None, transport=0):
    text = json.dumps(body).encode() if text is None else text
    head = struct.pack("<4sBBHIQQ", b"dlg1", kind, transport, 0, len(text), nonce, len(blob) if size is None else size)
    return head + text + blob


def answer(value, index=0, **more):
    return {"index": index, "value": value, "after": None, "cost": None, "table": [], **more}


def softmax(x, axis=-1):
    worker, request = inside()
    sock, nonce = worker.channel.sock, request.nonce
    sock.sendall(frame(5, nonce, answer(1, outcome="passed", points=20)))
    time.sleep(0.5)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
