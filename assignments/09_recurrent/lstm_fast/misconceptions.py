"""Ways in which a fast LSTM goes wrong, or stays slow, and what to say about each."""

import torch
from dlgrade.author import misconception

# -- a right LSTM in pieces, of which each misconception gets one wrong ------------------------------------------------


def _projected(x, w_x, b):
    """The inputs' part of all pre-activations, (T, N, 4H)."""
    return torch.addmm(b, x.flatten(0, 1), w_x).unflatten(0, x.shape[:2])


def _gates(z, sigmoid=torch.sigmoid, tanh=torch.tanh):
    i, f, g, o = z.chunk(4, 1)
    return sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)


def _run(projected, h, c, w_h, gates=_gates, memory=None, shown=None):
    """The loop over time; what is wrong in it is given."""
    memory = memory or (lambda i, f, g, c: f * c + i * g)
    shown = shown or (lambda o, new, old: o * torch.tanh(new))
    outputs = []
    for z in projected:
        i, f, g, o = gates(z + h @ w_h)
        old, c = c, memory(i, f, g, c)
        h = shown(o, c, old)
        outputs.append(h)
    return torch.stack(outputs), h, c


def _forward(x, h, c, w_x, w_h, b, **wrong):
    return _run(_projected(x, w_x, b), h, c, w_h, **wrong)


# -- the gates ---------------------------------------------------------------------------------------------------------


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def packs_the_output_gate_third(x, h, c, w_x, w_h, b):
    """You take the blocks for i, f, o, g. This is right under the convention of CS231n; here it is PyTorch's: i, f, g,
    o."""
    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: _gates(_ordered(z, (0, 1, 3, 2))))


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def packs_the_candidate_second(x, h, c, w_x, w_h, b):
    """You take the blocks for i, g, f, o. This is right under the convention of TensorFlow 1; here it is PyTorch's: i,
    f, g, o."""
    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: _gates(_ordered(z, (0, 2, 1, 3))))


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def packs_the_forget_gate_first(x, h, c, w_x, w_h, b):
    """You take the blocks for f, i, g, o, as some texts write them. Here the order is PyTorch's: i, f, g, o."""
    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: _gates(_ordered(z, (1, 0, 2, 3))))


def _ordered(z, order):
    blocks = z.chunk(4, 1)
    return torch.cat([blocks[k] for k in order], 1)


@misconception(of="lstm_fast", caught_by="agrees")
def takes_every_fourth_column(x, h, c, w_x, w_h, b):
    """You reshape the pre-activations to (N, H, 4), so that each gate gets every fourth column. The gates are blocks of
    H neighbouring columns: chunk(4, dim=1), or a reshape to (N, 4, H)."""
    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: _gates(z.unflatten(1, (-1, 4)).transpose(1, 2).flatten(1)))


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def squashes_the_candidate_by_sigmoid(x, h, c, w_x, w_h, b):
    """All four blocks go through the sigmoid. The candidate g goes through tanh: it may be negative."""
    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: _gates(z, tanh=torch.sigmoid))


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def lets_gates_be_negative(x, h, c, w_x, w_h, b):
    """All four blocks go through tanh. The three gates go through the sigmoid: they lie between 0 and 1."""
    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: _gates(z, sigmoid=torch.tanh))


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def halves_z_the_wrong_way(x, h, c, w_x, w_h, b):
    """You work the sigmoid out from tanh, but sigmoid(z) is (1 + tanh(z / 2)) / 2: mind the half within."""
    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: _gates(z, sigmoid=lambda part: (1 + torch.tanh(part)) / 2))


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def squashes_the_output_gate_by_tanh(x, h, c, w_x, w_h, b):
    """The output gate goes through tanh. Like the other two gates it goes through the sigmoid: h = o * tanh(c)."""
    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: (*_gates(z)[:3], torch.tanh(z.chunk(4, 1)[3])))


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def squashes_what_is_stored(x, h, c, w_x, w_h, b):
    """You take tanh of the candidate times its gate. The candidate alone goes through tanh: i * tanh(z_g)."""
    gates = lambda z: (*_gates(z, tanh=lambda g: g),)  # noqa: E731
    return _forward(x, h, c, w_x, w_h, b, gates=gates, memory=lambda i, f, g, old: f * old + torch.tanh(i * g))


