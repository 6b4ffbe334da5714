"""Ways in which BLEU goes wrong, and what to say about each."""

import math
from collections import Counter

from dlgrade.author import misconception

# -- a right BLEU in pieces, of which each misconception gets one wrong ------------------------------------------------


def _ngrams(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _most(translations, n, ngrams=_ngrams):
    """How often each n-gram occurs in the one reference that has it most often."""
    most = Counter()
    for reference in translations:
        most |= ngrams(reference, n)
    return most


def _matched(hypothesis, translations, n):
    return (_ngrams(hypothesis, n) & _most(translations, n)).total()


def _closest(hypothesis, translations):
    return min((abs(len(reference) - len(hypothesis)), len(reference)) for reference in translations)[1]


def _number(hypothesis, n):
    return max(0, len(hypothesis) - n + 1)


def _counts(hypotheses, references, max_n, *, matched=_matched, number=_number, closest=_closest):
    """Matches and totals of each order, and the two lengths."""
    pairs = list(zip(hypotheses, references, strict=True))
    orders = range(1, max_n + 1)
    matches = [sum(matched(hypothesis, translations, n) for hypothesis, translations in pairs) for n in orders]
    totals = [sum(number(hypothesis, n) for hypothesis, _ in pairs) for n in orders]
    return matches, totals, sum(map(len, hypotheses)), sum(closest(*pair) for pair in pairs)


def _brevity(c, r):
    return min(1.0, math.exp(1 - r / c)) if c else 0.0


def _exp(matches, totals):
    """The smoothed precisions."""
    precisions, halved = [], 1
    for matched, total in zip(matches, totals, strict=True):
        halved = halved if matched else 2 * halved
        precisions.append(matched / total if matched else 1 / (halved * total))
    return precisions


def _none(matches, totals):
    return [matched / total for matched, total in zip(matches, totals, strict=True)]


def _power(precisions, weight):
    """The product of the precisions to the power of a weight; the product itself could underflow."""
    return math.exp(weight * sum(map(math.log, precisions))) if all(precisions) else 0.0


def _geometric(precisions):
    return _power(precisions, 1 / len(precisions))


def _score(counts, smoothing, *, brevity=_brevity, exp=_exp, none=_none, mean=_geometric):
    """The formula."""
    matches, totals, c, r = counts
    if not any(matches) or not all(totals):
        return 0.0
    return brevity(c, r) * mean((none if smoothing == "none" else exp)(matches, totals))


def _bleu(hypotheses, references, max_n, smoothing):
    return _score(_counts(hypotheses, references, max_n), smoothing)


# -- counting ----------------------------------------------------------------------------------------------------------


@misconception(of="bleu", caught_by="repeating_a_word_does_not_pay")
def does_not_clip(hypotheses, references, max_n=4, smoothing="none"):
    """You count every n-gram of the hypothesis that occurs in a reference, however often it is repeated: it counts at
    most as often as in the reference that has it most often (clipping)."""

    def matched(hypothesis, translations, n):
        most = _most(translations, n)
        return sum(count for gram, count in _ngrams(hypothesis, n).items() if gram in most)

    return _score(_counts(hypotheses, references, max_n, matched=matched), smoothing)


@misconception(of="bleu", caught_by="repeating_a_word_does_not_pay")
def clips_to_all_references_together(hypotheses, references, max_n=4, smoothing="none"):
    """You clip to the sum of an n-gram's counts over the references: it is the largest count in any one of them, so
    join the Counters with |, not with +."""

    def matched(hypothesis, translations, n):
        together = sum((_ngrams(reference, n) for reference in translations), Counter())
        return (_ngrams(hypothesis, n) & together).total()

    return _score(_counts(hypotheses, references, max_n, matched=matched), smoothing)


@misconception(of="bleu", caught_by="repeating_a_word_does_not_pay")
def counts_each_ngram_once(hypotheses, references, max_n=4, smoothing="none"):
    """You compare sets, in which a repeated n-gram is there once only: count n-grams, as a Counter does, and clip the
    counts."""

    def matched(hypothesis, translations, n):
        return len(set(_ngrams(hypothesis, n)) & set(_most(translations, n)))

    def number(hypothesis, n):
        return len(_ngrams(hypothesis, n))

    return _score(_counts(hypotheses, references, max_n, matched=matched, number=number), smoothing)


@misconception(of="bleu", caught_by="agrees")
def clips_to_the_first_reference(hypotheses, references, max_n=4, smoothing="none"):
    """You look at the first reference only: an n-gram may be found in any of a sentence's references."""

    def matched(hypothesis, translations, n):
        return _matched(hypothesis, translations[:1], n)

    return _score(_counts(hypotheses, references, max_n, matched=matched), smoothing)


@misconception(of="bleu", caught_by="agrees")
def takes_the_best_reference(hypotheses, references, max_n=4, smoothing="none"):
    """You compare with each reference alone and keep the best: each n-gram has its own limit, its largest count in any
    reference, so that one may be found here and another there."""

    def matched(hypothesis, translations, n):
        return max(_matched(hypothesis, [reference], n) for reference in translations)

    return _score(_counts(hypotheses, references, max_n, matched=matched), smoothing)


@misconception(of="bleu", caught_by="agrees")
def clips_over_the_whole_corpus(hypotheses, references, max_n=4, smoothing="none"):
    """You clip the counts of the whole corpus at once, so that a sentence finds its n-grams in other sentences'
    references: clip within each sentence, then add up."""
    matches, totals, c, r = _counts(hypotheses, references, max_n)
    for n in range(1, max_n + 1):
        ours = sum((_ngrams(hypothesis, n) for hypothesis in hypotheses), Counter())
        theirs = sum((_most(translations, n) for translations in references), Counter())
        matches[n - 1] = (ours & theirs).total()
    return _score((matches, totals, c, r), smoothing)


@misconception(of="bleu", caught_by="agrees")
def runs_across_sentences(hypotheses, references, max_n=4, smoothing="none"):
    """You put all the sentences into one before you take n-grams, which then run from one sentence into the next: take
    each sentence's own, then add up."""
    _, _, c, r = _counts(hypotheses, references, max_n)
    whole = [token for hypothesis in hypotheses for token in hypothesis]
    most = max(map(len, references))
    columns = [[translations[i % len(translations)] for translations in references] for i in range(most)]
    translations = [[token for reference in column for token in reference] for column in columns]
    matches, totals, _, _ = _counts([whole], [translations], max_n)
    return _score((matches, totals, c, r), smoothing)


@misconception(of="bleu", caught_by="tokens_keep_their_borders")
def joins_tokens_by_spaces(hypotheses, references, max_n=4, smoothing="none"):
    """You join an n-gram's tokens by spaces, and tokens that hold spaces themselves then look like others: use a tuple
    of tokens."""

    def ngrams(tokens, n):
        return Counter(" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1))

    def matched(hypothesis, translations, n):
        return (ngrams(hypothesis, n) & _most(translations, n, ngrams)).total()

    return _score(_counts(hypotheses, references, max_n, matched=matched), smoothing)


@misconception(of="bleu", caught_by="tokens_keep_their_borders")
def joins_tokens_without_a_border(hypotheses, references, max_n=4, smoothing="none"):
    """You join an n-gram's tokens into one string, in which "a", "bc" and "ab", "c" are the same: use a tuple of
    tokens."""

    def ngrams(tokens, n):
        return Counter("".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1))

    def matched(hypothesis, translations, n):
        return (ngrams(hypothesis, n) & _most(translations, n, ngrams)).total()

    return _score(_counts(hypotheses, references, max_n, matched=matched), smoothing)


@misconception(of="bleu", caught_by="tokens_keep_their_borders")
def splits_tokens_at_spaces(hypotheses, references, max_n=4, smoothing="none"):
    """You join the sentences and split them again, which tears tokens with spaces apart: the tokens are given, leave
    them as they are."""

    def again(tokens):
        return " ".join(tokens).split()

    return _bleu(list(map(again, hypotheses)), [list(map(again, group)) for group in references], max_n, smoothing)


@misconception(of="bleu", caught_by="agrees")
def ignores_the_order_within_an_ngram(hypotheses, references, max_n=4, smoothing="none"):
    """You compare an n-gram's tokens without their order, as a bag of words: "a b" and "b a" are two n-grams. Keep the
    tuple of tokens as it stands in the sentence."""

    def ngrams(tokens, n):
        return Counter(tuple(sorted(tokens[i : i + n])) for i in range(len(tokens) - n + 1))

    def matched(hypothesis, translations, n):
        return (ngrams(hypothesis, n) & _most(translations, n, ngrams)).total()

    return _score(_counts(hypotheses, references, max_n, matched=matched), smoothing)


@misconception(of="bleu", caught_by="agrees")
def ignores_case(hypotheses, references, max_n=4, smoothing="none"):
    """You compare in lower case. This is right where a case-insensitive BLEU is wanted; here tokens are the same only
    if they are equal."""

    def lower(tokens):
        return [token.lower() for token in tokens]

    return _bleu(list(map(lower, hypotheses)), [list(map(lower, group)) for group in references], max_n, smoothing)


@misconception(of="bleu", caught_by="agrees")
def misses_the_last_ngram(hypotheses, references, max_n=4, smoothing="none"):
    """You take one n-gram too few: a sentence of length L has L - n + 1 of them, so the range ends at len - n + 1."""

    def ngrams(tokens, n):
        return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n))

    def matched(hypothesis, translations, n):
        return (ngrams(hypothesis, n) & _most(translations, n, ngrams)).total()

    def number(hypothesis, n):
        return max(0, len(hypothesis) - n)

    return _score(_counts(hypotheses, references, max_n, matched=matched, number=number), smoothing)


