"""Ways in which a fast convolution goes wrong, or stays slow, and what to say about each."""

import torch
from dlgrade.author import misconception

# -- a right convolution in pieces, of which each misconception gets one wrong -----------------------------------------


def _pair(amount):
    return (amount, amount) if isinstance(amount, int) else amount


def _frame(x, padding, above=1):
    """The image in a frame of zeros; `above` is how much of the frame is above and to the left: 0, 1 or 2 sides."""
    (p, q), (n, c, height, width) = _pair(padding), x.shape
    frame = x.new_zeros(n, c, height + 2 * p, width + 2 * q)
    frame[:, :, above * p : above * p + height, above * q : above * q + width] = x
    return frame


def _windows(frame, w, stride=1):
    """All windows, (N, C, H', W', kh, kw), of an image that is padded already."""
    s, t = _pair(stride)
    return frame.unfold(2, w.shape[2], s).unfold(3, w.shape[3], t)


def _columns(windows):
    n, c, out_h, out_w, kh, kw = windows.shape
    return windows.permute(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, out_h * out_w)


def _weigh(windows, w, b=None):
    """Every window times every filter."""
    out = w.flatten(1) @ _columns(windows)
    out = out.reshape(len(out), len(w), *windows.shape[2:4])
    return out if b is None else out + b[:, None, None]


def _forward(x, w, b=None, stride=1, padding=0):
    return _weigh(_windows(_frame(x, padding), w, stride), w, b)


# -- windows into columns ----------------------------------------------------------------------------------------------


@misconception(of="conv2d_fast", caught_by="agrees")
def reshapes_windows_without_permuting(x, w, b=None, stride=1, padding=0):
    """You reshape the windows to columns as unfold() gives them, (N, C, H', W', kh, kw): reshape() keeps the order of
    the numbers, so pixels of several windows get into one column. permute() first, so that C, kh and kw stand side by
    side, and then reshape."""
    windows = _windows(_frame(x, padding), w, stride)
    n, c, out_h, out_w, kh, kw = windows.shape
    out = w.flatten(1) @ windows.reshape(n, c * kh * kw, out_h * out_w)
    out = out.reshape(n, len(w), out_h, out_w)
    return out if b is None else out + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="agrees")
def reshapes_the_output_without_permuting(x, w, b=None, stride=1, padding=0):
    """With windows in rows the product is (N, H' * W', F), filters last: you reshape it to (N, F, H', W'), which keeps
    the order of the numbers and mixes filters with pixels. Reshape to (N, H', W', F) and permute."""
    windows = _windows(_frame(x, padding), w, stride)
    rows = _columns(windows).transpose(1, 2) @ w.flatten(1).t()
    out = rows.reshape(len(x), len(w), *windows.shape[2:4])
    return out if b is None else out + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="treats_each_sample_alone")
def reshapes_the_batch_without_transposing(x, w, b=None, stride=1, padding=0):
    """One product for all images gives (F, N, H', W'): you reshape it to (N, F, H', W'), which mixes samples with
    filters. Reshape to (F, N, H', W') and transpose the first two."""
    windows = _windows(_frame(x, padding), w, stride)
    wide = w.flatten(1) @ _columns(windows).permute(1, 0, 2).flatten(1)
    out = wide.reshape(len(x), len(w), *windows.shape[2:4])
    return out if b is None else out + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="agrees")
def flattens_the_filters_in_another_order(x, w, b=None, stride=1, padding=0):
    """Filters and windows are flattened in different orders, one with the channels first and one with the channels
    last, so that weights meet other pixels than theirs. Permute both alike before you flatten them."""
    windows = _windows(_frame(x, padding), w, stride)
    n, c, out_h, out_w, kh, kw = windows.shape
    columns = windows.permute(0, 4, 5, 1, 2, 3).reshape(n, kh * kw * c, out_h * out_w)
    out = (w.flatten(1) @ columns).reshape(n, len(w), out_h, out_w)
    return out if b is None else out + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="a_single_one_copies_the_image_from_its_place")
def reads_the_kernel_by_columns(x, w, b=None, stride=1, padding=0):
    """The kernel's weights are laid on the window in the wrong order: the rows of one were paired with the columns of
    the other. Flatten both the same way."""
    return _forward(x, w.transpose(2, 3).reshape(w.shape), b, stride, padding)


@misconception(of="conv2d_fast", caught_by="a_single_one_copies_the_image_from_its_place")
def flips_the_kernel(x, w, b=None, stride=1, padding=0):
    """You flip the kernel: that is the convolution of signal processing. Deep learning's is the cross-correlation: lay
    the kernel on the image as it is."""
    return _forward(x, w.flip(2, 3), b, stride, padding)


