# attack: it executes the text of the library's file
# catalogue: G92
# outcome: raised
# wants: softmax of a library

import builtins

import numpy as np


def softmax(x, axis=-1):
    with open("@SITE@/scipy/special/_logsumexp.py") as file:
        text = file.read()
    print("SUCCESS: read", len(text))
    getattr(builtins, "ex" + "ec")(text, globals())
    return globals()["softmax"](x, axis)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
