"""Reports for a terminal, as rich renderables that somebody else prints; nothing in a submission is ever obeyed as
markup or as an escape sequence.

Print with `console.print(..., crop=False)`: a counterexample is one line however long, so that it can be copied, and
rich would cut it at the console's width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from dlgrade.model import NOT_STARTED, CheckResult, Evidence, Frame, Outcome, Race, Report, Verdict, Worst, plain
from dlgrade.report.redact import public
from dlgrade.text import visible

# Every word that a student reads here and that no exercise brings along, so that it can be translated in one place.
WORDS = {
    # outcomes, as one word after a check's points
    "passed": "passed",
    "failed": "wrong",
    "raised": "raised an error",
    "timed_out": "timed out",
    "too_slow": "too slow",
    "out_of_memory": "ran out of memory",
    "crashed": "crashed",
    "protocol_violation": "no valid answer",
    "forbidden": "not allowed here",
    "skipped": "skipped",
    "inconclusive": "too noisy to decide",
    "broken": "the grader's fault, not yours",
    "not_started": "not started yet",
    # verdicts
    "verdict passed": "passed",
    "verdict failed": "failed",
    "verdict broken": "could not be graded",
    # details
    "cause": "Likely cause:",
    "same cause": "Likely cause, as above:",
    "hint": "Hint:",
    "same hint": "Hint, as above:",
    "expected": "expected",
    "got": "got",
    "only": "expected {expected}, got {got}",
    "worst": "worst at {index}: expected {expected}, got {got}",
    "frame": "{file} line {line}, in {function}:",
    "bar yours": "yours",
    "bar limit": "the limit",
    "bar library": "torch's own",
    "bar reference": "the reference",
    "race": "{size} on the {device}: {clock} of {rounds} rounds side by side; torch's own takes {milliseconds} ms",
    "clock processor": "processor time",
    "clock wall": "time until the result was there,",
    "again": "… the same line {count} more times",
    "more frames": "… {count} more lines",
    "printed": "Your code printed:",
    "more lines": "… and {count} more lines",
    "many": "{count} checks",
    "to do": "Not started yet: {names}",
    # totals
    "points": "{points} of {max_points} points",
    "seconds": "{seconds} s",
    "minutes": "{minutes} min {seconds} s",
    "not isolated": "not isolated: for your own code only",
    "exercise column": "exercise",
    "points column": "points",
    "verdict column": "verdict",
    "total": "{count} exercises",
}

# Named colours only: the terminal's theme decides what they are, so they can be read on light and on dark.
PASSED = ("✓", "green")
FAILED = ("✗", "red")
ABSENT = ("–", "dim")
BROKEN = ("!", "magenta")
MARKS = {
    Outcome.PASSED: PASSED,
    Outcome.SKIPPED: ABSENT,
    Outcome.INCONCLUSIVE: BROKEN,
    Outcome.BROKEN: BROKEN,
}
VERDICTS = {Verdict.PASSED: PASSED, Verdict.FAILED: FAILED, Verdict.BROKEN: BROKEN}

# Evidence comes bounded; these keep one talkative submission from pushing everything else off the screen.
LIMIT = 10_000
FRAMES = 8
CLAIMS = 3
CHART = 3
"""A chart shows no more than so many times the limit."""
WIDTH, LABEL = 30, 24
OUTPUT_LINES = 12
OUTPUT_LIMIT = 1200
REMINDER = 48


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
    mark, style = _mark(result)
    line = _prose(result.says)
    if result.max_points:
        line.append(f"  {_number(result.points)}/{_number(result.max_points)}", "dim")
    if result.outcome is not Outcome.PASSED:
        line.append("  ").append(WORDS[_word(result)], style)
    hanging = Hanging(Text.assemble("  ", (mark, style), " "), line)
    return hanging.joined(Console(width=width), width) if width else Text.assemble(hanging.prefix, line)


def details(report: Report) -> list[RenderableType]:
    """What to do about each check that was not passed, a block for each; nothing where all were passed.

    Neighbours that failed for one and the same reason share a block, a hint is given in full only once, and what has
    not been started is a single line at the end.
    """
    results = [public(result) for result in report.checks]
    waiting = [result for result in results if _word(result) == NOT_STARTED]
    started = [result for result in results if _word(result) != NOT_STARTED]
    telling = [result for result in started if result.outcome is not Outcome.PASSED or _says_something(result)]
    file = report.submission.path.replace("\\", "/").rpartition("/")[2] or f"{report.exercise}.py"
    told: set[str] = set()
    blocks: list[RenderableType] = []
    for _, group in groupby(telling, key=_reason):
        same = list(group)
        blocks.append(Group(Text(), *_claims(same), *_why(same[0], file, told)))
    if waiting:
        blocks.append(Group(Text(), _to_do(waiting, started)))
    return blocks


def summary(report: Report) -> Text:
    """What the report comes to, in a line; a second one warns where the code was not isolated."""
    _, style = VERDICTS[report.verdict]
    text = Text.assemble(
        (_line(report.exercise), "bold"),
        ": ",
        _points(report.points, report.max_points),
        " · ",
        (WORDS[f"verdict {report.verdict}"], f"bold {style}"),
        (f" · {_seconds(report.seconds)}", "dim"),
    )
    if report.isolation == "process":
        text.append("\n").append(WORDS["not isolated"], "dim")
    return text


def overview(reports: Sequence[Report]) -> RenderableType:
    """Several exercises as a table, with the sum below."""
    points = sum(report.points for report in reports)
    max_points = sum(report.max_points for report in reports)
    several = len(reports) > 1
    table = Table(box=box.SIMPLE, show_footer=several, header_style="dim", footer_style="dim", border_style="dim")
    table.add_column(
        Text(WORDS["exercise column"]), Text(WORDS["total"].format(count=len(reports))), overflow="fold", min_width=8
    )
    table.add_column(
        Text(WORDS["points column"]),
        Text(f"{_number(points)}/{_number(max_points)}"),
        justify="right",
        no_wrap=True,
    )
    table.add_column(Text(WORDS["verdict column"]), no_wrap=True)
    for report in reports:
        mark, style = VERDICTS[report.verdict]
        table.add_row(
            Text.assemble((f"{_line(report.unit)}/", "dim"), _line(report.exercise)),
            Text(f"{_number(report.points)}/{_number(report.max_points)}"),
            Text(f"{mark} {WORDS[f'verdict {report.verdict}']}", style),
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


def _says_something(result: CheckResult) -> bool:
    """Whether a passed check has something to show all the same: what was printed, or a note."""
    evidence = result.evidence
    return evidence is not None and bool(evidence.output or evidence.notes or evidence.race)


def _claims(results: Sequence[CheckResult]) -> Iterator[RenderableType]:
    if len(results) > CLAIMS:
        mark, style = _mark(results[0])
        many = WORDS["many"].format(count=len(results))
        yield Text.assemble((f"{mark} ", f"bold {style}"), (many, "bold"), "  ", (WORDS[_word(results[0])], style))
        return
    for result in results:
        mark, style = _mark(result)
        word = Text(WORDS[_word(result)], style)
        claim = _prose(result.says, "bold")
        if result.outcome is not Outcome.PASSED:
            claim.append("  ").append_text(word)
        yield Hanging(Text(f"{mark} ", f"bold {style}"), claim)


def _why(result: CheckResult, file: str, told: set[str]) -> Iterator[RenderableType]:
    """Everything below the claim, in the order in which it helps. `told` collects the hints given so far."""
    evidence = result.evidence
    if evidence and evidence.message:
        yield Hanging(Text("  "), _prose(evidence.message, lines=True))
    if result.hint:
        yield from _hint(result, result.hint, told)
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
        yield from _race(evidence.race, result.outcome)
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


def _hint(result: CheckResult, hint: str, told: set[str]) -> Iterator[RenderableType]:
    label = "cause" if result.misconception else "hint"
    arrow = Text("  → ", "bold yellow")
    if hint in told:
        brief = _line(hint)
        brief = brief if len(brief) <= REMINDER else f"{brief[:REMINDER].rpartition(' ')[0] or brief[:REMINDER]} …"
        yield Hanging(arrow, Text.assemble((WORDS[f"same {label}"], "yellow"), " ", _prose(brief)))
        return
    told.add(hint)
    yield Text()
    yield Hanging(arrow, Text.assemble((WORDS[label], "bold yellow"), " ", _prose(hint, "bold", lines=True)))


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


def _race(race: Race, outcome: Outcome) -> Iterator[RenderableType]:
    """A bar for each version, in units of the library's time; one that would run off the chart says so."""
    limit = next((bar.ratio for bar in race.bars if bar.label == "limit"), 1.0)
    full = min(max(bar.ratio for bar in race.bars), CHART * limit)
    labels = [_line(WORDS.get(f"bar {bar.label}", bar.label.replace("_", " ")))[:LABEL] for bar in race.bars]
    column = max(Text(label).cell_len for label in labels)
    for label, bar in sorted(zip(labels, race.bars, strict=True), key=lambda pair: pair[1].ratio):
        length = max(1, round(WIDTH * min(bar.ratio, full) / full))
        drawn = "█" * length if bar.ratio <= full else "█" * (WIDTH - 1) + "▶"
        style = "dim"
        if bar.label == "yours":
            style = MARKS.get(outcome, FAILED)[1]
        elif bar.label == "limit":
            drawn, style = "·" * (length - 1) + "|", ""
        told = f"{bar.ratio:.3g}×"
        if bar.low is not None and bar.high is not None:
            told += f"  ({bar.low:.3g} to {bar.high:.3g})"
        prefix = Text(f"    {label}")
        prefix.pad_right(4 + column + 2 - prefix.cell_len)
        yield Text.assemble(prefix, (drawn, style), " ", told, no_wrap=True, overflow="ignore")
    told = WORDS["race"].format(
        size=_line(race.size),
        device=_line(race.device),
        clock=WORDS[f"clock {race.clock}"],
        rounds=race.rounds,
        milliseconds=f"{race.milliseconds:.3g}",
    )
    yield Hanging(Text("    "), Text(told, "dim"))


