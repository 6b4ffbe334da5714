"""A whole report: outcomes and points, our own faults told as ours, the same report for the same submission."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from dlgrade.author import Example, Policy, Timing
from dlgrade.checking import run
from dlgrade.checking.run import result_of
from dlgrade.checking.trial import Finding
from dlgrade.errors import GraderError
from dlgrade.gradebook.grading import broken_report
from dlgrade.model import Outcome, Submission, Verdict
from tiny import (
    REFERENCE,
    TINY,
    affine_agrees,
    dense_gradient,
    loss_gradient,
    moments_agrees,
    ranked_agrees,
    reported,
    reported_trusted,
    total_agrees,
    waves_gradient,
)

ALL = [
    Example(name="examples"),
    Policy(name="permitted"),
    affine_agrees,
    total_agrees,
    moments_agrees,
    ranked_agrees,
    dense_gradient,
    loss_gradient,
    waves_gradient,
]
WRONG = REFERENCE.replace("+ np.asarray", "- np.asarray").replace("x.var()", "x.var() + 1").replace("@ slope", "@ grad")


def test_the_reference_passes_everything():
    told = []
    report = reported(ALL, REFERENCE, on_result=told.append)
    assert [(r.name, r.outcome) for r in report.checks] == [(check.name, Outcome.PASSED) for check in ALL]
    assert report.points == report.max_points == 10
    assert report.verdict == Verdict.PASSED
    assert tuple(told) == report.checks
    assert (report.isolation, report.seed, report.exercise) == ("process", 0, "tiny")


def library(x):
    return x


SENTENCES = {
    "affine agrees with its definition.": replace(affine_agrees, says=""),
    "dense_backward agrees with finite differences of your own dense.": replace(dense_gradient, says=""),
    "Autograd through dense agrees with finite differences of it.": replace(dense_gradient, says="", backward=""),
    "total takes at most 1.5 times as long as a loop over rows.": Timing(
        "total", baseline=library, given=library, size=9, limit=1.5, against="a loop over rows"
    ),
    "The examples in the docstrings hold.": Example(),
    "Only the permitted libraries are used.": Policy(),
    "In words of its author.": replace(dense_gradient, says="In words of its author."),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_has_no_words_of_its_author_says_what_it_checks(sentence):
    """In a report as in one on a submission that could not be graded, and no two kinds of check the same."""
    check = SENTENCES[sentence]
    exercise = replace(TINY, checks=(check,))
    broken = broken_report(exercise, Submission.of("tiny.py", b""), isolation="none", seed=0, why="No memory.")
    assert broken.checks == (result_of(check, Finding(Outcome.BROKEN, broken.checks[0].evidence), exercise, 0),)
    assert broken.checks[0].says == sentence
    assert broken.checks[0].kind == type(check).__name__.lower()
    assert (broken.checks[0].points, broken.verdict) == (0, Verdict.BROKEN)


def test_each_failed_check_costs_its_own_points():
    report = reported(ALL, WRONG)
    outcomes = {result.name: result.outcome for result in report.checks}
    wrong = {name for name, outcome in outcomes.items() if outcome != Outcome.PASSED}
    assert wrong == {"examples", "affine_agrees", "moments_agrees", "dense_gradient"}
    assert report.points == 10 - 1 - 3 - 1 - 1
    assert report.verdict == Verdict.FAILED
    for result in report.checks:
        assert result.points in (0, result.max_points)
        assert (result.evidence is not None) == (result.name in wrong)


def test_the_stub_is_not_started_and_earns_nothing():
    stub = "\n".join(
        f"def {name}{point.signature.replace(return_annotation=point.signature.empty)}: raise NotImplementedError"
        for name, point in TINY.entry_points.items()
    ).replace("numpy.ndarray", "np.ndarray")
    report = reported([check for check in ALL if not isinstance(check, Policy)], stub)
    assert {result.outcome for result in report.checks} == {Outcome.FAILED}
    assert {result.evidence.rung for result in report.checks} == {"not_started"}
    assert report.points == 0


@pytest.mark.parametrize(
    ("source", "outcome", "rung", "words"),
    [
        ("def affine(:", Outcome.RAISED, "reads", "cannot be read. It has a syntax error"),
        ("1 / 0", Outcome.RAISED, "loads", "could not be loaded. It raised ZeroDivisionError"),
        ("import sys; sys.exit(0)", Outcome.RAISED, "loads", "calls exit()"),
        ("import os; os._exit(0)", Outcome.CRASHED, "loads", "exit code 0"),
    ],
)
def test_a_file_that_cannot_be_loaded(source, outcome, rung, words):
    report = reported([affine_agrees, Example(name="examples")], source)
    for result in report.checks:
        assert (result.outcome, result.evidence.rung) == (outcome, rung)
        assert words in result.evidence.message
    assert report.verdict == Verdict.FAILED


# -- our own faults ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "check", "name"),
    [
        ("dlgrade.checking.agreement.difference", affine_agrees, "affine_agrees"),
        ("dlgrade.checking.gradient._numeric", dense_gradient, "dense_gradient"),
        ("dlgrade.checking.doctests.alike", Example(name="examples"), "examples"),
        ("dlgrade.checking.run.run_policy", Policy(name="rules"), "rules"),
    ],
)
def test_what_goes_wrong_on_our_side_is_ours(monkeypatch, where, check, name):
    def fails(*args, **kwargs):
        raise RuntimeError("our mistake")

    monkeypatch.setattr(where, fails)
    report = reported_trusted([check, total_agrees])
    result = report.checks[0]
    assert (result.name, result.outcome) == (name, Outcome.BROKEN)
    assert "our mistake" in result.evidence.message and "not your mistake" in result.evidence.message
    assert report.verdict == Verdict.BROKEN
    assert result.misconception is None
    if "difference" not in where:
        assert report.checks[1].outcome == Outcome.PASSED


def test_an_oracle_that_fails_is_our_fault():
    def oracle(x, w, shift=0.0):
        raise LinAlgError

    class LinAlgError(Exception):
        pass

    check = type(affine_agrees)("affine", name="bad_oracle", oracle=oracle, given=affine_agrees.given)
    report = reported_trusted([check])
    assert report.checks[0].outcome == Outcome.BROKEN
    assert report.points == 0 and report.verdict == Verdict.BROKEN


def test_a_machine_that_starts_no_worker_ends_the_run(monkeypatch):
    def fails(*args, **kwargs):
        raise GraderError("no worker")

    monkeypatch.setattr(run, "run_check", fails)
    with pytest.raises(GraderError):
        reported_trusted([affine_agrees])


def test_a_diagnosis_that_fails_costs_no_report(monkeypatch):
    def fails(*args, **kwargs):
        raise RuntimeError("our mistake")

    monkeypatch.setattr(run, "diagnose", fails)
    report = reported_trusted([affine_agrees], affine=lambda x, w, shift=0.0: x @ w)
    (result,) = report.checks
    assert result.outcome == Outcome.FAILED
    assert result.evidence.notes == ("The mistake could not be named: RuntimeError: our mistake",)


# -- output ------------------------------------------------------------------------------------------------------------


def test_what_was_printed_is_shown_under_its_check_passed_or_not():
    source = REFERENCE.replace("return float(x.sum())", "print('total', end=' '); return float(x.sum())")
    source = source.replace("return x @ w", "print('\\x1b[31maffine'); return x @ w")
    report = reported([affine_agrees, total_agrees, moments_agrees], "print('loading')\n" + source)
    affine, total, moments = report.checks
    assert affine.outcome == total.outcome == Outcome.PASSED
    assert affine.evidence.output.startswith("loading\n\\x1b[31maffine\n")
    assert set(total.evidence.output.split()) == {"total"}
    assert moments.evidence is None


# -- the same again ----------------------------------------------------------------------------------------------------

AGAIN = """
import json, sys
from dataclasses import asdict
sys.path.insert(0, {here!r})
from test_run import ALL, WRONG
from tiny import reported
report = asdict(reported(ALL, "import random\\n" + WRONG, seed=11))
report["seconds"] = 0
for check in report["checks"]:
    check["seconds"] = 0
report["submission"]["source"] = ""
print(json.dumps(report))
"""


def test_the_same_submission_and_seed_give_the_same_report():
    command = [sys.executable, "-c", AGAIN.format(here=str(Path(__file__).parent))]
    one, other = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert json.loads(one)["checks"][0]["outcome"] == "failed"
    assert one == other


def test_another_seed_gives_the_same_verdict_on_other_inputs():
    one, other = (reported_trusted([affine_agrees], seed=seed, affine=lambda x, w, shift=0.0: x @ w * 1.1 + shift)
                  for seed in (0, 1))  # fmt: skip
    assert one.checks[0].outcome == other.checks[0].outcome == Outcome.FAILED
