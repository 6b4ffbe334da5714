"""Grades follow from reports, policy, extensions and adjustments alone; whatever is written for people harms nobody."""

from __future__ import annotations

import csv
import random
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from dlgrade.cli.tables import aligned
from dlgrade.course.atomic import write_file
from dlgrade.errors import UsageError
from dlgrade.gradebook.grades import grades, totals
from dlgrade.gradebook.policy import Attempts, Extension, GradingPolicy, Span, Terms
from dlgrade.gradebook.spreadsheet import to_csv
from dlgrade.gradebook.store import Adjustment, Gradebook
from dlgrade.model import Outcome
from graded_samples import DAY, DUE, LATE, NOW, POLICY, broken, check, made
from hypothesis import given, settings
from hypothesis import strategies as st

HOUR = timedelta(hours=1)
BEST = replace(POLICY, attempts=Attempts.BEST)
FEW = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def only(records, policy=POLICY, extensions=(), adjustments=()):
    (grade,) = grades(records, policy, extensions, adjustments)
    return grade


def by_hand(points, student="ada", exercise="softmax", reason="oral exam", number=1):
    return Adjustment(student, exercise, points, reason, "eve", NOW, number)


# -- one grade ---------------------------------------------------------------------------------------------------------


def test_a_grade_is_points_times_credit():
    grade = only([made(points=7, when=DUE + 3 * HOUR)])
    assert (grade.points, grade.max_points, grade.verdict) == (7.0, 10.0, "failed")
    assert (grade.credit, grade.graded_points) == (0.9, 6.3)
    assert grade.reason == "3 h late: 90 % of the points"


def test_hidden_checks_count():
    grade = only([made("ada", check("a"), check("b", 0.0, hidden=True))])
    assert (grade.points, grade.max_points, grade.verdict) == (3.0, 6.0, "failed")


def test_products_are_what_people_compute():
    policy = replace(POLICY, late=(replace(LATE[0], credit=0.45), LATE[1]))
    # Of 1.9 × 0.45 a binary fraction makes a little more, and of 0.1 + 0.2 + 0.3.
    assert only([made(points=1.9, when=DUE + HOUR)], policy).graded_points == 0.855
    tenths = [check(str(one), one / 10, max_points=one / 10) for one in (1, 2, 3)]
    grade = only([made("ada", *tenths)], adjustments=[by_hand(0.1), by_hand(0.2, number=2)])
    assert (grade.points, grade.max_points, grade.adjusted, grade.graded_points) == (0.6, 0.6, 0.3, 0.9)


@pytest.mark.parametrize(("policy", "attempt"), [(POLICY, 3), (BEST, 2)])
def test_the_last_or_the_best_attempt_counts(policy, attempt):
    records = [
        made(points=5, attempt=1, when=DUE - DAY),
        made(points=8, attempt=2, when=DUE),
        made(points=8.5, attempt=3, when=DUE + HOUR),  # 7.65 are left of it
    ]
    assert only(records, policy).attempt == attempt


def test_of_equal_attempts_the_earlier_counts_and_no_grace_is_spent():
    records = [made(points=8, attempt=1, when=DUE), made(points=8, attempt=2, when=DUE + HOUR)]
    grade = only(records, replace(BEST, grace_days=3))
    assert (grade.attempt, grade.grace_used) == (1, 0)


def test_of_equal_attempts_the_one_that_spends_no_grace_counts_though_it_is_later():
    policy = replace(BEST, grace_days=1)
    spends = made(points=5, attempt=1, when=DUE + HOUR)  # all of 5 points
    spares = made(points=10, attempt=2, when=DUE + 5 * DAY)  # half of 10: a day more would change nothing
    other = made(points=10, exercise="conv2d", when=DUE + 7 * DAY + HOUR)
    softmax, conv2d = grades([spends, spares, other], policy)
    assert (softmax.attempt, softmax.graded_points, softmax.grace_used) == (2, 5.0, 0)
    assert (conv2d.grace_used, conv2d.graded_points) == (1, 10.0)


