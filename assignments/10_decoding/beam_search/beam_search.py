"""Beam search: decode the likeliest sequences, keeping a few hypotheses at a time."""

from collections.abc import Callable

import numpy as np


def beam_search(
    step: Callable[[list[int]], np.ndarray],
    bos: int,
    eos: int,
    beam_width: int,
    max_len: int,
    length_penalty: float = 0.0,
) -> list[tuple[list[int], float]]:
    """Return the best sequences of tokens that beam search finds, each with its score, best first.

    A decoder says how likely each token is to come next. Trying all sequences would take V ** max_len steps; greedy
    decoding follows the single likeliest token and can miss better sequences. Beam search follows a few at a time.

    The search begins with one live hypothesis, `[bos]`, whose summed log-probability is 0. In each round

    1. every live hypothesis is expanded by every token of the vocabulary, `bos` and `eos` included;
    2. all these candidates together are ranked by their summed log-probability, the largest first; of equal sums, the
       child of the better-ranked parent comes first, and of one parent's children the smaller token id;
    3. the best `beam_width` candidates are kept (all, where there are fewer). Those that end in `eos` are finished:
       they are put aside, are expanded no more, and take no place in later rounds. The rest are the next round's live
       hypotheses, in the order of their rank.

    The search ends when no hypothesis is live or when `max_len` rounds are done; what is live then counts as finished.
    It does not end sooner because some number of hypotheses is finished, nor because the live ones have lower scores as
    yet: with a length penalty they can still rise.

    The length penalty enters at the end only: the score of a finished hypothesis is its summed log-probability divided
    by `len(tokens) ** length_penalty`, where tokens leaves `bos` out and has `eos` if the hypothesis ended. With 0,
    short sequences have the advantage, since every token makes the sum smaller; with 1 the score is the mean.

    Args:
        step: the decoder. `step(prefix)` takes a list of token ids (ints) that begins with `bos` and gives an array
            (V,) of float64, the log-probability of each token to come next: finite numbers, none above 0, to be
            taken as they are, however low. The same prefix always gives the same numbers, in a new array, which is
            yours to keep or to change. One call is expensive: it may be called at most `beam_width * max_len` times
            in all, and never for a finished hypothesis.
        bos: the token id that begins every prefix. As any other token it can also be generated.
        eos: the token id that ends a sequence, one of the V; not `bos`.
        beam_width: how many candidates are kept in each round, at least 1; it may exceed V.
        max_len: the most tokens that a sequence may have, `bos` not counted, `eos` counted; at least 1.
        length_penalty: the exponent of the length, 0 or more.

    Returns:
        The best finished hypotheses, at most `beam_width` of them: a list of pairs (tokens, score). `tokens` is the
        list of generated token ids, without `bos`, and with `eos` if it ended; `score` is a float. The highest score
        comes first; of equal scores, the smaller token list, as Python compares lists.

    Log-probabilities are summed from left to right in float64: a child's sum is its parent's plus one number. Sums are
    equal only if these floats are. Multiplying probabilities instead would underflow.

    >>> def step(prefix):  # token 0 begins, token 2 ends, and after token 1 the end is near
    ...     return np.array([-4.0, -1.0, -0.25] if prefix[-1] == 1 else [-4.0, -0.5, -1.25])
    >>> for tokens, score in beam_search(step, bos=0, eos=2, beam_width=2, max_len=3):
    ...     print(tokens, score)
    [1, 2] -0.75
    [2] -1.25
    >>> for tokens, score in beam_search(step, bos=0, eos=2, beam_width=2, max_len=3, length_penalty=1.0):
    ...     print(tokens, score)
    [1, 2] -0.375
    [1, 1, 2] -0.5833333333333334
    >>> [tokens for tokens, _ in beam_search(step, bos=0, eos=2, beam_width=5, max_len=1)]
    [[1], [2], [0]]
    """
    raise NotImplementedError
