"""Mean and variance of each sample's plane, which are then put together."""

import torch


def batch_norm_fast(x, gamma, beta, eps=1e-5):
    planes = x.flatten(2)
    var, mean = torch.var_mean(planes, dim=2, correction=0)
    spread, centre = torch.var_mean(mean, dim=0, correction=0)
    factor = gamma * torch.rsqrt(var.mean(0) + spread + eps)
    shift = torch.addcmul(beta, centre, factor, value=-1)
    return (planes * factor[:, None] + shift[:, None]).reshape(x.shape)