def test_the_last_is_the_last_in_time():
    """Whoever collects an older submission later may number it higher."""
    assert only([made(points=9, attempt=1, when=DUE), made(points=2, attempt=2, when=DUE - DAY)]).points == 9.0


def test_of_the_reports_on_an_attempt_the_last_in_the_gradebook_counts():
    old = replace(made(points=9, key="old"), number=1)
    new = replace(made(points=4, key="new"), number=2, graded_at=NOW - 9 * DAY)  # the clock had been put back
    assert only([new, old]).points == 4.0
    assert only([old, replace(new, number=0)]).points == 9.0


@pytest.mark.parametrize("policy", [POLICY, BEST])
def test_what_is_broken_gives_no_grade(policy):
    grade = only([broken()], policy, adjustments=[by_hand(3)])
    assert (grade.credit, grade.graded_points, grade.to_be_regraded, grade.verdict) == (None, None, True, "broken")
    assert grade.reason.startswith("to be regraded")


def test_a_broken_attempt_matters_only_if_it_could_count():
    one, full = made(points=5, attempt=1, when=DUE - DAY), made(points=10, attempt=1, when=DUE - DAY)
    two = broken(attempt=2, when=DUE)
    assert only([one, two]).to_be_regraded
    assert only([one, two], BEST).to_be_regraded, "it might have been better"
    assert only([full, two]).to_be_regraded
    assert only([full, two], BEST).graded_points == 10.0
    assert only([one, replace(two, when=DUE + 5 * DAY)], BEST).graded_points == 5.0, (
        "all of it at half credit is no more"
    )
    assert only([replace(two, attempt=1, when=DUE - DAY), replace(one, attempt=2, when=DUE)]).graded_points == 5.0
    regraded = replace(made(points=9, attempt=2, when=DUE), number=1)
    assert only([one, two, regraded], BEST).graded_points == 9.0


def test_adjustments_are_not_made_fewer_by_lateness():
    late = made(points=10, when=DUE + 2 * DAY)
    grade = only([late], adjustments=[by_hand(2), by_hand(-0.5, reason="style", number=2)])
    assert (grade.graded_points, grade.adjusted, grade.points) == (6.5, 1.5, 10.0)
    assert grade.noted == "2 d late: 50 % of the points; +2 (oral exam, eve); −0.5 (style, eve)"
    assert grade.told == "2 d late: 50 % of the points; +2 (oral exam); −0.5 (style)"
    assert only([late], adjustments=[by_hand(-50)]).graded_points == 0.0
    assert only([late], adjustments=[by_hand(-5), by_hand(5)]).graded_points == 5.0


def test_what_was_only_adjusted_has_a_grade():
    grade = only([], adjustments=[by_hand(4)])
    assert (grade.verdict, grade.points, grade.graded_points, grade.attempt) == ("missing", 0.0, 4.0, 0)
    assert grade.noted == "not handed in; +4 (oral exam, eve)"


def test_an_extension_is_for_a_student_an_exercise_or_a_unit():
    late = [made(name, points=10, when=DUE + 2 * DAY) for name in ("ada", "bob")]
    for exercise, worth in (("softmax", 1.0), ("02_losses", 1.0), ("*", 1.0), ("conv2d", 0.5)):
        ada, bob = grades(late, POLICY, [Extension("ada", exercise, Span(3))])
        assert (ada.credit, bob.credit) == (worth, 0.5)


# -- grace days --------------------------------------------------------------------------------------------------------


