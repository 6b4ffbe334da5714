"""Tensors at a worker's door: what goes in and comes out, what calls cost, which operators raise."""

from __future__ import annotations

import importlib.util
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from dlgrade.errors import GraderError
from dlgrade.sandbox import launch, tensors
from dlgrade.sandbox.calls import Raised, Returned
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.levels import Workers, workers
from dlgrade.sandbox.tensors import Carrier
from dlgrade.sandbox.wire import Foreign
from sandbox_targets import ask, submission

CARRIER = Carrier(Foreign)

# -- what goes in ------------------------------------------------------------------------------------------------------

DTYPES = "bool uint8 int8 int16 int32 int64 float16 float32 float64 complex64 complex128".split()  # noqa: SIM905


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_goes_in_and_comes_out_as_itself(name: str) -> None:
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(name)
    held = CARRIER.enter(array)
    assert held.dtype is getattr(torch, name)
    back = CARRIER.leave(held)
    assert (back.dtype, back.tolist()) == (array.dtype, array.tolist())


@pytest.mark.parametrize(
    ("device", "names", "home"),
    [
        ("cpu", ["float64"], "cpu"),
        ("cuda", ["float64"], "cuda"),
        ("mps", ["float32", "int64"], "mps"),
        ("mps", ["float32", "float64"], "cpu"),
        ("mps", ["complex128"], "cpu"),
        ("mps", [], "mps"),
    ],
)
def test_tensors_live_on_the_device_unless_it_has_no_such_numbers(device: str, names: list[str], home: str) -> None:
    arrays = [np.zeros(2, name) for name in names]
    assert Carrier(Foreign, device).home(arrays[:1], {"more": arrays[1:]}).type == home


WIDE = np.arange(24.0).reshape(4, 6)


@pytest.mark.parametrize(
    ("array", "strides"),
    [
        (WIDE, (6, 1)),
        (np.asfortranarray(WIDE), (1, 4)),
        (WIDE.T, (1, 6)),
        (WIDE[:, ::2], (6, 2)),
        (WIDE[1:3, 2:], (6, 1)),
        (np.broadcast_to(np.zeros(3), (2, 3)).copy(), (3, 1)),
        (np.zeros(()), ()),
        (np.zeros((0, 3)), (3, 1)),
        (np.zeros((2, 0)), (1, 1)),
    ],
    ids=["C", "Fortran", "transposed", "every other", "a part", "broadcast", "no dimension", "no rows", "no columns"],
)
def test_an_array_goes_in_with_its_memory_layout(array: np.ndarray[Any, Any], strides: tuple[int, ...]) -> None:
    held = CARRIER.enter(array)
    assert tuple(held.shape) == array.shape
    assert held.tolist() == array.tolist()
    if array.size:
        assert held.stride() == strides
        assert CARRIER.leave(held).strides == array.strides


@pytest.mark.parametrize("array", [WIDE[::-1], WIDE[:, ::-1], WIDE[::-1, ::-2]])
def test_what_runs_backwards_in_memory_is_copied(array: np.ndarray[Any, Any]) -> None:
    held = CARRIER.enter(array)
    assert held.tolist() == array.tolist()
    held.zero_()
    assert WIDE.any()


def test_a_read_only_array_is_copied_and_may_be_written_to() -> None:
    array = np.ones(3)
    array.flags.writeable = False
    CARRIER.enter(array).zero_()
    assert array.tolist() == [1.0, 1.0, 1.0]


def test_what_is_no_array_goes_in_as_it_is() -> None:
    def step(x: int) -> int:
        return x

    value = {"x": [np.ones(2), (np.zeros(1), "text", None)], "n": 3, "step": step, "scalar": np.float32(0.5)}
    held = CARRIER.enter(value)
    assert torch.equal(held["x"][0], torch.ones(2, dtype=torch.float64))
    assert type(held["x"][1]) is tuple
    assert held["x"][1][1:] == ("text", None)
    assert held["step"] is step
    assert (held["n"], type(held["scalar"]), held["scalar"]) == (3, float, 0.5)


# -- what comes out ----------------------------------------------------------------------------------------------------

