"""Wrong and slow versions of beam_search_fast that students write, and what cures each."""

import torch
from dlgrade.author import misconception

# -- a right beam search in pieces, of which each misconception gets one wrong -----------------------------------------


def _each(initial):
    """The place of each sequence in the batch, (B, 1)."""
    return torch.arange(len(initial), device=initial.device)[:, None]


def _begin(initial, beam_width):
    """The first hypotheses: scores (B, K) and tokens (B, K, 1)."""
    scores, last = initial.topk(min(beam_width, initial.shape[-1]))
    return scores, last[..., None]


def _rows(transition, tokens):
    """What each hypothesis's last token leads to, (B, K, V)."""
    return transition[_each(transition), tokens[..., -1]]


def _kept(tokens, candidates):
    """The best of the candidates (B, K, V): their scores, and their tokens behind those of their parents."""
    size = candidates.shape[-1]
    scores, best = candidates.flatten(1).topk(tokens.shape[1])
    parents, last = best // size, best % size
    return scores, torch.cat((tokens[_each(tokens), parents], last[..., None]), -1)


def _search(initial, transition, beam_width, length):
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores[..., None] + _rows(transition, tokens))
    return tokens, scores


# -- the beginning and the end -----------------------------------------------------------------------------------------


@misconception(of="beam_search_fast", caught_by="agrees")
def refuses_a_wide_beam(initial, transition, beam_width, length):
    """You ask topk for more than there is, and it raises: there are V first hypotheses at most, so cut beam_width down
    to V."""
    scores, last = initial.topk(beam_width)
    tokens = last[..., None]
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores[..., None] + _rows(transition, tokens))
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="no_more_than_the_tokens")
def widens_after_the_first_token(initial, transition, beam_width, length):
    """With a beam_width larger than V you keep V hypotheses at first and more as soon as there are more candidates:
    here K is the smaller of the two throughout."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        candidates = (scores[..., None] + _rows(transition, tokens)).flatten(1)
        scores, best = candidates.topk(min(beam_width, candidates.shape[1]))
        parents, last = best // initial.shape[1], best % initial.shape[1]
        tokens = torch.cat((tokens[_each(tokens), parents], last[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="best_comes_first")
def begins_with_copies(initial, transition, beam_width, length):
    """You begin with K copies of the likeliest token, and their children are all there K times: begin with the K
    likeliest tokens."""
    width = min(beam_width, initial.shape[1])
    scores, tokens = initial.max(1, keepdim=True).values.expand(-1, width), initial.argmax(1)[:, None, None]
    tokens = tokens.expand(-1, width, -1)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores[..., None] + _rows(transition, tokens))
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def makes_one_token_too_many(initial, transition, beam_width, length):
    """You go round `length` times after the first token, and the sequences are one token too long: the first token is
    one of them, so go round length - 1 times."""
    return _search(initial, transition, beam_width, length + 1)


@misconception(of="beam_search_fast", caught_by="scores_are_sums")
def searches_one_token_further(initial, transition, beam_width, length):
    """You search for one token more than you return, and its log-probability is in the scores: stop at `length`."""
    tokens, scores = _search(initial, transition, beam_width, length + 1)
    return tokens[..., :-1], scores


@misconception(of="beam_search_fast", caught_by="agrees")
def leaves_the_first_token_out(initial, transition, beam_width, length):
    """You return what comes after the first token, without it: it is a token of the sequence like the others."""
    tokens, scores = _search(initial, transition, beam_width, length + 1)
    return tokens[..., 1:], scores


@misconception(of="beam_search_fast", caught_by="scores_are_sums")
def divides_by_the_length(initial, transition, beam_width, length):
    """You divide the scores by the length: here the score is the sum."""
    tokens, scores = _search(initial, transition, beam_width, length)
    return tokens, scores / length


@misconception(of="beam_search_fast", caught_by="best_comes_first")
def worst_comes_first(initial, transition, beam_width, length):
    """You return the hypotheses in the order of rising scores: the best comes first."""
    tokens, scores = _search(initial, transition, beam_width, length)
    return tokens.flip(1), scores.flip(1)


@misconception(of="beam_search_fast", caught_by="scores_are_sums")
def returns_tokens_backwards(initial, transition, beam_width, length):
    """You follow the parents from the last token to the first, and return the tokens in that order: turn them round."""
    tokens, scores = _search(initial, transition, beam_width, length)
    return tokens.flip(2), scores


@misconception(of="beam_search_fast", caught_by="agrees")
def returns_the_best_only(initial, transition, beam_width, length):
    """You return the best sequence of each b only: all K are asked for, (B, K, length)."""
    tokens, scores = _search(initial, transition, beam_width, length)
    return tokens[:, 0], scores[:, 0]


# -- what is kept ------------------------------------------------------------------------------------------------------


@misconception(of="beam_search_fast", caught_by="finds_the_best_pairs")
def gives_each_parent_one_child(initial, transition, beam_width, length):
    """Each hypothesis keeps its own best child, so that K greedy searches run side by side: all K · V candidates of a
    sequence compete, and one parent may have several children among the best."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        gains, last = _rows(transition, tokens).max(-1)
        scores, order = (scores + gains).sort(1, descending=True)
        tokens = torch.cat((tokens, last[..., None]), -1)[_each(tokens), order]
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="finds_the_best_pairs")
def gives_each_parent_two_children(initial, transition, beam_width, length):
    """Each hypothesis lets only its two best children compete: all K of the next position may have one parent."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        gains, children = _rows(transition, tokens).topk(min(2, initial.shape[1]))
        scores, best = (scores[..., None] + gains).flatten(1).topk(tokens.shape[1])
        last = children.flatten(1).gather(1, best)
        tokens = torch.cat((tokens[_each(tokens), best // gains.shape[2]], last[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def keeps_one_for_each_last_token(initial, transition, beam_width, length):
    """Of several hypotheses with the same last token you keep the best only, as Viterbi's algorithm does: here they are
    different sequences, each with its own place in the beam."""
    size = initial.shape[1]
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        best, parents = (scores[..., None] + _rows(transition, tokens)).max(1)
        scores, last = best.topk(min(beam_width, size))
        parents = parents.gather(1, last)
        tokens = torch.cat((tokens[_each(tokens), parents], last[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def lets_the_batch_compete(initial, transition, beam_width, length):
    """You take the best of all candidates of the whole batch: each sequence has K hypotheses of its own. Flatten the
    hypotheses and tokens, and leave the batch: candidates.flatten(1)."""
    size = initial.shape[1]
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        candidates = scores[..., None] + _rows(transition, tokens)
        values, best = candidates.flatten().topk(scores.numel())
        at = best // size
        tokens = torch.cat((tokens.flatten(0, 1)[at], (best % size)[:, None]), -1).reshape(*scores.shape, -1)
        scores = values.reshape(scores.shape)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def forgets_the_past(initial, transition, beam_width, length):
    """You rank the candidates by their last transition alone: add it to the score of the hypothesis."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, _rows(transition, tokens))
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def adds_the_first_again(initial, transition, beam_width, length):
    """You add `initial` at each position: it is the log-probability of the first token only."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores[..., None] + _rows(transition, tokens) + initial[:, None])
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def normalises_again(initial, transition, beam_width, length):
    """You take a log-softmax of what you are given: they are log-probabilities already, to be taken as they are."""

    def normalised(x):
        x = x - x.amax(-1, keepdim=True)
        return x - x.exp().sum(-1, keepdim=True).log()

    return _search(normalised(initial), normalised(transition), beam_width, length)


@misconception(of="beam_search_fast", caught_by="a_common_level_changes_no_choice")
def multiplies_probabilities(initial, transition, beam_width, length):
    """You multiply probabilities and take the logarithm at the end: after some hundred tokens, or a few unlikely ones,
    the product is 0. Add log-probabilities instead."""
    scores, tokens = _begin(initial.exp(), beam_width)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores[..., None] * _rows(transition.exp(), tokens))
    return tokens, scores.log()


@misconception(of="beam_search_fast", caught_by="agrees")
def multiplies_log_probabilities(initial, transition, beam_width, length):
    """You multiply log-probabilities: the probability of a sequence is a product, so its logarithm is their sum."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores[..., None] * _rows(transition, tokens))
    return tokens, scores


