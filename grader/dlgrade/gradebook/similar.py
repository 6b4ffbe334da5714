"""Finds submissions of one exercise that are more alike than chance and the exercise itself explain.

Of 40 disguised copies in a made-up class of 300 at softmax, copydetect (MIT; imports matplotlib) ranks 0 or 11 before
the first pair of strangers, compare50 (GPL) 0 to 16, by tokens or by text; what is done here, 20 or 21: Pygments, which
rich brings along, reads the tokens, and sequences are weighed by how few students hold them. In eight such classes 17
to 28 of the 40 are shown, and up to 3 wrong pairs of 46,650; copies of common answers under other names are not.

Two fingerprints are compared: the words as they are, with names and comments; and the structure, in which every name
that a student chose is the same. Sequences of tokens that the stub has, or many of the class, count for nothing.
"""

from __future__ import annotations

import enum
import json
import math
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from dlgrade.course.find import VARIANTS, Course, ExerciseFolder, read_text, unreadable_bytes
from dlgrade.course.start import stub_of
from dlgrade.errors import GraderError
from dlgrade.gradebook.collect import Collected

LEAST = 0.75
"""Of 300 made-up students with answers of their own, hardly two were as alike."""
SIZE_LIMIT = 100_000
"""Characters of a source that is compared."""
WORDS, STRUCTURE = 5, 8
"""Tokens in a sequence: fewer happen by chance, more leave nothing of a line that was changed."""
STRICTER = 0.4
"""The same structure in other words says less: what two do not share of it may be this share of what words may."""
COMMON = {"words": 0.3, "structure": 0.1}
"""A sequence that more than this share of the class holds says nothing."""
FEW = 4
"""Students whom a sequence may be held by, however small the class is."""
ENOUGH = 40
"""Sequences that nobody else has: below that a short answer is never wholly alike."""
SURE = 50
"""Students that it takes to know what is rare; of fewer, longer answers are needed."""
_TOGETHER = 50
"""Sources that one process reads."""
_SECONDS, _ALONE_SECONDS = 20, 3
_LEXER = Path(__file__).with_name("lexing.py")

Span = tuple[int, int]


class Kind(enum.StrEnum):
    """Where a source comes from."""

    STUDENT = "student"
    PAST = "past"
    COURSE = "course"
    """The reference, or a right variant beside it."""


@dataclass(frozen=True)
class Source:
    """Something that may have been copied, or be a copy. `owner` is who wrote it, or what it is."""

    kind: Kind
    owner: str
    label: str
    text: str


@dataclass(frozen=True)
class Pair:
    """Two sources that are alike.

    `words` and `structure` are the shares of what each holds that the other holds too, weighed by how few students do.
    `rank`: how many pairs of this exercise are at least as alike. `marks`: where each has what the other has.
    """

    one: Source
    other: Source
    words: float
    structure: float
    alike: float
    rank: int
    marks: tuple[tuple[Span, ...], tuple[Span, ...]]


@dataclass(frozen=True)
class Likeness:
    """What was found of one exercise, the most alike first.

    `usual` is how alike the median student is to the nearest other. `left_out`: what was not compared, with why.
    """

    exercise: str
    compared: int
    students: int
    usual: float
    pairs: tuple[Pair, ...]
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Prints:
    """A source's fingerprints: each sequence with where it is."""

    source: Source
    words: dict[tuple[str, ...], list[Span]]
    structure: dict[tuple[str, ...], list[Span]]


def likenesses(
    course: Course,
    submissions: Iterable[Collected],
    past: Iterable[Collected] = (),
    exercises: Sequence[str] = (),
    *,
    least: float = LEAST,
) -> list[Likeness]:
    """Compare all submissions of each exercise, with each other and with whatever else may have been copied.

    Every attempt is compared; of two students the most alike ones are told. Earlier years are not compared among
    themselves, nor are a student's own attempts.

    Args:
        course: the course; its references and variants are compared too where they are there.
        submissions: the class's.
        past: those of earlier years.
        exercises: names of exercises or units; all if empty.
        least: how alike, from 0 to 1, a pair is that is told.

    Raises:
        UsageError: there is no such exercise.
        GraderError: no process that reads sources can be started.
    """
    submissions, past = list(submissions), list(past)
    handed_in = {one.exercise for one in submissions}
    folders = course.named(exercises) if exercises else course.exercises
    return [
        _likeness(
            folder,
            [
                *_sources(Kind.STUDENT, (one for one in submissions if one.exercise == folder.name)),
                *_sources(Kind.PAST, (one for one in past if one.exercise == folder.name)),
                *(_authors(folder) if course.authored else ()),
            ],
            stub_of(folder),
            least,
        )
        for folder in folders
        if folder.name in handed_in
    ]


