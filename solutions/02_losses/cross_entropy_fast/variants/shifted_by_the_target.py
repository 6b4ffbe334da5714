"""The target's score taken from all others first; what remains is the logarithm of a sum."""

import torch


def cross_entropy_fast(logits, targets):
    ahead = logits - torch.take_along_dim(logits, targets.unsqueeze(1), dim=1)
    most = ahead.amax(1)
    powers = ahead.sub(most.unsqueeze(1)).exp_()
    return (most + powers.sum(1).log()).sum() / logits.size(0)
