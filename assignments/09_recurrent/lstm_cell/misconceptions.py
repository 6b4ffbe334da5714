"""Wrong LSTM cells that students write, and what cures each."""

from itertools import permutations

import numpy as np
from dlgrade.author import misconception

# -- a right cell in pieces, of which each misconception gets one wrong ------------------------------------------------


def _sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))


def _drive(x, h, w_x, w_h, b):
    return x @ w_x + h @ w_h + b


def _activated(z):
    """The gates i, f, g, o."""
    i, f, g, o = np.split(z, 4, axis=1)
    return _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)


def _gates(x, h, w_x, w_h, b):
    return _activated(_drive(x, h, w_x, w_h, b))


def _states(i, f, g, o, c):
    memory = f * c + i * g
    return o * np.tanh(memory), memory


def _total(dh, dc, i, f, g, o, c):
    """The cotangent of the new memory, by both ways."""
    return dc + dh * o * (1 - np.tanh(f * c + i * g) ** 2)


def _slopes(total, dh, i, f, g, o, c):
    """The cotangents of the four pre-activations."""
    shown = np.tanh(f * c + i * g)
    return [total * g * i * (1 - i), total * c * f * (1 - f), total * i * (1 - g**2), dh * shown * o * (1 - o)]


def _gradients(slopes, dc_prev, x, h, w_x, w_h):
    dz = np.concatenate(slopes, axis=1)
    return dz @ w_x.T, dz @ w_h.T, dc_prev, x.T @ dz, h.T @ dz, dz.sum(axis=0)


def _dz(dh, dc, x, h, c, w_x, w_h, b):
    gates = _gates(x, h, w_x, w_h, b)
    return np.concatenate(_slopes(_total(dh, dc, *gates, c), dh, *gates, c), axis=1)


def _backward(dh, dc, x, h, c, w_x, w_h, b, total=_total, slopes=_slopes, gates=_gates):
    opened = gates(x, h, w_x, w_h, b)
    memory = total(dh, dc, *opened, c)
    return _gradients(slopes(memory, dh, *opened, c), memory * opened[1], x, h, w_x, w_h)


def _blocks_transposed(w_h):
    """Each H by H block of w_h transposed."""
    return np.concatenate([block.T for block in np.split(w_h, 4, axis=1)], axis=1)


def _in_halves(z):
    """exp(z) / (1 + exp(z)), which overflows."""
    with np.errstate(all="ignore"):
        return np.exp(z) / (1 + np.exp(z))


def _by_two_powers(z):
    """tanh from exp(z) and exp(-z), which overflows."""
    with np.errstate(all="ignore"):
        return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


def _by_one_power(z):
    """tanh from exp(2z), which overflows."""
    with np.errstate(all="ignore"):
        return (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)


# -- the order of the gates --------------------------------------------------------------------------------------------

_USED_BY = {
    "ifog": " (as CS231n and Dive into Deep Learning have it)",
    "igfo": " (as TensorFlow 1 has it, which calls them i, j, f, o)",
    "iofg": " (as ONNX has it)",
    "figo": " (the order in which many tutorials explain them)",
}


def _misordered(order):
    """The two misconceptions of packing the gates in an order other than i, f, g, o."""

    def unpacked(x, h, w_x, w_h, b):
        blocks = dict(zip(order, np.split(_drive(x, h, w_x, w_h, b), 4, axis=1), strict=True))
        return _activated(np.concatenate([blocks[gate] for gate in "ifgo"], axis=1))

    def forward(x, h, c, w_x, w_h, b):
        return _states(*unpacked(x, h, w_x, w_h, b), c)

    def backward(dh, dc, x, h, c, w_x, w_h, b):
        def slopes(*arguments):
            of_gate = dict(zip("ifgo", _slopes(*arguments), strict=True))
            return [of_gate[gate] for gate in order]

        return _backward(dh, dc, x, h, c, w_x, w_h, b, slopes=slopes, gates=unpacked)

    letters = ", ".join(order) + _USED_BY.get(order, "")
    forward.__name__ = f"packs_{'_'.join(order)}"
    forward.__doc__ = f"You packed the gates {letters}; here the order is PyTorch's i, f, g, o."
    backward.__name__ = f"backward_packs_{'_'.join(order)}"
    backward.__doc__ = f"Your backward pass packs the gates {letters}; here the order is PyTorch's i, f, g, o."
    return (
        misconception(of="lstm_cell", caught_by="gates_are_packed_i_f_g_o")(forward),
        misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")(backward),
    )


