"""How a class did, against figures computed by hand and by other means."""

from __future__ import annotations

import csv
import random
from dataclasses import replace

import numpy as np
import pytest
from dlgrade.gradebook.grades import grades
from dlgrade.gradebook.policy import Attempts
from dlgrade.gradebook.statistics import point_biserial, statistics
from dlgrade.gradebook.store import Gradebook
from dlgrade.model import Outcome
from graded_samples import DAY, DUE, POLICY, broken, check, made
from hypothesis import given, settings
from hypothesis import strategies as st

AXIS = {"misconception": "wrong_axis", "hint": "Divide along `axis`."}


def of(records, policy=POLICY):
    numbered = [replace(one, number=number) for number, one in enumerate(records, 1)]
    return statistics(iter(numbered), grades(numbered, policy))


def student(name, *passed, hidden=False, **fields):
    """A record of checks of one point each, named a, b, c, …"""
    checks = (
        check("abcdefgh"[place], float(good), max_points=1.0, seconds=place + 1.0, hidden=hidden and place == 0)
        for place, good in enumerate(passed)
    )
    return made(name, *checks, **fields)


CLASS = [student("ada", 1, 1, 1), student("bob", 1, 1, 0), student("eve", 0, 1, 0), student("ida", 0, 0, 0)]


def test_the_spread_of_an_exercise():
    (one,) = of(CLASS)
    assert (one.students, one.max_points, one.mean, one.median) == (4, 3.0, 1.5, 1.5)
    assert (one.lower, one.upper) == tuple(np.percentile([0, 1, 2, 3], [25, 75]))
    assert (one.full, one.zero, one.to_be_regraded) == (1, 1, 0)


def test_the_checks_of_an_exercise():
    (one,) = of(CLASS)
    a, b, c = one.checks
    assert [(x.check, x.passed, x.students, x.pass_rate) for x in (a, b, c)] == [
        ("a", 2, 4, 0.5), ("b", 3, 4, 0.75), ("c", 1, 4, 0.25)
    ]  # fmt: skip
    assert [x.median_seconds for x in (a, b, c)] == [1.0, 2.0, 3.0]
    # Of check a: rest scores 2, 1 of those who passed, 1, 0 of those who did not: (1.5 - 0.5) / √0.5 · √(0.5 · 0.5).
    assert a.discrimination == pytest.approx(1 / np.sqrt(0.5) * 0.5)
    assert b.discrimination == pytest.approx(np.corrcoef([1, 1, 1, 0], [2, 1, 0, 0])[0, 1])


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=30))
def test_discrimination_is_the_correlation(pairs):
    passed, rest = [pair[0] for pair in pairs], [pair[1] / 4 for pair in pairs]
    found = point_biserial(passed, rest)
    if len(set(passed)) < 2 or len(set(rest)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(passed, rest)[0, 1], abs=1e-9)
        assert -1.000001 < found < 1.000001


def test_a_check_that_tells_nothing_has_no_discrimination():
    (one,) = of([student("ada", 1, 1), student("bob", 1, 0)])
    assert one.checks[0].discrimination is None
    (one,) = of([student("ada", 1)])
    assert (one.checks[0].discrimination, one.lower, one.median, one.upper) == (None, 1.0, 1.0, 1.0)


def test_of_hidden_checks_no_time_is_told():
    (one,) = of([student("ada", 1, 1, hidden=True)])
    assert [(x.hidden, x.median_seconds) for x in one.checks] == [(True, None), (False, 2.0)]


def test_what_was_not_decided_is_not_counted():
    records = [
        made("ada", check("a"), check("b", 0.0, Outcome.SKIPPED)),
        made("bob", check("a"), check("b", 0.0)),
        broken("eve"),
    ]
    (one,) = of(records)
    assert (one.students, one.to_be_regraded) == (2, 1)
    assert [(x.check, x.students, x.passed) for x in one.checks] == [("a", 2, 2), ("b", 1, 0)]
    (one,) = of([broken("eve")])
    assert (one.students, one.to_be_regraded, one.mean, one.median, one.checks) == (0, 1, None, None, ())


