"""All four gates by one tanh, since sigmoid(z) is (1 + tanh(z / 2)) / 2; the halves go into the weights beforehand."""

import torch


def lstm_fast(x, h, c, w_x, w_h, b):
    (steps, n, _), units = x.shape, h.shape[1]
    half = torch.full_like(b, 0.5)
    half[2 * units : 3 * units] = 1.0
    rest = 1 - half
    z = torch.tensordot(x, w_x * half, dims=1) + b * half
    recurrent, outputs = w_h * half, []
    for t in range(steps):
        i, f, g, o = torch.addcmul(rest, torch.tanh(z[t] + h.mm(recurrent)), half).split(units, 1)
        c = f.mul(c).add(i.mul(g))
        h = o.mul(c.tanh())
        outputs.append(h)
    return torch.stack(outputs, 0), outputs[-1], c