for _order in permutations("ifgo"):
    if _order != tuple("ifgo"):
        globals().update({item.name: item for item in _misordered("".join(_order))})


# -- a tanh of one's own -----------------------------------------------------------------------------------------------


def _overflowing(tanh, formula, everywhere):
    """The two misconceptions of such a tanh of the memory, and of the candidate too if it is used everywhere."""

    def gates(x, h, w_x, w_h, b):
        i, f, g, o = np.split(_drive(x, h, w_x, w_h, b), 4, axis=1)
        return _sigmoid(i), _sigmoid(f), (tanh if everywhere else np.tanh)(g), _sigmoid(o)

    def forward(x, h, c, w_x, w_h, b):
        i, f, g, o = gates(x, h, w_x, w_h, b)
        memory = f * c + i * g
        return o * tanh(memory), memory

    def backward(dh, dc, x, h, c, w_x, w_h, b):
        def total(dh, dc, i, f, g, o, c):
            return dc + dh * o * (1 - tanh(f * c + i * g) ** 2)

        def slopes(total, dh, i, f, g, o, c):
            *others, _ = _slopes(total, dh, i, f, g, o, c)
            return [*others, dh * tanh(f * c + i * g) * o * (1 - o)]

        return _backward(dh, dc, x, h, c, w_x, w_h, b, total=total, slopes=slopes, gates=gates)

    name = tanh.__name__.strip("_") + ("_everywhere" if everywhere else "")
    whose = "Your tanh" if everywhere else "Your tanh of the memory"
    forward.__name__ = f"overflows_in_tanh_{name}"
    forward.__doc__ = f"{whose}, {formula}, is inf / inf = NaN where its argument is large: use np.tanh."
    backward.__name__ = f"backward_overflows_in_tanh_{name}"
    backward.__doc__ = (
        f"{whose} in the backward pass, {formula}, is inf / inf = NaN where its argument is large: use np.tanh."
    )
    return (
        misconception(of="lstm_cell", caught_by="an_open_output_gate_shows_tanh_of_the_memory")(forward),
        misconception(of="lstm_cell_backward", caught_by="backward_agrees")(backward),
    )


for _tanh, _formula in (
    (_by_two_powers, "(exp(z) - exp(-z)) / (exp(z) + exp(-z))"),
    (_by_one_power, "(exp(2z) - 1) / (exp(2z) + 1)"),
):
    for _everywhere in (False, True):
        globals().update({item.name: item for item in _overflowing(_tanh, _formula, _everywhere)})


# -- one step ----------------------------------------------------------------------------------------------------------


@misconception(of="lstm_cell", caught_by="gates_are_packed_i_f_g_o")
def interleaves_the_gates(x, h, c, w_x, w_h, b):
    """You take every fourth column for one gate, as if each unit's four stood side by side. Each gate is a block of H
    consecutive columns: reshape to (N, 4, H), not to (N, H, 4)."""
    z = _drive(x, h, w_x, w_h, b).reshape(len(x), -1, 4)
    return _states(*_activated(np.concatenate(np.moveaxis(z, 2, 0), axis=1)), c)


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def overflows(x, h, c, w_x, w_h, b):
    """exp(z) / (1 + exp(z)) is inf / inf = NaN for large z (beyond 709, or 88 in float32). Write the sigmoid so that it
    only ever forms exp() of what is negative."""
    i, f, g, o = np.split(_drive(x, h, w_x, w_h, b), 4, axis=1)
    return _states(_in_halves(i), _in_halves(f), np.tanh(g), _in_halves(o), c)


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def overflows_in_tanh(x, h, c, w_x, w_h, b):
    """Your tanh of the candidate divides exp(z) - exp(-z) by exp(z) + exp(-z), which is inf / inf = NaN for large z:
    use np.tanh."""
    i, f, g, o = np.split(_drive(x, h, w_x, w_h, b), 4, axis=1)
    return _states(_sigmoid(i), _sigmoid(f), _by_two_powers(g), _sigmoid(o), c)


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def tanh_for_the_gates(x, h, c, w_x, w_h, b):
    """You use tanh for the gates i, f and o, so that a shut gate is -1. A gate is a share between 0 and 1: use sigmoid;
    tanh is for the candidate and for the memory."""
    i, f, g, o = np.split(_drive(x, h, w_x, w_h, b), 4, axis=1)
    return _states(np.tanh(i), np.tanh(f), np.tanh(g), np.tanh(o), c)


