"""Whatever a command writes lies outside of the course's own folders, and replaces no file of another kind."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from class_samples import put
from dlgrade.course.find import OWN_FOLDERS, own_folder
from dlgrade.gradebook.store import Gradebook
from graded_class import RIGHT, course_at
from graded_samples import made


@pytest.fixture
def desk(tmp_path, dlgrade, monkeypatch):
    """An instructor in the course's folder, with a graded class beside it."""
    course_at(tmp_path / "dl")
    (tmp_path / "dl" / "assignments").mkdir()
    put(tmp_path / "subs", {"ada/double.py": RIGHT, "bob/double.py": RIGHT})
    with Gradebook.open(tmp_path / "graded" / "gradebook.db", write=True) as book:
        book.add(made("ada", points=4, exercise="double"))
    monkeypatch.chdir(tmp_path / "dl")
    return lambda *arguments: dlgrade(*arguments)


def files(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"}


WRITES = {
    "collect": ("collect", "../subs", "--to"),
    "grade": ("grade", "../subs", "--out"),
    "grade, looking": ("grade", "../subs", "--dry-run", "--out"),
    "grades": ("grades", "../graded", "--csv"),
    "grades, a page": ("grades", "../graded", "--format", "html", "--out"),
    "stats": ("stats", "../graded", "--csv"),
    "stats, a page": ("stats", "../graded", "--format", "html", "--out"),
    "similar": ("similar", "../subs", "--out"),
    "feedback": ("feedback", "--at", "../graded", "--to"),
    "export csv": ("export", "csv", "--at", "../graded", "--out"),
    "export junit": ("export", "junit", "--at", "../graded", "--out"),
    "export canvas": ("export", "canvas", "--at", "../graded", "--out"),
    "export gradescope": ("export", "gradescope", "--at", "../graded", "--out"),
    "export ags": ("export", "ags", "--at", "../graded", "--out"),
    "export classroom50": (
        *("export", "classroom50", "--at", "../graded", "--classroom", "c", "--organization", "o", "--out"),
    ),
    "export nbgrader": ("export", "nbgrader", "--at", "../graded", "--db"),
    "export gradescope-zip": ("export", "gradescope-zip", "--exercise", "double", "--out"),
    "release": ("release", "--to"),
    "release, nbgrader": ("release", "--notebooks"),
}


@pytest.mark.parametrize("name", WRITES)
def test_nothing_comes_to_lie_in_the_courses_own_folders(desk, tmp_path, name):
    before = files(tmp_path)
    for place in ("solutions/x", "course/new/x", "assignments"):
        ran = desk(*WRITES[name], place)
        own = place.partition("/")[0]
        # A file cannot be a folder that is there, which click says first.
        if ran.code == 2 and "is a directory" in ran.err:
            continue
        assert (ran.code, ran.out) == (2, ""), ran.text
        said = f"{WRITES[name][-1]}: {Path(place)} lies in {own}, a folder of the course itself, which is given away"
        assert said in ran.err
        better = "assignments-out" if place == "assignments" else "x"
        assert f"such as {WRITES[name][-1]} {Path('..') / better}\n" in ran.err
    assert files(tmp_path) == before


def test_feedback_beside_a_gradebook_that_lies_there_is_refused_too(desk, tmp_path):
    (tmp_path / "graded").rename(tmp_path / "dl" / "solutions" / "graded")
    ran = desk("feedback", "--at", "solutions/graded")
    assert ran.code == 2 and "lies in solutions" in ran.err


def test_which_folders_are_a_courses_own(desk, tmp_path):
    root = tmp_path / "dl"
    for name in OWN_FOLDERS:
        assert own_folder(root / name) == own_folder(root / name / "a" / "b") == root / name
    for path in (root, root / "graded", root / "graded" / "course", tmp_path / "course", root / "course" / ".." / "x"):
        assert own_folder(path) is None
    (tmp_path / "link").symlink_to(root / "solutions")
    assert own_folder(tmp_path / "link" / "x") == root / "solutions"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert own_folder(tmp_path / "loop" / "x") is None


PAGES = [
    ("grades", "../graded", "--format", "html", "--out", "html"),
    ("stats", "../graded", "--format", "html", "--out", "html"),
    ("similar", "../subs", "--out", "html"),
    ("grades", "../graded", "--csv", "csv"),
    ("export", "csv", "--at", "../graded", "--out", "csv"),
    ("export", "junit", "--at", "../graded", "--out", "xml"),
    ("export", "gradescope-zip", "--exercise", "double", "--out", "zip"),
    ("check", "double", "--at", "../subs/ada", "--out", "txt"),
    ("check", "double", "--at", "../subs/ada", "--format", "json", "--out", "json"),
    ("check", "double", "--at", "../subs/ada", "--format", "markdown", "--out", "md"),
]


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_a_file_of_another_kind_is_not_replaced(desk, tmp_path, words, monkeypatch):
    *command, suffix = words
    theirs = put(tmp_path, {"work.py": "mine", "notes": "mine", "empty": "", f"old.{suffix}": "an earlier one"})
    for name in ("work.py", "notes"):
        ran = desk(*command, theirs / name)
        assert (ran.code, ran.out, (theirs / name).read_text()) == (2, "", "mine"), ran.text
        assert f"{name} is there already, and its name does not say that it is" in ran.err
        assert f"Name a file that ends in .{suffix}" in ran.err
    for name in (f"old.{suffix}", f"new.{suffix}", f"old.{suffix.upper()}", "another", "empty"):
        assert desk(*command, theirs / name).code in (0, 1), name
        assert (theirs / name).stat().st_size > 20
    if suffix != "txt":  # which may begin with anything
        assert desk(*command, theirs / "another").code in (0, 1), "what it wrote itself"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_or_device_is_written_into_and_stays_what_it_is(desk, tmp_path):
    """As `--out /dev/stdout`: a file that is renamed into its place would take it from the whole machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ran = desk("grades", "../graded", "--csv", pipe)
        assert ran.code == 0 and stat.S_ISFIFO(pipe.lstat().st_mode)
        assert b"ada,double,4" in os.read(read, 10_000)
    finally:
        os.close(read)
