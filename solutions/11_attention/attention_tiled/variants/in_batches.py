"""Leading dimensions in one, exp2, sums accumulated in place by baddbmm, tiles of 192 keys for 256 queries, from the
last keys to the first."""

import math

import torch


def attention_tiled(q, k, v, causal=False):
    n, d, m, e = *q.shape[-2:], *v.shape[-2:]
    qs = q.reshape(-1, n, d) * (math.log2(math.e) / d**0.5)
    ks, vs = k.reshape(-1, m, d).permute(0, 2, 1), v.reshape(-1, m, e)
    rows = []
    for start in range(0, n, 256):
        block = qs[:, start : start + 256]
        size = block.shape[1]
        end = min(m, start + size) if causal else m
        most = torch.full((len(qs), size, 1), torch.finfo(q.dtype).min, dtype=q.dtype, device=q.device)
        total = torch.zeros_like(most)
        out = q.new_zeros(len(qs), size, e)
        for first in reversed(range(0, end, 192)):
            last = min(first + 192, end)
            scores = torch.bmm(block, ks[:, :, first:last])
            if causal:
                late = (
                    torch.arange(first, last, device=q.device)
                    > torch.arange(start, start + size, device=q.device)[:, None]
                )
                scores = scores.masked_fill(late, -torch.inf)
            larger = torch.maximum(most, scores.detach().amax(2, keepdim=True))
            powers = torch.exp2(scores - larger)
            factor = torch.exp2(most - larger)
            total = total.mul_(factor).add_(powers.sum(2, keepdim=True))
            out = out.mul_(factor).baddbmm_(powers, vs[:, first:last])
            most = larger
        rows.append(out / total)
    return torch.cat(rows, 1).reshape(*q.shape[:-1], e)