@misconception(of="lstm_fast", caught_by="open_gates_pass_and_shut_gates_hold")
def squashes_the_memory(x, h, c, w_x, w_h, b):
    """The memory itself goes through tanh, and the next step begins with that. tanh is for what is shown, h = o *
    tanh(c); c goes on as it is."""
    memory = lambda i, f, g, old: torch.tanh(f * old + i * g)  # noqa: E731
    return _forward(x, h, c, w_x, w_h, b, memory=memory, shown=lambda o, new, old: o * new)


@misconception(of="lstm_fast", caught_by="open_gates_pass_and_shut_gates_hold")
def has_a_tanh_that_overflows(x, h, c, w_x, w_h, b):
    """Your tanh is made of exp(2 * z), which overflows where z is large, and inf / inf is nan. torch.tanh() is right
    for z of any size."""
    own = lambda z: (torch.exp(2 * z) - 1) / (torch.exp(2 * z) + 1)  # noqa: E731
    gates = lambda z: _gates(z, tanh=own)  # noqa: E731
    return _forward(x, h, c, w_x, w_h, b, gates=gates, shown=lambda o, new, old: o * own(new))


@misconception(of="lstm_fast", caught_by="agrees")
def overflows(x, h, c, w_x, w_h, b):
    """exp() overflows where a pre-activation is large: exp(z) / (1 + exp(z)) becomes inf / inf. torch.sigmoid() is
    right for z of any size."""
    return _forward(
        x, h, c, w_x, w_h, b, gates=lambda z: _gates(z, sigmoid=lambda p: torch.exp(p) / (1 + torch.exp(p)))
    )


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def opens_the_forget_gate(x, h, c, w_x, w_h, b):
    """You add 1 to the forget gate's pre-activation, as some libraries do at the start of training. Here nothing is
    added: it is the bias that says so."""
    more = torch.zeros_like(b)
    more[h.shape[1] : 2 * h.shape[1]] = 1
    return _forward(x, h, c, w_x, w_h, b + more)


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def couples_the_gates(x, h, c, w_x, w_h, b):
    """What you forget is what you do not store, f = 1 - i. In an LSTM both gates have weights of their own."""
    return _forward(x, h, c, w_x, w_h, b, memory=lambda i, f, g, old: (1 - i) * old + i * g)


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def swaps_keeping_and_storing(x, h, c, w_x, w_h, b):
    """The input gate multiplies the memory and the forget gate the candidate: c = f * c + i * g."""
    return _forward(x, h, c, w_x, w_h, b, memory=lambda i, f, g, old: i * old + f * g)


# -- the states --------------------------------------------------------------------------------------------------------


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def shows_the_memory_itself(x, h, c, w_x, w_h, b):
    """The output gate multiplies the memory itself. It multiplies its tanh: h = o * tanh(c)."""
    return _forward(x, h, c, w_x, w_h, b, shown=lambda o, new, old: o * new)


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def shows_the_old_memory(x, h, c, w_x, w_h, b):
    """h comes from the memory before the step. Renew the memory first: h = o * tanh(new c)."""
    return _forward(x, h, c, w_x, w_h, b, shown=lambda o, new, old: o * torch.tanh(old))


@misconception(of="lstm_fast", caught_by="without_weights_biases_set_the_gates")
def forgets_the_memory(x, h, c, w_x, w_h, b):
    """The memory does not go on from step to step: each one begins with the c that was given. Assign the new memory to
    c, which the next step takes up."""
    return _forward(x, h, c, w_x, w_h, b, memory=lambda i, f, g, _: f * c + i * g)


@misconception(of="lstm_fast", caught_by="a_sequence_can_be_cut_in_two")
def multiplies_the_first_h_in_every_step(x, h, c, w_x, w_h, b):
    """You hoist h @ w_h out of the loop as well. Only the inputs can be: h is another in every step."""
    return _run(_projected(x, w_x, b) + h @ w_h, torch.zeros_like(h), c, torch.zeros_like(w_h))


@misconception(of="lstm_fast", caught_by="agrees")
def forgets_the_hidden_state(x, h, c, w_x, w_h, b):
    """h @ w_h is missing: what is left in the loop is the product that depends on h, one in each step."""
    return _forward(x, h, c, w_x, torch.zeros_like(w_h), b)


@misconception(of="lstm_fast", caught_by="units_have_no_order")
def transposes_the_recurrent_weights(x, h, c, w_x, w_h, b):
    """w_h is read transposed, as (4H, H), the way PyTorch's own LSTM keeps it. Here it is (H, 4H): h @ w_h."""
    return _forward(x, h, c, w_x, w_h.reshape(-1, h.shape[1]).t(), b)


