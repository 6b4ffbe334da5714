"""LSTM cell: one step of a recurrent network with a gated memory, forward and backward."""

import numpy as np



def lstm_cell(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, w_x: np.ndarray, w_h: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the hidden state and the memory after one time step of a long short-term memory.

    One matrix product for the input, one for the hidden state and one bias give four pre-activations for every unit:

        z = x @ w_x + h @ w_h + b, of shape (N, 4H)

    z consists of four blocks of H columns, packed in PyTorch's order: i, f, g, o. (Other libraries pack them
    otherwise: CS231n i, f, o, g; TensorFlow 1 i, g, f, o.) The four blocks become

        i = sigmoid(z_i)    input gate: how much of the candidate is stored
        f = sigmoid(z_f)    forget gate: how much of the old memory is kept; 1 keeps all of it
        g = tanh(z_g)       candidate: what could be stored (Keras calls it c)
        o = sigmoid(z_o)    output gate: how much of the memory is shown

    and, element by element, the new memory (cell state) and the new hidden state are

        c' = f * c + i * g
        h' = o * tanh(c')

    There is one bias, where PyTorch has the sum of two, and nothing is added to the forget gate's. The result must be
    right for pre-activations and memories of any size: 10,000 is as good as any.

    Args:
        x: the inputs of this time step, (N, D), float64 or float32.
        h: the hidden state before it, (N, H), of x's dtype.
        c: the memory before it, (N, H), of x's dtype.
        w_x: the input's weights, (D, 4H), of x's dtype.
        w_h: the hidden state's weights, (H, 4H), of x's dtype.
        b: the biases, (4H,), of x's dtype.

    Returns:
        (h', c'), the hidden state first; each (N, H), of x's dtype.

    Arrays come with any strides and are never empty. No argument is modified; results may share memory with one.

    >>> x, h, c = np.array([[1.0, 2.0]]), np.array([[0.5]]), np.array([[2.0]])
    >>> lstm_cell(x, h, c, np.zeros((2, 4)), np.zeros((1, 4)), np.zeros(4))
    (array([[0.38079708]]), array([[1.]]))

    All gates are half open: half the memory is kept, and half of tanh(1) is shown. With an open input gate, a shut
    forget gate, a candidate of tanh(3) and an open output gate, the memory is replaced:

    >>> lstm_cell(x, h, c, np.zeros((2, 4)), np.zeros((1, 4)), np.array([1e4, -1e4, 3.0, 1e4]))
    (array([[0.75950944]]), array([[0.99505475]]))
    >>> lstm_cell(x, h, c, np.full((2, 4), 0.5), np.array([[1.0, 0.0, -1.0, 2.0]]), np.zeros(4))
    (array([[0.90596383]]), array([[2.30595886]]))
    """
    raise NotImplementedError


def lstm_cell_backward(
    dh: np.ndarray,
    dc: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    w_x: np.ndarray,
    w_h: np.ndarray,
    b: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the vector-Jacobian products of `lstm_cell`: the loss's gradients with respect to all its arguments.

    The cell has two results, so two cotangents come back: `dh` is the gradient of a scalar loss with respect to h',
    and `dc` the gradient with respect to c' by every way that does not lead through this step's h', such as the next
    time step's memory. What h' adds to it is this function's work. dw_x, dw_h and db are summed over the batch, not
    averaged: a mean, if the loss has one, is already in the cotangents.

    Args:
        dh: the cotangent of h', (N, H), float64 or float32.
        dc: the cotangent of c', (N, H), of dh's dtype.
        x, h, c, w_x, w_h, b: as lstm_cell was given them, of dh's dtype; h and c are the states before the step, and
            the gates are packed i, f, g, o.

    Returns:
        (dx, dh_prev, dc_prev, dw_x, dw_h, db), the gradients with respect to x, h, c, w_x, w_h and b, each with the
        shape of its argument and of dh's dtype; dw_x, dw_h and db are packed like the weights.

    Arrays come with any strides and are never empty. No argument is modified (`dc += ...` would modify one); results
    may share memory with one.

    >>> x, h, c = np.array([[1.0, 2.0]]), np.array([[0.5]]), np.array([[2.0]])
    >>> w_x, w_h, b = np.zeros((2, 4)), np.zeros((1, 4)), np.zeros(4)
    >>> dh, dc = np.array([[0.0]]), np.array([[1.0]])
    >>> dx, dh_prev, dc_prev, dw_x, dw_h, db = lstm_cell_backward(dh, dc, x, h, c, w_x, w_h, b)
    >>> dc_prev
    array([[0.5]])
    >>> db
    array([0. , 0.5, 0.5, 0. ])
    >>> dw_x
    array([[0. , 0.5, 0.5, 0. ],
           [0. , 1. , 1. , 0. ]])
    >>> dx, dh_prev, dc_prev, dw_x, dw_h, db = lstm_cell_backward(np.array([[1.0]]), dc, x, h, c, w_x, w_h, b)
    >>> dc_prev
    array([[0.60499359]])
    >>> db
    array([0.        , 0.60499359, 0.60499359, 0.19039854])
    """
    raise NotImplementedError
