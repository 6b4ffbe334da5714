"""A backward pass written by hand, that computes each tile again: what training holds is linear in the length too."""

import math

import torch


def _scores(q, k, i, j, causal):
    scores = q @ k.transpose(-2, -1)
    scores /= math.sqrt(q.shape[-1])
    if causal and j + k.shape[-2] > i + 1:
        scores.masked_fill_(
            torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu_(i - j + 1), -math.inf
        )
    return scores


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v, causal, side):
        out = q.new_empty(*q.shape[:-1], v.shape[-1])
        level = q.new_empty(*q.shape[:-1], 1)
        for i in range(0, q.shape[-2], side):
            block = q[..., i : i + side, :]
            most, total, part = -math.inf, 0, 0
            for j in range(0, k.shape[-2], side):
                if causal and j >= i + side:
                    break
                scores = _scores(block, k[..., j : j + side, :], i, j, causal)
                larger = scores.amax(-1, keepdim=True).clamp(min=most)
                powers = (scores - larger).exp_()
                shrink = torch.exp(most - larger)
                total = total * shrink + powers.sum(-1, keepdim=True)
                part = part * shrink + powers @ v[..., j : j + side, :]
                most = larger
            out[..., i : i + side, :] = part / total
            level[..., i : i + side, :] = most + total.log()
        ctx.save_for_backward(q, k, v, out, level)
        ctx.causal, ctx.side = causal, side
        return out

    @staticmethod
    def backward(ctx, grad):
        q, k, v, out, level = ctx.saved_tensors
        side = ctx.side
        dq, dk, dv = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
        mean = (grad * out).sum(-1, keepdim=True)
        for i in range(0, q.shape[-2], side):
            at = slice(i, i + side)
            for j in range(0, k.shape[-2], side):
                of = slice(j, j + side)
                weights = torch.exp(_scores(q[..., at, :], k[..., of, :], i, j, ctx.causal) - level[..., at, :])
                slopes = weights * (grad[..., at, :] @ v[..., of, :].transpose(-2, -1) - mean[..., at, :])
                slopes /= math.sqrt(q.shape[-1])
                dv[..., of, :] += weights.transpose(-2, -1) @ grad[..., at, :]
                dq[..., at, :] += slopes @ k[..., of, :]
                dk[..., of, :] += slopes.transpose(-2, -1) @ q[..., at, :]
        return dq, dk, dv, None, None


def attention_tiled(q, k, v, causal=False):
    return _Attention.apply(q, k, v, causal, 256)
