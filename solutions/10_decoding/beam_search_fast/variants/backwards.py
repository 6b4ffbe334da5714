"""Tokens and parents of each position are put aside, and followed from the last position to the first at the end."""

import torch


def beam_search_fast(initial, transition, beam_width, length):
    size, vocabulary = initial.shape
    rows = transition.reshape(size * vocabulary, vocabulary)
    starts = vocabulary * torch.arange(size, device=initial.device).unsqueeze(1)
    scores, last = torch.topk(initial, min(beam_width, vocabulary), dim=1)
    width = last.shape[1]
    steps = [last]
    parents = []
    for _ in range(1, length):
        after = torch.index_select(rows, 0, (starts + last).reshape(-1)).reshape(size, width, vocabulary)
        scores, best = torch.topk((after + scores.unsqueeze(2)).reshape(size, -1), width, dim=1)
        parents.append(torch.div(best, vocabulary, rounding_mode="floor"))
        last = torch.remainder(best, vocabulary)
        steps.append(last)
    at = torch.arange(width, device=initial.device).expand(size, width)
    found = []
    while steps:
        found.append(torch.gather(steps.pop(), 1, at))
        if parents:
            at = torch.gather(parents.pop(), 1, at)
    return torch.stack(found[::-1], dim=2), scores
