"""The maxima in a first pass over the tiles, the sums in a second."""

import math

import torch


def _tiles(q, k, causal, start, size=200):
    for j in range(0, k.shape[-2], size):
        scores = torch.einsum("...id,...jd->...ij", q, k[..., j : j + size, :])
        if causal:
            keys = torch.arange(j, j + scores.shape[-1], device=q.device)
            queries = torch.arange(start, start + scores.shape[-2], device=q.device)
            scores = scores.masked_fill(keys > queries[:, None], -torch.inf)
        yield slice(j, j + size), scores


def attention_tiled(q, k, v, causal=False):
    scaled = q * q.shape[-1] ** -0.5
    result = []
    for start in range(0, q.shape[-2], 256):
        block = scaled[..., start : start + 256, :]
        most = None
        for _, scores in _tiles(block.detach(), k.detach(), causal, start):
            here = scores.max(-1, keepdim=True).values
            most = here if most is None else torch.maximum(most, here)
        out = 0
        # A column of ones beside the values, so that one product gives both sums.
        for part, scores in _tiles(block, k, causal, start):
            values = v[..., part, :]
            out = out + torch.exp(scores - most) @ torch.cat((values, torch.ones_like(values[..., :1])), -1)
        result.append(out[..., :-1] / out[..., -1:])
    return torch.cat(result, -2)