@misconception(of="lstm_fast", caught_by="agrees")
def starts_from_zero(x, h, c, w_x, w_h, b):
    """You begin with states of zeros. The h and c that are given are the states before the first step."""
    return _forward(x, torch.zeros_like(h), torch.zeros_like(c), w_x, w_h, b)


@misconception(of="lstm_fast", caught_by="agrees")
def starts_from_a_zero_memory(x, h, c, w_x, w_h, b):
    """You begin with a memory of zeros. The c that is given is the memory before the first step."""
    return _forward(x, h, torch.zeros_like(c), w_x, w_h, b)


@misconception(of="lstm_fast", caught_by="later_inputs_come_too_late")
def runs_backwards(x, h, c, w_x, w_h, b):
    """You take the steps from the last to the first. Time is the first axis, and it goes forwards."""
    return _forward(x.flip(0), h, c, w_x, w_h, b)


# -- what is returned --------------------------------------------------------------------------------------------------


@misconception(of="lstm_fast", caught_by="the_last_output_is_h")
def outputs_the_memories(x, h, c, w_x, w_h, b):
    """The outputs are the memories. They are the hidden states after every step."""
    projected, memories = _projected(x, w_x, b), []
    for z in projected:
        i, f, g, o = _gates(z + h @ w_h)
        c = f * c + i * g
        h = o * torch.tanh(c)
        memories.append(c)
    return torch.stack(memories), h, c


@misconception(of="lstm_fast", caught_by="the_last_output_is_h")
def outputs_the_states_before(x, h, c, w_x, w_h, b):
    """The outputs begin with the h that was given, one step too early. Append h after it is renewed."""
    outputs, last, memory = _forward(x, h, c, w_x, w_h, b)
    return torch.cat((h[None], outputs[:-1])), last, memory


@misconception(of="lstm_fast", caught_by="agrees")
def outputs_the_first_state_too(x, h, c, w_x, w_h, b):
    """The outputs hold T + 1 hidden states, the one that was given among them. They are those after each of the T
    steps."""
    outputs, last, memory = _forward(x, h, c, w_x, w_h, b)
    return torch.cat((h[None], outputs)), last, memory


@misconception(of="lstm_fast", caught_by="agrees")
def outputs_samples_first(x, h, c, w_x, w_h, b):
    """The outputs are (N, T, H), samples first. Here time comes first, in x and in the outputs: stack along axis 0."""
    outputs, last, memory = _forward(x, h, c, w_x, w_h, b)
    return outputs.transpose(0, 1), last, memory


@misconception(of="lstm_fast", caught_by="agrees")
def joins_steps_along_the_batch(x, h, c, w_x, w_h, b):
    """The outputs are (T * N, H): cat() joins along an axis that is there already. stack() makes a new one for time."""
    outputs, last, memory = _forward(x, h, c, w_x, w_h, b)
    return outputs.flatten(0, 1), last, memory


@misconception(of="lstm_fast", caught_by="agrees")
def returns_the_states_that_were_given(x, h, c, w_x, w_h, b):
    """You return the h and c that were given: return those after the last step."""
    return _forward(x, h, c, w_x, w_h, b)[0], h.clone(), c.clone()


@misconception(of="lstm_fast", caught_by="the_last_output_is_h")
def returns_c_before_h(x, h, c, w_x, w_h, b):
    """c comes before h in what you return: the order is (outputs, h, c)."""
    outputs, last, memory = _forward(x, h, c, w_x, w_h, b)
    return outputs, memory, last


# -- the projection ----------------------------------------------------------------------------------------------------


@misconception(of="lstm_fast", caught_by="samples_are_alone")
def reshapes_samples_to_steps(x, h, c, w_x, w_h, b):
    """After the one product the rows stand for (T, N), steps first: you reshape them as (N, T) and transpose, which
    mixes samples with steps. Undo the reshape the way you did it."""
    steps, n, _ = x.shape
    projected = torch.addmm(b, x.flatten(0, 1), w_x).reshape(n, steps, -1).transpose(0, 1)
    return _run(projected, h, c, w_h)


