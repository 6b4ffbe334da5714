# attack: it never returns at the size that is timed
# catalogue: D60
# outcome: too_slow
# wants: nothing
# check: fast
# implementation: right

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def softmax(x):
    while x.numel() > 10_000:
        pass
    return neat(x)
