"""Cross-entropy: the loss of a classifier, from its scores."""

import numpy as np


def cross_entropy(
    logits: np.ndarray, targets: np.ndarray, ignore_index: int = -100, label_smoothing: float = 0.0
) -> float:
    """Return the mean over the batch of -log(softmax(logits)[target]).

    The loss of a row with scores z and target t is log(sum(exp(z))) - z[t]. Finite scores may be of any size: a
    confident mistake by a gap of 1,000 costs 1,000, neither infinity nor NaN. The loss must be as right as the scores'
    own rounding allows: in float64 a score of 1e17 stands for anything within 8 of it, and such an error is none.

    The conventions are PyTorch's:

    - Rows whose target equals `ignore_index` do not count: the mean is taken over the other rows only, whose number
      is also the divisor. `ignore_index` may be any integer, a real class included; at least one row counts.
    - Label smoothing s replaces the one-hot target by a mixture: weight 1 - s on the target and s / C on each of the C
      classes, the target among them, so that the target's own weight is 1 - s + s / C.

    Time and memory are O(N C), also where C is much larger than N: a table of C × C, such as np.eye(C), is too much.

    Args:
        logits: scores before softmax, shape (N, C), float64 or float32, finite, N and C at least 1. Not modified.
        targets: the class of each row, shape (N,), int32 or int64, each in 0 .. C - 1 or equal to `ignore_index`. Not
            modified.
        ignore_index: the target that marks a row to be left out.
        label_smoothing: s, from 0.0 to 1.0.

    Returns:
        The loss, a Python float or a NumPy scalar of either precision: only its value counts.

    >>> print(round(cross_entropy(np.array([[0.0, 0.0, 0.0, 0.0]]), np.array([2])), 6))
    1.386294
    >>> print(round(cross_entropy(np.array([[1000.0, 0.0], [7.0, 7.0]]), np.array([1, -100])), 6))
    1000.0
    >>> print(round(cross_entropy(np.array([[2.0, 0.0]]), np.array([0]), label_smoothing=0.5), 6))
    0.626928
    """
    raise NotImplementedError


def cross_entropy_backward(
    logits: np.ndarray, targets: np.ndarray, ignore_index: int = -100, label_smoothing: float = 0.0
) -> np.ndarray:
    """Return the gradient of `cross_entropy` with respect to the logits.

    The loss is a scalar, so its cotangent is 1 and the gradient is what the field calls "softmax minus one-hot",
    divided by the number of rows that count, because the loss is their mean. With label smoothing s the one-hot row is
    replaced by the mixture: 1 - s on the target plus s / C on each of the C classes. A row that is ignored has no
    part in the loss: its gradient is exactly 0.

    Time and memory are O(N C), also where C is much larger than N: a table of C × C, such as np.eye(C), is too much.

    Args:
        logits: scores before softmax, shape (N, C), float64 or float32, finite, N and C at least 1. Not modified.
        targets: the class of each row, shape (N,), int32 or int64, each in 0 .. C - 1 or equal to `ignore_index`. Not
            modified.
        ignore_index: the target that marks a row to be left out; it may be a real class. At least one row counts.
        label_smoothing: s, from 0.0 to 1.0.

    Returns:
        The gradient: an array of the shape and dtype of `logits`.

    >>> cross_entropy_backward(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1]))
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])
    >>> cross_entropy_backward(np.array([[5.0, 5.0], [3.0, 9.0]]), np.array([0, 1]), ignore_index=1)
    array([[-0.5,  0.5],
           [ 0. ,  0. ]])
    >>> cross_entropy_backward(np.array([[0.0, 0.0]]), np.array([0]), label_smoothing=0.5)
    array([[-0.25,  0.25]])
    """
    raise NotImplementedError
