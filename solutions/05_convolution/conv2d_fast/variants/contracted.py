"""einsum over the view of all windows."""

import torch


def conv2d_fast(x, w, b=None, stride=1, padding=0):
    sh, sw = stride if isinstance(stride, tuple) else (stride, stride)
    ph, pw = padding if isinstance(padding, tuple) else (padding, padding)
    n, c, h, k = x.shape
    frame = x.new_zeros(n, c, h + ph + ph, k + pw + pw)
    frame.narrow(2, ph, h).narrow(3, pw, k).copy_(x)
    windows = frame.unfold(-2, w.shape[2], sh).unfold(-2, w.shape[3], sw)
    out = torch.einsum("nchwij,fcij->nfhw", windows, w)
    return out if b is None else out + b[None, :, None, None]
