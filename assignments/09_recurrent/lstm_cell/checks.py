"""Checks of the LSTM cell: what it computes, the laws that it obeys, and its backward pass."""

import math

import numpy as np
from dlgrade.author import Agreement, Example, Gradient, Mismatch, Policy, arrays, assert_close, check
from hypothesis import example, given
from hypothesis import strategies as st

# -- oracles: one unit of one sample at a time -------------------------------------------------------------------------


def _sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z))


def _units(x, h, w_x, w_h, b):
    """For each unit of each sample: its place, the columns of its four gates, and the gates i, f, g, o."""
    size = h.shape[1]
    for n, unit in np.ndindex(h.shape):
        columns = (unit, size + unit, 2 * size + unit, 3 * size + unit)
        i, f, g, o = (x[n] @ w_x[:, column] + h[n] @ w_h[:, column] + b[column] for column in columns)
        yield (n, unit), columns, (_sigmoid(i), _sigmoid(f), math.tanh(g), _sigmoid(o))


def _cell(x, h, c, w_x, w_h, b):
    new_h, new_c = np.zeros(h.shape), np.zeros(h.shape)
    for at, _, (i, f, g, o) in _units(x, h, w_x, w_h, b):
        new_c[at] = f * c[at] + i * g
        new_h[at] = o * math.tanh(new_c[at])
    return new_h, new_c


def _slopes(gates, dh, dc, c):
    """For one unit: the cotangents of its four pre-activations, and of its new memory."""
    i, f, g, o = gates
    shown = math.tanh(f * c + i * g)
    total = dc + dh * o * (1 - shown**2)
    return (total * g * i * (1 - i), total * c * f * (1 - f), total * i * (1 - g**2), dh * shown * o * (1 - o)), total


def _cell_backward(dh, dc, x, h, c, w_x, w_h, b):
    dx, dh_prev, dc_prev, dw_x, dw_h, db = (np.zeros(a.shape) for a in (x, h, c, w_x, w_h, b))
    for (n, unit), columns, gates in _units(x, h, w_x, w_h, b):
        slopes, total = _slopes(gates, dh[n, unit], dc[n, unit], c[n, unit])
        dc_prev[n, unit] = total * gates[1]
        for column, slope in zip(columns, slopes, strict=True):
            dx[n] += slope * w_x[:, column]
            dh_prev[n] += slope * w_h[:, column]
            dw_x[:, column] += slope * x[n]
            dw_h[:, column] += slope * h[n]
            db[column] += slope
    return dx, dh_prev, dc_prev, dw_x, dw_h, db


# Rounding moves a pre-activation by a part of the terms that it is the sum of, whatever is left of that sum; and a
# gate's error is measured against 1, for a sigmoid that is worked out from tanh is right too.
def _drive(x, h, w_x, w_h, b):
    """The largest sum of magnitudes among the four pre-activations of each unit, in units of 10, and at least 1."""
    terms = np.abs(x) @ np.abs(w_x) + np.abs(h) @ np.abs(w_h) + np.abs(b)
    return 1 + terms.reshape(len(x), 4, -1).max(axis=1) / 10


def _size(x, h, c, w_x, w_h, b):
    scale = _drive(x, h, w_x, w_h, b) * (1 + np.abs(c))
    return scale, scale


def _backward_size(dh, dc, x, h, c, w_x, w_h, b):
    slopes = (np.abs(dh) + np.abs(dc)) * _drive(x, h, w_x, w_h, b) * (1 + np.abs(c))
    largest, total = slopes.max(), slopes.sum(axis=0).max()
    wide = b.size * largest
    return (
        wide * np.abs(w_x).max(),
        wide * np.abs(w_h).max(),
        slopes,
        total * np.abs(x).max(),
        total * np.abs(h).max(),
        total,
    )


# -- inputs ------------------------------------------------------------------------------------------------------------

