"""Costs as laws: memory and Python's own lines are counted, the same in a worker as here, and named without a clock."""

import numpy as np
import pytest
from dlgrade.author import check, misconception
from dlgrade.checking.diagnosis import diagnose
from dlgrade.checking.trial import TrustedTarget
from dlgrade.model import Outcome
from hypothesis import given
from hypothesis import strategies as st
from tiny import RIGHT, exercise_of, judged, passed, trusted


@check(examples=1)
@given(few=st.just(300), many=st.just(1200))
def memory_is_linear(total, few, many):
    """The memory that it holds grows with the elements."""
    small, large = (total.peak_memory(np.ones((n, 2))) for n in (few, many))
    assert large <= 8 * small, f"for 4 times the elements it holds {large / small:.0f} times the memory"


TABLE = "def total(x): return float((x @ x.T).sum() * 0 + x.sum())"
HALVES = "def total(x): return float((x / 2).sum() + (x / 2).sum())"


def test_a_large_temporary_is_found_without_a_clock():
    assert passed(judged(memory_is_linear, HALVES))
    finding = judged(memory_is_linear, TABLE)
    assert finding.outcome == Outcome.FAILED
    assert finding.evidence.message.startswith("For 4 times the elements it holds 16 times the memory")
    assert finding.evidence.call == "total(np.full((300, 2), 1.0))\ntotal(np.full((1200, 2), 1.0))"


def test_what_is_made_only_once_is_no_cost():
    keeps = """
    _kept = []
    def total(x):
        if not _kept:
            _kept.append(np.ones(1_000_000))
        return float(x.sum())
    """
    assert passed(judged(memory_is_linear, keeps))


ATTENTION = '''
"""Attention, vectorised."""
import numpy as np

def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """softmax(q @ k.T) @ v, without a Python loop."""
    powers = np.exp(q @ k.T)
    return powers / powers.sum(axis=1, keepdims=True) @ v
'''


@check(examples=1)
@given(few=st.just(4), many=st.just(64))
def is_vectorised(attention, few, many):
    """No Python loop runs over the queries or the keys."""
    small, large = (attention.lines_executed(*(np.ones((n, 3)) for _ in range(3))) for n in (few, many))
    assert large <= 2 * small, f"for 64 queries it executes {large} lines of Python, and {small} for 4: a loop"


VECTORISED = exercise_of(ATTENTION, [is_vectorised], name="attention")

BY_QUERY = """
def attention(q, k, v):
    rows = []
    for query in q:
        powers = np.exp(k @ query)
        rows.append(powers / powers.sum() @ v)
    return np.stack(rows)
"""
LOOPS = {
    "a statement": BY_QUERY,
    "one line": "def attention(q, k, v): return np.stack([np.exp(k @ a) / np.exp(k @ a).sum() @ v for a in q])",
    "map": """
    def attention(q, k, v):
        return np.stack(list(map(lambda a: np.exp(k @ a) / np.exp(k @ a).sum() @ v, q)))
    """,
    "np.vectorize": """
    def attention(q, k, v):
        powers = np.vectorize(lambda a, b: np.exp(q[a] @ k[b]))(*np.indices((len(q), len(k))))
        return powers / powers.sum(axis=1, keepdims=True) @ v
    """,
    "np.apply_along_axis": """
    def attention(q, k, v):
        return np.apply_along_axis(lambda a: np.exp(k @ a) / np.exp(k @ a).sum() @ v, 1, q)
    """,
    "recursion": """
    def attention(q, k, v):
        row = np.exp(q[:1] @ k.T)
        row = row / row.sum() @ v
        return row if len(q) == 1 else np.concatenate([row, attention(q[1:], k, v)])
    """,
}
WITHOUT = {
    "as asked": ATTENTION,
    "einsum": """
    def attention(q, k, v):
        powers = np.exp(np.einsum("nd,md->nm", q, k))
        return np.einsum("nm,me->ne", powers / powers.sum(1, keepdims=True), v)
    """,
    "a loop over the width": """
    def attention(q, k, v):
        scores = sum(np.multiply.outer(q[:, i], k[:, i]) for i in range(q.shape[1]))
        return (np.exp(scores) / np.exp(scores).sum(1)[:, None]) @ v
    """,
}


@pytest.mark.parametrize("source", LOOPS.values(), ids=LOOPS)
def test_a_python_loop_is_found_whatever_it_is_made_of(source):
    finding = judged(is_vectorised, source, exercise=VECTORISED)
    assert finding.outcome == Outcome.FAILED
    assert "lines of Python" in finding.evidence.message


@pytest.mark.parametrize("source", WITHOUT.values(), ids=WITHOUT)
def test_what_does_not_loop_over_the_queries_passes(source):
    assert passed(judged(is_vectorised, source, exercise=VECTORISED))


@misconception(of="attention", caught_by="is_vectorised")
def one_query_at_a_time(q, k, v):
    """You take the queries one by one: one matrix product serves them all."""
    rows = []
    for query in q:
        powers = np.exp(k @ query)
        rows.append(powers / powers.sum() @ v)
    return np.stack(rows)


@misconception(of="attention", caught_by="is_vectorised")
def one_pair_at_a_time(q, k, v):
    """You take the pairs of query and key one by one: one matrix product serves them all."""
    powers = np.zeros((len(q), len(k)))
    for i in range(len(q)):
        for j in range(len(k)):
            powers[i, j] = np.exp(q[i] @ k[j])
    return powers / powers.sum(axis=1, keepdims=True) @ v


def test_what_is_right_but_dear_is_named_by_its_cost():
    for mistake in (one_query_at_a_time, one_pair_at_a_time):
        finding = trusted(is_vectorised, exercise=VECTORISED, attention=mistake.code)
        known = [one_query_at_a_time, one_pair_at_a_time]
        found = diagnose(finding, TrustedTarget({"attention": mistake.code}), known, frozenset({"is_vectorised"}))
        assert found is mistake


def test_a_measured_call_that_raises_is_told_like_any_other():
    finding = judged(memory_is_linear, "def total(x): raise ValueError('no')")
    assert finding.outcome == Outcome.RAISED
    finding = judged(memory_is_linear, "def total(x): return None")
    assert finding.evidence.rung == "structure"


def test_the_counts_are_those_of_trusted_code():
    counts = {}

    @check(examples=1)
    @given(n=st.just(40))
    def looks(total, n):
        """It counts."""
        counts.setdefault("memory", []).append(total.peak_memory(np.ones((n, n))))
        counts.setdefault("lines", []).append(total.lines_executed(np.ones((n, n))))

    source = "def total(x):\n    s = 0.0\n    for row in x * 2:\n        s += row.sum()\n    return float(s / 2)\n"
    scope = {}
    exec(source, scope)
    assert passed(judged(looks, source))
    assert passed(trusted(looks, **{**RIGHT, "total": scope["total"]}))
    here, there = counts["memory"]
    assert here == pytest.approx(there, rel=0.05)
    assert 40 * 40 * 8 <= here <= 2 * 40 * 40 * 8
    assert counts["lines"][0] == counts["lines"][1]
    assert 80 <= counts["lines"][0] <= 500
