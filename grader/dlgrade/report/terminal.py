"""Reports for a terminal, as rich renderables that somebody else prints; nothing in a submission is ever obeyed as
markup or as an escape sequence.

Print with `console.print(..., crop=False)`: a counterexample is one line however long, so that it can be copied, and
rich would cut it at the console's width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from dlgrade.model import CheckResult, Evidence, Frame, Outcome, Race, Report, Worst
from dlgrade.points import added, number
from dlgrade.report import outline
from dlgrade.report.outline import VERDICTS, Block, Mark
from dlgrade.report.redact import public
from dlgrade.report.words import WORDS, points, ratio, seconds
from dlgrade.text import visible

# Named colours only: the terminal's theme decides what they are, so they can be read on light and on dark.
STYLES = {Mark.PASSED: "green", Mark.FAILED: "red", Mark.ABSENT: "dim", Mark.BROKEN: "magenta"}

# Evidence comes bounded; these keep one talkative submission from pushing everything else off the screen.
LIMIT = 10_000
FRAMES = 8
BAR, LABEL = 30, 24
OUTPUT_LIMIT = 1200


def heading(title: str, name: str, path: str) -> Text:
    """What is being checked: the exercise's title, its name, and the file that was read."""
    return Text.assemble((_line(title), "bold"), "\n", (f"{_line(name)} · {_line(path)}", "dim"))


def check_line(result: CheckResult, *, width: int | None = None) -> Text:
    """One check as one line of progress: a mark, the claim, the points, and a word for what went wrong.

    Args:
        result: the check's outcome.
        width: the console's width; a longer line is then broken with its further lines indented under the claim.
    """
    result = public(result)
    mark = outline.mark(result)
    line = _prose(result.says)
    if result.max_points:
        line.append(f"  {number(result.points)}/{number(result.max_points)}", "dim")
    if result.outcome is not Outcome.PASSED:
        line.append("  ").append(outline.word(result), STYLES[mark])
    hanging = Hanging(Text.assemble("  ", (mark.value, STYLES[mark]), " "), line)
    return hanging.joined(Console(width=width), width) if width else Text.assemble(hanging.prefix, line)


def details(report: Report) -> list[RenderableType]:
    """What to do about each check that was not passed, a block for each; nothing where all were passed.

    Neighbours that failed for one and the same reason share a block, a hint is given in full only once, and what has
    not been started is a single line at the end.
    """
    file = outline.file_name(report)
    shown: list[RenderableType] = [
        Group(Text(), *_claims(block.results), *_why(block, file)) for block in outline.blocks(report)
    ]
    missing = outline.not_started(report)
    if missing:
        shown.append(Group(Text(), _to_do(missing)))
    return shown


def summary(report: Report, hidden_points: float = 0.0) -> Text:
    """What the report comes to, in a line; others say what it leaves out, and that the code was not isolated."""
    text = Text.assemble(
        (_line(report.exercise), "bold"),
        ": ",
        points(report.points, report.max_points),
        " · ",
        (WORDS[f"verdict {report.verdict}"], f"bold {STYLES[VERDICTS[report.verdict]]}"),
        (f" · {seconds(report.seconds)}", "dim"),
    )
    if hidden_points:
        text.append("\n").append(WORDS["public only"].format(points=number(hidden_points)))
    if report.isolation == "process":
        text.append("\n").append(WORDS["not isolated"], "dim")
    return text


def overview(reports: Sequence[Report]) -> RenderableType:
    """Several exercises as a table, with the sum below."""
    earned = added(report.points for report in reports)
    max_points = added(report.max_points for report in reports)
    several = len(reports) > 1
    table = Table(box=box.SIMPLE, show_footer=several, header_style="dim", footer_style="dim", border_style="dim")
    table.add_column(
        Text(WORDS["exercise column"]), Text(WORDS["total"].format(count=len(reports))), overflow="fold", min_width=8
    )
    table.add_column(
        Text(WORDS["points column"]),
        Text(f"{number(earned)}/{number(max_points)}"),
        justify="right",
        no_wrap=True,
    )
    table.add_column(Text(WORDS["verdict column"]), no_wrap=True)
    for report in reports:
        mark = VERDICTS[report.verdict]
        table.add_row(
            Text.assemble((f"{_line(report.unit)}/", "dim"), _line(report.exercise)),
            Text(f"{number(report.points)}/{number(report.max_points)}"),
            Text(f"{mark.value} {WORDS[f'verdict {report.verdict}']}", STYLES[mark]),
        )
    return table


# -- the parts of a block ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hanging:
    """A prefix and a body whose further lines are indented under its first, without padding on the right."""

    prefix: Text
    body: Text

    def joined(self, console: Console, width: int) -> Text:
        """The whole as one text whose lines fit the width."""
        indent = self.prefix.cell_len
        lines = self.body.wrap(console, max(width - indent, 1), overflow="fold")
        for line in lines:
            line.rstrip()
        return Text.assemble(self.prefix, Text("\n" + " " * indent).join(lines))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.joined(console, options.max_width)


def _claims(results: Sequence[CheckResult]) -> Iterator[RenderableType]:
    # They share their outcome, and so its mark and its word.
    mark, word = outline.mark(results[0]), outline.word(results[0])
    style = STYLES[mark]
    if len(results) > outline.CLAIMS:
        many = WORDS["many"].format(count=len(results))
        yield Text.assemble((f"{mark.value} ", f"bold {style}"), (many, "bold"), "  ", (word, style))
        return
    for result in results:
        claim = _prose(result.says, "bold")
        if result.outcome is not Outcome.PASSED:
            claim.append("  ").append(word, style)
        yield Hanging(Text(f"{mark.value} ", f"bold {style}"), claim)