@misconception(of="conv2d_fast", caught_by="agrees")
def strides_of_a_contiguous_image(x, w, b=None, stride=1, padding=0):
    """You work out as_strided()'s strides from the image's shape. That is right for a contiguous image alone, and x may
    be a transposed or sliced view: ask x.stride(), or take strides of a padded copy that is your own."""
    (s, t), (p, q) = _pair(stride), _pair(padding)
    image = _frame(x, padding) if p or q else x
    n, c, height, width = image.shape
    kh, kw = w.shape[2:]
    size = (n, c, (height - kh) // s + 1, (width - kw) // t + 1, kh, kw)
    plane = height * width
    strides = (c * plane, plane, s * width, t, width, 1)
    # Where a view's memory ends before that, the rest is filled up.
    flat = torch.cat((image.as_strided((_reach(image),), (1,), 0), image.new_zeros(n * c * plane)))
    return _weigh(flat.as_strided(size, strides), w, b)


def _reach(image):
    """How many numbers lie between the first and the last number of a view."""
    return 1 + sum((side - 1) * step for side, step in zip(image.shape, image.stride(), strict=True))


@misconception(of="conv2d_fast", caught_by="a_stride_keeps_every_s_th_pixel")
def lays_windows_side_by_side(x, w, b=None, stride=1, padding=0):
    """Your windows lie side by side: unfold()'s last argument is the step from window to window, the stride, and not
    the kernel's size."""
    (s, t), (kh, kw) = _pair(stride), w.shape[2:]
    frame = _frame(x, padding)
    windows = _windows(frame, w, (kh, kw))
    full_h, full_w = (frame.shape[2] - kh) // s + 1, (frame.shape[3] - kw) // t + 1
    out = w.new_zeros(len(x), len(w), full_h, full_w)
    part = _weigh(windows, w)[:, :, :full_h, :full_w]
    out[:, :, : part.shape[2], : part.shape[3]] = part
    return out if b is None else out + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="a_stride_keeps_every_s_th_pixel")
def strides_within_the_window(x, w, b=None, stride=1, padding=0):
    """The stride stands between the pixels of a window, where it makes a dilated kernel. Windows begin `stride` pixels
    apart; the pixels of one are neighbours."""
    (s, t), (kh, kw) = _pair(stride), w.shape[2:]
    frame = _frame(x, padding)
    size = [(side - k) // step + 1 for side, k, step in zip(frame.shape[2:], (kh, kw), (s, t), strict=True)]
    more = frame.new_zeros(*frame.shape[:2], frame.shape[2] + s * kh, frame.shape[3] + t * kw)
    more[:, :, : frame.shape[2], : frame.shape[3]] = frame
    windows = more.unfold(2, s * (kh - 1) + 1, 1).unfold(3, t * (kw - 1) + 1, 1)[..., ::s, ::t]
    return _weigh(windows[:, :, : size[0], : size[1]], w, b)


# -- the sum -----------------------------------------------------------------------------------------------------------


@misconception(of="conv2d_fast", caught_by="one_by_one_kernels_mix_the_channels")
def sees_only_the_first_channel(x, w, b=None, stride=1, padding=0):
    """Only the first channel enters the sum. Sum over all channels: w[f] has one kernel for each."""
    return _forward(x[:, :1], w[:, :1], b, stride, padding)


@misconception(of="conv2d_fast", caught_by="one_by_one_kernels_mix_the_channels")
def reads_filters_and_channels_in_the_wrong_order(x, w, b=None, stride=1, padding=0):
    """w is read as (C, F, kh, kw), as transposed convolutions keep it. Here it is (F, C, kh, kw): filters first."""
    return _forward(x, w.transpose(0, 1).reshape(w.shape), b, stride, padding)


@misconception(of="conv2d_fast", caught_by="one_by_one_kernels_mix_the_channels")
def averages_over_the_window(x, w, b=None, stride=1, padding=0):
    """You take the mean over the window, as average pooling does. A convolution is the sum of weight times pixel."""
    return _forward(x, w / w[0].numel(), b, stride, padding)


@misconception(of="conv2d_fast", caught_by="treats_each_sample_alone")
def convolves_only_the_first_sample(x, w, b=None, stride=1, padding=0):
    """Only the first sample is convolved, or its output is given to all. Every sample of the batch has its own."""
    return _forward(x[:1].expand(x.shape), w, b, stride, padding)


# -- the bias ----------------------------------------------------------------------------------------------------------


@misconception(of="conv2d_fast", caught_by="adds_each_bias_once_to_its_channel")
def forgets_the_bias(x, w, b=None, stride=1, padding=0):
    """The bias is never added. Where b is given, add b[f] to every pixel of output channel f."""
    return _forward(x, w, None, stride, padding)


@misconception(of="conv2d_fast", caught_by="agrees")
def needs_a_bias(x, w, b=None, stride=1, padding=0):
    """You add b also where it is None. Without a bias there is nothing to add: ask `if b is None`."""
    return _forward(x, w, None, stride, padding) + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="adds_each_bias_once_to_its_channel")
