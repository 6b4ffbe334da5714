# attack: it calls an overload of the operator
# catalogue: G93
# kind: library

import torch


def calls_an_overload(x, dim):
    return torch.ops.aten.softmax.int(x, dim)
