# attack: its result is a list that contains itself
# catalogue: B17
# outcome: failed,raised
# wants: nothing

import numpy as np


def softmax(x, axis=-1):
    result = []
    result.append(result)
    return result


def softmax_backward(grad, probs, axis=-1):
    result = {}
    result["result"] = result
    return result