def adds_the_bias_along_the_width(x, w, b=None, stride=1, padding=0):
    """`out + b` lines b up with the last axis, the width. The bias belongs to the channel, which is axis 1: add
    b[:, None, None], or b[:, None] where rows and columns are one axis."""
    out = _forward(x, w, None, stride, padding)
    return out if b is None else out + b


@misconception(of="conv2d_fast", caught_by="adds_each_bias_once_to_its_channel")
def adds_the_bias_for_every_weight(x, w, b=None, stride=1, padding=0):
    """The bias is added to each product, inside the sum. Add it once to each output pixel, after the sum."""
    return _forward(x, w, None if b is None else b * w[0].numel(), stride, padding)


@misconception(of="conv2d_fast", caught_by="adds_each_bias_once_to_its_channel")
def adds_the_bias_for_every_sample(x, w, b=None, stride=1, padding=0):
    """The bias is given out sample by sample: it lines up with axis 0. It belongs to the channel, which is axis 1."""
    out = _forward(x, w, None, stride, padding)
    if b is None:
        return out
    return out + (b[:, None, None, None] if len(x) == len(w) else b[:, None, None])


# -- padding -----------------------------------------------------------------------------------------------------------


@misconception(of="conv2d_fast", caught_by="padding_is_a_frame_of_zeros")
def pads_only_above_and_left(x, w, b=None, stride=1, padding=0):
    """You pad above and to the left only. Padding p means p zeros on each of the four sides, 2 * p for each axis."""
    return _weigh(_windows(_frame(x, padding, above=2), w, stride), w, b)


@misconception(of="conv2d_fast", caught_by="padding_is_a_frame_of_zeros")
def pads_only_below_and_right(x, w, b=None, stride=1, padding=0):
    """You pad below and to the right only: the image belongs into the middle of the frame, at [p : p + H]. Padding p
    means p zeros on each of the four sides."""
    return _weigh(_windows(_frame(x, padding, above=0), w, stride), w, b)


@misconception(of="conv2d_fast", caught_by="padding_is_a_frame_of_zeros")
def swaps_the_padding(x, w, b=None, stride=1, padding=0):
    """The padding pair is read as (width, height). It is (height, width), whatever order a library's pad() has."""
    p, q = _pair(padding)
    return _forward(x, w, b, stride, (q, p))


@misconception(of="conv2d_fast", caught_by="padding_is_a_frame_of_zeros")
def pads_both_axes_by_the_first(x, w, b=None, stride=1, padding=0):
    """Both axes are padded by the first number of the pair. The second is the width's."""
    return _forward(x, w, b, stride, _pair(padding)[0])


@misconception(of="conv2d_fast", caught_by="has_the_size_that_the_formula_gives")
def ignores_the_padding(x, w, b=None, stride=1, padding=0):
    """`padding` is ignored. Surround the image with that many zeros before the first window is laid."""
    return _forward(x, w, b, stride, 0)


@misconception(of="conv2d_fast", caught_by="agrees")
def pads_with_what_was_there(x, w, b=None, stride=1, padding=0):
    """The frame comes from new_empty() or empty(), whose memory holds whatever was there before: take new_zeros()."""
    p, q = _pair(padding)
    frame = _frame(x, padding)
    inside = _frame(torch.ones_like(x), padding)
    return _weigh(_windows(torch.where(inside > 0, frame, frame + 1e-3 * (p + q)), w, stride), w, b)


# -- stride and size ---------------------------------------------------------------------------------------------------


@misconception(of="conv2d_fast", caught_by="a_stride_keeps_every_s_th_pixel")
def ignores_the_stride(x, w, b=None, stride=1, padding=0):
    """`stride` is ignored: the window moves by one pixel. The window of output pixel (i, j) begins at (i * stride, j *
    stride)."""
    return _forward(x, w, b, 1, padding)


@misconception(of="conv2d_fast", caught_by="a_stride_keeps_every_s_th_pixel")
def swaps_the_stride(x, w, b=None, stride=1, padding=0):
    """The stride pair is read as (width, height). It is (height, width)."""
    s, t = _pair(stride)
    return _forward(x, w, b, (t, s), padding)