# Samples, inputs and units: mostly of different sizes, and more than one unit.
_SIZES = ((1, 1, 1), (1, 1, 2), (2, 1, 2), (1, 2, 3), (2, 3, 2), (3, 2, 3), (3, 2, 1), (2, 2, 2), (1, 4, 2), (4, 3, 3))
_NAMES = ("x", "h", "c", "w_x", "w_h", "b")


@st.composite
def _steps(draw, *, sizes=_SIZES, kinds=("plain",), backward=False):
    """Arguments of lstm_cell, or of lstm_cell_backward."""
    n, d, units = draw(st.sampled_from(sizes))
    case = {}
    if backward:
        case["dh"], case["dc"] = draw(arrays((n, units), within=3)), draw(arrays((n, units), within=3))
    case["x"] = draw(arrays((n, d), within=2))
    case["h"] = draw(arrays((n, units), within=1))
    case["c"] = draw(arrays((n, units), within=2))
    case["w_x"] = draw(arrays((d, 4 * units), within=1))
    case["w_h"] = draw(arrays((units, 4 * units), within=1))
    case["b"] = draw(arrays((4 * units,), within=1))
    kind = draw(st.sampled_from(kinds))
    # One unit, or one sample, of several: where all gates are saturated all gradients are rounding errors.
    if kind == "saturated" and units > 1:
        case["b"][::units] *= 1e4
    if kind == "wide" and n > 1:
        case["x"][0] *= 1e3
    if kind == "large memory":
        case["c"] = case["c"] * 50
    if kind == "large cotangents" and backward:
        case["dh"], case["dc"] = case["dh"] * 100, case["dc"] * 100
    return case


_KINDS = ("plain", "plain", "plain", "saturated", "wide", "large memory", "large cotangents")


def _fixed(n, d, units, *, backward=False, **changed):
    """One such call; numbers of two decimals, most of which float32 cannot hold."""
    rng = np.random.default_rng([n, d, units])
    case = {
        "x": rng.normal(size=(n, d)),
        "h": rng.uniform(-1, 1, size=(n, units)),
        "c": rng.normal(size=(n, units)),
        "w_x": rng.uniform(-1, 1, size=(d, 4 * units)),
        "w_h": rng.uniform(-1, 1, size=(units, 4 * units)),
        "b": rng.uniform(-1, 1, size=4 * units),
    }
    if backward:
        # Large enough for one that clips its gradients to be seen.
        size = 20 if n > 2 else 1
        case = {"dh": size * rng.normal(size=(n, units)), "dc": size * rng.normal(size=(n, units)), **case}
    return {name: np.round(array, 2) for name, array in case.items()} | changed


_HUGE = np.array([[1e4, 0.5], [-1e4, -1.0]])


def _always(*, backward=False):
    """The places where implementations part."""
    memory = np.array([[0.5, -1.5], [-2.0, 1.0]])
    biases = np.array([0.0, 0.25, 0.0, 0.5, 0.0, -0.5, 0.0, 0.75])
    first = np.array([1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0, 0.0])
    second = np.array([-1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 0.0])
    calls = (
        _fixed(2, 3, 2, backward=backward),
        _fixed(1, 2, 1, backward=backward),
        _fixed(3, 2, 3, backward=backward),
        _fixed(2, 2, 2, backward=backward),
        _fixed(4, 4, 1, backward=backward),
        _fixed(1, 1, 3, backward=backward),
        _fixed(2, 1, 2, backward=backward, c=memory * 20),
        # The first unit's gates are open or shut, the second's between.
        _fixed(2, 1, 2, backward=backward, c=memory, b=biases + first * 1e4),
        _fixed(2, 1, 2, backward=backward, c=memory, b=biases + second * 1e4),
        _fixed(2, 2, 2, backward=backward, b=biases + second * 60),
        # Beyond exp() in float32 only.
        _fixed(2, 2, 2, backward=backward, b=biases + first * 100),
        # Where a clipped or piecewise linear gate would be quite shut, or quite open.
        _fixed(2, 3, 2, backward=backward, b=biases + first * 4),
        _fixed(2, 2, 2, backward=backward, b=biases + second * 22),
        _fixed(2, 1, 1, backward=backward, x=np.array([[1e4], [1.0]]), w_x=np.array([[1.0, -1.0, 1.0, 1.0]])),
        _fixed(5, 2, 4, backward=backward),
        # A memory beyond exp(), of either sign.
        _fixed(2, 2, 2, backward=backward, c=_HUGE),
    )
    if not backward:
        return calls
    # Cotangents beyond any clipping, and more samples than a block is likely to hold.
    steep = _fixed(2, 3, 2, backward=True)
    steep = _with(steep, dh=steep["dh"] * 1e5, dc=steep["dc"] * 1e5)
    return (*calls, steep, _fixed(64, 2, 2, backward=True))


