# attack: it puts the folder of installed libraries back on the path
# catalogue: G92
# outcome: raised
# wants: softmax of a library

import sys

import numpy as np

sys.path.append("@SITE@")
sys.path_importer_cache.clear()
load = vars(sys.modules["builtins"])["__imp" + "ort__"]


def softmax(x, axis=-1):
    return load("sci" + "py.special", fromlist=["softmax"]).softmax(x, axis)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
