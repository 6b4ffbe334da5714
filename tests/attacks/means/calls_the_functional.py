# attack: it calls torch.nn.functional.softmax
# catalogue: G91
# kind: library

import torch.nn.functional as functional


def calls_the_functional(x, dim):
    return functional.softmax(x, dim)