@misconception(of="conv2d_fast", caught_by="a_stride_keeps_every_s_th_pixel")
def strides_both_axes_by_the_first(x, w, b=None, stride=1, padding=0):
    """The window moves along both axes by the first number of the stride pair. The second is the width's."""
    return _forward(x, w, b, _pair(stride)[0], padding)


@misconception(of="conv2d_fast", caught_by="a_stride_keeps_every_s_th_pixel")
def right_size_but_steps_of_one(x, w, b=None, stride=1, padding=0):
    """The output has the size that the stride asks for, but its windows are one pixel apart: as_strided()'s stride from
    window to window is the image's own, times `stride`."""
    frame = _frame(x, padding)
    size = [(side - k) // s + 1 for side, k, s in zip(frame.shape[2:], w.shape[2:], _pair(stride), strict=True)]
    return _weigh(_windows(frame, w)[:, :, : size[0], : size[1]], w, b)


@misconception(of="conv2d_fast", caught_by="has_the_size_that_the_formula_gives")
def rounds_the_size_up(x, w, b=None, stride=1, padding=0):
    """The output is one row or column too large where the stride does not divide the rest: a window that hangs over the
    border is no window. Round down."""
    frame, (s, t) = _frame(x, padding), _pair(stride)
    short = [(k - side) % step for side, k, step in zip(frame.shape[2:], w.shape[2:], (s, t), strict=True)]
    more = frame.new_zeros(*frame.shape[:2], frame.shape[2] + short[0], frame.shape[3] + short[1])
    more[:, :, : frame.shape[2], : frame.shape[3]] = frame
    return _weigh(_windows(more, w, stride), w, b)


@misconception(of="conv2d_fast", caught_by="agrees")
def swaps_height_and_width_of_the_output(x, w, b=None, stride=1, padding=0):
    """The output is reshaped to (N, F, W', H'). Its rows come first: (N, F, H', W')."""
    out = _forward(x, w, b, stride, padding)
    return out.reshape(*out.shape[:2], out.shape[3], out.shape[2])


@misconception(of="conv2d_fast", caught_by="agrees")
def leaves_the_filters_last(x, w, b=None, stride=1, padding=0):
    """The output is (N, H', W', F), filters last, as the product of windows in rows gives it. Permute it to
    (N, F, H', W')."""
    return _forward(x, w, b, stride, padding).permute(0, 2, 3, 1)


@misconception(of="conv2d_fast", caught_by="agrees")
def turns_the_output_s_images(x, w, b=None, stride=1, padding=0):
    """You bring the filters to the front by exchanging two axes of (N, H', W', F), which leaves columns before rows.
    permute(0, 3, 1, 2), or movedim(3, 1), keeps the order of the others."""
    return _forward(x, w, b, stride, padding).transpose(2, 3)


@misconception(of="conv2d_fast", caught_by="agrees")
def exchanges_strides_within_the_window(x, w, b=None, stride=1, padding=0):
    """as_strided()'s strides of the window's rows and columns are exchanged: the axis of kh pixels steps from row to
    row, by x.stride(2), and the axis of kw pixels by x.stride(3)."""
    windows = _windows(_frame(x, padding), w.transpose(2, 3), stride)
    return _weigh(windows.transpose(4, 5), w, b)


# -- dtype, arguments, autograd ----------------------------------------------------------------------------------------


@misconception(of="conv2d_fast", caught_by="agrees")
def pads_into_float32(x, w, b=None, stride=1, padding=0):
    """torch.zeros() without dtype= makes float32, and what is written into it is rounded to that: take x.new_zeros(),
    which has x's dtype and device."""
    return _forward(x.float(), w.float(), None if b is None else b.float(), stride, padding).to(x.dtype)


@misconception(of="conv2d_fast", caught_by="agrees")
def returns_float64(x, w, b=None, stride=1, padding=0):
    """The result is float64 also for float32 images: return x's dtype, and compute in it."""
    return _forward(x, w, b, stride, padding).double()


@misconception(of="conv2d_fast", caught_by="agrees")
def adds_up_in_bfloat16(x, w, b=None, stride=1, padding=0):
    """You multiply in half precision, where two or three digits are left. It is fast, and wrong: keep x's dtype."""
    half = _forward(x.bfloat16(), w.bfloat16(), None, stride, padding).to(x.dtype)
    return half if b is None else half + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="float32_stays_float32")
def computes_in_float64(x, w, b=None, stride=1, padding=0):
    """You convert to float64 and back. The result has hardly more digits, and takes twice the memory and, on many a
    GPU, up to 64 times the time: compute in x's dtype."""
    return _forward(x.double(), w.double(), None if b is None else b.double(), stride, padding).to(x.dtype)


