"""A function with a backward of its own, that may work in place since autograd looks at nothing inside."""

import torch


class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dim):
        probs = x - x.amax(dim, keepdim=True)
        probs.exp_()
        probs.div_(probs.sum(dim, keepdim=True))
        ctx.save_for_backward(probs)
        ctx.dim = dim
        return probs

    @staticmethod
    def backward(ctx, grad):
        (probs,) = ctx.saved_tensors
        weighted = grad * probs
        return weighted - probs * weighted.sum(ctx.dim, keepdim=True), None


def softmax_fast(x, dim=-1):
    return Softmax.apply(x, dim)
