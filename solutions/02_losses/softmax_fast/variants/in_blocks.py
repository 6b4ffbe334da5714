"""Blocks of slices, so that what is in between stays in the processor's cache."""

import torch

BLOCK = 1 << 18


def _rows(x):
    powers = torch.sub(x, x.amax(1, keepdim=True)).exp()
    return torch.div(powers, powers.sum(1, keepdim=True))


def softmax_fast(x, dim=-1):
    moved = x.transpose(dim, -1)
    rows = moved.reshape(-1, x.shape[dim])
    block = max(64, BLOCK // rows.shape[1])
    return torch.cat([_rows(part) for part in rows.split(block)]).view(moved.shape).transpose(dim, -1)
