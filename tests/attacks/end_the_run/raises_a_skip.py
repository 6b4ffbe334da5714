# attack: it raises what test frameworks take for a skipped test
# catalogue: A16
# outcome: raised
# wants: nothing

import unittest

import numpy as np


class Skipped(unittest.SkipTest):
    pass


def softmax(x, axis=-1):
    raise Skipped("not for this platform")


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
