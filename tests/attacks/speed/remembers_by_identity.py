# attack: it keeps results by the identity of the input
# catalogue: D48
# outcome: failed,too_slow
# wants: nothing
# check: fast

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
    if x.numel() < 10_000:
        return neat(x)
    if id(x) not in known:
        known[id(x)] = slow(x)
    return known[id(x)]