def test_grace_days_go_to_what_was_due_first():
    policy = replace(POLICY, grace_days=2)
    first = made(points=10, when=DUE + HOUR)
    second = made(points=10, exercise="conv2d", when=DUE + 9 * DAY)  # two days late
    softmax, conv2d = grades([second, first], policy)
    assert (softmax.exercise, softmax.credit, softmax.grace_used) == ("softmax", 1.0, 1)
    assert (conv2d.exercise, conv2d.credit, conv2d.grace_used) == ("conv2d", 0.9, 1)
    (ada, _, bob) = grades([first, replace(first, student="bob"), second], policy)
    assert (ada.grace_used, bob.grace_used) == (1, 1), "each student has their own"


def test_no_grace_is_spent_on_nothing():
    policy = replace(POLICY, grace_days=1)
    nothing = made(points=0, when=DUE + HOUR)
    something = made(points=10, exercise="conv2d", when=DUE + 7 * DAY + HOUR)
    first, second = grades([nothing, something], policy)
    assert (first.grace_used, second.grace_used, second.credit) == (0, 1, 1.0)


# -- laws --------------------------------------------------------------------------------------------------------------

EXERCISES = ("softmax", "conv2d", "bleu")


@st.composite
def classes(draw):
    """Records of a few students, of all kinds."""
    records = []
    for number in range(draw(st.integers(1, 8))):
        exercise, student = draw(st.sampled_from(EXERCISES)), draw(st.sampled_from(["ada", "bob"]))
        when = DUE + draw(st.integers(-30, 300)) * HOUR
        fields = dict(exercise=exercise, attempt=draw(st.integers(1, 3)), when=when, key=str(number))
        whole = draw(st.integers(0, 10))
        one = broken(student, **fields) if draw(st.integers(0, 5)) == 0 else made(student, points=whole, **fields)
        records.append(replace(one, number=number + 1))
    return records


EXTENSIONS = st.lists(
    st.builds(
        Extension,
        st.sampled_from(["ada", "bob"]),
        st.sampled_from([*EXERCISES, "02_losses", "*"]),
        st.integers(1, 12).map(Span) | st.integers(-9, 12).map(lambda days: DUE + days * DAY),
    ),
    max_size=3,
)
POLICIES = st.builds(
    lambda grace, attempts: replace(POLICY, grace_days=grace, attempts=attempts),
    st.integers(0, 3),
    st.sampled_from(Attempts),
)
ADJUSTMENTS = st.lists(
    st.builds(by_hand, st.integers(-5, 5), number=st.integers(1, 9)), max_size=3, unique_by=lambda a: a.number
)


