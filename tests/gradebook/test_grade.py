"""A class is graded: nothing twice, what is broken is nobody's zero, and whatever ends it, nothing is lost."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from class_samples import MONDAY, put
from dlgrade.checking.run import workers_seed
from dlgrade.course.find import open_course
from dlgrade.errors import UsageError
from dlgrade.gradebook import executor, grade, grading
from dlgrade.gradebook.collect import collect
from dlgrade.gradebook.executor import Failure
from dlgrade.gradebook.grading import Grader, Setting
from dlgrade.gradebook.policy import Attempts, GradingPolicy
from dlgrade.gradebook.store import Gradebook
from dlgrade.sandbox import levels
from graded_class import CLASS, RIGHT, WRONG, course_at, everything, isolation, told
from processes import LONG, running, until

POINTS = {
    ("ada", "double"): 7,
    ("bob", "double"): 0,
    ("eve", "double"): 0,
    ("eve", "shift"): 7,
    ("ida", "double"): 0,
    ("kim", "double"): 0,
    ("tom", "double"): 0,
    ("tom", "shift"): 0,
}
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    course_at(root)
    return root


@pytest.fixture(scope="module")
def graded(root, tmp_path_factory):
    """The class, graded by two processes, as a new instructor would do it."""
    folder = tmp_path_factory.mktemp("class")
    put(folder / "submissions", CLASS)
    ran = run(root, folder, "-j", "2", "--seed", "7")
    assert ran.returncode == 0, ran.stderr
    return folder


def command(root, folder, *options, out="out"):
    return [
        *(sys.executable, "-m", "dlgrade", "--course", str(root), "grade", str(folder / "submissions")),
        *("--out", str(folder / out), "--isolation", isolation(), *options),
    ]


def run(root, folder, *options, **others):
    ran = subprocess.run(command(root, folder, *options, **others), capture_output=True, text=True, timeout=300)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


@pytest.fixture
def again(dlgrade, root, graded, monkeypatch, tmp_path):
    """Grade again, in this process, in a copy of the results; no process may be started."""
    shutil.copytree(graded, tmp_path / "class")
    monkeypatch.setattr(executor, "Processes", lambda make, jobs: pytest.fail("nothing was to be graded"))

    def again(*options):
        folder = tmp_path / "class"
        return dlgrade(*command(root, folder, "--seed", "7", *options)[3:])

    again.folder = tmp_path / "class"
    return again


class Inside:
    """An executor that grades in this process."""

    def __init__(self, make, jobs=1):
        self._make = make

    def run(self, tasks):
        with self._make() as work:
            for task in tasks:
                yield task, work(task)


class Failing:
    """An executor that fails on what it is told to."""

    def __init__(self, make, jobs=1):
        self.ran = []

    def run(self, tasks):
        for task in tasks:
            self.ran.append(task)
            yield task, Failure("The process that graded it was killed by \x1b[31mSIGKILL.")


# -- a class -----------------------------------------------------------------------------------------------------------


def test_each_submission_has_its_points(graded):
    with (graded / "out" / "grades.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["student"], row["exercise"]): int(row["points"]) for row in rows} == POINTS
    assert {row["max_points"] for row in rows} == {"7"}
    assert {row["verdict"] for row in rows} == {"passed", "failed"}


def test_each_report_lies_in_its_place(graded):
    reports = graded / "out" / "reports"
    found = {tuple(path.relative_to(reports).with_suffix("").parts): json.loads(path.read_text("utf-8"))
             for path in reports.rglob("*.json")}  # fmt: skip
    assert {place: report["points"] for place, report in found.items()} == POINTS
    for (_, exercise), report in found.items():
        assert report["schema"] == "dlgrade.report/1"
        assert report["submission"]["path"] == f"{exercise}.py"
        assert report["isolation"] in (("strict", "landlock") if isolation() == "auto" else ("process",))
    bob = {check["name"]: check for check in found["bob", "double"]["checks"]}
    assert bob["agrees"]["misconception"] == "does_nothing"
    assert (bob["the_secret"]["hidden"], bob["the_secret"]["evidence"]["message"]) == (True, "The result is wrong.")
    assert "UTF-8" in json.dumps(found["kim", "double"])


def test_nothing_else_is_left(graded):
    expected = {"gradebook.db", "gradebook.db-writer", "grades.csv", "reports", "seed"}
    assert {path.name for path in (graded / "out").iterdir()} == expected


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_the_seed_is_for_nobody_else_to_read(graded):
    path = graded / "out" / "seed"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("7\n", 0o600)


@pytest.fixture(scope="module")
def one_by_one(root, tmp_path_factory):
    """The class, put together the other way round, graded by one process; and the seconds that it took."""
    folder = tmp_path_factory.mktemp("class")
    put(folder / "submissions", dict(reversed(CLASS.items())))
    begun = time.monotonic()
    ran = run(root, folder, "-j", "1", "--seed", "7")
    assert ran.returncode == 0, ran.stderr
    return folder, time.monotonic() - begun


def test_the_number_of_processes_and_the_order_make_no_difference(graded, one_by_one):
    assert everything(one_by_one[0] / "out") == everything(graded / "out")


# -- again -------------------------------------------------------------------------------------------------------------


def test_again_does_nothing(again):
    before, files = told(again.folder / "out"), snapshot(again.folder)
    ran = again()
    assert ran.code == 0
    assert told(again.folder / "out") == before
    assert snapshot(again.folder) == files


def snapshot(folder):
    reports = (folder / "out" / "reports").rglob("*.json")
    return {path: (path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in reports}


def test_a_report_that_is_missing_is_written_again(again):
    path = again.folder / "out" / "reports" / "ada" / "double.json"
    before, others = path.read_bytes(), snapshot(again.folder)
    path.unlink()
    assert again().code == 0
    assert path.read_bytes() == before
    after = snapshot(again.folder)
    assert {one for one in after if after[one] != others[one]} == {path}


def test_only_what_changed_is_graded(again, monkeypatch):
    monkeypatch.setattr(executor, "Processes", Inside)
    put(again.folder / "submissions", {"bob/double.py": "def double(x):\n    return 2 * x\n"})
    before = told(again.folder / "out")
    ran = again()
    assert ran.code == 0
    new = [row for row in told(again.folder / "out") if row not in before]
    assert [row[:3] for row in new] == [("bob", "double", 1)]
    report = json.loads((again.folder / "out" / "reports" / "bob" / "double.json").read_text("utf-8"))
    assert report["points"] == 7
    assert "bob,double,7,7,passed" in (again.folder / "out" / "grades.csv").read_text()


def test_what_is_known_from_another_is_not_graded(again):
    put(again.folder / "submissions", {"zoe/double.py": RIGHT})
    ran = again()
    assert ran.code == 0
    assert "zoe,double,7,7,passed" in (again.folder / "out" / "grades.csv").read_text()


def test_an_earlier_time_of_the_same_bytes_counts_and_a_later_one_does_not(again):
    def times():
        with Gradebook.open(again.folder / "out") as book:
            return [one.when for one in book.records("ada")]

    for days, expected in ((3, 0), (-1, -1), (0, -1)):
        put(again.folder / "submissions", {"ada/double.py": RIGHT}, MONDAY + timedelta(days=days))
        assert again().code == 0
        assert times()[-1] == MONDAY + timedelta(days=expected)


def test_a_dry_run_says_what_there_is_to_do_and_does_nothing(again):
    submissions = again.folder / "submissions"
    put(submissions, {"bob/double.py": RIGHT, "ida/double.py": " ", "new/double.py": "x = 1", "tom/shift.py": "y = 1"})
    before = {path: path.read_bytes() for path in (again.folder / "out").rglob("*") if path.is_file()}
    ran = again("--dry-run")
    assert ran.code == 0
    rows = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines() if line.startswith(("double", "shift"))}
    assert rows["double"] == ["1", "2", "0", "0", "4", "+7", "in", "2,", "1", "not", "known", "until", "graded"]
    assert rows["shift"] == ["0", "1", "0", "0", "1", "1", "not", "known", "until", "graded"]
    taken = "3 of 9 would be graded; 1 would take the report over that the same bytes have already."
    assert taken in ran.out
    assert {path: path.read_bytes() for path in (again.folder / "out").rglob("*") if path.is_file()} == before


def test_a_dry_run_without_results_makes_no_folder(dlgrade, root, tmp_path):
    put(tmp_path / "submissions", {"ada/double.py": RIGHT})
    ran = dlgrade(*command(root, tmp_path, "--dry-run")[3:])
    assert ran.code == 0
    assert "1 of 1 would be graded" in ran.out
    assert not (tmp_path / "out").exists()


# -- what is not there any more ----------------------------------------------------------------------------------------


def counted(folder):
    with (folder / "out" / "grades.csv").open(newline="") as file:
        return {(row["student"], row["exercise"]): float(row["graded_points"]) for row in csv.DictReader(file)}


def test_what_is_gone_still_counts_and_is_said(again):
    (again.folder / "submissions" / "ada" / "double.py").unlink()
    said = "1 graded attempt is not among the submissions any more: double of ada (attempt 1: 7 points)."
    ran = again("--dry-run")
    assert f"{said} It would still count. If it was taken away on purpose" in ran.err
    before = told(again.folder / "out")
    ran = again()
    assert ran.code == 0
    assert f"{said} It still counts. If it was taken away on purpose: the same command with --withdraw." in ran.err
    assert counted(again.folder)["ada", "double"] == 7
    assert told(again.folder / "out") == before
    assert "not among" not in again("--student", "bob").err
    assert "not among" not in again("--exercise", "shift").err


def test_what_was_taken_away_on_purpose_is_withdrawn_and_comes_back(again, monkeypatch):
    path = again.folder / "submissions" / "eve" / "shift.py"
    source = path.read_text()
    path.unlink()
    assert "It would count no more" in again("--dry-run", "--withdraw").err
    assert counted(again.folder)["eve", "shift"] == 7, "it was a dry run"
    ran = again("--withdraw")
    assert "shift of eve (attempt 1: 7 points). It counts no more, unless handed in again." in ran.err
    assert ("eve", "shift") not in counted(again.folder)
    assert not (again.folder / "out" / "reports" / "eve" / "shift.json").exists()
    assert (again.folder / "out" / "reports" / "eve" / "double.json").exists()
    assert "not among" not in again().err
    put(again.folder / "submissions", {"eve/shift.py": source})
    assert "1 of 8 would be graded" in again("--dry-run").out
    monkeypatch.setattr(executor, "Processes", Inside)
    assert again().code == 0
    assert counted(again.folder)["eve", "shift"] == 7
    assert (again.folder / "out" / "reports" / "eve" / "shift.json").exists()


def test_nothing_is_left_of_the_reports_of_whoever_is_withdrawn(again):
    reports = again.folder / "out" / "reports"
    (reports / "ida" / "notes.txt").write_text("by hand")
    (reports / "stranger").mkdir()
    for student in ("bob", "ida"):
        (again.folder / "submissions" / student / "double.py").unlink()
    ran = again("--withdraw")
    assert "Removed, since it counts no more: reports/bob/double.json, reports/ida/double.json.\n" in ran.err
    assert not (reports / "bob").exists()
    assert [path.name for path in (reports / "ida").iterdir()] == ["notes.txt"]
    assert (reports / "stranger").is_dir() and (reports / "ada" / "double.json").is_file()
    assert "Removed" not in again().err


def test_a_wrong_last_attempt_that_is_withdrawn_leaves_the_one_before_it(again, monkeypatch):
    monkeypatch.setattr(executor, "Processes", Inside)
    put(again.folder / "submissions", {"ada/again/double.py": WRONG}, MONDAY + timedelta(days=1))
    assert again().code == 0
    assert counted(again.folder)["ada", "double"] == 0
    (again.folder / "submissions" / "ada" / "again" / "double.py").unlink()
    again()
    assert counted(again.folder)["ada", "double"] == 0
    again("--withdraw")
    assert counted(again.folder)["ada", "double"] == 7


def test_attempts_that_are_counted_anew_do_not_count_twice(again, monkeypatch):
    """The first of two is taken away: the second is the first now, and what is graded anew is what counts."""
    monkeypatch.setattr(executor, "Processes", Inside)
    put(again.folder / "submissions", {"ada/again/double.py": WRONG}, MONDAY + timedelta(days=1))
    assert again().code == 0
    (again.folder / "submissions" / "ada" / "double.py").unlink()
    ran = again()
    assert (ran.code, "not among" in ran.err) == (0, False)
    assert {row[:3] for row in told(again.folder / "out") if row[:2] == ("ada", "double")} == {("ada", "double", 1)}
    assert again("--seed", "8").code == 0
    report = json.loads((again.folder / "out" / "reports" / "ada" / "double.json").read_text("utf-8"))
    assert (report["seed"], report["points"]) == (8, 0)


def test_a_submission_of_an_unknown_time_is_not_late(dlgrade, tmp_path, monkeypatch):
    """As it comes from Canvas: what its zip tells is when it was downloaded."""
    monkeypatch.setattr(executor, "Processes", Inside)
    due = "[exercise.double]\ndue = 2026-01-01T00:00:00Z"
    root = tmp_path / "course"
    course_at(root)
    path = root / "course" / "course.toml"
    path.write_text(f"{path.read_text()}\n{due}\n")
    put(tmp_path / "submissions", {"lovelaceada_101_5551_double.py": RIGHT, "bob/double.py": RIGHT}, MONDAY)
    ran = dlgrade(*command(root, tmp_path, "--seed", "7")[3:])
    assert ran.code == 0
    assert counted(tmp_path) == {("lovelaceada_101", "double"): 7, ("bob", "double"): 0}
    assert "When 1 of 2 submissions was handed in is not known" in ran.err
    assert "by the time of a file, which copying can change: double of bob." in ran.err


# -- what a report follows from ----------------------------------------------------------------------------------------


@pytest.fixture
def planned(tmp_path):
    """The state of the class's attempts after a change, which is made to the course or to what they are graded with."""
    course = course_at(tmp_path / "course")
    put(tmp_path / "submissions", {"ada/double.py": RIGHT})
    submissions = collect([tmp_path / "submissions"], course).submissions
    setting = Setting(course, 7, {"numpy": "strict"})
    [before] = grade.plan(submissions, setting, ())

    def planned(**changes):
        import dataclasses

        [now] = grade.plan(submissions, dataclasses.replace(setting, **changes), ())
        return now.key == before.key

    planned.folder = course.exercises[0].path
    return planned