def test_only_the_attempt_that_counts_is_counted():
    records = [student("ada", 1, 1, when=DUE - DAY), student("ada", 0, 1, attempt=2, when=DUE)]
    for attempts, passed in ((Attempts.BEST, 1), (Attempts.LAST, 0)):
        (one,) = of(records, replace(POLICY, attempts=attempts))
        assert (one.students, one.checks[0].students, one.checks[0].passed) == (1, 1, passed)


def test_misconceptions_are_looked_for_in_all_attempts_and_once_a_student():
    wrong = check("a", 0.0, **AXIS)
    overflows = check("b", 0.0, misconception="overflows", hint="Subtract the maximum.")
    records = [
        made("ada", wrong, wrong, overflows, attempt=1, when=DUE - DAY),
        made("ada", wrong, attempt=2, when=DUE),
        made("ada", check("a"), attempt=3, when=DUE),
        made("bob", wrong),
        made("eve", check("a")),
        made("ida", overflows, key="old"),
        made("ida", check("a"), key="new"),  # the check had a mistake
    ]
    (one,) = of(records)
    assert [(x.misconception, x.students, x.share, x.cure) for x in one.misconceptions] == [
        ("wrong_axis", 2, 0.5, "Divide along `axis`."), ("overflows", 1, 0.25, "Subtract the maximum.")
    ]  # fmt: skip


def test_the_order_of_records_changes_nothing():
    draw = random.Random(0)
    records = [
        replace(
            student(f"s{n % 9}", *(draw.random() < 0.6 for _ in range(4)), attempt=n // 9 + 1, key=str(n)), number=n + 1
        )
        for n in range(36)
    ]
    expected = statistics(records, grades(records, POLICY))
    shuffled = draw.sample(records, len(records))
    assert statistics(shuffled, grades(shuffled, POLICY)) == expected


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "gradebook.db"
    evil = check("=1+1\x1b[2J", 0.0, misconception="@evil\u202e", hint="\x1b[31mred")
    with Gradebook.open(path, write=True) as book:
        book.add(*CLASS, made("zoe", evil, exercise="conv2d"), broken("ada", exercise="bleu"))
    return path


def test_the_command_prints_and_writes_statistics(path, dlgrade, tmp_path):
    ran = dlgrade("stats", path)
    assert ran.code == 0
    assert "\x1b" not in ran.text
    assert "\u202e" not in ran.text
    assert "mean 1.5, median 1.5, the middle half 0.75 to 2.25, all points 1 (25 %), none 1 (25 %)" in ran.out
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "a 2 (50 %) 0.71 1" in lines
    assert "1 (100 %) @evil\\u202e: \\x1b[31mred" in lines
    assert "bleu: none of 1 submissions could be graded: to be regraded" in lines
    ran = dlgrade("stats", path, "--csv", tmp_path / "out", "--exercise", "conv2d")
    assert ran.code == 0
    rows = {
        name: list(csv.reader((tmp_path / "out" / f"{name}.csv").read_text("utf-8").splitlines()))
        for name in ("exercises", "checks", "misconceptions")
    }
    assert rows["exercises"][1] == ["conv2d", "3", "1", "0", "0", "0", "0", "0", "0", "1"]
    assert rows["checks"][1] == ["conv2d", "'=1+1\\x1b[2J", "no", "1", "0", "0", "", "0.5"]
    assert rows["misconceptions"][1] == ["conv2d", "'@evil\\u202e", "1", "1", "\\x1b[31mred"]
    ran = dlgrade("stats", path, "--exercise", "soft")
    assert ran.code == 2
    assert "Did you mean softmax?" in ran.err
    assert "There are:" in dlgrade("stats", path, "--exercise", "tokenizer").err
