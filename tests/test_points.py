"""Points are added up as people do it by hand, and rounded only where people read them: half up, once."""

from __future__ import annotations

import doctest
import math
from fractions import Fraction

import numpy as np
import pytest
from dlgrade import points
from dlgrade.points import DIGITS, added, alike, equals, faulty, number, percent, product, share_of, signed
from hypothesis import given, settings
from hypothesis import strategies as st

FEW = settings(max_examples=200, deadline=None, derandomize=True, database=None)
DECIMALS = st.decimals(-10_000, 10_000, places=3).map(float)


def by_hand(value: float) -> Fraction:
    return Fraction(repr(value))


def test_the_examples() -> None:
    assert doctest.testmod(points).failed == 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [(13.375, "13.375"), (11.667, "11.667"), (44.275, "44.275"), (0.00005, "0.0001"), (0.00015, "0.0002"),
     (1.00005, "1.0001"), (2 / 3, "0.6667"), (0.1 + 0.2, "0.3"), (-0.00001, "0"), (1e-300, "0"), (1e22, "1" + "0" * 22),
     (3, "3"), (-2.5, "-2.5"), (math.inf, "inf"), (math.nan, "nan")],
)  # fmt: skip
def test_halves_are_rounded_up(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(1, "100 %"), (0.855, "85.5 %"), (0.07, "7 %"), (1 / 3, "33.3333 %"), (None, "–")]
)
def test_percentages(value: float | None, shown: str) -> None:
    assert percent(value) == shown


def test_shares() -> None:
    assert [share_of(2, 3), share_of(1, 80_000), share_of(0, 5), share_of(1, 0)] == [0.6667, 0.0, 0.0, None]


@FEW
@given(st.lists(DECIMALS, max_size=8), st.randoms(use_true_random=False))
def test_sums_are_those_of_the_decimals_in_any_order(values: list[float], draw: object) -> None:
    assert by_hand(added(values)) == sum(map(by_hand, values))
    draw.shuffle(values)
    assert by_hand(added(values)) == sum(map(by_hand, values))


@FEW
@given(DECIMALS, st.decimals(0, 1, places=3).map(float), st.decimals(0, 9, places=2).map(float))
def test_products_are_those_of_the_decimals(value: float, credit: float, weight: float) -> None:
    assert by_hand(product(value, credit, weight)) == by_hand(value) * by_hand(credit) * by_hand(weight)


@FEW
@given(DECIMALS, st.decimals(0, 1, places=6).map(float))
def test_what_is_shown_is_near_and_an_equation_says_if_it_is_not_the_same(value: float, credit: float) -> None:
    whole = product(value, credit)
    assert abs(Fraction(number(whole)) - by_hand(whole)) <= Fraction(1, 2 * 10**DIGITS)
    true = Fraction(number(value)) * Fraction(number(credit)) == Fraction(number(whole))
    assert equals(value, credit, whole) == "≈" or true


@FEW
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_no_float_is_too_large_or_too_small(one: float, other: float) -> None:
    assert isinstance(added([one, other, product(one, other, other)]), float)
    assert number(one) and signed(one) and equals(one, other) in "=≈"
    assert alike(one, one) and isinstance(faulty(one), str)


def test_numbers_of_numpy_are_numbers() -> None:
    assert number(np.float64(1.5)) == "1.5" and added([np.float64(0.1), 0.2]) == 0.3
