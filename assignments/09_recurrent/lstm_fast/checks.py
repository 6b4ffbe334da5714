"""What a right and fast LSTM must do."""

import numpy as np
import torch
from dlgrade.author import Agreement, Example, Gradient, Mismatch, Policy, Timing, arrays, assert_close, check
from hypothesis import example, given
from hypothesis import strategies as st


def library(x, h, c, w_x, w_h, b):
    """torch's own, which keeps its weights transposed and has two biases."""
    weights = [w_x.t().contiguous(), w_h.t().contiguous(), b, torch.zeros_like(b)]
    outputs, h, c = torch.lstm(x, (h[None], c[None]), weights, True, 1, 0.0, False, False, False)
    return outputs, h[0], c[0]


# Rounding moves a pre-activation by a part of the terms that it is the sum of, whatever is left of that sum, a gate by
# a part of 1, for a sigmoid that is worked out from tanh is right too; and each step takes on the error of the one
# before it, by way of the memory and of the recurrent weights.
def size_of_errors(x, h, c, w_x, w_h, b):
    """The size that rounding errors of each result are measured against."""
    terms = np.abs(x).max(0) @ np.abs(w_x) + np.ones_like(h) @ np.abs(w_h) + np.abs(h) @ np.abs(w_h) + np.abs(b)
    drive = 1 + terms.max() / 10
    grown = len(x) * (1 + np.abs(w_h).sum(0).max() / 4) ** min(len(x), 6)
    scale = drive * grown * (1 + np.abs(c).max())
    return scale, scale, scale


PARTS = ("outputs", "h", "c")

# -- inputs ------------------------------------------------------------------------------------------------------------

# Steps, samples, inputs and units: mostly of different sizes.
SIZES = (
    (1, 1, 1, 1),
    (2, 1, 1, 2),
    (3, 2, 1, 2),
    (2, 1, 2, 3),
    (3, 2, 3, 2),
    (2, 3, 2, 3),
    (4, 3, 2, 1),
    (2, 2, 2, 2),
    (5, 1, 4, 2),
    (3, 4, 2, 3),
)


@st.composite
def sequences(draw, *, sizes=SIZES, kinds=("plain",)):
    """Arguments of lstm_fast."""
    steps, n, d, units = draw(st.sampled_from(sizes))
    case = {
        "x": draw(arrays((steps, n, d), within=2)),
        "h": draw(arrays((n, units), within=1)),
        "c": draw(arrays((n, units), within=2)),
        "w_x": draw(arrays((d, 4 * units), within=1)),
        "w_h": draw(arrays((units, 4 * units), within=1)),
        "b": draw(arrays((4 * units,), within=1)),
    }
    kind = draw(st.sampled_from(kinds))
    if kind == "saturated":
        case["b"][::units] *= 1e4
    if kind == "wide":
        case["x"][0] *= 100
    if kind == "large memory":
        case["c"] = case["c"] * 50
    return case


KINDS = ("plain", "plain", "plain", "saturated", "wide", "large memory")


def fixed(steps, n, d, units, **changed):
    """One such call; numbers of two decimals, most of which float32 cannot hold."""
    rng = np.random.default_rng([steps, n, d, units])
    case = {
        "x": rng.normal(size=(steps, n, d)),
        "h": rng.uniform(-1, 1, size=(n, units)),
        "c": rng.normal(size=(n, units)),
        "w_x": rng.uniform(-1, 1, size=(d, 4 * units)),
        "w_h": rng.uniform(-1, 1, size=(units, 4 * units)),
        "b": rng.uniform(-1, 1, size=4 * units),
    }
    return {name: np.round(array, 2) for name, array in case.items()} | changed


FIRST = np.array([1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0, 0.0])
SECOND = np.array([-1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 0.0])
BIASES = np.array([0.0, 0.25, 0.0, 0.5, 0.0, -0.5, 0.0, 0.75])

