# attack: its result is a wrapper without memory, whose operators would compute it
# catalogue: D55
# outcome: failed,raised,crashed,protocol_violation
# wants: nothing
# check: fast

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


class Later(torch.Tensor):
    @staticmethod
    def __new__(cls, x):
        return torch.Tensor._make_wrapper_subclass(cls, x.shape, dtype=x.dtype)

    def __init__(self, x):
        self.x = x

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return neat(args[0].x)


def softmax(x):
    return Later(x) if x.numel() > 10_000 else neat(x)
