"""`dlgrade.notebook.check`: what was run is what is checked, and whatever happens the answer is one number."""

from __future__ import annotations

import importlib.util
import math
import sys
from types import SimpleNamespace

import pytest
from dlgrade import notebook
from dlgrade.errors import UsageError
from dlgrade.model import CheckResult, Outcome, Report, Submission
from dlgrade.notebook import Checked, check

HEAD = "import numpy as np"
RIGHT = """\
def softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)
"""
WRONG = "def softmax(x, axis=-1):\n    return np.exp(x)\n"
BACKWARD = """\
def softmax_backward(grad, probs, axis=-1):
    return probs * (grad - (grad * probs).sum(axis=axis, keepdims=True))
"""
CALL = 'from dlgrade.notebook import check\n\ncheck("softmax")'


@pytest.fixture
def source_of(monkeypatch, course):
    """The module that is checked after these cells were run, of which those with these numbers raised."""

    def source_of(*cells, failed=()):
        history = SimpleNamespace(input_hist_raw=["", *cells, CALL], exceptions={number: {} for number in failed})
        monkeypatch.setattr(notebook, "_shell", lambda: SimpleNamespace(history_manager=history))
        monkeypatch.setenv("DLGRADE_COURSE", str(course))
        sent = []
        monkeypatch.setattr(notebook, "_checked", lambda course, folder, source: sent.append(source.decode()))
        assert check("softmax").fault == ""
        return sent[0]

    return source_of


def defined(source):
    scope = {}
    exec(source, scope)
    return scope


def test_the_last_definition_counts(source_of):
    scope = defined(source_of(HEAD, WRONG, RIGHT, BACKWARD))
    assert scope["softmax"](scope["np"].zeros(2)).tolist() == [0.5, 0.5]
    scope = defined(source_of(HEAD, RIGHT, WRONG))
    assert scope["softmax"](scope["np"].zeros(2)).tolist() == [1, 1]


def test_what_raised_and_was_mended_is_forgotten(source_of):
    broken = RIGHT.replace("np.exp(x", "np.exp(x(")
    source = source_of("scale = missing", HEAD, broken, "scale = 1", RIGHT, failed=[1, 3])
    assert "missing" not in source
    assert "np.exp(x(" not in source
    assert "softmax" in defined(source)


def test_what_does_not_parse_is_known_without_being_told(source_of):
    assert "np.exp(x(" not in source_of(HEAD, RIGHT.replace("np.exp(x", "np.exp(x("), RIGHT)


def test_an_answer_that_raised_and_was_not_mended_is_what_is_checked(source_of):
    assert "np.exp(x(" in source_of(HEAD, RIGHT.replace("np.exp(x", "np.exp(x("), failed=[2])


def test_magics_and_our_own_calls_are_not_run(source_of):
    source = source_of("%matplotlib inline\n" + HEAD, "!echo hello", RIGHT)
    assert "dlgrade" not in source
    assert "softmax" in defined(source)


def test_a_long_history_keeps_its_end(source_of, monkeypatch):
    monkeypatch.setattr(notebook, "CELLS_LIMIT", 4)
    source = source_of(*(f"a{number} = 1" for number in range(9)), HEAD, RIGHT)
    assert [f"a{number}" in source for number in (7, 8)] == [False, True]


# -- the number --------------------------------------------------------------------------------------------------------


def report(*outcomes):
    checks = [
        CheckResult(f"c{number}", "agreement", ("f",), "Is <b>right</b>.", outcome, worth, 2.0, False, 0.1)
        for number, (outcome, worth) in enumerate(outcomes)
    ]
    return Report("softmax", "02_losses", "strict", "cpu", 0, 0.1, Submission.of("softmax.py", b""), tuple(checks))


def test_the_points_are_a_number_that_nbgrader_can_read():
    found = Checked(report((Outcome.PASSED, 2.0), (Outcome.FAILED, 0.5)))
    assert (float(found), float(repr(found))) == (2.5, 2.5)
    assert repr(Checked(report((Outcome.FAILED, 0.0)))) == "0"
    assert found.report is not None


@pytest.mark.parametrize("outcome", [Outcome.BROKEN, Outcome.INCONCLUSIVE, Outcome.SKIPPED])
def test_what_could_not_be_decided_is_no_number_that_nbgrader_takes(outcome):
    found = Checked(report((Outcome.PASSED, 2.0), (outcome, 0.0)))
    assert float(repr(found)) == math.inf