@misconception(of="lstm_cell", caught_by="the_memory_is_odd")
def sigmoid_for_the_candidate(x, h, c, w_x, w_h, b):
    """You use sigmoid for the candidate g, so that nothing can ever be taken from the memory: use tanh, which has
    either sign."""
    i, f, g, o = np.split(_drive(x, h, w_x, w_h, b), 4, axis=1)
    return _states(_sigmoid(i), _sigmoid(f), _sigmoid(g), _sigmoid(o), c)


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def forgets_the_tanh_of_the_candidate(x, h, c, w_x, w_h, b):
    """You store the candidate's pre-activation as it is: g is tanh of it."""
    i, f, g, o = np.split(_drive(x, h, w_x, w_h, b), 4, axis=1)
    return _states(_sigmoid(i), _sigmoid(f), g, _sigmoid(o), c)


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def relu_for_the_candidate(x, h, c, w_x, w_h, b):
    """You use ReLU for the candidate g, so that the memory only grows: use tanh, which has either sign."""
    i, f, g, o = np.split(_drive(x, h, w_x, w_h, b), 4, axis=1)
    return _states(_sigmoid(i), _sigmoid(f), np.maximum(g, 0), _sigmoid(o), c)


@misconception(of="lstm_cell", caught_by="gates_are_packed_i_f_g_o")
def hard_sigmoid(x, h, c, w_x, w_h, b):
    """You use the hard sigmoid, max(0, min(1, 0.2 z + 0.5)): this was right for Keras before 2.3, whose gates had it;
    here a gate is 1 / (1 + exp(-z))."""
    i, f, g, o = np.split(_drive(x, h, w_x, w_h, b), 4, axis=1)
    i, f, o = (np.clip(0.2 * z + 0.5, 0, 1) for z in (i, f, o))
    return _states(i, f, np.tanh(g), o, c)


@misconception(of="lstm_cell", caught_by="an_open_output_gate_shows_tanh_of_the_memory")
def shows_the_memory_itself(x, h, c, w_x, w_h, b):
    """Your h' is o * c'. It is o * tanh(c'), which keeps it between -1 and 1 however large the memory is."""
    *_, o = gates = _gates(x, h, w_x, w_h, b)
    _, memory = _states(*gates, c)
    return o * memory, memory


@misconception(of="lstm_cell", caught_by="an_open_output_gate_shows_tanh_of_the_memory")
def shows_the_old_memory(x, h, c, w_x, w_h, b):
    """Your h' is o * tanh(c), of the memory before the step. The output gate shows the new memory: o * tanh(c')."""
    *_, o = gates = _gates(x, h, w_x, w_h, b)
    _, memory = _states(*gates, c)
    return o * np.tanh(c), memory


