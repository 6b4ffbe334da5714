"""Whatever a student, a shell or a disk hands in has a clear sentence of its own and the right exit code."""

import json
import os
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest
from dlgrade.cli import check as check_command
from dlgrade.errors import GraderError
from dlgrade.sandbox import launch

ROOT = Path(__file__).parent.parent.parent
RIGHT = (ROOT / "solutions" / "02_losses" / "softmax" / "softmax.py").read_text("utf-8")
STUB = (ROOT / "assignments" / "02_losses" / "softmax" / "softmax.py").read_text("utf-8")
SCHEMA = json.loads((ROOT / "grader" / "dlgrade" / "report" / "report.schema.json").read_text("utf-8"))


def returning(expression, before=""):
    """A module whose softmax returns this instead of the right probabilities `p` of `x`."""
    return f"""\
import numpy as np
{textwrap.dedent(before)}

def softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    p = powers / powers.sum(axis=axis, keepdims=True)
    return {expression}


def softmax_backward(grad, probs, axis=-1):
    return probs * (grad - (grad * probs).sum(axis=axis, keepdims=True))
"""


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sofmax", "There is no exercise 'sofmax' in this course.\nDid you mean softmax?"),
        ("Softmax", "There is no exercise 'Softmax' in this course.\nDid you mean softmax?"),
        ("02_losses/sofmax", "Did you mean softmax?"),
        ("sofmax.py", "Did you mean softmax?"),
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
    assert [report["exercise"] for report in json.loads(ran.out)] == ["cross_entropy", "softmax"]


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
    assert "mine.py is one file, and 2 exercises are to be checked." in ran.err
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
    "an infinite loop": ("while True:\n    pass\n", "It did not finish in time; is there a loop that never ends?"),
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
    assert any(len(call) > check_command.PLAIN_WIDTH for call in calls)


# -- prints ------------------------------------------------------------------------------------------------------------


def test_printing_100_megabytes(submit):
    ran = submit("print('x' * 100_000_000)\n" + RIGHT.replace("np.exp(", "np.exp(1 + "), "--format", "json")
    assert ran.code == 0, "softmax does not change with a common shift"
    outputs = [check["evidence"]["output"] for check in json.loads(ran.out)["checks"] if check["evidence"]]
    assert len(outputs) == 1, "shown with the check that ran when it was printed"
    assert outputs[0].startswith("xxxx")
    assert "more bytes were printed" in outputs[0]
    assert len(ran.out) < 60_000


PRETENDING = r"""
import os, sys
print('\x1b[2J\x1b]0;owned\x07\u202e\x9b31m{"schema": "dlgrade.report/1", "verdict": "passed"}')
os.write(1, b'DLG1\x00\x00\x00\x10{"index": 0, "value": 1}\xff\xfe')
os.write(2, b'\x1b[31m<script>alert(1)</script> ]]>\n')
sys.stdout.flush()
"""


@pytest.mark.parametrize("form", ["text", "json", "junit"])
def test_prints_that_pretend(submit, form):
    ran = submit(PRETENDING + returning("p * 0"), "--format", form)
    assert (ran.code, ran.err) == (1, "")
    for character in ("\x1b", "\x9b", "\u202e", "\x07", "\x00"):
        assert character not in ran.out
    if form == "json":
        report = json.loads(ran.out)
        jsonschema.validate(report, SCHEMA)
        assert report["verdict"] == "failed"
    elif form == "junit":
        ET.fromstring(ran.out)
    else:
        assert "\\x1b[2J\\x1b]0;owned\\x07\\u202e" in ran.out


FLOOD = """
import os

for descriptor in range(3, 64):
    try:
        os.write(descriptor, bytes(64))
    except OSError:
        pass
"""


def test_speaking_into_the_graders_channel(submit):
    """Whatever is written into every descriptor that can be found is no verdict."""
    ran = submit(FLOOD + returning("p * 0"))
    assert ran.code == 1
    assert "softmax: 0 of 20 points" in ran.out


# -- what comes out ----------------------------------------------------------------------------------------------------


