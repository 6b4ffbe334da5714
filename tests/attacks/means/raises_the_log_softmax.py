# attack: it takes exp of log_softmax
# catalogue: G94
# kind: library

import torch


def raises_the_log_softmax(x, dim):
    return torch.log_softmax(x, dim).exp()
