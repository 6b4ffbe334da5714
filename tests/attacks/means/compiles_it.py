# attack: it has it compiled
# catalogue: G96
# kind: library
# never: torch's compiler needs a library that the worker does not have

import torch


def compiles_it(x, dim):
    return torch.compile(torch.softmax, backend="eager")(x, dim)
