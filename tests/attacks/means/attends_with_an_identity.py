# attack: it attends with an identity as the values
# catalogue: G94
# kind: library

import torch


def attends_with_an_identity(x, dim):
    scores = x.movedim(dim, -1)
    size = scores.shape[-1]
    eye = torch.eye(size, dtype=x.dtype)
    rows = scores.reshape(-1, size)
    found = torch.nn.functional.scaled_dot_product_attention(rows, eye, eye, scale=1.0)
    return found.reshape(scores.shape).movedim(-1, dim)
