"""Ways in which pooling goes wrong, and what to say about each."""

import numpy as np
from dlgrade.author import misconception

# -- right pooling in pieces, of which each misconception gets one wrong -----------------------------------------------


def _pair(amount):
    return (amount, amount) if isinstance(amount, int) else amount


def _stride(kernel, stride):
    return _pair(kernel if stride is None else stride)


def _frame(x, padding, value=-np.inf):
    p, q = _pair(padding)
    return np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)), constant_values=value)


def _crop(image, x, padding):
    p, q = _pair(padding)
    return image[:, :, p : p + x.shape[2], q : q + x.shape[3]]


def _index(size, kernel, stride, ceil=False):
    """Rows and columns of every window of an image that is framed already; they index it as (H', W', kh, kw)."""
    axes = []
    for side, k, s in zip(size, _pair(kernel), _stride(kernel, stride), strict=True):
        out = (side - k + (s - 1 if ceil else 0)) // s + 1
        # As np.zeros would, with which most people make the output.
        if out < 0:
            raise ValueError("negative dimensions are not allowed")
        axes.append(np.arange(out)[:, None] * s + np.arange(k))
    rows, columns = axes
    return rows[:, None, :, None], columns[None, :, None, :]


def _windows(x, kernel, stride=None, padding=0, value=-np.inf):
    """All windows, (N, C, H', W', kh, kw)."""
    framed = _frame(x, padding, value)
    rows, columns = _index(framed.shape[2:], kernel, stride)
    return framed[:, :, rows, columns]


def _maxima(x, kernel, stride=None, padding=0, value=-np.inf):
    return _windows(x, kernel, stride, padding, value).max((4, 5))


def _counts(x, kernel, stride, padding, count_include_pad):
    """What each window's sum is divided by."""
    kh, kw = _pair(kernel)
    if count_include_pad:
        return np.asarray(kh * kw, x.dtype)
    return _windows(np.ones_like(x[:1, :1]), kernel, stride, padding, 0)[0, 0].sum((2, 3))


def _averages(x, kernel, stride=None, padding=0, count_include_pad=True):
    total = _windows(x, kernel, stride, padding, 0).sum((4, 5))
    return total / _counts(x, kernel, stride, padding, count_include_pad)


def _scatter(windows, x, kernel, stride, padding):
    """Windows, added up in the framed image at the places that they came from."""
    image = np.zeros_like(_frame(x, padding, 0))
    rows, columns = _index(image.shape[2:], kernel, stride)
    np.add.at(image, (slice(None), slice(None), rows, columns), windows)
    return image


def _flat(windows):
    return windows.reshape(*windows.shape[:4], -1)


def _one_of(windows, number):
    """1 at that place of every window, counted in row-major order, and 0 elsewhere."""
    places = np.arange(_flat(windows).shape[-1])
    return (places == number[..., None]).reshape(windows.shape)


def _winners(windows):
    return _one_of(windows, _flat(windows).argmax(-1))


def _sent(grad, chosen):
    """Every window's cotangent times what its pixels are to get of it."""
    return grad[..., None, None] * chosen.astype(grad.dtype)


def _to_winners(grad, x, kernel, stride=None, padding=0):
    return _sent(grad, _winners(_windows(x, kernel, stride, padding)))


def _max_backward(grad, x, kernel, stride=None, padding=0):
    image = _scatter(_to_winners(grad, x, kernel, stride, padding), x, kernel, stride, padding)
    return _crop(image, x, padding)