X = torch.arange(6.0).reshape(2, 3)


class Own(torch.Tensor):
    """A subclass as a submission might make one, that answers everything itself."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError("a subclass was asked")


PLAIN = {
    "as it is": (X, X),
    "transposed": (X.T, X.T),
    "sliced": (X[:, ::2], X[:, ::2]),
    "expanded": (X[:1].expand(4, 3), X[:1].repeat(4, 1)),
    "no dimension": (torch.tensor(2.5), torch.tensor(2.5)),
    "no element": (torch.zeros(0, 3), torch.zeros(0, 3)),
    "bool": (X > 2, X > 2),
    "a parameter": (torch.nn.Parameter(X.clone()), X),
    "with a gradient": ((X.clone().requires_grad_() * 2), X * 2),
    "a conjugate view": (torch.complex(X, X).conj(), torch.complex(X, -X)),
    "a negative view": (torch.complex(X, X).conj().imag, -X),
    "made in inference": (torch.inference_mode()(lambda: X + 1)(), X + 1),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_tensor_comes_out_as_an_array(name: str) -> None:
    value, want = PLAIN[name]
    found = CARRIER.leave(value)
    assert type(found) is np.ndarray
    assert found.shape == tuple(want.shape)
    assert found.dtype == want.numpy().dtype
    assert found.tolist() == want.tolist()


def test_a_tensor_of_another_class_comes_out_as_what_is_in_memory() -> None:
    found = CARRIER.leave(torch.Tensor._make_subclass(Own, X.clone()))
    assert type(found) is np.ndarray
    assert found.tolist() == X.tolist()


FOREIGN = {
    "a tensor of layout torch.sparse_coo": lambda: X.to_sparse(),
    "a tensor of layout torch.sparse_csr": lambda: torch.sparse_compressed_tensor(
        torch.tensor([0, 1]), torch.tensor([0]), torch.tensor([1.0]), size=(1, 2), layout=torch.sparse_csr
    ),
    "a tensor of dtype torch.bfloat16": lambda: X.bfloat16(),
    "a tensor of dtype torch.float8_e5m2": lambda: X.to(torch.float8_e5m2),
    "a tensor of dtype torch.uint16": lambda: X.to(torch.uint16),
    "a tensor on the device meta": lambda: X.to("meta"),
    "a NumPy array": lambda: X.numpy(),
    "a NumPy scalar": lambda: X.numpy().sum(),
}


@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")
@pytest.mark.parametrize("name", FOREIGN)
def test_what_must_not_come_out_is_described(name: str) -> None:
    assert CARRIER.leave(FOREIGN[name]()) == Foreign(name)
    assert CARRIER.leave([1, {"a": (FOREIGN[name](),)}]) == [1, {"a": (Foreign(name),)}]


def test_nested_results_come_out_nested() -> None:
    Pair = namedtuple("Pair", "left right")
    found = CARRIER.leave({"a": [X, (X, None)], "pair": Pair(X, 2), "text": "t", "top": X.max(1)})
    assert type(found["a"][1]) is tuple
    assert found["a"][1][0].tolist() == X.tolist()
    assert type(found["pair"]) is tuple
    assert found["pair"][1] == 2
    values, places = found["top"]  # torch's own named tuple
    assert type(found["top"]) is tuple
    assert (values.tolist(), places.tolist(), places.dtype) == ([2.0, 5.0], [2, 2], np.int64)


def test_a_list_that_contains_itself_does_not_hang() -> None:
    endless: list[Any] = [X]
    endless.append(endless)
    found = CARRIER.leave(endless)
    for _ in range(tensors.DEPTH_LIMIT - 1):
        assert isinstance(found[0], np.ndarray)
        found = found[1]


# -- in a worker -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def started() -> Iterator[Workers]:
    with workers("torch") as found:
        yield found


@pytest.fixture
def submit(started: Workers) -> Iterator[Callable[..., WorkerTarget]]:
    """Makes the target for a source in torch."""
    targets = []

    def make(source: str, *names: str, **options: Any) -> WorkerTarget:
        held = submission(source)
        target = WorkerTarget(held, module="task", names=names or ("f",), start=started.start, **options)
        targets.append(target)
        return target

    yield make
    for target in targets:
        target.close()


def test_a_submission_takes_tensors_and_returns_them(submit: Callable[..., WorkerTarget]) -> None:
    target = submit("import torch\ndef f(x, *more): return [type(x).__name__, x.dtype == torch.float32, x * 2, *more]")
    reply = ask(target, np.ones(2, np.float32), 3, "t", None, np.float32(0.5))
    assert isinstance(reply, Returned), reply
    assert reply.value[:2] == ["Tensor", True]
    assert reply.value[2].dtype == np.float32
    assert reply.value[2].tolist() == [2.0, 2.0]
    assert reply.value[3:] == [3, "t", None, 0.5]


CHANGES = {
    "x.add_(1)": [1.0, 1.0, 1.0],
    "x[0] = 5": [5.0, 0.0, 0.0],
    "x.view(3)[1:].fill_(2)": [0.0, 2.0, 2.0],
    "x.data.copy_(x + 1)": [1.0, 1.0, 1.0],
    "x.detach()[2] = 3": [0.0, 0.0, 3.0],
    "x.resize_(1)": [0.0],
    "x.unsqueeze_(0)": [[0.0, 0.0, 0.0]],
    "x.data = x.bool()": [False, False, False],
    "x.add(1)": [0.0, 0.0, 0.0],
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_done_to_an_argument_is_seen(submit: Callable[..., WorkerTarget], change: str) -> None:
    target = submit(f"def f(x, n, keep=None):\n    {change}\n    return n")
    reply = ask(target, np.zeros(3), 4, want_after=True)
    assert isinstance(reply, Returned), reply
    assert reply.after is not None
    assert reply.after[0].tolist() == CHANGES[change]
    assert reply.after[1] is None


def test_what_was_done_to_a_list_of_tensors_is_seen(submit: Callable[..., WorkerTarget]) -> None:
    reply = ask(submit("def f(xs):\n    xs[1].zero_()\n    return 0"), [np.ones(1), np.ones(1)], want_after=True)
    assert isinstance(reply, Returned), reply
    assert [array.tolist() for array in reply.after[0]] == [[1.0], [0.0]]


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ("x.bfloat16()", "a tensor of dtype torch.bfloat16"),
        ("x.to_sparse()", "a tensor of layout torch.sparse_coo"),
        ("x.to('meta')", "a tensor on the device meta"),
        ("x.numpy()", "a NumPy array"),
        ("torch.float32", "dtype"),
        ("x.shape", None),
    ],
)
def test_what_a_worker_returns_is_described(submit: Callable[..., WorkerTarget], result: str, kind: str | None) -> None:
    reply = ask(submit(f"import torch\ndef f(x): return {result}"), np.ones(3))
    assert reply == (Returned((3,)) if kind is None else Returned(Foreign(kind)))


def test_a_list_that_contains_itself_comes_to_an_end(submit: Callable[..., WorkerTarget]) -> None:
    target = submit("def f(x):\n    xs = [x]\n    xs.append(xs)\n    return xs\ndef g(x): return x", "f", "g")
    ask(target, np.ones(1))
    reply = ask(target, np.ones(1), name="g")
    assert isinstance(reply, Returned), reply  # it still lives


@pytest.mark.parametrize(
    "result", ["torch.nested.nested_tensor([x, x[:1]])", "torch.quantize_per_tensor(x, 1, 0, torch.qint8)"]
)
def test_a_tensor_that_is_no_array_is_nobodys_crash(submit: Callable[..., WorkerTarget], result: str) -> None:
    reply = ask(
        submit(f"import torch, warnings\nwarnings.simplefilter('ignore')\ndef f(x): return {result}"),
        np.ones(3, np.float32),
    )
    assert isinstance(reply, Raised) or (isinstance(reply, Returned) and isinstance(reply.value, Foreign)), reply


def test_random_numbers_start_from_the_seed(submit: Callable[..., WorkerTarget]) -> None:
    source = "import torch\ndef f(n): return torch.rand(n)"
    one, two, other = (ask(submit(source, seed=seed), 3).value.tolist() for seed in (1, 1, 2))
    assert one == two != other


# -- gradients ---------------------------------------------------------------------------------------------------------


def gradient(function: Callable[..., Any], cotangents: list[Any], wrt: list[Any], *args: Any, **kwargs: Any) -> Any:
    sent = tuple(None if c is None else np.asarray(c, np.float64) for c in cotangents)
    value, _ = CARRIER.carried(function).measures["gradient"](None, (sent, wrt, *args), kwargs)  # type: ignore[attr-defined]
    return value


A, B = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 4.0])


def test_a_gradient_is_that_of_the_result_times_its_cotangent() -> None:
    assert gradient(lambda x: x**2, [B], [0], A).tolist() == (2 * A * B).tolist()
    assert gradient(lambda x: (x**2).sum(), [3.0], [0], A).tolist() == (6 * A).tolist()


def test_gradients_of_several_results_and_arguments() -> None:
    dx, dy = gradient(lambda x, *, y: (x * y, y.sum()), [B, 2.0], [0, "y"], A, y=B)
    assert dx.tolist() == (B * B).tolist()
    assert dy.tolist() == (A * B + 2).tolist()


def test_a_result_without_a_cotangent_has_no_part_in_it() -> None:
    found = gradient(lambda x: (x * 2, x.argmax()), [B, None], [0], A)
    assert found.tolist() == (2 * B).tolist()
    found = gradient(lambda x: (x.argmax(), x * 2), [None, B], [0], A)
    assert found.tolist() == (2 * B).tolist()


def test_an_argument_that_is_not_used_has_the_gradient_zero() -> None:
    dx, dy = gradient(lambda x, y: x * 2, [B], [0, 1], A, A)
    assert dx.tolist() == (2 * B).tolist()
    assert dy.tolist() == [0.0, 0.0, 0.0]


def test_a_part_that_is_cut_off_has_no_gradient() -> None:
    found = gradient(lambda x: x / x.detach(), [B], [0], A)
    assert found == pytest.approx(B / A)


CUT = {
    "detach": lambda x: x.detach() * 2,
    "no_grad": torch.no_grad()(lambda x: x * 2),
    "inference_mode": torch.inference_mode()(lambda x: x * 2),
    "item": lambda x: torch.tensor([x[0].item(), x[1].item(), x[2].item()]),
    "data": lambda x: x.data * 2,
    "NumPy": lambda x: torch.from_numpy(x.detach().numpy() * 2),
    "too few results": lambda x: (),
}


@pytest.mark.parametrize("name", CUT)
def test_what_cuts_the_way_back_is_told(name: str) -> None:
    with pytest.raises(RuntimeError, match=r"autograd has lost the way .* \.detach\(\), \.item\(\)"):
        gradient(CUT[name], [B], [0], A)


def test_a_gradient_in_a_worker_is_the_same(submit: Callable[..., WorkerTarget]) -> None:
    target = submit("def f(x, y): return x.exp() * y, y.sum()\ndef g(x): return x.detach()", "f", "g")
    reply = ask(target, (B, np.asarray(2.0)), [0, 1], A, B, measure="gradient")
    assert isinstance(reply, Returned), reply
    assert reply.value[0] == pytest.approx(np.exp(A) * B * B)
    assert reply.value[1] == pytest.approx(np.exp(A) * B + 2)
    reply = ask(target, (B,), [0], A, name="g", measure="gradient")
    assert isinstance(reply, Raised)
    assert "lost the way" in reply.message


# -- memory ------------------------------------------------------------------------------------------------------------

N = 1000
SIZE = 8 * N


def again(x: torch.Tensor) -> torch.Tensor:
    y = x
    for _ in range(5):
        y = y + 1
    return y


def forgotten(x: torch.Tensor) -> torch.Tensor:
    y = x.exp()
    del y
    return x.exp()


def kept(x: torch.Tensor) -> torch.Tensor:
    rows = [x + n for n in range(7)]
    return rows[0]


def halves(x: torch.Tensor) -> torch.Tensor:
    left, right = x.chunk(2)
    return torch.cat((left.exp(), right))


def into(x: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(x)
    torch.exp(x, out=out)
    out.add_(1).mul_(2)
    return out


def scattered(x: torch.Tensor) -> torch.Tensor:
    out = torch.zeros(N, 4, dtype=torch.float32)
    out[:, 1] = x.float()
    return out


MEMORY: dict[str, tuple[Callable[..., Any], int]] = {
    "one result": (lambda x: x.exp(), SIZE),
    "a result of a result": (lambda x: x.exp().exp(), 2 * SIZE),
    "three of them": (lambda x: x.exp().exp().exp(), 2 * SIZE),
    "the last one is dropped": (again, 2 * SIZE),
    "one is deleted before the next": (forgotten, SIZE),
    "all are kept": (kept, 7 * SIZE),
    "parts": (halves, SIZE // 2 + SIZE),
    "written into": (into, SIZE),
    "in place on the argument": (lambda x: x.exp_(), 0),
    "views": (lambda x: x.view(10, -1).T[2:].unsqueeze(0).expand(3, -1, -1).movedim(0, 1).unbind()[0], 0),
    "contiguous already": (lambda x: x.contiguous(), 0),
    "not contiguous": (lambda x: x.view(10, -1).T.contiguous(), SIZE),
    "reshaped without a copy": (lambda x: x.reshape(10, -1), 0),
    "expanded": (lambda x: x.new_zeros(1).expand(N), 8),
    "repeated": (lambda x: x.repeat(3), 3 * SIZE),
    "half as wide": (lambda x: x.float(), SIZE // 2),
    "a mask": (lambda x: x > 0, N),
    "values and places": (lambda x: x.sort(), 2 * SIZE),
    "an outer product": (lambda x: x[:, None] * x[None], SIZE * N),
    "a conversion on the way": (scattered, 16 * N + 4 * N),
    "nothing": (lambda x: 3, 0),
}


@pytest.mark.parametrize("name", MEMORY)
def test_memory_is_what_one_would_count_by_hand(name: str) -> None:
    function, want = MEMORY[name]
    x = np.linspace(0, 1, N)
    _, cost = CARRIER.carried(function).measures["memory"](None, (x,), {})  # type: ignore[attr-defined]
    assert cost == want


def test_memory_is_counted_anew_for_each_call() -> None:
    for _ in range(3):
        _, cost = CARRIER.memory(lambda x: x.exp(), (torch.zeros(N),), {})
        assert cost == 4 * N


def test_what_was_there_before_is_no_cost() -> None:
    cache = torch.zeros(N)
    _, cost = CARRIER.memory(cache.add_, (torch.zeros(N),), {})
    assert cost == 0


def test_a_sparse_tensor_on_the_way_is_no_accident() -> None:
    value, _ = CARRIER.memory(lambda x: (x.to_sparse() * 2).to_dense(), (torch.ones(3),), {})
    assert value.tolist() == [2.0, 2.0, 2.0]


# -- operators ---------------------------------------------------------------------------------------------------------


def test_the_operators_are_counted_with_the_dtype_of_their_results() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            x = x.exp()
        return (x > 0).sum() + x.float().softmax(0).argmax()

    counted, total = CARRIER.operators(function, (torch.zeros(3, dtype=torch.float64),), {})
    assert counted == [
        ["aten::_softmax", "float32", 1],
        ["aten::_to_copy", "float32", 1],
        ["aten::add", "int64", 1],
        ["aten::argmax", "int64", 1],
        ["aten::exp", "float64", 3],
        ["aten::gt", "bool", 1],
        ["aten::sum", "int64", 1],
    ]
    assert total == sum(entry[2] for entry in counted)


def test_operators_below_a_gradient_are_counted_too() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            live = x.requires_grad_()
            return torch.autograd.grad(torch.logsumexp(live, 0), live)[0]

    counted, _ = CARRIER.operators(function, (torch.zeros(3),), {})
    assert "aten::logsumexp" in [entry[0] for entry in counted]


# -- operators that raise ----------------------------------------------------------------------------------------------

REFUSED = ("softmax", "_softmax", "log_softmax", "_log_softmax", "logsumexp", "conv2d", "convolution", "no_such_thing")
WAYS = """
    import threading, torch
    from torch.nn import functional as F

    def plainly(x): return torch.softmax(x, 0)
    def by_method(x): return x.softmax(0)
    def by_functional(x): return F.softmax(x, 0)
    def by_operator(x): return torch.ops.aten._softmax(x, 0, False)
    def into(x): return torch.ops.aten._softmax.out(x, 0, False, out=x)
    def under_autograd(x): return torch.softmax(x.requires_grad_(), 0)
    def under_vmap(x): return torch.vmap(lambda row: torch.softmax(row, 0))(torch.stack((x, x)))
    def in_inference(x):
        with torch.inference_mode():
            return torch.softmax(x * 1, 0)
    def without_gradients(x):
        with torch.no_grad():
            return torch.softmax(x, 0)
    def in_a_thread(x):
        found = []
        def run():
            try:
                found.append(torch.softmax(x, 0))
            except BaseException as error:
                found.append(error)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]
    def in_half(x): return torch.softmax(x.half(), 0)
    def by_cross_entropy(x): return F.cross_entropy(x[None], torch.tensor([0]))
    def by_logsumexp(x): return torch.logsumexp(x, 0)
    def by_convolution(x): return F.conv2d(x.reshape(1, 1, 1, -1), x.reshape(1, 1, 1, -1))
    def by_layer(x): return torch.nn.Conv2d(1, 1, 1, dtype=x.dtype)(x.reshape(1, 1, 1, -1))
    def elementary(x): return (torch.exp(x) / torch.exp(x).sum() @ x).relu().sigmoid()