@misconception(of="bleu", caught_by="copies_score_one")
def gives_short_hypotheses_an_ngram(hypotheses, references, max_n=4, smoothing="none"):
    """You count at least one n-gram for each sentence, as NLTK does, and a shorter hypothesis then counts as a miss.
    Here, as in sacrebleu, it has none and adds nothing."""

    def number(hypothesis, n):
        return max(1, len(hypothesis) - n + 1)

    return _score(_counts(hypotheses, references, max_n, number=number), smoothing)


@misconception(of="bleu", caught_by="length_is_not_rewarded")
def divides_by_the_references_ngrams(hypotheses, references, max_n=4, smoothing="none"):
    """You divide the matches by the number of n-grams in the references, which is recall: BLEU's precision divides by
    those of the hypotheses, and leaves recall to the brevity penalty."""
    matches, totals, c, r = _counts(hypotheses, references, max_n)
    for n in range(1, max_n + 1):
        there = sum(_number(translations[0], n) for translations in references)
        totals[n - 1] = max(there, 1) if totals[n - 1] else 0
    return _score((matches, totals, c, r), smoothing)


# -- the formula -------------------------------------------------------------------------------------------------------


@misconception(of="bleu", caught_by="counts_are_added_over_the_corpus")
def averages_sentence_scores(hypotheses, references, max_n=4, smoothing="none"):
    """You take the mean of the sentences' scores. Corpus BLEU adds counts and lengths over all sentences, then divides
    once."""
    scores = [_bleu([one], [group], max_n, smoothing) for one, group in zip(hypotheses, references, strict=True)]
    return sum(scores) / len(scores)