def _with(case, **changed):
    return {**case, **changed}


def _compared(got, want, names, *, rtol=1e-10, scale=None):
    """Compare several results one by one."""
    for name, ours, theirs in zip(names, got, want, strict=True):
        if np.shape(ours) != np.shape(theirs):
            message = f"the shape of {name} is {np.shape(ours)}, not {np.shape(theirs)}"
            raise Mismatch(message, got=ours, want=theirs)
        # Against 1 where all is small: what is shut is shut to rounding.
        size = max(1.0, float(np.abs(theirs).max())) if scale is None else scale
        assert_close(ours, theirs, rtol=rtol, scale=size, message=f"what differs is {name}")


_STATES = ("h'", "c'")
_GRADIENTS = ("dx", "dh_prev", "dc_prev", "dw_x", "dw_h", "db")


def _without_weights(case):
    """The same with all weights zero: the biases alone set the gates."""
    return _with(case, w_x=np.zeros_like(case["w_x"]), w_h=np.zeros_like(case["w_h"]))


def _logistic(z):
    return np.exp(-np.logaddexp(0, -z))


# -- one step ----------------------------------------------------------------------------------------------------------

examples = Example(points=1)
permitted = Policy()

lstm_cell_agrees = Agreement(
    "lstm_cell",
    oracle=_cell,
    given=_steps(kinds=_KINDS),
    cases=_always(),
    scale=_size,
    parts=_STATES,
    points=3,
    says="lstm_cell gives (h', c'), worked out unit by unit: c' = f * c + i * g, h' = o * tanh(c').",
    examples=16,
)


@check(points=1, examples=10)
@given(case=_steps())
@example(case=_fixed(1, 1, 1, b=np.array([1.0, -1.0, 0.5, 2.0]), c=np.array([[1.5]])))
@example(case=_fixed(2, 3, 2))
@example(case=_fixed(3, 2, 3))
def gates_are_packed_i_f_g_o(lstm_cell, case):
    """With zero weights, c' is sigmoid(b_f) c + sigmoid(b_i) tanh(b_g), where b is b_i, b_f, b_g and b_o in a row."""
    i, f, g, o = np.split(case["b"], 4)
    new_h, new_c = lstm_cell(**_without_weights(case))
    memory = _logistic(f) * case["c"] + _logistic(i) * np.tanh(g)
    _compared((new_h, new_c), (_logistic(o) * np.tanh(memory), memory), _STATES)


@st.composite
def _switches(draw, *, backward=False):
    """A step whose gates are all shut or open: biases of one large size and either sign, and small weights."""
    case = draw(_steps(backward=backward))
    signs = draw(arrays(case["b"].shape, within=1, whole=True))
    return _with(case, b=np.where(signs < 0, -1.0, 1.0) * draw(st.sampled_from((100.0, 1000.0, 1e4))))


