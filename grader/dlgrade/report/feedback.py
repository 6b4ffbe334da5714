"""A student's page over all exercises: how each grade comes about, as a sum that can be followed, then every check."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from dlgrade.model import Report, Verdict
from dlgrade.points import added, equals, number, product, signed
from dlgrade.report import markdown
from dlgrade.report.html import class_of, findings
from dlgrade.report.outline import VERDICTS, Mark
from dlgrade.report.page import element, heads, line, page, scrolled
from dlgrade.report.words import WORDS, points


@dataclass(frozen=True)
class Change:
    """Points that a person gave or took; who it was is no matter of the student's."""

    points: float
    reason: str


@dataclass(frozen=True)
class Attempt:
    """One submission of several. `points` are what its checks gave; None if the grader failed on it."""

    number: int
    when: str
    points: float | None
    counts: bool


@dataclass(frozen=True)
class Account:
    """How the grade for one exercise comes about."""

    exercise: str
    points: float
    """What the checks gave."""
    max_points: float
    credit: float | None
    """The share that lateness leaves; None if there is no grade yet."""
    share: str
    """The same, as a percentage."""
    lateness: str
    """Why, in words."""
    earned: float | None
    """Points × credit."""
    graded: float | None
    """What counts; None if there is no grade yet."""
    weight: float = 1.0
    due: str | None = None
    when: str | None = None
    """When it was handed in; None if it was not."""
    changes: tuple[Change, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    """In order of time."""
    rule: str = "last"
    """Which of them counts: `best` or `last`."""
    report: Report | None = None

    @property
    def mark(self) -> Mark:
        """What a reader sees of it first."""
        if self.graded is None:
            return Mark.BROKEN
        return Mark.ABSENT if self.report is None else VERDICTS[self.report.verdict]

    @property
    def word(self) -> str:
        """The word for how it went."""
        if self.graded is None:
            return WORDS["no grade"]
        return WORDS["not handed in"] if self.report is None else WORDS[f"verdict {self.report.verdict}"]


@dataclass(frozen=True)
class Total:
    """What all exercises come to."""

    points: float
    max_points: float
    share: str


@dataclass(frozen=True)
class Feedback:
    """All that a student is told."""

    student: str
    course: str
    accounts: tuple[Account, ...]
    total: Total | None
    """None where not all exercises are among them."""


@dataclass(frozen=True)
class Step:
    """A line of the sum: what, how many points, and why."""

    what: str
    amount: str
    why: str = ""


def steps(account: Account) -> Iterator[Step]:
    """How the points for an exercise come about, a line for each thing that changes them."""
    if account.when is not None:
        most = WORDS["of all"].format(max_points=number(account.max_points))
        yield Step(WORDS["of the checks"], number(account.points), most)
    if account.graded is None:
        return
    if account.credit is not None:
        yield Step(WORDS["credit column"], WORDS["credit"].format(share=account.share), account.lateness)
    earned = account.earned or 0.0
    shown = [account.points, product(100, account.credit or 0.0), earned]
    if account.changes and account.credit not in (None, 1.0):
        yield Step("", f"{equals(*shown)} {number(earned)}")
    changes = [change.points for change in account.changes]
    for change in account.changes:
        sign, amount = signed(change.points)[0], number(abs(change.points))
        yield Step("", f"{sign} {amount}", change.reason)
    least = WORDS["never below"] if added((earned, *changes)) < 0 else ""
    yield Step(WORDS["result"], f"{equals(*shown, *changes, account.graded)} {number(account.graded)}", least)


def times(account: Account) -> str:
    """When it was handed in, and when it was due."""
    told = []
    if account.when is not None:
        told.append(WORDS["handed in"].format(when=account.when))
    if account.due is not None:
        told.append(WORDS["was due"].format(due=account.due))
    return ", ".join(told)


def _counts(account: Account) -> str:
    return "–" if account.graded is None else number(account.graded)


def _earned(account: Account) -> str:
    return "–" if account.when is None else f"{number(account.points)}/{number(account.max_points)}"


def _result(account: Account) -> str:
    return points(account.graded or 0.0, account.max_points)


def _weighs(feedback: Feedback) -> bool:
    return any(account.weight != 1.0 for account in feedback.accounts)


def _totals(feedback: Feedback) -> list[str]:
    """How the exercises add up, as lines."""
    total = feedback.total
    if total is None:
        return []
    terms = [account for account in feedback.accounts if account.graded is not None and account.weight]
    sums = [
        number(account.graded or 0.0)
        if account.weight == 1.0
        else WORDS["weighed"].format(points=number(account.graded or 0.0), weight=number(account.weight))
        for account in terms
    ]
    said = WORDS["in all said"].format(
        points=number(total.points), max_points=number(total.max_points), share=total.share
    )
    if len(sums) < 2:
        return [said]
    shown = [value for account in terms for value in (account.graded or 0.0, account.weight)]
    return [said, f"{' + '.join(sums)} {equals(*shown, total.points)} {number(total.points)}"]


# -- HTML --------------------------------------------------------------------------------------------------------------


def to_html(feedback: Feedback) -> str:
    """A student's page."""
    head = [element("h1", element("bdi", line(feedback.student)))]
    if feedback.course:
        head.insert(0, element("p", line(feedback.course), class_="quiet over"))
    sections = [
        element("section", *_section(account), class_="report", id=f"exercise-{place}")
        for place, account in enumerate(feedback.accounts, 1)
    ]
    return page(WORDS["feedback"].format(student=feedback.student), *head, *_overview(feedback), *sections)


def _overview(feedback: Feedback) -> Iterator[ET.Element]:
    totals = _totals(feedback)
    if totals:
        yield element("p", totals[0], class_="sum")
    rows, weighs = [], _weighs(feedback)
    for place, account in enumerate(feedback.accounts, 1):
        cells = [
            element("th", element("a", line(account.exercise), href=f"#exercise-{place}"), scope="row"),
            element(
                "td",
                f"{account.mark.value}\u00a0",
                element("span", account.word, class_="said"),
                class_=class_of(account.mark),
            ),
            element("td", _earned(account), class_="points"),
            element("td", account.share or "–", class_="points"),
            element("td", _counts(account), class_="points"),
        ]
        if weighs:
            cells.append(element("td", f"× {number(account.weight)}", class_="points"))
        rows.append(element("tr", *cells))
    names = ["exercise", "verdict", "points", "credit", "counts", *(["weight"] if weighs else [])]
    columns = [WORDS[f"{name} column"] for name in names]
    table = element("table", heads(columns, columns[2:]), element("tbody", *rows))
    yield scrolled(table, WORDS["all"])
    if totals[1:]:
        yield element("p", totals[1], class_="quiet sum-of")


def _section(account: Account) -> Iterator[ET.Element]:
    yield element("h2", line(account.exercise))
    said = f" · {_result(account)}" if account.graded is not None else ""
    word = element("span", f"{account.mark.value} {account.word}", class_=class_of(account.mark))
    yield element("p", word, said, class_="sum")
    if times(account):
        yield element("p", line(times(account)), class_="quiet")
    yield element("h3", WORDS["sum"], class_="label")
    if account.graded is None:
        yield element("p", WORDS["no grade said"])
    rows = [
        element(
            "tr",
            element("th", step.what, scope="row"),
            element("td", step.amount, class_="points"),
            element("td", line(step.why), class_="quiet"),
        )
        for step in steps(account)
    ]
    rows[-1:] = [element("tr", *rows[-1], class_="result")] if rows and account.graded is not None else rows[-1:]
    yield element("table", element("tbody", *rows), class_="arithmetic")
    if len(account.attempts) > 1:
        yield element("h3", WORDS["attempts"], class_="label")
        yield element("p", WORDS[f"attempt {account.rule}"].format(count=len(account.attempts)))
        yield _attempts(account)
    if account.report is not None:
        checks, *rest = findings(account.report, 3)
        if account.report.verdict is Verdict.PASSED:
            told = WORDS["all hold"].format(count=len(account.report.checks))
            checks = element("details", element("summary", told), checks)
        yield checks
        yield from rest


def _attempts(account: Account) -> ET.Element:
    rows = [
        element(
            "tr",
            element("th", str(attempt.number), scope="row", class_="points"),
            element("td", line(attempt.when)),
            element("td", "–" if attempt.points is None else number(attempt.points), class_="points"),
            element("td", WORDS["this counts"] if attempt.counts else ""),
        )
        for attempt in account.attempts
    ]
    columns = [WORDS[f"{name} column"] for name in ("attempt", "time", "points")]
    head = heads([*columns, ""], [columns[0], columns[2]])
    return scrolled(element("table", head, element("tbody", *rows), class_="narrow"), WORDS["attempts"])


# -- Markdown ----------------------------------------------------------------------------------------------------------


def to_markdown(feedback: Feedback) -> str:
    """The same as Markdown."""
    prose_of, table = markdown.prose, markdown.table
    parts = [f"# {prose_of(feedback.student)}"]
    if feedback.course:
        parts.append(prose_of(feedback.course))
    totals = _totals(feedback)
    if totals:
        parts.append(f"**{totals[0]}**")
    weighs = _weighs(feedback)
    names = ["exercise", "verdict", "points", "credit", "counts", *(["weight"] if weighs else [])]
    rows = [
        [
            prose_of(account.exercise, cell=True), f"{account.mark.value} {account.word}", _earned(account),
            account.share or "–", _counts(account), *([f"× {number(account.weight)}"] if weighs else []),
        ]
        for account in feedback.accounts
    ]  # fmt: skip
    parts.append(table([WORDS[f"{name} column"] for name in names], rows, right=range(2, len(names))))
    parts += totals[1:]
    for account in feedback.accounts:
        parts += _markdown(account)
    return "\n\n".join(parts) + "\n"


def _markdown(account: Account) -> Iterator[str]:
    yield f"## {markdown.prose(account.exercise)}"
    said = f" · {_result(account)}" if account.graded is not None else ""
    yield f"**{account.mark.value} {account.word}**{said}"
    if times(account):
        yield markdown.prose(times(account))
    if account.graded is None:
        yield WORDS["no grade said"]
    rows = [[step.what, step.amount, markdown.prose(step.why, cell=True)] for step in steps(account)]
    if rows:
        yield markdown.table([WORDS["sum"], "", ""], rows, right=[1])
    if len(account.attempts) > 1:
        yield WORDS[f"attempt {account.rule}"].format(count=len(account.attempts))
        tried = [
            [
                str(attempt.number), markdown.prose(attempt.when, cell=True),
                "–" if attempt.points is None else number(attempt.points),
                WORDS["this counts"] if attempt.counts else "",
            ]
            for attempt in account.attempts
        ]  # fmt: skip
        columns = [WORDS[f"{name} column"] for name in ("attempt", "time", "points")]
        yield markdown.table([*columns, ""], tried, right=[0, 2])
    if account.report is not None:
        yield from markdown.findings(account.report)