"""
SAYS = {
    "by_logsumexp": "logsumexp",
    "by_cross_entropy": "log_softmax",
    "by_convolution": "conv2d",
    "by_layer": "conv2d",
}
CALLS = [line.split("def ")[1].split("(")[0] for line in WAYS.splitlines() if line.startswith("    def ")]


@pytest.mark.parametrize("name", CALLS)
def test_a_refused_operator_raises_wherever_it_is_reached_from(submit: Callable[..., WorkerTarget], name: str) -> None:
    free = ask(submit(WAYS, *CALLS), np.arange(3.0), name=name)
    assert isinstance(free, Returned), free
    reply = ask(submit(WAYS, *CALLS, refused=REFUSED), np.arange(3.0), name=name)
    if name == "elementary":
        assert isinstance(reply, Returned), reply
        return
    assert isinstance(reply, Raised), reply
    assert reply.kinds[0] == "OperatorRefused"
    said = SAYS.get(name, "softmax")
    assert reply.message == f"torch's own {said} may not be used here: build it from tensor operations."


def test_a_refused_operator_raises_while_the_file_is_loaded(submit: Callable[..., WorkerTarget]) -> None:
    target = submit("import torch\nTABLE = torch.softmax(torch.zeros(3), 0)\ndef f(x): return x", refused=REFUSED)
    loaded = target.load()
    assert isinstance(loaded, Raised)
    assert loaded.kinds[0] == "OperatorRefused"


def test_trusted_code_in_another_worker_may_use_every_operator(submit: Callable[..., WorkerTarget]) -> None:
    target = submit("import torch\ndef f(x): return x.softmax(0)", refused=REFUSED)
    assert isinstance(ask(target, np.zeros(2)), Raised)
    with target.again() as same:
        assert isinstance(ask(same, np.zeros(2)), Raised)
    with target.again(submission("def f(x): return x.softmax(0)"), ("f",)) as other:
        reply = ask(other, np.zeros(2))
    assert isinstance(reply, Returned), reply
    assert reply.value.tolist() == [0.5, 0.5]


# -- without torch -----------------------------------------------------------------------------------------------------


def test_without_torch_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else find(name, *rest))
    with pytest.raises(GraderError, match="torch is not installed here") as raised:
        launch.start("torch")
    assert raised.value.mend == "Install it: python -m pip install torch"
    with pytest.raises(GraderError, match="torch is not installed here"):
        workers("torch", "landlock")
    assert launch.site_of("numpy").is_dir()
