"""Tables, JUnit, LTI and Classroom 50: what a consumer's own rules accept, with our grades in it and nobody's zero."""

from __future__ import annotations

import csv
import json
import os
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest
from dlgrade.course.atomic import write_file
from dlgrade.errors import UsageError
from dlgrade.gradebook.exports import ags, classroom50, files
from dlgrade.gradebook.exports.entries import Entry
from dlgrade.gradebook.exports.junit import class_junit
from dlgrade.gradebook.exports.roster import Person, read_roster
from dlgrade.gradebook.grades import Grade
from dlgrade.gradebook.sources import Clock
from dlgrade.gradebook.store import Adjustment
from dlgrade.model import Outcome
from export_samples import GRADED, HOSTILE, SECRET, course_at, entries_of, entry_of, gradebook_at
from graded_samples import DUE, NOW, check, report

LATER = NOW + timedelta(days=1)
ORAL = Adjustment("ida", "softmax", 2.0, "oral exam", "eve", NOW)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("exports")
    (root / "class").mkdir()
    course_at(root / "course")
    return gradebook_at(root / "class")


@pytest.fixture
def export(dlgrade, folder, tmp_path):
    def run(form, *options, out="out"):
        course = folder.parent / "course"
        return dlgrade("--course", course, "export", form, "--at", folder, "--out", tmp_path / out, *options)

    return run


# -- what all have in common -------------------------------------------------------------------------------------------


def test_entries_are_the_computed_grades(folder):
    found = {(one.grade.student, one.grade.exercise): one for one in entries_of(folder)}
    assert {place: one.grade.graded_points for place, one in found.items()} == GRADED
    assert {place for place, one in found.items() if not one.graded} == {("eve", "softmax")}
    assert all(one.record.report.exercise == exercise for (_, exercise), one in found.items())


@pytest.mark.parametrize("form", ["csv", "junit", "canvas", "gradescope", "ags"])
def test_who_has_no_grade_is_named_and_the_code_is_3(export, form):
    ran = export(form)
    assert ran.code == 3, ran.text
    assert "4 grades are in" in ran.out
    assert "No grade: softmax of eve, attempt 1: to be regraded" in ran.err and "nobody's zero" in ran.err


def test_all_is_well_without_whom_the_grader_failed(export):
    assert export("csv", "--student", "bob").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--student", "bab"], "nothing of 'bab'.\nDid you mean bob?"),
        (["--exercise", "sofmax"], "Did you mean softmax?"),
        (["--student", "ada", "--exercise", "conv2d"], "nothing of these students on these exercises"),
    ],
)
def test_what_is_not_there_is_said(export, tmp_path, options, said):
    ran = export("csv", *options)
    assert (ran.code, list(tmp_path.iterdir())) == (2, []) and said in ran.err


def test_a_unit_is_all_of_its_exercises(export, tmp_path):
    assert export("csv", "--exercise", "05_convolution").code == 0
    assert [row["exercise"] for row in csv.DictReader((tmp_path / "out").read_text("utf-8").splitlines())] == ["conv2d"]


def test_csv_is_what_grades_writes(export, dlgrade, folder, tmp_path):
    export("csv")
    dlgrade("--course", folder.parent / "course", "grades", folder, "--csv", tmp_path / "grades.csv")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "grades.csv").read_bytes()
    assert b"\n'=cmd" in (tmp_path / "out").read_bytes(), "no cell is a formula"


