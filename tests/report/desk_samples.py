"""A student's accounts and a class's grades made by hand, for the tests of the pages that an instructor makes."""

from __future__ import annotations

from dataclasses import replace

from dlgrade.gradebook.grades import Grade, Total
from dlgrade.gradebook.statistics import CheckStatistics, ExerciseStatistics, MisconceptionStatistics
from dlgrade.report.feedback import Account, Attempt, Change, Feedback
from dlgrade.report.feedback import Total as Sum
from report_samples import REPORTS

LATE = Account(
    "softmax", 3.5, 11.0, 0.9, "90 %", "2 h late: 90 % of the points", 3.15, 4.65, 2.0,
    "2026-11-30 23:59 CET", "2026-12-01 01:59 CET",
    (Change(2.0, "explained it in the oral"), Change(-0.5, "no name in the file")),
    (Attempt(1, "2026-11-29 10:00 CET", None, False), Attempt(2, "2026-12-01 01:59 CET", 3.5, True)),
    "last", REPORTS["wrong"],
)  # fmt: skip
ON_TIME = Account("conv2d", 5.0, 5.0, 1.0, "100 %", "on time", 5.0, 5.0, 1.0, "2026-11-30 23:59 CET",
                  "2026-11-20 10:00 CET", report=REPORTS["passed"])  # fmt: skip
ABSENT = Account("bleu", 0.0, 20.0, None, "", "", 0.0, 0.0, 1.0, "2026-11-30 23:59 CET")
BROKEN = Account("lstm", 0.0, 20.0, None, "", "to be regraded", None, None, 1.0, None, "2026-11-20 10:00 CET",
                 report=REPORTS["others"])  # fmt: skip
FEEDBACK = Feedback(
    "Ada Lovelace",
    "Deep learning",
    (LATE, ON_TIME, ABSENT, BROKEN, *(replace(ON_TIME, exercise=name, report=REPORTS[name])
      for name in ("too_slow", "pictured", "hidden", "raised"))),
    Sum(14.3, 47.0, "30.4 %"),
)  # fmt: skip

CHECKS = tuple(
    CheckStatistics("softmax", name, hidden, 10, passed, discrimination, seconds)
    for name, hidden, passed, discrimination, seconds in (
        ("agrees_with_a_definition_of_a_long_name", False, 7, 0.61, 0.12),
        ("sums_to_one", False, 10, None, 0.03),
        ("large_batches", True, 2, -0.2, None),
    )
)
STATISTICS = (
    ExerciseStatistics("softmax", 11.0, 10, 1, 7.25, 5.0, 8.0, 11.0, 3, 1, CHECKS,
                       (MisconceptionStatistics("softmax", "wrong_axis", 4, 0.36, "Divide along `axis`."),)),
    ExerciseStatistics("conv2d", 5.0, 10, 0, 4.0, 3.0, 4.0, 5.0, 5, 0, (), ()),
    ExerciseStatistics("bleu", 20.0, 0, 2, None, None, None, None, 0, 0, (), ()),
)  # fmt: skip
POINTS = {"softmax": [0.0, 1.1, 3.3, 5.0, 8.0, 8.0, 9.0, 11.0, 11.0, 11.0], "conv2d": [5.0] * 5 + [3.0] * 5}
NAMES = ("Ada Lovelace", "Bo", "Zoë of the very long name that goes on and on", "ivan")
_HAS = ((None, 3, 9), (4, 20, 8), (12, 12, 12), (0, 1, 20))
GRADES = (
    *(
        Grade(student, exercise, float(points), 20.0, "passed", 1.0, float(points), "on time")
        for student, all_points in zip(NAMES, _HAS, strict=True)
        for exercise, points in zip(("softmax", "conv2d", "bleu"), all_points, strict=True)
        if points is not None
    ),
    Grade(NAMES[0], "softmax", 0.0, 20.0, "broken", None, None, "to be regraded: the grader failed"),
    Grade(NAMES[1], "lstm", 20.0, 20.0, "passed", 0.5, 10.0, "3 d late: 50 % of the points"),
)
TOTALS = tuple(
    Total(student, points, 60.0, (), waiting)
    for student, points, waiting in zip(NAMES, (12.0, 42.0, 36.0, 21.0), (("softmax",), (), (), ()), strict=True)
)
EXERCISES = ("softmax", "conv2d", "bleu", "lstm")
