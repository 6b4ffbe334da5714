"""Pages and Markdown read as a browser and as CommonMark read them, for the tests of what becomes of hostile text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

VOID = {"meta", "br", "input"}
ATTRIBUTES = {
    "html": {"lang"},
    "meta": {"charset", "http-equiv", "content", "name"},
    "section": {"class", "id"},
    "div": {"class", "tabindex", "role", "aria-label"},
    "tr": {"class", "style"},
    "input": {"type", "name", "id", "checked"},
    "fieldset": {"class"},
    "svg": {"class", "width", "height", "viewbox", "role", "aria-label", "aria-hidden"},
    "rect": {"class", "x", "y", "width", "height"},
    "line": {"class", "x1", "y1", "x2", "y2"},
    "circle": {"class", "cx", "cy", "r"},
    "path": {"class", "d"},
    "text": {"class", "x", "y", "text-anchor", "dominant-baseline"},
    "th": {"scope", "class"},
    "td": {"class"},
    "a": {"href"},
    "pre": {"class", "tabindex", "role", "aria-label"},
    "span": {"class", "aria-hidden", "style"},
    "ul": {"class", "role"},
    **{f"h{level}": {"class"} for level in range(1, 6)},
    **{tag: {"class"} for tag in ("p", "mark", "table", "figcaption", "figure")},
    **{tag: set() for tag in ("head", "title", "style", "body", "main", "thead", "tbody", "tfoot", "article")},
    **{tag: set() for tag in ("b", "bdi", "br", "code", "li", "details", "summary", "label", "legend")},
}
"""The elements that the page is made of, and what may stand in their tags."""
VALUES = {
    "href": r"#(report|exercise)-\d+",
    "id": r"(report|exercise|sort)-\d+",
    "style": r"(left: \d+\.\d\d%; )?(width|left): \d+\.\d\d%|--by-\d+:\d+(;--by-\d+:\d+)*",
    "class": r"[a-z]+(-[a-z0-5]+)*( [a-z-]+)*",
    "viewbox": r"0 0 \d+ \d+",
    "d": r"M-?\d+\.\d -?\d+\.\dl7 7m0 -7l-7 7",
    **dict.fromkeys(("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height"), r"-?\d+(\.\d+)?"),
    "type": "radio",
    "name": "viewport|referrer|sort",
    "tabindex": "0",
}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str = "", class_: str = "") -> list[Element]:
        """The elements below this one, in order, with this tag and this class."""
        found = []
        for child in self.children:
            if tag in ("", child.tag) and (not class_ or class_ in child.attributes.get("class", "").split()):
                found.append(child)
            found += child.all(tag, class_)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ATTRIBUTES, f"<{tag}> is no element of ours"
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        attributes = {name: value or "" for name, value in attrs}
        assert attributes.keys() <= ATTRIBUTES[tag], f"<{tag}> has {attributes}"
        for name, value in attributes.items():
            assert re.fullmatch(VALUES.get(name, ".*"), value), f"{name}={value!r}"
        element = Element(tag, attributes)
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def handle_decl(self, decl: str) -> None:
        assert decl == "DOCTYPE html"

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    handle_pi = unknown_decl = handle_comment


def read_page(page: str) -> Element:
    """A page as a tree; fails if there is anything in it that the template does not make."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root]
    (root,) = reader.root.children
    assert [child.tag for child in root.children] == ["head", "body"]
    return root


def elements(page: Element) -> list[str]:
    """What a page is made of, but for what marks words in a text."""
    return [element.tag for element in page.all() if element.tag not in ("code", "br", "mark")]


# GitHub's dialect, as far as it is CommonMark with tables; HTML is let through, so that it is seen.
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
BLOCKS = {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item"}
KINDS = {f"{name}_{end}" for name in BLOCKS for end in ("open", "close")} | {"inline", "fence"}
INSIDE = {"text", "code_inline", "hardbreak", "strong_open", "strong_close", "em_open", "em_close", "text_special"}
ACTIVE = re.compile(
    r"@|#\d|https?:|//|www\.|mailto:|:[\w+-]+:|\bgh-\d|\b(?=\d*[a-f])[0-9a-f]{7,40}\b|\w\.[a-z]{2}", re.IGNORECASE
)
"""What platforms make links, people, issues, commits and pictures of in a text that is not code."""


def read_markdown(text: str) -> list[Token]:
    """Markdown as tokens; fails if anything in it becomes what the template does not make."""
    tokens = READER.parse(text)
    for token in tokens:
        assert token.type in KINDS, f"{token.type}: {token.content!r}"
        assert token.type != "fence" or token.info in ("python", "text")
        for child in token.children or ():
            assert child.type in INSIDE, f"{child.type} in {token.content!r}"
            if child.type in ("text", "text_special"):
                assert not (found := ACTIVE.search(child.content)), found
    return tokens


def blocks(tokens: list[Token]) -> list[str]:
    """What a Markdown text is made of, but for what stands in its lines."""
    return [f"{token.type} {token.tag}" for token in tokens]


def seen(tokens: list[Token]) -> str:
    """All the text that a reader of the rendered Markdown sees."""
    lines = []
    for token in tokens:
        if token.type == "fence":
            lines.append(token.content)
        elif token.children is not None:
            lines.append("".join("\n" if child.type == "hardbreak" else child.content for child in token.children))
    return "\n".join(lines)