@misconception(of="bleu", caught_by="counts_are_added_over_the_corpus")
def averages_sentence_precisions(hypotheses, references, max_n=4, smoothing="none"):
    """You take the mean of the sentences' precisions of each order: add up matches and n-grams over all sentences, then
    divide once."""
    matches, totals, c, r = _counts(hypotheses, references, max_n)
    shares = []
    for n in range(1, max_n + 1):
        pairs = [(h, group) for h, group in zip(hypotheses, references, strict=True) if _number(h, n)]
        of_each = [_matched(h, group, n) / _number(h, n) for h, group in pairs]
        shares.append(sum(of_each) / len(of_each) if of_each else 0.0)

    def exp(*_):
        return [share or smoothed for share, smoothed in zip(shares, _exp(matches, totals), strict=True)]

    return _score((matches, totals, c, r), smoothing, none=lambda *_: shares, exp=exp)


@misconception(of="bleu", caught_by="takes_the_geometric_mean")
def takes_the_arithmetic_mean(hypotheses, references, max_n=4, smoothing="none"):
    """You average the precisions themselves: BLEU takes their geometric mean, the exp() of the mean of their logs."""
    counts = _counts(hypotheses, references, max_n)
    return _score(counts, smoothing, mean=lambda precisions: sum(precisions) / len(precisions))


