"""Wrong and slow max pooling that students write in torch, and what cures each."""

import torch
from dlgrade.author import misconception

# -- right pooling in pieces, of which each misconception gets one wrong -----------------------------------------------


def _pair(amount):
    return (amount, amount) if isinstance(amount, int) else amount


def _stride(kernel, stride):
    return _pair(kernel if stride is None else stride)


def _frame(x, padding, value=-torch.inf):
    (p, q), (n, c, h, w) = _pair(padding), x.shape
    framed = x.new_full((n, c, h + 2 * p, w + 2 * q), value)
    framed[:, :, p : p + h, q : q + w] = x
    return framed


def _windows(x, kernel, stride=None, padding=0, value=-torch.inf):
    """All windows, (N, C, H', W', kh, kw), as a view."""
    (kh, kw), (s, t) = _pair(kernel), _stride(kernel, stride)
    return _frame(x, padding, value).unfold(2, kh, s).unfold(3, kw, t)


def _maxima(x, kernel, stride=None, padding=0, value=-torch.inf):
    return _windows(x, kernel, stride, padding, value).amax((4, 5))


def _places(framed, kernel, stride):
    """For each place of a window, the framed images' pixels there."""
    (kh, kw), (s, t) = _pair(kernel), _stride(kernel, stride)
    h, w = (framed.shape[2] - kh) // s + 1, (framed.shape[3] - kw) // t + 1
    return [
        framed[:, :, i : i + s * (h - 1) + 1 : s, j : j + t * (w - 1) + 1 : t] for i in range(kh) for j in range(kw)
    ]


# -- wrong results -----------------------------------------------------------------------------------------------------


@misconception(of="max_pool2d_fast", caught_by="padding_never_wins")
def pads_with_zeros(x, kernel, stride=None, padding=0):
    """You pad with zeros, which win wherever the real pixels are negative: pad with -torch.inf."""
    return _maxima(x, kernel, stride, padding, 0.0)


@misconception(of="max_pool2d_fast", caught_by="padding_never_wins")
def pads_with_a_merely_low_number(x, kernel, stride=None, padding=0):
    """You pad with a large negative number, and a real pixel may be lower still: pad with -torch.inf."""
    return _maxima(x, kernel, stride, padding, -1e9)


@misconception(of="max_pool2d_fast", caught_by="padding_never_wins")
def pads_with_the_lowest_float32(x, kernel, stride=None, padding=0):
    """You pad with the lowest number of float32, but float64 reaches far lower: pad with -torch.inf."""
    return _maxima(x, kernel, stride, padding, torch.finfo(torch.float32).min)


@misconception(of="max_pool2d_fast", caught_by="agrees")
def pads_with_the_largest_pixel(x, kernel, stride=None, padding=0):
    """You pad with a number that a real pixel may be below, and the frame wins: pad with -torch.inf."""
    return _maxima(x, kernel, stride, padding, float(x.max()))


@misconception(of="max_pool2d_fast", caught_by="agrees")
def begins_at_zero(x, kernel, stride=None, padding=0):
    """You begin with zeros and take larger pixels only, so that no maximum is negative: begin with the first place of
    the window, or with -torch.inf."""
    return _maxima(x, kernel, stride, padding).clamp(min=0)


@misconception(of="max_pool2d_fast", caught_by="agrees")
def takes_the_largest_magnitude(x, kernel, stride=None, padding=0):
    """You compare magnitudes; -5 is smaller than 3: compare the pixels as they are."""
    high, low = _maxima(x, kernel, stride, padding), -_maxima(-x, kernel, stride, padding)
    return torch.where(low.abs() > high.abs(), low, high)


@misconception(of="max_pool2d_fast", caught_by="agrees")
def takes_the_smallest(x, kernel, stride=None, padding=0):
    """You take the smallest pixel of each window: take the largest."""
    return -_maxima(-x, kernel, stride, padding)


@misconception(of="max_pool2d_fast", caught_by="a_rising_function_may_come_before_or_after")
def averages_instead(x, kernel, stride=None, padding=0):
    """You average the windows: take the largest pixel of each."""
    return _windows(x, kernel, stride, padding, 0.0).mean((4, 5))


@misconception(of="max_pool2d_fast", caught_by="treats_each_channel_alone")
def takes_the_maximum_over_channels(x, kernel, stride=None, padding=0):
    """You take the maximum over the channels too: each channel is pooled alone."""
    maxima = _maxima(x, kernel, stride, padding)
    return maxima.amax(1, keepdim=True).expand(maxima.shape).contiguous()


@misconception(of="max_pool2d_fast", caught_by="agrees")
def mixes_samples_and_channels(x, kernel, stride=None, padding=0):
    """You flatten samples and channels, and bring them back in the other order: reshape to (N, C, H', W') as they
    were."""
    maxima = _maxima(x, kernel, stride, padding)
    n, c, h, w = maxima.shape
    return maxima.reshape(c, n, h, w).transpose(0, 1)


