"""Whatever a student, a shell or a disk hands in has a clear sentence of its own and the right exit code."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from dlgrade.cli.console import PLAIN_WIDTH
from dlgrade.sandbox import client
from student_files import RIGHT, ROOT, returning

# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sofmax", "There is no exercise 'sofmax' in this course.\nDid you mean softmax or softmax_fast?"),
        ("Softmax", "There is no exercise 'Softmax' in this course.\nDid you mean softmax or softmax_fast?"),
        ("02_losses/sofmax", "Did you mean softmax or softmax_fast?"),
        ("sofmax.py", "Did you mean softmax or softmax_fast?"),
        ("02_loses", "Did you mean 02_losses?"),
        ("qqqqqq", "There is no exercise 'qqqqqq' in this course.\nThere are: "),
        ("\x1b[31mred", "There is no exercise '\\x1b[31mred' in this course."),
        ("12_speed", "The unit 12_speed has no exercises yet.\nThere are: "),
    ],
)
def test_no_such_exercise(dlgrade, folder, name, sentence):
    ran = dlgrade("check", name)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("name", ["softmax", "softmax.py", "02_losses/softmax", "02_losses/softmax.py", "./softmax.py"])
def test_every_way_to_name_an_exercise(dlgrade, folder, name):
    (folder / "softmax.py").write_text(RIGHT, "utf-8")
    ran = dlgrade("check", name, "--format", "json")
    assert ran.code == 0
    assert json.loads(ran.out)["exercise"] == "softmax"


def test_a_unit_means_all_its_exercises(dlgrade, folder):
    (folder / "softmax.py").write_text("x = 1", "utf-8")
    (folder / "cross_entropy.py").write_text("x = 1", "utf-8")
    ran = dlgrade("check", "02_losses", "--format", "json")
    assert [report["exercise"] for report in json.loads(ran.out)] == ["softmax", "cross_entropy"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["chekc"], "There is no command 'chekc'.\nDid you mean check?"),
        (["softmax"], "There is no command 'softmax'.\nThere are: start, check"),
        (["check", "--format", "xml"], "'xml' is not one of"),
        (["check", "--seed", "-1"], "-1 is not in the range"),
        (["check", "--nonsense"], "No such option"),
    ],
)
def test_a_wrong_command_line(dlgrade, folder, arguments, sentence):
    ran = dlgrade(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err


# -- no course ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["selftest"], ["release"], ["release", "--check"], ["new", "02_losses/huber"]])
def test_no_course_for_its_authors(dlgrade, folder, command):
    ran = dlgrade(*command)
    assert (ran.code, ran.out) == (2, "")
    assert f"No course found in {folder}.\nGo to the folder of a course" in ran.err
    assert "an author needs a copy of the course's repository, or begins a course of their own" in ran.err


@pytest.mark.skipif(os.name == "nt", reason="a shell's commands")
def test_a_course_of_ones_own_begins_as_the_page_for_instructors_says(dlgrade, folder):
    page = (ROOT / "course" / "INSTRUCTORS.md").read_text("utf-8")
    made = re.search(r"mkdir -p mycourse.*\nprintf .*\n", page)
    assert made
    subprocess.run(["sh", "-ec", made[0]], check=True)
    for arguments in (["new", "01_first/double"], ["release"], ["release", "--to", "../../students"]):
        ran = dlgrade(*arguments, cwd=folder / "mycourse")
        assert ran.code == 0, ran.err
    ran = dlgrade("--course", folder.parent / "students", "release", "--check")
    assert ran.code == 2 and "an author needs a copy" in ran.err


def test_a_course_that_is_none(dlgrade, folder, monkeypatch):
    ran = dlgrade("--course", "nowhere", "check", "softmax")
    assert ran.code == 2
    assert "--course: No course found in nowhere.\nA course folder holds course/course.toml." in ran.err
    monkeypatch.setenv("DLGRADE_COURSE", "elsewhere")
    ran = dlgrade("check", "softmax")
    assert ran.code == 2
    assert "DLGRADE_COURSE: No course found in elsewhere." in ran.err


def test_a_folder_that_was_removed(dlgrade, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    ran = dlgrade("check", "softmax")
    monkeypatch.undo()
    assert ran.code == 2
    assert "The folder that you are in is no longer there." in ran.err


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_missing_file(dlgrade, folder):
    ran = dlgrade("check", "softmax")
    assert ran.code == 2
    assert f"There is no softmax.py under {folder}.\n`dlgrade start` makes a folder with all files" in ran.err
    ran = dlgrade("check")
    assert ran.code == 2
    assert f"No exercise's file was found under {folder}." in ran.err
    ran = dlgrade("check", "--at", "nowhere")
    assert ran.code == 2
    assert "--at: There is no folder or file nowhere." in ran.err


def test_a_folder_in_a_files_place(dlgrade, folder):
    (folder / "softmax.py").mkdir()
    for names in ([], ["softmax"]):
        ran = dlgrade("check", *names)
        assert (ran.code, ran.out) == (2, "")
        assert "softmax.py is a folder, not a file." in ran.err


def test_a_file_that_may_not_be_read(dlgrade, folder, monkeypatch):
    (folder / "softmax.py").write_text(RIGHT, "utf-8")
    plain = Path.open

    def refuse(self, *arguments, **options):
        if self.name == "softmax.py" and self.parent != ROOT / "solutions" / "02_losses" / "softmax":
            raise PermissionError(13, "Permission denied", str(self))
        return plain(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)  # played, since root may read anything
    for names in ([], ["softmax"]):
        ran = dlgrade("check", *names)
        assert (ran.code, ran.out) == (2, "")
        assert "softmax.py cannot be read: Permission denied." in ran.err


def test_a_link_to_nothing(dlgrade, folder):
    (folder / "softmax.py").symlink_to(folder / "nothing.py")
    ran = dlgrade("check", "softmax")
    assert ran.code == 2
    assert "There is no file softmax.py." in ran.err


def test_two_files_of_one_name(dlgrade, folder):
    for place in ("a", "b\x1b[2J"):
        (folder / place).mkdir()
        (folder / place / "softmax.py").write_text(RIGHT, "utf-8")
    for names in ([], ["softmax"]):
        ran = dlgrade("check", *names)
        assert (ran.code, ran.out) == (2, "")
        assert f"There is more than one softmax.py here:\n  a{os.sep}softmax.py\n  b\\x1b[2J" in ran.err
        assert f"Say which: dlgrade check a{os.sep}softmax.py" in ran.err
        assert "\x1b" not in ran.err
    assert dlgrade("check", "a/softmax.py").code == 0
    assert dlgrade("check", "softmax", "--at", "a").code == 0
    assert dlgrade("check", "--at", "a/softmax.py").code == 0


def test_one_file_for_two_exercises(dlgrade, folder):
    (folder / "mine.py").write_text(RIGHT, "utf-8")
    ran = dlgrade("check", "--at", "mine.py")
    assert ran.code == 2
    assert "mine.py is named after no exercise of this course.\nSay which one it solves: dlgrade check NAME" in ran.err
    ran = dlgrade("check", "02_losses", "--at", "mine.py")
    assert ran.code == 2
    assert "mine.py is one file, and 4 exercises are to be checked." in ran.err
    assert dlgrade("check", "softmax", "--at", "mine.py").code == 0


def test_environments_and_hidden_folders_are_passed_over(dlgrade, folder):
    for place in (".git", "venv", "site-packages", "__pycache__"):
        (folder / place).mkdir()
        (folder / place / "softmax.py").write_text(RIGHT, "utf-8")
    ran = dlgrade("check", "softmax")
    assert ran.code == 2
    assert "There is no softmax.py under" in ran.err


# What is in the file, and the sentence. The file is there and is the student's, so the exit code is 1.
UNREADABLE = {
    "empty": (b"", "It is empty."),
    "blank": (b" \n\t\n", "It is empty."),
    "latin-1": (b"x = 1\n# caf\xe9\n", "It is not UTF-8 text (byte 0xe9 on line 2): save it as UTF-8."),
    "utf-16": (RIGHT.encode("utf-16"), "It is saved as UTF-16: save it as UTF-8."),
    "utf-16 without a mark": (RIGHT.encode("utf-16-le"), "It contains null bytes, so it is not a text file"),
    "null bytes": (RIGHT.encode() + b"\0\n", "It contains null bytes, so it is not a text file"),
    "10 MB in one line": (b"x = [" + b"1, " * 3_500_000 + b"]\n", "It is larger than 1 MB, which no solution is."),
    "100 KB in one line": (b"x = [" + b"1," * 50_000 + b"]\n", "softmax.py defines no function softmax."),
    "a syntax error": (b"def softmax(x:\n    return x\n", "It has a syntax error: "),
    "an indentation error": (b"def softmax(x):\nreturn x\n", "Its indentation is wrong: expected an indented block"),
    "tabs and spaces": (b"def softmax(x):\n        y = x\n\treturn y\n", "Tabs and spaces are mixed"),
    "a deep nest": (b"x = " + b"(" * 5000 + b")" * 5000 + b"\n", "softmax.py cannot be read."),
    "an unknown encoding": (b"# coding: nonsense\nx = 1\n", "softmax.py cannot be read."),
    "not Python": (b"# Notes\n\nSoftmax is *fun*.\n", "It has a syntax error: "),
}


@pytest.mark.parametrize(("source", "sentence"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read(submit, source, sentence):
    ran = submit(source)
    assert (ran.code, ran.err) == (1, "")
    assert sentence in " ".join(ran.out.split())
    assert "softmax: 0 of 20 points" in ran.out
    assert ran.out.count(sentence[:24]) <= 2, "said once, not for every check"


def test_a_byte_order_mark_is_no_mistake(submit):
    assert submit(RIGHT.encode("utf-8-sig")).code == 0


def test_windows_line_ends_are_no_mistake(submit):
    assert submit(RIGHT.replace("\n", "\r\n").encode()).code == 0


# What the module does when it is loaded, and the sentence.
LOADING = {
    "sys.exit": ("import sys\n\nsys.exit(0)\n", "It calls exit(), which ends the program"),
    "os._exit": ("import os\n\nos._exit(0)\n", "The process ended (exit code 0) before it answered"),
    "an exception": ("x = 1\ny = 1 / 0\n", "It raised ZeroDivisionError: division by zero"),
    "a library that is not here": ("import torch\n", "'torch' cannot be imported here"),
    "a misnamed function": ("def sofmax(x, axis=-1):\n    return x\n", "Did you mean softmax where you wrote sofmax?"),
    "no function": ("softmax = 3\n", "softmax is no function but a value of type 'int'."),
}


@pytest.mark.parametrize(("source", "sentence"), LOADING.values(), ids=LOADING)
def test_a_file_that_does_not_load(submit, source, sentence):
    ran = submit(source)
    assert (ran.code, ran.err) == (1, "")
    assert sentence in " ".join(ran.out.split())
    assert "softmax: 0 of 20 points" in ran.out
    if "1 / 0" in source:
        assert "softmax.py line 2, in <module>:  y = 1 / 0" in ran.out


def test_a_file_that_never_ends(submit, monkeypatch):
    monkeypatch.setattr(client, "LOAD_SECONDS", 0.5)
    ran = submit("while True:\n    pass\n")
    assert (ran.code, ran.err) == (1, "")
    said = "It did not finish in time: is there a loop that never ends, or one over single elements of many?"
    assert said in " ".join(ran.out.split())
    assert "softmax: 0 of 20 points" in ran.out


# -- wrong answers -----------------------------------------------------------------------------------------------------

LIAR = """
class Liar(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, dtype=bool)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.zeros(self.shape)

    def __array_function__(self, function, types, args, kwargs):
        return True