def test_nbgrader_reads_it_so():
    utils = pytest.importorskip("nbgrader.utils", reason="nbgrader is not installed")
    for found, points in ((report((Outcome.PASSED, 2.0)), 2.0), (report((Outcome.FAILED, 0.0)), 0.0)):
        assert utils.get_partial_grade({"data": {"text/plain": repr(Checked(found))}}, 2.0) == points
    with pytest.raises(ValueError, match="cannot be greater than maximum"):
        utils.get_partial_grade({"data": {"text/plain": repr(Checked(None, "no"))}}, 2.0)


def test_the_display_is_the_report_and_nothing_of_it_is_markup():
    found = Checked(report((Outcome.FAILED, 0.0)))
    page = found._repr_html_()
    assert page.startswith('<iframe title="dlgrade" srcdoc="')
    assert page.count("<") == 2, "the page stands in an attribute, escaped"
    assert 'sandbox=""' in page
    assert "## " in found._repr_markdown_()
    fault = Checked(None, "<script>\x1b[31m\nsecond")
    assert "<script>" not in fault._repr_html_()
    assert "\x1b" not in fault._repr_html_() + fault._repr_markdown_()
    assert fault._repr_markdown_().splitlines()[-1] == "    second"


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(monkeypatch, course):
    """A kernel that has run a right answer."""
    history = SimpleNamespace(input_hist_raw=["", HEAD, RIGHT, BACKWARD, CALL])
    monkeypatch.setattr(notebook, "_shell", lambda: SimpleNamespace(history_manager=history))
    monkeypatch.setenv("DLGRADE_COURSE", str(course))


def test_the_engine_is_the_command_lines(shell, capfd):
    found = check("softmax")
    assert (repr(found), found.fault) == ("20", "")
    assert found.report.submission.path == "softmax.py"
    assert capfd.readouterr() == ("", ""), "nothing is written: on stderr it would be no points"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("sofmax", "Did you mean softmax?"), ("", "There is no exercise ''"), ("../softmax", "There is no exercise")],
)
def test_a_name_that_is_none(shell, capfd, name, sentence):
    found = check(name)
    assert float(found) == math.inf
    assert sentence in found.fault
    assert capfd.readouterr().err == ""


def test_an_engine_that_does_not_answer(shell, monkeypatch, capfd):
    monkeypatch.setattr(notebook, "_BOOT", "import sys; sys.exit('it is gone')")
    found = check("softmax")
    assert (repr(found), found.fault) == ("inf", "it is gone")
    monkeypatch.setattr(notebook, "_BOOT", "import time; time.sleep(60)")
    monkeypatch.setattr(notebook, "SECONDS", 0.2)
    assert "did not end within" in check("softmax").fault
    monkeypatch.setattr(notebook, "_report", lambda *_: 1 / 0)
    assert check("softmax").fault == "dlgrade itself failed: ZeroDivisionError: division by zero"
    assert capfd.readouterr().err == ""


def test_an_interrupt_is_the_students(shell, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(notebook, "_report", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check("softmax")


def test_outside_a_notebook(monkeypatch):
    monkeypatch.setattr(notebook, "_shell", lambda: None)
    with pytest.raises(UsageError, match="this is none") as raised:
        check("softmax")
    assert "dlgrade check softmax" in str(raised.value)


def test_it_is_light_and_silent_to_import(place):
    heavy = "{'numpy', 'hypothesis', 'rich', 'IPython', 'nbformat', 'torch'}"
    code = f"import sys; from dlgrade.notebook import check; print(sorted({heavy} & sys.modules.keys()))"
    ran = place.run(sys.executable, "-c", code)
    assert (ran.out, ran.err) == ("[]\n", "")


# -- the real IPython --------------------------------------------------------------------------------------------------

IN_IPYTHON = f"""
import os, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
cells = [{HEAD!r}, "y = softmax(0)", {WRONG!r}, "def softmax(:", {RIGHT!r}, "y = 1", {BACKWARD!r}, {CALL!r}]
for cell in cells:
    ran = shell.run_cell(cell, store_history=True)
print("POINTS", repr(ran.result), sorted(shell.display_formatter.format(ran.result)[0]))
"""


@pytest.mark.skipif(importlib.util.find_spec("IPython") is None, reason="IPython is not installed")
def test_the_history_of_the_real_ipython(place, course):
    ran = place.run(sys.executable, "-c", IN_IPYTHON, DLGRADE_COURSE=course)
    assert ran.out.splitlines()[-1] == "POINTS 20 ['text/html', 'text/markdown', 'text/plain']", ran.out + ran.err
