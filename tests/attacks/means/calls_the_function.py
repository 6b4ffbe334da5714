# attack: it calls torch.softmax
# catalogue: G91
# kind: library

import torch


def calls_the_function(x, dim):
    return torch.softmax(x, dim)