# The places where implementations part.
ALWAYS = (
    fixed(2, 2, 3, 2),
    fixed(1, 1, 2, 1),
    fixed(1, 3, 2, 3),
    fixed(3, 2, 2, 2),
    fixed(4, 4, 4, 1),
    fixed(2, 1, 1, 3),
    fixed(3, 3, 3, 3),
    fixed(17, 2, 2, 2),
    fixed(2, 2, 1, 2, c=np.array([[10.0, -30.0], [-40.0, 20.0]])),
    # The first unit's gates are open or shut, the second's between.
    fixed(2, 2, 1, 2, b=BIASES + FIRST * 1e4),
    fixed(2, 2, 1, 2, b=BIASES + SECOND * 1e4),
    # Beyond exp() in float32 only.
    fixed(2, 2, 2, 2, b=BIASES + FIRST * 100),
    fixed(3, 2, 2, 2, b=BIASES + SECOND * 100),
    # Where a clipped or piecewise linear gate would be quite shut, or quite open.
    fixed(2, 2, 3, 2, b=BIASES + FIRST * 4),
    fixed(2, 2, 2, 2, b=BIASES + SECOND * 22),
    fixed(2, 2, 1, 1, x=np.array([[[1e4], [1.0]], [[-1.0], [1e4]]]), w_x=np.array([[1.0, -1.0, 1.0, 1.0]])),
    # A memory beyond exp(), of either sign.
    fixed(2, 2, 2, 2, c=np.array([[1e4, 0.5], [-1e4, -1.0]])),
)


def compared(got, want, names=PARTS, *, scale=1.0, what="what differs is"):
    """Compare several results one by one, against 1 at least: what is shut is shut to rounding."""
    for name, ours, theirs in zip(names, got, want, strict=True):
        if np.shape(ours) != np.shape(theirs):
            raise Mismatch(f"the shape of {name} is {np.shape(ours)}, not {np.shape(theirs)}", got=ours, want=theirs)
        size = max(scale, float(np.abs(theirs).max()))
        assert_close(ours, theirs, scale=size, message=f"{what} {name}")


def logistic(z):
    """1 / (1 + exp(-z)), for z of any size."""
    return np.exp(-np.logaddexp(0, -z))


# -- what it computes --------------------------------------------------------------------------------------------------

examples = Example(points=1)

permitted = Policy()

agrees = Agreement(
    "lstm_fast",
    oracle=library,
    scale=size_of_errors,
    given=sequences(kinds=KINDS),
    cases=ALWAYS,
    parts=PARTS,
    points=4,
    says="lstm_fast gives (outputs, h, c) as torch's own LSTM does.",
    examples=20,
)


@check(points=0.5, examples=12)
@given(case=sequences(kinds=KINDS))
@example(case=fixed(3, 2, 3, 2))
@example(case=fixed(1, 2, 3, 2))
def the_last_output_is_h(lstm_fast, case):
    """The outputs are the hidden states after every step: the last of them is the h that is returned."""
    outputs, h, _ = lstm_fast(**case)
    want = (len(case["x"]), *case["h"].shape)
    if np.shape(outputs) != want:
        raise Mismatch(f"the shape of outputs is {np.shape(outputs)}, not {want}", got=outputs, want=case["h"])
    compared((outputs[-1],), (h,), ("the last output",))


@check(points=1, examples=12)
@given(case=sequences(sizes=tuple(size for size in SIZES if size[0] > 1)), part=st.integers(1, 4))
@example(case=fixed(3, 2, 3, 2), part=1)
@example(case=fixed(4, 2, 2, 3), part=2)
def a_sequence_can_be_cut_in_two(lstm_fast, case, part):
    """The rest of a sequence, begun with the states after its first part, gives the rest of the outputs."""
    part = min(part, len(case["x"]) - 1)
    first, h, c = lstm_fast(**case | {"x": case["x"][:part]})
    rest, h, c = lstm_fast(**case | {"x": case["x"][part:], "h": np.asarray(h), "c": np.asarray(c)})
    compared(lstm_fast(**case), (np.concatenate((first, rest)), h, c), what="not what the two parts give is")


@check(points=0.5, examples=10)
@given(case=sequences(sizes=tuple(size for size in SIZES if size[0] > 1)), at=st.integers(1, 4))
@example(case=fixed(3, 2, 3, 2), at=1)
@example(case=fixed(2, 2, 2, 2), at=1)
def later_inputs_come_too_late(lstm_fast, case, at):
    """An output depends on the inputs up to its own step only."""
    at = min(at, len(case["x"]) - 1)
    other = case["x"].copy()
    other[at:] = other[at:] + 1
    outputs, _, _ = lstm_fast(**case)
    moved, _, _ = lstm_fast(**case | {"x": other})
    compared((moved[:at],), (outputs[:at],), ("an output before the step that was changed",))


def by_biases(gates, units=2, n=2, steps=4):
    """A call without weights: the biases alone set the gates, to these four numbers and others near them."""
    more = np.arange(units) / 4
    case = fixed(steps, n, 2, units, b=np.concatenate([gate + more for gate in gates]))
    return case | {name: np.zeros_like(case[name]) for name in ("w_x", "w_h")}


