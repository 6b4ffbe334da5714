# attack: it puts a module of its own in numpy's place for whoever imports it next
# catalogue: F84
# outcome: failed,crashed,protocol_violation,raised
# wants: nothing

import sys
import types

import numpy as np

fake = types.ModuleType("numpy")
fake.__dict__.update(np.__dict__)
fake.ascontiguousarray = fake.asarray = fake.array = lambda *args, **kwargs: np.full((2, 3), 0.5)
sys.modules["numpy"] = fake
for name in ("wire", "worker"):
    if name in sys.modules and hasattr(sys.modules[name], "np"):
        sys.modules[name].np = fake


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
