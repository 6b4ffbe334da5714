"""Batch normalisation, fast: every channel's mean and variance from whole-tensor operations."""

import torch


def batch_norm_fast(x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """Return the batch-normalised images, as in training, without a Python loop, on any device.

    Every channel has a mean and a variance of its own, which run over the batch, rows and columns:

        y = gamma * (x - mean) / sqrt(var + eps) + beta

    var is the biased variance: the mean of the squared deviations, with divisor n, the number of values per channel.
    (torch's var() has the divisor n - 1 unless it is told otherwise, by correction=0.)

    A channel may lie far from 0: around 1000 with a deviation of 1 it keeps its digits, also in float32, where the mean
    of the squares less the square of the mean has hardly any left.

    Nothing here is more than a few operations for each number, so what takes the time is to read and write them: count
    how often all of x goes through memory. On a CPU try it, too: not every operation that reads x once is quick.
    Whatever there is one of for each channel is small: put gamma, beta, mean and var together while they are (C,), and
    let broadcasting line them up with the images, which copies nothing. Neither loop over channels or samples, nor
    spread the channels' numbers by a matrix product, by indices or by repeat(). Autograd must find its way from y to x,
    gamma and beta, also through the mean and the variance.

    Only elementary operations of torch may be used: not torch.batch_norm or torch.nn.

    Args:
        x: the images, (N, C, H, W), float32 or float64, with at least two values per channel.
        gamma: what each channel is multiplied by after normalising, (C,), of x's dtype and device.
        beta: what is then added to each channel, (C,), of x's dtype and device.
        eps: what is added to the variance, under the root, so that a constant channel can be divided; positive.

    Returns:
        y: the shape, dtype and device of `x`.

    Tensors come with any strides and are never empty. No argument is modified; the result may share memory with one.

    >>> x = torch.tensor([[[[1.0, 3.0]], [[10.0, 30.0]]]])
    >>> y = batch_norm_fast(x, torch.tensor([1.0, 2.0]), torch.tensor([0.0, 5.0]), eps=1e-12)
    >>> y[0, :, 0]
    tensor([[-1.,  1.],
            [ 3.,  7.]])
    >>> y = batch_norm_fast(x + 1000.0, torch.ones(2), torch.zeros(2), eps=3.0)
    >>> y[0, :, 0]
    tensor([[-0.5000,  0.5000],
            [-0.9853,  0.9853]])
    """
    ### BEGIN SOLUTION
    # Both in one pass, and without squares of numbers that lie far from 0.
    var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
    # All that is known of a channel, in two numbers: what it is multiplied by and what is added then.
    factor = gamma * torch.rsqrt(var + eps)
    term = beta - mean * factor
    # The other pass, and the only tensor as large as x that is made.
    return torch.addcmul(term[:, None, None], x, factor[:, None, None])
    ### END SOLUTION
