"""The Gradient check: right ones pass in any style, wrong ones are told apart, a forward's faults are its own."""

from dataclasses import replace

import numpy as np
import pytest
from dlgrade.author import Gradient, arrays
from dlgrade.model import Outcome
from tiny import (
    RIGHT,
    dense_gradient,
    judged,
    loss_gradient,
    message,
    passed,
    reported_trusted,
    run_call,
    square_gradient,
    trusted,
    verdict,
    waves_gradient,
)

FAILED = Outcome.FAILED
dense_backward, loss_backward = RIGHT["dense_backward"], RIGHT["loss_backward"]


# -- right ones --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [dense_gradient, loss_gradient, waves_gradient], ids=lambda check: check.name)
def test_the_right_gradient_never_fails(check, drawer):
    few = replace(check, examples=3)
    assert [seed for seed in range(300) if not passed(trusted(few, seed=seed, explain=False, drawer=drawer))] == []


NAIVE = """
def dense(x, w):
    return np.array([[np.tanh(sum(a * b for a, b in zip(row, column))) for column in w.T] for row in x])

def dense_backward(grad, x, w):
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    out = dense(x, w)
    for i in range(x.shape[0]):
        for j in range(w.shape[1]):
            s = grad[i, j] * (1 + out[i, j]) * (1 - out[i, j])
            for k in range(x.shape[1]):
                dx[i, k] += s * w[k, j]
                dw[k, j] += s * x[i, k]
    return [dx, dw]
"""


def test_a_naive_style_passes():
    assert passed(judged(dense_gradient, NAIVE))


def test_a_gradient_by_another_formula_passes():
    def by_differences(grad, x, w):
        def of(tensor, step=1e-6):
            slopes = np.zeros_like(tensor)
            for at in np.ndindex(tensor.shape):
                kept = tensor[at]
                tensor[at] = kept + step
                up = RIGHT["dense"](x, w)
                tensor[at] = kept - step
                slopes[at] = (grad * (up - RIGHT["dense"](x, w))).sum() / 2 / step
                tensor[at] = kept
            return slopes

        return of(x), of(w)

    assert passed(trusted(dense_gradient, dense_backward=by_differences))


def test_several_outputs_each_with_its_cotangent():
    assert passed(trusted(waves_gradient))
    first_only = trusted(waves_gradient, waves_backward=lambda dsine, dsum, x, sine: dsine * np.cos(x))
    second_only = trusted(waves_gradient, waves_backward=lambda dsine, dsum, x, sine: 2 * dsum * x)
    assert verdict(first_only) == verdict(second_only) == (FAILED, "values")


def test_what_the_backward_is_given_is_what_the_forward_gives():
    def backward(dsine, dsum, x, sine):
        assert isinstance(dsum, float)
        np.testing.assert_array_equal(sine, np.sin(x))
        return dsine * np.cos(x) + dsum * 2 * x

    assert passed(trusted(waves_gradient, waves_backward=backward))


def test_a_number_that_the_forward_gives_arrives_as_a_number():
    check = replace(waves_gradient, outputs=("sine", "dsum"), cotangents=("dsine", None))
    seen = []
    trusted(check, waves_backward=lambda dsine, dsum, x, sine: seen.append(dsum) or dsine * np.cos(x))
    assert {type(value) for value in seen} == {float}


def test_a_cotangent_is_random_and_nowhere_zero():
    seen = []
    check = replace(dense_gradient, given={"x": arrays((2, 3)), "w": arrays((3, 50))}, examples=20)
    trusted(check, dense_backward=lambda grad, x, w: seen.append(grad) or dense_backward(grad, x, w))
    assert min(np.abs(grad).min() for grad in seen) > 0
    assert all(len(np.unique(grad)) > 50 for grad in seen)
    assert all(np.array_equal(np.round(grad, 2), grad) for grad in seen)


# -- wrong ones, told apart --------------------------------------------------------------------------------------------


def changed(place, change):
    """dense_backward with one of its results changed."""

    def backward(grad, x, w):
        results = list(dense_backward(grad, x, w))
        results[place] = change(results[place])
        return tuple(results)

    return backward


