# attack: it calls the one among the special functions
# catalogue: G94
# kind: library

import torch


def calls_a_special_function(x, dim):
    return torch.special.softmax(x, dim)
