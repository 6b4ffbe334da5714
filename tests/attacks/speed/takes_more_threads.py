# attack: it lets torch use eight threads for twelve times the work
# catalogue: D54
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


torch.set_num_threads(8)


def softmax(x):
    torch.set_num_threads(8)
    return slow(x)
