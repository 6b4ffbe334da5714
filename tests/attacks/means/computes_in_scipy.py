# attack: it takes another library's
# catalogue: G95
# kind: library
# never: the worker has no other library

import torch


def computes_in_scipy(x, dim):
    from scipy import special

    return torch.from_numpy(special.softmax(x.detach().numpy(), dim))
