# attack: it compiles a script of it
# catalogue: G96
# kind: library

import torch


def scripts_it(x, dim):
    unit = torch.jit.CompilationUnit("def f(x: Tensor, dim: int) -> Tensor:\n    return torch.softmax(x, dim)\n")
    return unit.f(x, dim)
