"""Finds submissions of one exercise that are more alike than chance and the exercise itself explain.

Of 40 disguised copies in a made-up class of 300 at softmax, copydetect (MIT; imports matplotlib) ranks 0 or 11 before
the first pair of strangers, compare50 (GPL) 0 to 16, by tokens or by text; what is done here, 20 or 21: Pygments, which
rich brings along, reads the tokens, and sequences are weighed by how few students hold them. In eight such classes 21
to 27 of the 40 are shown, and up to 2 wrong pairs of 46,650; copies of common answers under other names are not.

Those who handed in the same program, token for token, are told as one group, however many they are, and count as one
where it is asked how few hold something: only one of them wrote it. The others are compared by two fingerprints: the
words as they are, with names and comments; and the structure, in which every name that a student chose is the same.
Sequences of tokens that the stub has, or many of the class, count for nothing.
"""

from __future__ import annotations

import hashlib
import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from dlgrade.course.find import VARIANTS, Course, ExerciseFolder, read_text, unreadable_bytes
from dlgrade.course.start import stub_of
from dlgrade.errors import GraderError
from dlgrade.gradebook.collect import Collected
from dlgrade.gradebook.fingerprints import Author, Grams, Kind, Prints, Source, Span, comparable, fingerprints
from dlgrade.gradebook.identical import Same, same_programs

LEAST = 0.75
"""Of 300 made-up students with answers of their own, hardly two were as alike."""
SIZE_LIMIT = 100_000
"""Characters of a source that is compared."""
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


@dataclass(frozen=True)
class Pair:
    """Two sources that are alike.

    `words` and `structure` are the shares of the shorter one's sequences that the other holds too. `alike` is what they
    come to where each sequence is weighed by how few students hold it: from 0 to 1, and what decides. `rank`: how many
    pairs of this exercise are at least as alike. `marks`: where each has what the other has.
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

    `same`: programs that several handed in. `pairs` are of different programs, and a program of `same` is in no more
    than one with each other: `compared` counts it as one. `usual` is how alike the median student is to the nearest
    other. `left_out`: what was not compared, with why.
    """

    exercise: str
    compared: int
    students: int
    usual: float
    same: tuple[Same, ...]
    pairs: tuple[Pair, ...]
    left_out: tuple[tuple[str, str], ...] = ()


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
            yield Source(kind, one.student, label, text, one.submission.sha256)


def _authors(folder: ExerciseFolder) -> Iterator[Source]:
    references = [("the reference", folder.path / folder.file_name)]
    variants = [(f"the variant {path.stem}", path) for path in sorted((folder.path / VARIANTS).glob("*.py"))]
    for name, path in references + variants:
        text = read_text(path)
        yield Source(Kind.COURSE, name, name, text, hashlib.sha256(path.read_bytes()).hexdigest())


def _likeness(folder: ExerciseFolder, found: Sequence[Source | tuple[str, str]], stub: str, least: float) -> Likeness:
    kinds = list(Kind)
    sources = sorted(
        (one for one in found if isinstance(one, Source)),
        key=lambda one: (kinds.index(one.kind), one.owner, len(one.label), one.label),
    )
    known = sorted({*re.findall(r"\w+", stub), "np", "numpy"})
    ours, *read = fingerprints([Source(Kind.COURSE, "", "", stub, ""), *sources], known)
    if not isinstance(ours, Prints):
        raise GraderError(f"The stub of {folder.name} could not be compared with: {ours[1]}")
    prints = [one.without(ours) for one in read if isinstance(one, Prints)]
    same = same_programs(prints, ours)
    writers = _writers(prints, same)
    words, structure = (_Weights.of(prints, name, writers) for name in ("words", "structure"))
    ranked = _ranked(prints, same, writers, words, structure)
    nearest = {one.source.owner: 0.0 for one in prints if one.source.kind is Kind.STUDENT}
    for alike, *two in ranked:
        for its in two:
            if its.source.kind is Kind.STUDENT:
                nearest[its.source.owner] = max(alike, nearest[its.source.owner])
    nearest |= {one.owner: 1.0 for its in same for one in its.sources if one.kind is Kind.STUDENT}
    pairs = [
        Pair(
            one.source,
            other.source,
            _shared(one.words, other.words),
            _shared(one.structure, other.structure),
            alike,
            sum(1 for pair in ranked if pair[0] >= alike),
            (_marks(one, other, words, structure), _marks(other, one, words, structure)),
        )
        for alike, one, other in ranked
        if alike >= least
    ]
    return Likeness(
        folder.name,
        len(ranked),
        len(nearest),
        statistics.median(nearest.values()) if nearest else 0.0,
        tuple(same),
        tuple(pairs),
        tuple(one for one in (*found, *read) if isinstance(one, tuple)),
    )


def _writers(prints: Iterable[Prints], same: Iterable[Same]) -> Mapping[Author, int]:
    """A number for whoever wrote what each author handed in: of those with the same program only one did."""
    writers: dict[Author, int] = {}
    for number, its in enumerate(same):
        for source in its.sources:
            writers.setdefault(source.author, number)
    for number, one in enumerate(prints, len(writers)):
        writers.setdefault(one.source.author, number)
    return writers


def _ranked(
    prints: Iterable[Prints], same: Iterable[Same], writers: Mapping[Author, int], words: _Weights, structure: _Weights
) -> list[tuple[float, Prints, Prints]]:
    """Of each two writers the sources that are most alike; the most alike writers first."""
    told = {source: number for number, its in enumerate(same) for source in its.sources}
    best: dict[frozenset[int], tuple[float, Prints, Prints]] = {}
    for one, other in combinations(prints, 2):
        key = frozenset((writers[one.source.author], writers[other.source.author]))
        if len(key) == 1 or not comparable(one.source, other.source):
            continue
        if one.source in told and told[one.source] == told.get(other.source):
            continue
        share = structure.share(one.structure, other.structure)
        alike = max(words.share(one.words, other.words), 1 - (1 - share) / STRICTER)
        if key not in best or alike > best[key][0]:
            best[key] = (alike, one, other)
    return sorted(best.values(), key=lambda pair: (-pair[0], pair[1].source.label, pair[2].source.label))


def _shared(one: Grams, other: Grams) -> float:
    """How much of the smaller one the other holds, whoever else does."""
    return len(one.keys() & other.keys()) / max(1, min(len(one), len(other)))


@dataclass(frozen=True)
class _Weights:
    """What each sequence of tokens is worth: the fewer students hold it, the more."""

    name: str
    rarity: dict[tuple[str, ...], float]
    telling: frozenset[tuple[str, ...]]
    enough: float
    _totals: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, prints: Sequence[Prints], name: str, writers: Mapping[Author, int]) -> _Weights:
        """Count how many wrote each sequence; those of earlier years count, the course's own do not."""
        held: dict[int, set[tuple[str, ...]]] = {}
        for one in prints:
            if one.source.kind is not Kind.COURSE:
                held.setdefault(writers[one.source.author], set()).update(getattr(one, name))
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

    def share(self, one: Grams, other: Grams) -> float:
        """How much of the smaller one the other holds, from 0 to 1."""
        shared = sum(self.rarity[gram] for gram in one.keys() & other.keys() if gram in self.telling)
        return shared / max(min(self._total(one), self._total(other)), self.enough) if shared else 0.0

    def _total(self, prints: Grams) -> float:
        if id(prints) not in self._totals:
            self._totals[id(prints)] = sum(self.rarity[gram] for gram in prints)
        return self._totals[id(prints)]


def _marks(one: Prints, other: Prints, words: _Weights, structure: _Weights) -> tuple[Span, ...]:
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
