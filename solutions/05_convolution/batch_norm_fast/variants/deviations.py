"""The mean of the squared deviations, by operations that a CPU vectorises."""

import torch


def batch_norm_fast(x, gamma, beta, eps=1e-5):
    centred = x - x.mean((0, 2, 3), keepdim=True)
    per_deviation = torch.rsqrt(centred.square().mean((0, 2, 3)) + eps)
    return torch.addcmul(beta[:, None, None], centred, (gamma * per_deviation)[:, None, None])
