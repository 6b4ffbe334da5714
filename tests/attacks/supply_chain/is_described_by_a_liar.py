# attack: its functions lie about their parameters when they are asked, and then never answer
# catalogue: F84
# outcome: failed,crashed,raised
# wants: nothing

import numpy as np


class Softmax:
    __name__ = "softmax"

    @property
    def __signature__(self):
        print("asked for its signature")
        raise SystemExit(0)

    def __call__(self, x, axis=-1):
        return np.zeros_like(x)


softmax = Softmax()


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
