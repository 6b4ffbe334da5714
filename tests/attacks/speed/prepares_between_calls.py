# attack: a thread prepares results for inputs that it guesses, between the calls
# catalogue: D52
# outcome: too_slow
# wants: nothing
# check: fast
# implementation: right

import threading

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


prepared = {}


def prepare():
    seed = 0
    while True:
        x = torch.randn(2048, 256, generator=torch.Generator().manual_seed(seed))
        prepared[float(x[0, 0])] = neat(x)
        if len(prepared) > 20:
            prepared.clear()
        seed += 1


threading.Thread(target=prepare, daemon=True).start()


def softmax(x):
    return prepared.get(float(x.flatten()[0]), neat(x)) if x.ndim == 2 else neat(x)
