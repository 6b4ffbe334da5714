# attack: it takes the gradient of logsumexp
# catalogue: G94
# kind: library

import torch


def differentiates_the_logsumexp(x, dim):
    with torch.enable_grad():
        live = x.detach().requires_grad_()
        return torch.autograd.grad(torch.logsumexp(live, dim).sum(), live)[0]
