"""What a right beam search must find, and how seldom it must ask."""

import itertools

import numpy as np
from dlgrade.author import Agreement, Example, Mismatch, Policy, assert_close, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- decoders ----------------------------------------------------------------------------------------------------------


class _Table:
    """A decoder: for each prefix a row of a table, chosen by all of the prefix's tokens and their places."""

    def __init__(self, rows):
        self.rows = np.array(rows, dtype=np.float64)

    def __call__(self, prefix):
        """The log-probabilities of the next token."""
        try:
            return self.rows[self.row(int(token) for token in prefix)].copy()
        except TypeError as error:
            raise ValueError(f"step takes a list of token ids, not {prefix!r}") from error

    def row(self, prefix):
        """Which row a prefix is given."""
        return sum(place * (token + 1) for place, token in enumerate(prefix, 1)) % len(self.rows)

    def __repr__(self):
        row = f"sum(i * (t + 1) for i, t in enumerate(prefix, 1)) % {len(self.rows)}"
        return f"(lambda prefix: np.array({self.rows.tolist()})[{row}])"

    @property
    def __name__(self):
        """What a report shows for it, to be pasted."""
        return repr(self)


class _Watched:
    """A decoder that keeps the prefixes that it is asked about."""

    def __init__(self, step):
        self.step = step
        self.prefixes = []

    def __call__(self, prefix):
        """The decoder's answer."""
        self.prefixes.append(list(prefix) if isinstance(prefix, list) else prefix)
        return self.step(prefix)

    def __repr__(self):
        return repr(self.step)

    @property
    def __name__(self):
        """What a report shows for it: the decoder itself."""
        return repr(self)


# -- oracle: sort all candidates, keep the first -----------------------------------------------------------------------


def _search(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    live, finished = [((bos,), 0.0)], []
    for _ in range(max_len):
        candidates = [
            (-(total + logp), rank, token, prefix)
            for rank, (prefix, total) in enumerate(live)
            for token, logp in enumerate(step(list(prefix)).tolist())
        ]
        kept = [((*prefix, token), -cost) for cost, _, token, prefix in sorted(candidates)[:beam_width]]
        finished += [item for item in kept if item[0][-1] == eos]
        live = [item for item in kept if item[0][-1] != eos]
    return _ranked([*finished, *live], length_penalty)[:beam_width]


def _ranked(hypotheses, length_penalty=0.0):
    """Pairs of prefix and sum as the search returns them: the best score first, then the smaller list."""
    scored = [(list(prefix[1:]), total / (len(prefix) - 1) ** length_penalty) for prefix, total in hypotheses]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))


def _sum(step, bos, tokens):
    """The log-probability of a sequence."""
    total = 0.0
    for place, token in enumerate(tokens):
        total += float(step([bos, *tokens[:place]])[token])
    return total


def _everything(step, bos, eos, max_len):
    """Every sequence that could be generated: it ends in its only eos, or has max_len tokens."""
    vocabulary = range(len(step([bos])))
    for length in range(1, max_len + 1):
        for tokens in itertools.product(vocabulary, repeat=length):
            if eos not in tokens[:-1] and (tokens[-1] == eos or length == max_len):
                yield (bos, *tokens), _sum(step, bos, tokens)


# -- inputs ------------------------------------------------------------------------------------------------------------

# Quarters make equal sums frequent; both grids keep every sum exact, so that equal is equal.
_GRIDS = (4, 1024)
# No two lengths tie by the value of a quotient that rounding could tell apart.
_PENALTIES = (0.0, 0.5, 0.75, 1.25)


@st.composite
def _cases(
    draw,
    *,
    vocabulary=(2, 3, 4, 5),
    widths=(1, 2, 3, 4, 6),
    lengths=(1, 2, 3, 4, 5),
    penalties=_PENALTIES,
    grids=_GRIDS,
):
    """A call's arguments; the penalty is left out where it is 0."""
    tokens = draw(st.sampled_from(vocabulary))
    rows, grid = draw(st.sampled_from((2, 5, 7))), draw(st.sampled_from(grids))
    rng = np.random.default_rng([draw(st.integers(0, 99)), draw(st.integers(0, 99))])
    table = -rng.integers(0, 2 * grid, size=(rows, tokens), endpoint=True) / grid
    eos = draw(st.integers(0, tokens - 1))
    bos = (eos + draw(st.integers(1, tokens - 1))) % tokens
    table[:, eos] -= draw(st.sampled_from((0.0, 1.0)))
    case = {
        "step": _Table(table),
        "bos": bos,
        "eos": eos,
        "beam_width": draw(st.sampled_from(widths)),
        "max_len": draw(st.sampled_from(lengths)),
    }
    penalty = draw(st.sampled_from(penalties))
    return case | ({"length_penalty": penalty} if penalty else {})


