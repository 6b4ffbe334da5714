"""Two pages on a class, for its instructor: how it did in each exercise and check, and everybody's grades.

Grades can be sorted without a script: each row bears its place by every column, and the chosen column says which place
counts.
"""

from __future__ import annotations

import statistics
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from dlgrade.points import number, percent, share_of
from dlgrade.report.charts import histogram, share_bar, signed_bar
from dlgrade.report.page import element, heads, line, page, prose, scrolled
from dlgrade.report.words import WORDS, seconds

if TYPE_CHECKING:
    from dlgrade.gradebook.grades import Grade, Total
    from dlgrade.gradebook.statistics import CheckStatistics, ExerciseStatistics

BINS = 10
MISCONCEPTIONS = 10
"""Of each exercise."""
_UNEVENTFUL = ("on time", "no due time", "handed in at an unknown time: graded as on time")
"""The reasons of grades of which there is nothing to tell."""


# -- how the class did -------------------------------------------------------------------------------------------------


def statistics_page(course: str, exercises: Sequence[ExerciseStatistics], points: Mapping[str, Sequence[float]]) -> str:
    """How a class did: of each exercise how the points are spread, of each check who passed it, and the commonest
    misconceptions.

    Args:
        course: what it is called.
        exercises: in the order in which they are shown.
        points: what each student has for an exercise, before lateness and adjustments.
    """
    body = [element("p", line(course), class_="quiet over"), element("h1", WORDS["stats"])]
    if len(exercises) > 1:
        body.append(_exercises(exercises))
    for place, one in enumerate(exercises, 1):
        parts = _exercise(one, points.get(one.exercise, ()))
        body.append(element("section", *parts, class_="report", id=f"exercise-{place}"))
    return page(f"{course}: {WORDS['stats']}", *body)


def _exercises(exercises: Sequence[ExerciseStatistics]) -> ET.Element:
    rows = []
    for place, one in enumerate(exercises, 1):
        share = one.mean / one.max_points if one.mean is not None and one.max_points else None
        rows.append(
            element(
                "tr",
                element("th", element("a", line(one.exercise), href=f"#exercise-{place}"), scope="row"),
                element("td", str(one.students), class_="points"),
                element("td", _with_bar(share, f"{_short(one.mean)} / {number(one.max_points)}")),
                element("td", _short(one.median), class_="points"),
                element("td", str(one.full), class_="points"),
            )
        )
    names = [WORDS[f"{name} column"] for name in ("exercise", "students", "mean", "median points", "full")]
    head = heads(names, [names[1], *names[3:]])
    return scrolled(element("table", head, element("tbody", *rows)), WORDS["stats"])


def _exercise(one: ExerciseStatistics, points: Sequence[float]) -> Iterator[ET.Element]:
    yield element("h2", line(one.exercise))
    if not one.students:
        yield element("p", WORDS["none graded"].format(count=one.to_be_regraded))
        return
    yield element("p", _students(one.students), f" · {number(one.max_points)} {WORDS['points column']}", class_="sum")
    if one.to_be_regraded:
        yield element("p", WORDS["to be regraded"].format(count=one.to_be_regraded), class_="broken")
    spread = WORDS["spread said"].format(
        mean=_short(one.mean), median=_short(one.median), lower=_short(one.lower), upper=_short(one.upper),
        full=one.full, zero=one.zero,
    )  # fmt: skip
    if one.max_points > 0:
        yield element("div", _spread(points, one.max_points, spread), class_="charts")
    yield element("h3", WORDS["checks"], class_="label")
    columns = [WORDS[f"{name} column"] for name in ("check", "pass", "discrimination", "median")]
    table = element("table", heads(columns, columns[3:]), element("tbody", *map(_check, one.checks)), class_="class")
    yield scrolled(table, WORDS["checks"])
    yield element("p", WORDS["discrimination said"], class_="quiet")
    if one.misconceptions:
        count = len(one.misconceptions)
        form = WORDS["misconceptions of" if count > MISCONCEPTIONS else "misconceptions"]
        yield element("h3", form.format(shown=MISCONCEPTIONS, count=count), class_="label")
        yield _misconceptions(one)


