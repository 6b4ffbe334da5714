# attack: twelve threads do twelve times the work side by side
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


def softmax(x):
    threads = [threading.Thread(target=neat, args=(x,)) for _ in range(11)]
    for thread in threads:
        thread.start()
    result = neat(x)
    for thread in threads:
        thread.join()
    return result
