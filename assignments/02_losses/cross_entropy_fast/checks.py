"""Checks of cross_entropy_fast: what it computes, the laws that it obeys, its gradient by autograd, what it costs."""

import numpy as np
import torch.nn.functional as F
from dlgrade.author import Agreement, Example, Gradient, Policy, Timing, arrays, assert_close, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- the oracle --------------------------------------------------------------------------------------------------------


def library(logits, targets):
    """The library's own, in whatever precision it is given."""
    return F.cross_entropy(logits, targets)


def _magnitude(logits, targets):
    return np.abs(logits).max() + 1


# -- inputs ------------------------------------------------------------------------------------------------------------


@st.composite
def _batches(draw, *, kinds=("plain",), within=5.0, rows=(2, 3, 4, 1)):
    """A call's arguments."""
    n, classes = draw(st.sampled_from(rows)), draw(st.sampled_from((3, 2, 4, 5, 1)))
    logits = draw(arrays((n, classes), within=within))
    kind = draw(st.sampled_from(kinds))
    if kind == "wide":
        logits = logits * 300
    if kind == "levels":
        logits = logits + draw(arrays((n, 1), within=10, whole=True)) * 1000
    if kind == "ties":
        logits = logits[:, :1] + np.zeros(logits.shape)
    targets = draw(arrays((n,), within=99, whole=True)).astype(np.int64) % classes
    return {"logits": logits, "targets": targets}