def _shares(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    share = grad / _counts(x, kernel, stride, padding, count_include_pad)
    return _sent(share, np.ones_like(_windows(x, kernel, stride, padding, 0)))


def _avg_backward(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    image = _scatter(_shares(grad, x, kernel, stride, padding, count_include_pad), x, kernel, stride, padding)
    return _crop(image, x, padding)


def _flipped(amount):
    return amount[::-1] if isinstance(amount, tuple) else amount


def _first(amount):
    return amount[0] if isinstance(amount, tuple) else amount


def _covered(grad, x, kernel, stride, padding):
    """How many rows and columns of the image the windows reach."""
    axes = zip(grad.shape[2:], _pair(kernel), _stride(kernel, stride), _pair(padding), x.shape[2:], strict=True)
    return tuple(max(1, min(side, (out - 1) * s + k - p)) for out, k, s, p, side in axes)


def _last_wins(windows, x, kernel, stride, padding):
    """Windows, written over one another in the framed image, one output pixel after the other."""
    image = np.zeros_like(_frame(x, padding, 0))
    rows, columns = _index(image.shape[2:], kernel, stride)
    for i, j in np.ndindex(*windows.shape[2:4]):
        at = (slice(None), slice(None), rows[i, 0], columns[0, j])
        # Only what the window hands out is written; the other pixels keep what they have.
        image[at] = np.where(windows[:, :, i, j] != 0, windows[:, :, i, j], image[at])
    return image


def _whole_windows_written(windows, x, kernel, stride, padding):
    """The same, zeros included."""
    image = np.zeros_like(_frame(x, padding, 0))
    rows, columns = _index(image.shape[2:], kernel, stride)
    for i, j in np.ndindex(*windows.shape[2:4]):
        image[:, :, rows[i, 0], columns[0, j]] = windows[:, :, i, j]
    return image


def _place_by_place(windows, x, kernel, stride, padding):
    """The same, one place in the window after the other, for all windows at once."""
    image = np.zeros_like(_frame(x, padding, 0))
    rows, columns = _index(image.shape[2:], kernel, stride)
    for u, v in np.ndindex(*windows.shape[4:]):
        image[:, :, rows[:, :, 0, 0] + u, columns[0, :, 0, 0] + v] = windows[..., u, v]
    return image


def _to_winners_of(grad, x, kernel, stride, padding):
    """The gradient if the windows are these, which need not be the forward pass's; what lies beyond is skipped."""
    (kh, kw), (s, t), framed = _pair(kernel), _pair(stride), _frame(x, padding)
    dx = np.zeros_like(framed)
    for n, c, i, j in np.ndindex(*grad.shape):
        window = framed[n, c, i * s : i * s + kh, j * t : j * t + kw]
        if window.size:
            row, column = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, i * s + row, j * t + column] += grad[n, c, i, j]
    return _crop(dx, x, padding)


# -- max_pool2d: which pixel -------------------------------------------------------------------------------------------


@misconception(of="max_pool2d", caught_by="padding_never_wins")
def pads_with_zeros(x, kernel, stride=None, padding=0):
    """You pad with zeros, as a convolution does. In max pooling a zero beats every negative pixel: the frame is -inf
    (`constant_values=-np.inf`)."""
    return _maxima(x, kernel, stride, padding, 0)


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def pads_with_a_merely_low_number(x, kernel, stride=None, padding=0):
    """You pad with a low number such as -1e9, and pixels may be lower still: only -inf loses to every pixel."""
    return _maxima(x, kernel, stride, padding, -1e9)


@misconception(of="max_pool2d", caught_by="padding_never_wins")
def pads_with_minus_a_million(x, kernel, stride=None, padding=0):
    """You pad with -1e6, and pixels may be lower still: only -inf loses to every pixel."""
    return _maxima(x, kernel, stride, padding, -1e6)


@misconception(of="max_pool2d", caught_by="padding_never_wins")
def pads_with_minus_a_thousand(x, kernel, stride=None, padding=0):
    """You pad with -1000, and pixels may be lower still: only -inf loses to every pixel."""
    return _maxima(x, kernel, stride, padding, -1000)


@misconception(of="max_pool2d", caught_by="padding_never_wins")
def pads_with_the_lowest_float32(x, kernel, stride=None, padding=0):
    """You pad with the lowest number of float32, and pixels in float64 may be lower still: only -inf loses to every
    pixel."""
    return _maxima(x, kernel, stride, padding, np.finfo(np.float32).min)


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def begins_at_zero(x, kernel, stride=None, padding=0):
    """Your maximum starts from 0, so that it is never negative. Start from -inf, or from the window's first pixel."""
    return np.maximum(_maxima(x, kernel, stride, padding), np.zeros((), x.dtype))


@misconception(of="max_pool2d", caught_by="padding_never_wins")
def takes_the_largest_magnitude(x, kernel, stride=None, padding=0):
    """You compare absolute values. The largest pixel is the one that is furthest up, with its sign: -5 is less than
    1."""
    windows = _flat(_windows(x, kernel, stride, padding, 0))
    return np.take_along_axis(windows, np.abs(windows).argmax(-1)[..., None], -1)[..., 0]


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def takes_the_smallest(x, kernel, stride=None, padding=0):
    """You take the smallest pixel of each window: take the largest."""
    return _windows(x, kernel, stride, padding, np.inf).min((4, 5))


@misconception(of="max_pool2d", caught_by="a_rising_function_may_come_before_or_after")
def averages_instead(x, kernel, stride=None, padding=0):
    """This is average pooling: take the maximum of each window, not its mean."""
    return _averages(x, kernel, stride, padding, False)


@misconception(of="max_pool2d", caught_by="max_pool2d_treats_each_channel_alone")
def takes_the_maximum_over_channels(x, kernel, stride=None, padding=0):
    """Your maximum runs over the channels too. Pooling leaves the channels apart: reduce over the window's rows and
    columns only."""
    out = _maxima(x, kernel, stride, padding)
    return np.repeat(out.max(1, keepdims=True), x.shape[1], axis=1)


@misconception(of="max_pool2d", caught_by="max_pool2d_treats_each_channel_alone")
def takes_the_maximum_over_the_batch(x, kernel, stride=None, padding=0):
    """Your maximum runs over the samples too: each sample keeps its own."""
    out = _maxima(x, kernel, stride, padding)
    return np.repeat(out.max(0, keepdims=True), len(x), axis=0)


# -- max_pool2d: which windows -----------------------------------------------------------------------------------------


@misconception(of="max_pool2d", caught_by="max_pool2d_steps_by_the_kernel")
def steps_by_one(x, kernel, stride=None, padding=0):
    """Without `stride` you step by 1, as a convolution does. A pooling window steps by its own size unless told
    otherwise."""
    return _maxima(x, kernel, 1 if stride is None else stride, padding)


@misconception(of="max_pool2d", caught_by="max_pool2d_with_a_stride_keeps_every_s_th_pixel")
def ignores_the_stride(x, kernel, stride=None, padding=0):
    """You always step by the kernel (as a reshape into blocks does) and ignore `stride`: windows may overlap, or leave
    gaps."""
    return _maxima(x, kernel, None, padding)


@misconception(of="max_pool2d", caught_by="max_pool2d_has_the_size_that_the_formula_gives")
def rounds_the_size_up(x, kernel, stride=None, padding=0):
    """You round the output's size up (PyTorch's ceil_mode=True, TensorFlow's "SAME"): here it is rounded down, and
    pixels that no whole window reaches are left out."""
    framed = _frame(x, padding)
    rows, columns = _index(framed.shape[2:], kernel, stride, ceil=True)
    beyond = (
        int(max(0, index.max() + 1 - side)) for index, side in zip((rows, columns), framed.shape[2:], strict=True)
    )
    down, right = beyond
    wide = np.pad(framed, ((0, 0), (0, 0), (0, down), (0, right)), constant_values=-np.inf)
    return wide[:, :, rows, columns].max((4, 5))


@misconception(of="max_pool2d", caught_by="max_pool2d_has_the_size_that_the_formula_gives")
def loses_the_last_window(x, kernel, stride=None, padding=0):
    """The last window of each row and column is missing: the size is (H + 2 padding - k) // stride + 1, and the + 1 is
    for the window at the start. (`range(0, H - k, stride)` stops one too early, too.)"""
    return _maxima(x, kernel, stride, padding)[:, :, :-1, :-1]


@misconception(of="max_pool2d", caught_by="max_pool2d_has_the_size_that_the_formula_gives")
def divides_the_side_by_the_stride(x, kernel, stride=None, padding=0):
    """The output's size is not (H + 2 padding) // stride: that holds only where the kernel is the stride. Use
    (H + 2 padding - k) // stride + 1."""
    framed, (kh, kw), (s, t) = _frame(x, padding), _pair(kernel), _stride(kernel, stride)
    out_h, out_w = max(1, framed.shape[2] // s), max(1, framed.shape[3] // t)
    out = np.empty((*x.shape[:2], out_h, out_w), x.dtype)
    for i, j in np.ndindex(out_h, out_w):
        out[:, :, i, j] = framed[:, :, i * s : i * s + kh, j * t : j * t + kw].max((2, 3), initial=-np.inf)
    return out


@misconception(of="max_pool2d", caught_by="max_pool2d_has_the_size_that_the_formula_gives")
def swaps_height_and_width(x, kernel, stride=None, padding=0):
    """You read pairs as (width, height). They are (height, width), as in an array's shape."""
    return _maxima(x, _flipped(kernel), _flipped(stride), _flipped(padding))


@misconception(of="max_pool2d", caught_by="max_pool2d_has_the_size_that_the_formula_gives")
def takes_the_first_of_each_pair(x, kernel, stride=None, padding=0):
    """You use the first number of each pair for both directions: the second is the width's."""
    return _maxima(x, _first(kernel), _first(stride), _first(padding))


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def swaps_the_kernel(x, kernel, stride=None, padding=0):
    """You read the kernel's pair as (width, height). It is (height, width), as in an array's shape."""
    return _maxima(x, _flipped(kernel), _flipped(kernel) if stride is None else stride, padding)


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def swaps_the_stride(x, kernel, stride=None, padding=0):
    """You read the stride's pair as (width, height). It is (height, width), as in an array's shape."""
    return _maxima(x, kernel, _flipped(stride), padding)


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def swaps_the_padding(x, kernel, stride=None, padding=0):
    """You read the padding's pair as (width, height). It is (height, width), as in an array's shape."""
    return _maxima(x, kernel, stride, _flipped(padding))


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def pads_both_axes_by_the_first(x, kernel, stride=None, padding=0):
    """You pad both axes by the first number of the pair. The second is the width's."""
    return _maxima(x, kernel, stride, _first(padding))


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def strides_both_axes_by_the_first(x, kernel, stride=None, padding=0):
    """The window moves along both axes by the first number of the stride pair. The second is the width's."""
    return _maxima(x, kernel, _first(stride), padding)


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def steps_by_the_height(x, kernel, stride=None, padding=0):
    """Without `stride` you step by the kernel's height along both axes. The windows lie side by side: along the
    width the stride is kw."""
    return _maxima(x, kernel, _first(kernel) if stride is None else stride, padding)


@misconception(of="max_pool2d", caught_by="max_pool2d_has_the_size_that_the_formula_gives")
def ignores_the_padding(x, kernel, stride=None, padding=0):
    """You ignore `padding`: surround the image with that many pixels of -inf on each side first."""
    return _maxima(x, kernel, stride, 0)


@misconception(of="max_pool2d", caught_by="max_pool2d_has_the_size_that_the_formula_gives")
def pads_the_start_only(x, kernel, stride=None, padding=0):
    """You pad above and on the left only: `padding` is added on all four sides, twice to each axis."""
    (p, q), (height, width) = _pair(padding), x.shape[2:]
    framed = _frame(x, padding)[:, :, : p + height, : q + width]
    return _maxima(framed, kernel, stride)


# -- max_pool2d: numbers -----------------------------------------------------------------------------------------------


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def computes_in_float32(x, kernel, stride=None, padding=0):
    """You keep pixels in float32 although x is float64, and lose half of their digits: give arrays that you allocate
    x's dtype."""
    return _maxima(x.astype(np.float32), kernel, stride, padding).astype(x.dtype)


@misconception(of="max_pool2d", caught_by="max_pool2d_agrees")
def returns_float64(x, kernel, stride=None, padding=0):
    """You return float64 for float32 images: `np.zeros(shape)` and `np.full(shape, -np.inf)` are float64 unless you
    give them x's dtype."""
    return _maxima(x, kernel, stride, padding).astype(np.float64)


# -- max_pool2d_backward: who gets it ----------------------------------------------------------------------------------


@misconception(of="max_pool2d_backward", caught_by="a_tie_goes_to_the_first")
def sends_it_to_every_tie(grad, x, kernel, stride=None, padding=0):
    """A mask `window == window.max()` is true at every one of several equal pixels, and you send each the whole
    gradient. Only the first of them gets it (argmax finds it)."""
    windows = _windows(x, kernel, stride, padding)
    chosen = windows == windows.max((4, 5), keepdims=True)
    return _crop(_scatter(_sent(grad, chosen), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="a_tie_goes_to_the_first")
def splits_it_among_ties(grad, x, kernel, stride=None, padding=0):
    """You divide the gradient among equal pixels, as `amax` of PyTorch and JAX's maximum do. Here, as in PyTorch's
    max pooling, the first of them in row-major order gets it whole."""
    windows = _windows(x, kernel, stride, padding)
    chosen = (windows == windows.max((4, 5), keepdims=True)).astype(x.dtype)
    chosen /= chosen.sum((4, 5), keepdims=True)
    return _crop(_scatter(_sent(grad, chosen), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="a_tie_goes_to_the_first")
def sends_it_to_the_last_tie(grad, x, kernel, stride=None, padding=0):
    """Of equal pixels you choose the last one. Compare with >, not >=, so that a later pixel does not replace the first
    that was as large."""
    windows = _windows(x, kernel, stride, padding)
    last = _flat(windows).shape[-1] - 1 - _flat(windows)[..., ::-1].argmax(-1)
    return _crop(_scatter(_sent(grad, _one_of(windows, last)), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="a_tie_goes_to_the_first")
def sends_it_to_the_rightmost_of_the_highest_row(grad, x, kernel, stride=None, padding=0):
    """Of equal pixels you choose the rightmost of the highest row: within a row, too, the first one wins, the
    leftmost."""
    windows = _windows(x, kernel, stride, padding)
    chosen = _winners(windows[..., ::-1])[..., ::-1]
    return _crop(_scatter(_sent(grad, chosen), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="a_tie_goes_to_the_first")
def breaks_ties_by_columns(grad, x, kernel, stride=None, padding=0):
    """Of equal pixels you choose the first by columns. Search each window row by row, from left to right: row-major
    order."""
    windows = _windows(x, kernel, stride, padding)
    turned = np.swapaxes(windows, 4, 5)
    chosen = np.swapaxes(_winners(turned), 4, 5)
    return _crop(_scatter(_sent(grad, chosen), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def compares_with_a_tolerance(grad, x, kernel, stride=None, padding=0):
    """You compare inexactly, as np.isclose does, so that a pixel that is only nearly the largest wins too: compare
    exactly (argmax does)."""
    windows = _windows(x, kernel, stride, padding)
    close = np.isclose(windows, windows.max((4, 5), keepdims=True))
    chosen = _one_of(windows, _flat(close).argmax(-1))
    return _crop(_scatter(_sent(grad, chosen), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def compares_in_float32(grad, x, kernel, stride=None, padding=0):
    """You look for the winners in float32 although x is float64, or in x with a little noise added, so that pixels that
    differ become ties or change places: compare the pixels of x as they are."""
    with np.errstate(all="ignore"):
        low = x.astype(np.float32)
    chosen = _winners(_windows(low, kernel, stride, padding))
    return _crop(_scatter(_sent(grad, chosen), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def divides_the_number_by_the_height(grad, x, kernel, stride=None, padding=0):
    """You take a winner's number apart with kh: `divmod(number, kh)`. In row-major order a row of the window has kw
    pixels: `divmod(number, kw)`, or np.unravel_index with (kh, kw)."""
    (kh, kw), (s, t), (p, q) = _pair(kernel), _stride(kernel, stride), _pair(padding)
    number = _flat(_windows(x, kernel, stride, padding)).argmax(-1)
    rows, columns = np.divmod(number, kh)
    # What lies beyond the frame is lost.
    framed = np.pad(x, ((0, 0), (0, 0), (p, p + kh * kw), (q, q + kh * kw)))
    image = np.zeros_like(framed)
    for n, c, i, j in np.ndindex(*grad.shape):
        image[n, c, i * s + rows[n, c, i, j], j * t + columns[n, c, i, j]] += grad[n, c, i, j]
    return _crop(image, x, padding)


@misconception(of="max_pool2d_backward", caught_by="no_gradient_is_lost")
def lets_a_low_number_win_in_backward(grad, x, kernel, stride=None, padding=0):
    """In the backward pass you pad x with a low number such as -1e6, and pixels may be lower still: their gradient goes
    to the frame and is lost. The frame is -inf here too."""
    chosen = _winners(_windows(x, kernel, stride, padding, -1e6))
    return _crop(_scatter(_sent(grad, chosen), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="no_gradient_is_lost")
def lets_zeros_win_in_backward(grad, x, kernel, stride=None, padding=0):
    """In the backward pass you pad x with zeros: where all pixels of a window are negative, its gradient goes to the
    frame and is lost. The frame is -inf here too."""
    chosen = _winners(_windows(x, kernel, stride, padding, 0))
    return _crop(_scatter(_sent(grad, chosen), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="dx_carries_the_maxima")
def shares_it_out(grad, x, kernel, stride=None, padding=0):
    """You give every pixel of the window an equal share: that is average pooling's backward pass. In max pooling the
    winner gets it all."""
    return _avg_backward(grad, x, kernel, stride, padding, False)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def numbers_pixels_over_all_channels(grad, x, kernel, stride=None, padding=0):
    """You look for one winner over all samples and channels (an argmax without axis, or over the wrong one): every
    channel of every sample has its own."""
    windows = _windows(x, kernel, stride, padding)
    largest = windows.max((0, 1), keepdims=True)
    chosen = np.broadcast_to(_winners(largest), windows.shape)
    return _crop(_scatter(_sent(grad, chosen), x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="no_gradient_is_lost")
def multiplies_by_the_maximum(grad, x, kernel, stride=None, padding=0):
    """You multiply the gradient by the largest pixel. The maximum's derivative with respect to its winner is 1: pass
    `grad` on as it is."""
    return _max_backward(grad * _maxima(x, kernel, stride, padding), x, kernel, stride, padding)


@misconception(of="max_pool2d_backward", caught_by="no_gradient_is_lost")
def ignores_the_cotangent(grad, x, kernel, stride=None, padding=0):
    """You send a 1 to each winner, the gradient of the output's sum. The vector-Jacobian product sends the window's
    element of `grad`."""
    return _max_backward(np.ones_like(grad), x, kernel, stride, padding)


# -- max_pool2d_backward: where it goes --------------------------------------------------------------------------------


@misconception(of="max_pool2d_backward", caught_by="windows_that_share_a_winner_add_up")
def overwrites_a_shared_winner(grad, x, kernel, stride=None, padding=0):
    """Where windows overlap and share a winner, the last one overwrites the others: add with +=. If you index with
    arrays, `dx[rows, columns] += ...` counts a repeated place once; np.add.at counts them all."""
    sent = _to_winners(grad, x, kernel, stride, padding)
    return _crop(_last_wins(sent, x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="windows_that_share_a_winner_add_up")
def overwrites_whole_windows(grad, x, kernel, stride=None, padding=0):
    """You assign each window's gradient, zeros included, and so wipe out what an overlapping window put there: add
    with +=."""
    sent = _to_winners(grad, x, kernel, stride, padding)
    return _crop(_whole_windows_written(sent, x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="windows_that_share_a_winner_add_up")
def overwrites_place_by_place(grad, x, kernel, stride=None, padding=0):
    """For one place in the window after the other, you assign the gradients of all windows, zeros included, and so wipe
    out what an earlier place put there, for windows overlap: add with +=."""
    sent = _to_winners(grad, x, kernel, stride, padding)
    return _crop(_place_by_place(sent, x, kernel, stride, padding), x, padding)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def crops_everything_without_padding(grad, x, kernel, stride=None, padding=0):
    """`dx[:, :, p:-p, q:-q]` is empty where p or q is 0, for -0 is 0. Cut from p to p + H instead."""
    image, (p, q) = _scatter(_to_winners(grad, x, kernel, stride, padding), x, kernel, stride, padding), _pair(padding)
    return image[:, :, p:-p, q:-q]


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def keeps_the_frame(grad, x, kernel, stride=None, padding=0):
    """dx still has the frame around it: cut it off, dx has x's shape."""
    return _scatter(_to_winners(grad, x, kernel, stride, padding), x, kernel, stride, padding)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def forgets_the_frame_in_backward(grad, x, kernel, stride=None, padding=0):
    """You find the winners in the padded image and write the gradient into the unpadded one, `padding` pixels too far
    down and right. Take the padding off the winner's row and column."""
    image = _scatter(_to_winners(grad, x, kernel, stride, padding), x, kernel, stride, padding)
    return image[:, :, : x.shape[2], : x.shape[3]]


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def loses_the_uncovered_border(grad, x, kernel, stride=None, padding=0):
    """dx ends where the last window ends. Rows and columns that no window reaches have gradient 0, and dx has x's shape
    all the same."""
    height, width = _covered(grad, x, kernel, stride, padding)
    return _max_backward(grad, x, kernel, stride, padding)[:, :, :height, :width]


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_spreads_grad_over_the_stride")
def ignores_the_stride_in_backward(grad, x, kernel, stride=None, padding=0):
    """In the backward pass you step by the kernel and ignore `stride`: the windows must be those of the forward
    pass."""
    return _to_winners_of(grad, x, kernel, kernel, padding)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def steps_by_one_in_backward(grad, x, kernel, stride=None, padding=0):
    """Without `stride` your backward pass steps by 1: it steps by the kernel, as the forward pass does."""
    return _to_winners_of(grad, x, kernel, 1 if stride is None else stride, padding)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def swaps_height_and_width_in_backward(grad, x, kernel, stride=None, padding=0):
    """The backward pass reads pairs as (width, height). They are (height, width), as in the forward pass."""
    turned = (_flipped(kernel), _flipped(kernel if stride is None else stride), _flipped(padding))
    return _to_winners_of(grad, x, *turned)


@misconception(of="max_pool2d_backward", caught_by="no_gradient_is_lost")
def averages_over_the_batch(grad, x, kernel, stride=None, padding=0):
    """You divide by the number of samples. If the loss is a mean over the batch, `grad` has that factor already."""
    return _max_backward(grad, x, kernel, stride, padding) / np.asarray(len(x), x.dtype)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def writes_into_the_image(grad, x, kernel, stride=None, padding=0):
    """You gather dx in x itself: `dx = x` gives the array a second name, it does not copy. Begin with
    `np.zeros_like(x)`."""
    x[...] = _max_backward(grad, x, kernel, stride, padding)
    return x


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def computes_in_float32_in_backward(grad, x, kernel, stride=None, padding=0):
    """The backward pass keeps numbers in float32 although they are float64: digits of `grad` are lost, and pixels that
    differ become ties."""
    low = _max_backward(grad.astype(np.float32), x.astype(np.float32), kernel, stride, padding)
    return low.astype(x.dtype)


@misconception(of="max_pool2d_backward", caught_by="max_pool2d_backward_agrees")
def returns_float64_in_backward(grad, x, kernel, stride=None, padding=0):
    """dx is float64 also for float32 arguments: `np.zeros(shape)` is float64 unless you give it a dtype.
    `np.zeros_like(x)` keeps x's."""
    return _max_backward(grad, x, kernel, stride, padding).astype(np.float64)


# -- avg_pool2d --------------------------------------------------------------------------------------------------------


@misconception(of="avg_pool2d", caught_by="padding_that_does_not_count_divides_by_the_real_pixels")
def always_counts_the_padding(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You always divide by kh * kw. With count_include_pad=False a window that reaches into the frame is divided by the
    number of its real pixels."""
    return _averages(x, kernel, stride, padding, True)


@misconception(of="avg_pool2d", caught_by="padding_that_counts_is_a_frame_of_zeros")
def never_counts_the_padding(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You always divide by the number of real pixels. That is right under the Keras and TensorFlow convention, and for
    count_include_pad=False; by default, as in PyTorch, the frame's zeros count: divide by kh * kw."""
    return _averages(x, kernel, stride, padding, False)


@misconception(of="avg_pool2d", caught_by="padding_that_does_not_count_divides_by_the_real_pixels")
def counts_out_the_frame_above_and_left_only(x, kernel, stride=None, padding=0, count_include_pad=True):
    """With count_include_pad=False you take off the frame's pixels above and on the left only: a window may also reach
    into the frame below and on the right."""
    if count_include_pad:
        return _averages(x, kernel, stride, padding, True)
    (p, q), total = _pair(padding), _windows(x, kernel, stride, padding, 0).sum((4, 5))
    image = np.pad(np.ones_like(x[:1, :1]), ((0, 0), (0, 0), (p, 0), (q, 0)))
    image = np.pad(image, ((0, 0), (0, 0), (0, p), (0, q)), constant_values=1)
    image[:, :, :p], image[:, :, :, :q] = 0, 0
    return total / _windows(image, kernel, stride, 0, 0)[0, 0].sum((2, 3))


@misconception(of="avg_pool2d", caught_by="padding_that_counts_is_a_frame_of_zeros")
def turns_the_flag_round(x, kernel, stride=None, padding=0, count_include_pad=True):
    """`count_include_pad` is the wrong way round: if it is true the frame's pixels count in the divisor, kh * kw."""
    return _averages(x, kernel, stride, padding, not count_include_pad)


@misconception(of="avg_pool2d", caught_by="padding_that_does_not_count_divides_by_the_real_pixels")
def takes_zeros_for_padding(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You count the pixels that are not 0, but a real pixel may be 0 and counts. Count places, not values: pool an
    image of ones."""
    if count_include_pad:
        return _averages(x, kernel, stride, padding, True)
    windows = _windows(x, kernel, stride, padding, 0)
    counts = np.maximum((windows != 0).sum((4, 5)), 1).astype(x.dtype)
    return windows.sum((4, 5)) / counts


@misconception(of="avg_pool2d", caught_by="padding_that_counts_is_a_frame_of_zeros")
def repeats_the_border(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You pad by repeating the border's pixels: the frame is zeros."""
    (p, q) = _pair(padding)
    framed = np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)), mode="edge")
    if count_include_pad:
        return _averages(framed, kernel, stride)
    inside = _frame(np.ones_like(x), padding, 0)
    return _averages(framed * inside, kernel, stride) / _averages(inside, kernel, stride)


@misconception(of="avg_pool2d", caught_by="equal_pixels_are_their_own_average")
def sums_only(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You sum the window and do not divide: the average of equal pixels must be that pixel."""
    return _windows(x, kernel, stride, padding, 0).sum((4, 5))


@misconception(of="avg_pool2d", caught_by="equal_pixels_are_their_own_average")
def divides_by_the_height_squared(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You divide by kh * kh: a window has kh * kw pixels, and need not be square."""
    kh, kw = _pair(kernel)
    return _averages(x, kernel, stride, padding, count_include_pad) * np.asarray(kw / kh, x.dtype)


@misconception(of="avg_pool2d", caught_by="equal_pixels_are_their_own_average")
def divides_by_the_stride(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You divide by the product of the strides: a window's sum is divided by the number of its pixels, kh * kw, however
    far it steps."""
    (kh, kw), (s, t) = _pair(kernel), _stride(kernel, stride)
    return _averages(x, kernel, stride, padding, count_include_pad) * np.asarray(kh * kw / (s * t), x.dtype)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_is_linear")
def takes_the_maximum(x, kernel, stride=None, padding=0, count_include_pad=True):
    """This is max pooling: average the window's pixels."""
    return _maxima(x, kernel, stride, padding)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_treats_each_channel_alone")
def averages_the_channels(x, kernel, stride=None, padding=0, count_include_pad=True):
    """Your mean runs over the channels too. Pooling leaves the channels apart: average over the window's rows and
    columns only."""
    out = _averages(x, kernel, stride, padding, count_include_pad)
    return np.repeat(out.mean(1, keepdims=True), x.shape[1], axis=1)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_steps_by_the_kernel")
def averages_in_steps_of_one(x, kernel, stride=None, padding=0, count_include_pad=True):
    """Without `stride` you step by 1, as a convolution does. A pooling window steps by its own size unless told
    otherwise."""
    return _averages(x, kernel, 1 if stride is None else stride, padding, count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_with_a_stride_keeps_every_s_th_pixel")
def averages_side_by_side_only(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You always step by the kernel and ignore `stride`: windows may overlap, or leave gaps."""
    return _averages(x, kernel, None, padding, count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_has_the_size_that_the_formula_gives")
def averages_partial_windows(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You round the output's size up and average partial windows at the lower and right border (PyTorch's
    ceil_mode=True): here the size is rounded down."""
    framed, (kh, kw), (s, t) = _frame(x, padding, 0), _pair(kernel), _stride(kernel, stride)
    rows, columns = _index(framed.shape[2:], kernel, stride, ceil=True)
    inside = _frame(np.ones_like(x), padding, 1 if count_include_pad else 0)
    out = np.empty((*x.shape[:2], rows.shape[0], columns.shape[1]), x.dtype)
    for i, j in np.ndindex(*out.shape[2:]):
        at = (slice(None), slice(None), slice(i * s, i * s + kh), slice(j * t, j * t + kw))
        out[:, :, i, j] = framed[at].sum((2, 3)) / np.maximum(inside[at].sum((2, 3)), 1)
    return out


@misconception(of="avg_pool2d", caught_by="avg_pool2d_has_the_size_that_the_formula_gives")
def averages_turned_windows(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You read pairs as (width, height). They are (height, width), as in an array's shape."""
    return _averages(x, _flipped(kernel), _flipped(stride), _flipped(padding), count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def swaps_the_kernel_of_averages(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You read the kernel's pair as (width, height). It is (height, width), as in an array's shape."""
    return _averages(x, _flipped(kernel), _flipped(kernel) if stride is None else stride, padding, count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def swaps_the_stride_of_averages(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You read the stride's pair as (width, height). It is (height, width), as in an array's shape."""
    return _averages(x, kernel, _flipped(stride), padding, count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def swaps_the_padding_of_averages(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You read the padding's pair as (width, height). It is (height, width), as in an array's shape."""
    return _averages(x, kernel, stride, _flipped(padding), count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def pads_both_axes_by_the_first_of_averages(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You pad both axes by the first number of the pair. The second is the width's."""
    return _averages(x, kernel, stride, _first(padding), count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def strides_both_axes_by_the_first_of_averages(x, kernel, stride=None, padding=0, count_include_pad=True):
    """The window moves along both axes by the first number of the stride pair. The second is the width's."""
    return _averages(x, kernel, _first(stride), padding, count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def steps_by_the_height_of_averages(x, kernel, stride=None, padding=0, count_include_pad=True):
    """Without `stride` you step by the kernel's height along both axes. The windows lie side by side: along the
    width the stride is kw."""
    return _averages(x, kernel, _first(kernel) if stride is None else stride, padding, count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def keeps_running_sums_of_the_image_s_dtype(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You take each window's sum out of running sums (np.cumsum). In float32, beside one huge pixel, all the others are
    lost in them, in windows far from it too. Keep them in float64, or add up each window by itself."""
    framed, (kh, kw), (s, t) = _frame(x, padding, 0), _pair(kernel), _stride(kernel, stride)
    table = np.pad(framed, ((0, 0), (0, 0), (1, 0), (1, 0))).cumsum(2).cumsum(3)
    total = table[:, :, kh:, kw:] - table[:, :, :-kh, kw:] - table[:, :, kh:, :-kw] + table[:, :, :-kh, :-kw]
    return total[:, :, ::s, ::t] / _counts(x, kernel, stride, padding, count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def divides_in_whole_numbers(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You divide with //, which rounds down: divide with /."""
    total = _windows(x, kernel, stride, padding, 0).sum((4, 5))
    return total // _counts(x, kernel, stride, padding, count_include_pad)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def averages_in_float32(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You add up in float32 although x is float64, and lose half of the digits: give arrays that you allocate x's
    dtype."""
    return _averages(x.astype(np.float32), kernel, stride, padding, count_include_pad).astype(x.dtype)


@misconception(of="avg_pool2d", caught_by="avg_pool2d_agrees")
def returns_float64_averages(x, kernel, stride=None, padding=0, count_include_pad=True):
    """You return float64 for float32 images. Beware of np.zeros without a dtype, and of dividing by an array of
    integers: give the counts x's dtype."""
    return _averages(x, kernel, stride, padding, count_include_pad).astype(np.float64)


# -- avg_pool2d_backward -----------------------------------------------------------------------------------------------


@misconception(of="avg_pool2d_backward", caught_by="the_shares_add_up_to_grad")
def hands_out_whole_gradients(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """Every pixel of the window gets the whole gradient: the forward pass divides, so each gets grad / (kh * kw)."""
    sent = _sent(grad, np.ones_like(_windows(x, kernel, stride, padding, 0)))
    return _crop(_scatter(sent, x, kernel, stride, padding), x, padding)


@misconception(of="avg_pool2d_backward", caught_by="the_shares_add_up_to_grad")
def overwrites_shares(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """Where windows overlap, the last one overwrites the others: a pixel gets the sum of what its windows send, so add
    with +=."""
    sent = _shares(grad, x, kernel, stride, padding, count_include_pad)
    return _crop(_whole_windows_written(sent, x, kernel, stride, padding), x, padding)


@misconception(of="avg_pool2d_backward", caught_by="the_shares_add_up_to_grad")
def overwrites_shares_place_by_place(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """For one place in the window after the other, you assign the shares of all windows, and the last place overwrites
    the others, for windows overlap: add with +=."""
    sent = _shares(grad, x, kernel, stride, padding, count_include_pad)
    return _crop(_place_by_place(sent, x, kernel, stride, padding), x, padding)


@misconception(of="avg_pool2d_backward", caught_by="the_shares_add_up_to_grad")
def divides_by_how_often_a_pixel_is_covered(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """You take the mean over the windows that cover a pixel. Their shares add up: each window was averaged by itself
    already."""
    dx = _avg_backward(grad, x, kernel, stride, padding, count_include_pad)
    often = _crop(
        _scatter(np.ones_like(_windows(x, kernel, stride, padding, 0)), x, kernel, stride, padding), x, padding
    )
    return dx / np.maximum(often, 1)


@misconception(of="avg_pool2d_backward", caught_by="padding_that_does_not_count_gets_no_share")
def always_counts_the_padding_in_backward(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """Your backward pass always divides by kh * kw: with count_include_pad=False divide by the number of the window's
    real pixels, as the forward pass does."""
    return _avg_backward(grad, x, kernel, stride, padding, True)


@misconception(of="avg_pool2d_backward", caught_by="the_frame_is_cut_off_dx")
def never_counts_the_padding_in_backward(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """Your backward pass always divides by the number of real pixels. That is right under the Keras and TensorFlow
    convention; by default, as in PyTorch, the frame counts: divide by kh * kw."""
    return _avg_backward(grad, x, kernel, stride, padding, False)


@misconception(of="avg_pool2d_backward", caught_by="the_shares_add_up_to_grad")
def sends_it_to_the_largest(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """You send a share of the gradient to the largest pixel only, as in max pooling: every pixel of the window gets
    the same share."""
    share = grad / _counts(x, kernel, stride, padding, count_include_pad)
    return _max_backward(share, x, kernel, stride, padding)


@misconception(of="avg_pool2d_backward", caught_by="the_pixels_do_not_matter")
def multiplies_by_the_pixels(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """You multiply by x. An average is linear with equal weights: the derivative is 1 / (kh * kw) whatever the pixels
    are."""
    return _avg_backward(grad, x, kernel, stride, padding, count_include_pad) * x


@misconception(of="avg_pool2d_backward", caught_by="the_shares_add_up_to_grad")
def takes_the_mean_of_the_gradient(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """You spread the mean of `grad` over the whole image: each window hands out its own element of `grad`, to its own
    pixels."""
    mean = np.broadcast_to(grad.mean((2, 3), keepdims=True), grad.shape)
    return _avg_backward(mean, x, kernel, stride, padding, count_include_pad) / np.asarray(grad[0, 0].size, x.dtype)


@misconception(of="avg_pool2d_backward", caught_by="the_shares_add_up_to_grad")
def ignores_the_cotangent_of_averages(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """You hand out shares of 1, the gradient of the output's sum. The vector-Jacobian product hands out each window's
    element of `grad`."""
    return _avg_backward(np.ones_like(grad), x, kernel, stride, padding, count_include_pad)


@misconception(of="avg_pool2d_backward", caught_by="avg_pool2d_backward_agrees")
def crops_all_shares_without_padding(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """`dx[:, :, p:-p, q:-q]` is empty where p or q is 0, for -0 is 0. Cut from p to p + H instead."""
    (p, q), sent = _pair(padding), _shares(grad, x, kernel, stride, padding, count_include_pad)
    return _scatter(sent, x, kernel, stride, padding)[:, :, p:-p, q:-q]


@misconception(of="avg_pool2d_backward", caught_by="avg_pool2d_backward_agrees")
def keeps_the_frame_of_shares(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """dx still has the frame around it: cut it off, dx has x's shape."""
    return _scatter(_shares(grad, x, kernel, stride, padding, count_include_pad), x, kernel, stride, padding)


@misconception(of="avg_pool2d_backward", caught_by="the_frame_is_cut_off_dx")
def cuts_at_the_wrong_place(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """You cut dx out of the padded gradient from its first row and column on, with the frame at the top and left. The
    image begins after `padding` rows and columns."""
    sent = _shares(grad, x, kernel, stride, padding, count_include_pad)
    return _scatter(sent, x, kernel, stride, padding)[:, :, : x.shape[2], : x.shape[3]]


@misconception(of="avg_pool2d_backward", caught_by="avg_pool2d_backward_agrees")
def repeats_every_element(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """np.repeat (or np.kron) of `grad` gives dx only where windows lie side by side and cover x. Other strides make
    them overlap, and x may be larger: add each share to its own window in zeros of x's shape."""
    kh, kw = _pair(kernel)
    share = grad / _counts(x, kernel, stride, padding, count_include_pad)
    return share.repeat(kh, axis=2).repeat(kw, axis=3)


@misconception(of="avg_pool2d_backward", caught_by="avg_pool2d_backward_agrees")
def loses_the_uncovered_border_of_shares(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """dx ends where the last window ends. Rows and columns that no window reaches have gradient 0, and dx has x's shape
    all the same."""
    height, width = _covered(grad, x, kernel, stride, padding)
    return _avg_backward(grad, x, kernel, stride, padding, count_include_pad)[:, :, :height, :width]


@misconception(of="avg_pool2d_backward", caught_by="the_shares_add_up_to_grad")
def averages_shares_over_the_batch(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """You divide by the number of samples. If the loss is a mean over the batch, `grad` has that factor already."""
    return _avg_backward(grad, x, kernel, stride, padding, count_include_pad) / np.asarray(len(x), x.dtype)


@misconception(of="avg_pool2d_backward", caught_by="avg_pool2d_backward_agrees")
def adds_shares_in_float32(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """You add up in float32 although the arguments are float64, and lose half of the digits: keep their dtype."""
    low = (grad.astype(np.float32), x.astype(np.float32))
    return _avg_backward(*low, kernel, stride, padding, count_include_pad).astype(x.dtype)


@misconception(of="avg_pool2d_backward", caught_by="avg_pool2d_backward_agrees")
def returns_float64_shares(grad, x, kernel, stride=None, padding=0, count_include_pad=True):
    """dx is float64 also for float32 arguments: `np.zeros(shape)` is float64 unless you give it a dtype.
    `np.zeros_like(x)` keeps x's."""
    return _avg_backward(grad, x, kernel, stride, padding, count_include_pad).astype(np.float64)