@pytest.mark.parametrize("name", ["double.py", "checks.py", "hidden.py", "misconceptions.py"])
def test_a_change_of_the_exercise_is_another_key(planned, name):
    assert planned()
    path = planned.folder / name
    path.write_text(path.read_text() + "\n")
    assert not planned()


def test_hidden_checks_that_are_gone_are_another_key(planned):
    (planned.folder / "hidden.py").write_text("")
    empty = planned()
    (planned.folder / "hidden.py").unlink()
    assert not empty
    assert not planned()


def test_seed_isolation_and_versions_are_in_the_key(planned, monkeypatch):
    assert not planned(seed=8)
    assert not planned(levels={"numpy": "landlock"})
    monkeypatch.setattr(grade, "version_of", lambda name: "9.9" if name == "numpy" else "1")
    assert not planned()


def test_what_is_no_part_of_a_verdict_is_not_in_the_key(planned):
    (planned.folder / "variants").mkdir()
    (planned.folder / "variants" / "other.py").write_text("")
    (planned.folder / "README.md").write_text("")
    assert planned()


@pytest.mark.parametrize(("attempts", "expected"), [(Attempts.LAST, [2]), (Attempts.BEST, [1, 2])])
def test_only_attempts_that_may_count_are_graded(tmp_path, attempts, expected):
    course = course_at(tmp_path / "course")
    put(tmp_path / "submissions", {"ada/double.py": WRONG})
    put(tmp_path / "submissions", {"ada/again/double.py": RIGHT}, MONDAY + timedelta(days=1))
    found = collect([tmp_path / "submissions"], course).submissions
    assert [one.attempt for one in grade.counted(found, GradingPolicy(attempts=attempts))] == expected


