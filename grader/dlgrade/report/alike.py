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
    "alike, students learn from the same lecture, and may have been allowed to work together. Read both, and ask."
)
HOW = (
    "Marked is what both have and few others do, in the same words or in the same structure; the exercise's own text "
    "is left out. The shares are of all that the shorter one has, weighed by how few students have it."
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
class Group:
    """The pairs of one exercise, and what they are to be compared with. `notes`: what was not compared, and why."""

    exercise: str
    summary: str
    pairs: Sequence[Alike]
    notes: Sequence[str] = ()


def to_html(groups: Sequence[Group]) -> str:
    """The page."""
    body = [element("h1", TITLE), element("p", CAUTION), element("p", HOW, class_="quiet")]
    body.append(element("p", PRIVATE, class_="quiet"))
    for group in groups:
        body.append(element("section", *_group(group), class_="report"))
    return page(TITLE, *body)


def _group(group: Group) -> Iterator[ET.Element]:
    yield element("h2", line(group.exercise))
    yield element("p", line(group.summary))
    for pair in group.pairs:
        title = element("h3", element("bdi", line(pair.one.label)), " and ", element("bdi", line(pair.other.label)))
        facts = [element("p", line(fact)) for fact in pair.facts]
        sides = [
            element("div", *_side(side, label)) for side, label in ((pair.one, "one source"), (pair.other, "the other"))
        ]
        yield element("article", title, *facts, element("div", *sides, class_="values"))
    if group.notes:
        notes = element("ul", *(element("li", line(note)) for note in group.notes))
        yield element("details", element("summary", f"Not compared: {len(group.notes):,}"), notes)


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
