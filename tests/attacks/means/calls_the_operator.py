# attack: it calls the operator below the function
# catalogue: G93
# kind: library

import torch


def calls_the_operator(x, dim):
    return torch.ops.aten._softmax(x, dim, False)
