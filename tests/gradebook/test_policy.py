"""What lateness costs, on every day of the year; and what course.toml and its extensions may say and may not."""

from __future__ import annotations

import sys
import tomllib
import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dlgrade.course.find import OWN_FOLDERS, open_course
from dlgrade.errors import AuthorError
from dlgrade.gradebook.policy import Attempts, Extension, GradingPolicy, Span, Step, Terms, best_credit, credit
from dlgrade.gradebook.policy_file import load_policy, read_policy
from graded_samples import BERLIN, DAY, DUE, LATE, POLICY
from hypothesis import given, settings
from hypothesis import strategies as st

HOUR = timedelta(hours=1)


# -- credit ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "worth", "reason"),
    [
        (-DAY, 1.0, "on time"),
        (timedelta(), 1.0, "on time"),
        (timedelta(microseconds=1), 0.9, "1 s late: 90 % of the points"),
        (3 * HOUR, 0.9, "3 h late: 90 % of the points"),
        (DAY, 0.9, "1 d late: 90 % of the points"),
        (DAY + 90 * timedelta(minutes=1), 0.5, "1 d 1 h 30 min late: 50 % of the points"),
        (DAY + timedelta(seconds=5), 0.5, "1 d 1 min late: 50 % of the points"),
        (59 * timedelta(minutes=1) + timedelta(seconds=59), 0.9, "1 h late: 90 % of the points"),
        (7 * DAY, 0.5, "7 d late: 50 % of the points"),
        (8 * DAY, 0.0, "8 d late: no points after 7 d"),
    ],
)
def test_credit_follows_the_steps(late, worth, reason):
    decision = credit(POLICY, DUE, DUE + late)
    assert (decision.credit, decision.reason, decision.grace_used) == (worth, reason, 0)


def test_what_grace_did_can_be_followed():
    """Seven days would be worth half of the points without any grace."""
    decision = credit(POLICY, DUE, DUE + 7 * DAY + timedelta(minutes=31), 1)
    assert decision.reason == "7 d 31 min late, 1 grace day used: 50 % of the points"


def test_without_steps_nothing_is_given_after_the_due_time():
    decision = credit(GradingPolicy(), DUE, DUE + timedelta(minutes=12))
    assert (decision.credit, decision.reason) == (0.0, "12 min late: no points after the due time")


def test_what_is_never_due_is_never_late():
    assert credit(POLICY, None, DUE + 1000 * DAY).credit == 1.0


@pytest.mark.parametrize(
    ("late", "left", "worth", "used"),
    [
        (3 * HOUR, 0, 0.9, 0),
        (3 * HOUR, 5, 1.0, 1),
        (2 * DAY, 1, 0.9, 1),
        (2 * DAY, 2, 1.0, 2),
        (5 * DAY, 2, 0.5, 0),  # two days would change nothing
        (8 * DAY, 1, 0.5, 1),
        (30 * DAY, 9, 0.0, 0),
    ],
)
def test_grace_days_are_used_where_they_help(late, left, worth, used):
    decision = credit(POLICY, DUE, DUE + late, left)
    assert (decision.credit, decision.grace_used) == (worth, used)
    assert ("grace" in decision.reason) == bool(used)


# In Berlin clocks were put back on 25 October 2026 at 3:00 and forward on 29 March 2026 at 2:00.
@pytest.mark.parametrize(
    "due", [datetime(2026, 10, 24, 23, 59, tzinfo=BERLIN), datetime(2026, 3, 28, 23, 59, tzinfo=BERLIN)]
)
def test_a_day_in_which_clocks_change_is_a_day_by_either_reading(due):
    same_time = datetime(due.year, due.month, due.day + 1, 23, 59, tzinfo=BERLIN).astimezone(UTC)
    elapsed = due.astimezone(UTC) + DAY
    assert same_time != elapsed
    end = max(same_time, elapsed)
    assert credit(POLICY, due, min(same_time, elapsed)).credit == 0.9
    assert credit(POLICY, due, end).credit == 0.9
    assert credit(POLICY, due, end + timedelta(seconds=1)).credit == 0.5


