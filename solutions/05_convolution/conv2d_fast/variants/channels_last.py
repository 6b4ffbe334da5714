"""Channels last: windows of (kh, kw, C), so that a copy takes all channels of a pixel in one piece; padding by cat."""

import torch


def conv2d_fast(x, w, b=None, stride=1, padding=0):
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, _, width = x.shape
    f, _, kh, kw = w.shape
    image = x.permute(0, 2, 3, 1)
    beam = image.new_zeros((n, ph, width, c))
    image = torch.cat([beam, image, beam], dim=1)
    post = image.new_zeros((n, image.shape[1], pw, c))
    image = torch.cat([post, image, post], dim=2)
    windows = image.unfold(1, kh, sh).unfold(2, kw, sw)
    rows = windows.permute(0, 1, 2, 4, 5, 3).flatten(3)
    out = rows @ w.permute(2, 3, 1, 0).reshape(-1, f)
    return (out if b is None else out + b).movedim(3, 1)
