# attack: a declared encoding turns what looks like a comment into code that calls what is forbidden
# -*- coding: raw_unicode_escape -*-
# catalogue: F88
# outcome: raised
# outcome[process]: forbidden
# outcome[landlock]: forbidden
# outcome[strict]: forbidden
# wants: nothing
# check: permitted

import numpy as np

# \u000afrom scipy.special import softmax


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
