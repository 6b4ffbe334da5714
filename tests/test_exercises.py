"""The course's own content: right variants always pass, misconceptions are named, references agree with torch."""

import hashlib
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from dlgrade.author import Timing
from dlgrade.checking.agreement import errors_forgiven, sample_calls
from dlgrade.checking.diagnosis import diagnose
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_check, run_checks, worker_of
from dlgrade.checking.trial import Trial, TrustedTarget
from dlgrade.course.find import open_course
from dlgrade.course.load import content_digest, load_exercise, load_misconceptions, load_reference, load_variants
from dlgrade.model import Outcome, Submission, Verdict
from dlgrade.sandbox.syntax import Reading

ROOT = Path(__file__).parent.parent
COURSE = open_course(ROOT)
FOLDERS = {folder.name: folder for folder in COURSE.exercises}
VARIANTS = sorted(ROOT.glob("solutions/*/*/variants/*.py"))


@pytest.fixture(scope="session")
def drawer():
    return Drawer()


def loaded(name):
    """The exercise without what is timed: a busy machine may leave that open, and `selftest --timing` proves it."""
    exercise = load_exercise(FOLDERS[name], authored=True)
    return replace(exercise, checks=tuple(check for check in exercise.checks if not isinstance(check, Timing)))


def misconceptions_of(exercise):
    whole = load_exercise(FOLDERS[exercise.name], authored=True)
    timed = {check.name for check in whole.checks if isinstance(check, Timing)}
    return [item for item in load_misconceptions(whole) if item.caught_by not in timed]


def check_submission(exercise, source, drawer, seed=0):
    submission = Submission(exercise.file_name, source, hashlib.sha256(source).hexdigest())
    reading = Reading(source)
    with worker_of(exercise, submission) as target:
        return run_checks(
            exercise,
            submission,
            target,
            facts=reading.result,
            misconceptions=lambda: misconceptions_of(exercise),
            drawer=drawer,
            content=content_digest(exercise.folder),
            seed=seed,
        )


def test_every_exercise_has_what_the_course_promises():
    for name in FOLDERS:
        exercise = loaded(name)
        misconceptions = misconceptions_of(exercise)
        laws = [check for check in exercise.checks if type(check).__name__ == "Property"]
        assert len(laws) >= (8 if exercise.framework == "numpy" else 6), name
        for entry_point in exercise.entry_points:
            assert ">>>" in exercise.entry_points[entry_point].doc, entry_point
        least = 12 if exercise.framework == "numpy" else 10
        assert min(Counter(item.of for item in misconceptions).values()) >= least, name
        assert len(load_variants(exercise)) >= 3, name


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_a_right_variant_passes_through_a_worker(path, drawer):
    exercise = loaded(path.parent.parent.name)
    report = check_submission(exercise, path.read_bytes(), drawer)
    assert [r for r in report.checks if r.outcome != Outcome.PASSED] == []
    assert report.verdict == Verdict.PASSED
    assert report.points == report.max_points
    assert load_exercise(FOLDERS[exercise.name], authored=True).max_points == 20


@pytest.mark.parametrize("name", FOLDERS)
def test_each_misconception_is_named(name, drawer):
    """What a student who made one of the known mistakes is told is the cure of that mistake."""
    exercise = loaded(name)
    content = content_digest(exercise.folder)
    known = misconceptions_of(exercise)
    right = load_reference(exercise)
    checks = {check.name: check for check in exercise.checks}
    told = {}
    for item in known:
        target = TrustedTarget({**right, item.of: item.code})
        trial = Trial(exercise, target, drawer, 0, content, explain=False)
        finding = run_check(checks[item.caught_by], trial)
        finding = replace(finding, fresh=(*finding.fresh, *sample_calls(trial)))
        forgiven = partial(errors_forgiven, trial)
        found = diagnose(finding, target, known, frozenset({item.caught_by}), forgiven=forgiven)
        told[item.name] = found.name if found else None
    wrong = {name: got for name, got in told.items() if got != name}
    if exercise.framework == "torch":
        # Two mistakes may come to the same, such as two ways to lose autograd's way: neither is named then.
        assert {name: got for name, got in wrong.items() if got is not None} == {}
        assert len(wrong) <= 0.2 * len(told), wrong
    else:
        assert wrong == {}


