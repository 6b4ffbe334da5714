# attack: it is slow once for each input, and keeps results by all its bytes
# catalogue: D50
# outcome: too_slow
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
    key = hash(x.contiguous().numpy().tobytes())
    if key not in known:
        known[key] = slow(x)
    return known[key]
