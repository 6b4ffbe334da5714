# attack: it fills the caches and holds on to memory, to slow the baseline down, and is slow itself
# catalogue: D59
# outcome: too_slow,out_of_memory
# wants: nothing
# check: fast
# implementation: right

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def slow(x):
    for _ in range(11):
        neat(x)
    return neat(x)


hoard = []


def softmax(x):
    if x.numel() > 10_000 and len(hoard) < 8:
        hoard.append(torch.ones(1 << 23))
    for held in hoard[:2]:
        held.add_(1.0)
    return slow(x)
