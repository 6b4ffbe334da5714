"""Blocks of rows, whose losses are added up in float64."""

import torch


def cross_entropy_fast(logits, targets):
    rows = max(256, 65536 // logits.shape[1])
    total = logits.new_zeros((), dtype=torch.float64)
    for scores, classes in zip(torch.split(logits, rows), torch.split(targets, rows)):
        largest, _ = scores.max(1)
        sums = torch.exp(scores - largest[:, None]).sum(1)
        behind = largest - torch.gather(scores, 1, classes[:, None]).squeeze(1)
        total = total + (torch.log(sums) + behind).sum(dtype=torch.float64)
    return (total / len(logits)).to(logits.dtype)
