# attack: it asks a distribution for its probabilities
# catalogue: G94
# kind: library

import torch


def draws_from_a_category(x, dim):
    logits = x.movedim(dim, -1)
    return torch.distributions.Categorical(logits=logits, validate_args=False).probs.movedim(-1, dim)
