"""What points are and how they are written: the one rule for all that is added up, shown or exported.

A number stands for the shortest decimal that is read as it: a credit of 0.9 is nine tenths. Sums and products are those
of the decimals, as people compute them by hand. Only what people read is rounded: once, half up, to DIGITS decimals;
an equation in which that changes anything says ≈. Exports carry what was computed, so that their totals add up.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal

from dlgrade.bounds import MANY

DIGITS = 4
"""Decimals that people read: enough for points in hundredths times a credit in hundredths."""
# Every float and every product of some of them has fewer digits.
_EXACTLY = Context(prec=2000, rounding=ROUND_HALF_UP)


def added(points: Iterable[float]) -> float:
    """The sum.

    >>> added([0.1, 0.2])
    0.3
    """
    whole = Decimal(0)
    for one in points:
        whole = _EXACTLY.add(whole, _decimal(one))
    return float(whole)


@functools.lru_cache(maxsize=10_000)
def product(*factors: float) -> float:
    """The product.

    >>> product(4.35, 100)
    435.0
    """
    whole = Decimal(1)
    for one in factors:
        whole = _EXACTLY.multiply(whole, _decimal(one))
    return float(whole)


def share_of(points: float, most: float) -> float | None:
    """The share of the points that somebody has, to DIGITS decimals; None where there are none to have.

    >>> share_of(1, 16)
    0.0625
    """
    if not most:
        return None
    return float(_rounded(_EXACTLY.divide(_decimal(points), _decimal(most)), DIGITS))


def number(value: float, *, digits: int = DIGITS, least: int = 0) -> str:
    """Points as people read them.

    Args:
        value: the points.
        digits: the most decimals.
        least: the fewest decimals.

    >>> number(44.275), number(12.0), number(2.675, digits=2), number(3, least=2)
    ('44.275', '12', '2.68', '3.00')
    """
    if not math.isfinite(value):
        return str(value)
    whole, _, decimals = f"{_rounded(_decimal(value), digits):f}".partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    return f"{whole}.{decimals}" if decimals else whole


def signed(value: float) -> str:
    """Points that are given or taken, as people read them.

    >>> signed(2), signed(-0.5)
    ('+2', '−0.5')
    """
    return f"{'−' if value < 0 else '+'}{number(abs(value))}"


def percent(share: float | None) -> str:
    """A share of the whole, as a percentage.

    >>> percent(0.9), percent(0.29)
    ('90 %', '29 %')
    """
    return "–" if share is None else f"{number(product(100, share))} %"


def equals(*shown: float) -> str:
    """The sign of an equation: = if each number in it is shown in full, ≈ if one is rounded.

    >>> equals(8.55, 0.5, 4.275), equals(2, 0.333333, 0.666666)
    ('=', '≈')
    """
    return "=" if all(_rounded(_decimal(one), DIGITS) == _decimal(one) for one in shown) else "≈"


def alike(one: float, other: float) -> bool:
    """Whether whoever reads two numbers of points reads the same.

    >>> alike(0.1 + 0.2, 0.3)
    True
    """
    return number(one) == number(other)


def faulty(points: float) -> str:
    """What is wrong with points that somebody wants to give or take by hand; empty if nothing is.

    >>> faulty(0), faulty(-2.5)
    ('0 are no points.', '')
    """
    if not math.isfinite(points) or not points:
        return f"{number(points)} are no points."
    if abs(points) > MANY:
        return f"{number(points)} points are more than {MANY:,.0f}, the most that can be given or taken at once."
    return f"{points} points are nothing to {DIGITS} decimals." if alike(points, 0) else ""


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))


def _rounded(value: Decimal, digits: int) -> Decimal:
    rounded = value.quantize(Decimal(1).scaleb(-digits), context=_EXACTLY)
    return rounded if rounded else abs(rounded)  # no minus before nothing
