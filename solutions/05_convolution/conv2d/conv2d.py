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
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw), (dh, dw) = _pair(stride), _pair(padding), _pair(dilation)
    n, c, height, width = x.shape
    f, _, kh, kw = w.shape
    out_h = (height + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    out_w = (width + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    # With the group as an axis of its own, one stacked matrix product serves all groups.
    filters = w.reshape(groups, f // groups, c // groups, kh, kw)
    out = np.zeros((n, groups, f // groups, out_h * out_w), dtype=x.dtype)
    # Few kernel positions and many pixels: loop over the former, and let one slice be the pixels under that position
    # in all windows at once.
    for i in range(kh):
        for j in range(kw):
            rows = slice(i * dh, i * dh + sh * out_h, sh)
            columns = slice(j * dw, j * dw + sw * out_w, sw)
            pixels = padded[:, :, rows, columns]
            out += filters[..., i, j] @ pixels.reshape(n, groups, c // groups, out_h * out_w)
    out = out.reshape(n, f, out_h, out_w)
    return out if b is None else out + b[:, None, None]
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw), (dh, dw) = _pair(stride), _pair(padding), _pair(dilation)
    n, c, height, width = x.shape
    f, _, kh, kw = w.shape
    out_h, out_w = grad.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    filters = w.reshape(groups, f // groups, c // groups, kh, kw)
    cotangent = grad.reshape(n, groups, f // groups, out_h * out_w)
    d_padded = np.zeros_like(padded)
    d_filters = np.zeros_like(filters)
    for i in range(kh):
        for j in range(kw):
            rows = slice(i * dh, i * dh + sh * out_h, sh)
            columns = slice(j * dw, j * dw + sw * out_w, sw)
            pixels = padded[:, :, rows, columns]
            d_pixels = filters[..., i, j].swapaxes(-1, -2) @ cotangent
            # One kernel position meets a pixel at most once, so += on the slice loses nothing; windows overlap only
            # from one position to the next.
            d_padded[:, :, rows, columns] += d_pixels.reshape(pixels.shape)
            by_sample = cotangent @ pixels.reshape(n, groups, c // groups, out_h * out_w).swapaxes(-1, -2)
            d_filters[..., i, j] = by_sample.sum(axis=0)
    # Not ph:-ph, which is empty where the padding is zero.
    dx = d_padded[:, :, ph : ph + height, pw : pw + width]
    return dx, d_filters.reshape(w.shape), grad.sum(axis=(0, 2, 3))
    ### END SOLUTION