@misconception(of="max_pool2d_fast", caught_by="agrees")
def reshapes_blocks(x, kernel, stride=None, padding=0):
    """You cut the images into blocks by reshape(), which ignores the stride and every overlap: that is right only where
    the stride is the kernel and there is no padding."""
    kh, kw = _pair(kernel)
    n, c, h, w = x.shape
    return x[:, :, : h // kh * kh, : w // kw * kw].reshape(n, c, h // kh, kh, w // kw, kw).amax((3, 5))


@misconception(of="max_pool2d_fast", caught_by="steps_by_the_kernel")
def steps_by_one(x, kernel, stride=None, padding=0):
    """Without a stride you step by 1: None stands for the kernel's sides."""
    return _maxima(x, kernel, 1 if stride is None else stride, padding)


@misconception(of="max_pool2d_fast", caught_by="a_stride_keeps_every_s_th_pixel")
def ignores_the_stride(x, kernel, stride=None, padding=0):
    """You always step by the kernel: use the stride where one is given."""
    return _maxima(x, kernel, None, padding)


@misconception(of="max_pool2d_fast", caught_by="has_the_size_that_the_formula_gives")
def rounds_the_size_up(x, kernel, stride=None, padding=0):
    """You keep windows that lie over the border: the size is rounded down, and what no whole window reaches is left
    out."""
    (kh, kw), (s, t) = _pair(kernel), _stride(kernel, stride)
    framed = _frame(x, padding)
    more = (-(framed.shape[2] - kh) % s, -(framed.shape[3] - kw) % t)
    wider = x.new_full((*x.shape[:2], framed.shape[2] + more[0], framed.shape[3] + more[1]), -torch.inf)
    wider[:, :, : framed.shape[2], : framed.shape[3]] = framed
    return _maxima(wider, kernel, stride)


@misconception(of="max_pool2d_fast", caught_by="has_the_size_that_the_formula_gives")
def loses_the_last_window(x, kernel, stride=None, padding=0):
    """You forget the + 1 of the size, and the last row and column of windows are missing."""
    maxima = _maxima(x, kernel, stride, padding)
    return maxima[:, :, : max(1, maxima.shape[2] - 1), : max(1, maxima.shape[3] - 1)]


@misconception(of="max_pool2d_fast", caught_by="has_the_size_that_the_formula_gives")
def swaps_height_and_width(x, kernel, stride=None, padding=0):
    """You take pairs for (width, height): they are (height, width)."""
    kernel, stride, padding = (v[::-1] if isinstance(v, tuple) else v for v in (kernel, stride, padding))
    return _maxima(x, kernel, stride, padding)


@misconception(of="max_pool2d_fast", caught_by="has_the_size_that_the_formula_gives")
def takes_the_first_of_each_pair(x, kernel, stride=None, padding=0):
    """You take the first of each pair for both sides: the second is the width's."""
    kernel, stride, padding = (v[0] if isinstance(v, tuple) else v for v in (kernel, stride, padding))
    return _maxima(x, kernel, stride, padding)


@misconception(of="max_pool2d_fast", caught_by="has_the_size_that_the_formula_gives")
def ignores_the_padding(x, kernel, stride=None, padding=0):
    """You ignore the padding: surround the images with that many pixels of -inf first."""
    (kh, kw), (h, w) = _pair(kernel), x.shape[2:]
    return _maxima(x, (min(kh, h), min(kw, w)), _stride(kernel, stride))


@misconception(of="max_pool2d_fast", caught_by="has_the_size_that_the_formula_gives")
def pads_one_end_only(x, kernel, stride=None, padding=0):
    """You pad at the top and the left only: pad all four sides."""
    (p, q), (kh, kw) = _pair(padding), _pair(kernel)
    framed = _frame(x, padding)
    return _maxima(framed[:, :, : max(kh, framed.shape[2] - p), : max(kw, framed.shape[3] - q)], kernel, stride)


@misconception(of="max_pool2d_fast", caught_by="agrees")
def steps_twice(x, kernel, stride=None, padding=0):
    """You pool rows and columns in turn and step along both dimensions both times: the first time along the height
    only, the second along the width only."""
    (kh, kw), (s, t) = _pair(kernel), _stride(kernel, stride)
    by_rows = _frame(x, padding).unfold(2, kh, s).amax(-1)[..., ::t]
    return by_rows.unfold(3, min(kw, by_rows.shape[3]), t).amax(-1)


@misconception(of="max_pool2d_fast", caught_by="agrees")
def computes_in_float32(x, kernel, stride=None, padding=0):
    """You work in float32 whatever the dtype of x, and float64 pixels lose half of their digits: stay in the dtype of
    x."""
    return _maxima(x.float(), kernel, stride, padding).to(x.dtype)


@misconception(of="max_pool2d_fast", caught_by="float32_stays_float32")
def computes_in_float64(x, kernel, stride=None, padding=0):
    """You compute in float64 and return to the dtype of x: twice the memory traffic, and a maximum is one of its
    pixels, with no more digits than they have."""
    return _maxima(x.double(), kernel, stride, padding).to(x.dtype)


@misconception(of="max_pool2d_fast", caught_by="agrees")
def returns_float64(x, kernel, stride=None, padding=0):
    """You return float64 whatever comes in: a maximum needs no more digits than its pixels, so keep the dtype of x."""
    return _maxima(x.double(), kernel, stride, padding)


@misconception(of="max_pool2d_fast", caught_by="agrees")
def overwrites_the_images(x, kernel, stride=None, padding=0):
    """You gather the maxima in place, in a view of x, and the caller's images are changed: the first place of the
    window is a view, so make a new tensor with torch.maximum(), not with out= or an assignment."""
    first, *others = _places(_frame(x, padding) if padding else x, kernel, stride)
    for place in others:
        first.copy_(torch.maximum(first, place))
    return first


# -- wrong gradients ---------------------------------------------------------------------------------------------------


@misconception(of="max_pool2d_fast", caught_by="gradient")
def shuts_autograd_out(x, kernel, stride=None, padding=0):
    """You compute without a record, under torch.no_grad(), by .detach() or .data: no gradient reaches x."""
    return _maxima(x.detach(), kernel, stride, padding)


@misconception(of="max_pool2d_fast", caught_by="gradient")
def smooths_the_gradient(x, kernel, stride=None, padding=0):
    """You give the gradient to all pixels of a window, as the mean does: only the largest decides the maximum."""
    middle = _windows(x, kernel, stride, padding, 0.0).mean((4, 5))
    return middle + (_maxima(x, kernel, stride, padding) - middle).detach()


class _Shared(torch.autograd.Function):
    """Right maxima; backward each window's largest pixels get what `shares` makes of their marks."""

    @staticmethod
    def forward(ctx, framed, kernel, stride, shares):
        places = _places(framed, kernel, stride)
        most = torch.stack(places).amax(0)
        ctx.save_for_backward(framed, most)
        ctx.how = kernel, stride, shares
        return most

    @staticmethod
    def backward(ctx, grad):
        framed, most = ctx.saved_tensors
        kernel, stride, shares = ctx.how
        back = torch.zeros_like(framed)
        marks = torch.stack([place == most for place in _places(framed, kernel, stride)])
        for place, share in zip(_places(back, kernel, stride), shares(marks), strict=True):
            place += grad * share
        return back, None, None, None


@misconception(of="max_pool2d_fast", caught_by="winners_share_one_gradient")
def gives_each_winner_all(x, kernel, stride=None, padding=0):
    """Backward you give the whole gradient to every pixel that equals its window's maximum; where several do, they get
    it several times over. One of them may have it, or each a part."""
    return _Shared.apply(_frame(x, padding), kernel, stride, lambda marks: marks)


@misconception(of="max_pool2d_fast", caught_by="winners_share_one_gradient")
def gives_no_winner_any(x, kernel, stride=None, padding=0):
    """Where several pixels of a window are largest, none of them gets its gradient. One of them may have it, or each a
    part: after a ReLU, windows of equal zeros are common."""
    return _Shared.apply(_frame(x, padding), kernel, stride, lambda marks: marks & (marks.sum(0) == 1))


# -- right results at too high a cost ----------------------------------------------------------------------------------


@misconception(of="max_pool2d_fast", caught_by="fast")
def loops_over_the_windows(x, kernel, stride=None, padding=0):
    """You take the windows one at a time in Python, and each small operation costs more to start than to do: loop over
    the few places of a window instead, each on whole images."""
    (kh, kw), (s, t) = _pair(kernel), _stride(kernel, stride)
    framed = _frame(x, padding)
    rows = []
    for i in range(0, framed.shape[2] - kh + 1, s):
        windows = [framed[:, :, i : i + kh, j : j + kw] for j in range(0, framed.shape[3] - kw + 1, t)]
        rows.append(torch.stack([window.amax((2, 3)) for window in windows], -1))
    return torch.stack(rows, -2)


@misconception(of="max_pool2d_fast", caught_by="fast")
def sorts_each_window(x, kernel, stride=None, padding=0):
    """You sort the pixels of each window to find the largest: torch.maximum() of one place of the window after the
    other reads each pixel once and keeps no order."""
    return _windows(x, kernel, stride, padding).flatten(4).sort(-1).values[..., -1]


@misconception(of="max_pool2d_fast", caught_by="runs_no_loop_over_windows")
def loops_over_the_channels(x, kernel, stride=None, padding=0):
    """You pool one channel of one sample at a time: slices and torch.maximum() take all of them at once."""
    pooled = [
        [_maxima(x[n : n + 1, c : c + 1], kernel, stride, padding) for c in range(x.shape[1])] for n in range(len(x))
    ]
    return torch.cat([torch.cat(channels, 1) for channels in pooled])


@misconception(of="max_pool2d_fast", caught_by="runs_no_loop_over_windows")
def loops_over_rows_of_windows(x, kernel, stride=None, padding=0):
    """You go from one row of windows to the next in Python: loop over the few places of a window instead, each on whole
    images."""
    (kh, kw), (s, t) = _pair(kernel), _stride(kernel, stride)
    framed = _frame(x, padding)
    tops = range(0, framed.shape[2] - kh + 1, s)
    return torch.stack([framed[:, :, i : i + kh].amax(2).unfold(2, kw, t).amax(-1) for i in tops], 2)
