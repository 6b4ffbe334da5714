"""Checks of cross-entropy: what it computes, the laws that it obeys, and its gradient."""

import math

import numpy as np
from dlgrade.author import (
    Agreement,
    Example,
    Gradient,
    Mismatch,
    Policy,
    arrays,
    assert_close,
    assert_equal,
    check,
)
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracles -----------------------------------------------------------------------------------------------------------


def _rows(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """For each row: whether it counts, its wanted distribution, log(sum(exp(scores))), and its scores."""
    classes = logits.shape[1]
    for scores, target in zip(np.asarray(logits, dtype=np.float64), targets, strict=True):
        wanted = np.full(classes, label_smoothing / classes)
        if target != ignore_index:
            wanted[target] += 1 - label_smoothing
        log_total = scores.max() + math.log(math.fsum(np.exp(scores - scores.max())))
        yield target != ignore_index, wanted, log_total, scores


def _loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    rows = _rows(logits, targets, ignore_index, label_smoothing)
    return float(np.mean([math.fsum(wanted * (total - scores)) for counts, wanted, total, scores in rows if counts]))


def _gradient(logits, targets, ignore_index=-100, label_smoothing=0.0):
    rows = _rows(logits, targets, ignore_index, label_smoothing)
    each = [np.where(counts, np.exp(scores - total) - wanted, 0.0) for counts, wanted, total, scores in rows]
    return np.array(each) / np.sum(targets != ignore_index)


def _magnitude(logits, targets, ignore_index=-100, label_smoothing=0.0):
    return np.abs(logits).max() + 1


def _gradient_size(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """What each element is the difference of, so that a tiny probability cannot be clipped away unseen.

    Working with the logarithm of the sum costs a relative error of eps * |logits|, which is right too; and what
    underflows in float32 may be 0.
    """
    rows = list(_rows(logits, targets, ignore_index, label_smoothing))
    each = np.array(
        [np.exp(scores - total) + wanted if counts else 0 * wanted for counts, wanted, total, scores in rows]
    )
    return each * (1 + np.abs(logits).max() / 10) + 1e-30


# -- what it costs -----------------------------------------------------------------------------------------------------


def _batch(rows, classes):
    """A batch whose numbers do not matter, but its size."""
    return {"logits": np.zeros((rows, classes)), "targets": np.zeros(rows, dtype=np.int64)}


def _holds_little(function):
    """Fail if the memory that a call holds grows faster than the logits do: N·C, with a factor 2 to spare."""
    few, many = (function.peak_memory(**_batch(rows, 4)) for rows in (512, 2048))
    assert many <= 8 * few, (
        f"for 4 times the rows it holds {many / few:.0f} times the memory, {many / 1e6:.3g} MB for {2048 * 4} logits: "
        "somewhere it makes a table of N × N. Indexing probs[:, targets] makes one, and so does comparing (N,) with "
        "(N, 1)"
    )
    few, many = (function.peak_memory(**_batch(side, side)) for side in (40, 160))
    assert many <= 32 * few, (
        f"for 16 times the logits it holds {many / few:.0f} times the memory, {many / 1e6:.3g} MB for {160 * 160} "
        "logits: somewhere it makes a table of three sides, such as a Jacobian of C × C for each of the N rows"
    )
    few, many = (function.peak_memory(**_batch(4, classes)) for classes in (256, 1024))
    assert many <= 8 * few, (
        f"for 4 times the classes it holds {many / few:.0f} times the memory, {many / 1e6:.3g} MB for {4 * 1024} "
        "logits: somewhere it makes a table of C × C. np.eye(C)[targets] makes one, and so does a row's Jacobian; "
        "one_hot[np.arange(N), targets] = 1 places the ones without it"
    )


# -- inputs ------------------------------------------------------------------------------------------------------------

_EVERY_WAY = ("none", "default", "outside", "class")


@st.composite
def _batches(draw, *, kinds=("plain",), ignoring=("none",), smoothing=(None,), within=5.0, rows=(2, 3, 4, 1)):
    """A call's arguments; `ignoring` says how rows may be left out, a smoothing of None is not given."""
    n, classes = draw(st.sampled_from(rows)), draw(st.sampled_from((3, 2, 4, 5, 1)))
    logits = draw(arrays((n, classes), within=within))
    kind = draw(st.sampled_from(kinds))
    if kind == "wide":
        logits = logits * 300
    if kind == "levels":
        logits = logits + draw(arrays((n, 1), within=10, whole=True)) * 1000
    if kind == "ties":
        logits = logits[:, :1] + np.zeros(logits.shape)
    targets = draw(arrays((n,), within=99, whole=True)).astype(draw(st.sampled_from((np.int64, np.int32)))) % classes
    case = {"logits": logits, "targets": targets}
    way = draw(st.sampled_from(ignoring))
    if way == "class" and classes > 1:
        ignored = int(targets[0])
        if n > 1:
            targets[1:][targets[1:] == ignored] = draw(st.sampled_from((ignored, (ignored + 1) % classes)))
        # A row that counts, after one that does not where there are two.
        targets[-1] = (ignored + 1) % classes
        case["ignore_index"] = ignored
    elif way in ("default", "outside"):
        ignored = draw(st.sampled_from((-1, 255, classes))) if way == "outside" else -100
        out = draw(arrays((n,), within=1, whole=True)) > 0
        out[draw(st.integers(0, n - 1))] = False
        targets[out] = ignored
        if way == "outside":
            case["ignore_index"] = ignored
    amount = draw(st.sampled_from(smoothing))
    return case if amount is None else {**case, "label_smoothing": amount}


_anything = _batches(
    kinds=("plain", "plain", "wide", "levels", "ties"),
    ignoring=_EVERY_WAY,
    smoothing=(None, 0.0, 0.1, 0.5, 1.0),
    within=10,
)
_with_ignored_rows = _batches(ignoring=_EVERY_WAY[1:], smoothing=(None, 0.1), rows=(2, 3, 4))
_scores = np.array([[0.0, 1.0, 2.0, -1.0], [0.5, -1.0, 3.0, 0.0], [2.0, 0.25, -2.0, 1.0]])
_plain = {"logits": _scores, "targets": np.array([2, 0, 1])}
_default_ignored = {"logits": _scores, "targets": np.array([2, -100, 1], dtype=np.int32)}
_minus_one_ignored = {"logits": _scores, "targets": np.array([-1, 0, 1]), "ignore_index": -1}
_class_ignored = {"logits": _scores, "targets": np.array([2, 0, 1], dtype=np.int32), "ignore_index": 0}
_other_class_ignored = {"logits": _scores, "targets": np.array([2, 1, 0]), "ignore_index": 1}
_large_ignored = {"logits": _scores, "targets": np.array([255, 3, 3]), "ignore_index": 255}
_far = np.array([[0.0, 1000.0, -50.0], [-40.0, 0.0, 1e4], [-1e4, -1e4, -1e4 - 30]])
_always = (
    _plain,
    _default_ignored,
    _minus_one_ignored,
    _class_ignored,
    _other_class_ignored,
    {**_plain, "label_smoothing": 0.1},
    {**_default_ignored, "label_smoothing": 0.1},
    {**_minus_one_ignored, "label_smoothing": 1.0},
    {**_class_ignored, "label_smoothing": 0.5},
    # Nothing is ignored, unless the index is cast to the targets' type and becomes a class.
    {
        "logits": _scores,
        "targets": np.array([2, 0, 1], dtype=np.int32),
        "ignore_index": 2**32 + 1,
        "label_smoothing": 0.0,
    },
    _large_ignored,
    {"logits": _far, "targets": np.array([0, 0, 2])},
    {"logits": _far, "targets": np.array([2, 1, 0], dtype=np.int32), "label_smoothing": 0.1},
    # Tiny probabilities, and scores beyond exp() in float32 only.
    {"logits": np.array([[0.0, -60.0, -30.0], [100.0, 90.0, -100.0]]), "targets": np.array([0, 0])},
    {"logits": np.array([[3.0]]), "targets": np.array([0]), "label_smoothing": 0.1},
    {"logits": np.array([[3.0], [-1e4]]), "targets": np.array([0, 0])},
    # Wider than int32, int16 or int8 can hold, and a row whose target such a cast would make a class.
    {"logits": _scores, "targets": np.array([1, 2**32, 3]), "ignore_index": 2**32},
    {"logits": _scores, "targets": np.array([2**16, 1, 0]), "ignore_index": 2**16, "label_smoothing": 0.1},
    {"logits": np.arange(900.0).reshape(3, 300) % 31 / 8, "targets": np.array([150, 299, 0])},
    # Mistakes that cost more than any number that is thought large enough.
    {"logits": np.array([[0.0, 1e35], [-1e35, 0.0]]), "targets": np.array([0, 1])},
    # As many rows as classes, and more of both than a block is likely to hold.
    {"logits": np.arange(4900.0).reshape(70, 70) % 37 / 8, "targets": np.where(np.arange(70) % 6, np.arange(70), -100)},
)
# More rows than a block is likely to hold, of which the last cost most.
_many_rows = {
    "logits": np.arange(1100)[:, None] * np.array([0.0, 1 / 256]),
    "targets": np.where(np.arange(1100) % 7, 0, -100),
}


def _shaped(result, like):
    """The result, once it is known to have the shape that the law goes on to use."""
    if np.shape(result) != np.shape(like):
        raise Mismatch(f"shape {np.shape(result)}, not {np.shape(like)}", got=result, want=like)
    return np.asarray(result)


def _assert_same_loss(got, want, *, scale, message=""):
    """Compare losses to the digits that they came with: one that is returned in float32 has about seven."""
    single = isinstance(got, np.float32) or isinstance(want, np.float32)
    assert_close(float(got), float(want), rtol=_SINGLE if single else 1e-10, scale=scale, message=message)


_SINGLE = 2e-6


def _counted(case):
    return case["targets"] != case.get("ignore_index", -100)


# -- the loss ----------------------------------------------------------------------------------------------------------

examples = Example(points=1)
permitted = Policy()

loss_agrees = Agreement(
    "cross_entropy",
    oracle=_loss,
    given=_anything,
    scale=_magnitude,
    cases=(*_always, _many_rows),
    points=2,
    says="cross_entropy is the mean, over the rows that count, of -log(softmax(logits)[target]).",
)


@check(points=1, examples=10)
@given(
    case=_batches(ignoring=("none", "default"), smoothing=(None, 0.1)), level=st.sampled_from((0.0, -2.0, 1e4, -1e4))
)
@example(case=_plain, level=0.0)
@example(case=_plain, level=1e4)
@example(case=_plain, level=-1e4)
@example(case={**_plain, "label_smoothing": 0.1}, level=0.0)
def equal_scores_cost_log_of_the_classes(cross_entropy, case, level):
    """Where all the C scores of each row are equal, the loss is the natural logarithm of C."""
    shape = case["logits"].shape
    _assert_same_loss(
        cross_entropy(**{**case, "logits": np.full(shape, level)}), math.log(shape[1]), scale=1 + abs(level)
    )


@check(points=1, examples=10)
@given(
    case=_batches(ignoring=("none", "default"), smoothing=(None, 0.1)),
    level=st.sampled_from((1e3, -1e3, 1e4, -1e4)),
    fall=st.sampled_from((0.0, 1e3, 3e3)),
)
@example(case=_plain, level=1e4, fall=3e3)
@example(case=_plain, level=-1e4, fall=1e3)
@example(case=_plain, level=-1e4, fall=0.0)
def ignores_a_common_shift(cross_entropy, case, level, fall):
    """Adding one number to all the scores of a row, another to each row, does not change the loss."""
    logits = case["logits"]
    shift = level - fall * np.arange(len(logits))[:, None]
    _assert_same_loss(
        cross_entropy(**{**case, "logits": logits + shift}), cross_entropy(**case), scale=np.abs(shift).max()
    )


@check(points=1, examples=10)
@given(case=_batches(), wrong=st.integers(1, 4), gap=st.sampled_from((50.0, 200.0, 1e3, 1e4)))
@example(case=_plain, wrong=1, gap=50.0)
@example(case=_plain, wrong=2, gap=1e3)
def a_confident_mistake_costs_the_gap(cross_entropy, case, wrong, gap):
    """A row whose target trails the best class by a gap of 50 or more costs that gap, and one that leads costs 0."""
    n, classes = case["logits"].shape
    rows, targets = np.arange(n), case["targets"]
    best = (targets + wrong) % classes
    logits = np.full((n, classes), -gap)
    logits[rows, best] = 0.0
    _assert_same_loss(
        cross_entropy(logits, targets), gap * np.mean(best != targets), scale=gap, message="the loss is not the gap"
    )


@check(points=1, examples=10)
@given(case=_with_ignored_rows, change=st.sampled_from((1.0, -3.0)))
@example(case=_default_ignored, change=1.0)
@example(case=_minus_one_ignored, change=1.0)
@example(case=_class_ignored, change=1.0)
@example(case=_other_class_ignored, change=1.0)
@example(case=_large_ignored, change=1.0)
@example(case={**_class_ignored, "label_smoothing": 0.1}, change=1.0)
def counts_only_rows_that_are_not_ignored(cross_entropy, case, change):
    """Rows whose target is `ignore_index` change neither the sum nor its divisor, whatever their scores."""
    kept = _counted(case)
    alone = cross_entropy(**{**case, "logits": case["logits"][kept], "targets": case["targets"][kept]})
    spread = change * np.cos(np.arange(case["logits"].size)).reshape(case["logits"].shape)
    other = np.where(kept[:, None], case["logits"], case["logits"] * 2 + spread)
    _assert_same_loss(cross_entropy(**case), alone, scale=_magnitude(**case))
    _assert_same_loss(cross_entropy(**{**case, "logits": other}), alone, scale=_magnitude(**case))


@check(points=1, examples=10)
@given(case=_batches(ignoring=("none", "default"), smoothing=(None, 0.1)), times=st.sampled_from((2, 3)))
@example(case=_plain, times=2)
def is_a_mean_over_the_batch(cross_entropy, case, times):
    """Repeating the whole batch does not change the loss, and neither does the order of its rows."""
    logits, targets = case["logits"], case["targets"]
    once = cross_entropy(**case)
    again = {**case, "logits": np.tile(logits, (times, 1)), "targets": np.tile(targets, times)}
    turned = {**case, "logits": logits[::-1].copy(), "targets": targets[::-1].copy()}
    _assert_same_loss(
        cross_entropy(**again), once, scale=_magnitude(**case), message="the repeated batch has another loss"
    )
    _assert_same_loss(cross_entropy(**turned), once, scale=_magnitude(**case), message="the order of the rows matters")


@check(points=1, examples=10)
@given(case=_batches(ignoring=("none", "default")), amount=st.sampled_from((0.1, 0.5, 0.75)), turn=st.integers(1, 4))
@example(case=_plain, amount=0.1, turn=1)
@example(case=_default_ignored, amount=0.5, turn=1)
def smoothing_mixes_in_equal_weights(cross_entropy, case, amount, turn):
    """The loss is 1 - s of that without label smoothing and s of one that gives all C classes the weight 1 / C."""
    others = np.where(_counted(case), (case["targets"] + turn) % case["logits"].shape[1], -100)
    plain = cross_entropy(**case)
    mixed = cross_entropy(**case, label_smoothing=amount)
    equal = cross_entropy(**case, label_smoothing=1.0)
    equal_too = cross_entropy(case["logits"], others, label_smoothing=1.0)
    size = _magnitude(**case)
    _assert_same_loss(equal, equal_too, scale=size, message="with label smoothing 1 the targets still matter")
    _assert_same_loss(
        mixed, (1 - amount) * plain + amount * equal, scale=size, message="the mixture is not 1 - s and s"
    )


# -- its gradient ------------------------------------------------------------------------------------------------------


@check(points=1, examples=1)
@given(case=st.just({}))
def memory_grows_with_the_logits(cross_entropy, case):
    """It holds O(N C) numbers at a time: no table of N × N or C × C, and none of N × C × C."""
    _holds_little(cross_entropy)


gradient_agrees = Agreement(
    "cross_entropy_backward",
    oracle=_gradient,
    given=_anything,
    scale=_gradient_size,
    cases=_always,
    points=2,
    says="cross_entropy_backward is (softmax - wanted distribution) / (number of rows that count).",
)


@check(points=1, examples=10)
@given(
    case=_batches(ignoring=("none", "default"), smoothing=(None, 0.1)),
    level=st.sampled_from((1e3, -1e3, 1e4, -1e4)),
    fall=st.sampled_from((0.0, 1e3, 3e3)),
)
@example(case=_plain, level=1e4, fall=3e3)
@example(case=_plain, level=-1e4, fall=1e3)
@example(case=_plain, level=-1e4, fall=0.0)
def gradient_ignores_a_common_shift(cross_entropy_backward, case, level, fall):
    """Adding one number to all the scores of a row, another to each row, does not change the gradient."""
    logits = case["logits"]
    shift = level - fall * np.arange(len(logits))[:, None]
    # logits + shift is rounded to about 1e-12, and so are the probabilities.
    shifted = cross_entropy_backward(**{**case, "logits": logits + shift})
    assert_close(shifted, cross_entropy_backward(**case), rtol=1e-9, scale=1)


@check(points=1, examples=10)
@given(case=_batches(ignoring=_EVERY_WAY, smoothing=(None, 0.1, 1.0)))
@example(case=_plain)
@example(case={**_plain, "label_smoothing": 0.1})
def gradient_rows_sum_to_zero(cross_entropy_backward, case):
    """Each row of the gradient sums to 0: raising all the scores of a row alike does not change the loss."""
    total = _shaped(cross_entropy_backward(**case), case["logits"]).sum(axis=1)
    assert_close(total, np.zeros(total.shape), rtol=1e-12)


@check(points=1, examples=10)
@given(case=_with_ignored_rows)
@example(case=_default_ignored)
@example(case=_minus_one_ignored)
@example(case=_class_ignored)
@example(case=_large_ignored)
@example(case={**_class_ignored, "label_smoothing": 0.1})
def ignored_rows_have_no_gradient(cross_entropy_backward, case):
    """The gradient of a row whose target is `ignore_index` is exactly 0, and no other row notices it."""
    kept = _counted(case)
    got = _shaped(cross_entropy_backward(**case), case["logits"])
    alone = cross_entropy_backward(**{**case, "logits": case["logits"][kept], "targets": case["targets"][kept]})
    assert_equal(got[~kept], np.zeros(got[~kept].shape), message="an ignored row has a gradient")
    assert_close(got[kept], alone, rtol=1e-12, scale=1, message="the ignored rows change the others' gradient")


@check(points=1, examples=10)
@given(case=_batches(ignoring=("none", "default"), smoothing=(None, 0.1)), times=st.sampled_from((2, 3)))
@example(case=_plain, times=2)
def gradient_is_that_of_a_mean(cross_entropy_backward, case, times):
    """Repeating the whole batch k times divides each row's gradient by k."""
    once = _shaped(cross_entropy_backward(**case), case["logits"])
    again = cross_entropy_backward(
        **{**case, "logits": np.tile(case["logits"], (times, 1)), "targets": np.tile(case["targets"], times)}
    )
    assert_close(again, np.tile(once / times, (times, 1)), rtol=1e-12, scale=1)


@check(points=1, examples=10)
@given(
    case=_batches(ignoring=("none", "default", "class"), smoothing=(None, 0.1)), reach=st.sampled_from((0.5, 2.0, -1.0))
)
@example(case=_plain, reach=0.5)
@example(case={**_plain, "label_smoothing": 0.1}, reach=-1.0)
def lies_above_its_tangents(cross_entropy, cross_entropy_backward, case, reach):
    """The loss is convex: from any logits, a step changes it by at least the gradient times the step."""
    logits = case["logits"]
    step = reach * np.cos(np.arange(logits.size) ** 2).reshape(logits.shape)
    there, here = cross_entropy(**{**case, "logits": logits + step}), cross_entropy(**case)
    rise = float(there) - float(here)
    slack = _SINGLE * (1 + abs(here)) if isinstance(here, np.float32) else 1e-9
    slope = np.sum(_shaped(cross_entropy_backward(**case), logits) * step)
    assert rise >= slope - slack, f"the loss rises by {rise:.6g}, less than the {slope:.6g} that the gradient promises"


@check(points=1, examples=1)
@given(case=st.just({}))
def gradient_memory_grows_with_the_logits(cross_entropy_backward, case):
    """The backward pass holds O(N C) numbers at a time: no table of N × N or C × C, and none of N × C × C."""
    _holds_little(cross_entropy_backward)


gradient = Gradient(
    "cross_entropy",
    backward="cross_entropy_backward",
    wrt="logits",
    cotangents=(),
    oracle=_gradient,
    forward_oracle=_loss,
    given=_batches(ignoring=_EVERY_WAY, smoothing=(None, 0.1, 1.0)),
    points=2,
    says="cross_entropy_backward agrees with finite differences of your own cross_entropy.",
)