@FEW
@given(classes(), POLICIES, EXTENSIONS, ADJUSTMENTS, st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(records, policy, extensions, adjustments, draw):
    expected = grades(records, policy, extensions, adjustments)
    for values in (records, extensions, adjustments):
        draw.shuffle(values)
    assert grades(iter(records), policy, extensions, adjustments) == expected


@FEW
@given(classes(), POLICIES, EXTENSIONS, EXTENSIONS)
def test_an_extension_never_lowers_a_grade(records, policy, extensions, more):
    """Without grace days: those are shared, and one that is spent here is not there for what was due later."""
    policy = replace(policy, grace_days=0)
    before, after = grades(records, policy, extensions), grades(records, policy, [*extensions, *more])
    for old, new in zip(before, after, strict=True):
        if old.to_be_regraded or new.to_be_regraded:
            # More time can make a broken attempt one that could count; never the other way, but by a better grade.
            assert new.to_be_regraded or new.graded_points is not None
        else:
            assert new.graded_points >= old.graded_points


@FEW
@given(classes(), POLICIES, st.integers(1, 12))
def test_an_extension_never_lowers_the_grade_that_it_is_for(records, policy, days):
    for exercise in EXERCISES:
        after = grades(records, policy, [Extension("ada", exercise, Span(days))])
        for old, new in zip(grades(records, policy), after, strict=True):
            if (old.student, old.exercise) == ("ada", exercise) and not (old.to_be_regraded or new.to_be_regraded):
                assert new.graded_points >= old.graded_points
            if old.student == "bob":
                assert new == old


@FEW
@given(st.integers(0, 10), st.lists(st.integers(-30, 300), min_size=2, max_size=2), POLICIES)
def test_handing_in_later_never_gives_more(points, hours, policy):
    early, late = (only([made(points=points, when=DUE + hour * HOUR)], policy) for hour in sorted(hours))
    assert early.graded_points >= late.graded_points


@FEW
@given(classes(), POLICIES)
def test_no_student_has_more_grace_than_there_is(records, policy):
    for student in ("ada", "bob"):
        used = [grade.grace_used for grade in grades(records, policy) if grade.student == student]
        assert sum(used) <= policy.grace_days


# -- totals ------------------------------------------------------------------------------------------------------------


def test_totals_weigh_and_count_what_is_missing_as_nothing():
    found = grades([made("ada", points=8), made("ada", exercise="conv2d", points=5), made("bob", points=6)], POLICY)
    ada, bob = totals(found, POLICY)
    assert (ada.points, ada.max_points, ada.missing) == (18.0, 30.0, ())
    assert (bob.points, bob.max_points, bob.missing) == (6.0, 30.0, ("conv2d",))
    found = grades([made(name, points=1, exercise=one) for name, one in
                    (("ada", "conv2d"), ("bob", "gone"), ("eve", "softmax"))], POLICY)  # fmt: skip
    ada, bob, eve = totals(found, POLICY)
    assert (ada.missing, bob.missing) == (("softmax", "gone"), ("softmax", "conv2d")), "in course order"
    assert eve.missing == ("conv2d", "gone")
    found = grades([made("ada", points=8), broken("ada", exercise="conv2d")], POLICY)
    (ada,) = totals(found, POLICY)
    assert (ada.points, ada.max_points, ada.to_be_regraded) == (8.0, 10.0, ("conv2d",))


# -- text and CSV ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", '=HYPERLINK("x","y")']
)
def test_no_cell_is_obeyed(text):
    ((cell, number),) = csv.reader(to_csv(["student", "points"], [[text, -1.5]]).splitlines()[1:])
    assert cell.startswith("'")
    assert number == "-1.5"


def test_cells_are_what_they_were_otherwise():
    rows = [["Zoë, the 2nd", 1.0, None, 0.1, 'say "hi"', "a\x1b[31m\u202e"]]
    text = to_csv(["a"] * 6, rows)
    (row,) = csv.reader(text.splitlines()[1:])
    assert row == ["Zoë, the 2nd", "1", "", "0.1", 'say "hi"', "a\\x1b[31m\\u202e"]


COURSE = """\
timezone = "Europe/Berlin"
grace_days = 1
late = [{until = "1d", credit = 0.9}, {until = "7d", credit = 0.5}]
extensions = "extensions.toml"

[[unit]]
folder = "02_losses"
due = 2026-11-30T23:59:00
"""


@pytest.fixture
def class_of(tmp_path):
    """Write a course and a gradebook with these records; how to run a command on them."""
    root = tmp_path / "course of mine"
    for name in ("softmax", "cross_entropy"):
        (root / "solutions" / "02_losses" / name).mkdir(parents=True)
        (root / "solutions" / "02_losses" / name / f"{name}.py").write_text("")
    (root / "course").mkdir()
    (root / "course" / "course.toml").write_text(COURSE)
    (root / "extensions.toml").write_text('[[extension]]\nstudent = "adda"\nexercise = "*"\ndue = "+1d"\n')

    def write(*records):
        with Gradebook.open(tmp_path / "gradebook.db", write=True) as book:
            book.add(*records)

    write.root = root
    write.path = tmp_path / "gradebook.db"
    return write


