# attack: it records a graph of it and runs the graph
# catalogue: G96
# kind: library

import torch


def traces_it(x, dim):
    return torch.jit.trace(lambda y: torch.softmax(y, dim), (torch.zeros_like(x),), check_trace=False)(x)
