# attack: a short constant expression would fill the memory when it is compiled
# catalogue: F88
# outcome: failed,raised,out_of_memory,timed_out,crashed
# wants: nothing

import numpy as np

passed = (((1 << 65536, 2) * 100, 3) * 100, 4) * 100
# @U+000A@passed = @60*(lambda: @0@60*)*@


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
