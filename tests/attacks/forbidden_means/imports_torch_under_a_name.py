# attack: it imports the answer under the name of something else
# catalogue: G91
# outcome: forbidden
# wants: softmax of a library
# check: permitted

import torch.nn.functional as numbers

import numpy as np


def softmax(x, axis=-1):
    return numbers.softmax(numbers.torch.tensor(x), axis).numpy()


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
