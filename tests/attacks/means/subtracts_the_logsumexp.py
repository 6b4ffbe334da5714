# attack: it takes exp(x - logsumexp(x))
# catalogue: G94
# kind: library

import torch


def subtracts_the_logsumexp(x, dim):
    return torch.exp(x - torch.logsumexp(x, dim, keepdim=True))