@misconception(of="bleu", caught_by="takes_the_geometric_mean")
def takes_the_arithmetic_mean_of_what_matches(hypotheses, references, max_n=4, smoothing="none"):
    """Where every order has a match you average the precisions themselves: BLEU takes their geometric mean, the exp()
    of the mean of their logs."""

    def mean(precisions):
        return sum(precisions) / len(precisions)

    counts = _counts(hypotheses, references, max_n)
    return _score(counts, smoothing, mean=mean if all(counts[0]) else _geometric)


@misconception(of="bleu", caught_by="takes_the_geometric_mean")
def forgets_the_root(hypotheses, references, max_n=4, smoothing="none"):
    """You multiply the precisions and take no root: the weight of each logarithm is 1 / max_n."""
    return _score(_counts(hypotheses, references, max_n), smoothing, mean=math.prod)


@misconception(of="bleu", caught_by="smoothing_halves_from_order_to_order")
def multiplies_until_nothing_is_left(hypotheses, references, max_n=4, smoothing="none"):
    """You multiply the precisions and take the root of their product, which underflows to 0.0 where max_n is large:
    take exp() of the mean of their logarithms."""

    def mean(precisions):
        return math.prod(precisions) ** (1 / len(precisions))

    return _score(_counts(hypotheses, references, max_n), smoothing, mean=mean)


@misconception(of="bleu", caught_by="takes_the_geometric_mean")
def always_weighs_by_a_quarter(hypotheses, references, max_n=4, smoothing="none"):
    """You weigh each order by 1/4 whatever max_n is: the weights are 1 / max_n, so that they add up to 1."""
    return _score(_counts(hypotheses, references, max_n), smoothing, mean=lambda precisions: _power(precisions, 0.25))


@misconception(of="bleu", caught_by="takes_the_geometric_mean")
def weighs_orders_by_halves(hypotheses, references, max_n=4, smoothing="none"):
    """You raise p_n to 1 / 2 ** n. This is right under the convention of the book Dive into Deep Learning; here it is
    the original one, in which all orders weigh 1 / max_n."""

    def mean(precisions):
        return math.prod(p ** (1 / 2**n) for n, p in enumerate(precisions, 1))

    return _score(_counts(hypotheses, references, max_n), smoothing, mean=mean)


@misconception(of="bleu", caught_by="takes_the_geometric_mean")
def takes_the_highest_order_only(hypotheses, references, max_n=4, smoothing="none"):
    """You use the precision of the order max_n alone: all orders from 1 to max_n count."""
    return _score(_counts(hypotheses, references, max_n), smoothing, mean=lambda precisions: precisions[-1])


@misconception(of="bleu", caught_by="takes_the_geometric_mean")
def ignores_max_n(hypotheses, references, max_n=4, smoothing="none"):
    """You use four orders whatever max_n is: they go from 1 to max_n."""
    return _bleu(hypotheses, references, 4, smoothing)


@misconception(of="bleu", caught_by="copies_score_one")
def returns_percent(hypotheses, references, max_n=4, smoothing="none"):
    """You return 0 to 100. This is right under the convention of sacrebleu's scores; here BLEU goes from 0 to 1."""
    return 100 * _bleu(hypotheses, references, max_n, smoothing)