def _switched(*signs, level=1e4, backward=False):
    """One such step; the signs of i, f, g, o."""
    case = _fixed(2, 2, 2, backward=backward, c=np.array([[0.5, -1.0], [2.0, -0.25]]))
    return _with(case, b=np.repeat(signs, 2) * level)


@check(points=1, examples=12)
@given(case=_switches())
@example(case=_switched(1.0, -1.0, 1.0, 1.0))
@example(case=_switched(-1.0, 1.0, -1.0, 1.0))
@example(case=_switched(1.0, 1.0, -1.0, 1.0, level=1000.0))
@example(case=_switched(-1.0, -1.0, 1.0, 1.0, level=100.0))
@example(case=_switched(1.0, 1.0, 1.0, -1.0))
def open_gates_pass_and_shut_gates_hold(lstm_cell, case):
    """At ±10,000 a gate is open or shut and the candidate ±1: c' is c or 0, plus ±1 or 0, and h' is tanh(c') or 0."""
    i, f, g, o = np.split(case["b"], 4)
    memory = (f > 0) * case["c"] + (i > 0) * np.sign(g)
    _compared(lstm_cell(**case), ((o > 0) * np.tanh(memory), memory), _STATES)


@check(points=0.5, examples=10)
@given(case=_steps(kinds=("plain", "large memory")))
@example(case=_fixed(2, 3, 2))
@example(case=_fixed(1, 2, 1, c=np.array([[-3.0]])))
@example(case=_fixed(2, 2, 2, c=_HUGE))
def an_open_output_gate_shows_tanh_of_the_memory(lstm_cell, case):
    """Where the output gate is open, h' is tanh(c'), of the new memory c' that is returned."""
    open_gate = {name: case[name].copy() for name in ("w_x", "w_h", "b")}
    units = case["c"].shape[1]
    open_gate["w_x"][:, 3 * units :] = 0
    open_gate["w_h"][:, 3 * units :] = 0
    open_gate["b"][3 * units :] = 100
    new_h, new_c = lstm_cell(**_with(case, **open_gate))
    _compared((new_h,), (np.tanh(new_c),), ("h'",))


@check(points=0.5, examples=10)
@given(case=_steps())
@example(case=_fixed(2, 3, 2))
@example(case=_fixed(3, 2, 3))
def the_memory_is_odd(lstm_cell, case):
    """The sign of the memory and of all that makes the candidate can be changed: h' and c' change theirs, no more."""
    units = case["c"].shape[1]
    turned = {name: case[name].copy() for name in ("w_x", "w_h", "b")}
    for array in turned.values():
        array[..., 2 * units : 3 * units] *= -1
    new_h, new_c = lstm_cell(**case)
    _compared(lstm_cell(**_with(case, c=-case["c"], **turned)), (-new_h, -new_c), _STATES)


@check(points=0.5, examples=12)
@given(case=_steps(kinds=_KINDS))
@example(case=_fixed(2, 3, 2, b=np.array([3.0, 3, 3, 3, 3, 3, 3, 3]), c=np.array([[4.0, -4.0], [4.0, -4.0]])))
@example(case=_fixed(1, 1, 1, c=np.array([[30.0]]), b=np.array([1.0, 2.0, 3.0, 4.0])))
def states_stay_within_their_bounds(lstm_cell, case):
    """No |h'| is greater than 1, and no |c'| greater than |c| + 1."""
    new_h, new_c = lstm_cell(**case)
    for name, state, bound in (("h'", new_h, np.ones_like(case["c"])), ("c'", new_c, np.abs(case["c"]) + 1)):
        if np.shape(state) != bound.shape or not np.all(np.abs(state) <= bound * (1 + 1e-12)):
            raise Mismatch(f"too large is {name}", got=np.abs(state), want=bound)


def _bias_as_weight(case):
    """The same step with the biases as the weights of one more input, which is always 1."""
    return _with(
        case,
        x=np.concatenate((case["x"], np.ones((len(case["x"]), 1))), axis=1),
        w_x=np.concatenate((case["w_x"], case["b"][None])),
        b=np.zeros_like(case["b"]),
    )


