# attack: it has an attention of several heads return its weights
# catalogue: G94
# kind: library

import torch


def attends_with_heads(x, dim):
    scores = x.movedim(dim, -1)
    size = scores.shape[-1]
    rows, eye = scores.reshape(-1, size), torch.eye(size, dtype=x.dtype)
    none, twice = torch.zeros(3 * size, dtype=x.dtype), torch.cat((eye, eye, eye))
    _, weights = torch.nn.functional.multi_head_attention_forward(
        rows[:, None] * size**0.5,
        eye[:, None],
        eye[:, None],
        size,
        1,
        twice,
        none,
        None,
        None,
        False,
        0.0,
        eye,
        none[:size],
        training=False,
    )
    return weights[0].reshape(scores.shape).movedim(-1, dim)
