"""What a right BLEU must give: counts, lengths, and the formula that joins them."""

import math

import numpy as np
from dlgrade.author import Agreement, Example, Mismatch, Policy, assert_close, assert_equal, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracle: count by looking everywhere -------------------------------------------------------------------------------


def _runs(tokens, n):
    """All runs of n tokens, repeated ones too."""
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def _closest(hypothesis, translations):
    """The closest reference length, the shorter on a tie."""
    return min(sorted(map(len, translations)), key=lambda length: abs(length - len(hypothesis)))


def _bleu(hypotheses, references, max_n=4, smoothing="none"):
    pairs = list(zip(hypotheses, references, strict=True))
    precisions, unmatched = [], 0
    for n in range(1, max_n + 1):
        total = sum(len(_runs(hypothesis, n)) for hypothesis, _ in pairs)
        matches = sum(
            min(_runs(hypothesis, n).count(run), max(_runs(reference, n).count(run) for reference in translations))
            for hypothesis, translations in pairs
            for run in set(_runs(hypothesis, n))
        )
        if total == 0 or (matches == 0 and (n == 1 or smoothing == "none")):
            return 0.0  # where no single token matches, nothing does
        unmatched += matches == 0
        precisions.append(matches / total if matches else 1 / (2**unmatched * total))
    c = sum(len(hypothesis) for hypothesis in hypotheses)
    r = sum(_closest(*pair) for pair in pairs)
    return min(1.0, math.exp(1 - r / c)) * _geometric(precisions)


def _geometric(precisions):
    """The geometric mean; the product itself could underflow."""
    return math.exp(sum(map(math.log, precisions)) / len(precisions))


def _size(hypotheses, references, max_n=4, smoothing="none"):
    """The score itself: a small one has its digits too, and what is 0 must be 0."""
    return _bleu(hypotheses, references, max_n, smoothing) or 1e-300


# -- inputs ------------------------------------------------------------------------------------------------------------

# Words of which some run together to others, or differ in case only; one is empty.
_VOCABULARIES = (("a", "b", "c", "d", "e", "f"), ("a", "b", "a b", "ab", "A", " ", "", "b a"), ("x", "y", "x y"))


def _sentence(rng, words, length):
    return [str(word) for word in rng.choice(words, size=length)]


def _noisy(rng, words, tokens, change):
    """The tokens with one word or another replaced, and some left out or added at the end."""
    tokens = [str(rng.choice(words)) if rng.random() < 0.15 else token for token in tokens]
    length = max(0, len(tokens) + change)
    return tokens[:length] + _sentence(rng, words, max(0, length - len(tokens)))


@st.composite
def _corpora(draw, *, sentences=(1, 2, 3), lengths=(3, 5, 8), translations=(1, 2, 3), orders=(4, 1, 2, 3, 5)):
    """A call's arguments: references, and hypotheses like them; what has its default is left out."""
    rng = np.random.default_rng([draw(st.integers(0, 99)), draw(st.integers(0, 99))])
    words = draw(st.sampled_from(_VOCABULARIES))
    length, most = draw(st.sampled_from(lengths)), draw(st.sampled_from(translations))
    spread = draw(st.sampled_from((0, 1, 3)))
    hypotheses, references = [], []
    for _ in range(draw(st.sampled_from(sentences))):
        base = _sentence(rng, words, length)
        changes = rng.integers(-spread, spread, size=1 + most, endpoint=True)
        references.append([_noisy(rng, words, base, change) for change in changes[1:]])
        copied = references[-1][rng.integers(most)]
        hypotheses.append(_noisy(rng, words, copied, changes[0]) if rng.random() < 0.9 else [])
    case = {"hypotheses": hypotheses, "references": references}
    max_n, smoothing = draw(st.sampled_from(orders)), draw(st.sampled_from(("none", "exp")))
    case |= {"max_n": max_n} if max_n != 4 else {}
    return case | ({"smoothing": smoothing} if smoothing != "none" else {})


def _case(*pairs, **options):
    """A call from pairs of a hypothesis and its references, each written as one string."""
    hypotheses = [hypothesis.split() for hypothesis, *_ in pairs]
    references = [[reference.split() for reference in translations] for _, *translations in pairs]
    return {"hypotheses": hypotheses, "references": references, **options}


