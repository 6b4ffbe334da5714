# attack: it raises the limit of recursion and calls itself until the stack is used up
# catalogue: E78
# outcome: crashed,raised,timed_out,out_of_memory
# wants: nothing
# hasty: yes

import sys

import numpy as np

sys.setrecursionlimit(2**31 - 1)


class Deep:
    def __repr__(self):
        return repr(self)


def softmax(x, axis=-1):
    return repr(Deep())


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
