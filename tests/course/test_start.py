"""`dlgrade start` makes a student's folder and never touches what is there."""

import os
import shutil
from pathlib import Path

import pytest
from dlgrade.course.find import open_course

ROOT = Path(__file__).parent.parent.parent


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_whole_course(tmp_path, dlgrade):
    ran = dlgrade("--course", ROOT, "start", cwd=tmp_path)
    assert ran.code == 0
    folder = tmp_path / "dlgrade-course"
    files = contents(folder)
    assert {"README.md", "02_losses/softmax.py", "02_losses/cross_entropy.py", "05_convolution/conv2d.py"} <= set(files)
    assert all(b"raise NotImplementedError" in text for name, text in files.items() if name.endswith(".py"))
    assert all(b"SOLUTION" not in text for text in files.values())
    for name in files:
        assert f"dlgrade-course{os.sep}{name.replace('/', os.sep)}" in ran.out
        assert name == "README.md" or f"({name})".encode() in files["README.md"]
    assert "Next: cd dlgrade-course, open a file" in ran.out


def test_a_students_work_is_kept_bit_for_bit(tiny, tmp_path, dlgrade):
    dlgrade("--course", tiny.root, "start", tmp_path / "mine")
    work = tmp_path / "mine" / "01_first" / "scale.py"
    work.write_bytes(b"# mine\r\n\xff\x00 not even text")
    (tmp_path / "mine" / "README.md").unlink()
    before = work.read_bytes(), work.stat().st_mtime_ns
    ran = dlgrade("--course", tiny.root, "start", tmp_path / "mine")
    assert ran.code == 0
    assert (work.read_bytes(), work.stat().st_mtime_ns) == before
    assert (tmp_path / "mine" / "README.md").is_file(), "what is missing is added"
    assert "1 file was there already and left alone" in ran.out
    assert str(work) not in ran.out


def test_starting_again_inside_makes_no_course_in_the_course(tiny, tmp_path, dlgrade):
    dlgrade("--course", tiny.root, "start", cwd=tmp_path)
    inside = tmp_path / "dlgrade-course"
    before = contents(inside)
    ran = dlgrade("--course", tiny.root, "start", cwd=inside)
    assert ran.code == 0
    assert contents(inside) == before
    assert "2 files were there already and left alone" in ran.out


def test_a_started_folder_has_nothing_of_the_solutions(tiny, tmp_path, dlgrade):
    dlgrade("--course", tiny.root, "start", tmp_path / "mine")
    everything = b"".join(contents(tmp_path / "mine").values())
    assert b"the_secret" not in everything
    assert b"_another_secret" not in everything
    assert b"hidden" not in everything


def test_a_released_course_starts_the_same_files(tiny, tmp_path, dlgrade):
    dlgrade("--course", tiny.root, "start", tmp_path / "authored")
    dlgrade("--course", tiny.root, "release")
    shutil.rmtree(tiny.root / "solutions")
    dlgrade("--course", tiny.root, "start", tmp_path / "released")
    assert contents(tmp_path / "authored") == contents(tmp_path / "released")


@pytest.mark.parametrize("blocked", ["mine", "mine/01_first"])
def test_a_file_in_the_way(tiny, tmp_path, dlgrade, blocked):
    path = tmp_path / blocked
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file", "utf-8")
    ran = dlgrade("--course", tiny.root, "start", tmp_path / "mine")
    assert ran.code == 2
    assert ("is a file" if blocked == "mine" else "cannot be written: File exists.") in ran.err
    assert path.read_text("utf-8") == "a file"


def test_a_folder_that_cannot_be_written(tiny, tmp_path, dlgrade, monkeypatch):
    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patch:  # root may write anywhere, so the refusal is played
        patch.setattr(Path, "mkdir", refuse)
        ran = dlgrade("--course", tiny.root, "start", tmp_path / "mine")
    assert ran.code == 2
    assert f"{tmp_path / 'mine' / '01_first'} cannot be written: Permission denied." in ran.err
    assert "Name another folder: dlgrade start DIR" in ran.err


def test_a_course_without_exercises(tiny, tmp_path, dlgrade):
    shutil.rmtree(tiny.exercise)
    ran = dlgrade("--course", tiny.root, "start", tmp_path / "mine")
    assert ran.code == 2
    assert "has no exercises yet" in ran.err
    assert not (tmp_path / "mine").exists()


def test_a_unit_gives_the_order_of_its_exercises(tiny):
    """`exercises` in course.toml comes first; what it does not name follows by name."""
    for name in ("alpha", "beta", "gamma"):
        shutil.copytree(tiny.exercise, tiny.exercise.parent / name)
        (tiny.exercise.parent / name / f"{tiny.exercise.name}.py").rename(tiny.exercise.parent / name / f"{name}.py")
    course = tiny.root / "course" / "course.toml"
    course.write_text(course.read_text("utf-8").replace('"First"', '"First"\nexercises = ["gamma", "beta"]'), "utf-8")
    assert [e.name for e in open_course(tiny.root).exercises] == ["gamma", "beta", "alpha", "scale"]


def test_a_unit_that_lists_an_exercise_it_has_not(tiny, dlgrade):
    course = tiny.root / "course" / "course.toml"
    course.write_text(course.read_text("utf-8").replace('"First"', '"First"\nexercises = ["scael"]'), "utf-8")
    ran = dlgrade("--course", tiny.root, "selftest")
    assert ran.code == 2
    assert "The unit 01_first lists the exercise 'scael', which is not in it." in ran.err