_EXP = {"smoothing": "exp"}
_EDGES = (
    _case(("a b c d e", "a b c d e")),
    _case(("a b c d e f", "a b c d x f g")),
    _case(("a b c d", "a b c d e f")),
    _case(("a b c d e f g", "a b c d e")),
    _case(("a b c d", "a b c d e", "a b c d f g h"), ("f g h", "f g h")),
    _case(("a b", "a b c d e"), max_n=2),
    _case(("a b c d e", "e d c b a"), **_EXP),
    _case(("a b c d e", "x a b y z"), **_EXP),
    # One pair of words stands there, another turned round.
    _case(("b a c d", "a b c d"), max_n=2),
    # Only the last of many references matches.
    _case(("a b c", "x y z", "u v w", "p q r", "a b c"), max_n=2),
    # Two equally close lengths, in either order; a closer one that is longer.
    _case(("a b c d", "a b c d e", "a b c"), max_n=2),
    _case(("a b c", "a b", "a b c d"), max_n=2),
    _case(("a b c d e", "a b", "a b c d e f"), max_n=3),
    _case(("a b c d", "a b", "a b c d e f g"), max_n=2),
    _case(("a b c d e", "a b c d e f g h", "a b c"), max_n=2),
    _case(("a b c d e", "a b c d e f g h", "a b c d", "a b c d e f"), max_n=2),
    # Repeated words, in one reference and spread over several.
    _case(("the the the the dog", "the cat", "the mat the"), max_n=1),
    _case(("a b a b a b", "a b a b", "b a b c"), max_n=2),
    _case(("a a a", "a b c"), ("b b b", "b b a", "b a b b"), max_n=1),
    # A match that another sentence's reference would make.
    _case(("a b c", "a b d"), ("d e f", "c e f"), max_n=2),
    # Short and empty hypotheses.
    _case(("", "a b")),
    _case(("", "a b"), **_EXP),
    _case(("", "a b c"), ("a b c d e", "a b c d e")),
    _case(("a b", "a b"), ("a", "a c"), ("a b c d e", "a b c d f e")),
    _case(("a b c", "a b c")),
    _case(("a b c", "a b c"), **_EXP),
    _case(("a b", "a b"), ("c", "c"), max_n=3, **_EXP),
    _case(("a", "a")),
    _case(("a b", "a b", ""), max_n=2),
    _case(("a", "", "a b c"), max_n=1),
    # Orders without a match.
    _case(("a b c d e", "e d c b a")),
    _case(("a b c d e", "x a b c y z"), max_n=5, **_EXP),
    _case(("a b c d e", "a b x d e y z"), ("c d", "d c"), **_EXP),
    _case(("a b c d e", "v w x y z"), **_EXP),
    _case(("a b c d e", "v w x y z"), max_n=1, **_EXP),
    _case(("a b c d e", "a b c d e"), **_EXP),
    _case(("A b c d e", "a B c d e"), max_n=1),
    _case(("a b c d e f g h", "a b c d x f g h"), ("a b c d e", "a b c d e"), max_n=3),
    _case(("a b c d e", "a x c y z", "a b x d e"), ("a b c d e f g", "a b c d e f g h i"), max_n=3),
    {"hypotheses": [["a", "a b", "b"]], "references": [[["a a", "b", "b"]]], "max_n": 1},
    {"hypotheses": [["a", "a b"]], "references": [[["a a", "b"], ["a b", "a"]]], "max_n": 2},
    {"hypotheses": [["caf\u00e9", "\u00c9", "a"]], "references": [[["cafe\u0301", "\u00e9", "a"]]], "max_n": 1},
    {"hypotheses": [["", "a", ""]], "references": [[["a", "", ""]]], "max_n": 2, "smoothing": "exp"},
)


def _renamed(corpus, names):
    """The sentences with their tokens renamed."""
    return [[names(token) for token in tokens] for tokens in corpus]


_PLAIN = _case(("a b c d e", "a b c d x", "b c d e"), ("c d e f", "c d e f g h"))
_MANY = " ".join(f"w{i}" for i in range(1000))  # of so many words some have the same hash, if it is a short one
_MIXED = _case(("a b a", "a b", "b a b a b"), ("a b", "b a a"), ("b b b b", "b b a b"), max_n=2, **_EXP)

# -- the whole ---------------------------------------------------------------------------------------------------------

examples = Example(points=1)

permitted = Policy()

agrees = Agreement(
    "bleu",
    oracle=_bleu,
    given=_corpora(),
    cases=_EDGES,
    scale=_size,
    points=5,
    examples=30,
    says="bleu is the brevity penalty times the geometric mean of the corpus's clipped n-gram precisions.",
)

# -- precisions --------------------------------------------------------------------------------------------------------


