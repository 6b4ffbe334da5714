"""Ways in which a convolution goes wrong, and what to say about each."""

import numpy as np
from dlgrade.author import misconception

# -- a right convolution in pieces, of which each misconception gets one wrong -----------------------------------------


def _pair(amount):
    return (amount, amount) if isinstance(amount, int) else amount


def _frame(x, padding):
    p, q = _pair(padding)
    return np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)))


def _size(x, w, stride, dilation):
    """The output's height and width, for an image that is padded already."""
    sides = zip(x.shape[2:], w.shape[2:], _pair(stride), _pair(dilation), strict=True)
    size = tuple((size - d * (k - 1) - 1) // s + 1 for size, k, s, d in sides)
    # As np.zeros would, with which most people make the output.
    if min(size) < 0:
        raise ValueError("negative dimensions are not allowed")
    return size


def _index(size, w, stride, dilation):
    """Rows and columns of every window, which index an image as (H', W', kh, kw)."""
    axes = zip(size, w.shape[2:], _pair(stride), _pair(dilation), strict=True)
    rows, columns = (np.arange(out)[:, None] * s + np.arange(k) * d for out, k, s, d in axes)
    return rows[:, None, :, None], columns[None, :, None, :]


def _windows(x, w, stride=1, padding=0, dilation=1):
    """All windows, (N, C, H', W', kh, kw)."""
    x = _frame(x, padding)
    rows, columns = _index(_size(x, w, stride, dilation), w, stride, dilation)
    return x[:, :, rows, columns]


def _blocks(windows, w, groups):
    """Windows and filters with the group as an axis of its own."""
    n, c, *rest = windows.shape
    return windows.reshape(n, groups, c // groups, *rest), w.reshape(groups, -1, *w.shape[1:])


def _weigh(windows, w, b=None, groups=1):
    """Every window times every filter of its group."""
    windows, filters = _blocks(windows, w, groups)
    out = np.einsum("ngcyxij,gfcij->ngfyx", windows, filters)
    out = out.reshape(len(out), len(w), *out.shape[3:])
    return out if b is None else out + b.reshape(-1, 1, 1)


def _forward(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    return _weigh(_windows(x, w, stride, padding, dilation), w, b, groups)


def _crop(image, x, padding):
    p, q = _pair(padding)
    return image[:, :, p : p + x.shape[2], q : q + x.shape[3]]


def _gather(grad, windows, w, groups=1):
    """The gradient of w."""
    windows, _ = _blocks(windows, w, groups)
    cotangent = grad.reshape(len(grad), groups, -1, *grad.shape[2:])
    return np.einsum("ngcyxij,ngfyx->gfcij", windows, cotangent).reshape(w.shape)


def _to_windows(grad, w, groups=1):
    """The gradient of the windows."""
    cotangent = grad.reshape(len(grad), groups, -1, *grad.shape[2:])
    filters = w.reshape(groups, -1, *w.shape[1:])
    back = np.einsum("ngfyx,gfcij->ngcyxij", cotangent, filters)
    return back.reshape(len(grad), -1, *back.shape[3:])


def _scatter(windows, x, w, stride=1, padding=0, dilation=1):
    """The windows, added up in the places that they came from, in the framed image."""
    image = np.zeros_like(_frame(x, padding))
    rows, columns = _index(windows.shape[2:4], w, stride, dilation)
    np.add.at(image, (slice(None), slice(None), rows, columns), windows)
    return image


def _backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    image = _scatter(_to_windows(grad, w, groups), x, w, stride, padding, dilation)
    dw = _gather(grad, _windows(x, w, stride, padding, dilation), w, groups)
    return _crop(image, x, padding), dw, grad.sum((0, 2, 3))


def _backward_in_wrong_places(grad, x, w, stride, padding, dilation, groups):
    """With a stride or dilation that is not the forward pass's; what then lies beyond the image is cut off."""
    image = _frame(x, padding)
    (height, width), (rows, columns) = image.shape[2:], _index(grad.shape[2:], w, stride, dilation)
    wide = np.pad(image, ((0, 0), (0, 0), (0, int(rows.max()) + 1), (0, int(columns.max()) + 1)))
    back = np.zeros_like(wide)
    np.add.at(back, (slice(None), slice(None), rows, columns), _to_windows(grad, w, groups))
    dw = _gather(grad, wide[:, :, rows, columns], w, groups)
    return _crop(back[:, :, :height, :width], x, padding), dw, grad.sum((0, 2, 3))


# -- the kernel --------------------------------------------------------------------------------------------------------


@misconception(of="conv2d", caught_by="a_single_one_copies_the_image_from_its_place")
def flips_the_kernel(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You flip the kernel: that is the convolution of signal processing (`scipy.signal.convolve2d`). Deep learning's is
    the cross-correlation: lay the kernel on the image as it is."""
    return _forward(x, w[:, :, ::-1, ::-1], b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="a_single_one_copies_the_image_from_its_place")
def reads_the_kernel_by_columns(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The kernel's weights are laid on the window in the wrong order: the rows of one were paired with the columns of
    the other. Flatten both the same way, or pair w[:, :, i, j] with the pixel in row i and column j."""
    swapped = np.swapaxes(w, 2, 3).reshape(w.shape)
    return _forward(x, swapped, b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="one_by_one_kernels_mix_the_channels")
def averages_over_the_channels(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You take the mean over the channels. A convolution sums over channels and kernel positions and divides by
    nothing."""
    return _forward(x, w / w.shape[1], b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="a_single_one_copies_the_image_from_its_place")
def averages_over_the_window(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You take the mean over the window, as average pooling does. A convolution is the sum of weight times pixel."""
    return _forward(x, w / w[0].size, b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="one_by_one_kernels_mix_the_channels")
def sees_only_the_first_channel(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Only the first channel enters the sum. Sum over all channels: w[f] has one kernel for each."""
    first = w * (np.arange(w.shape[1]) == 0).reshape(1, -1, 1, 1)
    return _forward(x, first, b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="one_by_one_kernels_mix_the_channels")
def lays_one_kernel_on_all_channels(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Every channel meets the filter's first kernel. w[f, c] is the kernel for channel c: each channel has its own."""
    return _forward(x, np.repeat(w[:, :1], w.shape[1], axis=1), b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="one_by_one_kernels_mix_the_channels")
def reads_filters_and_channels_in_the_wrong_order(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """w is read as (C, F, kh, kw), as transposed convolutions keep it. Here it is (F, C / groups, kh, kw):
    filters first."""
    return _forward(x, np.swapaxes(w, 0, 1).reshape(w.shape), b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="treats_each_sample_alone")
def mixes_the_batch(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Your sum runs over the samples too, so that every sample gets the whole batch's output. Sum over the axes of
    channels and kernel positions only, and keep the axis of samples."""
    return _forward(x + (x.sum(0) - x), w, b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="treats_each_sample_alone")
def convolves_only_the_first_sample(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Only the first sample is convolved, or its output is given to all. Every sample of the batch has its own."""
    return _forward(np.broadcast_to(x[:1], x.shape), w, b, stride, padding, dilation, groups)


# -- the bias ----------------------------------------------------------------------------------------------------------


@misconception(of="conv2d", caught_by="adds_each_bias_once_to_its_channel")
def forgets_the_bias(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The bias is never added. Where b is given, add b[f] to every pixel of output channel f."""
    return _forward(x, w, None, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="adds_each_bias_once_to_its_channel")
def adds_the_bias_along_the_width(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """`out + b` lines b up with the last axis, the width. The bias belongs to the channel, which is axis 1: add `b[:,
    None, None]`."""
    out = _forward(x, w, None, stride, padding, dilation, groups)
    return out if b is None else out + b


@misconception(of="conv2d", caught_by="adds_each_bias_once_to_its_channel")
def adds_the_bias_for_every_channel(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The bias is added once for every input channel, inside the sum over channels. Add it once, after the sum."""
    return _forward(x, w, None if b is None else b * w.shape[1], stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="adds_each_bias_once_to_its_channel")
def adds_the_bias_for_every_weight(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The bias is added once for every weight, inside the innermost sum. Add it once to each output pixel, after the
    sum."""
    return _forward(x, w, None if b is None else b * w[0].size, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="adds_each_bias_once_to_its_channel")
def subtracts_the_bias(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The bias is subtracted, as a threshold would be. Add it."""
    return _forward(x, w, None if b is None else -b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="adds_each_bias_once_to_its_channel")
def adds_all_biases_everywhere(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Every channel gets the sum of all biases. Output channel f gets b[f] alone."""
    return _forward(x, w, None if b is None else np.full_like(b, b.sum()), stride, padding, dilation, groups)


# -- padding -----------------------------------------------------------------------------------------------------------


def _padded_by(x, w, b, stride, padding, dilation, groups, mode):
    p, q = _pair(padding)
    return _forward(np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)), mode), w, b, stride, 0, dilation, groups)


@misconception(of="conv2d", caught_by="padding_is_a_frame_of_zeros")
def repeats_the_border(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You pad by repeating the border pixels (replicate padding). Here the padding is zeros."""
    return _padded_by(x, w, b, stride, padding, dilation, groups, "edge")


@misconception(of="conv2d", caught_by="padding_is_a_frame_of_zeros")
def mirrors_the_image(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You pad by mirroring the image at its border (reflect padding). Here the padding is zeros."""
    return _padded_by(x, w, b, stride, padding, dilation, groups, "reflect")


@misconception(of="conv2d", caught_by="padding_is_a_frame_of_zeros")
def wraps_the_image_around(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The image goes on at its opposite border (circular padding, which `np.roll` and an FFT give unless they are told
    otherwise). Here the padding is zeros."""
    return _padded_by(x, w, b, stride, padding, dilation, groups, "wrap")


@misconception(of="conv2d", caught_by="padding_is_a_frame_of_zeros")
def pads_only_above_and_left(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You pad above and to the left only. Padding p means p zeros on each of the four sides, 2 * p for each axis."""
    p, q = _pair(padding)
    return _forward(np.pad(x, ((0, 0), (0, 0), (2 * p, 0), (2 * q, 0))), w, b, stride, 0, dilation, groups)


@misconception(of="conv2d", caught_by="padding_is_a_frame_of_zeros")
def pads_only_below_and_right(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You pad below and to the right only: the image belongs into the middle of the frame, at [p : p + H]. Padding p
    means p zeros on each of the four sides."""
    p, q = _pair(padding)
    return _forward(np.pad(x, ((0, 0), (0, 0), (0, 2 * p), (0, 2 * q))), w, b, stride, 0, dilation, groups)


@misconception(of="conv2d", caught_by="padding_is_a_frame_of_zeros")
def halves_the_padding(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You share the padding out between two opposite sides. Padding p means p zeros on each side, 2 * p for each
    axis."""
    halves = [((p + 1) // 2, p // 2) for p in _pair(padding)]
    padded = np.pad(x, ((0, 0), (0, 0), *halves))
    # Where so small a frame has no room for the kernel, the rest stands below and to the right.
    lack = [
        max(0, d * (k - 1) + 1 - size)
        for d, k, size in zip(_pair(dilation), w.shape[2:], padded.shape[2:], strict=True)
    ]
    padded = np.pad(padded, ((0, 0), (0, 0), (0, lack[0]), (0, lack[1])))
    return _forward(padded, w, b, stride, 0, dilation, groups)


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def always_pads_by_one(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The padding is always 1, whatever `padding` says. Read it from the argument."""
    return _forward(x, w, b, stride, 1, dilation, groups)


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def ignores_the_padding(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """`padding` is ignored. Surround the image with that many zeros before the first window is laid."""
    return _forward(x, w, b, stride, 0, dilation, groups)


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def always_keeps_the_size(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You choose the padding so that the output is as large as the image ("same" padding). Here the caller chooses it,
    and the default is 0."""
    spare = [d * (k - 1) for d, k in zip(_pair(dilation), w.shape[2:], strict=True)]
    padded = np.pad(x, ((0, 0), (0, 0), *((more // 2, more - more // 2) for more in spare)))
    return _forward(padded, w, b, stride, 0, dilation, groups)


@misconception(of="conv2d", caught_by="padding_is_a_frame_of_zeros")
def swaps_the_padding(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The padding pair is read as (width, height). It is (height, width)."""
    p, q = _pair(padding)
    return _forward(x, w, b, stride, (q, p), dilation, groups)


@misconception(of="conv2d", caught_by="padding_is_a_frame_of_zeros")
def pads_both_axes_by_the_first(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Both axes are padded by the first number of the pair. The second is the width's."""
    return _forward(x, w, b, stride, _pair(padding)[0], dilation, groups)


# -- stride, dilation, output size -------------------------------------------------------------------------------------


@misconception(of="conv2d", caught_by="a_stride_keeps_every_s_th_pixel")
def ignores_the_stride(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """`stride` is ignored: the window moves by one pixel. The window of output pixel (i, j) begins at (i * stride, j *
    stride)."""
    return _forward(x, w, b, 1, padding, dilation, groups)


@misconception(of="conv2d", caught_by="a_stride_keeps_every_s_th_pixel")
def swaps_the_stride(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The stride pair is read as (width, height). It is (height, width)."""
    s, t = _pair(stride)
    return _forward(x, w, b, (t, s), padding, dilation, groups)


@misconception(of="conv2d", caught_by="a_stride_keeps_every_s_th_pixel")
def strides_both_axes_by_the_first(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The window moves along both axes by the first number of the stride pair. The second is the width's."""
    return _forward(x, w, b, _pair(stride)[0], padding, dilation, groups)


@misconception(of="conv2d", caught_by="a_stride_keeps_every_s_th_pixel")
def right_size_but_steps_of_one(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The output has the size that the stride asks for, but its windows are one pixel apart. The window of output pixel
    (i, j) begins at (i * stride, j * stride), not at (i, j)."""
    out_h, out_w = _size(_frame(x, padding), w, stride, dilation)
    return _forward(x, w, b, 1, padding, dilation, groups)[:, :, :out_h, :out_w]


@misconception(of="conv2d", caught_by="a_stride_keeps_every_s_th_pixel")
def steps_by_the_kernel(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The window moves by its own size, as pooling does by default. It moves by `stride`, 1 by default."""
    return _forward(x, w, b, w.shape[2:], padding, dilation, groups)


@misconception(of="conv2d", caught_by="a_stride_keeps_every_s_th_pixel")
def begins_with_the_last_pixel_of_a_stride(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Of the output at stride 1 you keep the last pixel of each step, or the window is centred. The first window begins
    at pixel (0, 0) of the padded image."""
    dense = _forward(x, w, b, 1, padding, dilation, groups)
    (s, t), (height, width) = _pair(stride), dense.shape[2:]
    return dense[:, :, (height - 1) % s :: s, (width - 1) % t :: t]


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def puts_the_channels_last(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Your output is (N, H', W', F): channels last, as TensorFlow keeps images. Here it is (N, F, H', W')."""
    return np.moveaxis(_forward(x, w, b, stride, padding, dilation, groups), 1, -1)


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def exchanges_height_and_width(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The output's rows and columns are exchanged. Its axes are (N, F, H', W'): height before width."""
    return np.swapaxes(_forward(x, w, b, stride, padding, dilation, groups), 2, 3)


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def rounds_the_size_up(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The output's size is rounded up, so that the last window hangs over the border. Round down: pixels that no whole
    window reaches are left out."""
    s, t = _pair(stride)
    (out_h, out_w), padded = _size(_frame(x, padding), w, 1, dilation), _frame(x, padding)
    padded = np.pad(padded, ((0, 0), (0, 0), (0, (1 - out_h) % s), (0, (1 - out_w) % t)))
    return _forward(padded, w, b, stride, 0, dilation, groups)


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def forgets_the_plus_one(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The last row and column of windows are missing: the size is floor((size + 2 padding - dilation (k - 1) - 1) /
    stride) plus 1."""
    return _forward(x, w, b, stride, padding, dilation, groups)[:, :, :-1, :-1]


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def adds_one_before_dividing(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You add 1 before you divide by the stride: (size - k + 1) // stride loses a pixel where the stride divides
    size - k. Divide first, then add 1."""
    out_h, out_w = _size(_frame(x, padding), w, 1, dilation)
    s, t = _pair(stride)
    return _forward(x, w, b, stride, padding, dilation, groups)[:, :, : out_h // s, : out_w // t]


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def size_forgets_the_dilation(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The output's size is worked out from the kernel's own size, so that dilated windows hang over the border. A
    dilated kernel spans dilation * (k - 1) + 1 pixels."""
    more = [(d - 1) * (k - 1) for d, k in zip(_pair(dilation), w.shape[2:], strict=True)]
    padded = np.pad(_frame(x, padding), ((0, 0), (0, 0), (0, more[0]), (0, more[1])))
    return _forward(padded, w, b, stride, 0, dilation, groups)


@misconception(of="conv2d", caught_by="has_the_size_that_the_formula_gives")
def size_counts_dilation_times_k(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You take a dilated kernel to span dilation * k pixels. After the last weight nothing follows: it spans dilation *
    (k - 1) + 1."""
    sides = zip(_frame(x, padding).shape[2:], w.shape[2:], _pair(stride), _pair(dilation), strict=True)
    out_h, out_w = (max(0, (size - d * k) // s + 1) for size, k, s, d in sides)
    return _forward(x, w, b, stride, padding, dilation, groups)[:, :, :out_h, :out_w]


@misconception(of="conv2d", caught_by="dilation_puts_zeros_between_the_weights")
def ignores_the_dilation(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """`dilation` is ignored. Weight (i, j) meets the window's pixel (i * dilation, j * dilation)."""
    return _forward(x, w, b, stride, padding, 1, groups)


@misconception(of="conv2d", caught_by="dilation_puts_zeros_between_the_weights")
def right_size_but_not_dilated(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The output has the size that the dilation asks for, but the weights meet neighbouring pixels. Weight (i, j) meets
    the window's pixel (i * dilation, j * dilation), not (i, j)."""
    out_h, out_w = _size(_frame(x, padding), w, stride, dilation)
    return _forward(x, w, b, stride, padding, 1, groups)[:, :, :out_h, :out_w]


@misconception(of="conv2d", caught_by="conv2d_agrees")
def forgets_the_dilation_in_groups(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """With groups, the dilation is not handed on: the output has its size, but the weights meet neighbouring pixels.
    Weight (i, j) meets the window's pixel (i * dilation, j * dilation) in every group."""
    out_h, out_w = _size(_frame(x, padding), w, stride, dilation)
    used = dilation if groups == 1 else 1
    return _forward(x, w, b, stride, padding, used, groups)[:, :, :out_h, :out_w]


@misconception(of="conv2d", caught_by="dilation_puts_zeros_between_the_weights")
def swaps_the_dilation(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The dilation pair is read as (width, height). It is (height, width)."""
    d, e = _pair(dilation)
    return _forward(x, w, b, stride, padding, (e, d), groups)


@misconception(of="conv2d", caught_by="dilation_puts_zeros_between_the_weights")
def dilates_both_axes_by_the_first(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Both axes are dilated by the first number of the pair. The second is the width's."""
    return _forward(x, w, b, stride, padding, _pair(dilation)[0], groups)


@misconception(of="conv2d", caught_by="dilation_puts_zeros_between_the_weights")
def repeats_the_weights(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You enlarge the kernel by repeating its weights. Dilation puts zeros between them: d - 1 between neighbours."""
    (d, e), (kh, kw) = _pair(dilation), w.shape[2:]
    wide = w.repeat(d, axis=2).repeat(e, axis=3)[:, :, : d * (kh - 1) + 1, : e * (kw - 1) + 1]
    return _forward(x, wide, b, stride, padding, 1, groups)


@misconception(of="conv2d", caught_by="a_single_one_copies_the_image_from_its_place")
def counts_dilation_from_zero(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You put `dilation` zeros between the weights. Dilation 1 is the ordinary convolution: there are dilation - 1."""
    d, e = _pair(dilation)
    return _forward(x, w, b, stride, padding, (d + 1, e + 1), groups)


@misconception(of="conv2d", caught_by="dilation_puts_zeros_between_the_weights")
def puts_a_zero_too_many(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """You put `dilation` zeros between the weights where the dilation is more than 1: there are dilation - 1, so that
    weight (i, j) meets the window's pixel (i * dilation, j * dilation)."""
    d, e = (d + 1 if d > 1 else 1 for d in _pair(dilation))
    return _forward(x, w, b, stride, padding, (d, e), groups)


# -- groups ------------------------------------------------------------------------------------------------------------


@misconception(of="conv2d", caught_by="each_group_is_a_convolution_of_its_own")
def shows_all_filters_the_first_group(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """`groups` is ignored: all filters see the first C / groups channels. The i-th block of filters sees the i-th block
    of channels."""
    return _forward(x[:, : w.shape[1]], w, b, stride, padding, dilation, 1)


@misconception(of="conv2d", caught_by="each_group_is_a_convolution_of_its_own")
def shows_all_filters_all_channels(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """`groups` is ignored: every filter is laid on all blocks of channels and the results are added. A filter sees its
    own group's channels only."""
    return _forward(x, np.tile(w, (1, groups, 1, 1)), b, stride, padding, dilation, 1)


@misconception(of="conv2d", caught_by="each_group_is_a_convolution_of_its_own")
def deals_the_filters_out(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Filter f is given to group f % groups, as cards are dealt. Filters stand in consecutive blocks: filter f belongs
    to group f // (F // groups)."""
    order = np.arange(len(w)).reshape(-1, groups).T.ravel()
    out = np.empty_like(_forward(x, w, None, stride, padding, dilation, groups))
    out[:, order] = _forward(x, w[order], None, stride, padding, dilation, groups)
    return out if b is None else out + b.reshape(-1, 1, 1)


@misconception(of="conv2d", caught_by="each_group_is_a_convolution_of_its_own")
def deals_the_channels_out(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Group g is given channels g, g + groups, g + 2 groups and so on. Channels stand in consecutive blocks: those of
    group g begin at g * (C // groups)."""
    order = np.arange(x.shape[1]).reshape(-1, groups).T.ravel()
    return _forward(x[:, order], w, b, stride, padding, dilation, groups)


@misconception(of="conv2d", caught_by="each_group_is_a_convolution_of_its_own")
def shuffles_the_output_of_groups(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The groups' results are interleaved, so that output channels stand in the wrong order. Output channel f is filter
    f's: keep the group's axis before the axis of filters when you reshape."""
    out = _forward(x, w, None, stride, padding, dilation, groups)
    out = out[:, np.arange(len(w)).reshape(groups, -1).T.ravel()]
    return out if b is None else out + b.reshape(-1, 1, 1)


# -- numbers and memory ------------------------------------------------------------------------------------------------


@misconception(of="conv2d", caught_by="conv2d_agrees")
def accumulates_in_float32(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Sums are kept in float32, which has 7 digits, though the arguments are float64. Give arrays that you allocate the
    arguments' dtype, `x.dtype`."""
    b = None if b is None else b.astype(np.float32)
    out = _forward(x.astype(np.float32), w.astype(np.float32), b, stride, padding, dilation, groups)
    return out.astype(x.dtype)


@misconception(of="conv2d", caught_by="conv2d_agrees")
def always_returns_float64(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The result is float64 also for float32 arguments: `np.zeros(shape)` is float64 unless you give it
    `dtype=x.dtype`."""
    return _forward(x, w, b, stride, padding, dilation, groups).astype(np.float64)


@misconception(of="conv2d", caught_by="conv2d_agrees")
def returns_float64_without_a_bias(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Without a bias the result is float64 also for float32 arguments: the zeros that stand in for b need
    `dtype=x.dtype`, or leave the addition out."""
    out = _forward(x, w, b, stride, padding, dilation, groups)
    return out.astype(np.float64) if b is None else out


@misconception(of="conv2d", caught_by="conv2d_agrees")
def cuts_the_output_to_integers(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The output's fractions are lost, in an array of integers or by rounding. Give arrays that you allocate the
    arguments' dtype, `x.dtype`."""
    return np.trunc(_forward(x, w, b, stride, padding, dilation, groups))


@misconception(of="conv2d", caught_by="conv2d_agrees")
def applies_relu(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Negative outputs are cut off at zero. The activation is a layer of its own: return the sums as they are."""
    return np.maximum(_forward(x, w, b, stride, padding, dilation, groups), 0)


# -- backward: dx ------------------------------------------------------------------------------------------------------


@misconception(of="conv2d_backward", caught_by="one_output_pixel_reaches_its_window")
def lays_the_flipped_kernel_on_dx(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx was built with the kernel flipped once too often. An output pixel sends its cotangent back through the weights
    as they lie on its window; the flip belongs to the other form, a correlation of the padded `grad` with the flipped
    kernel."""
    _, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return _backward(grad, x, w[:, :, ::-1, ::-1], stride, padding, dilation, groups)[0], dw, db


@misconception(of="conv2d_backward", caught_by="overlapping_windows_add_up")
def overwrites_where_windows_overlap(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """Where windows overlap, dx keeps the last window's contribution only. Add contributions up: `+=`, not `=`; and
    with index arrays `np.add.at`, for `dx[index] += ...` adds once for each place."""
    windows, image = _to_windows(grad, w, groups), np.zeros_like(_frame(x, padding))
    rows, columns = _index(grad.shape[2:], w, stride, dilation)
    for i, j in np.ndindex(*grad.shape[2:]):
        image[:, :, rows[i, 0], columns[0, j]] = windows[:, :, i, j]
    _, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return _crop(image, x, padding), dw, db


@misconception(of="conv2d_backward", caught_by="overlapping_windows_add_up")
def overwrites_place_by_place(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """For one weight of the kernel after the other, you assign to dx what all windows send back through it, and wipe
    out what an earlier weight put there, for windows overlap: add with +=."""
    windows, image = _to_windows(grad, w, groups), np.zeros_like(_frame(x, padding))
    rows, columns = _index(grad.shape[2:], w, stride, dilation)
    for u, v in np.ndindex(*w.shape[2:]):
        image[:, :, rows[:, :, u, 0], columns[:, :, 0, v]] = windows[..., u, v]
    _, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return _crop(image, x, padding), dw, db


@misconception(of="conv2d_backward", caught_by="overlapping_windows_add_up")
def averages_where_windows_overlap(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """Where windows overlap, dx is the mean of their contributions. The chain rule adds them up."""
    ones = np.ones((*x.shape[:2], *grad.shape[2:], *w.shape[2:]), dtype=x.dtype)
    counts = _crop(_scatter(ones, x, w, stride, padding, dilation), x, padding)
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx / np.maximum(counts, 1), dw, db


@misconception(of="conv2d_backward", caught_by="the_frame_is_cut_off_dx")
def cuts_the_frame_with_minus_zero(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """`[p:-p]` is empty where the padding p is 0, for -0 is 0. Cut with `[p : p + H]`, which holds for every p."""
    (p, q), (_, dw, db) = _pair(padding), _backward(grad, x, w, stride, padding, dilation, groups)
    image = _scatter(_to_windows(grad, w, groups), x, w, stride, padding, dilation)
    return image[:, :, p:-p, q:-q], dw, db


@misconception(of="conv2d_backward", caught_by="the_frame_is_cut_off_dx")
def cuts_the_frame_with_one_minus_zero(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """`[p:-p]` is empty where the padding p is 0, for -0 is 0. You guard against it where both sides are 0, but
    only one of them may be. Cut with `[p : p + H]`, which holds for every p."""
    (p, q), (dx, dw, db) = _pair(padding), _backward(grad, x, w, stride, padding, dilation, groups)
    if p or q:
        image = _scatter(_to_windows(grad, w, groups), x, w, stride, padding, dilation)
        dx = image[:, :, p:-p, q:-q]
    return dx, dw, db


@misconception(of="conv2d_backward", caught_by="the_frame_is_cut_off_dx")
def leaves_the_frame_on_dx(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx still has the padding around it: it is the gradient of the padded image. Cut the frame off: dx has x's
    shape."""
    _, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return _scatter(_to_windows(grad, w, groups), x, w, stride, padding, dilation), dw, db


@misconception(of="conv2d_backward", caught_by="the_frame_is_cut_off_dx")
def cuts_dx_from_the_corner(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx is cut from the padded gradient's upper left corner, `[:H, :W]`, where half of the frame lies. The image
    begins at row and column `padding`."""
    _, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return _crop(_scatter(_to_windows(grad, w, groups), x, w, stride, padding, dilation), x, 0), dw, db


@misconception(of="conv2d_backward", caught_by="the_frame_is_cut_off_dx")
def forgets_the_padding_in_dw(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw is gathered from the image without its frame, so that every window lies `padding` pixels off. Use the padded
    image that the forward pass used."""
    dx, _, db = _backward(grad, x, w, stride, padding, dilation, groups)
    p, q = _pair(padding)
    beyond = np.pad(x, ((0, 0), (0, 0), (0, 2 * p), (0, 2 * q)))
    return dx, _gather(grad, _windows(beyond, w, stride, 0, dilation), w, groups), db


@misconception(of="conv2d_backward", caught_by="the_frame_is_cut_off_dx")
def swaps_the_padding_in_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx is cut out with the padding pair read as (width, height). It is (height, width)."""
    (p, q), (_, dw, db) = _pair(padding), _backward(grad, x, w, stride, padding, dilation, groups)
    return _crop(_scatter(_to_windows(grad, w, groups), x, w, stride, padding, dilation), x, (q, p)), dw, db


@misconception(of="conv2d_backward", caught_by="a_stride_spreads_the_cotangent")
def ignores_the_stride_in_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """The backward pass lays its windows one pixel apart. With a stride, output pixel (i, j) came from the window that
    begins at (i * stride, j * stride)."""
    rows, columns = _index(grad.shape[2:], w, 1, dilation)
    windows = _frame(x, padding)[:, :, rows, columns]
    image = _scatter(_to_windows(grad, w, groups), x, w, 1, padding, dilation)
    return _crop(image, x, padding), _gather(grad, windows, w, groups), grad.sum((0, 2, 3))


@misconception(of="conv2d_backward", caught_by="a_stride_spreads_the_cotangent")
def ignores_the_stride_in_dx(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx is gathered as if the stride were 1; dw is not. In the form with a flipped kernel, stride - 1 zeros go between
    the pixels of `grad` first."""
    _, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return _crop(_scatter(_to_windows(grad, w, groups), x, w, 1, padding, dilation), x, padding), dw, db


@misconception(of="conv2d_backward", caught_by="a_stride_spreads_the_cotangent")
def ignores_the_stride_in_dw(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw is gathered as if the stride were 1; dx is not. In the form that correlates the image with `grad`, the stride
    is the dilation of `grad`."""
    dx, _, db = _backward(grad, x, w, stride, padding, dilation, groups)
    rows, columns = _index(grad.shape[2:], w, 1, dilation)
    return dx, _gather(grad, _frame(x, padding)[:, :, rows, columns], w, groups), db


@misconception(of="conv2d_backward", caught_by="backward_agrees")
def keeps_too_large_a_dw(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw has more rows or columns than the kernel. Correlating the image with `grad` runs on into the border that the
    stride leaves over: keep the first kh rows and kw columns."""
    dx, _, db = _backward(grad, x, w, stride, padding, dilation, groups)
    image = _frame(x, padding)
    # The image is correlated with the cotangent, whose pixels lie `stride` apart, in steps of `dilation`.
    larger = np.empty((*w.shape[:2], *_size(image, grad, dilation, stride)))
    rows, columns = _index(grad.shape[2:], larger, stride, dilation)
    return dx, _gather(grad, image[:, :, rows, columns], larger, groups), db


@misconception(of="conv2d_backward", caught_by="a_stride_spreads_the_cotangent")
def swaps_the_stride_in_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """The backward pass reads the stride pair as (width, height). It is (height, width), as in the forward pass."""
    return _backward_in_wrong_places(grad, x, w, _pair(stride)[::-1], padding, dilation, groups)


@misconception(of="conv2d_backward", caught_by="backward_agrees")
def loses_pixels_that_no_window_covers(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx ends where the last window ends. Where the stride does not divide, some rows and columns of x are under no
    window: their gradient is 0, and dx has x's shape all the same."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    sides = zip(grad.shape[2:], w.shape[2:], _pair(stride), _pair(padding), _pair(dilation), strict=True)
    height, width = ((out - 1) * s + d * (k - 1) + 1 - p for out, k, s, p, d in sides)
    return dx[:, :, : max(1, height), : max(1, width)], dw, db


@misconception(of="conv2d_backward", caught_by="dilation_leaves_the_zeros_out_of_dw")
def ignores_the_dilation_in_dx(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx is scattered as if the dilation were 1. Weight (i, j) met the window's pixel (i * dilation, j * dilation), and
    sends its part of the gradient there."""
    _, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return _crop(_scatter(_to_windows(grad, w, groups), x, w, stride, padding), x, padding), dw, db


@misconception(of="conv2d_backward", caught_by="dilation_leaves_the_zeros_out_of_dw")
def ignores_the_dilation_in_dw(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw is gathered as if the dilation were 1. Weight (i, j) met the window's pixel (i * dilation, j * dilation): that
    is the pixel that its gradient needs."""
    dx, _, db = _backward(grad, x, w, stride, padding, dilation, groups)
    rows, columns = _index(grad.shape[2:], w, stride, 1)
    return dx, _gather(grad, _frame(x, padding)[:, :, rows, columns], w, groups), db


@misconception(of="conv2d_backward", caught_by="dilation_leaves_the_zeros_out_of_dw")
def ignores_the_dilation_in_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """The backward pass ignores `dilation`. Weight (i, j) met the window's pixel (i * dilation, j * dilation), in dx
    and in dw."""
    rows, columns = _index(grad.shape[2:], w, stride, 1)
    dw = _gather(grad, _frame(x, padding)[:, :, rows, columns], w, groups)
    image = _scatter(_to_windows(grad, w, groups), x, w, stride, padding)
    return _crop(image, x, padding), dw, grad.sum((0, 2, 3))


@misconception(of="conv2d_backward", caught_by="dilation_leaves_the_zeros_out_of_dw")
def swaps_the_dilation_in_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """The backward pass reads the dilation pair as (width, height). It is (height, width), as in the forward pass."""
    return _backward_in_wrong_places(grad, x, w, stride, padding, _pair(dilation)[::-1], groups)


@misconception(of="conv2d_backward", caught_by="dw_and_db_add_up_over_the_batch")
def averages_dx_over_the_batch(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx is divided by the number of samples. If the loss is a mean over the batch, `grad` has that factor already."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx / len(x), dw, db


@misconception(of="conv2d_backward", caught_by="dw_and_db_add_up_over_the_batch")
def sums_dx_over_the_batch(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """Every sample's dx is the sum over the batch. x has an axis of samples and so has dx: only w and b are shared."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return np.repeat(dx.sum(0, keepdims=True), len(x), axis=0), dw, db


# -- backward: dw and db -----------------------------------------------------------------------------------------------


@misconception(of="conv2d_backward", caught_by="dw_and_db_add_up_over_the_batch")
def keeps_only_the_last_sample_in_dw(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw is the last sample's alone: in the loop over samples it is assigned, not added. All samples share w, so their
    contributions add up."""
    dx, _, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, _backward(grad[-1:], x[-1:], w, stride, padding, dilation, groups)[1], db


@misconception(of="conv2d_backward", caught_by="dw_and_db_add_up_over_the_batch")
def averages_dw_over_the_batch(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw is a mean over the batch. Sum: if the loss is a mean, `grad` has the factor 1 / N already."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw / len(x), db


@misconception(of="conv2d_backward", caught_by="dw_and_db_add_up_over_the_batch")
def averages_dw_and_db_over_the_batch(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw and db are means over the batch. Sum: if the loss is a mean, `grad` has the factor 1 / N already."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw / len(x), db / len(x)


@misconception(of="conv2d_backward", caught_by="dw_and_db_add_up_over_the_batch")
def averages_everything_over_the_batch(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx, dw and db are divided by the number of samples. If the loss is a mean, `grad` has the factor 1 / N already:
    do not divide again."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx / len(x), dw / len(x), db / len(x)


@misconception(of="conv2d_backward", caught_by="one_output_pixel_reaches_its_window")
def averages_dw_over_the_windows(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw is a mean over the output's pixels. Each output pixel's contribution counts in full: sum."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw / grad[0, 0].size, db


@misconception(of="conv2d_backward", caught_by="one_output_pixel_reaches_its_window")
def flips_dw(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw is flipped. The forward pass does not flip the kernel, so dw is a plain correlation of the image with `grad`;
    only the form of dx that correlates `grad` flips."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw[:, :, ::-1, ::-1], db


@misconception(of="conv2d_backward", caught_by="one_output_pixel_reaches_its_window")
def writes_dw_by_columns(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw's rows and columns are exchanged within each kernel: a transpose is missing or one too many before the
    reshape. dw[f, c, i, j] belongs to w[f, c, i, j]."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, np.swapaxes(dw, 2, 3).reshape(w.shape), db


@misconception(of="conv2d_backward", caught_by="one_output_pixel_reaches_its_window")
def exchanges_filters_and_channels_in_dw(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw's filters and channels are exchanged: it was gathered as (C, F, kh, kw) and reshaped. Transpose it to (F, C /
    groups, kh, kw): a reshape does not move axes."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, np.swapaxes(dw, 0, 1).reshape(w.shape), db


@misconception(of="conv2d_backward", caught_by="db_is_the_sum_of_the_cotangent")
def averages_db(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """db is a mean. The bias is added to every pixel of its channel in every sample, so db is the sum of `grad` over
    all of them."""
    dx, dw, _ = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw, grad.mean((0, 2, 3))


@misconception(of="conv2d_backward", caught_by="db_is_the_sum_of_the_cotangent")
def averages_db_over_the_batch(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """db is a mean over the batch. Sum over samples, rows and columns: if the loss is a mean, `grad` has the factor 1 /
    N already."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw, db / len(x)


@misconception(of="conv2d_backward", caught_by="db_is_the_sum_of_the_cotangent")
def sums_db_over_the_batch_alone(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """db has an element for each pixel. One bias serves all pixels of its channel: sum over rows and columns too, to
    shape (F,)."""
    dx, dw, _ = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw, grad.sum(0)


@misconception(of="conv2d_backward", caught_by="db_is_the_sum_of_the_cotangent")
def keeps_the_samples_in_db(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """db has a row for each sample. All samples share the bias: sum over the batch too, to shape (F,)."""
    dx, dw, _ = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw, grad.sum((2, 3))


@misconception(of="conv2d_backward", caught_by="db_is_the_sum_of_the_cotangent")
def keeps_the_axes_of_db(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """db keeps the axes that were summed, as (1, F, 1, 1). b has shape (F,), and so has db."""
    dx, dw, _ = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw, grad.sum((0, 2, 3), keepdims=True)


@misconception(of="conv2d_backward", caught_by="db_is_the_sum_of_the_cotangent")
def sums_db_over_everything(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """Every element of db is the sum over all channels. Each filter has its own bias: keep axis 1."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, dw, np.full_like(db, db.sum())


# -- backward: the chain rule, groups, numbers -------------------------------------------------------------------------


@misconception(of="conv2d_backward", caught_by="one_output_pixel_reaches_its_window")
def ignores_the_cotangent(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """`grad` is taken to be all ones, which gives the gradient of the output's sum. The vector-Jacobian product weighs
    every output pixel by its element of `grad`."""
    return _backward(np.ones_like(grad), x, w, stride, padding, dilation, groups)


@misconception(of="conv2d_backward", caught_by="backward_agrees")
def returns_dw_first(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dw comes first in what you return. The order is (dx, dw, db), that of conv2d's arguments."""
    dx, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dw, dx, db


@misconception(of="conv2d_backward", caught_by="backward_agrees")
def has_the_wrong_sign(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """All gradients have the wrong sign. Return the gradient itself: the minus belongs to the optimiser's step."""
    return tuple(-result for result in _backward(grad, x, w, stride, padding, dilation, groups))


@misconception(of="conv2d_backward", caught_by="each_group_has_gradients_of_its_own")
def gives_dx_to_all_groups(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """`groups` is ignored in dx: every block of channels gets the gradient of all filters. A channel gets it from its
    own group's filters only."""
    _, dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return _backward(grad, x, np.tile(w, (1, groups, 1, 1)), stride, padding, dilation, 1)[0], dw, db


@misconception(of="conv2d_backward", caught_by="each_group_has_gradients_of_its_own")
def takes_dw_from_the_first_group(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """`groups` is ignored in dw: all filters take theirs from the first C / groups channels. The i-th block of filters
    takes it from the i-th block of channels."""
    dx, _, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return dx, _backward(grad, x[:, : w.shape[1]], w, stride, padding, dilation, 1)[1], db


@misconception(of="conv2d_backward", caught_by="each_group_has_gradients_of_its_own")
def deals_the_filters_out_in_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """The backward pass gives filter f to group f % groups. Filters stand in consecutive blocks: filter f belongs to
    group f // (F // groups)."""
    order = np.arange(len(w)).reshape(-1, groups).T.ravel()
    dx, ordered, _ = _backward(grad[:, order], x, w[order], stride, padding, dilation, groups)
    dw = np.empty_like(ordered)
    dw[order] = ordered
    return dx, dw, grad.sum((0, 2, 3))


@misconception(of="conv2d_backward", caught_by="backward_agrees")
def flips_the_callers_kernel(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """The kernel is flipped in place, and stays flipped in the caller's array. `w[:, :, ::-1, ::-1]` is a view that
    leaves w as it is."""
    results = _backward(grad, x, w, stride, padding, dilation, groups)
    w[...] = w[:, :, ::-1, ::-1].copy()
    return results


@misconception(of="conv2d_backward", caught_by="backward_agrees")
def gathers_dx_in_the_callers_image(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """dx is gathered in x itself: `dx = x` gives the array a second name, it does not copy. Begin with
    `np.zeros_like(x)`."""
    x[...], dw, db = _backward(grad, x, w, stride, padding, dilation, groups)
    return x, dw, db


@misconception(of="conv2d_backward", caught_by="backward_agrees")
def accumulates_in_float32_in_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """Sums are kept in float32, which has 7 digits, though the arguments are float64. Give arrays that you allocate the
    arguments' dtype, `x.dtype`."""
    grad, x, w, dtype = (*(a.astype(np.float32) for a in (grad, x, w)), x.dtype)
    return tuple(result.astype(dtype) for result in _backward(grad, x, w, stride, padding, dilation, groups))


@misconception(of="conv2d_backward", caught_by="backward_agrees")
def always_returns_float64_in_backward(grad, x, w, stride=1, padding=0, dilation=1, groups=1):
    """The results are float64 also for float32 arguments: `np.zeros(shape)` is float64 unless you give it a dtype.
    `np.zeros_like(x)` keeps x's."""
    return tuple(result.astype(np.float64) for result in _backward(grad, x, w, stride, padding, dilation, groups))