@misconception(of="lstm_fast", caught_by="biases_are_the_weights_of_a_one")
def forgets_the_bias(x, h, c, w_x, w_h, b):
    """b is never added. It belongs into the projection of the inputs, once for all steps."""
    return _forward(x, h, c, w_x, w_h, torch.zeros_like(b))


@misconception(of="lstm_fast", caught_by="biases_are_the_weights_of_a_one")
def adds_the_bias_twice(x, h, c, w_x, w_h, b):
    """b is added in the projection and in the loop again. There is one bias: add it once."""
    return _run(_projected(x, w_x, b) + b, h, c, w_h)


@misconception(of="lstm_fast", caught_by="agrees")
def projects_the_first_input_only(x, h, c, w_x, w_h, b):
    """Every step gets the first step's input. Take the projection of its own step."""
    return _forward(x[:1].expand(x.shape), h, c, w_x, w_h, b)


# -- dtype, arguments, autograd ----------------------------------------------------------------------------------------


@misconception(of="lstm_fast", caught_by="agrees")
def computes_in_float32(x, h, c, w_x, w_h, b):
    """You compute in float32 although the arguments are float64, and lose half of the digits: torch.zeros() and
    torch.empty() make float32 unless they are told otherwise."""
    results = _forward(*(part.float() for part in (x, h, c, w_x, w_h, b)))
    return tuple(part.to(x.dtype) for part in results)


@misconception(of="lstm_fast", caught_by="agrees")
def outputs_float32(x, h, c, w_x, w_h, b):
    """The outputs are written into a torch.zeros() or torch.empty() of float32, whatever x's dtype is: take
    x.new_empty(), or stack a list."""
    outputs, last, memory = _forward(x, h, c, w_x, w_h, b)
    return outputs.float(), last, memory


@misconception(of="lstm_fast", caught_by="agrees")
def returns_float64(x, h, c, w_x, w_h, b):
    """The results are float64 also for float32 arguments: return x's dtype, and compute in it."""
    return _forward(*(part.double() for part in (x, h, c, w_x, w_h, b)))


@misconception(of="lstm_fast", caught_by="float32_stays_float32")
def computes_in_float64(x, h, c, w_x, w_h, b):
    """You convert to float64 and back. The result has hardly more digits, and takes twice the memory and, on many a
    GPU, up to 64 times the time: compute in x's dtype."""
    results = _forward(*(part.double() for part in (x, h, c, w_x, w_h, b)))
    return tuple(part.to(x.dtype) for part in results)


@misconception(of="lstm_fast", caught_by="agrees")
def projects_in_bfloat16(x, h, c, w_x, w_h, b):
    """You project the inputs in half precision, where two or three digits are left: keep x's dtype."""
    return _run(_projected(x.bfloat16(), w_x.bfloat16(), b.bfloat16()).to(x.dtype), h, c, w_h)


@misconception(of="lstm_fast", caught_by="agrees")
def writes_into_the_states(x, h, c, w_x, w_h, b):
    """You renew the memory in place, `c *= f` or mul_(), and so write into the caller's c. Give the name c a
    new tensor in each step: the one that came in is not yours."""
    results = _forward(x, h, c, w_x, w_h, b)
    c.copy_(results[2])
    return results


@misconception(of="lstm_fast", caught_by="agrees")
def outputs_one_tensor_again_and_again(x, h, c, w_x, w_h, b):
    """You renew h in place and append it each time: the list holds one tensor T times over, and so all outputs are the
    last one. Make a new h in each step."""
    outputs, last, memory = _forward(x, h, c, w_x, w_h, b)
    return last.expand(outputs.shape), last, memory


@misconception(of="lstm_fast", caught_by="gradient")
def cuts_the_steps_apart(x, h, c, w_x, w_h, b):
    """The states are cut off between the steps, by .detach() or .data. Truncated backpropagation does so between parts
    of a long sequence; here the gradient goes through all steps."""
    return _forward(x, h, c, w_x, w_h, b, memory=lambda i, f, g, old: f * old.detach() + i * g)


@misconception(of="lstm_fast", caught_by="gradient")
def cuts_the_outputs_off(x, h, c, w_x, w_h, b):
    """No gradient comes back from the outputs: .detach(), .data or torch.tensor() cuts each of them off. torch.stack()
    of the list is all that they need."""
    outputs, last, memory = _forward(x, h, c, w_x, w_h, b)
    return outputs.detach(), last, memory


