"""The best children of each token are found once: no other can be among the best of all."""

import torch


def beam_search_fast(initial, transition, beam_width, length):
    width = min(beam_width, initial.shape[1])
    gains, children = transition.topk(width, dim=2)
    scores, tokens = initial.topk(width, dim=1)
    tokens = tokens[:, :, None]
    for _ in range(length - 1):
        at = tokens[:, :, -1:].expand(-1, -1, width)
        candidates = scores[:, :, None] + gains.gather(1, at)
        scores, best = candidates.reshape(len(initial), -1).topk(width, dim=1)
        last = children.gather(1, at).reshape(len(initial), -1).gather(1, best)
        before = tokens.take_along_dim((best // width)[:, :, None], dim=1)
        tokens = torch.cat([before, last[:, :, None]], dim=2)
    return tokens, scores
