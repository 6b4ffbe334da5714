# attack: it is slow once for each first element
# catalogue: D50
# outcome: too_slow,failed
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


known = {}


def softmax(x):
    key = float(x.flatten()[0]), x.shape, x.dtype
    if key not in known:
        known[key] = slow(x)
    return known[key]