def test_a_folder_is_replaced_only_by_its_like(tmp_path):
    place = tmp_path / "out"
    files.write_folder(place, {"a/x.json": b"1"}, "ags")
    files.write_folder(place, {"b/y.json": b"2"}, "ags")
    assert sorted(path.name for path in place.rglob("*.json")) == ["dlgrade-export.json", "y.json"]
    for mine in (place, tmp_path):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(UsageError, match="is not what this command wrote"):
            files.write_folder(mine, {"x": b""}, "gradescope")
        assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    place = tmp_path / "out"
    files.write_folder(place, {"x": b"1"}, "ags")
    write_file(tmp_path / "f", b"1")
    monkeypatch.setattr(os, "fsync", lambda number: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(UsageError, match="No space left"):
        files.write_folder(place, {"x": b"2"}, "ags")
    with pytest.raises(UsageError, match="No space left"):
        write_file(tmp_path / "f", b"2")
    assert ((place / "x").read_bytes(), (tmp_path / "f").read_bytes()) == (b"1", b"1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "out"]


# -- names -------------------------------------------------------------------------------------------------------------


def test_names(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("\ufeffstudent;last_name;id\r\nada;Lovelace;101\r\n", "utf-8")
    assert read_roster(path) == {"ada": Person("ada", "101", last_name="Lovelace")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("student,sis_login\nada,x\n", "Did you mean sis_login_id?"),
        ("id\n1\n", "no column student"),
        ("student\nada\nada\n", "'ada' is there twice"),
        ("student,id\nada\n", "names.csv:2: It has not as many cells"),
        ("student,id\n,1\n", "names.csv:2: It names no student"),
        ("student,id,id\na,1,2\n", "a column twice"),
    ],
)
def test_mistakes_in_names(tmp_path, text, said):
    (tmp_path / "names.csv").write_text(text, "utf-8")
    with pytest.raises(UsageError) as caught:
        read_roster(tmp_path / "names.csv")
    assert said in str(caught.value)


# -- JUnit -------------------------------------------------------------------------------------------------------------


def test_a_suite_for_each_student(folder):
    root = ET.fromstring(class_junit(entries_of(folder)))
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == [HOSTILE, "ada", "bob", "eve"]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("7", "4", "1")
    bob = suites["bob"]
    names = [case.get("classname").partition(".")[2] for case in bob.iter("testcase")]
    assert names == ["softmax", "softmax", "softmax", "conv2d"]
    told = {item.get("name"): item.get("value") for item in bob.iter("property")}
    assert (told["conv2d.graded_points"], told["conv2d.points"], told["softmax.credit"]) == ("9.25", "8", "1")
    assert "conv2d.seed" in told and SECRET not in ET.tostring(root, encoding="unicode")
    eve = suites["eve"]
    assert eve.find("testcase/error") is not None and eve.get("errors") == "1"
    assert not [item for item in eve.iter("property") if item.get("name") == "softmax.graded_points"]


def test_an_adjustment_without_a_submission_is_no_case():
    grade = Grade("ida", "softmax", 0.0, 10.0, "missing", 1.0, 2.0, "not handed in", changes=(ORAL,))
    root = ET.fromstring(class_junit([Entry(grade)]))
    assert (root.get("tests"), root.find("testsuite/testcase")) == ("0", None)
    assert {item.get("name") for item in root.iter("property")} >= {"softmax.graded_points"}


# -- LTI ---------------------------------------------------------------------------------------------------------------

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,}\+00:00")


def accepted(score):
    """What a platform makes of a score, by the specification; the grade, or None where it keeps what it has."""
    assert set(score) >= {"userId", "timestamp", "activityProgress", "gradingProgress"}
    assert isinstance(score["userId"], str) and score["userId"]
    assert score["activityProgress"] in ("Initialized", "Started", "InProgress", "Submitted", "Completed")
    assert score["gradingProgress"] in ("NotReady", "Failed", "Pending", "PendingManual", "FullyGraded")
    for moment in (score["timestamp"], score.get("submission", {}).get("submittedAt", score["timestamp"])):
        assert INSTANT.fullmatch(moment), "with a zone, and more precise than a second"
    if "scoreGiven" in score:
        assert score["scoreGiven"] >= 0 and score["scoreMaximum"] > 0
    return score.get("scoreGiven") if score["gradingProgress"] == "FullyGraded" else None


def test_scores_are_those_that_a_platform_takes(export, tmp_path, folder):
    (tmp_path / "names.csv").write_text("student,id\nada,4711\n", "utf-8")
    assert export("ags", "--names", tmp_path / "names.csv").code == 3
    for entry in entries_of(folder):
        score = json.loads((tmp_path / "out" / ags.path_of(entry)).read_bytes())
        assert accepted(score) == entry.grade.graded_points
        assert score["userId"] == ("4711" if entry.grade.student == "ada" else entry.grade.student)
        assert score["comment"] == entry.grade.told
    eve = json.loads((tmp_path / "out" / "softmax" / "eve.json").read_bytes())
    assert "scoreGiven" not in eve and eve["gradingProgress"] == "Failed"


def test_timestamps_grow_even_if_the_clock_does_not(folder):
    entry = entry_of(folder, "ada")
    path = ags.path_of(entry)
    first = json.loads(ags.scores([entry], {}, NOW, {})[path])
    last = {path: ags.timestamp_of(first)}
    for now in (NOW, NOW - timedelta(hours=1), LATER):
        again = json.loads(ags.scores([entry], {}, now, last)[path])
        assert again["timestamp"] > first["timestamp"]


def test_an_export_reads_the_timestamps_of_the_one_before(export, tmp_path):
    export("ags", "--student", "ada")
    path = tmp_path / "out" / "softmax" / "ada.json"
    future = datetime(2099, 1, 1, tzinfo=UTC)
    path.write_bytes(files.to_json({**json.loads(path.read_bytes()), "timestamp": future.isoformat()}))
    export("ags", "--student", "ada")
    assert ags.timestamp_of(json.loads(path.read_bytes())) > future


def test_when_nobody_knows_when_nothing_is_told():
    grade = Grade("ada", "softmax", 1.0, 2.0, "failed", 1.0, 1.0, "", 1, DUE, 1, clock=Clock.DOWNLOAD)
    assert "submission" not in ags.score(Entry(grade), {}, NOW)


def test_points_out_of_none_are_for_a_person_to_enter():
    grade = Grade("ida", "softmax", 0.0, 0.0, "missing", 1.0, 2.0, "not handed in", changes=(ORAL,))
    score = ags.score(Entry(grade), {}, NOW)
    assert accepted(score) is None and "scoreGiven" not in score and score["gradingProgress"] == "PendingManual"


# -- Classroom 50 ------------------------------------------------------------------------------------------------------


def collected(payload, classroom, assignment, username):
    """The rules by which Classroom 50 collects a result, written from its contract."""
    assert payload["schema"] == "classroom50/result/v1"
    assert (payload["classroom"], payload["assignment"]) == (classroom, assignment)
    assert [name.lower() for name in payload["usernames"]] == [username.lower()]
    assert payload["submission"].startswith("submit/")
    for field in ("submission", "commit", "release", "review", "datetime"):
        assert isinstance(payload[field], str) and payload[field]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", payload["datetime"])
    for one in (payload, *payload["tests"]):
        assert type(one["score"]) is int and type(one["max-score"]) is int and 0 <= one["score"] <= one["max-score"]
    for test in payload["tests"]:
        assert set(test) == {"test-name", "passed", "score", "max-score"}
        assert isinstance(test["test-name"], str) and test["test-name"] and isinstance(test["passed"], bool)
    for key in ("score", "max-score"):
        assert payload[key] == sum(test[key] for test in payload["tests"])
    return payload["score"], payload["max-score"]


def test_results_are_those_that_classroom50_collects(export, tmp_path, monkeypatch):
    monkeypatch.delenv("SUBMISSION_TAG", raising=False)
    (tmp_path / "names.csv").write_text("student,sis_login_id\nbob,Bob-42\n", "utf-8")
    ran = export("classroom50", "--classroom", "dl", "--organization", "org", "--names", tmp_path / "names.csv")
    assert ran.code == 3 and "softmax: points are multiplied by 2" in ran.err
    found = {path.stem: path for path in (tmp_path / "out" / "softmax").iterdir()}
    assert "eve" not in found, "no score, no result"
    assert collected(json.loads(found["Bob-42"].read_bytes()), "dl", "softmax", "Bob-42") == (7, 17)
    assert collected(json.loads(found["ada"].read_bytes()), "dl", "softmax", "ada") == (14, 20), "for all alike"
    assert SECRET not in found["Bob-42"].read_text()


def test_in_classroom50s_runner_there_is_one_file(export, tmp_path, monkeypatch):
    place = {
        "CLASSROOM": "dl", "ASSIGNMENT": "hw1", "USERNAME": "ada-l", "SUBMISSION_TAG": "submit/x",
        "COMMIT_URL": "https://c", "RELEASE_URL": "https://r", "REVIEW_URL": "",
    }  # fmt: skip
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    assert export("classroom50", "--student", "ada", out="result.json").code == 0
    payload = json.loads((tmp_path / "result.json").read_bytes())
    assert collected(payload, "dl", "hw1", "ada-l") == (7, 10)
    assert (payload["submission"], payload["release"], payload["review"]) == ("submit/x", "https://r", "https://c")
    assert "asking for one" in export("classroom50", out="more.json").err


@pytest.mark.parametrize(("points", "factor"), [((1.0, 2.0), 1), ((0.5,), 2), ((0.25, 0.1), 20), ((1 / 3,), 100)])
def test_points_become_whole(points, factor):
    checks = [check(str(one), one, max_points=one) for one in points]
    assert classroom50.factor_of([report(*checks)]) == factor


def test_a_broken_report_is_no_result():
    place = classroom50.Place("submit/x", "c", "r", "v")
    with pytest.raises(UsageError, match="has no score"):
        classroom50.result(
            report(check(points=0.0, outcome=Outcome.BROKEN)), classroom="dl", assignment="softmax", username="eve",
            place=place, when=NOW, factor=1,
        )  # fmt: skip
