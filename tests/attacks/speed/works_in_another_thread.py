# attack: a thread does the slow work, and the one that was called only waits
# catalogue: D54
# outcome: too_slow
# wants: nothing
# check: fast
# implementation: right

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
    results = []
    thread = threading.Thread(target=lambda: results.append(slow(x)))
    thread.start()
    thread.join()
    return results[0]