def test_equal_bytes_are_graded_once_and_are_everybodys(tmp_path):
    course = course_at(tmp_path / "course")
    put(tmp_path / "submissions", {"ada/double.py": RIGHT, "bob/double.py": RIGHT, "eve/double.py": WRONG})
    setting = Setting(course, 7, {"numpy": "process"})
    wanted = grade.plan(collect([tmp_path / "submissions"], course).submissions, setting, ())
    loaded = grade.load_exercises(course, ["double"])
    tasks = grade.tasks_of(wanted, loaded)
    assert len(tasks) == 2
    with Gradebook.open(tmp_path / "gradebook.db", write=True) as book:
        failing = Failing(None)
        done = list(grade.grade(wanted, tasks, loaded, setting, book, failing, lambda: NOW))
        assert [one.attempts for one in done] == [2, 1]
        assert [one.student for one in book.records()] == ["ada", "bob", "eve"]


# -- faults of the grader ----------------------------------------------------------------------------------------------


def test_what_is_broken_is_nobodys_zero(again, monkeypatch):
    put(again.folder / "submissions", {"ada/double.py": "def double(x): return x * 2"})
    monkeypatch.setattr(executor, "Processes", Failing)
    ran = again()
    assert ran.code == 3
    assert "1 grade is missing" in ran.err
    assert "double of ada" in ran.err
    report = json.loads((again.folder / "out" / "reports" / "ada" / "double.json").read_text("utf-8"))
    assert (report["verdict"], {check["outcome"] for check in report["checks"]}) == ("broken", {"broken"})
    assert report["max_points"] == 7
    said = report["checks"][0]["evidence"]["message"]
    assert "killed by \\x1b[31mSIGKILL" in said
    assert "not to blame" in said
    row = next(line for line in (again.folder / "out" / "grades.csv").read_text().splitlines() if "ada,double" in line)
    assert row.startswith("ada,double,0,7,broken,,,")
    assert again("--dry-run").out.splitlines()[1].split()[:6] == ["double", "0", "0", "0", "1", "5"]
    monkeypatch.setattr(executor, "Processes", Inside)
    assert again().code == 0, "it is graded anew"
    assert "ada,double,7,7,passed" in (again.folder / "out" / "grades.csv").read_text()


