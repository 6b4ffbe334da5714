"""Submissions that are more alike than others, side by side on one page. It shows; it accuses nobody."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dlgrade.report.page import Node, element, line, page, pre
from dlgrade.text import visible

TITLE = "Look at these"
CAUTION = (
    "These submissions have more in common than others of the class. That proves nothing: short right answers are "
    "alike, students learn from the same lecture, and may have been allowed to work together. Read them, and ask."
)
SAME = (
    "The same program: token for token, however many have it; comments, docstrings, layout and the annotations of "
    "functions aside. The fewer tokens it has besides the stub's, the less that says: with fewer than {} it is not "
    "shown, unless at least {} words of comments are the same too. In made-up classes of 300 with answers of their "
    "own, two had the same now and then, of up to 70 tokens; where all took the same names, two or three had sixteen "
    "times a class, seldom with more than 80 tokens."
)
PAIRS = (
    "Pairs are of different programs. In the same words, in structure: how much of the shorter one the other has too, "
    "names aside in structure; the exercise's own text is left out. Weighed by how few of the class have it, it says "
    "how much chance explains, and decides which pairs are shown, and in which order. Marked is what both have and few "
    "others do."
)
PRIVATE = "This page shows the work of students, and may show solutions. It is for those who teach."


@dataclass(frozen=True)
class Side:
    """One of two sources. `marks`: from where to where it has what the other has."""

    label: str
    text: str
    marks: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Alike:
    """Two sources, and what makes them worth a look, in sentences."""

    facts: Sequence[str]
    one: Side
    other: Side


@dataclass(frozen=True)
class Identical:
    """A program that several handed in. `whose`: in which form who did; `texts`: each form once, and nothing marked."""

    title: str
    fact: str
    whose: Sequence[tuple[str, Sequence[str]]]
    texts: Sequence[Side]


@dataclass(frozen=True)
class Compared:
    """The groups and pairs of one exercise, and what they are to be compared with. `notes`: what was not, and why."""

    exercise: str
    summary: str
    same: Sequence[Identical]
    pairs: Sequence[Alike]
    notes: Sequence[str] = ()


def to_html(exercises: Sequence[Compared], *, enough: tuple[int, int]) -> str:
    """The page.

    Args:
        exercises: what was found.
        enough: tokens that a program needs besides the stub's to be shown as handed in by several; or else words of
            comments.
    """
    body = [element("h1", TITLE), element("p", CAUTION)]
    body += [element("p", text, class_="quiet") for text in (SAME.format(*enough), PAIRS, PRIVATE)]
    for one in exercises:
        body.append(element("section", *_compared(one), class_="report"))
    return page(TITLE, *body)


def _compared(one: Compared) -> Iterator[ET.Element]:
    yield element("h2", line(one.exercise))
    yield element("p", line(one.summary))
    for same in one.same:
        yield element("article", *_identical(same))
    for pair in one.pairs:
        title = element("h3", element("bdi", line(pair.one.label)), " and ", element("bdi", line(pair.other.label)))
        facts = [element("p", line(fact)) for fact in pair.facts]
        sides = [
            element("div", *_side(side, label)) for side, label in ((pair.one, "one source"), (pair.other, "the other"))
        ]
        yield element("article", title, *facts, element("div", *sides, class_="values"))
    if one.notes:
        notes = element("ul", *(element("li", line(note)) for note in one.notes))
        yield element("details", element("summary", f"Not compared: {len(one.notes):,}"), notes)


def _identical(same: Identical) -> Iterator[ET.Element]:
    yield element("h3", line(same.title))
    yield element("p", line(same.fact))
    for how, labels in same.whose:
        names = [node for label in labels for node in ("; ", element("bdi", line(label)))]
        yield element("p", line(how), ": ", *names[1:])
    for place, side in enumerate(same.texts):
        shown = element("details", element("summary", element("bdi", line(side.label))))
        shown.append(pre(*_marked(side), label="the source"))
        if place == 0:
            # One is enough to know the program; the others' comments and layout may tell who had it first.
            shown.set("open", "")
        yield shown


def _side(side: Side, label: str) -> Iterator[ET.Element]:
    yield element("h4", element("bdi", line(side.label)), class_="label")
    yield pre(*_marked(side), label=label)


def _marked(side: Side) -> Iterator[Node]:
    at = 0
    for start, end in side.marks:
        yield _whole(side.text[at:start])
        yield element("span", _whole(side.text[start:end]), class_="off-2")
        at = end
    yield _whole(side.text[at:])


def _whole(text: str) -> str:
    # Whatever its length: what is cut could not be compared by eye.
    return visible(text, limit=len(text), lines=True)