def _case(rows, bos, eos, beam_width, max_len, **options):
    return {"step": _Table(rows), "bos": bos, "eos": eos, "beam_width": beam_width, "max_len": max_len, **options}


def _random(vocabulary, rows=7, seed=0):
    """A table of numbers that float32 cannot hold."""
    return np.round(-np.random.default_rng(seed).uniform(0.1, 3, size=(rows, vocabulary)), 3)


# The end is likely from the first step on, or unlikely; the best first token is not the best first step.
_SOON = [[-0.5, -2.0, -1.0, -1.5], [-1.0, -0.25, -2.0, -0.75], [-0.25, -0.5, -3.0, -1.0]]
_LATE = [[-9.0, -1.0, -0.5, -2.0], [-8.5, -0.25, -1.5, -1.0], [-9.5, -0.5, -0.25, -0.75]]
_GARDEN = [[-3.0, -2.0, -2.0], [-2.5, -0.5, -1.0], [-3.0, -0.25, -2.5], [-0.5, -3.0, -3.0], [-2.0, -2.0, -0.25]]
_EDGES = (
    _case(_SOON, 1, 0, 1, 1),
    _case(_SOON, 1, 0, 2, 3),
    # Two have ended, and what is live looks worse: its sum, and the mean that it has, or could have a token later.
    # But it rises above one of them with its last token, or comes to the same score with a smaller list.
    _case([[-3.0, -0.5]], 0, 1, 2, 3, length_penalty=2.0),
    _case([[-0.25, -2.0], [-3.0, -0.25]], 0, 1, 2, 4, length_penalty=1.0),
    _case([[0.0, 0.0]], 0, 1, 2, 6),
    _case(_SOON, 1, 0, 3, 4, length_penalty=1.0),
    _case(_SOON, 2, 3, 4, 5, length_penalty=0.5),
    _case(_LATE, 1, 0, 2, 3),
    _case(_LATE, 3, 0, 3, 4, length_penalty=2.0),
    _case(_LATE, 1, 0, 9, 2, length_penalty=1.0),
    _case(_GARDEN, 1, 0, 2, 4, length_penalty=1.0),
    _case(_GARDEN, 2, 1, 2, 4),
    _case(_GARDEN, 0, 2, 5, 5, length_penalty=0.75),
    # A third candidate would have led to the best end, but has no place.
    _case([[-1.75, -0.5, -1.0], [-0.25, -1.5, -0.75], [-1.75, -2.0, -1.75]], 1, 0, 2, 2, length_penalty=1.0),
    _case([[0.0, 0.0]], 1, 0, 2, 3),
    _case([[-1.0, -1.0, -1.0]], 0, 2, 2, 3),
    _case([[-1.0, -1.0, -1.0]], 2, 1, 4, 3, length_penalty=1.0),
    _case([[-1.0, -1.0, -1.0, -1.0]], 2, 3, 3, 4, length_penalty=0.5),
    _case(_random(4), 1, 2, 3, 5),
    _case(_random(3, seed=1), 2, 0, 4, 4, length_penalty=0.7),
    _case(_random(5, seed=2) - [0, 0, 0, 2, 0], 4, 3, 3, 5, length_penalty=1.3),
    # Ties among so many candidates that a sort which is not stable mixes them up.
    _case([[-1.0] * 40], 0, 39, 3, 2),
    _case(-(np.arange(200).reshape(5, 40) * 7 % 3) / 4, 0, 38, 5, 3),
    _case(-(np.arange(200).reshape(5, 40) ** 2 * 3 % 5) / 4, 1, 0, 30, 3, length_penalty=0.5),
    # Sums that differ in the tenth digit; float32 takes them for equal.
    _case([[-1.0000000003, -1.0000000002, -1.0000000001, -1.0], [-1.0, -1.0000000002, -1.0, -1.0]], 1, 3, 2, 3),
    # Probabilities that no float64 can hold, after one step and after forty.
    _case([[-800.0, -801.0, -802.5], [-803.0, -800.5, -802.0]], 1, 0, 2, 3),
    _case([[-40.0, -20.0, -21.0], [-41.0, -23.0, -22.0], [-45.0, -21.0, -21.5]], 1, 0, 2, 40, length_penalty=1.0),
    # Lower than what often stands for minus infinity, and low beside likely tokens.
    _case([[-1e9 - 5, -1e10, -2e9]], 0, 2, 2, 2),
    _case([[-1.0, -2e4, -3.0]], 0, 2, 9, 2),
    # Sums that differ in the fourteenth digit, and are exact.
    _case([[-1.0, -1.0 + 2**-44, -1.0 - 2**-44, -1.0 + 2**-43]], 0, 2, 3, 4),
    # Sums of the same numbers in other orders, which rounding tells apart.
    _case([[-1.05, -1.21, -2.68]], 0, 2, 2, 3),
    # A penalty larger than usual, on all sequences of one token or two.
    _case(_SOON, 1, 0, 13, 2, length_penalty=10.5),
)


