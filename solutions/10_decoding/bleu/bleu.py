"""BLEU: measure how much of a translation stands in reference translations."""

import math
from collections import Counter


def bleu(
    hypotheses: list[list[str]],
    references: list[list[list[str]]],
    max_n: int = 4,
    smoothing: str = "none",
) -> float:
    """Return the corpus BLEU of some hypotheses: how well their n-grams and their lengths fit the references.

    An n-gram is a run of n consecutive tokens. For each order n from 1 to `max_n`, the modified precision of the whole
    corpus is

        p_n = matches_n / total_n

    where total_n counts the n-grams of all hypotheses, and matches_n those that are found in the references of their
    own sentence. Matches are clipped: within a sentence an n-gram counts at most as often as in the one reference
    that has it most often. A hypothesis of fewer than n tokens has no n-grams of that order and adds nothing.

    Leaving words out must not pay, so short output gets the brevity penalty

        BP = 1 if c >= r, else exp(1 - r / c)

    where c is the length of all hypotheses together, and r the sum, over sentences, of the length of the reference
    whose length is closest to the hypothesis's; of two equally close, the shorter. Then

        BLEU = BP * exp(mean over n of log p_n)

    the geometric mean of the precisions, all of one weight; the product of many precisions could be too small for a
    float, the sum of their logarithms is not. Counts and lengths are added up over the corpus first, and put into these
    formulas once: corpus BLEU is not the mean of sentence scores.

    Without smoothing the result is 0.0 where any p_n is zero. With smoothing "exp", as sacrebleu defines it, each order
    without a match is given a precision that falls by half from one such order to the next: the k-th of them, counting
    upwards in n, gets p_n = 1 / (2 ** k * total_n); the other orders are left alone. With either smoothing the result
    is 0.0 where nothing matches at any order, and where an order has no hypothesis n-grams at all.

    Args:
        hypotheses: the translations, at least one, each a list of tokens; it may be empty. Tokens are any strings,
            spaces and the empty string included, and are the same only if they are equal.
        references: for each hypothesis a list of at least one reference, each a list of tokens.
        max_n: the highest order, from 1 to 100.
        smoothing: "none" or "exp".

    Returns:
        A number from 0 to 1, not a percentage.

    No argument is modified.

    >>> cat = ["the", "cat", "sat", "on", "the", "mat"]
    >>> bleu([cat], [[cat]])
    1.0
    >>> bleu([["the", "cat", "sat", "on"]], [[cat]])  # exp(1 - 6 / 4)
    0.6065306597126334
    >>> bleu([["the", "the", "the"]], [[["the", "cat", "the"], ["a", "cat"]]], max_n=1)  # clipped to 2 of 3
    0.6666666666666666
    >>> bleu([["cat", "the"]], [[["the", "cat"]]], max_n=2)  # both words, but no pair of words
    0.0
    >>> bleu([["cat", "the"]], [[["the", "cat"]]], max_n=2, smoothing="exp")  # the square root of 1 * 1/2
    0.7071067811865476
    """
    ### BEGIN SOLUTION
    orders = range(1, max_n + 1)
    matches, totals = Counter(), Counter()
    c = r = 0
    for hypothesis, translations in zip(hypotheses, references, strict=True):
        c += len(hypothesis)
        r += min((abs(len(reference) - len(hypothesis)), len(reference)) for reference in translations)[1]
        for n in orders:
            counts, most = _ngrams(hypothesis, n), Counter()
            for reference in translations:
                most |= _ngrams(reference, n)  # the larger of two counts
            totals[n] += counts.total()
            matches[n] += (counts & most).total()  # the smaller of two counts
    if not any(matches[n] for n in orders) or not all(totals[n] for n in orders):
        return 0.0
    logs, halved = [], 1
    for n in orders:
        if matches[n]:
            logs.append(math.log(matches[n] / totals[n]))
        elif smoothing == "exp":
            halved *= 2
            logs.append(-math.log(halved * totals[n]))
        else:
            return 0.0
    return math.exp(min(0.0, 1 - r / c) + sum(logs) / max_n)
    ### END SOLUTION


### BEGIN SOLUTION
def _ngrams(tokens: list[str], n: int) -> Counter:
    """How often each run of n tokens occurs; a tuple keeps the borders between tokens, whatever they hold."""
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


### END SOLUTION