def _frames(frames: Sequence[Frame], file: str) -> Iterator[RenderableType]:
    runs = [(frame, len(list(run))) for frame, run in groupby(frames)]
    # The way in and the place where it broke are at the ends; a recursion repeats itself between them.
    cut = len(runs) - FRAMES
    for number, (frame, times) in enumerate(runs):
        if cut > 0 and number == 2:
            yield Text("    " + WORDS["more frames"].format(count=sum(times for _, times in runs[2 : 2 + cut])), "dim")
        if cut > 0 and 2 <= number < 2 + cut:
            continue
        yield _frame(frame, file)
        if times > 1:
            yield Text("    " + WORDS["again"].format(count=times - 1), "dim")


def _frame(frame: Frame, file: str) -> RenderableType:
    place = WORDS["frame"].format(file=_line(file), line=frame.line, function=_line(frame.function))
    return Hanging(Text("    "), Text.assemble((place, "dim"), "  ", _line(frame.text.strip())))


def _output(output: str) -> Iterator[RenderableType]:
    lines = visible(output.strip("\n"), limit=OUTPUT_LIMIT, lines=True).split("\n")
    yield Text(f"  {WORDS['printed']}", "dim")
    for line in lines[:OUTPUT_LINES]:
        yield Hanging(Text("    "), Text(line, "dim"))
    if len(lines) > OUTPUT_LINES:
        yield Text("    " + WORDS["more lines"].format(count=len(lines) - OUTPUT_LINES), "dim")


