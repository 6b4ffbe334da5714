"""Batch normalisation: give every channel of a batch mean 0 and variance 1, forward and backward."""

import numpy as np




def batch_norm(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the batch-normalised x, and the running statistics as they are after this batch.

    Every channel has statistics of its own, which run over the batch and, for images, over rows and columns:

        y = gamma * (x - mean) / sqrt(var + eps) + beta

    In training, mean and var are those of this batch, var being the biased variance: the mean of the squared
    deviations, with divisor n, the number of values per channel. The running statistics, which stand in for them when
    there is no batch to speak of, move towards this batch. The convention is PyTorch's: `momentum` is the weight of
    the new value, and the variance that is kept is the unbiased one, with divisor n - 1:

        new_running_mean = (1 - momentum) * running_mean + momentum * mean
        new_running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)

    A channel may lie far from 0: around 1000 with a deviation of 1 it keeps its digits, also in float32, where the mean
    of the squares less the square of the mean has none left.

    In evaluation, mean and var are `running_mean` and `running_var`, taken as they are, and both are returned
    unchanged: what becomes of a sample does not depend on the others.

    Args:
        x: the inputs, (N, D) or (N, C, H, W), float64 or float32. Axis 1 holds the channels (the D features).
        gamma: what each channel is multiplied by after normalising, (D,) or (C,), of x's dtype.
        beta: what is then added to each channel, of the same shape and dtype.
        running_mean: the mean that is kept for evaluation, of the same shape and dtype.
        running_var: the variance that is kept for evaluation, of the same shape and dtype, not negative.
        training: whether this batch's statistics are used, of which there are at least two values per channel, or the
            running ones.
        momentum: the weight of this batch in the running statistics, from 0 to 1.
        eps: what is added to the variance, under the root, so that a constant channel can be divided; positive.

    Returns:
        (y, new_running_mean, new_running_var): y has x's shape, the others running_mean's, all of x's dtype.

    Arrays come with any strides and are never empty. No argument is modified, the running statistics neither; results
    may share memory with an argument.

    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> y, mean, var = batch_norm(x, np.array([1.0, 2.0]), np.array([0.0, 5.0]), np.zeros(2), np.ones(2), eps=1e-12)
    >>> y
    array([[-1.,  3.],
           [ 1.,  7.]])
    >>> mean
    array([0.2, 2. ])
    >>> var
    array([ 1.1, 20.9])
    >>> mean, var = np.array([3.0, 10.0]), np.array([4.0, 100.0])
    >>> batch_norm(x, np.ones(2), np.zeros(2), mean, var, training=False, eps=1e-12)[0]
    array([[-1.,  0.],
           [ 0.,  2.]])
    """
    raise NotImplementedError


def batch_norm_backward(
    grad: np.ndarray,
    x: np.ndarray,
    gamma: np.ndarray,
    eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the vector-Jacobian products of `batch_norm` in training: the gradients with respect to x, gamma and beta.

    `grad` is the cotangent, the gradient of a scalar loss with respect to batch_norm's first result, y; the loss does
    not depend on the running statistics. Each value of x reaches y on three ways: directly, through its channel's mean
    and through its channel's variance; dx is the sum of all three. gamma and beta serve a whole channel, so that their
    gradients are sums over the batch and, for images, over rows and columns. Nothing is averaged: a mean over the
    batch, if the loss has one, is already in `grad`.

    Args:
        grad: the cotangent, of x's shape, float64 or float32.
        x: the inputs that batch_norm was given, (N, D) or (N, C, H, W), of grad's dtype, with at least two values per
            channel. Axis 1 holds the channels.
        gamma: the factors that batch_norm was given, (D,) or (C,), of grad's dtype. (beta does not matter.)
        eps: as batch_norm was given it.

    Returns:
        (dx, dgamma, dbeta), with the shapes of x, gamma and beta, of grad's dtype.

    Arrays come with any strides and are never empty. No argument is modified; results may share memory with one.

    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> dx, dgamma, dbeta = batch_norm_backward(np.array([[6.0], [0.0], [0.0]]), x, np.array([2.0]), eps=1/3)
    >>> dx
    array([[ 4.],
           [-4.],
           [ 0.]])
    >>> dgamma, dbeta
    (array([-6.]), array([6.]))
    """
    raise NotImplementedError
