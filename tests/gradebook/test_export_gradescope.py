"""Gradescope: results.json by its published form, and the autograder's zip run in the folders that it documents."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import zipfile

import jsonschema
import pytest
from dlgrade.course.find import open_course
from dlgrade.errors import AuthorError, UsageError
from dlgrade.gradebook.exports import gradescope
from dlgrade.gradebook.exports.gradescope_run import autograde
from dlgrade.gradebook.exports.gradescope_zip import autograder_zip, read_settings, read_wheels, settings_of
from dlgrade.gradebook.grades import Grade
from dlgrade.model import Evidence, Outcome
from export_samples import HIDDEN, SECRET, entries_of, gradebook_at
from graded_class import RIGHT, WRONG, course_at
from graded_samples import NOW, check, report
from markdown_it import MarkdownIt

HOSTILE_TEXT = ["<script>alert(1)</script>", "\x1b[31m\u202e", "# x\n<script>", "\n### ✗ forged", "\ud800", "$$x$$"]
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
NUMBER = {"type": "number", "minimum": 0}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": NUMBER,
        "execution_time": NUMBER,
        "output": {"type": "string"},
        "output_format": FORMAT,
        "test_output_format": FORMAT,
        "test_name_format": FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY,
        "extra_data": {"type": "object"},
        "leaderboard": {"type": "array"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "score": NUMBER,
                    "max_score": NUMBER,
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "name_format": FORMAT,
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": FORMAT,
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": VISIBILITY,
                    "extra_data": {"type": "object"},
                },
            },
        },
    },
}


def accepted(data):
    """The results, once it is known that Gradescope reads them; its score, or None if it would say that it failed."""
    jsonschema.validate(data, SCHEMA)
    tests = data.get("tests", [])
    if "score" in data:
        return data["score"]
    return sum(test["score"] for test in tests) if tests and all("score" in test for test in tests) else None


# -- results.json ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return gradebook_at(tmp_path_factory.mktemp("gradescope"))


def test_every_submission_has_its_results(folder):
    entries = entries_of(folder)
    found = {path: json.loads(data) for path, data in gradescope.folder_of(entries).items()}
    assert len(found) == len(entries)
    for entry, data in zip(entries, found.values(), strict=True):
        assert accepted(data) == entry.grade.graded_points, "the computed grade, or no score"
        if entry.graded:
            assert sum(test["score"] for test in data["tests"]) == entry.grade.points, "the raw report"


def test_why_the_score_is_what_it_is(folder):
    late = json.loads(gradescope.folder_of(entries_of(folder))["softmax/ada/results.json"])
    assert late["output"] == "softmax: 3 h late: 90 % of the points"
    assert late["execution_time"] == 0.4 and late["extra_data"]["dlgrade"]["credit"] == 0.9
    assert [test["number"] for test in late["tests"]] == ["1"] and late["tests"][0]["status"] == "failed"


@pytest.mark.parametrize("visibility", gradescope.VISIBILITIES)
def test_hidden_checks_are_hidden_and_say_nothing(visibility):
    secret = check("secret", 0.0, hidden=True, says=SECRET, max_points=4.0)
    shown = report(check(), secret)
    grade = Grade("bob", "softmax", 3.0, 7.0, "failed", 1.0, 3.0, "on time", 1)
    data = gradescope.results(shown, grade, visibility)
    accepted(data)
    first, hidden = data["tests"]
    assert (first["visibility"], hidden["visibility"]) == ("visible", visibility)
    assert SECRET not in json.dumps(data)
    assert "seconds" not in hidden["extra_data"] and "The result is wrong." in hidden["output"]
    assert "3" not in data["output"], "the total is not told before the hidden checks are"


def test_what_went_wrong_is_markdown():
    wrong = check(points=0.0)
    told = report(wrong, check("b", 0.0, outcome=Outcome.RAISED), HIDDEN)
    data = gradescope.results(told, Grade("a", "softmax", 0.0, 10.0, "failed", 1.0, 0.0, "", 1))
    assert data["tests"][0]["output"] == "It is wrong." and data["tests"][0]["output_format"] == "md"


@pytest.mark.parametrize("text", HOSTILE_TEXT)
def test_hostile_text_is_harmless(text):
    evidence = Evidence(text, call=text, output=text)
    wrong = check(points=0.0)
    wrong = type(wrong)(**{**vars(wrong), "evidence": evidence, "says": text})
    data = gradescope.results(report(wrong), Grade("a", "softmax", 0.0, 3.0, "failed", 1.0, 0.0, text, 1))
    accepted(json.loads(json.dumps(data)))
    output = data["tests"][0]["output"]
    told = data["output"] + data["tests"][0]["name"] + output
    assert "\x1b" not in told and "\u202e" not in told
    tokens = [inner for token in MarkdownIt().parse(output) for inner in (token, *(token.children or ()))]
    assert {token.type for token in tokens} & {"html_block", "html_inline", "heading_open", "link_open"} == set()


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.PASSED, "passed"), (Outcome.TIMED_OUT, "failed"), (Outcome.SKIPPED, None), (Outcome.INCONCLUSIVE, None)],
)
def test_what_is_undecided_is_neither_passed_nor_failed(outcome, status):
    one = check(points=0.0, outcome=outcome)
    data = gradescope.results(report(one), Grade("a", "softmax", 0.0, 3.0, "", 1.0, 0.0, "", 1))
    assert data["tests"][0].get("status") == status


# -- the zip -----------------------------------------------------------------------------------------------------------

LATE_POLICY = 'timezone = "UTC"\nlate = [{until = "1d", credit = 0.5}]\n'


def course_of(root, *, due=True):
    course_at(root, LATE_POLICY)
    if due:
        path = root / "course" / "course.toml"
        path.write_text(path.read_text("utf-8") + "due = 2026-07-01T12:00:00\n", "utf-8")
    return open_course(root)


def zip_of(course, **options):
    folder = course.named(["double"])[0]
    settings = settings_of(course, "double", 7, options.pop("visibility", "after_published"), "auto")
    return autograder_zip(course, folder, settings, **{"wheels": {}, "version": "1.2.3"} | options)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return zip_of(course_of(tmp_path_factory.mktemp("course")))


def test_what_the_zip_holds(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        members = {one.filename: one for one in opened.infolist()}
        texts = {name: opened.read(name).decode() for name in members}
    below = "assignments/01_first/double"
    assert sorted(members) == [
        *(f"{below}/{name}.py" for name in ("checks", "double", "hidden", "misconceptions")),
        "autograder.json", "course/course.toml", "run_autograder", "setup.sh",
    ]  # fmt: skip
    for name, member in members.items():
        mode = member.external_attr >> 16
        assert stat.S_ISREG(mode) and bool(mode & stat.S_IXUSR) == (name in ("run_autograder", "setup.sh"))
        assert "\r" not in texts[name]
    assert texts["run_autograder"].startswith("#!/bin/sh\n") and texts["setup.sh"].startswith("#!/usr/bin/env bash\n")
    assert '--find-links "$source/wheels" "dlgrade==1.2.3"' in texts["setup.sh"] and "torch" not in texts["setup.sh"]
    assert "raise NotImplementedError" in texts[f"{below}/double.py"]
    assert not [name for name, text in texts.items() if "SOLUTION" in text or "return x * 2" in text]
    settings = read_settings(texts["autograder.json"].encode())
    assert settings.policy.of("double").due is not None and settings.policy.late[0].credit == 0.5


def test_the_same_exercise_is_the_same_zip(archive, tmp_path):
    assert zip_of(course_of(tmp_path)) == archive


def test_the_scripts_are_sound_shell(archive, tmp_path):
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        opened.extractall(tmp_path)
    for name, shell in (("run_autograder", "sh"), ("setup.sh", "bash")):
        subprocess.run([shell, "-n", tmp_path / name], check=True)


def test_a_wheel_lies_in_the_zip(tmp_path):
    wheel = tmp_path / "dlgrade-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as opened:
        opened.writestr("dlgrade/__init__.py", "")
    wheels = read_wheels([wheel], "1.2.3")
    with zipfile.ZipFile(io.BytesIO(zip_of(course_of(tmp_path / "c"), wheels=wheels))) as opened:
        assert opened.read(f"wheels/{wheel.name}") == wheel.read_bytes()
    with pytest.raises(UsageError, match=r"is dlgrade 1\.2\.3, and this is 2\.0"):
        read_wheels([wheel], "2.0")
    (tmp_path / "x-1-py3-none-any.whl").write_bytes(b"no zip")
    for name in ("x-1-py3-none-any.whl", "absent-1-py3-none-any.whl", "x.zip"):
        with pytest.raises(UsageError, match="is no wheel"):
            read_wheels([tmp_path / name], "1.2.3")


def test_checks_that_need_the_solution_are_refused(tmp_path):
    course = course_of(tmp_path)
    path = course.named(["double"])[0].path / "hidden.py"
    path.write_text(path.read_text("utf-8") + "\nimport pathlib\nassert 'x * 2' in "
                    "pathlib.Path(__file__).with_name('double.py').read_text()\n", "utf-8")  # fmt: skip
    with pytest.raises(AuthorError) as caught:
        zip_of(course)
    assert "which checks must not need" in str(caught.value) and "in the zip, assignments/" in caught.value.where


# -- run_autograder ----------------------------------------------------------------------------------------------------

ON_TIME, LATE = "2026-07-01T04:59:59.365935-07:00", "2026-07-01T04:59:59.365935-08:00"


def container(root, archive, files, *, created_at=ON_TIME, due_date=None):
    """The folders as Gradescope makes them."""
    for name in ("source", "submission", "results"):
        (root / name).mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        opened.extractall(root / "source")
    (root / "run_autograder").write_bytes((root / "source" / "run_autograder").read_bytes())
    (root / "run_autograder").chmod(0o755)
    for name, text in files.items():
        path = root / "submission" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    metadata = {
        "id": 1, "created_at": created_at, "users": [{"email": "ada@example.org", "id": 5, "name": "Ada"}],
        "assignment": {"due_date": due_date, "late_due_date": None, "total_points": "7.0"},
        "previous_submissions": [{"submission_time": ON_TIME, "score": 3.0, "results": {}}],
    }  # fmt: skip
    (root / "submission_metadata.json").write_text(json.dumps(metadata), "utf-8")
    return root


def run(root, python=sys.executable):
    environment = {**os.environ, "DLGRADE_AUTOGRADER_ROOT": str(root), "DLGRADE_AUTOGRADER_PYTHON": str(python)}
    return subprocess.run(
        [root / "run_autograder"], cwd=root, env=environment, capture_output=True, text=True, timeout=120
    )


def told(root):
    (path,) = (root / "results").iterdir()
    assert path.name == "results.json"
    return json.loads(path.read_bytes())


def test_run_autograder(archive, tmp_path):
    root = container(tmp_path, archive, {"my work/double.py": RIGHT})
    ran = run(root)
    assert ran.returncode == 0, ran.stderr
    data = told(root)
    assert accepted(data) == 7
    assert [test["visibility"] for test in data["tests"]] == ["visible", "after_published"]
    level = data["extra_data"]["dlgrade"]["isolation"]
    assert level in ("strict", "landlock", "process") and f"Isolation: {level}." in ran.stdout
    assert data["output"] == "double: on time"


def test_a_container_that_confines_nothing_says_so(archive, tmp_path):
    root = container(tmp_path, archive, {"double.py": RIGHT})
    path = root / "source" / "autograder.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "isolation": "process"}), "utf-8")
    ran = autograde(root, NOW)
    assert accepted(ran.results) == 7 and ran.results["extra_data"]["dlgrade"]["isolation"] == "process"
    assert "could read and write whatever this container holds" in ran.said


def test_without_a_grader_there_is_no_score(archive, tmp_path):
    root = container(tmp_path, archive, {"double.py": RIGHT})
    ran = run(root, python=tmp_path / "absent")
    assert ran.returncode == 127
    assert accepted(told(root)) is None and "The grader did not run" in told(root)["output"]


def test_a_run_that_is_stopped_leaves_no_score(archive, tmp_path):
    root = container(tmp_path, archive, {"double.py": RIGHT})
    stops = tmp_path / "stops"
    stops.write_text("#!/bin/sh\nkill -9 $PPID\n", "utf-8")
    stops.chmod(0o755)
    assert run(root, python=stops).returncode == -9
    assert accepted(told(root)) is None and "has not finished" in told(root)["output"]


@pytest.mark.parametrize(
    ("created_at", "due_date", "score"),
    [(ON_TIME, None, 7), (LATE, None, 3.5), (LATE, "2026-07-02T00:00:00-07:00", 7), ("2026-07-09T05:00:00Z", None, 0)],
    ids=["on time", "an hour late", "extended in Gradescope", "a week late"],
)
def test_lateness_is_by_the_time_of_submission(archive, tmp_path, created_at, due_date, score):
    root = container(tmp_path, archive, {"double.py": RIGHT}, created_at=created_at, due_date=due_date)
    ran = autograde(root, NOW)
    assert ran.graded and accepted(ran.results) == score


def test_without_a_time_of_submission_nobody_is_late(archive, tmp_path):
    ran = autograde(container(tmp_path, archive, {"double.py": RIGHT}, created_at=None), NOW)
    assert not ran.graded and accepted(ran.results) is None and "lateness cannot be told" in ran.said


def test_what_is_wrong_and_what_is_absent(archive, tmp_path):
    wrong = autograde(container(tmp_path / "a", archive, {"double.py": WRONG}), NOW)
    assert wrong.graded and accepted(wrong.results) == 0
    assert "array comes back as it was" in wrong.results["tests"][0]["output"]
    absent = autograde(container(tmp_path / "b", archive, {"notes.txt": "x"}), NOW)
    assert absent.graded and accepted(absent.results) == 0
    assert absent.results["output"].startswith("There is no double.py in what was handed in.\nnotes.txt: ")


def test_a_fault_of_ours_is_no_zero(archive, tmp_path, dlgrade):
    root = container(tmp_path, archive, {"double.py": RIGHT})
    checks = root / "source" / "assignments" / "01_first" / "double" / "checks.py"
    checks.write_text("raise RuntimeError\n", "utf-8")
    ran = dlgrade("export", "gradescope-run", "--root", root)
    assert ran.code == 3 and "The grader failed" in ran.out
    data = told(root)
    assert accepted(data) is None and "This is not your mistake" in data["output"]
    assert data["extra_data"]["dlgrade"]["previous"] == [3.0]


def test_the_zip_by_the_command(dlgrade, tmp_path):
    course_of(tmp_path / "course")
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "seed").write_text("4711\n", "ascii")
    base = ("--course", tmp_path / "course", "export", "gradescope-zip", "--out", tmp_path / "a.zip")
    ran = dlgrade(*base, "--exercise", "double", "--at", tmp_path / "class")
    assert ran.code == 0 and "Due: 2026-07-01T12:00:00+00:00." in ran.out
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        assert read_settings(opened.read("autograder.json")).seed == 4711
    ran = dlgrade(*base, "--exercise", "01_first")
    assert ran.code == 2 and "01_first is 2 exercises" in ran.err