def _sources(kind: Kind, collected: Iterable[Collected]) -> Iterator[Source | tuple[str, str]]:
    seen = set()
    for one in collected:
        label = f"{one.student}, attempt {one.attempt}{' in an earlier year' if kind is Kind.PAST else ''}"
        text = one.submission.source.decode("utf-8-sig", "replace").replace("\r\n", "\n")
        fault = unreadable_bytes(one.submission)
        if fault is not None:
            yield label, fault[0]
        elif len(text) > SIZE_LIMIT:
            yield label, f"It has more than {SIZE_LIMIT:,} characters."
        elif (one.student, one.submission.sha256) not in seen:
            seen.add((one.student, one.submission.sha256))
            yield Source(kind, one.student, label, text)


def _authors(folder: ExerciseFolder) -> Iterator[Source]:
    yield Source(Kind.COURSE, "the reference", "the reference", read_text(folder.path / folder.file_name))
    for path in sorted((folder.path / VARIANTS).glob("*.py")):
        name = f"the variant {path.stem}"
        yield Source(Kind.COURSE, name, name, read_text(path))


def _likeness(folder: ExerciseFolder, found: Sequence[Source | tuple[str, str]], stub: str, least: float) -> Likeness:
    sources = [one for one in found if isinstance(one, Source)]
    left_out = [one for one in found if not isinstance(one, Source)]
    known = sorted({*re.findall(r"\w+", stub), "np", "numpy"})
    ours, *read = _lexed([Source(Kind.COURSE, "", "", stub), *sources], known)
    if not isinstance(ours, _Prints):
        raise GraderError(f"The stub of {folder.name} could not be compared with: {ours[1]}")
    prints = []
    for one in read:
        if isinstance(one, _Prints):
            own = [
                {gram: spans for gram, spans in its.items() if gram not in stubs}
                for its, stubs in ((one.words, ours.words), (one.structure, ours.structure))
            ]
            prints.append(_Prints(one.source, *own))
        else:
            left_out.append(one)
    words, structure = (_Weights.of(prints, name) for name in ("words", "structure"))
    best: dict[tuple[tuple[Kind, str], tuple[Kind, str]], tuple[float, float, float, _Prints, _Prints]] = {}
    for one, other in combinations(prints, 2):
        if not _compared(one.source, other.source):
            continue
        shares = words.share(one.words, other.words), structure.share(one.structure, other.structure)
        alike = max(shares[0], 1 - (1 - shares[1]) / STRICTER)
        key = ((one.source.kind, one.source.owner), (other.source.kind, other.source.owner))
        if key not in best or alike > best[key][0]:
            best[key] = (alike, *shares, one, other)
    nearest: dict[str, float] = {}
    for alike, *_, one, other in best.values():
        for its in (one.source, other.source):
            if its.kind is Kind.STUDENT:
                nearest[its.owner] = max(0.0, alike, nearest.get(its.owner, 0.0))
    ranked = sorted(best.values(), key=lambda pair: (-pair[0], pair[3].source.label, pair[4].source.label))
    pairs = [
        Pair(
            one.source,
            other.source,
            shares[0],
            shares[1],
            alike,
            sum(1 for pair in ranked if pair[0] >= alike),
            (_marks(one, other, words, structure), _marks(other, one, words, structure)),
        )
        for alike, *shares, one, other in ranked
        if alike >= least
    ]
    return Likeness(
        folder.name,
        len(best),
        len(nearest),
        statistics.median(nearest.values()) if nearest else 0.0,
        tuple(pairs),
        tuple(left_out),
    )


def _compared(one: Source, other: Source) -> bool:
    if Kind.STUDENT not in (one.kind, other.kind):
        return False
    # Whoever takes the course again may hand in the same.
    return one.owner != other.owner or Kind.COURSE in (one.kind, other.kind)


