"""Beam search, fast: the best sequences of a whole batch of Markov chains, all beams at once."""

import torch


def beam_search_fast(
    initial: torch.Tensor, transition: torch.Tensor, beam_width: int, length: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the best sequences of `length` tokens that beam search finds for each of B chains, and their scores.

    Each sequence of the batch has a decoder of the simplest kind: what comes next depends on the last token only.
    `initial[b, j]` is the log-probability that token j comes first, `transition[b, i, j]` that token j comes after
    token i. The score of a sequence is the sum of the log-probabilities of its tokens:

        initial[b, t0] + transition[b, t0, t1] + transition[b, t1, t2] + …

    The search keeps K hypotheses for each b, where K is `beam_width`, or V where that is smaller:

    1. The first K hypotheses are the K tokens with the largest `initial[b]`.
    2. At each further position every hypothesis is expanded by every token. Of these K · V candidates the K with the
       largest scores are kept.
    3. After `length` tokens it ends. No token ends a sequence sooner, and no score is divided by a length.

    No two candidates of the same b have the same score, nor nearly the same: how ties are resolved is up to you.

    The whole batch is searched at once. The only loop is the one over positions, since each needs the one before; there
    is none over sequences, hypotheses or tokens. A tensor of B · K · V numbers holds the candidates of one position;
    one of B · K · V · V is too much. Autograd must find its way from the scores to `initial` and `transition`; tokens
    have no gradient.

    Args:
        initial: (B, V), float32 or float64, finite.
        transition: (B, V, V), of the dtype and on the device of `initial`, finite.
        beam_width: how many hypotheses are kept, at least 1. More than V are cut down to V.
        length: how many tokens a sequence has, at least 1. With 1 no transition is made.

    Returns:
        (tokens, scores): tokens (B, K, length), int64, and scores (B, K), of the dtype of `initial`; both on its
        device, the best sequence of each b first.

    Tensors come with any strides and are never empty. No argument is modified.

    The likeliest first token, 0, is a dead end; the best sequence begins with 1:

    >>> initial = torch.tensor([[-0.5, -1.0, -3.0]])
    >>> transition = torch.tensor([[[-2.0, -1.75, -1.5], [-3.0, -0.25, -2.5], [-1.0, -2.0, -3.0]]])
    >>> tokens, scores = beam_search_fast(initial, transition, beam_width=2, length=3)
    >>> tokens
    tensor([[[1, 1, 1],
             [0, 2, 0]]])
    >>> scores
    tensor([[-1.5000, -3.0000]])
    """
    ### BEGIN SOLUTION
    vocabulary = initial.shape[1]
    scores, last = initial.topk(min(beam_width, vocabulary))
    batch = torch.arange(len(initial), device=initial.device)[:, None]
    tokens = last[..., None]
    for _ in range(length - 1):
        # One row of V candidates for each hypothesis; end to end, number p · V + t is token t after hypothesis p.
        candidates = scores[..., None] + transition[batch, last]
        scores, best = candidates.flatten(1).topk(last.shape[1])
        parents, last = best // vocabulary, best % vocabulary
        tokens = torch.cat((tokens[batch, parents], last[..., None]), dim=-1)
    return tokens, scores
    ### END SOLUTION
