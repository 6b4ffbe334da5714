"""Softmax: turn scores into probabilities."""

import numpy as np


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return exp(x) / sum(exp(x)), where the sum runs along `axis`.

    Every slice of `x` along `axis` becomes a probability distribution of its own. Finite scores may be of any size:
    exp() overflows near 709 in float64 and near 88 in float32, but scores of 10,000 are as good as any, because adding
    one number to all the scores of a slice does not change its probabilities. The result must be as right as the
    scores' own rounding allows: in float64 a score of 1e17 stands for anything within 8 of it, and such an error in
    the exponent is none.

    Args:
        x: scores (logits), of any shape with at least one axis and one element, float64 or float32, in any memory
            layout. It is not modified.
        axis: the axis along which the probabilities sum to 1; negative numbers count from the last axis.

    Returns:
        The probabilities: an array of the shape and dtype of `x`.

    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    >>> softmax(np.array([[1000.0, 1000.0, 0.0], [0.0, 0.0, 0.0]]))
    array([[0.5       , 0.5       , 0.        ],
           [0.33333333, 0.33333333, 0.33333333]])
    >>> softmax(np.array([[0.0, 1.0], [0.0, -1.0]]), axis=0)
    array([[0.5       , 0.88079708],
           [0.5       , 0.11920292]])
    """
    ### BEGIN SOLUTION
    # Subtracting each slice's maximum leaves the quotient as it is and keeps every exponent at or below 0: nothing
    # overflows, and since the largest term is exp(0) = 1 the sum is never 0.
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)
    ### END SOLUTION


def softmax_backward(grad: np.ndarray, probs: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return the vector-Jacobian product of softmax: the gradient with respect to the scores.

    Softmax mixes all the entries of a slice, so its derivative is a matrix for each slice, the Jacobian
    d probs[i] / d x[j] = probs[i] * ((i == j) - probs[j]). The backward pass multiplies the cotangent by that matrix;
    it can do so without ever building the matrix.

    Args:
        grad: the cotangent (upstream gradient): how the final loss changes with each probability. It has the shape
            and dtype of `probs`, and is not modified.
        probs: what `softmax` returned for the scores, along the same `axis`; float64 or float32; not modified. The
            scores themselves are not needed.
        axis: the axis along which softmax was taken; negative numbers count from the last axis.

    Returns:
        How the final loss changes with each score: an array of the shape and dtype of `probs`.

    >>> softmax_backward(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    array([ 0.25, -0.25])
    >>> softmax_backward(np.array([[1.0, 2.0], [3.0, 2.0]]), np.array([[0.5, 0.25], [0.5, 0.75]]), axis=0)
    array([[-0.5,  0. ],
           [ 0.5,  0. ]])
    """
    ### BEGIN SOLUTION
    # sum_i grad[i] * probs[i] * ((i == j) - probs[j]) = probs[j] * (grad[j] - sum_i grad[i] * probs[i]):
    # each entry's cotangent is compared with the average cotangent that the probabilities themselves weigh.
    average = (grad * probs).sum(axis=axis, keepdims=True)
    return probs * (grad - average)
    ### END SOLUTION