@check(points=0.5, examples=10)
@given(case=_steps())
@example(case=_fixed(2, 3, 2))
@example(case=_fixed(1, 2, 1))
def biases_are_the_weights_of_a_one(lstm_cell, case):
    """The biases do what the weights of one more input that is always 1 would do."""
    _compared(lstm_cell(**case), lstm_cell(**_bias_as_weight(case)), _STATES)


def _joined(case):
    """The same step with the hidden state among the inputs, and a hidden state of zeros."""
    return _with(
        case,
        x=np.concatenate((case["x"], case["h"]), axis=1),
        w_x=np.concatenate((case["w_x"], case["w_h"])),
        h=np.zeros_like(case["h"]),
    )


@check(points=0.5, examples=10)
@given(case=_steps())
@example(case=_fixed(2, 3, 2))
@example(case=_fixed(1, 2, 1))
def input_and_hidden_state_enter_alike(lstm_cell, case):
    """h under w_h does what it would do as a part of x under w_h as a part of w_x."""
    _compared(lstm_cell(**case), lstm_cell(**_joined(case)), _STATES)


@check(points=0.5, examples=10)
@given(case=_steps(sizes=tuple(size for size in _SIZES if size[0] > 1)))
@example(case=_fixed(2, 3, 2))
@example(case=_fixed(2, 2, 2))
def samples_are_alone(lstm_cell, case):
    """A sample's h' and c' depend on no other sample of the batch."""
    new_h, new_c = lstm_cell(**case)
    for n in range(len(case["x"])):
        one = {name: case[name][n : n + 1] for name in ("x", "h", "c")}
        _compared((new_h[n : n + 1], new_c[n : n + 1]), lstm_cell(**_with(case, **one)), _STATES)


def _reversed(case):
    """The same step with its units in reverse order, in every block of every array."""
    units = case["c"].shape[1]
    columns = np.arange(4 * units).reshape(4, units)[:, ::-1].ravel()
    turned = {name: case[name][:, ::-1].copy() for name in ("dh", "dc", "h", "c") if name in case}
    return _with(
        case, **turned, w_x=case["w_x"][:, columns], w_h=case["w_h"][::-1, columns], b=case["b"][columns]
    ), columns


_SEVERAL_UNITS = tuple(size for size in _SIZES if size[2] > 1)


@check(points=0.5, examples=10)
@given(case=_steps(sizes=_SEVERAL_UNITS))
@example(case=_fixed(2, 3, 2))
@example(case=_fixed(3, 2, 3))
def units_have_no_order(lstm_cell, case):
    """Reversing the units, within each block of H columns and in w_h's rows, reverses h' and c'."""
    turned, _ = _reversed(case)
    new_h, new_c = lstm_cell(**case)
    _compared(lstm_cell(**turned), (new_h[:, ::-1], new_c[:, ::-1]), _STATES)


# -- the backward pass -------------------------------------------------------------------------------------------------

backward_agrees = Agreement(
    "lstm_cell_backward",
    oracle=_cell_backward,
    given=_steps(kinds=_KINDS, backward=True),
    cases=_always(backward=True),
    scale=_backward_size,
    parts=_GRADIENTS,
    points=3,
    says="lstm_cell_backward gives (dx, dh_prev, dc_prev, dw_x, dw_h, db), worked out unit by unit.",
    examples=16,
)