def test_an_exercise_that_changes_meanwhile_is_a_failure(tmp_path):
    course = course_at(tmp_path / "course")
    put(tmp_path / "submissions", {"ada/double.py": RIGHT})
    setting = Setting(course, 7, {"numpy": "process"})
    wanted = grade.plan(collect([tmp_path / "submissions"], course).submissions, setting, ())
    [task] = grade.tasks_of(wanted, grade.load_exercises(course, ["double"]))
    path = course.exercises[0].path / "checks.py"
    path.write_text(path.read_text() + "\n")
    with Grader(setting) as grader, pytest.raises(Exception, match="double was changed while it was graded"):
        grader(task)


def test_a_zygote_is_replaced_in_time(tmp_path, monkeypatch):
    if isolation() == "process":
        pytest.skip("there are no zygotes at this level")
    course = course_at(tmp_path / "course")
    put(tmp_path / "submissions", {"ada/double.py": RIGHT, "bob/double.py": WRONG, "eve/double.py": "x = 1"})
    setting = Setting(course, 7, grade.levels(["numpy"], "auto"))
    wanted = grade.plan(collect([tmp_path / "submissions"], course).submissions, setting, ())
    tasks = grade.tasks_of(wanted, grade.load_exercises(course, ["double"]))
    monkeypatch.setattr(grading, "RECYCLED_AFTER", 1)
    opened = []
    make = levels.workers
    monkeypatch.setattr(levels, "workers", lambda *given: opened.append(make(*given)) or opened[-1])
    with Grader(setting) as grader:
        points = [json.loads(grader(task))["points"] for task in tasks]
        assert [one.nursery._zygote._popen.poll() is None for one in opened] == [False, False, True]
    assert points == [7, 0, 0]


