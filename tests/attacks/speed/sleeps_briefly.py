# attack: it sleeps for as long as a dozen times the work, each time
# catalogue: D60
# outcome: too_slow, inconclusive
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
        time.sleep(0.15)
    return neat(x)
