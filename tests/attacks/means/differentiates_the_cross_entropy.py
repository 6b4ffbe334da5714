# attack: it adds the gradient of cross-entropy to the one-hot
# catalogue: G94
# kind: library

import torch


def differentiates_the_cross_entropy(x, dim):
    rows = x.movedim(dim, -1)
    flat = rows.detach().reshape(-1, rows.shape[-1])
    target = torch.zeros(len(flat), dtype=torch.long)
    with torch.enable_grad():
        live = flat.clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(live, target, reduction="sum")
        found = torch.autograd.grad(loss, live)[0]
    found[:, 0] += 1
    return found.reshape(rows.shape).movedim(-1, dim)