def _check(check: CheckStatistics) -> ET.Element:
    name = [line(check.check)]
    if check.hidden:
        name.append(f" ({WORDS['hidden']})")
    passed = _of(check.passed, check.students)
    told = "–" if check.discrimination is None else f"{check.discrimination:.2f}".replace("-", "−")
    bar = None if check.discrimination is None else signed_bar(check.discrimination)
    return element(
        "tr",
        element("th", element("code", *name), scope="row"),
        element("td", _with_bar(check.pass_rate, passed)),
        element("td", element("div", *([bar] if bar is not None else []), element("span", told), class_="barred")),
        element("td", "–" if check.median_seconds is None else seconds(check.median_seconds), class_="points"),
    )


def _misconceptions(one: ExerciseStatistics) -> ET.Element:
    items = []
    for found in one.misconceptions[:MISCONCEPTIONS]:
        told = _of(found.students, one.students + one.to_be_regraded)
        items.append(
            element(
                "li",
                element("code", line(found.misconception)),
                _with_bar(found.share, told),
                element("p", *prose(found.cure, several=True)),
            )
        )
    return element("ul", *items, class_="misconceptions", role="list")


def _with_bar(share: float | None, told: str) -> ET.Element:
    bar = [] if share is None else [share_bar(share)]
    return element("div", *bar, element("span", told), class_="barred")


def _spread(points: Sequence[float], most: float, caption: str) -> ET.Element:
    """How many have how many points: a bar for each number of points where they are few, else ten bars."""
    if most <= BINS and all(float(one).is_integer() for one in (*points, most)):
        bins = [
            (WORDS["spread one"].format(low=value), sum(round(one) == value for one in points))
            for value in range(round(most) + 1)
        ]
        under = [str(value) for value in range(len(bins))]
        return histogram(WORDS["spread"], bins, caption, under=under, edges=False)
    edges = [number(most / BINS * place) for place in range(BINS + 1)]
    shares = [one / most for one in points]
    return histogram(WORDS["spread"], _tenths(shares, edges, "spread bin"), caption, under=edges, edges=True)


def _tenths(shares: Sequence[float], edges: Sequence[str], word: str) -> list[tuple[str, int]]:
    counts = [0] * BINS
    for share in shares:
        # Three tenths are not quite three times a tenth.
        counts[max(0, min(BINS - 1, int(share * BINS + 1e-9)))] += 1
    pairs = pairwise(edges)
    return [(WORDS[word].format(low=low, high=high), count) for (low, high), count in zip(pairs, counts, strict=True)]


# -- everybody's grades ------------------------------------------------------------------------------------------------


def grades_page(course: str, grades: Sequence[Grade], totals: Sequence[Total], exercises: Sequence[str]) -> str:
    """Everybody's grades as a table that can be sorted.

    Args:
        course: what it is called.
        grades: of all students.
        totals: the same students'; none if they are not asked for.
        exercises: the columns.
    """
    of: dict[str, dict[str, Grade]] = {}
    for grade in grades:
        of.setdefault(grade.student, {})[grade.exercise] = grade
    summed = {total.student: total for total in totals}
    students = sorted(of)
    orders = [_places({student: (place,) for place, student in enumerate(students)})]
    if summed:
        orders.append(_places({student: _by_total(summed.get(student)) for student in students}))
    orders += [_places({student: _by_grade(of[student].get(name)) for student in students}) for name in exercises]
    names = [WORDS["student column"], *([WORDS["total column"]] if summed else []), *map(line, exercises)]
    rows = []
    for student in students:
        cells = [element("th", element("bdi", line(student)), scope="row")]
        if summed:
            cells.append(_total(summed.get(student)))
        cells += [_grade(of[student].get(name)) for name in exercises]
        style = ";".join(f"--by-{place}:{order[student]}" for place, order in enumerate(orders))
        rows.append(element("tr", *cells, style=style))
    table = element("table", heads(names, names[1:]), element("tbody", *rows), class_="grades")
    body = [
        element("p", line(course), class_="quiet over"),
        element("h1", WORDS["grades"]),
        element("p", _students(len(students)), class_="sum"),
    ]
    shares = [total.points / total.max_points for total in totals if total.max_points]
    if len(shares) > 1:
        body.append(element("div", _shares(shares), class_="charts"))
    reasons = [grade for grade in grades if _is_eventful(grade)]
    body += [_sorts(names), scrolled(table, WORDS["grades"]), element("p", WORDS["legend"], class_="quiet")]
    if reasons:
        told = WORDS["reasons"].format(count=len(reasons))
        body.append(element("details", element("summary", told), _reasons(reasons, told)))
    style = "".join(
        f"main:has(#sort-{place}:checked) .grades tbody tr {{ order: var(--by-{place}); }}\n"
        for place in range(len(orders))
    )
    wide = f"""body {{ max-width: 84rem; }}
.grades {{ grid-template-columns: minmax(8rem, auto) repeat({len(names) - 1}, auto); }}
"""
    return page(f"{course}: {WORDS['grades']}", *body, style=wide + style)


