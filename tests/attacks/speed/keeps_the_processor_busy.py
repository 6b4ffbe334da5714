# attack: its threads work on between calls, to slow the baseline down
# catalogue: D59
# outcome: too_slow
# wants: nothing
# check: fast
# implementation: right

import threading

import torch


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


started = []


def spin():
    noise = torch.zeros(1 << 20)
    while True:
        noise.add_(1.0)


def softmax(x):
    if x.numel() > 10_000 and not started:
        started.extend(threading.Thread(target=spin, daemon=True) for _ in range(2))
        for thread in started:
            thread.start()
    return neat(x)
