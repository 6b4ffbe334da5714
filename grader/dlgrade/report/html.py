"""Reports as one HTML page that needs nothing else: no script, no request, and nothing in a submission becomes markup.

The page is built as a tree, not as text. A string can only become the text of an element or the value of an attribute,
so there is no place where escaping could be forgotten, and no template language is needed.
"""

from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path

from dlgrade.model import Evidence, Frame, Race, Report, Worst
from dlgrade.report import outline
from dlgrade.report.outline import VERDICTS, Block, Mark
from dlgrade.report.redact import public
from dlgrade.report.words import WORDS, number, points, ratio, seconds
from dlgrade.text import visible

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Nothing may be loaded or sent, even if something of a stranger's should get past all the rest."""

LIMIT = 10_000
CELLS = 64
"""A larger array is not coloured: nobody compares so many numbers by eye."""
SHADES = ((2 / 3, "off-3"), (1 / 3, "off-2"), (0.01, "off-1"))
"""From which share of the largest error on a number gets which shade."""

_WORST = re.compile(r">( *)([^\s<>\[\]]+)<")
"""The worst element of an array, as the grader marks it."""
_CELL = re.compile(r"[^\s<>\[\],]+")

Node = ET.Element | str


def to_html(reports: Sequence[Report]) -> str:
    """The reports as a page; several have a table of all at the top."""
    several = len(reports) != 1
    total = WORDS["total"].format(count=len(reports))
    title = total if several else f"{reports[0].exercise}: {points(reports[0].points, reports[0].max_points)}"
    body = [_element("h1", total), _overview(reports)] if several else []
    body += [
        _element("section", *_report(report, 2 if several else 1), class_="report", id=f"report-{place}")
        for place, report in enumerate(reports, 1)
    ]
    head = _element(
        "head",
        _element("meta", charset="utf-8"),
        _element("meta", **{"http-equiv": "Content-Security-Policy", "content": POLICY}),
        _element("meta", name="referrer", content="no-referrer"),
        _element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _element("title", _line(title)),
        _element("style", _css()),
    )
    page = _element("html", head, _element("body", _element("main", *body)), lang="en")
    return "<!DOCTYPE html>\n" + ET.tostring(page, encoding="unicode", method="html") + "\n"


def _overview(reports: Sequence[Report]) -> ET.Element:
    rows = []
    for place, report in enumerate(reports, 1):
        name = _element("a", _element("bdi", _line(f"{report.unit}/{report.exercise}")), href=f"#report-{place}")
        verdict = VERDICTS[report.verdict]
        rows.append(
            _element(
                "tr",
                _element("th", name, scope="row"),
                _element("td", f"{number(report.points)}/{number(report.max_points)}", class_="points"),
                _element("td", f"{verdict.value}\u00a0{WORDS[f'verdict {report.verdict}']}", class_=_class(verdict)),
            )
        )
    earned, of = sum(report.points for report in reports), sum(report.max_points for report in reports)
    total = _element(
        "tr",
        _element("th", WORDS["total"].format(count=len(reports)), scope="row"),
        _element("td", f"{number(earned)}/{number(of)}", class_="points"),
        _element("td"),
    )
    columns = ("exercise column", "points column", "verdict column")
    return _element("table", _heads(columns), _element("tbody", *rows), _element("tfoot", total))


def _report(report: Report, level: int) -> Iterator[ET.Element]:
    verdict = VERDICTS[report.verdict]
    yield _element(f"h{level}", _line(report.exercise))
    yield _element(
        "p",
        _element("span", f"{verdict.value} {WORDS[f'verdict {report.verdict}']}", class_=_class(verdict)),
        f" · {points(report.points, report.max_points)}",
        class_="sum",
    )
    circumstances = WORDS["circumstances"].format(
        path=_line(report.submission.path),
        device=_line(report.device),
        isolation=_line(report.isolation),
        seed=report.seed,
        seconds=seconds(report.seconds),
    )
    yield _element("p", circumstances, class_="quiet")
    if report.isolation == "process":
        yield _element("p", WORDS["not isolated"], class_="quiet")
    yield _checks(report)
    missing = outline.not_started(report)
    if missing:
        yield _element("p", WORDS["to do"].format(names=", ".join(map(_line, missing))))
    for block in outline.blocks(report):
        yield _block(block, outline.file_name(report), level + 1)