def test_started_exercises_in_course_order_and_no_others(dlgrade, folder):
    assert dlgrade("start", ".").code == 0
    nothing = dlgrade("check")
    assert (nothing.code, nothing.out) == (2, "")
    assert "No exercise has been started yet.\nOpen " in nothing.err
    assert "replace `raise NotImplementedError`, and run this again." in nothing.err
    # The same stub with other white space is still the stub.
    softmax = folder / "02_losses" / "softmax.py"
    softmax.write_text(STUB.replace("\n", "\r\n") + "\n\n", "utf-8", newline="")
    assert dlgrade("check").code == 2
    (folder / "05_convolution" / "conv2d.py").write_text("x = 1\n", "utf-8")
    softmax.write_text(RIGHT, "utf-8")
    ran = dlgrade("check", "--format", "json")
    assert ran.code == 1
    assert [(r["exercise"], r["verdict"]) for r in json.loads(ran.out)] == [("softmax", "passed"), ("conv2d", "failed")]
    text = dlgrade("check").out
    assert text.index("softmax: 20 of 20 points") < text.index("conv2d: 0 of")
    assert "2 exercises" in text


def test_a_stub_that_is_named_is_not_started_yet(submit):
    ran = submit(STUB)
    assert ran.code == 1
    assert "Not started yet:" in ran.out
    assert "NotImplementedError" not in ran.out


@pytest.mark.parametrize("count", [1, 2])
def test_json_is_the_schema_and_nothing_else(dlgrade, folder, count):
    (folder / "softmax.py").write_text("print('hello')\n" + returning("p.T"), "utf-8")
    if count == 2:
        (folder / "cross_entropy.py").write_text("print('{}')\nraise ValueError('\\x1b[2J')\n", "utf-8")
    ran = dlgrade("check", "--format", "json")
    assert (ran.code, ran.err) == (1, "")
    data = json.loads(ran.out)
    reports = [data] if count == 1 else data
    assert len(reports) == count
    for report in reports:
        jsonschema.validate(report, SCHEMA)


@pytest.mark.parametrize("count", [1, 2])
def test_junit_is_xml_and_nothing_else(dlgrade, folder, count):
    (folder / "softmax.py").write_text(returning("p.T"), "utf-8")
    if count == 2:
        (folder / "cross_entropy.py").write_text("raise ValueError('\\x1b[2J ]]> <')\n", "utf-8")
    ran = dlgrade("check", "--format", "junit")
    assert (ran.code, ran.err) == (1, "")
    root = ET.fromstring(ran.out.encode())
    assert len(list(root.iter("testsuite"))) == count
    assert any(True for _ in root.iter("failure"))


def test_the_machines_formats_are_utf_8_whatever_the_terminal_is(folder):
    (folder / "softmax.py").write_text("raise ValueError('Grüße – ✓')\n", "utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "XDG_CACHE_HOME": str(folder / ".cache")}
    command = [sys.executable, "-m", "dlgrade", "check", "softmax", "--format"]
    done = subprocess.run([*command, "json"], capture_output=True, env=environment, timeout=120)
    assert done.returncode == 1, done.stderr
    assert "Grüße – ✓" in json.loads(done.stdout)["checks"][0]["evidence"]["message"]
    text = subprocess.run([*command, "text"], capture_output=True, env=environment, timeout=120)
    assert text.returncode == 1, text.stderr
    assert b"Gr\\xfc\\xdfe" in text.stdout, "a terminal that cannot show a character shows its escape"


def test_the_report_in_a_file(dlgrade, folder):
    (folder / "softmax.py").write_text(RIGHT, "utf-8")
    for form in ("text", "json", "junit"):
        ran = dlgrade("check", "softmax", "--format", form, "--out", "new/report.out")
        assert (ran.code, ran.out) == (0, "")
        assert f"The report is in new{os.sep}report.out." in ran.err
        written = (folder / "new" / "report.out").read_text("utf-8")
        assert "20 of 20 points" in written if form == "text" else "softmax" in written
        assert "\x1b" not in written


def test_a_report_that_cannot_be_written(dlgrade, folder):
    (folder / "softmax.py").write_text(RIGHT, "utf-8")
    (folder / "file").write_text("", "utf-8")
    ran = dlgrade("check", "softmax", "--out", "file/report.json")
    assert (ran.code, ran.out) == (2, "")
    assert f"--out: file{os.sep}report.json cannot be written: " in ran.err
    ran = dlgrade("check", "softmax", "--out", ".")
    assert ran.code == 2
    assert "is a directory" in ran.err


def test_a_report_never_replaces_the_solution(dlgrade, folder):
    (folder / "softmax.py").write_text(RIGHT, "utf-8")
    ran = dlgrade("check", "softmax", "--out", "./softmax.py")
    assert ran.code == 2
    assert "is your solution: the report would replace it." in ran.err
    assert (folder / "softmax.py").read_text("utf-8") == RIGHT


def test_an_older_report_stays_until_there_is_a_new_one(dlgrade, folder, monkeypatch):
    (folder / "softmax.py").write_text(RIGHT, "utf-8")
    (folder / "report.json").write_text("yesterday's", "utf-8")
    monkeypatch.setattr(launch, "_WORKER", folder / "no_worker.py")
    assert dlgrade("check", "softmax", "--out", "report.json").code == 3
    assert (folder / "report.json").read_text("utf-8") == "yesterday's"


def test_a_pipe_that_is_closed(folder):
    """`dlgrade check | head -1`: the reader has seen enough, and nobody complains."""
    (folder / "softmax.py").write_text(RIGHT, "utf-8")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / ".cache")}
    for form in ("text", "json"):
        command = [sys.executable, "-m", "dlgrade", "check", "softmax", "--format", form]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        process.stdout.readline() if form == "text" else None
        process.stdout.close()
        with process.stderr:
            said = process.stderr.read().decode()
        code = process.wait(timeout=120)
        assert said == ""
        assert code in (0, 1), "0 only where all was written before the reader left"


