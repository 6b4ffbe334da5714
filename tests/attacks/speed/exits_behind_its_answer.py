# attack: it ends its process behind each answer, so that its processor time is gone
# catalogue: D47
# outcome: crashed,protocol_violation,too_slow
# wants: nothing
# check: fast
# implementation: right

import os
import threading

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def slow(x):
    for _ in range(11):
        neat(x)
    return neat(x)


def softmax(x):
    if x.numel() > 10_000:
        threading.Timer(0.3, os._exit, (0,)).start()
        return slow(x)
    return neat(x)
