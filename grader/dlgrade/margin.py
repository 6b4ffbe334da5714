"""How much of a tolerance right answers use up: what a selftest listens to while comparisons are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Margin:
    """The largest share of its allowed error that any comparison came to; 1 is the limit."""

    used: float = 0.0


_LISTENING: ContextVar[Margin | None] = ContextVar("margin", default=None)


@contextmanager
def listening() -> Iterator[Margin]:
    """Note what the comparisons made meanwhile use of their tolerances."""
    margin = Margin()
    token = _LISTENING.set(margin)
    try:
        yield margin
    finally:
        _LISTENING.reset(token)


def note(error: Any, allowed: Any) -> None:
    """Tell whoever listens of a comparison: the errors and what they may be, arrays that broadcast or numbers.

    An error of which no share can be taken, an infinity's or one where none is allowed, is passed over.
    """
    margin = _LISTENING.get()
    if margin is None:
        return
    with np.errstate(all="ignore"):
        share = np.where(np.asarray(error) > 0, error / np.asarray(allowed, dtype=np.float64), 0.0)
        share = share[np.isfinite(share)]
    margin.used = max(margin.used, float(np.max(share, initial=0.0)))
