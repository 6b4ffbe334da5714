"""Every word that a reader of a report sees and that no exercise brings along, so that it is translated in one place;
and numbers as they are read."""

from __future__ import annotations

from dlgrade.model import Bar
from dlgrade.points import number

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
    # pictures of where a result is wrong
    "where values": "Where it is wrong",
    "where gradient": "Where the gradient is wrong",
    "where slopes": "Where the finite differences are off",
    "where count": "{wrong} of {count} elements are wrong",
    "where window": "{wrong} of the {count} elements about the worst are wrong",
    "where shape": "in a result of shape {shape}",
    "where sliced": "of a result of shape {shape}",
    "where drawn": "On the input as it was drawn, before it was made small: {told}.",
    "where slice": "in the slice {slice}",
    "where off": "the strongest colour is off by {most}",
    "where signs": "+ too large, − too small",
    "where right": "· right",
    "where not finite": "× not a finite number",
    "against gradient": "Your gradient against the right one",
    "against slopes": "Finite differences against the right gradient",
    "across gradient": "right gradient",
    "across slopes": "right gradient",
    "up gradient": "yours",
    "up slopes": "finite differences",
    "against told": "each mark is an element: ○ right, on the line; ✕ wrong, off it",
    # totals
    "points": "{points} of {max_points} points",
    "seconds": "{seconds} s",
    "minutes": "{minutes} min {seconds} s",
    "not isolated": "not isolated: for your own code only",
    "public only": "These are the public checks. Hidden ones, worth {points} more, are run when you hand in.",
    "circumstances": "{path} · device: {device} · isolation: {isolation} · seed: {seed} · {seconds}",
    "check column": "check",
    "outcome column": "outcome",
    "exercise column": "exercise",
    "points column": "points",
    "verdict column": "verdict",
    "total": "{count} exercises",
    # feedback: how the points for an exercise come about
    "feedback": "Feedback for {student}",
    "all": "All exercises",
    "credit column": "credit",
    "counts column": "counts",
    "weight column": "weight",
    "sum": "How the points come about",
    "of the checks": "the checks",
    "of all": "of {max_points}",
    "handed in": "handed in {when}",
    "was due": "due {due}",
    "credit": "× {share}",
    "never below": "nobody is left with less than 0",
    "result": "counts",
    "in all said": "{points} of {max_points} points, {share}",
    "all hold": "All {count} checks hold",
    "weighed": "{points} × {weight}",
    "not handed in": "not handed in",
    "no grade": "no grade yet",
    "no grade said": "This could not be graded. Nothing of yours is to blame, and no point is lost: it will be graded "
    "again.",
    "attempts": "Attempts",
    "attempt best": "{count} attempts were handed in; the best one counts, and is the one below.",
    "attempt last": "{count} attempts were handed in; the last one counts, and is the one below.",
    "attempt column": "attempt",
    "time column": "handed in",
    "this counts": "counts",
    # a class
    "stats": "How the class did",
    "grades": "Grades",
    "students": "{count} students",
    "student": "1 student",
    "spread": "Points",
    "spread bin": "{low} to {high} points",
    "spread one": "{low} points",
    "spread said": "mean {mean}, median {median}, the middle half {lower} to {upper}; "
    "{full} with all points, {zero} with none",
    "to be regraded": "to be regraded, and not counted: {count}",
    "none graded": "None of {count} submissions could be graded.",
    "pass column": "passed by",
    "discrimination column": "discrimination",
    "median column": "median time",
    "hidden": "hidden",
    "of": "{share} %, {part} of {whole}",
    "checks": "Checks",
    "discrimination said": "Discrimination, from −1 to 1: how far those who pass a check are those who have the other "
    "points. A check that is near 0 or less tells nobody apart.",
    "misconceptions": "Commonest misconceptions",
    "misconceptions of": "Commonest misconceptions, {shown} of {count}",
    "students column": "students",
    "mean column": "mean",
    "median points column": "median",
    "full column": "all points",
    "student column": "student",
    "total column": "total",
    "reason column": "why",
    "sort": "Sort by",
    "shares": "Percentage of all points",
    "shares bin": "{low} to {high} %",
    "shares said": "of {count} students; mean {mean} %, median {median} %",
    "reasons": "Late, adjusted or to be regraded: {count}",
    "legend": "– not handed in · ! to be regraded · * late or adjusted: the reason is below",
}


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