@check(points=1, examples=10)
@given(case=_corpora(lengths=(5, 8)), which=st.integers(0, 9))
@example(case=_case(("a", "a b c d e")), which=0)
@example(case=_case(("a", "a b c d e f"), ("b", "b"), ("", "c d")), which=0)
@example(case=_case(("a", "a b c d e f"), ("b", "b"), smoothing="exp"), which=0)
@example(case=_case(("a", "b c", "a b c d e f"), max_n=3), which=1)
def copies_score_one(bleu, case, which):
    """Where each hypothesis is one of its references, and one is long enough, the score is 1, short ones among them."""
    chosen = [translations[which % len(translations)] for translations in case["references"]]
    long = [f"w{i}" for i in range(case.get("max_n", 4))]
    hypotheses, references = [*chosen, long], [*case["references"], [long]]
    assert_close(bleu(**{**case, "hypotheses": hypotheses, "references": references}), 1.0, rtol=1e-12)


@check(points=1, examples=10)
@given(case=_corpora(lengths=(5, 8)))
@example(case=_case(("a b c d e", "a b c d e")))
@example(case=_case(("a b c d e", "a b c d e"), smoothing="exp"))
@example(case=_case(("a b c", "a b c d"), max_n=1, smoothing="exp"))
@example(case=_case((_MANY, _MANY), max_n=1))
def nothing_in_common_scores_zero(bleu, case):
    """Where no hypothesis shares a token with its references the score is 0, with either smoothing."""
    hypotheses = _renamed(case["hypotheses"], lambda token: f"<{token}>")
    assert_equal(bleu(**{**case, "hypotheses": hypotheses}), 0.0)


@check(points=1, examples=10)
@given(
    times=st.sampled_from((2, 3, 5)),
    there=st.lists(st.integers(0, 3), min_size=1, max_size=3),
    others=st.sampled_from((0, 1)),
)
@example(times=3, there=[1], others=0)
@example(times=4, there=[1, 1], others=1)
@example(times=4, there=[1, 2, 1], others=0)
@example(times=2, there=[3, 0], others=0)
def repeating_a_word_does_not_pay(bleu, times, there, others):
    """A word counts at most as often as in the one reference that has it most often."""
    hypothesis = ["the"] * times + ["cat"] * others
    there = [min(count, len(hypothesis)) for count in there]  # so that all are of one length
    translations = [["the"] * count + ["mat"] * (len(hypothesis) - count) for count in there]
    want = min(times, max(there)) / len(hypothesis)
    assert_close(bleu([hypothesis], [translations], max_n=1), want, scale=1.0)


_VISIBLE = ["_", "-", ",", "|", "/", ".", ":", ";", "+", "#", "~", "$", "&", "@@", "▁", "</s>"]
_VISIBLE += ["__", "||", "|||", "###", "<sep>", "<SEP>", "[SEP]"]
_SEPARATORS = (" ", "", *_VISIBLE, ", ", "\t", "\n", "\r", "\x00", "\x01", "\x1e", "\x1f", "\ue000")


def _with_each_separator(law):
    for separator in _SEPARATORS[::-1]:
        law = example(separator=separator)(law)
    return law


@check(points=1, examples=1)
@given(separator=st.sampled_from(_SEPARATORS))
@_with_each_separator
def tokens_keep_their_borders(bleu, separator):
    """Tokens may hold spaces or any separator: others that read the same one after the other are no match."""
    one, two = "x", f"x{separator}x"
    assert_close(bleu([[one, two]], [[[two, one]]], max_n=1), 1.0, message="the same two tokens in another order")
    assert_equal(bleu([[one, two]], [[[two, one]]], max_n=2), 0.0, message="the pair stands there turned round")
    assert_close(bleu([[two, "y"]], [[[one, "y"]]], max_n=1), 0.5, message="one of two tokens is there")
    if separator:
        assert_close(bleu([[f"y{separator}", one]], [[["y", one]]], max_n=1), 0.5, message="one of two tokens is there")


@check(points=1, examples=10)
@given(size=st.sampled_from((7, 8, 9, 12)), cut=st.sampled_from((3, 4)), max_n=st.sampled_from((4, 3, 2, 1)))
@example(size=7, cut=3, max_n=4)
@example(size=8, cut=4, max_n=2)
@example(size=9, cut=3, max_n=3)
def takes_the_geometric_mean(bleu, size, cut, max_n):
    """Where a sentence's two halves change places only the n-grams across the joint are lost, n - 1 of each order."""
    words = [f"w{i}" for i in range(size)]
    precisions = [1 - (n - 1) / (size - n + 1) for n in range(1, max_n + 1)]
    got = bleu([words[cut:] + words[:cut]], [[words]], max_n=max_n)
    assert_close(got, _geometric(precisions))