def _checks(report: Report) -> ET.Element:
    rows = []
    for result in map(public, report.checks):
        mark = outline.mark(result)
        claim = _element("div", _marked(mark), _element("span", *_prose(result.says)), class_="claim")
        worth = f"{number(result.points)}/{number(result.max_points)}" if result.max_points else ""
        rows.append(
            _element(
                "tr",
                _element("th", claim, scope="row"),
                _element("td", worth, class_="points"),
                _element("td", outline.word(result), class_=_class(mark)),
            )
        )
    return _element(
        "table", _heads(("check column", "points column", "outcome column")), _element("tbody", *rows), class_="checks"
    )


def _heads(columns: Sequence[str]) -> ET.Element:
    cells = [
        _element("th", WORDS[column], scope="col", class_="points" if column == "points column" else None)
        for column in columns
    ]
    return _element("thead", _element("tr", *cells))


def _block(block: Block, file: str, level: int) -> ET.Element:
    """What is to be known of a check that went wrong, in the order in which it helps."""
    result, parts = block.result, list(_claims(block, level))
    evidence = result.evidence
    if evidence and evidence.message:
        parts.append(_element("p", *_prose(evidence.message, lines=True)))
    if result.hint:
        hint = outline.reminder(_line(result.hint)) if block.reminder else result.hint
        label = _element("b", outline.hint_label(block))
        parts.append(_element("p", label, " ", *_prose(hint, lines=True), class_="cure"))
    if evidence:
        parts += _evidence(evidence, outline.mark(result), file, level + 1)
    return _element("article", *parts)


def _claims(block: Block, level: int) -> Iterator[ET.Element]:
    mark, word = outline.mark(block.result), outline.word(block.result)
    says = [_prose(result.says) for result in block.results]
    if len(says) > outline.CLAIMS:
        says = [[WORDS["many"].format(count=len(says))]]
    for claim in says:
        text = [*claim, " · ", _element("span", word, class_=_class(mark))]
        yield _element(f"h{level}", _marked(mark), _element("span", *text), class_="claim")


def _evidence(evidence: Evidence, mark: Mark, file: str, level: int) -> Iterator[ET.Element]:
    def titled(word: str, *nodes: Node, class_: str | None = None) -> Iterator[ET.Element]:
        yield _element(f"h{level}", WORDS[word], class_="label")
        yield _pre(*nodes, label=WORDS[word], class_=class_)

    if evidence.call is not None:
        # Whole, whatever its length: half a counterexample is none.
        yield from titled("call", visible(evidence.call, limit=len(evidence.call), lines=True), class_="call")
    values = [("expected", evidence.expected), ("got", evidence.got)]
    shown = [(word, value) for word, value in values if value is not None]
    if shown:
        shades = _shades(evidence)
        yield _element(
            "div",
            *(_element("div", *titled(word, *_array(value, shades, evidence.worst))) for word, value in shown),
            class_="values",
        )
        if shades:
            yield _element("p", WORDS["heat"], class_="quiet")
    # A single number has no place in an array, and nothing to add to what stands above it.
    if evidence.worst and (evidence.worst.index or evidence.expected is None):
        yield _element("p", _worst(evidence.worst))
    if evidence.race:
        yield _race(evidence.race, mark)
    if evidence.traceback:
        yield from titled("traceback", *_frames(evidence.traceback, file))
    if evidence.output:
        yield from titled("printed", _text(evidence.output.strip("\n")))
    if evidence.notes:
        yield _element(f"h{level}", WORDS["notes"], class_="label")
        yield _element("ul", *(_element("li", *_prose(note, lines=True)) for note in evidence.notes))


def _worst(worst: Worst) -> str:
    form = WORDS["worst" if worst.index else "only"]
    return form.format(index=list(worst.index), expected=_line(worst.expected), got=_line(worst.got))


def _frames(frames: Sequence[Frame], file: str) -> Iterator[Node]:
    for place, (frame, times) in enumerate(outline.runs(frames)):
        where = WORDS["frame"].format(file=_line(file), line=frame.line, function=_line(frame.function))
        yield "\n" * bool(place)
        yield _element("span", where, class_="quiet")
        yield f"\n    {_line(frame.text.strip())}"
        if times > 1:
            yield "\n    " + WORDS["again"].format(count=times - 1)


# -- arrays ------------------------------------------------------------------------------------------------------------


