"""Convolution: slide a small kernel over an image, forward and backward."""

import numpy as np


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """An int stands for the same amount along height and width."""
    return (value, value) if isinstance(value, int) else value


def conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> np.ndarray:
    """Return the cross-correlation of a batch of images with a set of filters.

    This is what deep learning calls convolution: the kernel is laid on the image as it is, not flipped. Each output
    pixel is the sum, over channels and kernel positions, of weight times the pixel under it, plus the filter's bias:

        out[n, f, i, j] = b[f] + sum over c, u, v of
            w[f, c, u, v] * padded[n, c, i * stride + u * dilation, j * stride + v * dilation]

    Padding surrounds the image with that many zero pixels on all four sides. The window moves by `stride` pixels.
    With dilation d, neighbouring weights lie d pixels apart, so that a side of k weights spans d * (k - 1) + 1
    pixels. The output's height, and its width likewise, is

        floor((H + 2 * padding - dilation * (kh - 1) - 1) / stride) + 1

    so that pixels at the lower and right border that no whole window reaches are left out.

    With groups, channels and filters are cut into that many consecutive blocks of equal size, and the filters of the
    i-th block see the channels of the i-th block only; `groups=C` is the depthwise convolution.

    Args:
        x: the images, (N, C, H, W), float64 or float32.
        w: the filters, (F, C / groups, kh, kw), of x's dtype; `groups` divides both C and F.
        b: the biases, (F,), of x's dtype, or None for none.
        stride: the step of the window, an int or a (height, width) pair.
        padding: the zeros on each side, an int or a (height, width) pair.
        dilation: the distance between neighbouring weights, an int or a (height, width) pair.
        groups: the number of blocks.

    Returns:
        The feature maps, (N, F, H', W'), of x's dtype, with at least one pixel.

    Arrays come with any strides and are never empty. No argument is modified; the result may share memory with one.

    >>> x = np.arange(12.0).reshape(1, 1, 3, 4)
    >>> w = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> conv2d(x, w)
    array([[[[34., 44., 54.],
             [74., 84., 94.]]]])
    >>> conv2d(x, w, b=np.array([100.0]), stride=2, padding=(1, 0))
    array([[[[104., 118.],
             [174., 194.]]]])
    """
    raise NotImplementedError


def conv2d_backward(
    grad: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the vector-Jacobian products of `conv2d`: the loss's gradients with respect to x, w and b.

    `grad` is the cotangent, the gradient of a scalar loss with respect to conv2d's output. Each of its elements sends
    itself times a weight to the pixel that this weight met, and itself times that pixel to the weight. What arrives
    at one place is added up: dx over all windows that cover the pixel, dw over all windows and all samples, db over
    all samples, rows and columns. Nothing is averaged: a mean over the batch, if the loss has one, is already in
    `grad`. A pixel that no window covers has gradient zero.

    Args:
        grad: the cotangent, (N, F, H', W'), the shape of conv2d's output, float64 or float32.
        x: the images that conv2d was given, (N, C, H, W), of grad's dtype.
        w: the filters that conv2d was given, (F, C / groups, kh, kw), of grad's dtype.
        stride, padding, dilation, groups: as conv2d was given them.

    Returns:
        (dx, dw, db), with the shapes of x, w and b, which is (F,) also where conv2d was given no bias, of grad's
        dtype.

    Arrays come with any strides and are never empty. No argument is modified; results may share memory with one.

    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> w = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> grad = np.array([[[[1.0, 0.0], [0.0, 10.0]]]])
    >>> dx, dw, db = conv2d_backward(grad, x, w)
    >>> dx
    array([[[[ 1.,  2.,  0.],
             [ 3., 14., 20.],
             [ 0., 30., 40.]]]])
    >>> dw
    array([[[[40., 51.],
             [73., 84.]]]])
    >>> db
    array([11.])
    """
    raise NotImplementedError