CLASSES = {
    "zero": (dense_gradient, changed(1, np.zeros_like), "dw is zero everywhere. dx is right."),
    "sign": (dense_gradient, changed(0, np.negative), "dx has the wrong sign. dw is right."),
    "transposed_square": (square_gradient, changed(1, np.transpose), "dw is transposed. dx is right."),
    "twice": (dense_gradient, changed(1, lambda d: 2 * d), "dw is 2 times what it should be. dx is right."),
    "half": (dense_gradient, changed(1, lambda d: d / 2), "dw is 1/2 times what it should be."),
    "third": (dense_gradient, changed(1, lambda d: d * 0.3), "dw is 0.3 times what it should be."),
    "one_element": (
        square_gradient, changed(1, lambda d: d + 1e-3 * (np.arange(d.size) == 1).reshape(d.shape)), "dw is wrong."
    ),
    "both": (square_gradient, lambda g, x, w: (x * 0 + 1, w * 0 + 1), "dx is wrong."),
}  # fmt: skip


@pytest.mark.parametrize("name", CLASSES)
def test_a_wrong_gradient_is_classified(name):
    check, backward, words = CLASSES[name]
    finding = trusted(check, dense_backward=backward)
    assert verdict(finding) == (FAILED, "values")
    assert message(finding).startswith(words)
    assert message(finding).endswith("Your dense_backward disagrees with your own dense.")
    if name != "one_element":
        return
    assert finding.evidence.worst.index == (0, 1)
    assert finding.evidence.worst.error == pytest.approx(1e-3)


FACTORS = {
    "N": (lambda g, x: g * len(x), "is N (the batch size) times what it should be"),
    "1/N": (lambda g, x: g / len(x), "is 1/N (N is the batch size) times what it should be"),
    "C": (lambda g, x: g * x.shape[1], "is C (the classes) times what it should be"),
    "1/C": (lambda g, x: g / x.shape[1], "is 1/C times what it should be"),
    "N·C": (lambda g, x: g * x.size, "is N·C times what it should be"),
    "2": (lambda g, x: g * 2, "is 2 times what it should be"),
    "depends": (lambda g, x: g * (1 + x[0, 0] ** 2), "a factor that depends on the input"),
}


@pytest.mark.parametrize("name", FACTORS)
def test_a_factor_is_named(name):
    change, words = FACTORS[name]
    finding = trusted(loss_gradient, loss_backward=lambda x, t: change(loss_backward(x, t), x))
    assert verdict(finding) == (FAILED, "values")
    assert words in message(finding)
    assert "disagrees with your own loss" in message(finding)