def _width(case):
    return case["beam_width"]


def _assert_same(got, want, message):
    """Fail unless two lists of hypotheses have the same tokens in the same order, and the same scores."""
    if [list(tokens) for tokens, _ in got] != [tokens for tokens, _ in want]:
        raise Mismatch(message, got=got, want=want)
    for (tokens, score), (_, right) in zip(got, want, strict=True):
        assert_close(score, right, scale=abs(right) or 1.0, message=f"the score of {list(tokens)} is another")


# -- what it finds -----------------------------------------------------------------------------------------------------

examples = Example(points=1)

permitted = Policy()

agrees = Agreement(
    "beam_search",
    oracle=_search,
    given=_cases(),
    cases=_EDGES,
    points=5,
    examples=30,
    says="beam_search returns the hypotheses and the scores that the rounds described in the docstring lead to.",
)


@check(points=1, examples=10)
@given(case=_cases(widths=(1,), lengths=(1, 2, 3, 5)))
@example(case=_case(_LATE, 1, 0, 1, 4))
@example(case=_case(_SOON, 1, 3, 1, 4, length_penalty=1.0))
@example(case=_case([[-1.0, -1.0, -1.0]], 0, 2, 1, 3))
def is_greedy_with_width_one(beam_search, case):
    """With beam_width 1 it follows the likeliest token at every step, the smaller id on a tie, until eos or max_len."""
    step, prefix = case["step"], [case["bos"]]
    while len(prefix) <= case["max_len"] and (len(prefix) == 1 or prefix[-1] != case["eos"]):
        prefix.append(int(np.argmax(step(prefix))))
    want = _ranked([(prefix, _sum(step, case["bos"], prefix[1:]))], case.get("length_penalty", 0.0))
    _assert_same(beam_search(**case), want, "it is not the greedy sequence")


@check(points=2, examples=10)
@given(case=_cases(vocabulary=(2, 3), lengths=(1, 2, 3)))
@example(case=_case(_GARDEN, 1, 0, 1, 3))
@example(case=_case(_GARDEN, 0, 2, 1, 3, length_penalty=1.0))
@example(case=_case([[-0.25, -2.0], [-1.0, -0.5]], 1, 0, 1, 3, length_penalty=2.0))
def finds_everything_with_a_wide_beam(beam_search, case):
    """With a beam as wide as the number of all sequences it returns every one of them, best first."""
    step, bos, eos, max_len = case["step"], case["bos"], case["eos"], case["max_len"]
    want = _ranked(_everything(step, bos, eos, max_len), case.get("length_penalty", 0.0))
    got = beam_search(**{**case, "beam_width": len(step([bos])) ** max_len})
    _assert_same(got, want, "these are not all the sequences, best first")


@check(points=1, examples=10)
@given(case=_cases(lengths=(1,), vocabulary=(3, 4, 5)))
@example(case=_case(_SOON, 1, 0, 2, 1))
@example(case=_case(_SOON, 1, 3, 9, 1, length_penalty=1.0))
@example(case=_case([[-1.0, -0.5, -0.5, -1.0]], 1, 2, 3, 1))
def ranks_single_tokens(beam_search, case):
    """With max_len 1 the hypotheses are the beam_width likeliest single tokens, with their log-probabilities."""
    logps = case["step"]([case["bos"]])
    want = sorted(([token], logp) for token, logp in enumerate(logps.tolist()))
    want = sorted(want, key=lambda pair: -pair[1])[: _width(case)]
    _assert_same(beam_search(**case), want, "these are not the likeliest tokens")


