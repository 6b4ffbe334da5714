"""Numbers that people write: finite, and within bounds. Whatever else stands there is told, never computed with."""

from __future__ import annotations

import math
from dataclasses import dataclass


def finite(value: object) -> float | None:
    """A finite number as a float, else None: TOML and Python have inf and nan, and Python takes True for 1.

    Numbers of NumPy's own types are none where they are not Python's too, since JSON has no word for them.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Bounds:
    """Between what a number must lie: `least` itself counts unless it is `above`, `most` does."""

    least: float = 0
    most: float = math.inf
    above: bool = False
    whole: bool = False

    def hold(self, value: object) -> bool:
        """Whether this is such a number."""
        number = finite(value)
        if number is None or (self.whole and not isinstance(value, int)):
            return False
        return (self.least < number if self.above else self.least <= number) and number <= self.most

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        if self.above:
            return f"{kind} above {self.least:,g}" + ("" if self.most == math.inf else f", {self.most:,.0f} at most")
        return f"{kind}, {self.least:,g} " + ("or more" if self.most == math.inf else f"to {self.most:,.0f}")


MANY = 1_000_000
"""More points, or more often the same points, than any course means; so that all of them together are finite too."""
POINTS = Bounds(most=MANY)
"""What a check may be worth; 0 if it is only told."""
WEIGHT = Bounds(most=MANY)
"""How often an exercise's points may count."""
