# attack: it calls the Gumbel softmax with noise that cancels
# catalogue: G94
# kind: library

import torch


def adds_noise_that_is_none(x, dim):
    held = torch.Tensor.exponential_
    torch.Tensor.exponential_ = lambda self: self.fill_(1.0)
    try:
        return torch.nn.functional.gumbel_softmax(x, dim=dim)
    finally:
        torch.Tensor.exponential_ = held
