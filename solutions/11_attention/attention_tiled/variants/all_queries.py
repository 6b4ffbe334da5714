"""Tiles of 64 keys for all queries at once, nothing in place, the output normalised after every tile."""

import math

import torch


def attention_tiled(q, k, v, causal=False):
    n, d = q.shape[-2:]
    level = torch.full_like(q[..., :1], -math.inf)  # the logarithm of the sum of exponentials so far
    out = torch.zeros_like(v[..., :1, :]).expand(*q.shape[:-1], v.shape[-1])
    places = torch.arange(max(n, k.shape[-2]), device=q.device)
    for j, (keys, values) in enumerate(zip(k.split(64, dim=-2), v.split(64, dim=-2))):
        scores = q @ keys.mT / d**0.5
        if causal:
            seen = places[64 * j : 64 * j + keys.shape[-2]] <= places[:n, None]
            scores = torch.where(seen, scores, -math.inf)
        most = scores.amax(-1, keepdim=True).clamp(min=torch.finfo(q.dtype).min).detach()
        powers = torch.exp(scores - most)
        total = powers.sum(-1, keepdim=True)
        here = torch.log(total.clamp(min=torch.finfo(q.dtype).tiny)) + most
        here = torch.where(total > 0, here, -math.inf)
        together = torch.logaddexp(level, here)
        share = torch.exp(here - together)
        out = out * (1 - share) + powers @ values / total.clamp(min=torch.finfo(q.dtype).tiny) * share
        level = together
    return out
