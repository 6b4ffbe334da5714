"""What the command says, in every format: bounded, valid, harmless to a terminal, and with the right exit code."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import jsonschema
import pytest
from dlgrade.cli import check as check_command
from dlgrade.errors import GraderError
from dlgrade.sandbox import launch
from student_files import RIGHT, SCHEMA, STUB, returning

# -- prints ------------------------------------------------------------------------------------------------------------


def test_printing_100_megabytes(submit):
    ran = submit("print('x' * 100_000_000)\n" + RIGHT.replace("np.exp(", "np.exp(1 + "), "--format", "json")
    checks = json.loads(ran.out)["checks"]
    failed = [(check["name"], check["outcome"], check["evidence"]) for check in checks if check["outcome"] != "passed"]
    assert (ran.code, failed) == (0, []), "softmax does not change with a common shift"
    outputs = [check["evidence"]["output"] for check in checks if check["evidence"]]
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
    for form, name in (("text", "report.out"), ("json", "report.json"), ("junit", "report.xml")):
        ran = dlgrade("check", "softmax", "--format", form, "--out", f"new/{name}")
        assert (ran.code, ran.out) == (0, "")
        assert f"The report is in new{os.sep}{name}." in ran.err
        written = (folder / "new" / name).read_text("utf-8")
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
    assert dlgrade("check", "softmax", "--format", "json", "--out", "report.json").code == 3
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
