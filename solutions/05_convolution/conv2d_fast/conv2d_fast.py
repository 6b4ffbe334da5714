"""Convolution, fast: all windows of all images at once, and one matrix product."""

import torch


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """An int stands for the same amount along height and width."""
    return (value, value) if isinstance(value, int) else value


def conv2d_fast(
    x: torch.Tensor,
    w: torch.Tensor,
    b: torch.Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> torch.Tensor:
    """Return the cross-correlation of a batch of images with a set of filters, without a Python loop, on any device.

    This is what deep learning calls convolution: the kernel is laid on the image as it is, not flipped. Each output
    pixel is the sum, over channels and kernel positions, of weight times the pixel under it, plus the filter's bias:

        out[n, f, i, j] = b[f] + sum over c, u, v of
            w[f, c, u, v] * padded[n, c, i * stride + u, j * stride + v]

    Padding surrounds the image with that many zero pixels on all four sides, and the window moves by `stride` pixels.
    The output's height, and its width likewise, is floor((H + 2 * padding - kh) / stride) + 1, so that pixels at the
    lower and right border that no whole window reaches are left out.

    The sum over c, u and v is a matrix product once every window stands in a column of its own. `unfold` and
    `as_strided` show all windows as a view, which costs nothing; to put them into columns is one copy, at stride 1
    kh * kw times as large as the image, and the product does the rest. The copy is fastest where it can take a piece of
    an image row at a time, that is, with the output's columns as the last axis; the kernel's few columns there make it
    take two to three times as long. Indices cost more still: they say of every number where it comes from.

    Python may loop over the few kernel positions, but not over images, channels, filters or pixels; a tensor that holds
    every product of a weight and a pixel, F * C * kh * kw * H' * W', is too much. Work in the dtype that you are given.
    Autograd must find its way from the output to x, w and b.

    Only elementary operations of torch may be used: not torch.conv2d or torch.nn, its unfold and pad among them.

    Args:
        x: the images, (N, C, H, W), float32 or float64.
        w: the filters, (F, C, kh, kw), of x's dtype and device.
        b: the biases, (F,), of x's dtype and device, or None for none.
        stride: the step of the window, an int or a (height, width) pair.
        padding: the zeros on each side, an int or a (height, width) pair.

    Returns:
        The feature maps, (N, F, H', W'), with at least one pixel: dtype and device of `x`.

    Tensors come with any strides and are never empty. No argument is modified; the result may share memory with one.

    >>> x = torch.arange(12.0).reshape(1, 1, 3, 4)
    >>> w = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> conv2d_fast(x, w)
    tensor([[[[34., 44., 54.],
              [74., 84., 94.]]]])
    >>> conv2d_fast(x, w, b=torch.tensor([100.0]), stride=2, padding=(1, 0))
    tensor([[[[104., 118.],
              [174., 194.]]]])
    """
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    n, c, height, width = x.shape
    f, _, kh, kw = w.shape
    padded = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    padded[:, :, ph : ph + height, pw : pw + width] = x
    # A view (N, C, H', W', kh, kw): no pixel is copied yet.
    windows = padded.unfold(2, kh, sh).unfold(3, kw, sw)
    out_h, out_w = windows.shape[2:4]
    # The one copy. W' goes last, so that it takes neighbouring pixels in one piece.
    columns = windows.permute(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, out_h * out_w)
    # The same filters for every image, which expand() does not copy; the product adds the biases on its way.
    filters = w.reshape(f, c * kh * kw).expand(n, -1, -1)
    out = torch.bmm(filters, columns) if b is None else torch.baddbmm(b[:, None], filters, columns)
    return out.reshape(n, f, out_h, out_w)
    ### END SOLUTION