@check(points=1, examples=10)
@given(case=_steps(backward=True))
@example(case=_fixed(1, 2, 1, backward=True, b=np.array([1.0, -1.0, 0.5, 2.0])))
@example(case=_fixed(2, 3, 2, backward=True))
@example(case=_fixed(3, 2, 3, backward=True))
def db_holds_the_slopes_of_i_f_g_o(lstm_cell_backward, case):
    """With zero weights, db is, gate by gate, the sum over samples of the gate's cotangent times its slope."""
    case = _without_weights(case)
    i, f, g, o = np.split(case["b"], 4)
    i, f, g, o = _logistic(i), _logistic(f), np.tanh(g), _logistic(o)
    shown = np.tanh(f * case["c"] + i * g)
    total = case["dc"] + case["dh"] * o * (1 - shown**2)
    want = (total * g * i * (1 - i), total * case["c"] * f * (1 - f), total * i * (1 - g**2))
    want = [slope.sum(axis=0) for slope in (*want, case["dh"] * shown * o * (1 - o))]
    *_, db = lstm_cell_backward(**case)
    if np.shape(db) != case["b"].shape:
        raise Mismatch(f"the shape of db is {np.shape(db)}, not {case['b'].shape}", got=db, want=case["b"])
    _compared(
        np.split(db, 4),
        want,
        [f"db's block of the {gate}" for gate in ("input gate", "forget gate", "candidate", "output gate")],
    )


@check(points=1, examples=10)
@given(case=_steps(backward=True))
@example(case=_fixed(2, 3, 2, backward=True))
@example(case=_fixed(1, 1, 1, backward=True, dh=np.array([[2.0]]), dc=np.array([[1.0]])))
def the_memory_carries_the_gradient(lstm_cell_backward, case):
    """dc_prev is f times all that reaches c': dc itself, and dh through the output gate and tanh."""
    want = np.zeros(case["c"].shape)
    for at, _, gates in _units(*(case[name] for name in ("x", "h", "w_x", "w_h", "b"))):
        want[at] = gates[1] * _slopes(gates, case["dh"][at], case["dc"][at], case["c"][at])[1]
    _, _, dc_prev, *_ = lstm_cell_backward(**case)
    _compared((dc_prev,), (want,), ("dc_prev",))


@check(points=0.5, examples=10)
@given(case=_steps(backward=True))
@example(case=_fixed(2, 3, 2, backward=True))
@example(case=_fixed(3, 2, 3, backward=True))
def the_two_cotangents_add_up(lstm_cell_backward, case):
    """The gradients for dh and dc together are those for dh alone plus those for dc alone."""
    nothing = np.zeros_like(case["dh"])
    of_h, of_c = lstm_cell_backward(**_with(case, dc=nothing)), lstm_cell_backward(**_with(case, dh=nothing))
    _compared(lstm_cell_backward(**case), [a + b for a, b in zip(of_h, of_c, strict=True)], _GRADIENTS)


@check(points=1, examples=10)
@given(case=_steps(sizes=tuple(size for size in _SIZES if size[0] == 1), backward=True))
@example(case=_fixed(1, 1, 3, backward=True))
@example(case=_fixed(1, 3, 2, backward=True))
@example(case=_fixed(1, 2, 2, backward=True))
def one_sample_gives_outer_products(lstm_cell_backward, case):
    """For one sample, dw_x and dw_h are the outer products of x and h with db; dx is w_x @ db, and dh_prev w_h @ db."""
    dx, dh_prev, _, dw_x, dw_h, db = lstm_cell_backward(**case)
    if np.shape(db) != case["b"].shape:
        raise Mismatch(f"the shape of db is {np.shape(db)}, not {case['b'].shape}", got=db, want=case["b"])
    want = (np.outer(case["x"], db), np.outer(case["h"], db), (case["w_x"] @ db)[None], (case["w_h"] @ db)[None])
    _compared((dw_x, dw_h, dx, dh_prev), want, ("dw_x", "dw_h", "dx", "dh_prev"))


