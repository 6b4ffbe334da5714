"""Ways in which a beam search goes wrong, and what to say about each."""

import math

import numpy as np
from dlgrade.author import misconception

# -- a right search in pieces, of which each misconception gets one wrong ----------------------------------------------
# A hypothesis is a pair of its prefix, bos included, and its sum.


def _children(step, live, logps=lambda step, prefix: step(list(prefix))):
    """All candidates, in the order of parents, then of tokens."""
    return [
        ((*prefix, token), total + float(logp))
        for prefix, total in live
        for token, logp in enumerate(logps(step, prefix))
    ]


def _best(candidates, beam_width):
    """The best candidates; sorting is stable, so ties stay as they are."""
    return sorted(candidates, key=lambda item: -item[1])[:beam_width]


def _parted(candidates, eos):
    """Those that have ended, and those that live on."""
    return [c for c in candidates if c[0][-1] == eos], [c for c in candidates if c[0][-1] != eos]


def _search(
    step, bos, eos, beam_width, max_len, *, children=_children, best=_best, copies=1, done=lambda finished, live: False
):
    """All finished hypotheses, and those that live at the end."""
    live, finished = [((bos,), 0.0)] * copies, []
    for _ in range(max_len):
        if not live or done(finished, live):
            break
        ended, live = _parted(best(children(step, live), beam_width), eos)
        finished += ended
    return finished, live


def _mean(prefix, total, length_penalty):
    return total / (len(prefix) - 1) ** length_penalty


def _ranked(hypotheses, beam_width, length_penalty, score=_mean):
    """What is returned."""
    pairs = [(list(prefix[1:]), score(prefix, total, length_penalty)) for prefix, total in hypotheses]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:beam_width]


def _whole(step, bos, eos, beam_width, max_len, length_penalty, *, score=_mean, **pieces):
    """The whole search with some pieces replaced."""
    finished, live = _search(step, bos, eos, beam_width, max_len, **pieces)
    return _ranked(finished + live, beam_width, length_penalty, score)


# -- when the search ends ----------------------------------------------------------------------------------------------


