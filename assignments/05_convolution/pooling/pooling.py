"""Pooling: sum up each window of an image by its maximum or its average, forward and backward."""

import numpy as np


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """An int stands for the same amount along height and width."""
    return (value, value) if isinstance(value, int) else value




def max_pool2d(
    x: np.ndarray,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
) -> np.ndarray:
    """Return the largest pixel of each window, channel by channel.

    A window of `kernel` pixels moves over every image of every sample by `stride` pixels, and each of its stops gives
    one pixel of the output:

        out[n, c, i, j] = max over u < kh, v < kw of padded[n, c, i * stride + u, j * stride + v]

    Padding surrounds the image with that many pixels on all four sides. They are -inf, so that they never win, also
    where every real pixel is negative. The output's height, and its width likewise, is

        floor((H + 2 * padding - kh) / stride) + 1

    so that pixels at the lower and right border that no whole window reaches are left out.

    Args:
        x: the images, (N, C, H, W), float64 or float32, finite.
        kernel: the window's sides, an int or a (height, width) pair.
        stride: the step of the window, an int or a (height, width) pair; None stands for the kernel's sides, so that
            the windows lie side by side.
        padding: the width of the frame, an int or a (height, width) pair; at most half the kernel's side, rounded
            down, so that every window holds a real pixel.

    Returns:
        The pooled images, (N, C, H', W'), of x's dtype, with at least one pixel.

    Arrays come with any strides and are never empty. No argument is modified; the result may share memory with one.

    >>> x = np.array([[[[1.0, 3.0, 2.0, 0.0], [4.0, 2.0, 1.0, 5.0], [0.0, 6.0, 8.0, 7.0]]]])
    >>> max_pool2d(x, 2)
    array([[[[4., 5.]]]])
    >>> max_pool2d(x, (2, 3), stride=1)
    array([[[[4., 5.],
             [8., 8.]]]])
    >>> max_pool2d(x - 10, 2, padding=1)
    array([[[[-9., -7., -10.],
             [-6., -2., -3.]]]])
    """
    raise NotImplementedError


def max_pool2d_backward(
    grad: np.ndarray,
    x: np.ndarray,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
) -> np.ndarray:
    """Return the vector-Jacobian product of `max_pool2d`: the loss's gradient with respect to x.

    `grad` is the cotangent, the gradient of a scalar loss with respect to max_pool2d's output. Each of its elements
    goes whole to one pixel of its window, the largest; where several are largest, to the first of them in row-major
    order: the highest row, and in it the leftmost. A pixel that wins in several windows gets the sum of their
    elements, and a pixel that wins in none, or that no window covers, gets zero.

    Args:
        grad: the cotangent, (N, C, H', W'), the shape of max_pool2d's output, float64 or float32.
        x: the images that max_pool2d was given, (N, C, H, W), of grad's dtype.
        kernel, stride, padding: as max_pool2d was given them.

    Returns:
        dx, of the shape and dtype of x.

    Arrays come with any strides and are never empty. No argument is modified; the result may share memory with one.

    >>> x = np.array([[[[1.0, 3.0, 2.0], [4.0, 9.0, 9.0]]]])
    >>> max_pool2d_backward(np.array([[[[10.0, 1.0]]]]), x, 2, stride=1)
    array([[[[ 0.,  0.,  0.],
             [ 0., 11.,  0.]]]])
    >>> max_pool2d_backward(np.array([[[[10.0, 1.0]]]]), x, (1, 2), padding=(0, 1), stride=(2, 2))
    array([[[[10.,  1.,  0.],
             [ 0.,  0.,  0.]]]])
    """
    raise NotImplementedError


def avg_pool2d(
    x: np.ndarray,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    count_include_pad: bool = True,
) -> np.ndarray:
    """Return the average of each window, channel by channel.

    The windows are those of `max_pool2d`, and so is the output's size. Padding consists of zeros, which add nothing to
    a window's sum; `count_include_pad` says whether they count in the number that the sum is divided by:

        True:  sum / (kh * kw), for every window
        False: sum / (the number of the window's pixels that lie in the image)

    Args:
        x: the images, (N, C, H, W), float64 or float32, finite.
        kernel: the window's sides, an int or a (height, width) pair.
        stride: the step of the window, an int or a (height, width) pair; None stands for the kernel's sides, so that
            the windows lie side by side.
        padding: the width of the frame, an int or a (height, width) pair; at most half the kernel's side, rounded
            down, so that every window holds a real pixel.
        count_include_pad: whether the frame's pixels count in the divisor.

    Returns:
        The pooled images, (N, C, H', W'), of x's dtype, with at least one pixel.

    Arrays come with any strides and are never empty. No argument is modified; the result may share memory with one.

    >>> x = np.array([[[[4.0, 8.0, 0.0], [0.0, 4.0, 12.0]]]])
    >>> avg_pool2d(x, 2, stride=1)
    array([[[[4., 6.]]]])
    >>> avg_pool2d(x, 2, padding=1)
    array([[[[1., 2.],
             [0., 4.]]]])
    >>> avg_pool2d(x, 2, padding=1, count_include_pad=False)
    array([[[[4., 4.],
             [0., 8.]]]])
    """
    raise NotImplementedError


def avg_pool2d_backward(
    grad: np.ndarray,
    x: np.ndarray,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    count_include_pad: bool = True,
) -> np.ndarray:
    """Return the vector-Jacobian product of `avg_pool2d`: the loss's gradient with respect to x.

    Each element of the cotangent `grad` is divided by the same number as its window's sum in the forward pass, and
    that quotient goes to every pixel of the window; the part of those in the frame is lost. A pixel under several
    windows gets the sum of what they send, and a pixel that no window covers gets zero. Averaging is linear: of x only
    the shape and dtype matter.

    Args:
        grad: the cotangent, (N, C, H', W'), the shape of avg_pool2d's output, float64 or float32.
        x: the images that avg_pool2d was given, (N, C, H, W), of grad's dtype.
        kernel, stride, padding, count_include_pad: as avg_pool2d was given them.

    Returns:
        dx, of the shape and dtype of x.

    Arrays come with any strides and are never empty. No argument is modified; the result may share memory with one.

    >>> x = np.zeros((1, 1, 2, 3))
    >>> avg_pool2d_backward(np.array([[[[4.0, 8.0]]]]), x, 2, stride=1)
    array([[[[1., 3., 2.],
             [1., 3., 2.]]]])
    >>> avg_pool2d_backward(np.array([[[[4.0, 8.0], [4.0, 8.0]]]]), x, 2, padding=1, count_include_pad=False)
    array([[[[4., 4., 4.],
             [4., 4., 4.]]]])
    """
    raise NotImplementedError
