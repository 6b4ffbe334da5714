"""As it stands in the textbook: scores, mask, softmax, average, each in a new tensor."""

import torch


def attention_fast(q, k, v, causal=False):
    scores = torch.matmul(q, k.mT) * q.shape[-1] ** -0.5
    if causal:
        n, m = scores.shape[-2:]
        seen = torch.arange(m, device=q.device) <= torch.arange(n, device=q.device)[:, None]
        scores = scores.masked_fill(~seen, float("-inf"))
    weights = torch.exp(scores - scores.max(-1, keepdim=True).values)
    weights = weights / weights.sum(-1, keepdim=True)
    return weights @ v
