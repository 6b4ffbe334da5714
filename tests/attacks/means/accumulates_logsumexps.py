# attack: it takes the last of the cumulative ones
# catalogue: G94
# kind: library

import torch


def accumulates_logsumexps(x, dim):
    return torch.exp(x - torch.logcumsumexp(x, dim).select(dim, -1).unsqueeze(dim))