@check(points=1, examples=10)
@given(case=_cases(lengths=(2, 3, 4)))
@example(case=_case(_LATE, 1, 0, 3, 3, length_penalty=1.0))
@example(case=_case(_GARDEN, 0, 2, 3, 4, length_penalty=0.5))
@example(case=_case(_SOON, 1, 0, 3, 4))
def scores_are_sums_over_lengths(beam_search, case):
    """Each score is the sum of its tokens' log-probabilities divided by their number ** length_penalty."""
    size = len(case["step"]([case["bos"]]))
    for tokens, score in beam_search(**case):
        if not tokens or not all(0 <= token < size for token in tokens):
            raise Mismatch("a hypothesis holds no tokens, or something that is none", got=tokens, want=range(size))
        tokens = [int(token) for token in tokens]
        want = _sum(case["step"], case["bos"], tokens) / len(tokens) ** case.get("length_penalty", 0.0)
        assert_close(score, want, scale=abs(want) or 1.0, message=f"the score of {tokens} is another")


@check(points=1, examples=10)
@given(case=_cases(lengths=(2, 3, 4)))
@example(case=_case(_SOON, 1, 0, 3, 4))
@example(case=_case(_LATE, 1, 0, 2, 3, length_penalty=1.0))
@example(case=_case(_GARDEN, 0, 2, 3, 4, length_penalty=1.0))
def ends_once(beam_search, case):
    """Each hypothesis ends in its only eos or has max_len tokens, bos not counted."""
    eos, max_len = case["eos"], case["max_len"]
    for tokens, _ in beam_search(**case):
        whole = all(isinstance(token, (int, np.integer)) and not isinstance(token, bool) for token in tokens)
        if not whole:
            raise Mismatch("the tokens are no ints", got=tokens, want=[int(token) for token in tokens])
        if eos in tokens[:-1]:
            raise Mismatch(f"it goes on after eos ({eos})", got=tokens, want=tokens[: tokens.index(eos) + 1])
        if len(tokens) > max_len:
            raise Mismatch("it is longer than max_len", got=tokens, want=tokens[:max_len])
        if tokens[-1:] != [eos] and len(tokens) < max_len:
            raise Mismatch(f"it neither ends in eos ({eos}) nor has max_len ({max_len}) tokens", got=tokens, want=eos)


@check(points=1, examples=10)
@given(case=_cases(widths=(2, 3, 4), lengths=(2, 3, 4)))
@example(case=_case(_SOON, 1, 0, 3, 4, length_penalty=1.0))
@example(case=_case(_GARDEN, 0, 2, 3, 4, length_penalty=1.0))
@example(case=_case(_GARDEN, 0, 2, 3, 4))
@example(case=_case([[-1.0, -1.0, -1.0]], 0, 1, 3, 3, length_penalty=1.0))
def returns_the_best_first(beam_search, case):
    """There are at most beam_width hypotheses, all different, the highest score first and the smaller list on a tie."""
    got = beam_search(**case)
    if not 1 <= len(got) <= _width(case):
        raise Mismatch("there are none, or more than beam_width", got=len(got), want=_width(case))
    if len({tuple(tokens) for tokens, _ in got}) < len(got):
        raise Mismatch("a hypothesis is there twice", got=got, want=sorted(got, key=lambda pair: (-pair[1], pair[0])))
    # Scores of one value may be apart in the last bit.
    right = sorted(got, key=lambda pair: (-round(float(pair[1]), 9), list(pair[0])))
    if got != right:
        raise Mismatch("they are in another order", got=got, want=right)


@check(points=1, examples=10)
@given(case=_cases(vocabulary=(3, 4), widths=(2, 3), lengths=(2, 3, 4), penalties=(0.0,)))
@example(case=_case(_SOON, 1, 0, 2, 3))
@example(case=_case(_SOON, 1, 0, 3, 4))
@example(case=_case(_LATE, 1, 0, 2, 2))
def an_early_end_is_kept_and_not_the_end(beam_search, case):
    """Where eos is certain at once, [eos] is the best hypothesis, and the search goes on with the others."""
    step, eos = case["step"], case["eos"]
    rows = step.rows - 0.25
    rows[step.row([case["bos"]]), eos] = 0.0
    got = beam_search(**{**case, "step": _Table(rows)})
    _assert_same(got[:1], [([eos], 0.0)], "[eos] is not the best hypothesis")
    if len(got) < _width(case) or any(len(tokens) < 2 for tokens, _ in got[1:]):
        raise Mismatch("the others were not searched to their ends", got=got, want=_width(case))