def _shades(evidence: Evidence) -> list[str | None]:
    """How far off each number of a small matrix is, as the class of its shade; empty where there is no such matrix."""
    if evidence.expected is None or evidence.got is None or not re.match(r"\[\[[^\[]", evidence.expected):
        return []
    try:
        want, got = ([float(cell) for cell in _CELL.findall(text)] for text in (evidence.expected, evidence.got))
    except ValueError:
        return []
    if len(want) != len(got) or not 1 < len(want) <= CELLS:
        return []
    # What is not a number, or no finite one, is as far off as can be.
    errors = [abs(one - other) if one != other else 0.0 for one, other in zip(want, got, strict=True)]
    finite = [error for error in errors if error < float("inf")]
    most = max(finite, default=0.0) or 1.0
    shares = [error / most if error < float("inf") else 1.0 for error in errors]
    if not any(shares):
        return []
    return [next((shade for least, shade in SHADES if share > least), None) for share in shares]


def _array(text: str, shades: Sequence[str | None], worst: Worst | None) -> Iterator[Node]:
    """An array as text, its numbers shaded and the worst of them marked."""
    found = _WORST.search(text) if worst and worst.index else None
    at = found.start(2) if found else -1
    cells = list(_CELL.finditer(text)) if shades else []
    spans = [(cell.start(), cell.end(), shade) for cell, shade in zip(cells, shades, strict=True)]
    if found and not spans:
        spans = [(*found.span(2), None)]
    ends = [0, *(end for _, end, _ in spans)]
    for (start, end, shade), before in zip(spans, ends, strict=False):
        yield _text(text[before:start])
        cell = _text(text[start:end])
        yield _element("mark", cell, class_=shade) if start == at else _element("span", cell, class_=shade)
    yield _text(text[ends[-1] :])


# -- a race ------------------------------------------------------------------------------------------------------------


def _race(race: Race, mark: Mark) -> ET.Element:
    """A bar for each version. What the bars show stands beside them as text, so they themselves are not read out."""
    chart = outline.chart(race)
    rows = []
    for bar in chart.bars:
        kind = bar.label if bar.label in ("yours", "limit") else None
        names = ["bar", *([kind] if kind else []), *(["runs-off"] if chart.runs_off(bar) else [])]
        drawn = [_element("span", class_=" ".join(names), style=f"width: {_percent(chart.share(bar.ratio))}")]
        if chart.limit is not None:
            drawn.append(_element("span", class_="at-limit", style=f"left: {_percent(chart.share(chart.limit))}"))
        if bar.low is not None and bar.high is not None and chart.share(bar.low) < 1:
            low, high = sorted((chart.share(bar.low), chart.share(bar.high)))
            style = f"left: {_percent(low)}; width: {_percent(high - low)}"
            drawn.append(_element("span", class_="whisker", style=style))
        rows.append(
            _element(
                "li",
                _element("span", _line(outline.bar_label(bar))),
                _element("span", *drawn, class_=f"track {_class(mark)}", **{"aria-hidden": "true"}),
                _element("span", ratio(bar), class_="value"),
            )
        )
    caption = _element("figcaption", outline.race_caption(race, _line), class_="quiet")
    return _element("figure", _element("ul", *rows, class_="bars", role="list"), caption)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


# -- elements and strangers' strings -----------------------------------------------------------------------------------


@functools.cache
def _css() -> str:
    return "\n" + Path(__file__).with_name("page.css").read_text("utf-8")


def _element(tag: str, *children: Node, class_: str | None = None, **attributes: str) -> ET.Element:
    if class_:
        attributes["class"] = class_
    element = ET.Element(tag, attributes)
    last: ET.Element | None = None
    for child in children:
        if isinstance(child, ET.Element):
            element.append(child)
            last = child
        elif last is None:
            element.text = (element.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return element


def _pre(*nodes: Node, label: str, class_: str | None = None) -> ET.Element:
    # It scrolls by itself, so it can be reached by the keyboard. The inner element keeps a line break at the start.
    return _element("pre", _element("code", *nodes), class_=class_, tabindex="0", role="group", **{"aria-label": label})


def _class(mark: Mark) -> str:
    return mark.name.lower()


def _marked(mark: Mark) -> ET.Element:
    return _element("span", mark.value, class_=_class(mark), **{"aria-hidden": "true"})


def _line(text: str) -> str:
    return visible(text, limit=LIMIT)


def _text(text: str) -> str:
    return visible(text, limit=LIMIT, lines=True)


def _prose(text: str, *, lines: bool = False) -> list[Node]:
    """A sentence in which what stands between backticks is code."""
    nodes: list[Node] = []
    for line in _text(text).split("\n") if lines else [_line(text)]:
        if nodes:
            nodes.append(_element("br"))
        pieces = re.split(r"`([^`]+)`", line)
        nodes += [_element("code", piece) if place % 2 else piece for place, piece in enumerate(pieces)]
    return nodes
