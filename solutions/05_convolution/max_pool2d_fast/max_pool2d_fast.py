"""Max pooling, fast: the largest pixel of each window, from a few operations on whole images."""

import functools

import torch


### BEGIN SOLUTION
def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """An int stands for the same amount along height and width."""
    return (value, value) if isinstance(value, int) else value


def _along(x: torch.Tensor, dim: int, kernel: int, stride: int, padding: int) -> torch.Tensor:
    """Return the largest of `kernel` neighbours along one dimension, at every `stride`-th place."""
    if padding:
        frame = x.new_full((*x.shape[:dim], padding, *x.shape[dim + 1 :]), -torch.inf)
        x = torch.cat([frame, x, frame], dim)
    # A kernel has few places and an image many windows: no loop runs over windows, and none of them is copied.
    return functools.reduce(torch.maximum, x.unfold(dim, kernel, stride).unbind(-1))


### END SOLUTION


def max_pool2d_fast(
    x: torch.Tensor,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
) -> torch.Tensor:
    """Return the largest pixel of each window, channel by channel, without a Python loop over windows, on any device.

    A window of `kernel` pixels moves over every image of every sample by `stride` pixels, and each of its stops gives
    one pixel of the output:

        out[n, c, i, j] = max over u < kh, v < kw of padded[n, c, i * stride + u, j * stride + v]

    Padding surrounds the image with that many pixels on all four sides. They are -inf, so that they never win, also
    where every real pixel is negative. The output's height, and its width likewise, is

        floor((H + 2 * padding - kh) / stride) + 1

    so that pixels at the lower and right border that no whole window reaches are left out.

    A loop over the few places of a window is no harm. A loop over windows, channels or samples is. A copy of all
    windows holds each pixel many times: it costs, and is not needed.

    Only elementary operations of torch may be used: not torch.max_pool2d or torch.nn. Autograd has to find the
    gradient, which goes to each window's largest pixel; where several are largest, any of them may have it, or each a
    part.

    Args:
        x: the images, (N, C, H, W), float64 or float32, finite, in any memory layout, never empty. Not modified.
        kernel: the window's sides, an int or a (height, width) pair.
        stride: the step of the window, an int or a (height, width) pair; None stands for the kernel's sides, so that
            the windows lie side by side.
        padding: the width of the frame, an int or a (height, width) pair; at most half the kernel's side, rounded
            down, so that every window holds a real pixel.

    Returns:
        The pooled images, (N, C, H', W'), of the dtype and device of x, with at least one pixel. They may share memory
        with x.

    >>> x = torch.tensor([[[[1.0, 3.0, 2.0, 0.0], [4.0, 2.0, 1.0, 5.0], [0.0, 6.0, 8.0, 7.0]]]])
    >>> max_pool2d_fast(x, 2)
    tensor([[[[4., 5.]]]])
    >>> max_pool2d_fast(x, (2, 3), stride=1)
    tensor([[[[4., 5.],
              [8., 8.]]]])
    >>> max_pool2d_fast(x - 10, 2, padding=1)
    tensor([[[[-9., -7., -10.],
              [-6., -2., -3.]]]])
    """
    ### BEGIN SOLUTION
    sides, steps, frame = _pair(kernel), _pair(kernel if stride is None else stride), _pair(padding)
    # The maximum of a window is that of its rows' maxima: kh + kw places are looked at instead of kh * kw.
    by_rows = _along(x, 2, sides[0], steps[0], frame[0])
    return _along(by_rows, 3, sides[1], steps[1], frame[1])
    ### END SOLUTION