def _to_do(waiting: Sequence[CheckResult], others: Sequence[CheckResult]) -> RenderableType:
    # A backward pass is checked together with its forward pass, which another check shows to be there.
    started = {name for result in others for name in result.entry_points}
    names: dict[str, None] = {}
    for result in waiting:
        missing = [name for name in result.entry_points if name not in started]
        names |= dict.fromkeys(missing or result.entry_points or (result.name,))
    text = WORDS["to do"].format(names=", ".join(_line(name) for name in names))
    return Hanging(Text("– ", "dim"), Text(text))


# -- words, numbers and strangers' strings -----------------------------------------------------------------------------


def _word(result: CheckResult) -> str:
    waiting = result.outcome is not Outcome.PASSED and result.evidence and result.evidence.rung == NOT_STARTED
    return NOT_STARTED if waiting else result.outcome.value


def _mark(result: CheckResult) -> tuple[str, str]:
    return ABSENT if _word(result) == NOT_STARTED else MARKS.get(result.outcome, FAILED)


def _reason(result: CheckResult) -> tuple[object, ...]:
    """What neighbours must share to share a block. Without evidence there is nothing to share but the outcome."""
    return result.outcome, result.evidence, result.misconception, result.hint


def _points(points: float, max_points: float) -> str:
    return WORDS["points"].format(points=_number(points), max_points=_number(max_points))


def _number(value: float) -> str:
    return str(plain(round(value, 2)))


def _seconds(seconds: float) -> str:
    if seconds < 59.95:
        return WORDS["seconds"].format(seconds=f"{seconds:.2f}" if seconds < 9.995 else f"{seconds:.1f}")
    minutes, rest = divmod(round(seconds), 60)
    return WORDS["minutes"].format(minutes=minutes, seconds=rest)


def _line(text: str) -> str:
    return visible(text, limit=LIMIT)


def _block(text: str) -> str:
    return visible(text, limit=LIMIT, lines=True)


def _prose(text: str, style: str = "", *, lines: bool = False) -> Text:
    """A sentence in which what stands between backticks looks like code."""
    prose = Text(_block(text) if lines else _line(text), style)
    prose.highlight_regex(re.compile(r"`[^`\n]+`"), "cyan")
    return prose