"""
EQUAL = """
class Equal:
    shape, dtype, ndim = (2, 3), np.dtype("float64"), 2

    def __eq__(self, other):
        return True

    def __array__(self, *args, **kwargs):
        raise SystemExit(0)
"""
WRONG = {
    "None": ("None", "", "It returned None, not an array."),
    "a list": ("p.tolist()", "", "t returned a list of 2, not an array."),
    "a tuple": ("(p,)", "", "It returned a tuple of 1, not an array."),
    "a number": ("float(p.sum())", "", "not an array."),
    "objects": ("p.astype(object)", "", "dtype object"),
    "a string": ("str(p)", "", "not an array."),
    "an array of strings": ("p.astype(str)", "", "dtype"),
    "complex": ("p + 0j", "", "It has dtype complex128, not float64."),
    "integers": ("p.astype(int)", "", "It has dtype int64, not float64."),
    "a subclass that lies": ("(0 * p).view(Liar)", LIAR, "elements differ."),
    "a class that equals all": ("Equal()", EQUAL, "not an array."),
    "NaN": ("p * np.nan", "", "It holds nan where the right value is finite."),
    "a shape that would broadcast": ("p.max(axis=axis, keepdims=True)", "", "It has shape "),
    "the input itself": ("x", "", "elements differ."),
    "the input, overwritten": ("np.copyto(x, p) or x", "", "It changed its argument x in place"),
    "a view of the input": ("x[...]", "", "elements differ."),
    "a generator": ("(row for row in p)", "", "not an array."),
    "a function": ("lambda: p", "", "not an array."),
    "itself": ("softmax", "", "not an array."),
    "a list that holds itself": ("loop", "loop = []\nloop.append(loop)\n", "not an array."),
    "a gigantic array": ("np.broadcast_to(p[..., None], (*p.shape, 10**9))", "", "It has shape "),
}


@pytest.mark.parametrize(("expression", "before", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer(submit, expression, before, sentence):
    ran = submit(returning(expression, before))
    assert (ran.code, ran.err) == (1, "")
    assert sentence in " ".join(ran.out.split())
    assert "softmax(np.array(" in ran.out, "the counterexample is a call"
    # Only what calls softmax fails: the backward pass is right.
    assert "softmax: 0 of" not in ran.out


def test_a_view_of_the_input_as_a_right_answer(submit):
    """What is returned may share memory with anything, as long as the input is not written to."""
    assert submit(returning("p[...]")).code == 0
    assert submit(returning("np.asfortranarray(p)")).code == 0


def test_a_counterexample_is_one_line_to_copy(submit):
    """However long: a call that is broken over lines cannot be pasted."""
    ran = submit(returning("p * (1 + 1e-3 * (x.size > 20))"))
    assert ran.code == 1
    calls = [line.strip() for line in ran.out.splitlines() if line.startswith("    softmax")]
    assert calls
    for call in calls:
        compile(call, "call", "eval")
    assert any(len(call) > PLAIN_WIDTH for call in calls)
