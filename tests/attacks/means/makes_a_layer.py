# attack: it makes a layer that is one
# catalogue: G91
# kind: library

import torch


def makes_a_layer(x, dim):
    return torch.nn.Softmax(dim)(x)