def _places(keys: Mapping[str, tuple[float, ...]]) -> dict[str, int]:
    return {student: place for place, student in enumerate(sorted(keys, key=lambda one: (keys[one], one)))}


def _by_total(total: Total | None) -> tuple[float, ...]:
    return (-total.points / total.max_points if total is not None and total.max_points else 1.0,)


def _by_grade(grade: Grade | None) -> tuple[float, ...]:
    """The most points first, then what has no grade yet, then what was not handed in."""
    if grade is None:
        return 2.0, 0.0
    return (1.0, 0.0) if grade.graded_points is None else (0.0, -grade.graded_points)


def _sorts(names: Sequence[str]) -> ET.Element:
    choices = [
        element(
            "label",
            element("input", type="radio", name="sort", id=f"sort-{place}", **({"checked": ""} if not place else {})),
            " ",
            name,
        )
        for place, name in enumerate(names)
    ]
    return element("fieldset", element("legend", WORDS["sort"]), *choices, class_="sorts")


def _total(total: Total | None) -> ET.Element:
    if total is None or not total.max_points:
        return element("td", "–", class_="points")
    note = "!" if total.to_be_regraded else ""
    told = percent(share_of(total.points, total.max_points))
    return element("td", f"{number(total.points)}{note} ", element("span", told, class_="quiet"), class_="points")


def _grade(grade: Grade | None) -> ET.Element:
    if grade is None:
        return element("td", "–", element("span", class_="note"), class_="points absent")
    if grade.graded_points is None:
        return element("td", "!", element("span", class_="note"), class_="points broken")
    note = "*" if _is_eventful(grade) else ""
    full = " full" if grade.graded_points >= grade.max_points > 0 else ""
    # Where there is no star its place is kept, so that the numbers stand under each other.
    return element("td", number(grade.graded_points), element("span", note, class_="note"), class_=f"points{full}")


def _is_eventful(grade: Grade) -> bool:
    """Whether there is anything to tell of it."""
    return bool(grade.changes) or grade.reason not in _UNEVENTFUL


def _shares(shares: Sequence[float]) -> ET.Element:
    edges = [str(10 * place) for place in range(BINS + 1)]
    said = WORDS["shares said"].format(
        count=len(shares),
        mean=number(100 * statistics.fmean(shares), digits=1),
        median=number(100 * statistics.median(shares), digits=1),
    )
    bins = _tenths(shares, edges, "shares bin")
    return histogram(WORDS["shares"], bins, said, under=edges, edges=True)


def _reasons(grades: Sequence[Grade], label: str) -> ET.Element:
    rows = [
        element(
            "tr",
            element("th", element("bdi", line(grade.student)), scope="row"),
            element("td", line(grade.exercise)),
            element("td", f"{number(grade.points)}/{number(grade.max_points)}", class_="points"),
            element("td", "–" if grade.graded_points is None else number(grade.graded_points), class_="points"),
            element("td", line(grade.noted), class_="reason"),
        )
        for grade in grades
    ]
    columns = [WORDS[f"{name} column"] for name in ("student", "exercise", "points", "counts", "reason")]
    table = element("table", heads(columns, columns[2:4]), element("tbody", *rows))
    return scrolled(table, label)


# -- words -------------------------------------------------------------------------------------------------------------


def _students(count: int) -> str:
    return WORDS["student" if count == 1 else "students"].format(count=count)


def _of(part: int, whole: int) -> str:
    return WORDS["of"].format(part=part, whole=whole, share=round(100 * part / whole) if whole else 0)


def _short(value: float | None) -> str:
    return "–" if value is None else number(value, digits=2)
