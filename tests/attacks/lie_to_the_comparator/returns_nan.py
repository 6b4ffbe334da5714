# attack: it returns NaN, which is neither more nor less than any tolerance
# catalogue: B20
# outcome: failed
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    return np.full_like(x, np.nan)


def softmax_backward(grad, probs, axis=-1):
    return np.full_like(probs, np.nan)
