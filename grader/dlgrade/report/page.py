"""A page that needs nothing else, built as a tree: no script, no request, and no stranger's text becomes markup.

A string can only become the text of an element or the value of an attribute, so there is no place where escaping could
be forgotten, and no template language is needed.
"""

from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from dlgrade.text import visible

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Nothing may be loaded or sent, even if something of a stranger's should get past all the rest."""

LIMIT = 10_000

Node = ET.Element | str


def page(title: str, *body: ET.Element, style: str = "") -> str:
    """A whole page.

    Args:
        title: what the browser calls it.
        body: what stands in it.
        style: rules of its own.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", **{"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", line(title)),
        element("style", _css() + style),
    )
    tree = element("html", head, element("body", element("main", *body)), lang="en")
    return "<!DOCTYPE html>\n" + ET.tostring(tree, encoding="unicode", method="html") + "\n"


def element(tag: str, *children: Node, class_: str | None = None, **attributes: str) -> ET.Element:
    """An element with what stands in it."""
    if class_:
        attributes["class"] = class_
    made = ET.Element(tag, attributes)
    last: ET.Element | None = None
    for child in children:
        if isinstance(child, ET.Element):
            made.append(child)
            last = child
        elif last is None:
            made.text = (made.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return made


def pre(*nodes: Node, label: str, class_: str | None = None) -> ET.Element:
    """Text in its own lines."""
    # It scrolls by itself, so it can be reached by the keyboard. The inner element keeps a line break at the start.
    return element("pre", element("code", *nodes), class_=class_, tabindex="0", role="group", **{"aria-label": label})


def scrolled(table: ET.Element, label: str) -> ET.Element:
    """A table in a box that scrolls where the screen is too narrow for it, so that the page does not."""
    return element("div", table, class_="scroll", tabindex="0", role="region", **{"aria-label": label})


def heads(columns: Sequence[str], numbers: Sequence[str] = ()) -> ET.Element:
    """The head of a table; over the columns in `numbers` stand numbers."""
    cells = (element("th", name, scope="col", class_="points" if name in numbers else None) for name in columns)
    return element("thead", element("tr", *cells))


def line(text: str) -> str:
    """A stranger's text, made safe, on one line."""
    return text if _is_plain(text) else visible(text, limit=LIMIT)


def lines(text: str) -> str:
    """A stranger's text, made safe, in its lines."""
    return text if _is_plain(text) else visible(text, limit=LIMIT, lines=True)


def _is_plain(text: str) -> bool:
    """Whether nothing in it needs care, which is so of most texts, and a class's pages have a lot of them."""
    return len(text) <= LIMIT and text.isascii() and text.isprintable()


def prose(text: str, *, several: bool = False) -> list[Node]:
    """A sentence in which what stands between backticks is code.

    Args:
        text: the sentence.
        several: whether its line breaks are kept.
    """
    nodes: list[Node] = []
    for one in lines(text).split("\n") if several else [line(text)]:
        if nodes:
            nodes.append(element("br"))
        pieces = re.split(r"`([^`]+)`", one)
        nodes += [element("code", piece) if place % 2 else piece for place, piece in enumerate(pieces)]
    return nodes


def percentage(share: float) -> str:
    """A share as a length in a style."""
    return f"{100 * share:.2f}%"


@functools.cache
def _css() -> str:
    return "\n" + Path(__file__).with_name("page.css").read_text("utf-8")