@check(points=1, examples=10)
@given(
    tokens=st.sampled_from((2, 3, 4, 5, 40)),
    width=st.sampled_from((1, 2, 3, 4)),
    max_len=st.sampled_from((1, 2, 3, 4)),
    logp=st.sampled_from((-1.0, -0.5, 0.0)),
)
@example(tokens=4, width=3, max_len=3, logp=-1.0)
@example(tokens=3, width=2, max_len=2, logp=-1.0)
@example(tokens=40, width=3, max_len=2, logp=-1.0)
def resolves_ties_in_order(beam_search, tokens, width, max_len, logp):
    """Where all tokens are equally likely, the better-ranked parent's children and the smaller ids are kept."""
    width = min(width, tokens - 1)
    got = beam_search(_Table([[logp] * tokens]), 0, tokens - 1, width, max_len)
    want = [([0] * (max_len - 1) + [last], max_len * logp) for last in range(width)]
    _assert_same(got, want, "equal sums are ranked in another order")


@check(points=1, examples=10)
@given(
    case=_cases(vocabulary=(3, 4, 5), widths=(1, 2), lengths=(1, 2, 3, 4), penalties=(0.0,)),
    low=st.sampled_from((-1000.0, -500.0)),
)
@example(case=_case(_LATE, 1, 0, 2, 3), low=-1000.0)
@example(case=_case(_GARDEN, 0, 2, 2, 3), low=-1000.0)
def tells_tiny_probabilities_apart(beam_search, case, low):
    """Lowering all log-probabilities by hundreds lowers the scores and changes no choice."""
    rows = case["step"].rows.copy()
    rows[:, case["eos"]] -= 10_000  # so that all hypotheses are of one length
    before = beam_search(**{**case, "step": _Table(rows)})
    after = beam_search(**{**case, "step": _Table(rows + low)})
    want = [(list(tokens), score + case["max_len"] * low) for tokens, score in before]
    _assert_same(after, want, "the lowered log-probabilities lead elsewhere")


# -- what it costs -----------------------------------------------------------------------------------------------------


@check(points=2, examples=10)
@given(case=_cases())
@example(case=_case(_LATE, 1, 0, 1, 1))
@example(case=_case(_LATE, 1, 0, 2, 3))
@example(case=_case(_LATE, 1, 0, 3, 4))
def calls_step_seldom(beam_search, case):
    """It calls step at most beam_width * max_len times in all."""
    step = _Watched(case["step"])
    beam_search(**{**case, "step": step})
    most = _width(case) * case["max_len"]
    if len(step.prefixes) > most:
        raise Mismatch(f"it called step {len(step.prefixes)} times", got=len(step.prefixes), want=most)


@check(points=1, examples=10)
@given(case=_cases(lengths=(2, 3, 4)))
@example(case=_case(_SOON, 1, 0, 2, 3))
@example(case=_case(_SOON, 1, 0, 4, 4))
@example(case=_case(_LATE, 1, 0, 3, 2))
def never_expands_what_is_finished(beam_search, case):
    """It never calls step on a hypothesis that has ended in eos or has max_len tokens."""
    step = _Watched(case["step"])
    beam_search(**{**case, "step": step})
    for prefix in step.prefixes:
        tokens = list(prefix)[1:]
        if case["eos"] in tokens:
            raise AssertionError(f"it called step({prefix}), although eos is {case['eos']}")
        if len(tokens) >= case["max_len"]:
            raise AssertionError(f"it called step({prefix}), although max_len is {case['max_len']}")


@check(points=1, examples=10)
@given(case=_cases(lengths=(2, 3, 4)))
@example(case=_case(_LATE, 1, 0, 2, 3))
def gives_step_whole_prefixes(beam_search, case):
    """What it gives to step is a list of ints: bos, then the tokens of a hypothesis."""
    step = _Watched(case["step"])
    beam_search(**{**case, "step": step})
    for prefix in step.prefixes:
        ints = isinstance(prefix, list) and all(isinstance(token, (int, np.integer)) for token in prefix)
        if not ints or prefix[:1] != [case["bos"]]:
            raise AssertionError(f"it called step({prefix!r}), and bos is {case['bos']}")