def test_the_hour_that_comes_twice_is_told_apart():
    due = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    again = due.replace(fold=1)
    assert credit(POLICY, due, again).reason == "1 h late: 90 % of the points"
    assert credit(POLICY, again, due).reason == "on time"
    # What the clock shows is the same as when it was due; it is not.
    assert credit(POLICY, due, again.replace(minute=0)).reason == "30 min late: 90 % of the points"


def test_an_unknown_time_costs_nothing():
    extended = [Extension("ada", "softmax", Span(3))]
    for decision in (credit(POLICY, DUE, None), best_credit(POLICY, Terms("softmax", "", DUE), extended, None, 3)):
        assert (decision.credit, decision.grace_used) == (1.0, 0)
        assert decision.reason == "handed in at an unknown time: graded as on time"
    assert credit(POLICY, None, None).reason == "no due time"


def test_zones_do_not_matter_to_lateness():
    when = DUE + 3 * HOUR
    for zone in ("UTC", "Asia/Kathmandu", "America/St_Johns"):
        assert credit(POLICY, DUE, when.astimezone(ZoneInfo(zone))) == credit(POLICY, DUE, when)


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))
SPANS = st.builds(Span, st.integers(0, 9), st.integers(0, 100_000).map(lambda s: timedelta(seconds=s)))


@st.composite
def policies(draw):
    untils = draw(st.lists(SPANS, max_size=4, unique_by=lambda span: span.length))
    credits = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]), min_size=len(untils), max_size=len(untils)))
    steps = zip(sorted(untils, key=lambda s: s.length), sorted(credits, reverse=True), strict=True)
    return GradingPolicy(late=tuple(Step(*step) for step in steps), attempts=draw(st.sampled_from(Attempts)))


DUES = MOMENTS.map(lambda moment: moment.astimezone(BERLIN))
GRACE = st.integers(0, 4)
FEW = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@FEW
@given(policies(), DUES, st.lists(SPANS, min_size=2, max_size=2), GRACE)
def test_credit_never_rises_with_lateness(policy, due, spans, grace):
    early, late = sorted((span.after(due) for span in spans), key=lambda moment: moment.astimezone(UTC))
    assert credit(policy, due, early, grace).credit >= credit(policy, due, late, grace).credit


@FEW
@given(policies(), DUES, SPANS, GRACE)
def test_grace_never_costs_and_is_never_wasted(policy, due, span, grace):
    with_it, without = credit(policy, due, span.after(due), grace), credit(policy, due, span.after(due))
    assert with_it.credit >= without.credit
    assert with_it.grace_used <= grace
    if with_it.grace_used:
        assert with_it.credit > credit(policy, due, span.after(due), with_it.grace_used - 1).credit


@FEW
@given(policies(), DUES, SPANS, st.lists(SPANS | DUES, max_size=3), GRACE)
def test_an_extension_never_lowers_the_credit(policy, due, span, extended, grace):
    terms, when = Terms("softmax", "02_losses", due), span.after(due)
    given_ = [Extension("ada", "softmax", until) for until in extended]
    for count in range(len(given_)):
        less = best_credit(policy, terms, given_[:count], when, grace)
        more = best_credit(policy, terms, given_[: count + 1], when, grace)
        assert more.credit >= less.credit


def test_of_two_extensions_the_best_counts_in_the_hour_that_comes_twice():
    """02:30 comes twice that night, and Python takes the two for one time of one zone."""
    due = datetime(2026, 10, 20, 12, tzinfo=BERLIN)
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    terms, policy = Terms("softmax", "02_losses", due), replace(POLICY, late=())
    given = [Extension("ada", "softmax", until) for until in (first, first.replace(fold=1))]
    for extensions in (given, given[::-1]):
        between = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)  # half an hour after the first, and before the second
        assert best_credit(policy, terms, extensions, between).credit == 1.0