@misconception(of="beam_search", caught_by="an_early_end_is_kept_and_not_the_end")
def stops_at_the_first_eos(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You end the whole search when the first hypothesis reaches eos: put that one aside and go on with those that are
    live, until none is or max_len tokens are generated."""
    return _whole(step, bos, eos, beam_width, max_len, length_penalty, done=lambda finished, _: bool(finished))


@misconception(of="beam_search", caught_by="an_early_end_is_kept_and_not_the_end")
def returns_only_what_ended_first(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You return as soon as a hypothesis reaches eos, without the others: they live on and may still become better."""
    finished, live = _search(step, bos, eos, beam_width, max_len, done=lambda finished, _: bool(finished))
    return _ranked(finished or live, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def stops_when_the_best_ends(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You end the search when the best candidate of a round ends in eos: the others may still become better, above all
    with a length penalty. Go on until none is live."""
    live, finished = [((bos,), 0.0)], []
    for _ in range(max_len):
        kept = _best(_children(step, live), beam_width)
        ended, live = _parted(kept, eos)
        finished += ended
        if not live or kept[0][0][-1] == eos:
            break
    return _ranked(finished + live, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def stops_when_enough_have_ended(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You end the search once beam_width hypotheses are finished. This is right where early stopping is wanted, as an
    option of some libraries; here the search goes on until none is live or max_len tokens are generated."""
    finished, live = _search(step, bos, eos, beam_width, max_len, done=lambda finished, _: len(finished) >= beam_width)
    return _ranked(finished if len(finished) >= beam_width else finished + live, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def stops_and_counts_the_live_as_they_are(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You end the search once beam_width hypotheses are finished, and what is live then is cut short. This is right
    where early stopping is wanted, as an option of some libraries; here the search goes on until none is live or
    max_len tokens are generated."""

    def done(finished, _):
        return len(finished) >= beam_width

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, done=done)


def _beaten(finished, live, beam_width, length_penalty, length):
    """Whether beam_width hypotheses have ended that score no less than the best live one's sum would at a length."""
    scores = sorted((_mean(prefix, total, length_penalty) for prefix, total in finished), reverse=True)
    return len(scores) >= beam_width and scores[beam_width - 1] >= live[0][1] / length**length_penalty


@misconception(of="beam_search", caught_by="agrees")
def stops_when_the_live_score_no_better(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You end the search once beam_width hypotheses are finished and no live one has a better score at its present
    length, as some libraries do. With a length penalty a live one can still rise, since its sum is divided by more when
    it is longer: go on until none is live."""

    def done(finished, live):
        return _beaten(finished, live, beam_width, length_penalty, len(live[0][0]) - 1)

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, done=done)


@misconception(of="beam_search", caught_by="agrees")
def stops_when_the_next_token_helps_none(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You end the search once beam_width hypotheses are finished and no live one could be better with one more token.
    With a length penalty it can still rise by several: what it can reach is bounded at max_len tokens only. Go on until
    none is live."""

    def done(finished, live):
        return _beaten(finished, live, beam_width, length_penalty, len(live[0][0]))

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, done=done)


@misconception(of="beam_search", caught_by="agrees")
def stops_when_the_live_can_only_be_equal(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """Without a length penalty you end the search once beam_width hypotheses are finished and no live one has a larger
    sum. One whose sum is equal can keep it, and comes first if its token list is the smaller: go on until none is
    live."""

    def done(finished, live):
        return length_penalty == 0 and _beaten(finished, live, beam_width, 0.0, 1)

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, done=done)


@misconception(of="beam_search", caught_by="agrees")
def makes_room_for_the_ended(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You narrow the beam by one for each finished hypothesis. This is right under the convention in which those keep
    their places in the beam; here each round keeps beam_width candidates whatever has finished before."""
    live, finished = [((bos,), 0.0)], []
    for _ in range(max_len):
        ended, live = _parted(_best(_children(step, live), beam_width - len(finished)), eos)
        finished += ended
        if not live or len(finished) >= beam_width:
            break
    return _ranked(finished + live, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def lets_the_ended_compete(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You keep finished hypotheses among the candidates of later rounds, where they take places and can be pushed out.
    This is right under the convention of one beam for both; here finished ones are put aside for good, and all the
    beam_width places belong to the expansions of the live ones."""
    beam = [((bos,), 0.0)]
    for _ in range(max_len):
        # Equal sums stay in the order of the beam.
        candidates = [([one] if one[0][-1] == eos else _children(step, [one])) for one in beam]
        beam = _best([candidate for of_one in candidates for candidate in of_one], beam_width)
    return _ranked(beam, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def adds_the_ended_to_the_candidates(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You add finished hypotheses to the candidates of each later round, where they take places and can be pushed out.
    This is right under the convention of one beam for both; here finished ones are put aside for good, and all the
    beam_width places belong to the expansions of the live ones."""
    live, finished = [((bos,), 0.0)], []
    for _ in range(max_len):
        if not live:
            break
        finished, live = _parted(_best(_best(_children(step, live), None) + finished, beam_width), eos)
    return _ranked(finished + live, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def refills_the_beam(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You fill the beam up to beam_width live hypotheses by taking more candidates for those that ended. This is right
    under the convention of libraries that look at 2 * beam_width candidates; here exactly the best beam_width are kept,
    and those among them that end leave their places empty."""
    live, finished = [((bos,), 0.0)], []
    for _ in range(max_len):
        candidates = _best(_children(step, live), None)
        finished += _parted(candidates[:beam_width], eos)[0]
        live = _parted(candidates, eos)[1][:beam_width]
    return _ranked(finished + live, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="an_early_end_is_kept_and_not_the_end")
def loses_what_has_ended(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You drop finished hypotheses and return only those that live at the end: a hypothesis that ends in eos is a
    result, keep it beside the beam."""
    finished, live = _search(step, bos, eos, beam_width, max_len)
    return _ranked(live or finished[-1:], beam_width, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def loses_what_is_live_at_the_end(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You return only hypotheses that end in eos: what is live after max_len tokens counts as finished too."""
    finished, _ = _search(step, bos, eos, beam_width, max_len)
    return _ranked(finished, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def returns_the_live_only_where_none_ended(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You return what is live after max_len tokens only where no hypothesis ended in eos: it always counts as finished
    too, beside those that ended."""
    finished, live = _search(step, bos, eos, beam_width, max_len)
    return _ranked(finished or live, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def returns_the_live_only_where_too_few_ended(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You return what is live after max_len tokens only where fewer than beam_width hypotheses ended in eos: it always
    counts as finished too, and can score better than those that ended."""
    finished, live = _search(step, bos, eos, beam_width, max_len)
    return _ranked(finished if len(finished) >= beam_width else finished + live, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="ends_once")
def goes_on_after_eos(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You expand hypotheses that have ended, as if eos were a token like any other: a hypothesis whose last token is
    eos is finished."""
    return _whole(step, bos, None, beam_width, max_len, length_penalty)


@misconception(of="beam_search", caught_by="ends_once")
def counts_bos_in_the_maximum(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You generate one token too few: max_len counts the generated tokens, bos is not among them."""
    return _whole(step, bos, eos, beam_width, max(1, max_len - 1), length_penalty)


@misconception(of="beam_search", caught_by="ends_once")
def goes_one_round_too_far(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You generate one token too many: there are at most max_len tokens, eos included."""
    return _whole(step, bos, eos, beam_width, max_len + 1, length_penalty)


# -- what is kept ------------------------------------------------------------------------------------------------------


@misconception(of="beam_search", caught_by="returns_the_best_first")
def begins_with_copies(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You begin with beam_width copies of [bos], whose children are the same, so that hypotheses appear several times:
    begin with one."""
    return _whole(step, bos, eos, beam_width, max_len, length_penalty, copies=beam_width)


@misconception(of="beam_search", caught_by="finds_everything_with_a_wide_beam")
def follows_one_hypothesis(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """This is greedy decoding: it follows the likeliest token only. Keep the best beam_width candidates of each round,
    among the children of all live hypotheses."""
    return _whole(step, bos, eos, 1, max_len, length_penalty)


@misconception(of="beam_search", caught_by="agrees")
def gives_each_parent_one_child(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """After the first round you give each hypothesis its own best child only: the children of all of them compete for
    the beam_width places, and one parent may take several."""

    def best(candidates, width):
        parents = dict.fromkeys(prefix[:-1] for prefix, _ in candidates)
        if len(parents) == 1:
            return _best(candidates, width)
        return _best([_best([c for c in candidates if c[0][:-1] == parent], 1)[0] for parent in parents], width)

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, best=best)


@misconception(of="beam_search", caught_by="calls_step_seldom")
def keeps_a_beam_for_each_parent(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You keep the best children of each hypothesis and never prune across hypotheses, so that the beam grows from
    round to round: rank all the candidates of a round together and keep beam_width of them in all."""

    def children(step, live):
        # Without a bound the number would grow beyond all measure.
        return [c for one in live[:200] for c in _best(_children(step, [one]), beam_width)]

    return _whole(
        step, bos, eos, beam_width, max_len, length_penalty, children=children, best=lambda found, _: _best(found, None)
    )


@misconception(of="beam_search", caught_by="agrees")
def ranks_by_the_last_step(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You rank candidates by their last token's log-probability alone: rank them by the sum over all their tokens."""

    def children(step, live):
        return [
            ((*prefix, t), (total, total + logp)) for prefix, total in live for t, logp in enumerate(step(list(prefix)))
        ]

    def best(candidates, width):
        return [(prefix, sums[1]) for prefix, sums in sorted(candidates, key=lambda c: c[1][0] - c[1][1])[:width]]

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children, best=best)


@misconception(of="beam_search", caught_by="scores_are_sums_over_lengths")
def forgets_the_parents_sum(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You begin each round at 0, so that a score is that of the last token: add the parent's sum to each token's
    log-probability."""

    def children(step, live):
        return _children(step, [(prefix, 0.0) for prefix, _ in live])

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children)


@misconception(of="beam_search", caught_by="ranks_single_tokens")
def keeps_the_worst(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You keep the candidates with the smallest sums: log-probabilities are negative, and the largest, nearest to 0, is
    the likeliest. np.argsort sorts upwards."""

    def best(candidates, width):
        return sorted(candidates, key=lambda item: item[1])[:width]

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, best=best)


@misconception(of="beam_search", caught_by="tells_tiny_probabilities_apart")
def multiplies_probabilities(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You multiply probabilities, which underflow to 0, where all are equal: add log-probabilities."""

    def children(step, live):
        return [
            ((*prefix, token), (total or 1.0) * float(np.exp(logp)))
            for prefix, total in live
            for token, logp in enumerate(step(list(prefix)))
        ]

    finished, live = _search(step, bos, eos, beam_width, max_len, children=children)
    with np.errstate(divide="ignore"):
        logs = [(prefix, float(np.log(product))) for prefix, product in finished + live]
    return _ranked(logs, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="scores_are_sums_over_lengths")
def normalises_again(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You take log-softmax of what step gives: these are log-probabilities already, add them as they are."""

    def children(step, live):
        return _children(step, live, lambda step, prefix: step(list(prefix)) - np.logaddexp.reduce(step(list(prefix))))

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children)


@misconception(of="beam_search", caught_by="agrees")
def never_generates_bos(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You leave bos out of the candidates: here it can be generated as any other token."""

    def children(step, live):
        return [item for item in _children(step, live) if item[0][-1] != bos]

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children)


@misconception(of="beam_search", caught_by="ranks_single_tokens")
def forbids_an_empty_sentence(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You do not let eos be the first token: it competes in every round, the first included."""

    def children(step, live):
        return [item for item in _children(step, live) if len(item[0]) > 2 or item[0][-1] != eos]

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children)


# -- ties --------------------------------------------------------------------------------------------------------------


@misconception(of="beam_search", caught_by="resolves_ties_in_order")
def prefers_the_larger_id(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """Of equal sums you keep the larger token id, as a reversed np.argsort does, or sorting pairs of sum and token
    downwards: sort the negative sums upwards with a stable sort (kind="stable")."""

    def best(candidates, width):
        return _best(candidates[::-1], width)

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, best=best)


@misconception(of="beam_search", caught_by="agrees")
def sorts_unstably(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """Of equal sums you keep any: np.argsort without kind="stable", np.argpartition and the like leave equal
    elements in no fixed order."""

    def best(candidates, width):
        return [candidates[i] for i in np.argsort([-total for _, total in candidates])[:width]]

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, best=best)


@misconception(of="beam_search", caught_by="resolves_ties_in_order")
def prefers_the_smaller_id_to_the_better_parent(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """Of equal sums you keep the smaller token id, whatever its parent: the better-ranked parent comes first, and only
    among one parent's children the smaller id."""

    def best(candidates, width):
        return sorted(candidates, key=lambda item: (-item[1], item[0][-1]))[:width]

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, best=best)


@misconception(of="beam_search", caught_by="agrees")
def prefers_the_smaller_list_to_the_better_parent(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """Of equal sums in a round you keep the smaller token list. That rule is for equal scores of the results; in a
    round the child of the better-ranked parent comes first."""

    def best(candidates, width):
        return sorted(candidates, key=lambda item: (-item[1], item[0]))[:width]

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, best=best)


@misconception(of="beam_search", caught_by="returns_the_best_first")
def leaves_equal_scores_as_they_come(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You leave results of equal scores in the order in which they were finished: the smaller token list comes
    first."""
    finished, live = _search(step, bos, eos, beam_width, max_len)
    pairs = [(list(prefix[1:]), _mean(prefix, total, length_penalty)) for prefix, total in finished + live]
    return sorted(pairs, key=lambda pair: -pair[1])[:beam_width]


# -- scores ------------------------------------------------------------------------------------------------------------


@misconception(of="beam_search", caught_by="scores_are_sums_over_lengths")
def forgets_the_length_penalty(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You do not use length_penalty: the score is the sum divided by len(tokens) ** length_penalty."""
    return _whole(step, bos, eos, beam_width, max_len, 0.0)


@misconception(of="beam_search", caught_by="agrees")
def always_takes_the_mean(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You divide by the length whatever length_penalty is: it is the exponent of the length, and 0, the default, leaves
    the sum as it is."""
    return _whole(step, bos, eos, beam_width, max_len, 1.0)


@misconception(of="beam_search", caught_by="scores_are_sums_over_lengths")
def counts_bos_in_the_length(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You count bos in the length: it is the number of generated tokens, eos among them and bos not."""

    def score(prefix, total, penalty):
        return total / len(prefix) ** penalty

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, score=score)


@misconception(of="beam_search", caught_by="scores_are_sums_over_lengths")
def leaves_eos_out_of_the_length(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You leave eos out of the length: it is a generated token and counts in len(tokens)."""

    def score(prefix, total, penalty):
        return total / max(1, len(prefix) - 1 - (prefix[-1] == eos)) ** penalty

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, score=score)


@misconception(of="beam_search", caught_by="scores_are_sums_over_lengths")
def shifts_the_length_by_five(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You divide by ((5 + length) / 6) ** length_penalty. This is right under the convention of Google's translation
    system (GNMT); here the divisor is len(tokens) ** length_penalty."""

    def score(prefix, total, penalty):
        return total / ((5 + len(prefix) - 1) / 6) ** penalty

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, score=score)


@misconception(of="beam_search", caught_by="scores_are_sums_over_lengths")
def rewards_each_token(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You add length_penalty for each token. This is right under the convention of a word reward; here the sum is
    divided by len(tokens) ** length_penalty."""

    def score(prefix, total, penalty):
        return total + penalty * (len(prefix) - 1)

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, score=score)


@misconception(of="beam_search", caught_by="scores_are_sums_over_lengths")
def multiplies_by_the_length(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You multiply by len(tokens) ** length_penalty, which makes long sequences worse still: divide by it."""

    def score(prefix, total, penalty):
        return total * (len(prefix) - 1) ** penalty

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, score=score)


@misconception(of="beam_search", caught_by="returns_the_best_first")
def ranks_the_results_by_their_sums(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You rank the results by their sums and divide afterwards: rank them by their scores, after the division."""
    pairs = _whole(step, bos, eos, beam_width, max_len, 0.0)
    return [(tokens, total / len(tokens) ** length_penalty) for tokens, total in pairs]


@misconception(of="beam_search", caught_by="agrees")
def chooses_the_results_by_their_sums(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You choose the best beam_width of the finished by their sums, and rank only those by their scores: divide first,
    then choose."""
    finished, live = _search(step, bos, eos, beam_width, max_len)
    chosen = sorted(finished + live, key=lambda item: (-item[1], item[0]))[:beam_width]
    return _ranked(chosen, beam_width, length_penalty)


@misconception(of="beam_search", caught_by="scores_are_sums_over_lengths")
def returns_probabilities(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You return exp() of the scores: they stay logarithms."""
    pairs = _whole(step, bos, eos, beam_width, max_len, length_penalty)
    return [(tokens, float(np.exp(score))) for tokens, score in pairs]


@misconception(of="beam_search", caught_by="agrees")
def adds_in_float32(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You add in float32, where sums that differ in the eighth digit are equal: add in float64."""

    def children(step, live):
        return [
            ((*prefix, token), float(np.float32(total) + logp))
            for prefix, total in live
            for token, logp in enumerate(step(list(prefix)).astype(np.float32))
        ]

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children)


@misconception(of="beam_search", caught_by="agrees")
def adds_the_whole_history_anew(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You add up all of a hypothesis's log-probabilities anew, in another order or without rounding in between, as
    math.fsum does and, since Python 3.12, sum. Here a child's sum is its parent's plus one number, which decides
    between sums that are equal but for rounding."""
    finished, live = [], [((bos,), ())]
    for _ in range(max_len):
        candidates = [
            ((*prefix, token), (*logps, float(logp)))
            for prefix, logps in live
            for token, logp in enumerate(step(list(prefix)))
        ]
        ended, live = _parted(sorted(candidates, key=lambda item: -math.fsum(item[1]))[:beam_width], eos)
        finished += ended
    return _ranked([(prefix, math.fsum(logps)) for prefix, logps in finished + live], beam_width, length_penalty)


# -- what is returned --------------------------------------------------------------------------------------------------


@misconception(of="beam_search", caught_by="agrees")
def returns_bos(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You leave bos at the front of the returned tokens: return the generated ones, tokens[1:]."""
    pairs = _whole(step, bos, eos, beam_width, max_len, length_penalty)
    return [([bos, *tokens], score) for tokens, score in pairs]


@misconception(of="beam_search", caught_by="an_early_end_is_kept_and_not_the_end")
def strips_eos(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You take eos off the returned tokens: it belongs to the sequence, and tells that it ended."""
    pairs = _whole(step, bos, eos, beam_width, max_len, length_penalty)
    return [(tokens[:-1] if tokens[-1] == eos else tokens, score) for tokens, score in pairs]


@misconception(of="beam_search", caught_by="finds_everything_with_a_wide_beam")
def returns_the_best_only(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You return the best hypothesis only: return the best beam_width of the finished ones."""
    return _whole(step, bos, eos, beam_width, max_len, length_penalty)[:1]


@misconception(of="beam_search", caught_by="returns_the_best_first")
def returns_all_that_finished(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You return every finished hypothesis: more than beam_width can finish in the course of the rounds, return the
    best beam_width of them."""
    finished, live = _search(step, bos, eos, beam_width, max_len)
    return _ranked(finished + live, None, length_penalty)


@misconception(of="beam_search", caught_by="returns_the_best_first")
def returns_the_first_that_finished(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You return the hypotheses in the order in which they finished: sort them by their scores, then take the best
    beam_width."""
    finished, live = _search(step, bos, eos, beam_width, max_len)
    return [(list(prefix[1:]), _mean(prefix, total, length_penalty)) for prefix, total in finished + live][:beam_width]


@misconception(of="beam_search", caught_by="returns_the_best_first")
def returns_the_best_last(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You return the worst of the hypotheses first: sort their scores downwards."""
    return _whole(step, bos, eos, beam_width, max_len, length_penalty)[::-1]


@misconception(of="beam_search", caught_by="agrees")
def returns_the_score_first(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """Your pairs are (score, tokens): return (tokens, score)."""
    pairs = _whole(step, bos, eos, beam_width, max_len, length_penalty)
    return [(score, tokens) for tokens, score in pairs]


# -- calls of step -----------------------------------------------------------------------------------------------------


@misconception(of="beam_search", caught_by="agrees")
def shows_step_the_last_token_only(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You give step the last token only: the next token depends on the whole prefix, bos included."""

    def children(step, live):
        return _children(step, live, lambda step, prefix: step([prefix[-1]]))

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children)


@misconception(of="beam_search", caught_by="agrees")
def hides_bos_from_step(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You give step the generated tokens without bos: every prefix begins with it."""

    def children(step, live):
        return _children(step, live, lambda step, prefix: step(list(prefix[1:]) or [bos]))

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children)


@misconception(of="beam_search", caught_by="gives_step_whole_prefixes")
def gives_step_a_tuple(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You give step a tuple or an array: it takes a list of ints."""

    def children(step, live):
        return _children(step, live, lambda step, prefix: step(prefix))

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children)


@misconception(of="beam_search", caught_by="calls_step_seldom")
def calls_step_for_every_token(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You call step more often than beam_width * max_len times, for instance anew for each token: one call gives the
    log-probabilities of all tokens, so call it once for each live hypothesis and keep the sum that a hypothesis has."""

    def logps(step, prefix):
        return [step(list(prefix))[token] for token in range(len(step(list(prefix))))]

    def children(step, live):
        return _children(step, live, logps)

    return _whole(step, bos, eos, beam_width, max_len, length_penalty, children=children)


@misconception(of="beam_search", caught_by="never_expands_what_is_finished")
def asks_about_the_finished(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    """You call step on hypotheses that are finished and throw the answer away: a call is expensive, look first whether
    the last token is eos or max_len is reached."""
    finished, live = _search(step, bos, eos, beam_width, max_len)
    for prefix, _ in finished + live:
        step(list(prefix))
    return _ranked(finished + live, beam_width, length_penalty)