def test_another_formula_of_the_same_mistake_is_named(drawer):
    """Of two values in float32 so much of dx cancels that two right formulas have few digits in common."""
    backward = """

def batch_norm_backward(grad, x, gamma, eps=1e-5):
    axes, shape = (0, *range(2, x.ndim)), (1, -1, *[1] * (x.ndim - 2))
    d = x - x.mean(axes, keepdims=True)
    inv = 1 / np.sqrt((d**2).mean(axes, keepdims=True) + eps)
    z, g = d * inv, grad * gamma.reshape(shape)
    dx = inv * (g - g.mean(axes, keepdims=True) - z * (g * z).mean(axes, keepdims=True))
    return dx, grad.sum(axes), (grad * z).sum(axes)
"""
    exercise = loaded("batch_norm")
    report = check_submission(exercise, (exercise.source + backward).encode(), drawer)
    failed = [result for result in report.checks if result.outcome == Outcome.FAILED]
    assert {result.misconception for result in failed} == {"returns_dbeta_first"}


# -- the references against an independent implementation --------------------------------------------------------------


@pytest.fixture(scope="session")
def torch():
    return pytest.importorskip("torch", reason="torch is not installed: the references are compared with it")


def reference(name):
    exercise = loaded(name)
    return load_reference(exercise)


def test_softmax_agrees_with_torch(torch):
    ours, rng = reference("softmax"), np.random.default_rng(0)
    for shape, axis in [((5,), 0), ((3, 4), 0), ((3, 4), -1), ((2, 3, 4), 1)]:
        x, grad = rng.normal(size=shape) * 20, rng.normal(size=shape)
        theirs = torch.tensor(x, requires_grad=True)
        p = torch.softmax(theirs, axis)
        p.backward(torch.tensor(grad))
        np.testing.assert_allclose(ours["softmax"](x, axis), p.detach().numpy(), rtol=1e-12, atol=1e-300)
        got = ours["softmax_backward"](grad, p.detach().numpy(), axis)
        np.testing.assert_allclose(got, theirs.grad.numpy(), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("ignore_index", [-100, 0])
def test_cross_entropy_agrees_with_torch(torch, smoothing, ignore_index):
    ours, rng = reference("cross_entropy"), np.random.default_rng(1)
    logits, targets = rng.normal(size=(6, 4)) * 5, np.array([1, 0, 3, 2, 0, 1])
    options = {"ignore_index": ignore_index, "label_smoothing": smoothing}
    theirs = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(theirs, torch.tensor(targets), **options)
    loss.backward()
    assert ours["cross_entropy"](logits, targets, **options) == pytest.approx(loss.item(), rel=1e-12)
    got = ours["cross_entropy_backward"](logits, targets, **options)
    np.testing.assert_allclose(got, theirs.grad.numpy(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": (2, 1)}, {"padding": (2, 1)}, {"dilation": 2, "padding": 2}, {"groups": 2, "stride": 2}],
    ids=str,
)
def test_conv2d_agrees_with_torch(torch, options):
    ours, rng = reference("conv2d"), np.random.default_rng(2)
    groups = options.get("groups", 1)
    x, w, b = rng.normal(size=(2, 4, 7, 6)), rng.normal(size=(6, 4 // groups, 3, 2)), rng.normal(size=6)
    tensors = [torch.tensor(array, requires_grad=True) for array in (x, w, b)]
    out = torch.nn.functional.conv2d(*tensors, **options)
    grad = rng.normal(size=tuple(out.shape))
    out.backward(torch.tensor(grad))
    np.testing.assert_allclose(ours["conv2d"](x, w, b, **options), out.detach().numpy(), rtol=1e-10, atol=1e-12)
    for got, tensor in zip(ours["conv2d_backward"](grad, x, w, **options), tensors, strict=True):
        np.testing.assert_allclose(got, tensor.grad.numpy(), rtol=1e-10, atol=1e-11)