@check(points=1, examples=12)
@given(gates=arrays((4,), within=4), units=st.integers(1, 3), n=st.integers(1, 2), steps=st.integers(1, 4))
@example(gates=np.array([1.0, 0.5, -1.0, 2.0]), units=1, n=1, steps=3)
@example(gates=np.array([-1.0, 2.0, 0.5, 0.0]), units=2, n=2, steps=2)
@example(gates=np.array([0.0, 0.0, 0.0, 0.0]), units=2, n=1, steps=1)
def without_weights_biases_set_the_gates(lstm_fast, gates, units, n, steps):
    """With zero weights b's four blocks alone are i, f, g and o in every step: c = f * c + i * g, h = o * tanh(c)."""
    case = by_biases(gates, units, n, steps)
    i, f, g, o = np.split(case["b"], 4)
    i, f, g, o = logistic(i), logistic(f), np.tanh(g), logistic(o)
    c, outputs = case["c"], []
    for _ in range(steps):
        c = f * c + i * g
        outputs.append(o * np.tanh(c))
    compared(lstm_fast(**case), (np.stack(outputs), outputs[-1], c))


@check(points=0.5, examples=10)
@given(signs=st.tuples(*[st.sampled_from((1.0, -1.0))] * 4), level=st.sampled_from((1e4, 1000.0, 100.0)))
@example(signs=(1.0, -1.0, 1.0, 1.0), level=1e4)
@example(signs=(-1.0, 1.0, -1.0, 1.0), level=1e4)
@example(signs=(1.0, 1.0, -1.0, 1.0), level=1000.0)
@example(signs=(1.0, 1.0, 1.0, -1.0), level=100.0)
def open_gates_pass_and_shut_gates_hold(lstm_fast, signs, level):
    """At ±10,000 a gate is open or shut and the candidate ±1: in each step c is c or 0, plus ±1 or 0."""
    case = by_biases(np.zeros(4), steps=3)
    case["b"] = np.repeat(signs, 2) * level
    i, f, g, o = signs
    c, outputs = case["c"], []
    for _ in case["x"]:
        c = (f > 0) * c + (i > 0) * g
        outputs.append((o > 0) * np.tanh(c))
    compared(lstm_fast(**case), (np.stack(outputs), outputs[-1], c))


@check(points=0.5, examples=10)
@given(case=sequences())
@example(case=fixed(2, 2, 3, 2))
@example(case=fixed(3, 3, 2, 3))
def all_signs_can_be_changed(lstm_fast, case):
    """If memory, hidden state and candidate change their sign, and the gates do not, the results change theirs."""
    units = case["c"].shape[1]
    candidate = slice(2 * units, 3 * units)
    turned = {"h": -case["h"], "c": -case["c"], "w_x": case["w_x"].copy(), "b": case["b"].copy(), "w_h": -case["w_h"]}
    turned["w_x"][:, candidate] *= -1
    turned["b"][candidate] *= -1
    turned["w_h"][:, candidate] *= -1
    want = [-np.asarray(part) for part in lstm_fast(**case)]
    compared(lstm_fast(**case | turned), want)


@check(points=0.5, examples=10)
@given(case=sequences())
@example(case=fixed(2, 2, 3, 2))
@example(case=fixed(1, 1, 2, 1))
def biases_are_the_weights_of_a_one(lstm_fast, case):
    """The biases do what the weights of one more input that is always 1 would do."""
    more = {
        "x": np.concatenate((case["x"], np.ones((*case["x"].shape[:2], 1))), axis=2),
        "w_x": np.concatenate((case["w_x"], case["b"][None])),
        "b": np.zeros_like(case["b"]),
    }
    compared(lstm_fast(**case), lstm_fast(**case | more))


@check(points=1, examples=10)
@given(case=sequences(sizes=tuple(size for size in SIZES if size[1] > 1)))
@example(case=fixed(2, 2, 3, 2))
@example(case=fixed(2, 2, 2, 2))
def samples_are_alone(lstm_fast, case):
    """A sample's outputs and states depend on no other sample of the batch."""
    alone = []
    for n in range(len(case["h"])):
        one = {"x": case["x"][:, n : n + 1], "h": case["h"][n : n + 1], "c": case["c"][n : n + 1]}
        alone.append(lstm_fast(**case | one))
    outputs, hs, cs = zip(*alone, strict=True)
    compared(lstm_fast(**case), (np.concatenate(outputs, axis=1), np.concatenate(hs), np.concatenate(cs)))


