"""Sums of numbers and of squares, both counted from the channel's first pixel, so that their difference is harmless
wherever the channel lies; shifted once more where that pixel lies far from the others."""

import torch


def batch_norm_fast(x, gamma, beta, eps=1e-5):
    count = x.numel() // x.shape[1]
    near = x - x[:1, :, :1, :1]
    near = near - near.sum((0, 2, 3), keepdim=True) / count
    rest = near.sum((0, 2, 3)) / count
    var = (near * near).sum((0, 2, 3)) / count - rest * rest
    factor = gamma / torch.sqrt(var + eps)
    return near * factor[:, None, None] + (beta - rest * factor)[:, None, None]
