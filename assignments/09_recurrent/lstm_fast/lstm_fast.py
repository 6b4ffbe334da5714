"""LSTM, fast: a whole sequence, whose inputs are all projected by one matrix product."""

import torch


def lstm_fast(
    x: torch.Tensor, h: torch.Tensor, c: torch.Tensor, w_x: torch.Tensor, w_h: torch.Tensor, b: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the hidden states of a long short-term memory at all time steps, and its last states, on any device.

    At each time step one matrix product for the input, one for the hidden state and one bias give four pre-activations
    for every unit:

        z = x[t] @ w_x + h @ w_h + b, of shape (N, 4H)

    z consists of four blocks of H columns, packed in PyTorch's order: i, f, g, o. They become

        i = sigmoid(z_i)    input gate: how much of the candidate is stored
        f = sigmoid(z_f)    forget gate: how much of the old memory is kept; 1 keeps all of it
        g = tanh(z_g)       candidate: what could be stored
        o = sigmoid(z_o)    output gate: how much of the memory is shown

    and, element by element, the new memory and the new hidden state, with which the next step begins, are

        c = f * c + i * g
        h = o * tanh(c)

    There is one bias, where PyTorch has the sum of two, and nothing is added to the forget gate's. The result must be
    right for pre-activations and memories of any size: 10,000 is as good as any.

    A step needs the hidden state of the step before it, so the loop over time is necessary. What need not stand in it
    is whatever does not depend on h: x @ w_x + b is one matrix product for all steps together, which reads the weights
    once, where a product in every step reads all of them again for a few rows. What is left in the loop is called T
    times, so that each call counts: one product h @ w_h for all four gates, and no copy of weights or of earlier
    outputs. Loop neither over samples nor over units. Autograd must find its way from all results to all arguments.

    Only elementary operations of torch may be used: not torch.lstm or torch.nn.

    Args:
        x: the inputs, time first, (T, N, D), float32 or float64.
        h: the hidden state before the first step, (N, H), of x's dtype and device.
        c: the memory before the first step, (N, H), of x's dtype and device.
        w_x: the input's weights, (D, 4H), of x's dtype and device.
        w_h: the hidden state's weights, (H, 4H), of x's dtype and device.
        b: the biases, (4H,), of x's dtype and device.

    Returns:
        (outputs, h, c): the hidden states after every step, (T, N, H), and the hidden state and the memory after the
        last one, (N, H) each; dtype and device of `x`.

    Tensors come with any strides and are never empty. No argument is modified; results may share memory with one.

    With all weights 0 the gates stay half open: half the memory is kept in each step, and half of its tanh is shown.

    >>> x, h, c = torch.zeros(3, 1, 2), torch.tensor([[0.5]]), torch.tensor([[8.0]])
    >>> outputs, h, c = lstm_fast(x, h, c, torch.zeros(2, 4), torch.zeros(1, 4), torch.zeros(4))
    >>> outputs[:, 0, 0]
    tensor([0.4997, 0.4820, 0.3808])
    >>> h, c
    (tensor([[0.3808]]), tensor([[1.]]))
    >>> x, w_x, w_h = torch.tensor([[[1.0]], [[-2.0]]]), torch.full((1, 4), 0.5), torch.tensor([[1.0, 0.0, -1.0, 2.0]])
    >>> outputs, h, c = lstm_fast(x, h, c, w_x, w_h, torch.zeros(4))
    >>> outputs[:, 0, 0]
    tensor([ 0.4741, -0.0699])
    """
    raise NotImplementedError