UNUSABLE = {
    "nan": (lambda g, x, w: (np.full_like(x, np.nan), w), "finite", "dx holds values that are not finite."),
    "inf": (lambda g, x, w: (dense_backward(g, x, w)[0], w / 0), "finite", "dw holds values that are not finite."),
    "one_alone": (lambda g, x, w: dense_backward(g, x, w)[0], "structure", "It returned a float64 array"),
    "swapped": (lambda g, x, w: dense_backward(g, x, w)[::-1], "shape", "dx has shape"),
    "transposed": (changed(1, np.transpose), "shape", ": it is transposed."),
    "a_batch_axis": (changed(1, lambda d: d[None]), "shape", "dw has shape (1, "),
    "none": (lambda g, x, w: None, "structure", "It returned None, not a tuple of an array, an array."),
    "complex": (changed(0, lambda d: d + 1j), "dtype", "dx has dtype complex128"),
    "mask": (changed(0, lambda d: d > 0), "dtype", "dx has dtype bool"),
    "huge": (lambda g, x, w: (np.broadcast_to(0.0, (9000, 9000)), w), "shape", "dx has shape (9000, 9000)"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_gradient_at_all(name):
    backward, rung, words = UNUSABLE[name]
    with np.errstate(all="ignore"):
        finding = trusted(dense_gradient, dense_backward=backward)
    assert verdict(finding) == (FAILED, rung)
    assert words in message(finding)
    assert finding.evidence.call.startswith("dense_backward(")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_right_gradient_that_is_not_finite_lets_nobody_pass(value):
    """It is the author's input that has none: nothing can be compared with it, and it is nobody's fault but ours."""

    def oracle(x, t):
        return np.full_like(x, value)

    report = reported_trusted([replace(loss_gradient, oracle=oracle)], loss_backward=lambda x, t: x * 0 + 7)
    assert [result.outcome for result in report.checks] == [Outcome.BROKEN]
    assert "the right gradient of an input is not finite" in report.checks[0].evidence.message


def test_whole_numbers_are_compared_as_numbers():
    finding = trusted(dense_gradient, dense_backward=changed(0, lambda d: (d > 0).astype(np.uint8)))
    assert verdict(finding) == (FAILED, "values")


def test_a_backward_that_raises_or_is_not_started():
    raised = judged(dense_gradient, NAIVE.replace("out = dense(x, w)", "out = dense(w, x, 1)"))
    assert raised.outcome == Outcome.RAISED and "TypeError" in message(raised)
    stub = judged(dense_gradient, NAIVE.partition("def dense_backward")[0] + "def dense_backward(grad, x, w):\n"
                  "    raise NotImplementedError")  # fmt: skip
    assert verdict(stub) == (FAILED, "not_started")
    assert message(stub) == "dense_backward is not started yet."
    assert verdict(judged(dense_gradient, "def dense(x, w): return np.tanh(x @ w)")) == (FAILED, "exists")


@pytest.mark.parametrize(("off", "outcome"), [(2e-7, Outcome.PASSED), (5e-6, FAILED)])
def test_a_gradient_has_six_digits_right(off, outcome):
    assert trusted(dense_gradient, dense_backward=changed(1, lambda d: d * (1 + off))).outcome == outcome


def test_a_case_is_always_tried_and_its_mistake_shown():
    """Wrong for large inputs only, which no draw gives."""

    def wrong_where_large(grad, x, w):
        dx, dw = dense_backward(grad, x, w)
        return dx * (2 if np.abs(x).max() > 50 else 1), dw

    assert passed(trusted(dense_gradient, dense_backward=wrong_where_large))
    check = replace(dense_gradient, cases=({"x": np.array([[0.25, 100.0]]), "w": np.array([[1.0], [0.0]])},))
    finding = trusted(check, dense_backward=wrong_where_large)
    assert verdict(finding) == (FAILED, "values")
    assert "(2 in one case) times what it should be. dw is right." in message(finding)
    assert passed(trusted(check))


def test_small_gradients_are_judged_by_their_own_size():
    """Gradients of 1e-5 for cotangents of 1: one that is a percent off, or zero, is wrong all the same."""
    check = Gradient(
        "dense", name="small", backward="dense_backward", wrt=("x", "w"),
        given={"x": arrays((2, 2)), "w": arrays((2, 2))}, forward_oracle=lambda x, w: x @ w * 1e-5,
        oracle=lambda grad, x, w: (grad @ w.T * 1e-5, x.T @ grad * 1e-5),
    )  # fmt: skip

    def judge(factor):
        return trusted(
            check,
            dense=lambda x, w: x @ w * 1e-5,
            dense_backward=lambda grad, x, w: (grad @ w.T * 1e-5 * factor, x.T @ grad * 1e-5),
        )

    assert passed(judge(1 + 1e-13))
    assert "is 1.01 times" in message(judge(1.01))
    assert "is zero everywhere" in message(judge(0.0))


def test_where_the_right_gradient_is_zero_rounding_passes_and_more_does_not():
    check = Gradient(
        "loss", name="flat", backward="loss_backward", wrt="x", cotangents=(), given={"x": arrays(), "t": arrays()},
        forward_oracle=lambda x, t: 1.0, oracle=lambda x, t: 0 * x,
    )  # fmt: skip
    one = {"loss": lambda x, t: 1.0}
    assert passed(trusted(check, **one, loss_backward=lambda x, t: x * 1e-17))
    finding = trusted(check, **one, loss_backward=lambda x, t: np.full_like(x, 1e-6))
    assert message(finding).startswith("The gradient should be zero.")


def test_the_vanishing_slope_of_a_cubic_is_not_held_against_the_forward():
    check = Gradient(
        "loss", name="cubic", backward="loss_backward", wrt="x", cotangents=(),
        given={"x": arrays((2, 2)).map(lambda x: 0 * x), "t": arrays((2, 2))},
        forward_oracle=lambda x, t: float((x**3).sum()), oracle=lambda x, t: 3 * x * x,
    )  # fmt: skip
    finding = trusted(check, loss=lambda x, t: float((x**3).sum()), loss_backward=lambda x, t: 3 * x * x)
    assert finding == type(finding)(Outcome.PASSED)


# -- the forward's part ------------------------------------------------------------------------------------------------

shifted = {"dense": lambda x, w: x @ w}
consistent = {"dense_backward": lambda grad, x, w: (grad @ w.T, x.T @ grad)}


def test_a_backward_that_fits_a_wrong_forward_cannot_be_judged():
    finding = trusted(dense_gradient, **shifted, **consistent)
    assert verdict(finding) == (FAILED, "forward")
    assert "Your dense is wrong, so your dense_backward cannot be judged against it." in message(finding)
    assert "disagrees" not in message(finding)


def test_a_forward_that_is_wrong_on_larger_inputs_only_is_wrong_on_the_smallest_too():
    """What is shown is a small input, on which this forward is right by chance."""
    dense = lambda x, w: np.tanh(x @ w) / max(1, len(x) - 1)  # noqa: E731
    finding = trusted(dense_gradient, dense=dense, dense_backward=changed(0, lambda d: 2 * d))
    assert finding.failing[0].args[0].shape[0] <= 2
    assert verdict(finding) == (FAILED, "forward")


def test_a_right_backward_of_a_wrong_forward_passes_with_a_note():
    finding = trusted(dense_gradient, **shifted)
    assert finding.outcome == Outcome.PASSED
    (note,) = finding.evidence.notes
    assert note.startswith("Your dense is not right yet")


UNUSABLE_FORWARDS = {
    "missing": "",
    "raises": "def dense(x, w): raise ValueError('no')",
    "not_started": "def dense(x, w): raise NotImplementedError",
    "none": "def dense(x, w): pass",
    "text": "def dense(x, w): return 'tanh'",
    "generator": "def dense(x, w): yield x",
    "shape": "def dense(x, w): return np.tanh(x @ w)[None]",
    "nan": "def dense(x, w): return np.tanh(x @ w) * np.nan",
    "ends": "def dense(x, w): __import__('os')._exit(0)",
}
BACKWARD = """
def dense_backward(grad, x, w):
    slope = grad * (1 - np.tanh(x @ w) ** 2)
    return slope @ w.T, x.T @ slope
"""
INTERFERES = """
import os
def dense(x, w):
    for line in range(3, 64):
        try:
            os.write(line, bytes(64))
        except OSError:
            pass
"""


@pytest.mark.parametrize("name", UNUSABLE_FORWARDS)
def test_a_backward_is_judged_by_the_oracle_where_its_forward_is_of_no_use(name):
    forward = UNUSABLE_FORWARDS[name] + "\n"
    right = judged(dense_gradient, forward + BACKWARD)
    assert right.outcome == Outcome.PASSED and right.evidence.notes
    wrong = judged(dense_gradient, forward + BACKWARD.replace("(1 -", "(1 +"))
    assert verdict(wrong) == (FAILED, "forward")


def test_a_forward_that_interferes_with_the_grader_is_told_even_where_the_backward_is_right():
    assert judged(dense_gradient, INTERFERES + BACKWARD).outcome == Outcome.PROTOCOL_VIOLATION


@pytest.mark.parametrize("value", ["'text'", "(i for i in [])", "None"])
def test_a_scalar_loss_that_is_no_number_does_not_break_the_check(value):
    source = f"def loss(x, t): return {value}\ndef loss_backward(x, t): return (x - t) / len(x)"
    finding = judged(loss_gradient, source)
    assert finding.outcome == Outcome.PASSED and finding.evidence.notes


def test_a_forward_that_rounds_is_told():
    finding = trusted(dense_gradient, dense=lambda x, w: np.round(np.tanh(x @ w), 9))
    assert verdict(finding) == (FAILED, "forward")
    assert "dense_backward is right, but finite differences of your dense do not agree with it" in message(finding)
    assert finding.evidence.call.startswith("dense(")


def test_a_forward_that_keeps_something_between_calls_is_told():
    finding = judged(dense_gradient, BACKWARD + (
        "count = [0]\ndef dense(x, w):\n    count[0] += 1\n    return np.tanh(x @ w) + 1e-9 * (count[0] % 2)\n"
    ))  # fmt: skip
    assert verdict(finding) == (FAILED, "forward")


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_the_call_can_be_pasted_and_shows_what_is_wrong():
    backward = changed(1, lambda d: d * 1.5)
    finding = trusted(dense_gradient, dense_backward=backward)
    assert "1.5 times" in message(finding)
    assert finding.failing[0].args[1].shape == finding.failing[0].args[2].shape == (1, 1)
    (value,) = run_call(finding.evidence.call, {"dense_backward": backward})
    (right,) = run_call(finding.evidence.call, {"dense_backward": dense_backward})
    assert value[1] == pytest.approx(1.5 * right[1])
    assert f"{value[1][0, 0]:.6g}" in finding.evidence.got
    assert f"{right[1][0, 0]:.6g}" in finding.evidence.expected