_scores = np.array([[0.0, 1.0, 2.0, -1.0], [0.5, -1.0, 3.0, 0.0], [2.0, 0.25, -2.0, 1.0]])
_plain = {"logits": _scores, "targets": np.array([2, 0, 1])}
_square = {"logits": _scores[:, :3], "targets": np.array([1, 2, 1])}
_far = np.array([[0.0, 1000.0, -50.0], [-40.0, 0.0, 1e4], [-1e4, -1e4, -1e4 - 30]])
_always = (
    _plain,
    _square,
    {"logits": _scores, "targets": np.array([3, 3, 3])},
    {"logits": _far, "targets": np.array([0, 0, 2])},
    {"logits": _far, "targets": np.array([2, 1, 0])},
    # Tiny probabilities, and scores beyond exp() in float32 only.
    {"logits": np.array([[0.0, -60.0, -30.0], [100.0, 90.0, -100.0]]), "targets": np.array([1, 2])},
    {"logits": np.array([[0.0, -60.0, -30.0], [100.0, 90.0, -100.0]]), "targets": np.array([0, 0])},
    {"logits": np.array([[3.0]]), "targets": np.array([0])},
    {"logits": np.array([[3.0], [-1e4]]), "targets": np.array([0, 0])},
    {"logits": np.array([[-200.0, -201.0, -199.5]]), "targets": np.array([1])},
    {"logits": np.arange(900.0).reshape(3, 300) % 31 / 8, "targets": np.array([150, 299, 0])},
    # A mistake that costs more than any number that is thought large enough.
    {"logits": np.array([[0.0, 1e35], [-1e35, 0.0]]), "targets": np.array([0, 1])},
    # As many rows as classes, and more of both than a block is likely to hold.
    {"logits": np.arange(4900.0).reshape(70, 70) % 37 / 8, "targets": np.arange(70) * 3 % 70},
    # More rows than a block is likely to hold, of which the last cost most.
    {"logits": np.arange(1100)[:, None] * np.array([0.0, 1 / 256]), "targets": np.arange(1100) % 7 // 6},
)


def _assert_same(got, want, *, scale, message):
    """Two losses of logits of that size."""
    assert np.shape(got) == (), f"the loss has shape {np.shape(got)}, not ()"
    assert_close(got, want, scale=scale, message=message)


# -- what it computes --------------------------------------------------------------------------------------------------

examples = Example(points=1)
permitted = Policy()

agrees = Agreement(
    "cross_entropy_fast",
    oracle=library,
    given=_batches(kinds=("plain", "plain", "wide", "levels", "ties"), within=10),
    scale=_magnitude,
    cases=_always,
    points=4,
    says="cross_entropy_fast is the mean of -log(softmax(logits)[target]), as one number in the logits' dtype.",
)


@check(points=1, examples=10)
@given(case=_batches(), level=st.sampled_from((0.0, -2.0, 1e4, -1e4)))
@example(case=_plain, level=0.0)
@example(case=_plain, level=1e4)
@example(case=_plain, level=-1e4)
def equal_scores_cost_log_of_the_classes(cross_entropy_fast, case, level):
    """Where all C scores are equal, the loss is log(C), whatever the scores and the targets."""
    shape = case["logits"].shape
    got = cross_entropy_fast(np.full(shape, level), case["targets"])
    _assert_same(got, np.log(shape[1]), scale=1 + abs(level), message="the loss is not log(C)")


@check(points=1, examples=10)
@given(case=_batches(), level=st.sampled_from((1e3, -1e3, 1e4, -1e4)), fall=st.sampled_from((0.0, 1e3, 3e3)))
@example(case=_plain, level=1e4, fall=3e3)
@example(case=_plain, level=-1e4, fall=1e3)
@example(case=_plain, level=-1e4, fall=0.0)
def ignores_a_common_shift(cross_entropy_fast, case, level, fall):
    """Adding one number to all the scores of a row, another to each row, does not change the loss."""
    logits = case["logits"]
    shift = level - fall * np.arange(len(logits))[:, None]
    shifted = cross_entropy_fast(logits + shift, case["targets"])
    message = "the loss of logits + shift is not that of the logits"
    _assert_same(shifted, cross_entropy_fast(**case), scale=1 + np.abs(shift).max(), message=message)


@check(points=1, examples=10)
@given(case=_batches(), wrong=st.integers(0, 4), gap=st.sampled_from((1e3, 50.0, 1e4, 1e200)))
@example(case=_plain, wrong=0, gap=1e3)
@example(case=_plain, wrong=1, gap=50.0)
@example(case=_plain, wrong=2, gap=1e3)
@example(case=_plain, wrong=1, gap=1e200)
def a_confident_mistake_costs_the_gap(cross_entropy_fast, case, wrong, gap):
    """A row whose target trails the best class by a gap of 50 or more costs that gap, and one that leads costs 0."""
    n, classes = case["logits"].shape
    targets = case["targets"]
    best = (targets + wrong) % classes
    logits = np.full((n, classes), -gap)
    logits[np.arange(n), best] = 0.0
    want = gap * np.mean(best != targets)
    _assert_same(cross_entropy_fast(logits, targets), want, scale=gap, message="the loss is not the gap")


@check(points=1, examples=10)
@given(case=_batches(), times=st.sampled_from((2, 3)))
@example(case=_plain, times=2)
def is_a_mean_over_the_batch(cross_entropy_fast, case, times):
    """Repeating the whole batch does not change the loss, and neither does the order of its rows."""
    logits, targets = case["logits"], case["targets"]
    once, size = cross_entropy_fast(**case), _magnitude(**case)
    again = cross_entropy_fast(np.tile(logits, (times, 1)), np.tile(targets, times))
    turned = cross_entropy_fast(logits[::-1].copy(), targets[::-1].copy())
    _assert_same(again, once, scale=size, message="the repeated batch has another loss")
    _assert_same(turned, once, scale=size, message="the order of the rows matters")


@check(points=1, examples=10)
@given(case=_batches(rows=(2, 3, 4)))
@example(case=_plain)
@example(case=_square)
def each_row_counts_alike(cross_entropy_fast, case):
    """The loss is the mean of the losses that the rows have alone: each row meets its own target only."""
    rows = range(len(case["targets"]))
    alone = [float(cross_entropy_fast(case["logits"][n : n + 1], case["targets"][n : n + 1])) for n in rows]
    message = "the loss is not the mean of the losses of single rows"
    _assert_same(cross_entropy_fast(**case), np.mean(alone), scale=_magnitude(**case), message=message)


@check(points=0.5, examples=10)
@given(case=_batches(), turn=st.integers(1, 4))
@example(case=_plain, turn=1)
@example(case=_square, turn=2)
def classes_may_be_renamed(cross_entropy_fast, case, turn):
    """Exchanging the classes, in the logits and the targets alike, does not change the loss."""
    classes = case["logits"].shape[1]
    turned = cross_entropy_fast(np.roll(case["logits"], turn, axis=1), (case["targets"] + turn) % classes)
    message = "the loss depends on which classes come first"
    _assert_same(turned, cross_entropy_fast(**case), scale=_magnitude(**case), message=message)


# -- its gradient ------------------------------------------------------------------------------------------------------

gradient = Gradient(
    "cross_entropy_fast",
    wrt="logits",
    cotangents=(),
    forward_oracle=library,
    given=_batches(kinds=("plain", "plain", "ties")),
    points=3,
    says="Autograd through cross_entropy_fast gives (softmax - one-hot) / N.",
)

# -- what it costs -----------------------------------------------------------------------------------------------------


def _zeros(rows, classes, dtype=np.float64):
    """A batch whose numbers do not matter, but its size."""
    return {"logits": np.zeros((rows, classes), dtype), "targets": np.zeros(rows, dtype=np.int64)}


@check(points=1, examples=1)
@given(shapes=st.just(((64, 256), (512, 64), (64, 512))))
def holds_two_tables_at_most(cross_entropy_fast, shapes):
    """Besides the logits it holds at most two tensors of their size at a time, and none larger."""
    for rows, classes in shapes:
        tables = cross_entropy_fast.peak_memory(**_zeros(rows, classes)) / (8 * rows * classes)
        assert tables < 2.5, (
            f"for {rows} rows of {classes} classes it holds {tables:.1f} times the memory of the logits. Each step "
            "that is kept while the next is made costs one of these, a one-hot table one or two, a table of "
            "log-probabilities one; log_probs[:, targets] makes a table of N × N, and an identity is one of C × C. Of "
            "each row only the score of its target is wanted, and exp_() may overwrite differences of your own"
        )


@check(points=1, examples=1)
@given(shapes=st.just(((2048, 2), (2, 2048))))
def runs_no_python_loop(cross_entropy_fast, shapes):
    """No line of Python runs once for each row, nor once for each class."""
    for shape in shapes:
        lines = cross_entropy_fast.lines_executed(**_zeros(*shape))
        assert lines < 1024, (
            f"for {shape[0]} rows of {shape[1]} classes it runs {lines} lines of Python: a loop that each operation on "
            "the whole tensor does for you, many times faster"
        )


@check(points=0.5, examples=1)
@given(dtypes=st.just((np.float32, np.float64)))
def float32_stays_float32(cross_entropy_fast, dtypes):
    """For float32 it holds about half the memory that it holds for float64: nothing is computed in more digits."""
    single, double = (cross_entropy_fast.peak_memory(**_zeros(64, 64, dtype)) for dtype in dtypes)
    assert single <= 0.8 * double, (
        f"given float32 it holds {single / 1e6:.3g} MB and given float64 {double / 1e6:.3g} MB: it computes both in "
        "the same digits. Look for .double(), .float(), .to() with a dtype, and tensors made from numbers"
    )


def _few_classes(rng, rows):
    """Rows of 7 scores, each with a target: the work that many short rows are is far more than that of sending them."""
    return {"logits": rng.standard_normal((rows, 7), dtype=np.float32), "targets": rng.integers(0, 7, rows)}


def _many_classes(rng, rows):
    """Rows of 512 scores, each with a target."""
    return {"logits": rng.standard_normal((rows, 512), dtype=np.float32), "targets": rng.integers(0, 512, rows)}


# The library works on one row after the other, and is slow where a row does not fill the processor's registers;
# operations on the whole table do not mind.
fast = Timing(
    "cross_entropy_fast",
    baseline=library,
    given=_few_classes,
    size=150_000,
    limit=1.5,
    unit="rows of 7 classes",
    points=4,
    says="For many rows of few classes cross_entropy_fast takes at most 1.5 times what torch's own takes.",
)

# The library reads the logits and writes their log-probabilities. Elementary operations pass over the table six times:
# the maximum reads, the difference and exp() each read and write, the sum reads.
fast_on_gpu = Timing(
    "cross_entropy_fast",
    baseline=library,
    given=_many_classes,
    size=98_304,
    limit=6.0,
    device="cuda",
    unit="rows of 512 classes",
    points=0,
    says="On a GPU cross_entropy_fast takes at most 6 times what torch's own cross-entropy takes.",
)