@check(points=1, examples=10)
@given(
    sizes=st.lists(st.sampled_from((1, 2, 3, 6)), min_size=2, max_size=3),
    wrong=st.lists(st.sampled_from((0, 1, 2)), min_size=3, max_size=3),
)
@example(sizes=[1, 3], wrong=[0, 1, 0])
@example(sizes=[2, 6], wrong=[0, 2, 0])
@example(sizes=[1, 2], wrong=[1, 0, 0])
def counts_are_added_over_the_corpus(bleu, sizes, wrong):
    """Matches and n-grams are added over all sentences before they are divided: it is no mean of sentence scores."""
    wrong = [min(bad, size) for bad, size in zip(wrong, sizes, strict=False)]
    references = [[[f"w{i}" for i in range(size)]] for size in sizes]
    hypotheses = [[*only[bad:], *["?"] * bad] for (only,), bad in zip(references, wrong, strict=True)]
    assert_close(bleu(hypotheses, references, max_n=1), 1 - sum(wrong) / sum(sizes), scale=1.0)


# -- lengths -----------------------------------------------------------------------------------------------------------


@check(points=1, examples=10)
@given(c=st.sampled_from((4, 5, 7)), missing=st.sampled_from((0, 1, 3, 9, 60)), max_n=st.sampled_from((4, 1, 2)))
@example(c=4, missing=1, max_n=4)
@example(c=5, missing=9, max_n=1)
@example(c=4, missing=60, max_n=2)
@example(c=1, missing=59, max_n=1)  # a tiny score is not 0
@example(c=4, missing=0, max_n=2)
def brevity_is_punished(bleu, c, missing, max_n):
    """The first c of a reference's r tokens score exp(1 - r / c)."""
    words = [f"w{i}" for i in range(c + missing)]
    assert_close(bleu([words[:c]], [[words]], max_n=max_n), math.exp(1 - (c + missing) / c))


@check(points=1, examples=10)
@given(c=st.sampled_from((2, 4, 6)), extra=st.sampled_from((1, 2, 5)))
@example(c=4, extra=1)
@example(c=2, extra=5)
def length_is_not_rewarded(bleu, c, extra):
    """A hypothesis longer than its reference has brevity penalty 1: only its precision falls."""
    words = [f"w{i}" for i in range(c)]
    assert_close(bleu([words + ["?"] * extra], [[words]], max_n=1), c / (c + extra))


@check(points=1, examples=15)
@given(c=st.sampled_from((4, 6, 3)), lengths=st.lists(st.integers(1, 9), min_size=2, max_size=3))
@example(c=4, lengths=[3, 5])
@example(c=4, lengths=[5, 3])
@example(c=3, lengths=[4, 2])
@example(c=4, lengths=[5, 2])
@example(c=4, lengths=[2, 7])
@example(c=4, lengths=[9, 5])
@example(c=4, lengths=[5, 9])
@example(c=6, lengths=[9, 5, 7])
@example(c=6, lengths=[2, 8, 9])
def the_closest_reference_length_counts(bleu, c, lengths):
    """The length to reach is that of the reference closest in length; of two equally close, the shorter."""
    r = min(lengths, key=lambda length: (abs(length - c), length))
    got = bleu([["a"] * c], [[["a"] * length for length in lengths]], max_n=1)
    assert_close(got, min(1.0, max(lengths) / c) * math.exp(min(0.0, 1 - r / c)))


@check(points=1, examples=15)
@given(
    lengths=st.lists(st.tuples(st.sampled_from((2, 1, 5, 0)), st.sampled_from((3, 1, 2, 6))), min_size=1, max_size=3)
)
@example(lengths=[(2, 3), (5, 3)])
@example(lengths=[(5, 5), (0, 3)])
@example(lengths=[(3, 4), (3, 4)])
@example(lengths=[(1, 6), (6, 1)])
def lengths_are_added_over_the_corpus(bleu, lengths):
    """One brevity penalty compares all hypotheses with all references; an empty hypothesis adds its reference only."""
    lengths = [*lengths, (1, 1)]
    c, r = (sum(side) for side in zip(*lengths, strict=True))
    precision = sum(min(pair) for pair in lengths) / c
    got = bleu([["a"] * h for h, _ in lengths], [[["a"] * r] for _, r in lengths], max_n=1)
    assert_close(got, precision * math.exp(min(0.0, 1 - r / c)))


