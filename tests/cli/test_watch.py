"""`dlgrade check --watch`: what is saved is checked, until Ctrl-C."""

import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from dlgrade.cli import check as check_command
from dlgrade.cli import watch as watch_module
from dlgrade.cli.watch import LOOK_SECONDS, SETTLE_SECONDS, Watch
from processes import LONG, running
from student_files import RIGHT, STUB

ROOT = Path(__file__).parents[2]
BLEU = (ROOT / "assignments/10_decoding/bleu/bleu.py").read_text("utf-8")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT like this")


# -- waiting -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def meanwhile(monkeypatch):
    """Lets these acts happen while it is waited, one at each wait; says how long was waited at each."""

    def meanwhile(*acts):
        waits = []

        def sleep(seconds):
            assert len(waits) < len(acts) + 10, "it waits though all has happened"
            waits.append(seconds)
            if len(waits) <= len(acts):
                acts[len(waits) - 1]()

        monkeypatch.setattr(watch_module.time, "sleep", sleep)
        return waits

    return meanwhile


def nothing():
    pass


def test_the_file_that_is_saved_is_told(meanwhile, tmp_path):
    paths = [tmp_path / name for name in ("a.py", "b.py", "c.py")]
    for path in paths[:2]:
        path.write_text("1")
    watch = Watch(paths)
    meanwhile(nothing, lambda: save(paths[1], "22"))
    assert watch.changed() == [paths[1]]
    meanwhile(nothing, lambda: save(paths[1], "333"))
    assert watch.changed() == [paths[1]]
    meanwhile(nothing, lambda: save(paths[2], "new"))
    assert watch.changed() == [paths[2]]


def test_what_was_saved_meanwhile_is_not_missed(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("1")
    watch = Watch([path])
    path.write_text("of another size")
    assert watch.changed() == [path]


def test_a_file_that_is_written_in_steps_is_told_once_it_is_whole(meanwhile, tmp_path):
    path = tmp_path / "a.py"
    path.write_text("1")
    watch = Watch([path])
    waits = meanwhile(*(lambda step=step: path.write_text("x" * step) for step in range(8)))
    assert watch.changed() == [path]
    assert path.read_text() == "x" * 7
    assert waits == [LOOK_SECONDS] + [SETTLE_SECONDS] * 8


def test_a_file_that_goes_is_waited_for_until_it_is_back(meanwhile, tmp_path):
    path = tmp_path / "a.py"
    path.write_text("1")
    watch = Watch([path])
    waits = meanwhile(path.unlink, *[nothing] * 5, lambda: save(path, "1"))
    assert watch.changed() == [path]
    assert len(waits) > 6, "it was not back before"


# -- the command -------------------------------------------------------------------------------------------------------


class Watching:
    """The command at work: what it says until something is said."""

    def __init__(self, popen):
        self.popen = popen
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            self.lines.put(line)

    def until(self, pattern):
        said = ""
        with contextlib.suppress(queue.Empty):
            while not re.search(pattern, said):
                said += self.lines.get(timeout=LONG)
            return said
        raise AssertionError(f"it never said {pattern!r}, but:\n{said}")

    def end(self):
        self.popen.send_signal(signal.SIGINT)
        code = self.popen.wait(LONG)
        self.reader.join(LONG)
        return code, "".join(self.lines.queue)


@pytest.fixture
def watching(tmp_path):
    with contextlib.ExitStack() as stack:

        def begin(*arguments):
            command = [sys.executable, "-m", "dlgrade", "--course", ROOT, "check", "--watch", "--at", tmp_path]
            said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "encoding": "utf-8"}
            environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
            return Watching(stack.enter_context(running([*command, *arguments], env=environment, **said)))

        yield begin


def save(path, source):
    beside = path.with_name("unsaved")
    beside.write_text(source, "utf-8")
    beside.replace(path)


def test_an_evening_with_one_exercise(watching, tmp_path):
    softmax, bleu = tmp_path / "softmax.py", tmp_path / "bleu.py"
    softmax.write_text(STUB, "utf-8")
    bleu.write_text(BLEU, "utf-8")
    run = watching()
    run.until("2 files are watched: what you save is checked. Ctrl-C ends it.")
    save(softmax, RIGHT.replace("- x.max", "+ x.min"))
    run.until(r"softmax: [\d.]+ of 20 points · failed")
    save(softmax, "def softmax(:")
    run.until("softmax: 0 of 20 points · failed")
    softmax.unlink()
    time.sleep(0.5)
    save(softmax, RIGHT)
    run.until("softmax: 20 of 20 points · passed")
    save(bleu, "def bleu(hypotheses, references, max_n=4, smoothing='none'):\n    return 0.0\n")
    run.until(r"bleu: [\d.]+ of 20 points · failed")
    assert run.end()[0] == 1, "one of them is wrong"


def test_it_ends_well_if_all_is_well(watching, tmp_path):
    (tmp_path / "softmax.py").write_text(RIGHT, "utf-8")
    run = watching("softmax")
    run.until("1 file is watched")
    code, said = run.end()
    assert (code, "Traceback" in said) == (0, False)


def test_a_report_is_written_anew(watching, tmp_path):
    (tmp_path / "softmax.py").write_text(STUB, "utf-8")
    report = tmp_path / "report.html"
    run = watching("--format", "html", "--out", report)
    run.until("1 file is watched")
    save(tmp_path / "softmax.py", RIGHT)
    run.until("The report is in")
    assert "20 of 20" in report.read_text("utf-8")
    assert run.end()[0] == 0


def test_a_file_that_cannot_be_checked_is_no_end(watching, tmp_path):
    softmax = tmp_path / "softmax.py"
    softmax.write_text(STUB, "utf-8")
    run = watching()
    run.until("1 file is watched")
    softmax.unlink()
    softmax.mkdir()
    run.until("is a folder, not a file")
    shutil.rmtree(softmax)
    save(softmax, RIGHT)
    run.until("softmax: 20 of 20 points · passed")


@pytest.mark.parametrize(("source", "code"), [(RIGHT, 0), (RIGHT.replace("- x.max", "+ x.min"), 1)])
@pytest.mark.parametrize("saved_meanwhile", [False, True])
def test_what_was_told_counts_however_soon_ctrl_c_comes(dlgrade, monkeypatch, tmp_path, source, code, saved_meanwhile):
    softmax, told = tmp_path / "softmax.py", check_command._Screen.end
    softmax.write_text(STUB if saved_meanwhile else source, "utf-8")

    def end(*arguments):
        told(*arguments)
        raise KeyboardInterrupt

    def changed(watch):
        softmax.write_text(source, "utf-8")
        return [softmax]

    monkeypatch.setattr(check_command._Screen, "end", end)
    monkeypatch.setattr(Watch, "changed", changed)
    ran = dlgrade("--course", ROOT, "check", "--watch", "--at", tmp_path)
    assert ("points · passed" in ran.out, "points · failed" in ran.out) == (code == 0, code == 1)
    assert (ran.code, "Aborted" in ran.err) == (code, False), ran.text