@misconception(of="lstm_cell", caught_by="gates_are_packed_i_f_g_o")
def tanh_around_the_output_gate(x, h, c, w_x, w_h, b):
    """Your h' is tanh(o * c'). The tanh is of the memory alone, and the gate stands outside: o * tanh(c')."""
    *_, o = gates = _gates(x, h, w_x, w_h, b)
    _, memory = _states(*gates, c)
    return np.tanh(o * memory), memory


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def squashes_the_memory(x, h, c, w_x, w_h, b):
    """You return tanh(c') as the memory, which then fades at every step even with an open forget gate. The memory is
    c' itself; the tanh is only in h'."""
    shown, memory = _states(*_gates(x, h, w_x, w_h, b), c)
    return shown, np.tanh(memory)


@misconception(of="lstm_cell", caught_by="gates_are_packed_i_f_g_o")
def returns_the_memory_first(x, h, c, w_x, w_h, b):
    """You return (c', h'). The hidden state comes first: (h', c')."""
    shown, memory = _states(*_gates(x, h, w_x, w_h, b), c)
    return memory, shown


@misconception(of="lstm_cell", caught_by="biases_are_the_weights_of_a_one")
def adds_the_bias_twice(x, h, c, w_x, w_h, b):
    """You add b to the input's part and again to the hidden state's. PyTorch has two biases, b_ih and b_hh; here b is
    their sum, and is added once."""
    return _states(*_gates(x, h, w_x, w_h, 2 * b), c)


@misconception(of="lstm_cell", caught_by="biases_are_the_weights_of_a_one")
def forgets_the_bias(x, h, c, w_x, w_h, b):
    """You leave the bias out: z = x @ w_x + h @ w_h + b."""
    return _states(*_gates(x, h, w_x, w_h, 0 * b), c)


