# attack: it sleeps for two seconds, which takes no processor time
# catalogue: D60
# outcome: too_slow
# wants: nothing
# check: fast
# implementation: right

import time

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def softmax(x):
    if x.numel() > 10_000:
        time.sleep(2)
    return neat(x)