@check(points=1, examples=10)
@given(case=_corpora(orders=(4, 3, 2, 5)), smoothing=st.sampled_from(("none", "exp")))
@example(case=_case(("a b c", "a b c")), smoothing="none")
@example(case=_case(("a b c", "a b c")), smoothing="exp")
@example(case=_case(("a b", "a b"), ("c", "c"), ("", "a"), max_n=3), smoothing="exp")
@example(case=_case(("a", "b"), ("a", "a"), max_n=2), smoothing="exp")
@example(case=_case(("", "")), smoothing="none")
@example(case=_case(("", ""), max_n=1), smoothing="exp")
@example(case=_case(("", ""), ("", "")), smoothing="none")
def too_short_scores_zero(bleu, case, smoothing):
    """Where every hypothesis has fewer than max_n tokens the score is 0, with either smoothing."""
    hypotheses = [tokens[: case.get("max_n", 4) - 1] for tokens in case["hypotheses"]]
    assert_equal(bleu(**{**case, "hypotheses": hypotheses, "smoothing": smoothing}), 0.0)


# -- smoothing ---------------------------------------------------------------------------------------------------------


@check(points=1, examples=10)
@given(size=st.sampled_from((5, 6, 8)), max_n=st.sampled_from((4, 2, 3, 5)), head=st.sampled_from((0, 2, 3)))
@example(size=5, max_n=4, head=0)
@example(size=6, max_n=4, head=2)
@example(size=8, max_n=5, head=3)
@example(size=5, max_n=2, head=0)
@example(size=8, max_n=8, head=0)
@example(size=45, max_n=45, head=0)  # the product of the precisions is smaller than any float
def smoothing_halves_from_order_to_order(bleu, size, max_n, head):
    """With "exp" the k-th order without a match has precision 1 / (2 ** k * its n-grams); without smoothing, 0."""
    words = [f"w{i}" for i in range(size)]
    hypothesis = words[:head] + words[head:][::-1]
    matches = [size, *(max(0, head - n + 1) for n in range(2, max_n + 1))]
    precisions, unmatched = [], 0
    for n, matched in enumerate(matches, 1):
        unmatched += matched == 0
        precisions.append((matched or 1 / 2**unmatched) / (size - n + 1))
    assert_close(
        bleu([hypothesis], [[words]], max_n=max_n, smoothing="exp"),
        _geometric(precisions),
        message="with smoothing",
    )
    if unmatched:
        assert_equal(bleu([hypothesis], [[words]], max_n=max_n), 0.0, message="without smoothing")


@check(points=1, examples=10)
@given(case=_corpora(lengths=(8, 5)))
@example(case=_PLAIN)
@example(case=_case(("a b c d e", "a b c d e f")))
def smoothing_leaves_matches_alone(bleu, case):
    """Where every order has a match, both smoothings give the same."""
    case = {**case, "hypotheses": [*case["hypotheses"], list("uvwxyz")]}
    case["references"] = [*case["references"], [list("uvwxy")]]
    assert_close(bleu(**{**case, "smoothing": "exp"}), bleu(**{**case, "smoothing": "none"}), rtol=1e-12)


# -- what does not matter ----------------------------------------------------------------------------------------------


@check(points=1, examples=10)
@given(case=_corpora(sentences=(2, 3), lengths=(5, 8), translations=(2, 3)), copies=st.sampled_from((1, 2)))
@example(case=_PLAIN, copies=1)
@example(case=_MIXED, copies=1)
@example(case=_case(("a b c d", "a b c d e", "a b c"), ("a b", "a b"), max_n=2), copies=2)
@example(case=_case(("a b c d", "x a b", "c d e f y"), ("a b", "a b", "c"), max_n=2), copies=1)
def order_does_not_matter(bleu, case, copies):
    """Reversing the sentences and each one's references changes nothing, nor, without smoothing, saying all twice."""
    if case.get("smoothing") == "exp":
        copies = 1  # the smoothed precisions depend on the number of n-grams
    turned = {
        **case,
        "hypotheses": case["hypotheses"][::-1] * copies,
        "references": [translations[::-1] for translations in case["references"]][::-1] * copies,
    }
    got, want = bleu(**turned), bleu(**case)
    if not 0 <= want <= 1 + 1e-12:
        raise Mismatch("it is not between 0 and 1", got=want, want=min(1.0, max(0.0, want)))
    assert_close(got, want, rtol=1e-12)