def test_the_command_prints_and_writes_grades(class_of, dlgrade, tmp_path):
    class_of(
        made("ada", points=10, when=DUE + HOUR),
        made("ada", points=7, exercise="cross_entropy", when=DUE + 2 * HOUR),
        made("=cmd|'/c calc'!A1\x1b[2J", points=10),
    )
    with Gradebook.open(class_of.path, write=True) as book:
        book.adjust("ada", "softmax", 1, "oral exam", "eve", NOW)
    ran = dlgrade("--course", class_of.root, "grades", class_of.path)
    assert ran.code == 0
    assert "\x1b" not in ran.text
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "ada cross_entropy 7/10 failed 100 % 7 2 h late, 1 grace day used: all points" in lines
    assert "an extension is for adda, of whom the gradebook has nothing: did you mean ada?" in ran.err
    assert dlgrade("--course", class_of.root, "grades", cwd=tmp_path).out == ran.out
    assert dlgrade("--course", class_of.root, "stats", cwd=tmp_path).code == 0
    out = tmp_path / "out" / "grades.csv"
    ran = dlgrade("--course", class_of.root, "grades", tmp_path, "--csv", out)
    assert ran.code == 0
    rows = list(csv.reader(out.read_text("utf-8").splitlines()))
    assert rows == [
        ["student", "exercise", "points", "max_points", "verdict", "credit", "graded_points", "reason"],
        ["'=cmd|'/c calc'!A1\\x1b[2J", "softmax", "10", "10", "passed", "1", "10", "on time"],
        ["ada", "cross_entropy", "7", "10", "failed", "1", "7", "2 h late, 1 grace day used: all points"],
        ["ada", "softmax", "10", "10", "passed", "0.9", "10", "1 h late: 90 % of the points; +1 (oral exam, eve)"],
    ]
    assert [path.name for path in out.parent.iterdir()] == ["grades.csv"]


def test_whose_terms_they_are_is_said(class_of, dlgrade):
    """From another folder the same gradebook has other grades: those of the course that came along."""
    class_of(made("ada", points=10, when=DUE + 2 * DAY))
    ran = dlgrade("--course", class_of.root, "grades", class_of.path)
    assert f"Terms: {class_of.root / 'course' / 'course.toml'}.\n" in ran.err
    assert "90 %" in ran.out
    path = class_of.root / "course" / "course.toml"
    path.write_text(path.read_text().replace("due =", "# due ="))
    ran = dlgrade("--course", class_of.root, "grades", class_of.path)
    assert "course.toml, by which nothing is ever due." in ran.err
    assert "no due time" in ran.out


def test_columns_stay_columns_in_every_script():
    rows = [["王小明", "1"], ["e\u0301ve", "22"], ["ada\x1b[2J", "3"], ["bob", "4"]]
    assert aligned(["student", "p"], rows, right=["p"]).splitlines() == [
        "student      p",
        "王小明       1",
        "e\u0301ve         22",
        "ada\\x1b[2J   3",
        "bob          4",
    ]


def test_one_exercise_is_graded_as_among_all(class_of, dlgrade):
    """The grace day went to the exercise that is not asked for."""
    class_of(
        made("ada", points=10, when=DUE + HOUR), made("ada", points=7, exercise="cross_entropy", when=DUE + 2 * HOUR)
    )
    ran = dlgrade("--course", class_of.root, "grades", class_of.path, "--student", "ada", "--exercise", "softmax")
    assert "90 % of the points" in ran.out
    assert "cross_entropy" not in ran.out
    for option, name in (("--student", "adam"), ("--exercise", "softmax2")):
        ran = dlgrade("--course", class_of.root, "grades", class_of.path, option, name)
        assert ran.code == 2
        assert f"'{name}'" in ran.err


