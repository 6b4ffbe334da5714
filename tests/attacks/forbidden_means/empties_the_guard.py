# attack: it finds the guard of imports among all objects and lets it permit everything
# catalogue: G99
# outcome: raised
# outcome[process]: passed,raised
# wants: softmax of a library
# succeeds at: process

import gc
import os
import sys
from pathlib import Path

import numpy as np

for function in gc.get_objects():
    if getattr(function, "__name__", "") in ("guard", "foreign") and getattr(function, "__closure__", None):
        for name, cell in zip(function.__code__.co_freevars, function.__closure__):
            if name == "allowed":
                cell.cell_contents = type("All", (), {"__contains__": lambda self, name: True})()
            if name == "own":
                cell.cell_contents.append(Path("/"))
            if name == "processes":
                cell.cell_contents = ("nothing",)
sys.path.append("@SITE@")
sys.path_importer_cache.clear()
load = vars(sys.modules["builtins"])["__imp" + "ort__"]


def softmax(x, axis=-1):
    return load("sci" + "py.special", fromlist=["softmax"]).softmax(x, axis)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
