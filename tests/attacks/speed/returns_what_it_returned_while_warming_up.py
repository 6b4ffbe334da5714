# attack: it computes once at the size that is timed, and returns that ever after
# catalogue: D51
# outcome: failed
# wants: nothing
# check: fast

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


kept = None


def softmax(x):
    global kept
    if x.numel() < 10_000:
        return neat(x)
    kept = neat(x) if kept is None else kept
    return kept
