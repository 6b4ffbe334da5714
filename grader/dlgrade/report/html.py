"""Reports as one HTML page, over which nothing in a submission has any power."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from dlgrade.model import Evidence, Frame, Race, Report, Worst
from dlgrade.points import added, number
from dlgrade.report import outline
from dlgrade.report.charts import plane_charts
from dlgrade.report.outline import VERDICTS, Block, Mark
from dlgrade.report.page import Node, element, heads, line, lines, page, percentage, pre, prose
from dlgrade.report.redact import public
from dlgrade.report.words import WORDS, points, ratio, seconds
from dlgrade.text import visible

CELLS = 64
"""A larger array is not coloured: nobody compares so many numbers by eye."""
SHADES = ((2 / 3, "off-3"), (1 / 3, "off-2"), (0.01, "off-1"))
"""From which share of the largest error on a number gets which shade."""

_WORST = re.compile(r">( *)([^\s<>\[\]]+)<")
"""The worst element of an array, as the grader marks it."""
_CELL = re.compile(r"[^\s<>\[\],]+")


def to_html(reports: Sequence[Report]) -> str:
    """The reports as a page; several have a table of all at the top."""
    several = len(reports) != 1
    total = WORDS["total"].format(count=len(reports))
    title = total if several else f"{reports[0].exercise}: {points(reports[0].points, reports[0].max_points)}"
    body = [element("h1", total), _overview(reports)] if several else []
    body += [
        element("section", *_report(report, 2 if several else 1), class_="report", id=f"report-{place}")
        for place, report in enumerate(reports, 1)
    ]
    return page(title, *body)


def _overview(reports: Sequence[Report]) -> ET.Element:
    rows = []
    for place, report in enumerate(reports, 1):
        name = element("a", element("bdi", line(f"{report.unit}/{report.exercise}")), href=f"#report-{place}")
        verdict = VERDICTS[report.verdict]
        rows.append(
            element(
                "tr",
                element("th", name, scope="row"),
                element("td", f"{number(report.points)}/{number(report.max_points)}", class_="points"),
                element("td", f"{verdict.value}\u00a0{WORDS[f'verdict {report.verdict}']}", class_=class_of(verdict)),
            )
        )
    earned, of = added(report.points for report in reports), added(report.max_points for report in reports)
    total = element(
        "tr",
        element("th", WORDS["total"].format(count=len(reports)), scope="row"),
        element("td", f"{number(earned)}/{number(of)}", class_="points"),
        element("td"),
    )
    columns = ("exercise column", "points column", "verdict column")
    return element("table", _heads(*columns), element("tbody", *rows), element("tfoot", total))


def _report(report: Report, level: int) -> Iterator[ET.Element]:
    verdict = VERDICTS[report.verdict]
    yield element(f"h{level}", line(report.exercise))
    yield element(
        "p",
        element("span", f"{verdict.value} {WORDS[f'verdict {report.verdict}']}", class_=class_of(verdict)),
        f" · {points(report.points, report.max_points)}",
        class_="sum",
    )
    circumstances = WORDS["circumstances"].format(
        path=line(report.submission.path),
        device=line(report.device),
        isolation=line(report.isolation),
        seed=report.seed,
        seconds=seconds(report.seconds),
    )
    yield element("p", circumstances, class_="quiet")
    if report.isolation == "process":
        yield element("p", WORDS["not isolated"], class_="quiet")
    yield from findings(report, level + 1)


def findings(report: Report, level: int) -> Iterator[ET.Element]:
    """Every check with what became of it, then what to do about each that went wrong.

    Args:
        report: the report.
        level: of the headings.
    """
    yield _checks(report)
    missing = outline.not_started(report)
    if missing:
        yield element("p", WORDS["to do"].format(names=", ".join(map(line, missing))))
    for block in outline.blocks(report):
        yield _block(block, outline.file_name(report), level)


def _checks(report: Report) -> ET.Element:
    rows = []
    for result in map(public, report.checks):
        mark = outline.mark(result)
        claim = element("div", marked(mark), element("span", *prose(result.says)), class_="claim")
        worth = f"{number(result.points)}/{number(result.max_points)}" if result.max_points else ""
        rows.append(
            element(
                "tr",
                element("th", claim, scope="row"),
                element("td", worth, class_="points"),
                element("td", outline.word(result), class_=class_of(mark)),
            )
        )
    head = _heads("check column", "points column", "outcome column")
    return element("table", head, element("tbody", *rows), class_="checks")


def _heads(*columns: str) -> ET.Element:
    return heads([WORDS[column] for column in columns], [WORDS["points column"]])


def _block(block: Block, file: str, level: int) -> ET.Element:
    """What is to be known of a check that went wrong, in the order in which it helps."""
    result, parts = block.result, list(_claims(block, level))
    evidence = result.evidence
    if evidence and evidence.message:
        parts.append(element("p", *prose(evidence.message, several=True)))
    if result.hint:
        hint = outline.reminder(line(result.hint)) if block.reminder else result.hint
        label = element("b", outline.hint_label(block))
        parts.append(element("p", label, " ", *prose(hint, several=True), class_="cure"))
    if evidence:
        parts += _evidence(evidence, outline.mark(result), file, level + 1)
    return element("article", *parts)


def _claims(block: Block, level: int) -> Iterator[ET.Element]:
    mark, word = outline.mark(block.result), outline.word(block.result)
    says = [prose(result.says) for result in block.results]
    if len(says) > outline.CLAIMS:
        says = [[WORDS["many"].format(count=len(says))]]
    for claim in says:
        text = [*claim, " · ", element("span", word, class_=class_of(mark))]
        yield element(f"h{level}", marked(mark), element("span", *text), class_="claim")


def _evidence(evidence: Evidence, mark: Mark, file: str, level: int) -> Iterator[ET.Element]:
    def titled(word: str, *nodes: Node, class_: str | None = None) -> Iterator[ET.Element]:
        yield element(f"h{level}", WORDS[word], class_="label")
        yield pre(*nodes, label=WORDS[word], class_=class_)

    if evidence.call is not None:
        # Whole, whatever its length: half a counterexample is none.
        yield from titled("call", visible(evidence.call, limit=len(evidence.call), lines=True), class_="call")
    values = [("expected", evidence.expected), ("got", evidence.got)]
    shown = [(word, value) for word, value in values if value is not None]
    if shown:
        shades = _shades(evidence)
        yield element(
            "div",
            *(element("div", *titled(word, *_array(value, shades, evidence.worst))) for word, value in shown),
            class_="values",
        )
        if shades:
            yield element("p", WORDS["heat"], class_="quiet")
    # A single number has no place in an array, and nothing to add to what stands above it.
    if evidence.worst and (evidence.worst.index or evidence.expected is None):
        yield element("p", _worst(evidence.worst))
    if evidence.plane:
        yield from plane_charts(evidence.plane)
    if evidence.race:
        yield _race(evidence.race, mark)
    if evidence.traceback:
        yield from titled("traceback", *_frames(evidence.traceback, file))
    if evidence.output:
        yield from titled("printed", lines(evidence.output.strip("\n")))
    if evidence.notes:
        yield element(f"h{level}", WORDS["notes"], class_="label")
        yield element("ul", *(element("li", *prose(note, several=True)) for note in evidence.notes))


def _worst(worst: Worst) -> str:
    form = WORDS["worst" if worst.index else "only"]
    return form.format(index=list(worst.index), expected=line(worst.expected), got=line(worst.got))


def _frames(frames: Sequence[Frame], file: str) -> Iterator[Node]:
    for place, (frame, times) in enumerate(outline.runs(frames)):
        where = WORDS["frame"].format(file=line(file), line=frame.line, function=line(frame.function))
        yield "\n" * bool(place)
        yield element("span", where, class_="quiet")
        yield f"\n    {line(frame.text.strip())}"
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
        yield lines(text[before:start])
        cell = lines(text[start:end])
        yield element("mark", cell, class_=shade) if start == at else element("span", cell, class_=shade)
    yield lines(text[ends[-1] :])


# -- a race ------------------------------------------------------------------------------------------------------------


def _race(race: Race, mark: Mark) -> ET.Element:
    """A bar for each version. What the bars show stands beside them as text, so they themselves are not read out."""
    chart = outline.chart(race)
    rows = []
    for bar in chart.bars:
        kind = bar.label if bar.label in ("yours", "limit") else None
        names = ["bar", *([kind] if kind else []), *(["runs-off"] if chart.runs_off(bar) else [])]
        drawn = [element("span", class_=" ".join(names), style=f"width: {percentage(chart.share(bar.ratio))}")]
        if chart.limit is not None:
            drawn.append(element("span", class_="at-limit", style=f"left: {percentage(chart.share(chart.limit))}"))
        if bar.low is not None and bar.high is not None and chart.share(bar.low) < 1:
            low, high = sorted((chart.share(bar.low), chart.share(bar.high)))
            style = f"left: {percentage(low)}; width: {percentage(high - low)}"
            drawn.append(element("span", class_="whisker", style=style))
        rows.append(
            element(
                "li",
                element("span", line(outline.bar_label(bar))),
                element("span", *drawn, class_=f"track {class_of(mark)}", **{"aria-hidden": "true"}),
                element("span", ratio(bar), class_="value"),
            )
        )
    caption = element("figcaption", outline.race_caption(race, line), class_="quiet")
    return element("figure", element("ul", *rows, class_="bars", role="list"), caption)


# -- words and marks ---------------------------------------------------------------------------------------------------


def class_of(mark: Mark) -> str:
    """The class of what bears a mark."""
    return mark.name.lower()


def marked(mark: Mark) -> ET.Element:
    """A mark before words that say the same."""
    return element("span", mark.value, class_=class_of(mark), **{"aria-hidden": "true"})
