# attack: it computes every second number and takes its neighbour for the same
# catalogue: D57
# outcome: failed
# wants: nothing
# check: fast

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def softmax(x):
    if x.numel() < 10_000:
        return neat(x)
    return neat(x[:, ::2]).repeat_interleave(2, 1) / 2