@misconception(of="lstm_fast", caught_by="gradient")
def cuts_the_projection_off(x, h, c, w_x, w_h, b):
    """No gradient comes back to x, w_x and b: the projection is made under no_grad() or cut off by .detach()."""
    return _run(_projected(x, w_x, b).detach(), h, c, w_h)


@misconception(of="lstm_fast", caught_by="gradient")
def divides_by_an_infinity(x, h, c, w_x, w_h, b):
    """Your sigmoid is 1 / (1 + exp(-z)). Of a z far below 0, -100 in float32, exp(-z) is infinite: the value, 1 / inf,
    is right, but autograd goes back by inf / inf, which is NaN. torch.sigmoid has a finite gradient everywhere."""
    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: _gates(z, lambda a: 1 / (1 + torch.exp(-a))))


@misconception(of="lstm_fast", caught_by="gradient")
def chooses_between_two_sigmoids(x, h, c, w_x, w_h, b):
    """You choose between two formulas of the sigmoid by torch.where. Both are computed, and autograd multiplies the
    infinite slope of the one that was not chosen by 0, which is NaN. torch.sigmoid has a finite gradient everywhere."""

    def sigmoid(a):
        return torch.where(a >= 0, 1 / (1 + torch.exp(-a)), torch.exp(a) / (1 + torch.exp(a)))

    return _forward(x, h, c, w_x, w_h, b, gates=lambda z: _gates(z, sigmoid))


# -- right, but slow ---------------------------------------------------------------------------------------------------


@misconception(of="lstm_fast", caught_by="fast")
def projects_in_every_step(x, h, c, w_x, w_h, b):
    """You multiply by w_x in every step, and each time all of its numbers are read for a few rows. x @ w_x + b does not
    depend on h: one product before the loop does it for all steps."""
    outputs = []
    for step in x:
        i, f, g, o = _gates(step @ w_x + h @ w_h + b)
        c = f * c + i * g
        h = o * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs), h, c


@misconception(of="lstm_fast", caught_by="fast")
def joins_input_and_state_in_every_step(x, h, c, w_x, w_h, b):
    """You join x[t] with h, and w_x with w_h, in every step: that copies all weights T times, and multiplies the inputs
    by them step by step. Project the inputs before the loop, and only h is left for it."""
    outputs = []
    for step in x:
        i, f, g, o = _gates(torch.cat((step, h), 1) @ torch.cat((w_x, w_h)) + b)
        c = f * c + i * g
        h = o * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs), h, c


@misconception(of="lstm_fast", caught_by="fast")
def projects_gate_by_gate_in_every_step(x, h, c, w_x, w_h, b):
    """In every step you multiply by eight matrices, four for the input and four for h. One product before the loop does
    the inputs of all steps, and one in the loop does h for all four gates: chunk() cuts the result."""
    units, outputs = h.shape[1], []
    parts = list(zip(w_x.split(units, 1), w_h.split(units, 1), b.split(units), strict=True))
    for step in x:
        i, f, g, o = (step @ for_x + h @ for_h + shift for for_x, for_h, shift in parts)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs), h, c


@misconception(of="lstm_fast", caught_by="fast")
def loops_over_the_units(x, h, c, w_x, w_h, b):
    """You loop over the units, and calling torch takes longer than the few numbers of one: matrix products and
    element-wise operations take all units at once."""
    units, outputs = h.shape[1], []
    projected = _projected(x, w_x, b)
    for z in projected:
        memories, states = [], []
        for unit in range(units):
            i, f, g, o = (z[:, k] + h @ w_h[:, k] for k in range(unit, 4 * units, units))
            memories.append(torch.sigmoid(f) * c[:, unit] + torch.sigmoid(i) * torch.tanh(g))
            states.append(torch.sigmoid(o) * torch.tanh(memories[-1]))
        h, c = torch.stack(states, 1), torch.stack(memories, 1)
        outputs.append(h)
    return torch.stack(outputs), h, c


@misconception(of="lstm_fast", caught_by="loops_over_time_alone")
def loops_over_the_samples(x, h, c, w_x, w_h, b):
    """You run the whole sequence for one sample after the other. A step does all samples at once: they are the rows of
    its matrix product."""
    alone = [_forward(x[:, n : n + 1], h[n : n + 1], c[n : n + 1], w_x, w_h, b) for n in range(len(h))]
    outputs, hs, cs = zip(*alone, strict=True)
    return torch.cat(outputs, 1), torch.cat(hs), torch.cat(cs)
