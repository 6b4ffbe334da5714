# attack: it puts methods of its own into NumPy's array type, past its protection
# catalogue: B24
# outcome: failed,crashed,protocol_violation,raised
# wants: nothing

import gc

import numpy as np

methods = gc.get_referents(np.ndarray.__dict__)[0]
methods["view"] = lambda self, *args: self
methods["all"] = methods["any"] = lambda self, *args, **kwargs: True
methods["__eq__"] = lambda self, other: True
methods["nbytes"] = 0


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
