"""Reports as Markdown for pull requests and learning platforms: tables, headings and fenced code, never HTML.

A platform does more to a text than CommonMark says: it makes links of addresses, people of @names, issues of #numbers
and commits of hexadecimal digits. It leaves code alone. So a word that is more than letters and plain punctuation is
shown as code, which also keeps the text readable where nobody renders it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence

from dlgrade.model import Evidence, Frame, Plane, Race, Report, Worst
from dlgrade.points import added, number
from dlgrade.report import outline
from dlgrade.report.charts import DRAWN_FROM, plane_caption, plane_title, signs
from dlgrade.report.outline import VERDICTS, Block
from dlgrade.report.page import line
from dlgrade.report.page import lines as in_lines
from dlgrade.report.redact import public
from dlgrade.report.words import WORDS, points, ratio, seconds
from dlgrade.text import visible

BAR = 30

_CHUNK = re.compile(r"(?:`[^`\n]+`|\S)+")
"""What stands between spaces, or what backticks hold together."""
_QUOTED = re.compile(r"([\"'(]*)`([^`]+)`([.,;:!?)'\"]*)")
_PLAIN = re.compile(r"[\"'(]*(?:\w|[^\x00-\x7f])(?:[\w.,;:()'\"?!/%+=-]|[^\x00-\x7f])*")
_ACTIVE = re.compile(
    r"_"  # emphasis
    r"|//|www\.|\w\.[^\W\d_]{2}|:\w"  # addresses, with a scheme or without; emoji
    r"|\bgh-\d|\b[0-9a-f]{7,}\b",  # issues and commits
    re.IGNORECASE,
)
_BEGINS = re.compile(r"\d+[.)]|[*+=<>-]+")
"""At the beginning of a line, a list, a quotation or the rule below a heading."""
_OPERATOR = re.compile(r"[*+/=<>%-]|[=!<>]=|\*\*")
"""Between spaces it is only itself."""


def to_markdown(reports: Sequence[Report]) -> str:
    """The reports under each other; several have a table of all at the top."""
    parts: list[str] = []
    if len(reports) != 1:
        parts += [f"# {WORDS['total'].format(count=len(reports))}", _overview(reports)]
    for report in reports:
        parts += _report(report)
    return "\n\n".join(parts) + "\n"


def _overview(reports: Sequence[Report]) -> str:
    rows = []
    for report in reports:
        verdict = f"{VERDICTS[report.verdict].value} {WORDS[f'verdict {report.verdict}']}"
        name = prose(f"{report.unit}/{report.exercise}", cell=True)
        rows.append((name, f"{number(report.points)}/{number(report.max_points)}", verdict))
    earned, of = added(report.points for report in reports), added(report.max_points for report in reports)
    rows.append((WORDS["total"].format(count=len(reports)), f"{number(earned)}/{number(of)}", ""))
    return _table(("exercise column", "points column", "verdict column"), rows)


def _report(report: Report) -> Iterator[str]:
    yield f"## {prose(report.exercise)}"
    mark = VERDICTS[report.verdict].value
    yield f"**{mark} {WORDS[f'verdict {report.verdict}']}** · {points(report.points, report.max_points)}"
    yield WORDS["circumstances"].format(
        path=prose(report.submission.path),
        device=prose(report.device),
        isolation=prose(report.isolation),
        seed=report.seed,
        seconds=seconds(report.seconds),
    )
    if report.isolation == "process":
        yield f"*{WORDS['not isolated']}*"
    yield from findings(report)


def findings(report: Report) -> Iterator[str]:
    """Every check with what became of it, then what to do about each that went wrong."""
    rows = []
    for result in map(public, report.checks):
        claim = f"{outline.mark(result).value} {prose(result.says, cell=True)}"
        worth = f"{number(result.points)}/{number(result.max_points)}" if result.max_points else ""
        rows.append((claim, worth, outline.word(result)))
    yield _table(("check column", "points column", "outcome column"), rows)
    missing = outline.not_started(report)
    if missing:
        yield WORDS["to do"].format(names=", ".join(map(_code, missing)))
    for block in outline.blocks(report):
        yield from _block(block, outline.file_name(report))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table([WORDS[column] for column in columns], rows, right=[1])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Container[int] = ()) -> str:
    """A table.

    Args:
        heads: the columns' names.
        rows: their cells, as Markdown.
        right: which columns hold numbers.
    """
    rule = ["---:" if place in right else "---" for place in range(len(heads))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, rule, *rows))


def _block(block: Block, file: str) -> Iterator[str]:
    """What is to be known of a check that went wrong, in the order in which it helps."""
    result = block.result
    mark, word = outline.mark(result).value, outline.word(result)
    says = [prose(each.says) for each in block.results]
    if len(says) > outline.CLAIMS:
        says = [WORDS["many"].format(count=len(says))]
    for claim in says:
        yield f"### {mark} {claim} · {word}"
    evidence = result.evidence
    if evidence and evidence.message:
        yield prose(evidence.message, lines=True)
    if result.hint:
        hint = prose(outline.reminder(line(result.hint)) if block.reminder else result.hint, lines=True)
        yield f"**{outline.hint_label(block)}** {hint}"
    if evidence:
        yield from _evidence(evidence, file)


def _evidence(evidence: Evidence, file: str) -> Iterator[str]:
    if evidence.call is not None:
        # Whole, whatever its length: half a counterexample is none.
        yield WORDS["call"]
        yield _fence(visible(evidence.call, limit=len(evidence.call), lines=True), "python")
    for word, value in (("expected", evidence.expected), ("got", evidence.got)):
        if value is not None:
            yield f"{WORDS[word]}:"
            yield _fence(in_lines(value))
    # A single number has no place in an array, and nothing to add to what stands above it.
    if evidence.worst and (evidence.worst.index or evidence.expected is None):
        yield _worst(evidence.worst)
    if evidence.plane and sum(map(len, evidence.plane.off)) >= DRAWN_FROM:
        yield f"{plane_title(evidence.plane)}: {prose(plane_caption(evidence.plane))}"
        yield _fence("\n".join(_plane(evidence.plane)))
    if evidence.race:
        yield _fence("\n".join(_bars(evidence.race)))
        yield outline.race_caption(evidence.race, prose)
    if evidence.traceback:
        yield WORDS["traceback"]
        yield _fence("\n".join(_frames(evidence.traceback, file)))
    if evidence.output:
        yield WORDS["printed"]
        yield _fence("\n".join(outline.printed(in_lines(evidence.output))))
    if evidence.notes:
        yield WORDS["notes"]
        yield "\n".join(f"- {prose(note, lines=True)}" for note in evidence.notes)


def _worst(worst: Worst) -> str:
    form = WORDS["worst" if worst.index else "only"]
    return form.format(index=_code(str(list(worst.index))), expected=_code(worst.expected), got=_code(worst.got))


def _bars(race: Race) -> Iterator[str]:
    chart = outline.chart(race)
    labels = [line(outline.bar_label(bar)) for bar in chart.bars]
    column = max(map(len, labels), default=0)
    for label, bar in zip(labels, chart.bars, strict=True):
        length = max(1, round(BAR * chart.share(bar.ratio)))
        drawn = "█" * (BAR - 1) + "▶" if chart.runs_off(bar) else "█" * length
        if bar.label == "limit":
            drawn = "·" * (length - 1) + "|"
        yield f"{label:{column}}  {drawn} {ratio(bar)}"


def _plane(plane: Plane) -> Iterator[str]:
    """Its signs, under and beside the indices of their columns and rows."""
    down, right = (0, plane.start[-1]) if len(plane.shape) == 1 else plane.start[-2:]
    rows = signs(plane)
    width = max(len(str(down + len(rows))), len(str(right + len(rows[0]))))
    yield " ".join([" " * width, *(f"{right + column:>{width}}" for column in range(len(rows[0])))])
    for place, row in enumerate(rows):
        yield " ".join([f"{down + place:>{width}}", *(f"{sign:>{width}}" for sign in row)])


def _frames(frames: Sequence[Frame], file: str) -> Iterator[str]:
    for frame, times in outline.runs(frames):
        where = WORDS["frame"].format(file=line(file), line=frame.line, function=line(frame.function))
        yield f"{where}  {line(frame.text.strip())}"
        if times > 1:
            yield WORDS["again"].format(count=times - 1)


# -- strangers' strings ------------------------------------------------------------------------------------------------


def _fence(text: str, language: str = "text") -> str:
    """A block of code; its fence is longer than any in it."""
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _code(text: str) -> str:
    """A span of code, on one line; nothing where there is nothing to see."""
    text = line(text)
    if not text.strip():
        return ""
    fence = "`" * (_longest(text) + 1)
    # CommonMark takes one space off each end, if there is one at both.
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def prose(text: str, *, lines: bool = False, cell: bool = False) -> str:
    """A stranger's sentence, in which every word that anything could be made of is code.

    Args:
        text: the sentence.
        lines: whether it may have several lines; each becomes one.
        cell: whether it stands in a table, where a bar would end the cell even inside code.
    """
    told = []
    for one in (in_lines(text) if lines else line(text)).split("\n"):
        chunks = _CHUNK.findall(one)
        if chunks:
            first = _code(chunks[0]) if _BEGINS.fullmatch(chunks[0]) else _word(chunks[0], cell)
            told.append(" ".join([first, *(_word(chunk, cell) for chunk in chunks[1:])]))
    return "\\\n".join(told)


def _sentence_around(chunk: str) -> tuple[str, str, str]:
    """A word that is code, between the punctuation of the sentence that it stands in: a bracket without its other half,
    what ends a clause. A mark that is there twice, such as the colons of an emoji, is the word's own."""
    code, before, after = chunk, "", ""
    while len(code) > 1 and code[-1].isascii():
        last = code[-1]
        if not (last in ".,!?" or (last in ";:" and last not in code[:-1]) or (last == ")" and _open(code) < 0)):
            break
        code, after = code[:-1], last + after
    while len(code) > 1 and code[0] == "(" and _open(code) > 0:
        code, before = code[1:], before + code[0]
    # Of marks alone, such as `...`, nothing is a sentence's.
    return (before, code, after) if any(map(str.isalnum, code)) else ("", chunk, "")


def _open(text: str) -> int:
    """Brackets that are opened and not closed."""
    return text.count("(") - text.count(")")


def _word(chunk: str, cell: bool) -> str:
    if _OPERATOR.fullmatch(chunk) or (_PLAIN.fullmatch(chunk) and not _ACTIVE.search(chunk)):
        return chunk
    quoted = _QUOTED.fullmatch(chunk)
    before, code, after = quoted.groups() if quoted else _sentence_around(chunk)
    parts = code.split("|") if cell else [code]
    return before + "&#124;".join(map(_code, parts)) + after