def test_a_worker_is_not_told_the_seed():
    assert workers_seed(7) != 7
    assert workers_seed(7) != workers_seed(8)


TELLS = """\
import random

told = random.getrandbits(64)


def double(x):
    raise ValueError(told)
"""


def test_what_a_submission_is_told_is_not_the_seed(root, tmp_path):
    course = open_course(root)
    put(tmp_path, {"ada/double.py": TELLS})
    setting = Setting(course, 7, {"numpy": "process"})
    wanted = grade.plan(collect([tmp_path], course).submissions, setting, ())
    [task] = grade.tasks_of(wanted, grade.load_exercises(course, ["double"]))
    with Grader(setting) as grader:
        said = json.loads(grader(task))["checks"][0]["evidence"]["message"]
    assert str(random.Random(7).getrandbits(64)) not in said
    assert str(random.Random(workers_seed(7)).getrandbits(64)) in said


# -- wrong usage -------------------------------------------------------------------------------------------------------


def test_strangers_code_is_not_run_below_the_floor(dlgrade, root, tmp_path, monkeypatch):
    def unconfined(framework, level):
        raise levels.Unconfined(f"The level {level} cannot be had here: the kernel says no.")

    monkeypatch.setattr(levels, "reach", unconfined)
    put(tmp_path / "submissions", {"ada/double.py": RIGHT})
    given = ["--course", root, "grade", tmp_path / "submissions", "--out", tmp_path / "out"]
    ran = dlgrade(*given)
    assert ran.code == 2
    assert "Nothing is run here at a level of isolation below landlock" in ran.err
    assert "The level strict cannot be had here: the kernel says no." in ran.err
    assert "--isolation process" in ran.err
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(executor, "Processes", Inside)
    ran = dlgrade(*given, "--isolation", "process")
    assert ran.code == 0
    assert "submissions run unprotected" in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--student", "adda"], "Did you mean ada?"),
        (["--exercise", "dubble"], "Did you mean double?"),
        (["--student", "ada", "--exercise", "shift"], "None of the submissions"),
    ],
)
def test_what_is_asked_for_is_there(again, options, said):
    ran = again(*options)
    assert ran.code == 2
    assert said in ran.err


