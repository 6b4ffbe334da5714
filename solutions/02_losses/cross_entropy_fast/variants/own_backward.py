"""A function with a backward of its own that turns one table from powers into the gradient."""

import torch


class CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, targets):
        largest = logits.amax(1, keepdim=True)
        powers = torch.sub(logits, largest).exp_()
        totals = powers.sum(1, keepdim=True)
        ctx.save_for_backward(powers, totals, targets)
        picked = logits.gather(1, targets.view(-1, 1))
        return torch.mean(totals.log() - (picked - largest))

    @staticmethod
    def backward(ctx, grad):
        powers, totals, targets = ctx.saved_tensors
        probs = powers / totals
        probs.scatter_add_(1, targets.view(-1, 1), -torch.ones_like(totals))
        return probs * (grad / len(targets)), None


def cross_entropy_fast(logits, targets):
    return CrossEntropy.apply(logits, targets)