# -- who is whose child ------------------------------------------------------------------------------------------------


@misconception(of="beam_search_fast", caught_by="scores_are_sums")
def leaves_parents_where_they_are(initial, transition, beam_width, length):
    """You put the new tokens behind the old sequences without looking whose children they are: take the sequences of
    the parents first, tokens[batch, parents]."""
    size = initial.shape[1]
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, best = (scores[..., None] + _rows(transition, tokens)).flatten(1).topk(tokens.shape[1])
        tokens = torch.cat((tokens, (best % size)[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def divides_by_the_width(initial, transition, beam_width, length):
    """You divide the place among all candidates by K: a row has V candidates, so place // V is the parent and place % V
    the token."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        width = tokens.shape[1]
        scores, best = (scores[..., None] + _rows(transition, tokens)).flatten(1).topk(width)
        parents, last = (best // width).clamp(max=width - 1), best % width
        tokens = torch.cat((tokens[_each(tokens), parents], last[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def exchanges_parent_and_token(initial, transition, beam_width, length):
    """You take place % V for the parent and place // V for the token: the rows are the parents', so it is the other way
    round."""
    size = initial.shape[1]
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        width = tokens.shape[1]
        scores, best = (scores[..., None] + _rows(transition, tokens)).flatten(1).topk(width)
        parents, last = (best % size).clamp(max=width - 1), best // size
        tokens = torch.cat((tokens[_each(tokens), parents], last[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="scores_are_sums")
def takes_the_parent_for_the_token(initial, transition, beam_width, length):
    """You put the parent's place behind the sequence instead of the token: the token is place % V."""
    size = initial.shape[1]
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, best = (scores[..., None] + _rows(transition, tokens)).flatten(1).topk(tokens.shape[1])
        tokens = torch.cat((tokens[_each(tokens), best // size], (best // size)[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def flattens_tokens_before_parents(initial, transition, beam_width, length):
    """Your candidates lie token by token, (B, V, K), when you flatten them, and you number them as if they lay parent
    by parent: flatten (B, K, V), or else place // K is the token and place % K the parent."""
    size = initial.shape[1]
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        candidates = scores[..., None] + _rows(transition, tokens)
        scores, best = candidates.transpose(1, 2).flatten(1).topk(tokens.shape[1])
        tokens = torch.cat((tokens[_each(tokens), best // size], (best % size)[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="sequences_are_alone")
def takes_parents_from_the_first_of_the_batch(initial, transition, beam_width, length):
    """You take every parent's sequence from the first of the batch, tokens[0]: each b has its own, tokens[batch,
    parents]."""
    size = initial.shape[1]
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, best = (scores[..., None] + _rows(transition, tokens)).flatten(1).topk(tokens.shape[1])
        tokens = torch.cat((tokens[0, best // size], (best % size)[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def follows_parents_one_step_only(initial, transition, beam_width, length):
    """You put the parents of each position aside and, at the end, take each position's tokens by the parents of the
    next one alone: the way back goes from parent to parent, so apply one after the other."""
    size = initial.shape[1]
    scores, tokens = _begin(initial, beam_width)
    steps, parents, last = [tokens[..., 0]], [], tokens
    for _ in range(length - 1):
        scores, best = (scores[..., None] + _rows(transition, last)).flatten(1).topk(scores.shape[1])
        steps.append(best % size)
        parents.append(best // size)
        last = steps[-1][..., None]
    found = [step.gather(1, parent) for step, parent in zip(steps, parents, strict=False)]
    return torch.stack([*found, steps[-1]], -1), scores


# -- the table of transitions ------------------------------------------------------------------------------------------


@misconception(of="beam_search_fast", caught_by="agrees")
def reads_columns(initial, transition, beam_width, length):
    """You read the column of the last token, transition[b, :, i]: what comes after token i is the row
    transition[b, i, :]."""
    return _search(initial, transition.transpose(1, 2), beam_width, length)


@misconception(of="beam_search_fast", caught_by="sequences_are_alone")
def reads_the_first_table(initial, transition, beam_width, length):
    """You read every sequence's transitions from the first table: each b has its own."""
    return _search(initial, transition[:1].expand_as(transition), beam_width, length)


@misconception(of="beam_search_fast", caught_by="agrees")
def reads_by_the_rank(initial, transition, beam_width, length):
    """You take each hypothesis's place in the beam for its last token: read the row of its token."""
    width = min(beam_width, initial.shape[1])
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores[..., None] + transition[:, :width])
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="agrees")
def reads_the_first_token(initial, transition, beam_width, length):
    """You read the transitions of each sequence's first token at every position: it is the last that counts."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores[..., None] + _rows(transition, tokens[..., :1]))
    return tokens, scores


# -- tensors -----------------------------------------------------------------------------------------------------------


@misconception(of="beam_search_fast", caught_by="agrees")
def views_what_is_not_contiguous(initial, transition, beam_width, length):
    """view() raises for a tensor whose elements do not lie side by side, and yours may come with any strides: use
    reshape() or flatten()."""
    count, size = initial.shape
    rows = transition.view(count * size, size)
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores[..., None] + rows[size * _each(initial) + tokens[..., -1]])
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="scores_are_sums")
def returns_int32(initial, transition, beam_width, length):
    """You return the tokens as int32: torch's indices are int64, and so are the tokens here."""
    tokens, scores = _search(initial, transition, beam_width, length)
    return tokens.int(), scores


@misconception(of="beam_search_fast", caught_by="agrees")
def returns_float_tokens(initial, transition, beam_width, length):
    """You keep the tokens in a tensor of floats, as torch.zeros(...) makes it: tokens are int64, dtype=torch.long."""
    tokens, scores = _search(initial, transition, beam_width, length)
    return tokens.to(scores.dtype), scores


@misconception(of="beam_search_fast", caught_by="agrees")
def sums_in_float32(initial, transition, beam_width, length):
    """You keep the scores in float32, as torch.zeros(...) makes them, although you are given float64: make them with
    the dtype of `initial`."""
    tokens, scores = _search(initial.float(), transition.float(), beam_width, length)
    return tokens, scores.to(initial.dtype)


@misconception(of="beam_search_fast", caught_by="agrees")
def answers_in_float64(initial, transition, beam_width, length):
    """You return float64 scores for float32 inputs: keep their dtype."""
    return _search(initial.double(), transition.double(), beam_width, length)


@misconception(of="beam_search_fast", caught_by="agrees")
def changes_the_first_scores(initial, transition, beam_width, length):
    """You mark used tokens in the caller's `initial`: it is not yours to write to. Work on a copy."""
    tokens, scores = _search(initial, transition, beam_width, length)
    initial.scatter_(1, initial.argmax(1, keepdim=True), -torch.inf)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="gradient")
def detaches_the_scores(initial, transition, beam_width, length):
    """You carry the scores from position to position detached, and autograd finds the way back to the last transition
    only: leave the scores as they are."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        scores, tokens = _kept(tokens, scores.detach()[..., None] + _rows(transition, tokens))
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="gradient")
def records_nothing(initial, transition, beam_width, length):
    """You search under torch.no_grad(), and autograd records nothing: leave it out, or sum up the scores of the found
    tokens outside of it."""
    with torch.no_grad():
        return _search(initial, transition, beam_width, length)


# -- right, but slow ---------------------------------------------------------------------------------------------------


@misconception(of="beam_search_fast", caught_by="loops_over_positions_only")
def loops_over_the_hypotheses(initial, transition, beam_width, length):
    """You loop over the hypotheses: transition[batch, tokens] with tokens of shape (B, K) gives all their rows at once,
    (B, K, V)."""
    size, each = initial.shape[1], _each(initial)[:, 0]
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        rows = [scores[:, i, None] + transition[each, tokens[:, i, -1]] for i in range(tokens.shape[1])]
        scores, best = torch.cat(rows, 1).topk(tokens.shape[1])
        tokens = torch.cat((tokens[_each(tokens), best // size], (best % size)[..., None]), -1)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="memory_grows_with_the_candidates")
def gives_each_hypothesis_a_table(initial, transition, beam_width, length):
    """You repeat the table of transitions for each hypothesis, B · K · V · V numbers, to pick one row of each: index
    the one table by the batch and the tokens, transition[batch, tokens]."""
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        tables = transition[:, None].repeat(1, tokens.shape[1], 1, 1)
        rows = tables.take_along_dim(tokens[..., -1:, None], 2)[..., 0, :]
        scores, tokens = _kept(tokens, scores[..., None] + rows)
    return tokens, scores


@misconception(of="beam_search_fast", caught_by="fast")
def loops_over_the_sequences(initial, transition, beam_width, length):
    """You search for one sequence after the other: each operation has a leading dimension to spare, in which all of
    them fit. topk works on every row of (B, K · V) at once, and transition[batch, tokens] reads every table at once."""
    found = [_search(initial[b : b + 1], transition[b : b + 1], beam_width, length) for b in range(len(initial))]
    return torch.cat([tokens for tokens, _ in found]), torch.cat([scores for _, scores in found])


@misconception(of="beam_search_fast", caught_by="fast")
def sorts_all_candidates(initial, transition, beam_width, length):
    """You sort all K · V candidates to take the first K of them: topk finds those without sorting the others."""
    size = initial.shape[1]
    scores, tokens = _begin(initial, beam_width)
    for _ in range(length - 1):
        candidates = (scores[..., None] + _rows(transition, tokens)).flatten(1)
        values, places = candidates.sort(dim=1, descending=True)
        scores, best = values[:, : tokens.shape[1]], places[:, : tokens.shape[1]]
        tokens = torch.cat((tokens[_each(tokens), best // size], (best % size)[..., None]), -1)
    return tokens, scores