def _why(block: Block, file: str) -> Iterator[RenderableType]:
    """Everything below the claim, in the order in which it helps."""
    result = block.result
    evidence = result.evidence
    if evidence and evidence.message:
        yield Hanging(Text("  "), _prose(evidence.message, lines=True))
    if result.hint:
        yield from _hint(block, result.hint)
    if not evidence:
        return
    if evidence.call is not None:
        yield Text()
        yield _code(evidence.call)
    if evidence.expected is not None or evidence.got is not None or evidence.worst:
        yield Text()
        yield from _values(evidence)
    if evidence.race:
        yield Text()
        yield Bars(evidence.race, STYLES[outline.mark(result)])
        yield Hanging(Text("    "), Text(outline.race_caption(evidence.race, _line), "dim"))
    if evidence.traceback:
        yield Text()
        yield from _frames(evidence.traceback, file)
    if evidence.output:
        yield Text()
        yield from _output(evidence.output)
    if evidence.notes:
        yield Text()
        for note in evidence.notes:
            yield Hanging(Text("  · ", "dim"), _prose(note, lines=True))


def _hint(block: Block, hint: str) -> Iterator[RenderableType]:
    arrow, label = Text("  → ", "bold yellow"), outline.hint_label(block)
    if block.reminder:
        yield Hanging(arrow, Text.assemble((label, "yellow"), " ", _prose(outline.reminder(_line(hint)))))
        return
    yield Text()
    yield Hanging(arrow, Text.assemble((label, "bold yellow"), " ", _prose(hint, "bold", lines=True)))


def _code(call: str) -> Text:
    # Whole, whatever its length: half a counterexample is none. The terminal breaks the line, and copying mends it.
    code = visible(call, limit=len(call), lines=True)
    return Text("\n".join(f"    {line}" for line in code.split("\n")), "cyan", no_wrap=True, overflow="ignore")


def _values(evidence: Evidence) -> Iterator[RenderableType]:
    labels = [WORDS["expected"], WORDS["got"]]
    column = max(Text(label).cell_len for label in labels) + 2
    for label, value in zip(labels, (evidence.expected, evidence.got), strict=True):
        if value is not None:
            prefix = Text("    ").append(label, "dim")
            prefix.pad_right(4 + column - prefix.cell_len)
            yield Hanging(prefix, Text(_block(value)))
    # A single number has no place in an array, and nothing to add to what stands above it.
    if evidence.worst and (evidence.worst.index or evidence.expected is None):
        yield Hanging(Text("    "), Text(_worst(evidence.worst)))


def _worst(worst: Worst) -> str:
    form = WORDS["worst" if worst.index else "only"]
    return form.format(index=list(worst.index), expected=_line(worst.expected), got=_line(worst.got))


@dataclass(frozen=True)
class Bars:
    """A bar for each version of a race, as wide as there is room; one that would run off the chart says so."""

    race: Race
    style: str
    """How the submission's own bar looks."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        chart = outline.chart(self.race)
        labels = [Text(_line(outline.bar_label(bar))[:LABEL]) for bar in chart.bars]
        ratios = [f" {ratio(bar)}" for bar in chart.bars]
        column = 4 + max((label.cell_len for label in labels), default=0) + 2
        width = min(BAR, max(1, options.max_width - column - max(map(len, ratios), default=0)))
        for label, told, bar in zip(labels, ratios, chart.bars, strict=True):
            length = max(1, round(width * chart.share(bar.ratio)))
            drawn = "█" * (width - 1) + "▶" if chart.runs_off(bar) else "█" * length
            style = self.style if bar.label == "yours" else "dim"
            if bar.label == "limit":
                drawn, style = "·" * (length - 1) + "|", ""
            prefix = Text("    ").append_text(label)
            prefix.pad_right(column - prefix.cell_len)
            yield Text.assemble(prefix, (drawn, style), told, no_wrap=True, overflow="ignore")


def _frames(frames: Sequence[Frame], file: str) -> Iterator[RenderableType]:
    runs = outline.runs(frames)
    # The way in and the place where it broke are at the ends; a recursion repeats itself between them.
    cut = len(runs) - FRAMES
    for place, (frame, times) in enumerate(runs):
        if cut > 0 and place == 2:
            yield Text("    " + WORDS["more frames"].format(count=sum(times for _, times in runs[2 : 2 + cut])), "dim")
        if cut > 0 and 2 <= place < 2 + cut:
            continue
        yield _frame(frame, file)
        if times > 1:
            yield Text("    " + WORDS["again"].format(count=times - 1), "dim")


def _frame(frame: Frame, file: str) -> RenderableType:
    place = WORDS["frame"].format(file=_line(file), line=frame.line, function=_line(frame.function))
    return Hanging(Text("    "), Text.assemble((place, "dim"), "  ", _line(frame.text.strip())))


def _output(output: str) -> Iterator[RenderableType]:
    yield Text(f"  {WORDS['printed']}", "dim")
    for line in outline.printed(visible(output.strip("\n"), limit=OUTPUT_LIMIT, lines=True)):
        yield Hanging(Text("    "), Text(line, "dim"))


def _to_do(missing: Sequence[str]) -> RenderableType:
    return Hanging(Text("– ", "dim"), Text(WORDS["to do"].format(names=", ".join(map(_line, missing)))))


# -- strangers' strings ------------------------------------------------------------------------------------------------


def _line(text: str) -> str:
    return visible(text, limit=LIMIT)


def _block(text: str) -> str:
    return visible(text, limit=LIMIT, lines=True)


def _prose(text: str, style: str = "", *, lines: bool = False) -> Text:
    """A sentence in which what stands between backticks looks like code."""
    prose = Text(_block(text) if lines else _line(text), style)
    prose.highlight_regex(re.compile(r"`[^`\n]+`"), "cyan")
    return prose