@check(points=0.5, examples=10)
@given(case=_steps(sizes=tuple(size for size in _SIZES if size[0] > 1), backward=True))
@example(case=_fixed(2, 3, 2, backward=True))
@example(case=_fixed(3, 2, 3, backward=True))
def the_weights_gradients_add_up_over_the_batch(lstm_cell_backward, case):
    """dx, dh_prev and dc_prev keep the samples apart; dw_x, dw_h and db are sums over the samples, each alone."""
    alone = [
        lstm_cell_backward(**_with(case, **{name: case[name][n : n + 1] for name in ("dh", "dc", "x", "h", "c")}))
        for n in range(len(case["x"]))
    ]
    each = list(zip(*alone, strict=True))
    want = [*(np.concatenate(parts) for parts in each[:3]), *(np.sum(parts, axis=0) for parts in each[3:])]
    _compared(lstm_cell_backward(**case), want, _GRADIENTS)


@check(points=0.5, examples=10)
@given(case=_steps(backward=True))
@example(case=_fixed(2, 3, 2, backward=True))
@example(case=_fixed(3, 2, 3, backward=True))
def gradients_of_input_and_hidden_state_are_alike(lstm_cell_backward, case):
    """With h as a part of x, and w_h of w_x, dx holds dx and dh_prev side by side, and dw_x holds dw_x and dw_h."""
    dx, dh_prev, dc_prev, dw_x, dw_h, db = lstm_cell_backward(**case)
    wide, _, dc_again, tall, _, db_again = lstm_cell_backward(**_joined(case))
    want = (np.concatenate((dx, dh_prev), axis=1), dc_prev, np.concatenate((dw_x, dw_h)), db)
    _compared((wide, dc_again, tall, db_again), want, ("dx and dh_prev", "dc_prev", "dw_x and dw_h", "db"))


@check(points=0.5, examples=12)
@given(case=_switches(backward=True))
@example(case=_switched(1.0, -1.0, 1.0, 1.0, backward=True))
@example(case=_switched(-1.0, 1.0, -1.0, 1.0, backward=True))
@example(case=_switched(1.0, 1.0, -1.0, 1.0, level=1000.0, backward=True))
@example(case=_switched(-1.0, -1.0, 1.0, -1.0, level=100.0, backward=True))
def saturated_gates_learn_nothing(lstm_cell_backward, case):
    """With all gates at ±10,000 only the memory has a gradient: dc_prev is 0 where f is 0; dx, dw_x and db are zero."""
    i, f, g, o = np.split(case["b"], 4)
    memory = (f > 0) * case["c"] + (i > 0) * np.sign(g)
    want = [np.zeros_like(case[name]) for name in _NAMES]
    want[2] = (f > 0) * (case["dc"] + case["dh"] * (o > 0) * (1 - np.tanh(memory) ** 2))
    _compared(lstm_cell_backward(**case), want, _GRADIENTS)


@check(points=0.5, examples=10)
@given(case=_steps(sizes=_SEVERAL_UNITS, backward=True))
@example(case=_fixed(2, 3, 2, backward=True))
@example(case=_fixed(3, 2, 3, backward=True))
def gradients_of_units_have_no_order(lstm_cell_backward, case):
    """Reversing the units, within each block of H columns and in w_h's rows, reverses the gradients, no more."""
    turned, columns = _reversed(case)
    dx, dh_prev, dc_prev, dw_x, dw_h, db = lstm_cell_backward(**case)
    want = (dx, dh_prev[:, ::-1], dc_prev[:, ::-1], dw_x[:, columns], dw_h[::-1][:, columns], db[columns])
    _compared(lstm_cell_backward(**turned), want, _GRADIENTS)


gradient = Gradient(
    "lstm_cell",
    backward="lstm_cell_backward",
    wrt=_NAMES,
    cotangents=("dh", "dc"),
    oracle=_cell_backward,
    forward_oracle=_cell,
    given=_steps(sizes=((1, 1, 1), (1, 2, 1), (2, 1, 2), (1, 3, 2))),
    points=2,
    says="lstm_cell_backward agrees with finite differences of your own lstm_cell, for random cotangents dh and dc.",
    examples=6,
)
