# attack: it calls what torch explains it by to its compiler
# catalogue: G94
# kind: library
# never: torch's compiler needs a library that the worker does not have

import torch


def calls_the_decomposition(x, dim):
    import torch._decomp.decompositions

    return torch._decomp.decompositions._softmax(x, dim, False)