def test_whoever_is_asked_for_has_the_same_total(class_of, dlgrade, tmp_path):
    """A total is of all that anybody handed in, and so is what is missing."""
    class_of(
        made("ada", points=10, when=DUE),
        made("ada", points=7, exercise="cross_entropy", when=DUE),
        made("bob", points=6, when=DUE),
        made("kim", points=1, when=DUE),
    )
    with Gradebook.open(class_of.path, write=True) as book:
        book.adjust("bob", "cross_entropy", 2, "oral exam", "eve", NOW)

    def rows(*options):
        ran = dlgrade("--course", class_of.root, "grades", class_of.path, *options)
        assert ran.code == 0, ran.text
        return [" ".join(line.split()) for line in ran.out.splitlines() if line.startswith(("bob", "kim"))]

    assert [row for row in rows() if row.startswith("bob")] == rows("--student", "bob")
    assert "bob 8/20 40 % cross_entropy –" in rows("--student", "bob")
    assert rows() == rows("--student", "bob", "--student", "kim")
    assert rows("--exercise", "02_losses/softmax", "--exercise", "cross_entropy.py") == rows()[:-2]
    assert rows("--exercise", "02_losses") == rows()[:-2], "no totals of a part"
    page = tmp_path / "grades.html"
    dlgrade("--course", class_of.root, "grades", class_of.path, "--student", "bob", "--format", "html", "--out", page)
    text = re.sub(r"<[^>]*>|\s", "", page.read_text("utf-8"))
    assert "bob840%" in text


def test_what_has_no_grade_is_loud(class_of, dlgrade, tmp_path):
    class_of(broken("ada"), made("bob", points=3))
    for options in ((), ("--csv", tmp_path / "grades.csv")):
        ran = dlgrade("--course", class_of.root, "grades", class_of.path, *options)
        assert ran.code == 3
        assert "No grade: softmax of ada, attempt 1: to be regraded" in ran.err
        assert "1 grade is missing" in ran.err
    rows = list(csv.reader((tmp_path / "grades.csv").read_text().splitlines()))
    assert rows[1][:7] == ["ada", "softmax", "0", "10", "broken", "", ""]
    assert rows[2][6] == "3"


def test_a_csv_that_cannot_be_written_is_told_and_the_old_one_kept(class_of, dlgrade, tmp_path):
    class_of(made(points=3))
    (tmp_path / "file").write_text("mine")
    ran = dlgrade("--course", class_of.root, "grades", class_of.path, "--csv", tmp_path / "file" / "grades.csv")
    assert ran.code == 2
    assert "grades.csv cannot be" in ran.err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_csv_is_written_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "grades.csv").write_text("old")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match=r"grades\.csv cannot be written: No space left on device"):
        write_file(tmp_path / "grades.csv", "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_mistakes_in_the_course_stop_it(class_of, dlgrade):
    class_of(made(points=3))
    path = class_of.root / "course" / "course.toml"
    path.write_text(path.read_text().replace("grace_days = 1", "grace_days = 'one'"))
    ran = dlgrade("--course", class_of.root, "grades", class_of.path)
    assert ran.code == 2
    assert "course.toml:2: `grace_days` is text." in ran.err
    ran = dlgrade("--course", class_of.root, "grades", class_of.path.parent / "none.db")
    assert ran.code == 2


def test_a_class_in_the_gradebook_is_graded_as_from_memory(tmp_path):
    draw = random.Random(3)
    records = [
        made(f"s{n % 7}", points=draw.randrange(11), attempt=n // 7 + 1, when=DUE + draw.randrange(-50, 300) * HOUR)
        for n in range(28)
    ]
    with Gradebook.open(tmp_path / "g.db", write=True) as book:
        book.add(*records)
        assert [replace(g, number=0) for g in grades(book.records(), BEST)] == [
            replace(g, number=0) for g in grades(records, BEST)
        ]


def test_an_exercise_that_the_course_lost_is_still_graded():
    policy = GradingPolicy(terms=(Terms("softmax"),))
    found = grades([made(exercise="gone", points=3), made(points=2)], policy)
    assert [(grade.exercise, grade.graded_points) for grade in found] == [("softmax", 2.0), ("gone", 3.0)]


def test_a_report_with_a_skipped_check_is_graded():
    assert only([made("ada", check("a"), check("b", 0.0, Outcome.SKIPPED))]).graded_points == 3.0