@check(points=0.5, examples=10)
@given(case=sequences(sizes=tuple(size for size in SIZES if size[3] > 1)))
@example(case=fixed(2, 2, 3, 2))
@example(case=fixed(3, 3, 2, 3))
def units_have_no_order(lstm_fast, case):
    """Reversing the units, within each block of H columns and in w_h's rows, reverses outputs and states."""
    units = case["c"].shape[1]
    columns = np.arange(4 * units).reshape(4, units)[:, ::-1].ravel()
    turned = {
        **{name: case[name][:, ::-1].copy() for name in ("h", "c")},
        "w_x": case["w_x"][:, columns],
        "w_h": case["w_h"][::-1, columns],
        "b": case["b"][columns],
    }
    want = [np.asarray(part)[..., ::-1] for part in lstm_fast(**case)]
    compared(lstm_fast(**case | turned), want)


# -- the gradient ------------------------------------------------------------------------------------------------------

gradient = Gradient(
    "lstm_fast",
    wrt=("x", "h", "c", "w_x", "w_h", "b"),
    forward_oracle=library,
    given=sequences(sizes=((1, 1, 1, 1), (2, 1, 2, 1), (2, 2, 1, 2), (3, 1, 2, 1), (2, 1, 1, 2))),
    # Gates that are open or shut: a right value may have come by way of an infinity, and its gradient is NaN then.
    cases=(fixed(1, 1, 1, 2, b=BIASES + FIRST * 1e4), fixed(1, 1, 1, 2, b=BIASES + SECOND * 1e4)),
    points=3,
    says="Autograd finds its way through all steps of lstm_fast, from outputs, h and c to all six arguments.",
    examples=6,
)

# -- what it costs -----------------------------------------------------------------------------------------------------


def batch(steps, n, d, units, dtype=np.float64):
    """A call whose numbers do not matter, but its sizes."""
    shapes = {"x": (steps, n, d), "h": (n, units), "c": (n, units), "w_x": (d, 4 * units), "w_h": (units, 4 * units)}
    return {name: np.full(shape, 0.125, dtype) for name, shape in shapes.items()} | {"b": np.zeros(4 * units, dtype)}


@check(points=1, examples=1)
@given(case=st.just({}))
def loops_over_time_alone(lstm_fast, case):
    """It executes as many lines of Python for many samples, inputs or units as for few."""
    few = lstm_fast.lines_executed(**batch(2, 2, 2, 2))
    for what, size in {"samples": (2, 64, 2, 2), "inputs": (2, 2, 64, 2), "units": (2, 2, 2, 64)}.items():
        many = lstm_fast.lines_executed(**batch(*size))
        assert many <= 2 * few, (
            f"it executes {many} lines of Python where there are more {what}, and {few} where there are few: it loops "
            "over them. Only the steps need a loop; a matrix product and element-wise operations do the rest at once"
        )


@check(points=1, examples=1)
@given(case=st.just({}))
def float32_stays_float32(lstm_fast, case):
    """For float32 it holds about half the memory that it holds for float64: nothing is computed in more digits."""
    single, double = (lstm_fast.peak_memory(**batch(8, 8, 16, 16, dtype)) for dtype in (np.float32, np.float64))
    assert single <= 0.8 * double, (
        f"given float32 it holds {single / 1e6:.3g} MB and given float64 {double / 1e6:.3g} MB: it computes both in "
        "the same digits. Look for .double(), .float(), .to() with a dtype, and tensors made from numbers"
    )


def recordings(rng, n):
    """n steps of wide inputs, for 3 samples and 64 units: what the inputs cost shows beside all the calls."""
    return sequence(rng, n, 3, 2048, 64)


def large_batch(rng, n):
    """n steps, for 64 samples, 1024 inputs and 256 units."""
    return sequence(rng, n, 64, 1024, 256)


def sequence(rng, steps, samples, d, units):
    """Arguments that keep the gates where they are neither open nor shut."""
    shapes = {"x": (steps, samples, d), "h": (samples, units), "c": (samples, units)}
    return {
        **{name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()},
        "w_x": rng.standard_normal((d, 4 * units), dtype=np.float32) / np.float32(d**0.5),
        "w_h": rng.standard_normal((units, 4 * units), dtype=np.float32) / np.float32(units**0.5),
        "b": rng.standard_normal(4 * units, dtype=np.float32),
    }


fast = Timing(
    "lstm_fast",
    baseline=library,
    given=recordings,
    size=128,
    limit=3.3,
    unit="steps of 3 samples of 2048 inputs, for 64 units",
    points=4,
    says="lstm_fast takes at most 3.3 times what torch's LSTM takes.",
)

fast_on_gpu = Timing(
    "lstm_fast",
    baseline=library,
    given=large_batch,
    size=128,
    limit=10.0,
    device="cuda",
    unit="steps of 64 samples of 1024 inputs, for 256 units",
    points=0,
    says="On a GPU, lstm_fast takes at most 10 times what torch's LSTM takes.",
)
