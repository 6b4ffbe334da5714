"""Records, policies and a course made by hand, for the tests of gradebook, grades and statistics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dlgrade.gradebook.policy import GradingPolicy, Span, Step, Terms
from dlgrade.gradebook.store import record
from dlgrade.model import CheckResult, Evidence, Outcome, Report, Submission

NOW = datetime(2026, 12, 20, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 11, 30, 23, 59, tzinfo=BERLIN)
DAY = timedelta(days=1)
LATE = (Step(Span(1), 0.9), Step(Span(7), 0.5))
POLICY = GradingPolicy(
    terms=(Terms("softmax", "02_losses", DUE), Terms("conv2d", "05_convolution", DUE + 7 * DAY, 2.0)),
    late=LATE,
    zone=BERLIN,
)


def check(name="agrees", points=3.0, outcome=None, *, max_points=3.0, **fields):
    outcome = outcome or (Outcome.PASSED if points == max_points else Outcome.FAILED)
    evidence = None if outcome is Outcome.PASSED else Evidence("It is wrong.")
    values = {"kind": "agreement", "entry_points": ("softmax",), "says": "Is right.", "hidden": False, "seconds": 0.5}
    return CheckResult(
        name=name, outcome=outcome, points=points, max_points=max_points, evidence=evidence, **(values | fields)
    )


def report(*checks, exercise="softmax", unit="02_losses", source=b"def softmax(): ..."):
    import hashlib

    submission = Submission(f"{exercise}.py", source, hashlib.sha256(source).hexdigest())
    return Report(exercise, unit, "strict", "cpu", 7, 0.4, submission, checks or (check(),))


def made(student="ada", *checks, exercise="softmax", attempt=1, when=DUE, key="k", points=None):
    """A record; with `points`, of one check of ten points."""
    if points is not None:
        checks = (check(points=float(points), max_points=10.0),)
    its = report(*checks, exercise=exercise)
    return record(its, student=student, attempt=attempt, when=when, key=key, graded_at=NOW)


def broken(student="ada", **fields):
    return made(student, check(points=0.0, outcome=Outcome.BROKEN, max_points=10.0), **fields)
