# attack: its module's dictionary gives other functions at each look
# catalogue: F84
# outcome: failed,raised,protocol_violation,crashed
# wants: nothing

import sys

import numpy as np


class Dictionary(dict):
    def __getitem__(self, name):
        print("SUCCESS: it was asked for", name) if name == "passed" else None
        return dict.get(self, name, lambda *args, **kwargs: True)


frame = sys._getframe()
while frame is not None:
    worker = frame.f_locals.get("self")
    if type(worker).__name__ == "Worker":
        worker.module = type("Module", (), {"__dict__": Dictionary(globals())})()
        worker.file = "../../../etc/passwd"
        worker.lines = ["passed"] * 100
    frame = frame.f_back


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