def test_only_what_is_asked_for_is_graded(again, monkeypatch):
    monkeypatch.setattr(executor, "Processes", failing := Failing(None))
    failing.__class__.__call__ = lambda self, make, jobs: self
    put(again.folder / "submissions", {f"{name}/double.py": f"x = '{name}'" for name in ("ada", "bob")})
    ran = again("--student", "bob", "--exercise", "double")
    assert len(failing.ran) == 1
    assert ran.code == 3
    assert "ada" not in ran.out + ran.err


def test_results_do_not_go_among_the_submissions(dlgrade, root, tmp_path):
    put(tmp_path, {"ada/double.py": RIGHT})
    ran = dlgrade("--course", root, "grade", tmp_path, "--out", tmp_path)
    assert ran.code == 2
    assert "cannot be where the results go" in ran.err


def test_two_graders_in_one_folder(again, monkeypatch):
    from dlgrade.gradebook import store

    monkeypatch.setattr(store, "BUSY_SECONDS", 0.1)
    with Gradebook.open(again.folder / "out", write=True):
        ran = again()
    assert ran.code == 2
    assert "Another process is writing" in ran.err


def test_a_seed_is_drawn_once(tmp_path):
    assert grade.kept_seed(tmp_path) is None
    seeds = {grade.new_seed() for _ in range(20)}
    assert len(seeds) == 20
    seed = seeds.pop()
    grade.keep_seed(tmp_path / "out", seed)
    assert grade.kept_seed(tmp_path / "out") == seed
    (tmp_path / "out" / "seed").write_text("seven")
    with pytest.raises(UsageError, match="no number"):
        grade.kept_seed(tmp_path / "out")


