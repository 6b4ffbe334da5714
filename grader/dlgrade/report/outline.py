"""What people are told of a report and in which order, whatever it is drawn with.

Texts are still as they came: the renderer that writes one makes it safe, so that no text is missed or escaped twice.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from dlgrade.model import NOT_STARTED, Bar, CheckResult, Frame, Outcome, Race, Report, Verdict
from dlgrade.report.redact import public
from dlgrade.report.words import WORDS


class Mark(enum.Enum):
    """What a reader sees of an outcome first."""

    PASSED = "✓"
    FAILED = "✗"
    ABSENT = "–"
    BROKEN = "!"


MARKS = {
    Outcome.PASSED: Mark.PASSED,
    Outcome.SKIPPED: Mark.ABSENT,
    Outcome.INCONCLUSIVE: Mark.BROKEN,
    Outcome.BROKEN: Mark.BROKEN,
}
VERDICTS = {Verdict.PASSED: Mark.PASSED, Verdict.FAILED: Mark.FAILED, Verdict.BROKEN: Mark.BROKEN}

CLAIMS = 3
"""No more checks than so many are named at the head of a block that they share."""
CHART = 3
"""A chart shows no more than so many times the limit."""
REMINDER = 48
OUTPUT_LINES = 12
"""So many lines of what a submission printed, where the rest is not scrolled to but in the way."""


@dataclass(frozen=True)
class Block:
    """Neighbours that went wrong for one and the same reason, or a check that passed and has something to show."""

    results: tuple[CheckResult, ...]
    reminder: bool
    """Whether the hint was given in full further up."""

    @property
    def result(self) -> CheckResult:
        """The check whose evidence and hint are those of all."""
        return self.results[0]


def mark(result: CheckResult) -> Mark:
    """The mark of a check's outcome."""
    return Mark.ABSENT if _waits(result) else MARKS.get(result.outcome, Mark.FAILED)


def word(result: CheckResult) -> str:
    """The word for a check's outcome."""
    return WORDS[NOT_STARTED if _waits(result) else result.outcome.value]


def blocks(report: Report) -> list[Block]:
    """What to do about each check that was not passed, but for what has not been started; without what is hidden."""
    started = [result for result in map(public, report.checks) if not _waits(result)]
    telling = [result for result in started if result.outcome is not Outcome.PASSED or _says_something(result)]
    told: set[str] = set()
    found = []
    for _, group in groupby(telling, key=_reason):
        same = tuple(group)
        hint = same[0].hint
        found.append(Block(same, bool(hint) and hint in told))
        if hint:
            told.add(hint)
    return found


def not_started(report: Report) -> list[str]:
    """The names of what has not been started."""
    results = [public(result) for result in report.checks]
    # A backward pass is checked together with its forward pass, which another check shows to be there.
    started = {name for result in results if not _waits(result) for name in result.entry_points}
    names: dict[str, None] = {}
    for result in results:
        if _waits(result):
            missing = [name for name in result.entry_points if name not in started]
            names |= dict.fromkeys(missing or result.entry_points or (result.name,))
    return list(names)


def hint_label(block: Block) -> str:
    """What stands before a block's hint."""
    label = "cause" if block.result.misconception else "hint"
    return WORDS[f"same {label}" if block.reminder else label]


def reminder(hint: str) -> str:
    """The beginning of a hint, which was given in full further up."""
    return hint if len(hint) <= REMINDER else f"{hint[:REMINDER].rpartition(' ')[0] or hint[:REMINDER]} …"


def file_name(report: Report) -> str:
    """The name of the file that was handed in, without its folders."""
    return report.submission.path.replace("\\", "/").rpartition("/")[2] or f"{report.exercise}.py"


def runs(frames: Sequence[Frame]) -> list[tuple[Frame, int]]:
    """Each line of a traceback with how often it follows itself: a recursion repeats itself."""
    return [(frame, len(list(run))) for frame, run in groupby(frames)]


def printed(output: str) -> list[str]:
    """The first lines of what was printed, and how many more there are."""
    lines = output.strip("\n").split("\n")
    more = [WORDS["more lines"].format(count=len(lines) - OUTPUT_LINES)] if len(lines) > OUTPUT_LINES else []
    return lines[:OUTPUT_LINES] + more


# -- a chart -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chart:
    """The bars of a race, shortest first, and how long they are drawn."""

    bars: tuple[Bar, ...]
    full: float
    """The ratio that takes the whole width; what is longer runs off the chart."""
    limit: float | None

    def share(self, ratio: float) -> float:
        """The share of the whole width that a ratio takes."""
        return max(0.0, min(ratio / self.full, 1.0))

    def runs_off(self, bar: Bar) -> bool:
        """Whether a bar would be longer than the chart is wide."""
        return bar.ratio > self.full


def chart(race: Race) -> Chart:
    """How a race is drawn: in units of the library's time, and no wider than tells something about the limit."""
    limit = next((bar.ratio for bar in race.bars if bar.label == "limit"), None)
    longest = max((bar.ratio for bar in race.bars), default=0.0)
    full = min(longest, CHART * (limit or 1.0)) or 1.0
    return Chart(tuple(sorted(race.bars, key=lambda bar: bar.ratio)), full, limit)


def bar_label(bar: Bar) -> str:
    """What a bar is called."""
    return WORDS.get(f"bar {bar.label}", bar.label.replace("_", " "))


def race_caption(race: Race, safe: Callable[[str], str]) -> str:
    """What was raced, in a sentence whose strings have been made safe."""
    return WORDS["race"].format(
        size=safe(race.size),
        device=safe(race.device),
        clock=WORDS[f"clock {race.clock}"],
        rounds=race.rounds,
        against=safe(race.against),
        milliseconds=f"{race.milliseconds:.3g}",
    )


# -- what belongs together ---------------------------------------------------------------------------------------------


def _waits(result: CheckResult) -> bool:
    evidence = result.evidence
    return result.outcome is not Outcome.PASSED and evidence is not None and evidence.rung == NOT_STARTED


def _says_something(result: CheckResult) -> bool:
    """Whether a passed check has something to show all the same: what was printed, a note, or how fast it was."""
    evidence = result.evidence
    return evidence is not None and bool(evidence.output or evidence.notes or evidence.race)


def _reason(result: CheckResult) -> tuple[object, ...]:
    """What neighbours must share to share a block. Without evidence there is nothing to share but the outcome."""
    return result.outcome, result.evidence, result.misconception, result.hint
