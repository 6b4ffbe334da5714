"""Finds programs that several handed in, however many: no habit of a class explains that all tokens are the same.

A short program is the same by chance, and an untouched stub is nobody's program: what decides is how many tokens it has
that the stub has not. A short one with the same comments is no chance if there are enough of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from dlgrade.gradebook.fingerprints import Comments, Kind, Prints, Program, Source, comparable

ENOUGH = 50
"""Tokens besides the stub's that a program needs to be told: three or four lines. In ten made-up classes of 300 at
softmax, where the reference has 62 and most answers some 70, two hand in the same by chance in three classes; if
all take the same names, two or three do sixteen times a class. Two lines that are right are everybody's."""
ENOUGH_WORDS = 30
"""Words of comments, besides the stub's, that will do for a program however short. A pledge of honour takes a dozen."""


@dataclass(frozen=True)
class Same:
    """Sources with the same program. `tokens`: how many it has that the stub has not.

    `words`: how many of the comments the stub has not, if it is those that are told: they are the same too, then.
    """

    tokens: int
    words: int
    sources: tuple[Source, ...]

    @property
    def students(self) -> int:
        """How many of the class handed it in."""
        return len({one.owner for one in self.sources if one.kind is Kind.STUDENT})

    @property
    def copies(self) -> tuple[tuple[Source, ...], ...]:
        """The sources by their bytes: what most of them are first."""
        by_bytes: dict[str, list[Source]] = {}
        for one in self.sources:
            by_bytes.setdefault(one.sha256, []).append(one)
        return tuple(tuple(those) for those in sorted(by_bytes.values(), key=len, reverse=True))


def same_programs(prints: Iterable[Prints], stub: Prints) -> list[Same]:
    """The programs that at least one student and somebody else handed in, those of most students first.

    Args:
        prints: of all that is compared, in the order in which they are told.
        stub: the stub's.
    """
    by_program: dict[tuple[Program, Comments], list[Source]] = {}
    for one in prints:
        comments = () if _own(one.program, stub.program) >= ENOUGH else one.comments
        by_program.setdefault((one.program, comments), []).append(one.source)
    found = []
    for (program, comments), sources in by_program.items():
        tokens, words = _own(program, stub.program), _own(comments, stub.comments)
        enough = tokens >= ENOUGH or (tokens and words >= ENOUGH_WORDS)
        if enough and any(comparable(*two) for two in combinations(sources, 2)):
            found.append(Same(tokens, words, tuple(sources)))
    return sorted(found, key=lambda same: (same.students, len(same.sources)), reverse=True)


def _own(tokens: tuple[str, ...], stub: tuple[str, ...]) -> int:
    return (Counter(tokens) - Counter(stub)).total()