def test_an_extension_moves_every_step():
    given_ = [Extension("ada", "softmax", Span(3))]
    terms = POLICY.of("softmax")
    for late, worth in ((3 * DAY, 1.0), (4 * DAY, 0.9), (10 * DAY, 0.5), (11 * DAY, 0.0)):
        assert best_credit(POLICY, terms, given_, DUE + late).credit == worth
    said = best_credit(POLICY, terms, given_, DUE + 4 * DAY).reason
    assert said == "extended to 2026-12-03 23:59 CET: 1 d late: 90 % of the points"


def test_an_extension_that_saves_a_grace_day_is_taken():
    decision = best_credit(POLICY, POLICY.of("softmax"), [Extension("ada", "softmax", Span(1))], DUE + 3 * HOUR, 2)
    assert (decision.credit, decision.grace_used) == (1.0, 0)
    assert decision.reason == "extended to 2026-12-01 23:59 CET: on time"


def test_an_extension_that_only_costs_more_grace_is_not_taken():
    earlier = Extension("ada", "softmax", DUE - DAY)
    decision = best_credit(POLICY, POLICY.of("softmax"), [earlier], DUE + 3 * HOUR, 2)
    assert (decision.credit, decision.grace_used) == (1.0, 1)


# -- course.toml -------------------------------------------------------------------------------------------------------

UNITS = """\
[[unit]]
folder = "02_losses"
{losses}

[[unit]]
folder = "05_convolution"
{convolution}

{rest}
"""


@pytest.fixture
def course(tmp_path):
    """Write a course with softmax, cross_entropy and conv2d; its root."""
    for name in ("02_losses/softmax", "02_losses/cross_entropy", "05_convolution/conv2d"):
        folder = tmp_path / "solutions" / name
        folder.mkdir(parents=True)
        (folder / f"{folder.name}.py").write_text("")
    (tmp_path / "course").mkdir()

    def write(top="", losses="", convolution="", rest="", **files):
        text = f"{top}\n{UNITS.format(losses=losses, convolution=convolution, rest=rest)}"
        (tmp_path / "course" / "course.toml").write_text(text, "utf-8")
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_text(content, "utf-8")
        return tmp_path

    return write


def reading(root):
    return read_policy(root, open_course(root).exercises)


def test_everything_is_read(course):
    root = course(
        'timezone = "Europe/Berlin"\ngrace_days = 3\nattempts = "best"\nextensions = "extensions.toml"\n'
        'late = [\n  {until = "1d", credit = 0.9},\n  {until = "1w", credit = 0.5},\n]',
        "due = 2026-11-30T23:59:00\nweight = 2",
        rest="[exercise.cross_entropy]\ndue = 2026-12-07T12:00:00Z",
        extensions_toml='[[extension]]\nstudent = "ada"\nexercise = "02_losses"\ndue = "+1d12h"\nreason = "ill"\n'
        '[[extension]]\nstudent = "ada"\nexercise = "*"\ndue = 2026-12-24T12:00:00\n',
    )
    read = reading(root)
    assert read.mistakes == ()
    policy = read.policy
    assert policy.late == LATE
    assert (policy.grace_days, policy.attempts) == (3, Attempts.BEST)
    softmax, cross_entropy, conv2d = (policy.of(name) for name in ("softmax", "cross_entropy", "conv2d"))
    assert (softmax.due, softmax.weight) == (DUE, 2.0)
    assert (cross_entropy.due, cross_entropy.weight) == (datetime(2026, 12, 7, 12, tzinfo=UTC), 2.0)
    assert str(cross_entropy.due.tzinfo) == "Europe/Berlin", "days are counted in the course's zone"
    assert (conv2d.due, conv2d.weight) == (None, 1.0)
    ill, christmas = read.extensions
    assert ill == Extension("ada", "02_losses", Span(1, 12 * HOUR), "ill")
    assert christmas.due == datetime(2026, 12, 24, 12, tzinfo=BERLIN)
    assert load_policy(open_course(root)) == (policy, read.extensions)


def test_a_course_that_says_nothing_has_a_policy(course):
    read = reading(course())
    assert read.mistakes == ()
    assert read.policy == GradingPolicy(
        tuple(
            Terms(n, u)
            for n, u in (("cross_entropy", "02_losses"), ("softmax", "02_losses"), ("conv2d", "05_convolution"))
        )
    )


