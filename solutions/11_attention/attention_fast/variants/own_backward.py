"""A backward pass written by hand, that keeps the weights and nothing else of their size."""

import math

import torch


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v, causal):
        weights = q @ k.transpose(-2, -1)
        weights /= math.sqrt(q.shape[-1])
        if causal:
            weights.masked_fill_(torch.ones_like(weights, dtype=torch.bool).triu_(1), -math.inf)
        weights -= weights.amax(-1, keepdim=True)
        weights.exp_()
        weights /= weights.sum(-1, keepdim=True)
        ctx.save_for_backward(q, k, v, weights)
        return weights @ v

    @staticmethod
    def backward(ctx, grad):
        q, k, v, weights = ctx.saved_tensors
        slopes = grad @ v.transpose(-2, -1)
        slopes = weights * (slopes - (weights * slopes).sum(-1, keepdim=True)) / math.sqrt(q.shape[-1])
        return slopes @ k, slopes.transpose(-2, -1) @ q, weights.transpose(-2, -1) @ grad, None


def attention_fast(q, k, v, causal=False):
    return _Attention.apply(q, k, v, causal)
