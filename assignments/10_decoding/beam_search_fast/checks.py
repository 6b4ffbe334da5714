"""Checks of beam_search_fast: what it finds, the laws that it obeys, autograd through its scores, and what it costs."""

import numpy as np
import torch
from dlgrade.author import (
    Agreement,
    Example,
    Gradient,
    Mismatch,
    Policy,
    Timing,
    assert_close,
    assert_equal,
    check,
)
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracle and baseline -----------------------------------------------------------------------------------------------


def loops(initial, transition, beam_width, length):
    """One sequence after the other, one hypothesis after the other."""
    size = initial.shape[1]
    width = min(beam_width, size)
    found = []
    for first, after in zip(initial.unbind(), transition.unbind(), strict=True):
        beam = [([], None)]
        for place in range(length):
            rows = [score + after[tokens[-1]] for tokens, score in beam] if place else [first]
            scores, ranks = torch.cat(rows).topk(width)
            children = zip(ranks.tolist(), scores.unbind(), strict=True)
            beam = [([*beam[rank // size][0], rank % size], score) for rank, score in children]
        found.append(beam)
    tokens = torch.tensor([[tokens for tokens, _ in beam] for beam in found], device=initial.device)
    return tokens, torch.stack([torch.stack([score for _, score in beam]) for beam in found])


# -- inputs ------------------------------------------------------------------------------------------------------------


def _least_gap(first, after, width, length):
    """By how little, at any position, one of the best candidates is ahead of the next one."""
    size, least = len(first), np.inf
    totals = first
    for _ in range(length):
        ranks = np.argsort(-totals, axis=None)[: width + 1]
        best = totals.flat[ranks]
        least = min(least, -np.diff(best).max(initial=-np.inf))
        totals = best[:width, None] + after[ranks[:width] % size]
    return least


def _chains(rng, count, size, width, length, *, gap, draw):
    """This many chains among whose candidates there are no near ties, as (initial, transition)."""
    found = []
    while len(found) < count:
        first, after = draw(rng, (size,)), draw(rng, (size, size))
        if _least_gap(np.float64(first), np.float64(after), min(width, size), length) >= gap:
            found.append((first, after))
    return tuple(np.stack(parts) for parts in zip(*found, strict=True))


def _hundredths(rng, shape):
    """Log-probabilities of two decimals, not normalised."""
    return -rng.integers(1, 400, shape) / 100


def _normalised(rng, shape):
    scores = 3 * rng.standard_normal(shape, dtype=np.float32)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def _case(seed, count, size, width, length):
    """One call. Numbers of two decimals are equal or differ by a hundredth."""
    rng = np.random.default_rng([seed, count, size, width, length])
    initial, transition = _chains(rng, count, size, width, length, gap=0.005, draw=_hundredths)
    return {"initial": initial, "transition": transition, "beam_width": width, "length": length}


# Sequences, tokens, hypotheses, positions.
_SIZES = (
    *((1, 2, 1, 2), (1, 2, 2, 2), (1, 3, 2, 3), (2, 3, 2, 2), (2, 2, 1, 3), (2, 3, 3, 3), (3, 4, 2, 3), (2, 4, 3, 4)),
    *((3, 3, 2, 4), (2, 5, 4, 3), (3, 5, 3, 5), (2, 3, 2, 1), (1, 4, 4, 1), (2, 5, 2, 8), (4, 4, 4, 4), (3, 2, 2, 3)),
)


def _cases(*, sizes=_SIZES):
    seeds = st.tuples(st.sampled_from(sizes), st.integers(0, 99))
    return seeds.map(lambda drawn: _case(drawn[1], *drawn[0]))


def _given(case, **changed):
    return {**case, **changed}


# The likeliest first token, 0, is a dead end.
_GARDEN = {
    "initial": np.array([[-0.5, -1.0, -3.0]]),
    "transition": np.array([[[-2.0, -1.75, -1.5], [-3.0, -0.25, -2.5], [-1.0, -2.0, -3.0]]]),
    "beam_width": 2,
    "length": 3,
}


def _lowered(case, level):
    return _given(case, initial=case["initial"] + level, transition=case["transition"] + level)


_EDGES = (
    _GARDEN,
    _case(0, 1, 1, 1, 1),
    _case(0, 2, 1, 1, 4),
    # More hypotheses than tokens.
    _case(0, 2, 2, 3, 3),
    _case(0, 3, 4, 9, 3),
    _case(1, 1, 1, 2, 2),
    # As many sequences as tokens, hypotheses and positions: axes that may be taken for one another.
    *(_case(seed, 3, 3, 3, 3) for seed in range(3)),
    _case(2, 5, 5, 2, 2),
    _case(3, 2, 40, 3, 3),
    _case(4, 2, 6, 3, 20),
    _case(5, 7, 3, 2, 5),
    # Probabilities that no float can hold, at the first step or after some.
    _lowered(_case(6, 2, 4, 3, 4), -1000.0),
    _lowered(_case(7, 2, 3, 2, 30), -30.0),
)

# -- what it finds -----------------------------------------------------------------------------------------------------

examples = Example(points=1)
permitted = Policy()

agrees = Agreement(
    "beam_search_fast",
    oracle=loops,
    given=_cases(),
    cases=_EDGES,
    parts=("tokens", "scores"),
    points=4,
    examples=25,
    says="beam_search_fast gives the sequences and scores that one sequence after the other would.",
)

gradient = Gradient(
    "beam_search_fast",
    wrt=("initial", "transition"),
    forward_oracle=loops,
    given=_cases(sizes=_SIZES[:12]),
    points=3,
    examples=8,
    says="autograd through beam_search_fast gives the gradients of the scores.",
)


def _searched(beam_search_fast, case):
    """The two results, once they are known to have the shapes that the law goes on to use, and tokens to be tokens."""
    tokens, scores = beam_search_fast(**case)
    count, size = case["initial"].shape
    shape = (count, min(case["beam_width"], size))
    if np.shape(scores) != shape:
        raise Mismatch(f"the shape of scores is {np.shape(scores)}, not {shape}", got=scores, want=np.zeros(shape))
    shape = (*shape, case["length"])
    if np.shape(tokens) != shape:
        raise Mismatch(f"the shape of tokens is {np.shape(tokens)}, not {shape}", got=tokens, want=np.zeros(shape))
    if tokens.dtype != np.int64:
        raise Mismatch(f"tokens are {tokens.dtype}, not int64", got=tokens.dtype.name, want="int64")
    if tokens.min() < 0 or tokens.max() >= size:
        inside = np.clip(tokens, 0, size - 1)
        raise Mismatch(f"there are tokens below 0 or above {size - 1}", got=tokens, want=inside)
    return tokens, scores


def _sums(case, tokens):
    """The scores of sequences, (B, K)."""
    each = np.arange(len(tokens))[:, None]
    total = case["initial"][each, tokens[..., 0]]
    for place in range(1, tokens.shape[-1]):
        total = total + case["transition"][each, tokens[..., place - 1], tokens[..., place]]
    return total


def _alike(got, want, message):
    """Fail unless two searches found the same."""
    assert_equal(got[0], want[0], message=message)
    assert_close(got[1], want[1], rtol=1e-12, message=message)


@check(points=1, examples=12)
@given(case=_cases())
@example(case=_GARDEN)
@example(case=_case(0, 2, 4, 3, 4))
@example(case=_case(0, 3, 3, 2, 3))
def scores_are_sums(beam_search_fast, case):
    """The score of each sequence is the sum of the log-probabilities of its tokens."""
    tokens, scores = _searched(beam_search_fast, case)
    assert_close(scores, _sums(case, tokens), message="the score of a sequence is not its sum")


@check(points=0.5, examples=12)
@given(case=_cases())
@example(case=_case(1, 2, 4, 3, 4))
@example(case=_case(1, 3, 3, 3, 1))
def best_comes_first(beam_search_fast, case):
    """The scores of each b fall, and no sequence is there twice."""
    tokens, scores = _searched(beam_search_fast, case)
    want = -np.sort(-scores, axis=1)
    assert_equal(scores, want, message="they are in another order")
    for rows in tokens:
        if len({tuple(row) for row in rows.tolist()}) < len(rows):
            raise Mismatch("a sequence is there twice", got=rows, want=np.unique(rows, axis=0))


@check(points=0.5, examples=12)
@given(case=_cases(sizes=((1, 3, 1, 3), (2, 3, 1, 4), (3, 4, 1, 2), (2, 2, 1, 5))))
@example(case=_given(_GARDEN, beam_width=1))
@example(case=_case(2, 3, 4, 1, 3))
def is_greedy_with_width_one(beam_search_fast, case):
    """With beam_width 1 it takes the likeliest token at each position."""
    tokens, _ = _searched(beam_search_fast, case)
    each = np.arange(len(tokens))
    path = [case["initial"].argmax(axis=1)]
    while len(path) < case["length"]:
        path.append(case["transition"][each, path[-1]].argmax(axis=1))
    assert_equal(tokens[:, 0], np.stack(path, axis=1), message="it is not the greedy sequence")


@check(points=1, examples=12)
@given(case=_cases(sizes=((1, 2, 2, 2), (1, 3, 3, 2), (2, 3, 3, 2), (2, 4, 4, 2), (1, 5, 5, 2))))
@example(case=_case(3, 2, 3, 3, 2))
@example(case=_case(3, 3, 4, 4, 2))
def finds_the_best_pairs(beam_search_fast, case):
    """With beam_width V and length 2 it finds the best V of all V · V sequences."""
    tokens, _ = _searched(beam_search_fast, case)
    size = case["initial"].shape[1]
    totals = (case["initial"][:, :, None] + case["transition"]).reshape(len(tokens), -1)
    best = np.argsort(-totals, axis=1)[:, :size]
    assert_equal(tokens, np.stack((best // size, best % size), axis=-1), message="these are not the best pairs")


@check(points=0.5, examples=12)
@given(case=_cases(sizes=((1, 3, 2, 1), (2, 4, 3, 1), (3, 2, 2, 1), (2, 5, 1, 1))), level=st.sampled_from((0.0, -1e6)))
@example(case=_case(4, 2, 4, 3, 1), level=-1e6)
def one_token_needs_no_transition(beam_search_fast, case, level):
    """With length 1 it gives the likeliest first tokens, whatever the transitions are."""
    found = _searched(beam_search_fast, _given(case, transition=case["transition"] + level))
    best = np.argsort(-case["initial"], axis=1)[:, : case["beam_width"]]
    want = best[..., None], np.take_along_axis(case["initial"], best, axis=1)
    _alike(found, want, "these are not the likeliest first tokens")


@check(points=0.5, examples=12)
@given(case=_cases(sizes=tuple(size for size in _SIZES if size[1] == size[2])), more=st.sampled_from((1, 5, 100)))
@example(case=_case(5, 2, 3, 3, 3), more=1)
@example(case=_case(5, 1, 2, 2, 4), more=100)
def no_more_than_the_tokens(beam_search_fast, case, more):
    """A beam_width larger than V gives what V gives."""
    found = _searched(beam_search_fast, _given(case, beam_width=case["beam_width"] + more))
    _alike(found, _searched(beam_search_fast, case), "it is another search")


@check(points=1, examples=12)
@given(case=_cases(sizes=tuple(size for size in _SIZES if size[0] > 1)))
@example(case=_case(6, 3, 3, 2, 3))
@example(case=_case(6, 4, 2, 2, 3))
def sequences_are_alone(beam_search_fast, case):
    """Each b is searched by itself: the others of the batch change nothing."""
    tokens, scores = _searched(beam_search_fast, case)
    for b in range(len(tokens)):
        alone = _given(case, **{name: case[name][b : b + 1].copy() for name in ("initial", "transition")})
        found = _searched(beam_search_fast, alone)
        _alike((tokens[b : b + 1], scores[b : b + 1]), found, f"what is found for b = {b} is another alone")


@check(points=0.5, examples=12)
@given(case=_cases(sizes=tuple(size for size in _SIZES if size[1] > 1)), turn=st.sampled_from((1, 2)))
@example(case=_case(7, 2, 4, 3, 4), turn=1)
@example(case=_case(7, 1, 3, 2, 3), turn=1)
def names_of_tokens_do_not_matter(beam_search_fast, case, turn):
    """Numbering the tokens in another way gives the same sequences, with the tokens' new numbers."""
    size = case["initial"].shape[1]
    new = (np.arange(size) * -1 + turn) % size  # what becomes of each; it is its own inverse
    named = _given(case, initial=case["initial"][:, new], transition=case["transition"][:, new][:, :, new])
    tokens, scores = _searched(beam_search_fast, case)
    _alike(_searched(beam_search_fast, named), (new[tokens], scores), "it depends on how the tokens are numbered")


@check(points=0.5, examples=12)
@given(case=_cases(), first=st.sampled_from((0.0, -3.0, -500.0)), later=st.sampled_from((0.0, -2.0, -500.0)))
@example(case=_case(8, 2, 4, 3, 4), first=-500.0, later=-500.0)
@example(case=_case(8, 1, 3, 2, 3), first=-3.0, later=0.0)
def a_common_level_changes_no_choice(beam_search_fast, case, first, later):
    """Lowering all of `initial` by one number and all of `transition` by another lowers the scores, and that is all."""
    tokens, scores = _searched(beam_search_fast, case)
    lowered = _given(case, initial=case["initial"] + first, transition=case["transition"] + later)
    want = tokens, scores + first + (case["length"] - 1) * later
    _alike(_searched(beam_search_fast, lowered), want, "what is lowered leads elsewhere")


# -- what it costs -----------------------------------------------------------------------------------------------------


def _batch(count, size, width):
    """A call whose numbers do not matter, but its sizes."""
    rng = np.random.default_rng(0)
    initial, transition = -rng.random((count, size)), -rng.random((count, size, size))
    return {"initial": initial, "transition": transition, "beam_width": width, "length": 3}


@check(points=1.5, examples=1)
@given(case=st.just({}))
def loops_over_positions_only(beam_search_fast, case):
    """It executes as many lines of Python for 64 sequences as for 2, and for 64 hypotheses as for 2."""
    sizes = ("sequences", (2, 3, 2), (64, 3, 2)), ("hypotheses or tokens", (2, 2, 2), (2, 64, 64))
    for what, small, large in sizes:
        few, many = (beam_search_fast.lines_executed(**_batch(*size)) for size in (small, large))
        # A loop, even one within a line, counts each of the 62 more.
        assert many < few + 62, (
            f"it executes {many} lines of Python where there are more {what}, and {few} where there are few: it loops "
            "over them. topk, gather and indexing by tensors do all rows at once"
        )


@check(points=0.5, examples=1)
@given(case=st.just({}))
def memory_grows_with_the_candidates(beam_search_fast, case):
    """It holds tensors of B · K · V and B · V · V numbers, and none of B · K · V · V."""
    few, many = (beam_search_fast.peak_memory(**_batch(2, size, size)) for size in (6, 24))
    assert many <= 32 * few, (
        f"for 4 times as many tokens and hypotheses it holds {many / few:.0f} times the memory: somewhere each "
        "hypothesis has a copy of the whole table of transitions. It needs one row of it, that of its last token"
    )


def _many(rng, n):
    initial, transition = _chains(rng, n, 64, 4, 32, gap=3e-4, draw=_normalised)
    return {"initial": initial, "transition": transition, "beam_width": 4, "length": 32}


def _more(rng, n):
    initial, transition = _chains(rng, n, 256, 8, 16, gap=3e-4, draw=_normalised)
    return {"initial": initial, "transition": transition, "beam_width": 8, "length": 16}


fast = Timing(
    "beam_search_fast",
    baseline=loops,
    given=_many,
    size=32,
    limit=0.3,
    unit="sequences of 32 tokens, 4 hypotheses, 64 tokens to choose from",
    points=4,
    against="a loop over sequences and hypotheses",
    says="beam_search_fast takes at most 0.3 times what a loop over sequences and hypotheses takes.",
)

fast_on_gpu = Timing(
    "beam_search_fast",
    baseline=loops,
    given=_more,
    size=64,
    limit=0.2,
    device="cuda",
    unit="sequences of 16 tokens, 8 hypotheses, 256 tokens to choose from",
    points=0,
    against="a loop over sequences and hypotheses",
    says="On a GPU beam_search_fast takes at most 0.2 times what a loop over sequences and hypotheses takes.",
)
