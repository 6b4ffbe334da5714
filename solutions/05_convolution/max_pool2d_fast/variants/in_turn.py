"""Columns of pixels and then rows of them, each a reduction over a view of sliding pieces."""

import torch


def _two(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _framed(x, dim, amount):
    shape = list(x.shape)
    shape[dim] = amount
    edge = torch.full(shape, -torch.inf, dtype=x.dtype, device=x.device)
    return torch.cat((edge, x, edge), dim=dim)


def max_pool2d_fast(x, kernel, stride=None, padding=0):
    sizes, frames = _two(kernel), _two(padding)
    steps = sizes if stride is None else _two(stride)
    for dim, size, step, frame in zip((2, 3), sizes, steps, frames):
        x = _framed(x, dim, frame).unfold(dim, size, step).amax(dim=-1)
    return x