def test_without_a_table_of_zones_it_is_said_how_to_get_one(course, monkeypatch):
    """As on Windows, where Python brings none."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "tzdata"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        (mistake,) = reading(course(ZONE, "due = 2026-11-30T23:59:00")).mistakes
        utc = reading(course('timezone = "UTC"', "due = 2026-11-30T23:59:00"))
    finally:
        zoneinfo.reset_tzpath()
        zoneinfo.ZoneInfo.clear_cache()
    assert (mistake.what, mistake.mend) == (
        "This machine has no table of time zones.",
        "Install it: pip install tzdata",
    )
    assert (utc.mistakes, utc.policy.of("softmax").due) == ((), datetime(2026, 11, 30, 23, 59, tzinfo=UTC))


@pytest.mark.parametrize(("offset", "hour"), [("+02:00", 0), ("+01:00", 1)])
def test_an_hour_that_comes_twice_is_told_apart_by_its_offset(course, offset, hour):
    read = reading(course('timezone = "Europe/Berlin"', f"due = 2026-10-25T02:30:00{offset}"))
    assert read.mistakes == ()
    assert read.policy.of("softmax").due.astimezone(UTC) == datetime(2026, 10, 25, hour, 30, tzinfo=UTC)


ZONE = 'timezone = "Europe/Berlin"'
EXTENDED = f'{ZONE}\nextensions = "extensions.toml"'


def told(top="", losses="", rest="", line=1, **more):
    return {"top": top, "losses": losses, "rest": rest, **more}, line


MISTAKES = {
    "unknown key": (told("grace_dais = 3"), "no key 'grace_dais'", "Did you mean `grace_days`?"),
    "points": (told("points = 3"), "no key 'points'", "`weight` says how often"),
    "unknown key of a unit": (
        told(losses="deu = 2026-11-30T23:59:00Z", line=4),
        "02_losses has no key", "Did you mean `due`"),
    "unknown key of an exercise": (
        told(rest="[exercise.softmax]\nwieght = 2", line=11), "softmax has no key 'wieght'", "Did you mean `weight`"),
    "unknown exercise": (
        told(rest="[exercise.sofmax]\nweight = 2", line=10),
        "no exercise 'sofmax'", "Did you mean softmax?"),
    "exercise that is no table": (told("exercise = 3"), "`exercise` is a number", "[exercise.softmax]"),
    "its entry is no table": (
        told(rest="[exercise]\nsoftmax = 3", line=11),
        "`exercise.softmax` is a number", "[exercise.softmax]"),
    "zone of the wrong type": (told("timezone = 1"), "`timezone` is a number", "Europe/Berlin"),
    "misspelt zone": (
        told('timezone = "Europe/Berln"'),
        "no time zone 'Europe/Berln'", 'Did you mean "Europe/Berlin"?'),
    "a city for a zone": (told('timezone = "Berlin"'), "no time zone 'Berlin'", 'Did you mean "Europe/Berlin"?'),
    "a folder for a zone": (told('timezone = "Europe"'), "no time zone 'Europe'", ""),
    "a path for a zone": (told('timezone = "../../etc/passwd"'), "no time zone", "IANA"),
    "grace in words": (told('grace_days = "three"'), "`grace_days` is text", "whole number"),
    "half a day": (told("grace_days = 1.5"), "`grace_days` is 1.5", "whole number"),
    "grace below 0": (told("grace_days = -1"), "`grace_days` is -1", "whole number"),
    "grace as a truth": (told("grace_days = true"), "`grace_days` is True", "whole number"),
    "unknown attempts": (told('attempts = "lst"'), "`attempts` cannot be 'lst'", 'Did you mean "last"?'),
    "late is no list": (told("late = 0.5"), "`late` is a number", "Write it as late = ["),
    "step is no table": (told("late = [0.5]"), "Step 1 of `late` is a number", "Write it as late = ["),
    "step lacks a key": (told('late = [{until = "1d"}]'), "has no `credit`", "Write it as late = ["),
    "step has another": (
        told('late = [{until = "1d", credit = 1, creditt = 1}]'), "no key 'creditt'", "Did you mean `credit`?"),
    "credit in percent": (
        told('late = [{until = "1d", credit = 90}]'),
        "`credit` of step 1 cannot be 90", "90 % is 0.9"),
    "credit below 0": (told('late = [{until = "1d", credit = -0.1}]'), "cannot be -0.1", "from 0 to 1"),
    "credit is nan": (told('late = [{until = "1d", credit = nan}]'), "cannot be nan", "from 0 to 1"),
    "credit is a truth": (told('late = [{until = "1d", credit = true}]'), "cannot be True", "from 0 to 1"),
    "until is no time": (told('late = [{until = "soon", credit = 0.9}]'), "cannot be 'soon'", '"1d12h"'),
    "until is no text": (told("late = [{until = 1, credit = 0.9}]"), "cannot be 1", '"1d12h"'),
    "until is nothing": (told('late = [{until = "0d", credit = 0.9}]'), "cannot be '0d'", '"1d12h"'),
    "until is for ever": (told('late = [{until = "99999999999d", credit = 0.9}]'), "cannot be", '"1d12h"'),
    "until is of other digits": (told('late = [{until = "١d", credit = 0.9}]'), "cannot be", '"1d12h"'),
    "until falls": (
        told('late = [\n{until = "7d", credit = 0.9},\n{until = "24h", credit = 0.5}]', line=3),
        "Step 2 of `late` ends after 1 d", "later"),
    "until stays": (
        told('late = [{until = "1d", credit = 0.9}, {until = "24h", credit = 0.5}]'),
        "not later than the step before", ""),
    "credit rises": (
        told('[[late]]\nuntil = "1d"\ncredit = 0.5\n[[late]]\nuntil = "2d"\ncredit = 0.9', line=6),
        "more credit than the step", "fall"),
    "due without a zone": (told(losses="due = 2026-11-30T23:59:00", line=4), "`due` has no time zone", "timezone ="),
    "due in quotes": (told(ZONE, 'due = "2026-11-30 23:59"', line=4), "`due` is text", "without quotes"),
    "due without a time": (told(ZONE, "due = 2026-11-30", line=4), "`due` is a date without a time", "T23:59:00"),
    "due without a date": (told(ZONE, "due = 23:59:00", line=4), "`due` is a time without a date", "T23:59:00"),
    "due in the year 20": (told(ZONE, "due = 0020-11-30T23:59:00", line=4), "in the year 20", "Look at the year"),
    "due when no clock shows it": (
        told(ZONE, "due = 2026-03-29T02:30:00", line=4),
        "There is no 02:30 on 2026-03-29", "Choose another"),
    "due when clocks show it twice": (
        told(ZONE, "due = 2026-10-25T02:30:00", line=4), "There are two times 02:30 on 2026-10-25",
        "2026-10-25T02:30:00+02:00 or, later, 2026-10-25T02:30:00+01:00"),
    "an abbreviation for a zone": (told('timezone = "CEST"'), "no time zone 'CEST'", "after a city"),
    "one of Sydney's, not of the west's": (told('timezone = "aest"'), "no time zone 'aest'", "after a city"),
    "one of New York": (told('timezone = "EDT"'), "no time zone 'EDT'", "after a city"),
    "a short city": (told('timezone = "Rome"'), "no time zone 'Rome'", 'Did you mean "Europe/Rome"?'),
    "another case": (told('timezone = "utc"'), "no time zone 'utc'", 'Did you mean "UTC"?'),
    "a key of the course below a unit": (
        told(losses="grace_days = 3", line=4), "02_losses has no key 'grace_days'", "above the first table"),
    "a key of the course at the end": (
        told(rest="[exercise.softmax]\ngrace_days = 3", line=11),
        "softmax has no key 'grace_days'", "above the first table"),
    "hidden points of an authored course": (
        told(rest="[exercise.softmax]\nhidden_points = 7", line=11),
        "softmax has no key 'hidden_points'", "worth what hidden.py says"),
    "exercises for exercise": (
        told(rest="[exercises.softmax]\nweight = 2", line=10), "no key 'exercises'", "Did you mean `exercise`?"),
    "weight in words": (told(losses='weight = "2"', line=4), "`weight` is text", "number"),
    "weight below 0": (told(losses="weight = -2", line=4), "`weight` is -2", "0 to 1,000,000: 2 lets"),
    "weight without end": (told(losses="weight = inf", line=4), "`weight` is inf", "0 to 1,000,000"),
    "weight beyond floats": (told(losses=f"weight = 1{'0' * 400}", line=4), "`weight` is 1000", "0 to 1,000,000"),
    "weight that cannot be summed": (told(losses="weight = 1e308", line=4), "`weight` is 1e+308", "0 to 1,000,000"),
    "extensions is no text": (told("extensions = 3"), "`extensions` is a number", "Name a file"),
    "extensions of another kind": (told('extensions = "some.xlsx"'), "is no file of extensions", ".toml or a .csv"),
    "no such extensions": (told('extensions = "extensions.toml"'), "There is no file", "beside the folder course"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_its_mend(course, name):
    (fields, line), what, mend = MISTAKES[name]
    root = course(**fields)
    (mistake,) = reading(root).mistakes
    assert what in mistake.what
    assert mend in mistake.mend
    assert mistake.where == f"{root / 'course' / 'course.toml'}:{line}"
    assert "\n" not in mistake.what
    assert mistake.exit_code == 2
    with pytest.raises(AuthorError) as raised:
        load_policy(open_course(root))
    assert raised.value.what == mistake.what


def extension(student='"ada"', exercise='"softmax"', due='"+3d"', reason='"ill"'):
    given_ = {"student": student, "exercise": exercise, "due": due, "reason": reason}
    return "[[extension]]\n" + "".join(f"{key} = {value}\n" for key, value in given_.items() if value)


IN_EXTENSIONS = {
    "not TOML": ("[[extension]", 1, "not valid TOML", ""),
    "unknown table": ("[[extensoin]]", 1, "no key 'extensoin'", "Did you mean `extension`?"),
    "no list": ("extension = 3", 1, "no list of tables", "[[extension]]"),
    "unknown key": (extension() + "until = 3", 6, "no key 'until'", "There are: student, exercise, due, reason"),
    "nobody": (extension(student=""), 1, "does not say its student", ""),
    "empty": (extension(student='""'), 2, "does not say its student", ""),
    "a number": (extension(student="3"), 2, "`student` is a number", "quotes"),
    "everybody": (extension(student='"*"'), 2, "for one student", "move `due`"),
    "unknown exercise": (extension(exercise='"sofmax"'), 3, "no exercise or unit 'sofmax'", "Did you mean softmax?"),
    "no time": (extension(due='"3d"'), 4, "`due` cannot be '3d'", '"+3d"'),
    "less time": (extension(due='"-3d"'), 4, "`due` cannot be '-3d'", '"+3d"'),
    "a date": (extension(due="2026-12-03"), 4, "a date without a time", '"+3d"'),
    "too early": (extension(due="2026-11-29T12:00:00"), 4, "not later than 2026-11-30 23:59 CET", '"+3d"'),
    "never due": (extension(exercise='"conv2d"'), 4, "conv2d is never due", "`due` in course.toml"),
    "reason": (extension(reason="3"), 5, "`reason` is a number", "quotes"),
    "twice": (extension() + "\n" + extension(due='"+5d"'), 7, "ada has two extensions for softmax", "Keep one"),
}


@pytest.mark.parametrize("name", IN_EXTENSIONS)
def test_a_mistake_in_the_extensions_is_told(course, name):
    text, line, what, mend = IN_EXTENSIONS[name]
    root = course(EXTENDED, "due = 2026-11-30T23:59:00", extensions_toml=text)
    (mistake,) = reading(root).mistakes
    assert what in mistake.what
    assert mend in mistake.mend
    assert mistake.where == f"{root / 'extensions.toml'}:{line}"


@pytest.mark.parametrize("folder", OWN_FOLDERS)
@pytest.mark.parametrize("named", ["extensions.toml", "{}/extensions.toml", "x/../{}/extensions.toml"])
def test_extensions_do_not_lie_in_the_courses_own_folders(course, folder, named):
    root = course(f'{ZONE}\nextensions = "{named.format(folder)}"', "due = 2026-11-30T23:59:00")
    (root / folder).mkdir(exist_ok=True)
    (root / "x").mkdir()
    (root / folder / "extensions.toml").write_text(extension())
    (mistake,) = reading(root).mistakes
    assert (
        f"extensions.toml lies in {folder}, a folder of the course itself, which is given away whole." in mistake.what
    )
    assert f"Move it to {root}" in mistake.mend


def test_no_package_holds_a_students_name():
    """What travels whole, in the wheel or in the source distribution, are folders where extensions are refused."""
    root = Path(__file__).parent.parent.parent
    build = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    whole = set(build["wheel"]["force-include"])
    packed = {path.strip("/") for path in build["sdist"]["include"]}
    folders = {name for name in whole | packed if (root / name).is_dir()}
    assert whole <= set(OWN_FOLDERS)
    assert folders - {"grader"} <= set(OWN_FOLDERS)
    assert [path for name in folders for path in (root / name).rglob("extensions.*")] == []


def test_a_due_time_that_cannot_be_read_is_one_mistake(course):
    root = course(EXTENDED.replace("Berlin", "Berln"), "due = 2026-11-30T23:59:00", extensions_toml=extension())
    (mistake,) = reading(root).mistakes
    assert "no time zone" in mistake.what


@pytest.mark.parametrize("text", [f"grace_days = {'9' * 5000}", f"late = {'[' * 5000}", "late = ["])
def test_what_is_no_toml_is_told(course, text):
    root = course()
    (root / "course" / "course.toml").write_text(text)
    (mistake,) = read_policy(root, None).mistakes
    assert "not valid TOML" in mistake.what


@pytest.mark.parametrize(
    ("fields", "line", "what", "mend"),
    [
        ({"losses": "due = 2026-11-30T23:59"}, 4, "Expected newline", "Write it as 2026-11-30T23:59:00"),
        ({"losses": "due = 2026-11-30T24:00:00"}, 4, "Expected newline", "A day ends with T23:59:59."),
        ({"losses": "due = 2026-11-31T23:59:00"}, 4, "Invalid date", "Write it as 2026-11-30T23:59:00"),
        ({"losses": 'title = "x"\n\ntitle = "y"'}, 6, "`title` is written twice", "in line 4 already: keep one of"),
        ({"top": "late = []", "rest": '[[late]]\nuntil = "1d"'}, 10, "`late` is written", "written [[late]]"),
        ({"rest": "[exercise.softmax]\n[exercise.softmax]"}, 11, "`exercise.softmax` is written", "in line 10 already"),
    ],
)
def test_what_the_parser_does_not_say_is_told(course, fields, line, what, mend):
    root = course(**fields)
    (mistake,) = read_policy(root, None).mistakes
    assert "not valid TOML" in mistake.what
    assert what in mistake.what
    assert mend in mistake.mend
    assert mistake.where == f"{root / 'course' / 'course.toml'}:{line}"


CSV = 'student,exercise,due,reason\nada,softmax,+3d,"ill, at home"\n\nbob,*,2026-12-24 12:00,\n'


@pytest.mark.parametrize("text", [CSV, f"\ufeff{CSV}", CSV.replace("\n", "\r\n"), CSV.replace(",", ";")])
def test_extensions_may_be_a_table(course, text):
    root = course(f'{ZONE}\nextensions = "extensions.csv"', "due = 2026-11-30T23:59:00", extensions_csv=text)
    read = reading(root)
    assert read.mistakes == ()
    ada, bob = read.extensions
    assert ada == replace(Extension("ada", "softmax", Span(3), "ill, at home"), reason=ada.reason)
    assert bob == Extension("bob", "*", datetime(2026, 12, 24, 12, tzinfo=BERLIN))


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("student,exercise\nada,softmax", 1, "no column due"),
        ("student,exercise,due,due\n", 1, "Two columns have one name"),
        ("student,exercise,due,why\nada,softmax,+3d,ill", 1, "no key 'why'"),
        ("student,exercise,due\nada,softmax", 2, "has 2 cells, not 3"),
        ("student,exercise,due\nada,softmax,tomorrow", 2, "cannot be 'tomorrow'"),
        ("student,exercise,due\nada,softmax,2026-12-03", 2, "cannot be '2026-12-03'"),
        ("student,exercise,due\nada,softmax,2026-12-99 12:00", 2, "cannot be '2026-12-99"),
        ('student,exercise,due\nada,"soft', 2, "not valid CSV"),
        ("student,exercise,due\nada,softmax,+1d\nada,softmax,+2d\n", 3, "two extensions"),
    ],
)
def test_a_mistake_in_the_table_is_told(course, text, line, what):
    root = course(f'{ZONE}\nextensions = "extensions.csv"', "due = 2026-11-30T23:59:00", extensions_csv=text)
    (mistake,) = reading(root).mistakes
    assert what in mistake.what
    assert mistake.where == f"{root / 'extensions.csv'}:{line}"


def test_all_mistakes_are_told_at_once(course, dlgrade):
    root = course(
        'timezone = "Berlin"\ngrace_days = "x"\nlate = 3\nattempts = "all"',
        "due = 2026-11-30",
        rest="[exercise.sofmax]\nweight = nan",
    )
    assert len(reading(root).mistakes) == 7
    with pytest.raises(AuthorError, match="There are 6 more mistakes: `dlgrade course check` lists them all"):
        load_policy(open_course(root))
    ran = dlgrade("--course", root, "course", "check")
    assert ran.code == 2
    # The exercises of this course are empty files, which are mistakes too.
    assert ran.err.count("course.toml:") == 7
    assert ran.err.rstrip().endswith("10 mistakes.")


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_whatever_a_course_says_is_read_or_told(data):
    """Every key with every type of value: never an exception."""
    import tempfile
    from pathlib import Path

    values = st.sampled_from(
        ["1", "-1", "1.5", "nan", "true", '"x"', '"+1d"', "2026-11-30T23:59:00", "2026-11-30T23:59:00Z", "2026-11-30",
         "12:00:00", "[]", "[[]]", "{}", "[{}]", "[1]", "{softmax = 1}", "{softmax = {due = 1}}", '"extensions.csv"',
         '[{until = "1d", credit = 2}]', '"\\u0000"', '"../x.toml"']
    )  # fmt: skip
    keys = ["timezone", "late", "grace_days", "attempts", "extensions", "exercise", "unit", "title", "due"]
    top = data.draw(st.dictionaries(st.sampled_from(keys), values, max_size=6))
    text = "".join(f"{key} = {value}\n" for key, value in top.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "course" / "course.toml"
        path.parent.mkdir()
        path.write_text(text, "utf-8")
        read = read_policy(Path(folder), None)
        assert all(one.what and one.where.startswith(str(path)) for one in read.mistakes), text


def test_a_right_course_is_shown(tiny_course, dlgrade):
    ran = dlgrade("--course", tiny_course, "course", "check")
    assert ran.code == 0, ran.err
    row = next(line for line in ran.out.splitlines() if " softmax " in line)
    assert row.split("  ")[-1].strip() == "2026-12-07 23:59 CET"
    assert "2026-11-30 23:59 CET  2026-12-01 23:59 CET" in row
    assert "90 % of the points for 1 d, 50 % of the points for 7 d, then nothing" in ran.out


@pytest.fixture
def tiny_course(tmp_path):
    """One real exercise, with terms."""
    import shutil

    from dlgrade.course.find import bundled_root

    given_ = bundled_root() / "solutions" / "02_losses" / "softmax"
    shutil.copytree(
        given_, tmp_path / "solutions" / "02_losses" / "softmax", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "course.toml").write_text(
        f'{ZONE}\nlate = [{{until = "1d", credit = 0.9}}, {{until = "7d", credit = 0.5}}]\n'
        '[[unit]]\nfolder = "02_losses"\ndue = 2026-11-30T23:59:00\n'
    )
    return tmp_path