def test_text_has_no_escapes_and_a_fixed_width_where_there_is_no_terminal(submit, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm-256color")
    ran = submit(returning("p.T"))
    assert "\x1b" not in ran.text
    lines = ran.out.splitlines()
    assert max(map(len, lines)) > 80 and all(len(line) <= 100 or line.startswith("    ") for line in lines)


# -- exit codes --------------------------------------------------------------------------------------------------------


def test_exit_codes(dlgrade, submit, folder, monkeypatch):
    assert submit(RIGHT).code == 0
    assert submit(returning("x")).code == 1
    assert dlgrade("check", "nothing").code == 2

    def start(framework):
        raise GraderError("A worker process could not be started: out of processes")

    with monkeypatch.context() as patch:
        patch.setattr(launch, "start", start)
        ran = submit(RIGHT)
    assert (ran.code, ran.out) == (3, "")
    assert "Error: A worker process could not be started: out of processes" in ran.err


def test_a_check_that_fails_by_itself_is_the_graders_fault(submit, monkeypatch):
    def stumble(check, trial):
        raise RuntimeError("an oracle that cannot count")

    monkeypatch.setattr("dlgrade.checking.run.run_agreement", stumble)
    ran = submit(RIGHT, "--format", "json")
    assert (ran.code, ran.err) == (3, "")
    report = json.loads(ran.out)
    jsonschema.validate(report, SCHEMA)
    assert report["verdict"] == "broken"
    outcomes = {check["outcome"] for check in report["checks"] if check["kind"] == "agreement"}
    assert outcomes == {"broken"}, "never a student's zero"
    assert "an oracle that cannot count" in ran.out


def test_a_worker_that_says_nothing_is_the_graders_fault(submit, tmp_path, monkeypatch):
    worker = tmp_path / "worker.py"
    worker.write_text("print('no numpy here')\n", "utf-8")
    monkeypatch.setattr(launch, "_WORKER", worker)
    ran = submit(RIGHT)
    assert ran.code == 3
    assert "A worker process did not start, so nothing could be checked." in ran.err
    assert "no numpy here" in ran.err


def test_a_failure_of_ours_keeps_its_details_in_a_file(capsys, folder, monkeypatch, tmp_path):
    from dlgrade.cli import main

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(check_command, "find_root", lambda given: 1 / 0)
    with pytest.raises(SystemExit) as ended:
        main(["check", "softmax"])
    assert ended.value.code == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "dlgrade itself failed: ZeroDivisionError: division by zero" in said.err
    (log,) = tmp_path.glob("dlgrade-*.log")
    assert str(log) in said.err
    assert "Traceback" in log.read_text("utf-8")


def test_stopping_is_no_failure(dlgrade, folder, monkeypatch):
    def interrupt(given):
        raise KeyboardInterrupt

    monkeypatch.setattr(check_command, "find_root", interrupt)
    ran = dlgrade("check", "softmax")
    assert ran.code == 130
    assert "Stopped." in ran.err


def test_the_same_again_is_the_same_report(dlgrade, folder):
    (folder / "softmax.py").write_text(returning("p.T"), "utf-8")

    def report(seed):
        data = json.loads(dlgrade("check", "softmax", "--format", "json", "--seed", seed).out)
        for part in (data, *data["checks"]):
            del part["seconds"]
        return data

    assert report(3) == report(3)
    assert report(3)["seed"] == 3
