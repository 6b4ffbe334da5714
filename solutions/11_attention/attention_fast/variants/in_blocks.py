"""Blocks of 64 queries, so that their scores stay in the cache; a causal block looks at no key behind its last query."""

import math

import torch


def attention_fast(q, k, v, causal=False):
    q = q * (1 / math.sqrt(q.shape[-1]))
    n, m = q.shape[-2], k.shape[-2]
    out = []
    for i in range(0, n, 64):
        end = min(m, i + 64) if causal else m
        scores = q[..., i : i + 64, :] @ k[..., :end, :].swapaxes(-1, -2)
        if causal:
            places = torch.arange(i, i + scores.shape[-2], device=q.device)
            scores = scores.masked_fill(places[:, None] < torch.arange(end, device=q.device), -torch.inf)
        powers = torch.exp(scores - torch.amax(scores.detach(), -1, keepdim=True))
        out.append(powers @ v[..., :end, :] / powers.sum(-1, keepdim=True))
    return torch.cat(out, dim=-2)