@dataclass(frozen=True)
class _Weights:
    """What each sequence of tokens is worth: the fewer students hold it, the more."""

    name: str
    rarity: dict[tuple[str, ...], float]
    telling: frozenset[tuple[str, ...]]
    enough: float
    _totals: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, prints: Sequence[_Prints], name: str) -> _Weights:
        """Count how many students hold each sequence; those of earlier years count, the course's own do not."""
        held: dict[tuple[Kind, str], set[tuple[str, ...]]] = {}
        for one in prints:
            if one.source.kind is not Kind.COURSE:
                held.setdefault((one.source.kind, one.source.owner), set()).update(getattr(one, name))
        many = max(len(held), 2 * FEW)
        counts = Counter(gram for its in held.values() for gram in its)
        limit = max(FEW, many * COMMON[name])
        rarest = math.log2(max(many, SURE) / 2)
        for one in prints:
            if one.source.kind is Kind.COURSE:
                counts.update(gram for gram in getattr(one, name) if gram not in counts)
        # A sequence of a pair is held by two at least.
        rarity = {gram: max(0.0, math.log2(many / max(count, 2))) for gram, count in counts.items()}
        telling = frozenset(gram for gram, count in counts.items() if count <= limit)
        return cls(name, rarity, telling, ENOUGH * rarest)

    def share(self, one: dict[tuple[str, ...], list[Span]], other: dict[tuple[str, ...], list[Span]]) -> float:
        """How much of the smaller one the other holds, from 0 to 1."""
        shared = sum(self.rarity[gram] for gram in one.keys() & other.keys() if gram in self.telling)
        return shared / max(min(self._total(one), self._total(other)), self.enough) if shared else 0.0

    def _total(self, prints: dict[tuple[str, ...], list[Span]]) -> float:
        if id(prints) not in self._totals:
            self._totals[id(prints)] = sum(self.rarity[gram] for gram in prints)
        return self._totals[id(prints)]


def _marks(one: _Prints, other: _Prints, words: _Weights, structure: _Weights) -> tuple[Span, ...]:
    """Where a source has what another has, and few have."""
    spans = []
    for its, others, weights in (
        (one.words, other.words, words),
        (one.structure, other.structure, structure),
    ):
        spans += [span for gram in its.keys() & others.keys() if gram in weights.telling for span in its[gram]]
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


# -- reading strangers' sources ----------------------------------------------------------------------------------------


def _lexed(sources: Sequence[Source], known: Sequence[str]) -> list[_Prints | tuple[str, str]]:
    """The fingerprints of each source, or its label and why it has none."""
    found: list[_Prints | tuple[str, str]] = []
    for start in range(0, len(sources), _TOGETHER):
        some = sources[start : start + _TOGETHER]
        read = _read([one.text for one in some], known, _SECONDS)
        for place, one in enumerate(some):
            # One that no process can read takes only itself along.
            tokens = read[place : place + 1] if read is not None else _read([one.text], known, _ALONE_SECONDS)
            if tokens is None:
                found.append((one.label, "Its tokens could not be read within the limits."))
            else:
                ((words, structure),) = tokens
                found.append(_Prints(one, _grams(words, WORDS), _grams(structure, STRUCTURE)))
    return found


def _read(
    texts: Sequence[str], known: Sequence[str], seconds: int
) -> list[tuple[list[tuple[int, int, str]], list[tuple[int, int, str]]]] | None:
    command = [sys.executable, "-s", "-P", "-B", str(_LEXER), str(seconds)]
    windows = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}
    try:
        ran = subprocess.run(
            command,
            input=json.dumps({"known": known, "sources": texts}).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONUTF8": "1", **windows},
            timeout=3 * seconds,
        )
        if ran.returncode:
            return None
        found = json.loads(ran.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    except OSError as error:
        raise GraderError(f"A process that reads sources could not be started: {error.strerror}.") from error
    return found if isinstance(found, list) and len(found) == len(texts) else None


def _grams(tokens: Sequence[tuple[int, int, str]], size: int) -> dict[tuple[str, ...], list[Span]]:
    grams: dict[tuple[str, ...], list[Span]] = {}
    texts = [token[2] for token in tokens]
    for place in range(len(tokens) - size + 1):
        span = (tokens[place][0], tokens[place + size - 1][1])
        grams.setdefault(tuple(texts[place : place + size]), []).append(span)
    return grams
