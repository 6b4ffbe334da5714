# attack: it keeps results by the address of the input's memory
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
    key = x.data_ptr(), x.shape, x.dtype
    if key not in known:
        known[key] = slow(x)
    return known[key]