# -- the brevity penalty -----------------------------------------------------------------------------------------------


@misconception(of="bleu", caught_by="brevity_is_punished")
def forgets_the_brevity_penalty(hypotheses, references, max_n=4, smoothing="none"):
    """You leave the brevity penalty out, so that a few sure words score 1: multiply by exp(1 - r / c) where c < r."""
    return _score(_counts(hypotheses, references, max_n), smoothing, brevity=lambda c, r: 1.0)


@misconception(of="bleu", caught_by="length_is_not_rewarded")
def rewards_length(hypotheses, references, max_n=4, smoothing="none"):
    """You use exp(1 - r / c) also where the hypotheses are longer, and it is then above 1: the penalty is at most 1."""
    return _score(_counts(hypotheses, references, max_n), smoothing, brevity=lambda c, r: math.exp(1 - r / c))


@misconception(of="bleu", caught_by="brevity_is_punished")
def turns_the_ratio_round(hypotheses, references, max_n=4, smoothing="none"):
    """You use exp(1 - c / r) for short hypotheses, which is above 1 and rewards them: the ratio is r / c."""

    def brevity(c, r):
        return math.exp(1 - c / r) if c < r else 1.0

    return _score(_counts(hypotheses, references, max_n), smoothing, brevity=brevity)


@misconception(of="bleu", caught_by="brevity_is_punished")
def rounds_the_ratio_down(hypotheses, references, max_n=4, smoothing="none"):
    """You round r / c to a whole number, as // and int() do: exp(1 - r / c) takes the ratio as it is."""

    def brevity(c, r):
        return math.exp(1 - r // c) if c < r else 1.0

    return _score(_counts(hypotheses, references, max_n), smoothing, brevity=brevity)


@misconception(of="bleu", caught_by="brevity_is_punished")
def punishes_in_proportion(hypotheses, references, max_n=4, smoothing="none"):
    """Your brevity penalty is c / r: it is exp(1 - r / c)."""
    return _score(_counts(hypotheses, references, max_n), smoothing, brevity=lambda c, r: min(1.0, c / max(r, 1)))


@misconception(of="bleu", caught_by="length_is_not_rewarded")
def punishes_the_long(hypotheses, references, max_n=4, smoothing="none"):
    """You punish hypotheses that are longer than the references, and not the shorter ones: the penalty is for c < r."""

    def brevity(c, r):
        return math.exp(1 - c / max(r, 1)) if c > r else 1.0

    return _score(_counts(hypotheses, references, max_n), smoothing, brevity=brevity)


@misconception(of="bleu", caught_by="lengths_are_added_over_the_corpus")
def averages_brevity_penalties(hypotheses, references, max_n=4, smoothing="none"):
    """You take each sentence's own brevity penalty and average them: there is one for the corpus, of the added lengths,
    so that a long hypothesis makes up for a short one."""
    pairs = list(zip(hypotheses, references, strict=True))
    penalties = [_brevity(len(hypothesis), _closest(hypothesis, group)) for hypothesis, group in pairs]
    mean = sum(penalties) / len(penalties)
    return _score(_counts(hypotheses, references, max_n), smoothing, brevity=lambda c, r: mean)


@misconception(of="bleu", caught_by="lengths_are_added_over_the_corpus")
def skips_empty_hypotheses(hypotheses, references, max_n=4, smoothing="none"):
    """You skip sentences whose hypothesis is empty: they add no n-grams, but the length of their reference counts."""
    pairs = [(hypothesis, group) for hypothesis, group in zip(hypotheses, references, strict=True) if hypothesis]
    return _bleu([hypothesis for hypothesis, _ in pairs], [group for _, group in pairs], max_n, smoothing)


@misconception(of="bleu", caught_by="the_closest_reference_length_counts")
def takes_the_shortest_reference(hypotheses, references, max_n=4, smoothing="none"):
    """You compare with the shortest reference. This is right under NIST's convention; here it is the original one, the
    reference closest in length."""

    def closest(_, translations):
        return min(map(len, translations))

    return _score(_counts(hypotheses, references, max_n, closest=closest), smoothing)


@misconception(of="bleu", caught_by="the_closest_reference_length_counts")
def takes_the_longest_reference(hypotheses, references, max_n=4, smoothing="none"):
    """You compare with the longest reference: it is the one closest in length to the hypothesis."""

    def closest(_, translations):
        return max(map(len, translations))

    return _score(_counts(hypotheses, references, max_n, closest=closest), smoothing)


@misconception(of="bleu", caught_by="the_closest_reference_length_counts")
def takes_the_average_length(hypotheses, references, max_n=4, smoothing="none"):
    """You compare with the average length of the references. Some versions of BLEU do; here it is the length of the
    closest one."""

    def closest(_, translations):
        return sum(map(len, translations)) / len(translations)

    return _score(_counts(hypotheses, references, max_n, closest=closest), smoothing)


@misconception(of="bleu", caught_by="the_closest_reference_length_counts")
def takes_the_first_length(hypotheses, references, max_n=4, smoothing="none"):
    """You take the length of the first reference: it is that of the closest one."""

    def closest(_, translations):
        return len(translations[0])

    return _score(_counts(hypotheses, references, max_n, closest=closest), smoothing)


@misconception(of="bleu", caught_by="the_closest_reference_length_counts")
def takes_the_longer_on_a_tie(hypotheses, references, max_n=4, smoothing="none"):
    """Of two references equally close in length you take the longer: the shorter counts."""

    def closest(hypothesis, translations):
        return min(map(len, translations), key=lambda length: (abs(length - len(hypothesis)), -length))

    return _score(_counts(hypotheses, references, max_n, closest=closest), smoothing)


@misconception(of="bleu", caught_by="the_closest_reference_length_counts")
def takes_the_first_on_a_tie(hypotheses, references, max_n=4, smoothing="none"):
    """Of two references equally close in length you take the one that stands first: the shorter counts, so minimise the
    pair (distance, length)."""

    def closest(hypothesis, translations):
        return min(map(len, translations), key=lambda length: abs(length - len(hypothesis)))

    return _score(_counts(hypotheses, references, max_n, closest=closest), smoothing)


@misconception(of="bleu", caught_by="the_closest_reference_length_counts")
def divides_distances_by_the_length(hypotheses, references, max_n=4, smoothing="none"):
    """You measure closeness by the ratio of the lengths, abs(1 - length / c), and rounding tells two equally close
    references apart: compare whole numbers, abs(length - c)."""

    def closest(hypothesis, translations):
        c = max(1, len(hypothesis))
        return min(map(len, translations), key=lambda length: (abs(1 - length / c), length))

    return _score(_counts(hypotheses, references, max_n, closest=closest), smoothing)


@misconception(of="bleu", caught_by="the_closest_reference_length_counts")
def divides_distances_by_the_references_length(hypotheses, references, max_n=4, smoothing="none"):
    """You divide the distance by the length of the reference, which makes long ones seem closer: the closest reference
    is the one of the smallest abs(length - c)."""

    def closest(hypothesis, translations):
        c = len(hypothesis)
        return min(map(len, translations), key=lambda length: (abs(1 - c / max(1, length)), length))

    return _score(_counts(hypotheses, references, max_n, closest=closest), smoothing)


# -- zeros and smoothing -----------------------------------------------------------------------------------------------


@misconception(of="bleu", caught_by="too_short_scores_zero")
def divides_by_no_ngrams(hypotheses, references, max_n=4, smoothing="none"):
    """You divide by the number of n-grams where there are none (ZeroDivisionError): the score is 0.0 where all
    hypotheses are shorter than max_n."""
    matches, totals, c, r = _counts(hypotheses, references, max_n)
    precisions = [matched / total for matched, total in zip(matches, totals, strict=True)]
    if all(precisions) or smoothing == "none" or not any(precisions):
        return _brevity(c, r) * _geometric(precisions)
    return _brevity(c, r) * _geometric(_exp(matches, totals))


@misconception(of="bleu", caught_by="nothing_in_common_scores_zero")
def takes_the_logarithm_of_zero(hypotheses, references, max_n=4, smoothing="none"):
    """You take the logarithm of a precision that is 0 (ValueError: math domain error): return 0.0 before that."""
    matches, totals, c, r = _counts(hypotheses, references, max_n)
    if not all(totals):
        return 0.0
    precisions = (_none if smoothing == "none" or not any(matches) else _exp)(matches, totals)
    return _brevity(c, r) * math.exp(sum(map(math.log, precisions)) / max_n)


@misconception(of="bleu", caught_by="nothing_in_common_scores_zero")
def replaces_zero_by_an_epsilon(hypotheses, references, max_n=4, smoothing="none"):
    """You put a small number in place of a precision of 0, and the score becomes 0.001 or the like: without smoothing
    it is exactly 0.0."""

    def lifted(matches, totals):
        return [max(p, 1e-10) for p in _none(matches, totals)]

    matches, totals, c, r = _counts(hypotheses, references, max_n)
    if not all(totals):
        return 0.0
    if smoothing != "none" and any(matches):
        return _score((matches, totals, c, r), smoothing)
    return _brevity(c, r) * _geometric(lifted(matches, totals))


@misconception(of="bleu", caught_by="smoothing_halves_from_order_to_order")
def leaves_out_orders_without_a_match(hypotheses, references, max_n=4, smoothing="none"):
    """You leave orders without a match out of the mean: without smoothing one of them makes the score 0.0."""
    matches, totals, c, r = _counts(hypotheses, references, max_n)
    if smoothing != "none" or not any(matches) or not all(totals):
        return _score((matches, totals, c, r), smoothing)
    return _brevity(c, r) * _geometric([p for p in _none(matches, totals) if p])


@misconception(of="bleu", caught_by="smoothing_halves_from_order_to_order")
def ignores_smoothing(hypotheses, references, max_n=4, smoothing="none"):
    """You do not use the argument smoothing: with "exp" an order without a match has the precision 1 / (2 ** k *
    total_n)."""
    return _bleu(hypotheses, references, max_n, "none")


@misconception(of="bleu", caught_by="smoothing_halves_from_order_to_order")
def always_smooths(hypotheses, references, max_n=4, smoothing="none"):
    """You smooth whatever the argument says: with "none", the default, a precision of 0 makes the score 0.0."""
    return _bleu(hypotheses, references, max_n, "exp")


@misconception(of="bleu", caught_by="smoothing_halves_from_order_to_order")
def smooths_all_by_one_half(hypotheses, references, max_n=4, smoothing="none"):
    """You give every order without a match 1 / (2 * total_n): the factor doubles from each such order to the next:
    2, 4, 8 and so on."""

    def exp(matches, totals):
        return [(matched or 0.5) / total for matched, total in zip(matches, totals, strict=True)]

    return _score(_counts(hypotheses, references, max_n), smoothing, exp=exp)


@misconception(of="bleu", caught_by="smoothing_halves_from_order_to_order")
def smooths_from_one(hypotheses, references, max_n=4, smoothing="none"):
    """You begin with 1 / total_n: the first order without a match has 1 / (2 * total_n) already."""

    def exp(matches, totals):
        precisions, halved = [], 1
        for matched, total in zip(matches, totals, strict=True):
            precisions.append((matched or 1 / halved) / total)
            halved = halved if matched else 2 * halved
        return precisions

    return _score(_counts(hypotheses, references, max_n), smoothing, exp=exp)


@misconception(of="bleu", caught_by="smoothing_halves_from_order_to_order")
def smooths_by_the_order(hypotheses, references, max_n=4, smoothing="none"):
    """You use 2 ** n, with the order n: the exponent k counts the orders without a match, from 1."""

    def exp(matches, totals):
        pairs = enumerate(zip(matches, totals, strict=True), 1)
        return [(matched or 1 / 2**n) / total for n, (matched, total) in pairs]

    return _score(_counts(hypotheses, references, max_n), smoothing, exp=exp)


@misconception(of="bleu", caught_by="smoothing_halves_from_order_to_order")
def smooths_without_the_total(hypotheses, references, max_n=4, smoothing="none"):
    """You give an order without a match the precision 1 / 2 ** k: divide by its number of n-grams too."""

    def exp(matches, totals):
        smoothed = _exp(matches, [1] * len(totals))
        return [m / t if m else p for m, t, p in zip(matches, totals, smoothed, strict=True)]

    return _score(_counts(hypotheses, references, max_n), smoothing, exp=exp)


@misconception(of="bleu", caught_by="smoothing_leaves_matches_alone")
def adds_one_to_the_counts(hypotheses, references, max_n=4, smoothing="none"):
    """You add 1 to matches and totals of the orders above 1. This is right under the add-k smoothing (Lin and Och);
    here it is "exp", which changes only orders without a match."""

    def exp(matches, totals):
        pairs = enumerate(zip(matches, totals, strict=True), 1)
        return [(matched + (n > 1)) / (total + (n > 1)) for n, (matched, total) in pairs]

    return _score(_counts(hypotheses, references, max_n), smoothing, exp=exp)


@misconception(of="bleu", caught_by="smoothing_halves_from_order_to_order")
def adds_a_tenth(hypotheses, references, max_n=4, smoothing="none"):
    """You give an order without a match 0.1 matches. This is right under the floor smoothing; here it is "exp",
    1 / (2 ** k * total_n)."""

    def exp(matches, totals):
        return [(matched or 0.1) / total for matched, total in zip(matches, totals, strict=True)]

    return _score(_counts(hypotheses, references, max_n), smoothing, exp=exp)


@misconception(of="bleu", caught_by="nothing_in_common_scores_zero")
def smooths_where_nothing_matches(hypotheses, references, max_n=4, smoothing="none"):
    """You smooth even where no token matches at all: the score is then 0.0, with either smoothing."""
    matches, totals, c, r = _counts(hypotheses, references, max_n)
    if smoothing == "none" or any(matches) or not all(totals):
        return _score((matches, totals, c, r), smoothing)
    return _brevity(c, r) * _geometric(_exp(matches, totals))


@misconception(of="bleu", caught_by="too_short_scores_zero")
def takes_two_empty_ones_for_a_match(hypotheses, references, max_n=4, smoothing="none"):
    """You give 1.0 where hypotheses and references are all empty, since they are equal: without n-grams nothing
    matches, and the score is 0.0."""
    counts = _counts(hypotheses, references, max_n)
    return 1.0 if not any(counts[2:]) else _score(counts, smoothing)


@misconception(of="bleu", caught_by="too_short_scores_zero")
def lowers_the_highest_order(hypotheses, references, max_n=4, smoothing="none"):
    """You leave out the orders for which the hypotheses are too short. This is right under the convention of the
    effective order, for sentence BLEU; here the score is 0.0 where an order has no n-grams."""
    matches, totals, c, r = _counts(hypotheses, references, max_n)
    orders = sum(total > 0 for total in totals)
    return _score((matches[:orders], totals[:orders], c, r), smoothing) if orders else 0.0


@misconception(of="bleu", caught_by="too_short_scores_zero")
def smooths_where_there_are_no_ngrams(hypotheses, references, max_n=4, smoothing="none"):
    """With smoothing you treat an order without hypothesis n-grams as one without a match: the score is then 0.0, with
    either smoothing."""
    matches, totals, c, r = _counts(hypotheses, references, max_n)
    if smoothing == "none" or not any(matches):
        return _score((matches, totals, c, r), smoothing)
    return _brevity(c, r) * _geometric(_exp(matches, [max(1, total) for total in totals]))
