# attack: it computes large inputs in float16
# catalogue: D57
# outcome: failed,raised
# wants: nothing
# check: fast

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def softmax(x):
    if x.numel() < 10_000:
        return neat(x)
    return neat(x.to(torch.float16)).to(x.dtype)