@misconception(of="lstm_cell", caught_by="gates_are_packed_i_f_g_o")
def adds_one_to_the_forget_gate(x, h, c, w_x, w_h, b):
    """You add 1 to the forget gate's pre-activation: this is right for TensorFlow 1's cells (forget_bias=1.0); here, as
    in PyTorch, b holds all there is to add. A bias of 1 to begin with belongs into its initial value."""
    units = c.shape[1]
    return _states(*_gates(x, h, w_x, w_h, b + (np.arange(4 * units) // units == 1).astype(b.dtype)), c)


@misconception(of="lstm_cell", caught_by="input_and_hidden_state_enter_alike")
def transposes_the_hidden_weights(x, h, c, w_x, w_h, b):
    """You multiply h by the transpose of each block of w_h. PyTorch stores its weights transposed, (4H, H); here w_h is
    (H, 4H) already, so h @ w_h."""
    return _states(*_gates(x, h, w_x, _blocks_transposed(w_h), b), c)


@misconception(of="lstm_cell", caught_by="input_and_hidden_state_enter_alike")
def ignores_the_hidden_state(x, h, c, w_x, w_h, b):
    """The hidden state does not enter your gates, so the cell sees nothing of what came before but its memory:
    z = x @ w_x + h @ w_h + b."""
    return _states(*_gates(x, 0 * h, w_x, w_h, b), c)


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def couples_the_input_gate(x, h, c, w_x, w_h, b):
    """You use 1 - f for the input gate, as the variant with coupled gates (and the GRU) does. Here i is a gate of its
    own, sigmoid(z_i)."""
    _, f, g, o = _gates(x, h, w_x, w_h, b)
    return _states(1 - f, f, g, o, c)


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def forgets_what_it_should_keep(x, h, c, w_x, w_h, b):
    """You keep the share 1 - f of the memory. In spite of its name the forget gate says what is kept: f * c."""
    i, f, g, o = _gates(x, h, w_x, w_h, b)
    return _states(i, 1 - f, g, o, c)


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def forgets_to_forget(x, h, c, w_x, w_h, b):
    """Your memory is c + i * g: the forget gate is missing. It is f * c + i * g."""
    i, f, g, o = _gates(x, h, w_x, w_h, b)
    return _states(i, np.ones_like(f), g, o, c)


@misconception(of="lstm_cell", caught_by="open_gates_pass_and_shut_gates_hold")
def stores_everything(x, h, c, w_x, w_h, b):
    """Your memory is f * c + g: the input gate is missing. It is f * c + i * g."""
    i, f, g, o = _gates(x, h, w_x, w_h, b)
    return _states(np.ones_like(i), f, g, o, c)


@misconception(of="lstm_cell", caught_by="input_and_hidden_state_enter_alike")
def looks_at_the_memory(x, h, c, w_x, w_h, b):
    """You use the old memory where the old hidden state belongs: the gates see x and h, z = x @ w_x + h @ w_h + b."""
    return _states(*_gates(x, c, w_x, w_h, b), c)


@misconception(of="lstm_cell", caught_by="lstm_cell_agrees")
def changes_the_memory(x, h, c, w_x, w_h, b):
    """`c *= f` writes into the caller's memory, which the backward pass still needs: compute f * c into a new array."""
    i, f, g, o = _gates(x, h, w_x, w_h, b)
    c *= f
    c += i * g
    return o * np.tanh(c), c


@misconception(of="lstm_cell", caught_by="lstm_cell_agrees")
def always_float64(x, h, c, w_x, w_h, b):
    """Given float32 you return float64, which np.zeros makes unless told otherwise: return x's dtype."""
    shown, memory = _states(*_gates(x, h, w_x, w_h, b), c)
    return shown.astype(np.float64), memory.astype(np.float64)


# -- the backward pass -------------------------------------------------------------------------------------------------


@misconception(of="lstm_cell_backward", caught_by="the_memory_carries_the_gradient")
def ignores_dc(dh, dc, x, h, c, w_x, w_h, b):
    """Your gradient begins with dh alone. The loss sees c' by itself too: start from dc, and add what comes through
    h'."""
    return _backward(dh, 0 * dc, x, h, c, w_x, w_h, b)


@misconception(of="lstm_cell_backward", caught_by="the_memory_carries_the_gradient")
def nothing_from_h_to_the_memory(dh, dc, x, h, c, w_x, w_h, b):
    """dh reaches only the output gate in your backward pass. h' = o * tanh(c') depends on c' too: add
    dh * o * (1 - tanh(c')**2) to dc."""
    return _backward(dh, dc, x, h, c, w_x, w_h, b, total=lambda dh, dc, *rest: dc)


@misconception(of="lstm_cell_backward", caught_by="the_memory_carries_the_gradient")
def forgets_the_slope_of_tanh(dh, dc, x, h, c, w_x, w_h, b):
    """You add dh * o to the memory's cotangent: the slope of tanh is missing, dh * o * (1 - tanh(c')**2)."""
    return _backward(dh, dc, x, h, c, w_x, w_h, b, total=lambda dh, dc, i, f, g, o, c: dc + dh * o)


@misconception(of="lstm_cell_backward", caught_by="the_memory_carries_the_gradient")
def slope_of_tanh_from_its_argument(dh, dc, x, h, c, w_x, w_h, b):
    """You use 1 - c'**2 for the slope of tanh at c'. The square is of its value: 1 - tanh(c')**2."""

    def total(dh, dc, i, f, g, o, c):
        return dc + dh * o * (1 - (f * c + i * g) ** 2)

    return _backward(dh, dc, x, h, c, w_x, w_h, b, total=total)


@misconception(of="lstm_cell_backward", caught_by="the_memory_carries_the_gradient")
def slope_at_the_old_memory(dh, dc, x, h, c, w_x, w_h, b):
    """You take the slope of tanh at the old memory c. h' shows the new one: 1 - tanh(c')**2."""

    def total(dh, dc, i, f, g, o, c):
        return dc + dh * o * (1 - np.tanh(c) ** 2)

    return _backward(dh, dc, x, h, c, w_x, w_h, b, total=total)


@misconception(of="lstm_cell_backward", caught_by="the_memory_carries_the_gradient")
def forgets_the_output_gate(dh, dc, x, h, c, w_x, w_h, b):
    """What dh sends to the memory passes the output gate on its way, and you have no o there:
    dh * o * (1 - tanh(c')**2)."""

    def total(dh, dc, i, f, g, o, c):
        return dc + dh * (1 - np.tanh(f * c + i * g) ** 2)

    return _backward(dh, dc, x, h, c, w_x, w_h, b, total=total)


@misconception(of="lstm_cell_backward", caught_by="the_memory_carries_the_gradient")
def dc_prev_without_the_forget_gate(dh, dc, x, h, c, w_x, w_h, b):
    """Your dc_prev is the whole cotangent of c'. Only the share f of the old memory was kept: multiply by f."""
    i, f, g, o = _gates(x, h, w_x, w_h, b)
    total = _total(dh, dc, i, f, g, o, c)
    return _gradients(_slopes(total, dh, i, f, g, o, c), total, x, h, w_x, w_h)


@misconception(of="lstm_cell_backward", caught_by="the_memory_carries_the_gradient")
def dc_prev_from_dc_alone(dh, dc, x, h, c, w_x, w_h, b):
    """Your dc_prev is f * dc. c' also reaches the loss through h': multiply f by the sum of both ways."""
    i, f, g, o = _gates(x, h, w_x, w_h, b)
    total = _total(dh, dc, i, f, g, o, c)
    return _gradients(_slopes(total, dh, i, f, g, o, c), dc * f, x, h, w_x, w_h)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def forget_gate_meets_the_new_memory(dh, dc, x, h, c, w_x, w_h, b):
    """You multiply the forget gate's cotangent by the new memory c'. In c' = f * c + i * g it is the old c that f
    multiplies: keep c until the backward pass."""

    def slopes(total, dh, i, f, g, o, c):
        di, _, dg, do = _slopes(total, dh, i, f, g, o, c)
        return [di, total * (f * c + i * g) * f * (1 - f), dg, do]

    return _backward(dh, dc, x, h, c, w_x, w_h, b, slopes=slopes)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def output_gate_meets_the_bare_memory(dh, dc, x, h, c, w_x, w_h, b):
    """You multiply the output gate's cotangent by c'. In h' = o * tanh(c') it is tanh(c') that o multiplies."""

    def slopes(total, dh, i, f, g, o, c):
        return [*_slopes(total, dh, i, f, g, o, c)[:3], dh * (f * c + i * g) * o * (1 - o)]

    return _backward(dh, dc, x, h, c, w_x, w_h, b, slopes=slopes)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def forgets_the_slopes_of_the_gates(dh, dc, x, h, c, w_x, w_h, b):
    """You stop at the gates. One step further back each has a slope, s * (1 - s) for a sigmoid and 1 - g**2 for the
    candidate's tanh, by which its cotangent is multiplied."""

    def slopes(total, dh, i, f, g, o, c):
        return [total * g, total * c, total * i, dh * np.tanh(f * c + i * g)]

    return _backward(dh, dc, x, h, c, w_x, w_h, b, slopes=slopes)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def slope_of_a_sigmoid_for_the_candidate(dh, dc, x, h, c, w_x, w_h, b):
    """You use g * (1 - g) for the candidate. Its function is tanh, whose slope is 1 - g**2."""

    def slopes(total, dh, i, f, g, o, c):
        di, df, _, do = _slopes(total, dh, i, f, g, o, c)
        return [di, df, total * i * g * (1 - g), do]

    return _backward(dh, dc, x, h, c, w_x, w_h, b, slopes=slopes)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def activates_twice(dh, dc, x, h, c, w_x, w_h, b):
    """You put the gates through sigmoid again to find their slopes. i is sigmoid(z) already, so its slope is
    i * (1 - i), and the candidate's is 1 - g**2."""

    def slopes(total, dh, i, f, g, o, c):
        again = [_sigmoid(gate) * (1 - _sigmoid(gate)) for gate in (i, f, o)]
        shown = np.tanh(f * c + i * g)
        return [total * g * again[0], total * c * again[1], total * i * (1 - np.tanh(g) ** 2), dh * shown * again[2]]

    return _backward(dh, dc, x, h, c, w_x, w_h, b, slopes=slopes)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def exchanges_input_gate_and_candidate(dh, dc, x, h, c, w_x, w_h, b):
    """You multiply the input gate's cotangent by i and the candidate's by g. In i * g each meets the other: i's is
    multiplied by g, and g's by i."""

    def slopes(total, dh, i, f, g, o, c):
        _, df, _, do = _slopes(total, dh, i, f, g, o, c)
        return [total * i * i * (1 - i), df, total * g * (1 - g**2), do]

    return _backward(dh, dc, x, h, c, w_x, w_h, b, slopes=slopes)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def gates_see_dc_alone(dh, dc, x, h, c, w_x, w_h, b):
    """You send dc to i, f and g without what h' adds to it: first add dh * o * (1 - tanh(c')**2) to dc, then use the
    sum for all three, as you do for dc_prev."""
    i, f, g, o = _gates(x, h, w_x, w_h, b)
    total = _total(dh, dc, i, f, g, o, c)
    return _gradients(_slopes(dc, dh, i, f, g, o, c), total * f, x, h, w_x, w_h)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def interleaves_the_gradients(dh, dc, x, h, c, w_x, w_h, b):
    """You lay the four gates' gradients side by side for each unit. They are packed like the weights, in blocks of H
    columns: stack them as (N, 4, H), or concatenate along axis 1."""

    def slopes(*arguments):
        return [np.stack(_slopes(*arguments), axis=2).reshape(len(x), -1)]

    return _backward(dh, dc, x, h, c, w_x, w_h, b, slopes=slopes)


@misconception(of="lstm_cell_backward", caught_by="the_weights_gradients_add_up_over_the_batch")
def averages_over_the_batch(dh, dc, x, h, c, w_x, w_h, b):
    """You divide dw_x, dw_h and db by the batch size. They are sums over the samples: a mean, if the loss has one, is
    already in dh and dc."""
    dx, dh_prev, dc_prev, *weights = _backward(dh, dc, x, h, c, w_x, w_h, b)
    return dx, dh_prev, dc_prev, *(gradient / len(x) for gradient in weights)


@misconception(of="lstm_cell_backward", caught_by="the_weights_gradients_add_up_over_the_batch")
def averages_db(dh, dc, x, h, c, w_x, w_h, b):
    """Your db is the mean over the batch. Every sample's cotangent reaches the bias: db is their sum."""
    *others, db = _backward(dh, dc, x, h, c, w_x, w_h, b)
    return *others, db / len(x)


@misconception(of="lstm_cell_backward", caught_by="backward_agrees")
def sums_db_over_the_units(dh, dc, x, h, c, w_x, w_h, b):
    """You sum db over the columns, which leaves one number per sample. The bias has one per column: sum over axis 0."""
    dx, dh_prev, dc_prev, dw_x, dw_h, _ = _backward(dh, dc, x, h, c, w_x, w_h, b)
    return dx, dh_prev, dc_prev, dw_x, dw_h, _dz(dh, dc, x, h, c, w_x, w_h, b).sum(axis=1)


@misconception(of="lstm_cell_backward", caught_by="one_sample_gives_outer_products")
def transposes_the_hidden_weights_backward(dh, dc, x, h, c, w_x, w_h, b):
    """In dh_prev the blocks of w_h are multiplied untransposed. Going back through h @ w_h takes dz @ w_h.T, with the
    whole (4H, H) transpose."""
    dx, _, dc_prev, dw_x, dw_h, db = _backward(dh, dc, x, h, c, w_x, w_h, b)
    return dx, _dz(dh, dc, x, h, c, w_x, w_h, b) @ _blocks_transposed(w_h).T, dc_prev, dw_x, dw_h, db


@misconception(of="lstm_cell_backward", caught_by="one_sample_gives_outer_products")
def dw_h_from_the_new_hidden_state(dh, dc, x, h, c, w_x, w_h, b):
    """You multiply by the new h' in dw_h. It was the hidden state before the step that met w_h: h.T @ dz."""
    dx, dh_prev, dc_prev, dw_x, _, db = _backward(dh, dc, x, h, c, w_x, w_h, b)
    new_h, _ = _states(*_gates(x, h, w_x, w_h, b), c)
    return dx, dh_prev, dc_prev, dw_x, new_h.T @ _dz(dh, dc, x, h, c, w_x, w_h, b), db


@misconception(of="lstm_cell_backward", caught_by="one_sample_gives_outer_products")
def adds_dh_to_dh_prev(dh, dc, x, h, c, w_x, w_h, b):
    """You add dh to dh_prev. h' is not h plus something: the old hidden state reaches the loss only through the gates,
    dz @ w_h.T."""
    dx, dh_prev, *others = _backward(dh, dc, x, h, c, w_x, w_h, b)
    return dx, dh_prev + dh, *others


@misconception(of="lstm_cell_backward", caught_by="the_memory_carries_the_gradient")
def returns_dc_prev_before_dh_prev(dh, dc, x, h, c, w_x, w_h, b):
    """You return dc_prev before dh_prev. The gradients come in the order of the arguments: dx, dh_prev, dc_prev, dw_x,
    dw_h, db."""
    dx, dh_prev, dc_prev, *others = _backward(dh, dc, x, h, c, w_x, w_h, b)
    return dx, dc_prev, dh_prev, *others


@misconception(of="lstm_cell_backward", caught_by="saturated_gates_learn_nothing")
def overflows_backward(dh, dc, x, h, c, w_x, w_h, b):
    """exp(z) / (1 + exp(z)) is inf / inf = NaN for large z, in the backward pass too: write the sigmoid so that it only
    ever forms exp() of what is negative."""

    def gates(*arguments):
        i, f, g, o = np.split(_drive(*arguments), 4, axis=1)
        return _in_halves(i), _in_halves(f), np.tanh(g), _in_halves(o)

    return _backward(dh, dc, x, h, c, w_x, w_h, b, gates=gates)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def sigmoid_for_the_candidate_backward(dh, dc, x, h, c, w_x, w_h, b):
    """Your backward pass uses sigmoid for the candidate, and its slope g * (1 - g): it is tanh, with slope 1 - g**2."""

    def gates(*arguments):
        return [_sigmoid(z) for z in np.split(_drive(*arguments), 4, axis=1)]

    def slopes(total, dh, i, f, g, o, c):
        di, df, _, do = _slopes(total, dh, i, f, g, o, c)
        return [di, df, total * i * g * (1 - g), do]

    return _backward(dh, dc, x, h, c, w_x, w_h, b, slopes=slopes, gates=gates)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def adds_the_bias_twice_backward(dh, dc, x, h, c, w_x, w_h, b):
    """Your backward pass adds b to the input's part and again to the hidden state's. PyTorch has two biases, b_ih and
    b_hh; here b is their sum, and is added once."""
    return _backward(dh, dc, x, h, c, w_x, w_h, 2 * b)


@misconception(of="lstm_cell_backward", caught_by="db_holds_the_slopes_of_i_f_g_o")
def forgets_the_bias_backward(dh, dc, x, h, c, w_x, w_h, b):
    """Your backward pass works the gates out without the bias: z = x @ w_x + h @ w_h + b, as on the way forward."""
    return _backward(dh, dc, x, h, c, w_x, w_h, 0 * b)


@misconception(of="lstm_cell_backward", caught_by="backward_agrees")
def adds_into_dc(dh, dc, x, h, c, w_x, w_h, b):
    """`dc += ...` writes into the caller's cotangent: compute dc + ... into a new array."""
    result = _backward(dh, dc, x, h, c, w_x, w_h, b)
    dc += dh * _gates(x, h, w_x, w_h, b)[3] * (1 - np.tanh(_states(*_gates(x, h, w_x, w_h, b), c)[1]) ** 2)
    return result


@misconception(of="lstm_cell_backward", caught_by="backward_agrees")
def always_float64_backward(dh, dc, x, h, c, w_x, w_h, b):
    """Given float32 you return float64, which np.zeros makes unless told otherwise: return dh's dtype."""
    return tuple(gradient.astype(np.float64) for gradient in _backward(dh, dc, x, h, c, w_x, w_h, b))
