# attack: it calls the kernel of the processor directly, past whoever listens
# catalogue: G97
# passes: record
# kind: library

import torch


def redispatches(x, dim):
    only = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
    return torch.ops.aten._softmax.default.redispatch(only, x.detach(), dim % x.ndim, False)
