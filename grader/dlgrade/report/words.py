"""Every word that a reader of a report sees and that no exercise brings along, so that it is translated in one place;
and numbers as they are read."""

from __future__ import annotations

from dlgrade.model import Bar, plain

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
    "call": "To see it, run:",
    "expected": "expected",
    "got": "got",
    "only": "expected {expected}, got {got}",
    "worst": "worst at {index}: expected {expected}, got {got}",
    "heat": "the stronger the colour, the further off",
    "traceback": "Where it happened:",
    "frame": "{file} line {line}, in {function}:",
    "again": "… the same line {count} more times",
    "more frames": "… {count} more lines",
    "printed": "Your code printed:",
    "more lines": "… and {count} more lines",
    "notes": "Notes:",
    "many": "{count} checks",
    "to do": "Not started yet: {names}",
    # how long it took, side by side with others
    "bar yours": "yours",
    "bar limit": "the limit",
    "bar reference": "the reference",
    "ratio": "{ratio}×",
    "interval": "({low} to {high})",
    "race": "{size} on the {device}: {clock} of {rounds} rounds side by side; {against} takes {milliseconds} ms",
    "clock processor": "processor time",
    "clock wall": "time until the result was there,",
    # totals
    "points": "{points} of {max_points} points",
    "seconds": "{seconds} s",
    "minutes": "{minutes} min {seconds} s",
    "not isolated": "not isolated: for your own code only",
    "circumstances": "{path} · device: {device} · isolation: {isolation} · seed: {seed} · {seconds}",
    "check column": "check",
    "outcome column": "outcome",
    "exercise column": "exercise",
    "points column": "points",
    "verdict column": "verdict",
    "total": "{count} exercises",
}


def number(value: float) -> str:
    """Points as they are read: whole ones without a fraction, others with two digits at most."""
    return str(plain(round(value, 2)))


def points(earned: float, of: float) -> str:
    """What was earned of what could be, in words."""
    return WORDS["points"].format(points=number(earned), max_points=number(of))


def seconds(value: float) -> str:
    """A time with its unit."""
    if value < 59.95:
        return WORDS["seconds"].format(seconds=f"{value:.2f}" if value < 9.995 else f"{value:.1f}")
    minutes, rest = divmod(round(value), 60)
    return WORDS["minutes"].format(minutes=minutes, seconds=rest)


def ratio(bar: Bar) -> str:
    """How many times the library's time a version takes, with the interval where there is one."""
    told = WORDS["ratio"].format(ratio=f"{bar.ratio:.3g}")
    if bar.low is None or bar.high is None:
        return told
    return f"{told} {WORDS['interval'].format(low=f'{bar.low:.3g}', high=f'{bar.high:.3g}')}"
