"""The dimension moved to the end, one reciprocal for each slice, the sum by a product with ones."""

import torch


def softmax_fast(x, dim=-1):
    moved = torch.movedim(x, dim, -1)
    powers = torch.exp(moved - torch.amax(moved, -1, keepdim=True))
    total = powers @ powers.new_ones(moved.shape[-1], 1) if moved.ndim > 1 else powers.sum().reshape(1)
    return torch.movedim(powers * total.reciprocal(), -1, dim)