def test_an_exercise_that_is_wrong_is_told_before_anything_is_graded(dlgrade, tmp_path):
    course_at(tmp_path / "course")
    path = tmp_path / "course" / "solutions" / "01_first" / "double" / "hidden.py"
    path.write_text("nothing = here")
    put(tmp_path / "submissions", {"ada/double.py": RIGHT})
    ran = dlgrade(*command(tmp_path / "course", tmp_path)[3:])
    assert ran.code == 2
    assert "hidden.py:1" in ran.err


# -- the end at any moment ---------------------------------------------------------------------------------------------


def reports_in(folder):
    try:
        with Gradebook.open(folder) as book:
            return len(list(book.records()))
    except UsageError:
        return 0


def started(root, folder):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    return running(command(root, folder, "-j", "1", "--seed", "7"), **quiet)


def test_killed_at_any_moment_nothing_is_lost(root, one_by_one, tmp_path):
    undisturbed, whole = one_by_one
    put(tmp_path / "submissions", CLASS)
    # Takes no end, in the middle of them: whenever it is killed, there is something left to do.
    put(tmp_path / "submissions", {"lea/double.py": "import time\ntime.sleep(1000)\n"})
    moments = random.Random(7)
    number = 0
    while (before := reports_in(tmp_path / "out")) < 5:
        with started(root, tmp_path) as grader:
            if number % 3:  # among the reports, not only before them
                while grader.poll() is None and reports_in(tmp_path / "out") == before:
                    time.sleep(0.01)
                time.sleep(moments.uniform(0.0, 0.2))
            else:
                time.sleep(moments.uniform(0.0, whole))
            grader.kill()
            assert "Traceback" not in grader.communicate(timeout=LONG)[1]
        number += 1
    assert reports_in(tmp_path / "out") < len(CLASS)
    shutil.rmtree(tmp_path / "submissions" / "lea")
    ran = run(root, tmp_path, "-j", "1", "--seed", "7")
    assert ran.returncode == 0, ran.stderr
    assert len(told(tmp_path / "out")) == len(CLASS)
    assert everything(tmp_path / "out") == everything(undisturbed / "out")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT like this")
def test_ctrl_c_keeps_what_was_graded(root, tmp_path):
    endless = "def shift(x):\n    while True: pass\n"
    quick = {f"{name}/double.py": f"x = '{name}'" for name in ("ada", "bob", "eve")}
    put(tmp_path / "submissions", {**quick, "ida/shift.py": endless, "tom/shift.py": f"{endless}#"})
    with started(root, tmp_path) as grader:
        until(lambda: reports_in(tmp_path / "out"))
        os.killpg(grader.pid, signal.SIGINT)
        _, said = grader.communicate(timeout=LONG)
    assert grader.returncode == 130, said
    assert "the same command grades the rest" in said
    assert 1 <= reports_in(tmp_path / "out") < 5
