"""Pooling: sum up each window of an image by its maximum or its average, forward and backward."""

import numpy as np


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """An int stands for the same amount along height and width."""
    return (value, value) if isinstance(value, int) else value


### BEGIN SOLUTION
def _steps(
    x: np.ndarray,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None,
    padding: int | tuple[int, int],
) -> tuple[list[tuple[slice, slice]], tuple[int, int]]:
    """Return, for each place in the window in row-major order, the padded image's pixels there; and the output's size.

    A kernel has few places and an image many windows: with one slice for each place, no loop runs over windows.
    """
    (kh, kw), (ph, pw) = _pair(kernel), _pair(padding)
    sh, sw = _pair(kernel if stride is None else stride)
    out_h = (x.shape[2] + 2 * ph - kh) // sh + 1
    out_w = (x.shape[3] + 2 * pw - kw) // sw + 1
    places = [(slice(i, i + sh * out_h, sh), slice(j, j + sw * out_w, sw)) for i in range(kh) for j in range(kw)]
    return places, (out_h, out_w)


def _framed(x: np.ndarray, padding: int | tuple[int, int], value: float) -> np.ndarray:
    """Return the image inside a frame of pixels of that value."""
    ph, pw = _pair(padding)
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=value)


def _unframed(image: np.ndarray, x: np.ndarray, padding: int | tuple[int, int]) -> np.ndarray:
    """Return the part of a framed image that is x's own."""
    (ph, pw), (height, width) = _pair(padding), x.shape[2:]
    # Not ph:-ph, which is empty where the padding is zero.
    return image[:, :, ph : ph + height, pw : pw + width]


def _counts(
    x: np.ndarray,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None,
    padding: int | tuple[int, int],
    count_include_pad: bool,
) -> np.ndarray:
    """Return what each window's sum is divided by, (H', W') or a shape that broadcasts to it."""
    if count_include_pad:
        kh, kw = _pair(kernel)
        return np.full((1, 1), kh * kw, dtype=x.dtype)
    places, size = _steps(x, kernel, stride, padding)
    inside = _framed(np.ones_like(x[:1, :1]), padding, 0)[0, 0]
    counts = np.zeros(size, dtype=x.dtype)
    for place in places:
        counts += inside[place]
    return counts


### END SOLUTION


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
    ### BEGIN SOLUTION
    places, size = _steps(x, kernel, stride, padding)
    padded = _framed(x, padding, -np.inf)
    out = np.full((*x.shape[:2], *size), -np.inf, dtype=x.dtype)
    for rows, columns in places:
        np.maximum(out, padded[:, :, rows, columns], out=out)
    return out
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    places, _ = _steps(x, kernel, stride, padding)
    padded = _framed(x, padding, -np.inf)
    best = np.full(grad.shape, -np.inf, dtype=x.dtype)
    winner = np.zeros(grad.shape, dtype=np.intp)
    for number, (rows, columns) in enumerate(places):
        pixels = padded[:, :, rows, columns]
        # Strictly greater, in row-major order: the first of equals stays the winner.
        winner[pixels > best] = number
        np.maximum(best, pixels, out=best)
    d_padded = np.zeros_like(padded)
    for number, (rows, columns) in enumerate(places):
        # One place meets a pixel at most once, so += on the slice loses nothing; windows overlap only from one place
        # to the next.
        d_padded[:, :, rows, columns] += grad * (winner == number)
    return _unframed(d_padded, x, padding)
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    places, size = _steps(x, kernel, stride, padding)
    padded = _framed(x, padding, 0)
    total = np.zeros((*x.shape[:2], *size), dtype=x.dtype)
    for rows, columns in places:
        total += padded[:, :, rows, columns]
    return total / _counts(x, kernel, stride, padding, count_include_pad)
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    places, _ = _steps(x, kernel, stride, padding)
    share = grad / _counts(x, kernel, stride, padding, count_include_pad)
    d_padded = np.zeros_like(_framed(x, padding, 0))
    for rows, columns in places:
        d_padded[:, :, rows, columns] += share
    return _unframed(d_padded, x, padding)
    ### END SOLUTION
