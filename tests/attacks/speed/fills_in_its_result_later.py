# attack: it returns at once, and a thread writes the result into the tensor that was returned
# catalogue: D54
# outcome: failed
# wants: nothing
# check: fast

import threading
import time

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def fill(result, x):
    time.sleep(0.5)
    result.copy_(neat(x))


def softmax(x):
    if x.numel() < 10_000:
        return neat(x)
    result = torch.zeros_like(x)
    threading.Thread(target=fill, args=(result, x), daemon=True).start()
    return result
