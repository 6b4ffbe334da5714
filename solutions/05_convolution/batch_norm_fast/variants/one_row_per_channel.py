"""A table with one row for each channel, and the norm of what is left of it without its mean."""

import torch


def batch_norm_fast(x, gamma, beta, eps=1e-5):
    n, c, height, width = x.shape
    rows = x.transpose(0, 1).reshape(c, n * height * width)
    centred = rows - rows.mean(1, keepdim=True)
    var = torch.einsum("ci,ci->c", centred, centred) / rows.shape[1]
    out = centred * (gamma / (var + eps) ** 0.5).unsqueeze(1) + beta.unsqueeze(1)
    return out.unflatten(1, (n, height, width)).transpose(0, 1)
