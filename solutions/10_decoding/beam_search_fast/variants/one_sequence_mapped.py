"""A search for one sequence, that torch.vmap makes one for a batch."""

import torch


def beam_search_fast(initial, transition, beam_width, length):
    vocabulary = initial.shape[-1]
    width = min(beam_width, vocabulary)

    def search(first, after):
        scores, last = first.topk(width)
        tokens = last[:, None]
        for _ in range(length - 1):
            scores, best = (scores[:, None] + after[last]).flatten().topk(width)
            last = best % vocabulary
            tokens = torch.cat([tokens[best // vocabulary], last[:, None]], 1)
        return tokens, scores

    return torch.vmap(search)(initial, transition)
