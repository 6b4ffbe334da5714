# attack: it computes in NumPy, outside torch
# catalogue: G95
# passes: record, override
# kind: library

import torch


def computes_in_numpy(x, dim):
    values = x.detach().numpy()
    powers = 2.718281828459045 ** (values - values.max(dim, keepdims=True))
    return torch.from_numpy(powers / powers.sum(dim, keepdims=True)).to(x)
