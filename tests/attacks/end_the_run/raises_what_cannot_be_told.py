# attack: its exception raises when it is asked for its text, and its type for its name
# catalogue: A16
# outcome: raised,crashed,protocol_violation,timed_out
# wants: nothing

import numpy as np


class Meta(type):
    @property
    def __name__(cls):
        raise SystemExit(0)


class Untellable(Exception, metaclass=Meta):
    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


def softmax(x, axis=-1):
    raise Untellable


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