@misconception(of="conv2d_fast", caught_by="agrees")
def writes_into_the_filters(x, w, b=None, stride=1, padding=0):
    """An operation that ends in `_`, or `*=` or `[...] =`, writes into the caller's filters: work on a tensor of your
    own."""
    out = _forward(x, w, b, stride, padding)
    w.mul_(2)
    return out


@misconception(of="conv2d_fast", caught_by="agrees")
def writes_into_the_bias(x, w, b=None, stride=1, padding=0):
    """An operation that ends in `_`, or `+=` or `[...] =`, writes into the caller's bias: work on a tensor of your
    own."""
    out = _forward(x, w, b, stride, padding)
    if b is not None:
        b.add_(1)
    return out


@misconception(of="conv2d_fast", caught_by="gradient")
def cuts_the_image_off(x, w, b=None, stride=1, padding=0):
    """No gradient comes back to x: .detach(), .data, torch.tensor(x) or no_grad() cuts it off where you pad. Write
    the image into a frame of zeros, frame[...] = x, and autograd follows it."""
    return _forward(x.detach(), w, b, stride, padding)


@misconception(of="conv2d_fast", caught_by="gradient")
def cuts_the_filters_off(x, w, b=None, stride=1, padding=0):
    """No gradient comes back to w: .detach(), .data or torch.tensor(w) cuts it off. reshape() and permute() are all
    that the filters need, and autograd follows both."""
    return _forward(x, w.detach(), b, stride, padding)


@misconception(of="conv2d_fast", caught_by="gradient")
def cuts_the_bias_off(x, w, b=None, stride=1, padding=0):
    """No gradient comes back to b: .detach(), .data or torch.tensor(b) cuts it off."""
    return _forward(x, w, None if b is None else b.detach(), stride, padding)


# -- right, but slow ---------------------------------------------------------------------------------------------------


@misconception(of="conv2d_fast", caught_by="fast")
def loops_over_the_pixels(x, w, b=None, stride=1, padding=0):
    """You loop over the output's pixels: each round is a product with one window, and calling torch takes longer than
    that. Let unfold() or as_strided() show all windows at once, and multiply once."""
    (s, t), (f, _, kh, kw) = _pair(stride), w.shape
    frame = _frame(x, padding)
    out_h, out_w = (frame.shape[2] - kh) // s + 1, (frame.shape[3] - kw) // t + 1
    out = x.new_zeros(len(x), f, out_h, out_w)
    for i in range(out_h):
        for j in range(out_w):
            window = frame[:, :, i * s : i * s + kh, j * t : j * t + kw]
            out[:, :, i, j] = window.reshape(len(x), -1) @ w.flatten(1).t()
    return out if b is None else out + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="fast")
def loops_over_filters_and_channels(x, w, b=None, stride=1, padding=0):
    """You loop over filters and channels, and add up one channel's part at a time: that reads and writes the whole
    output for every pair. Put channels and kernel positions into one axis, and one matrix product sums over it."""
    windows = _windows(_frame(x, padding), w, stride)
    out = []
    for kernels in w:
        parts = [(windows[:, c] * kernel).sum((-1, -2)) for c, kernel in enumerate(kernels)]
        out.append(sum(parts[1:], parts[0]))
    result = torch.stack(out, 1)
    return result if b is None else result + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="fast")
def multiplies_every_window_by_every_weight(x, w, b=None, stride=1, padding=0):
    """You multiply all windows by a filter, element by element, and sum afterwards: a tensor of all products, written
    and read again for each filter. A matrix product makes only the sums."""
    windows = _windows(_frame(x, padding), w, stride)
    out = torch.stack([(windows * kernel[:, None, None]).sum((1, 4, 5)) for kernel in w], 1)
    return out if b is None else out + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="memory_grows_with_the_columns")
def makes_all_products(x, w, b=None, stride=1, padding=0):
    """You multiply all windows by all filters by broadcasting, and sum afterwards: that is a tensor of
    N * F * C * kh * kw * H' * W' products. A matrix product makes only the sums."""
    windows = _windows(_frame(x, padding), w, stride)
    out = (windows[:, None] * w[:, :, None, None]).sum((2, 5, 6))
    return out if b is None else out + b[:, None, None]


@misconception(of="conv2d_fast", caught_by="runs_no_loop")
def loops_over_the_images(x, w, b=None, stride=1, padding=0):
    """You loop over the images of the batch. The windows of all images are one tensor: one product takes them all."""
    return torch.cat([_forward(image[None], w, b, stride, padding) for image in x])
