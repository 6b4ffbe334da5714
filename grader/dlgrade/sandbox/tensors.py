"""NumPy arrays into torch tensors and back, at the door of whatever runs a torch exercise's functions.

What travels between grader and worker is NumPy; what the functions of a torch exercise take and return is torch. The
worker uses this module beside it as a script, the trusted side through the package. Imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_MMAP_MAX, _TRIM_THRESHOLD = -4, -1  # of mallopt(3)
_TOUCHED, _HUGE = 1 << 26, 1 << 21
_MADV_HUGEPAGE = 14
DEPTH_LIMIT = 16
PROJECTIONS = 2
"""How many random sums stand for a result that is too large to be moved."""
_TRAVEL = {
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.float32, torch.float64, torch.complex64, torch.complex128,
}  # fmt: skip

_DOUBLE = {np.dtype(np.float64), np.dtype(np.complex128)}


def quieten() -> None:
    """One thread, and float32 with all its digits: TF32 would keep eleven bits of each factor."""
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def know_processor() -> None:
    """Let torch read what kind of processor this is, while there are files that say so; no operation is run for it."""
    with contextlib.suppress(AttributeError):
        torch.cpu._is_avx2_supported()


def steady_memory() -> None:
    """Keep freed memory in this process, and have some from the start, so that no timed call pays for its pages.

    The C library would give each large block back to the system and fetch it anew, page by page, until it has learnt
    otherwise, which takes a dozen rounds: more than the work itself. Of what is there from the start the pages are
    large, where the system has them: they are had five times sooner. Where the library is another, nothing happens.
    """
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        block = torch.empty(_TOUCHED, dtype=torch.uint8)
        start = -block.data_ptr() % _HUGE
        library.madvise(ctypes.c_void_p(block.data_ptr() + start), ctypes.c_size_t(_TOUCHED - _HUGE), _MADV_HUGEPAGE)
        block.zero_()


class Carrier:
    """Carries values in and out of functions on tensors.

    Args:
        foreign: makes the description of a value that cannot travel, from its text.
        device: where tensors live.
    """

    def __init__(self, foreign: Callable[[str], Any], device: str = "cpu") -> None:
        self.foreign = foreign
        self.device = torch.device(device)
        self.measures: Mapping[str, Callable[..., tuple[Any, int]]] = {
            "memory": self.memory,
            "operators": self.operators,
            "gradient": self.gradient,
            "keep": self.keep,
            "fresh": self.fresh,
        }
        self._kept: tuple[Sequence[Any], Mapping[str, Any]] = ((), {})

    def home(self, *arguments: Any) -> torch.device:
        """Where the tensors of a call live: on the device, but for numbers that it has no type for."""
        if self.device.type != "mps":
            return self.device
        held = (leaf.dtype for leaf in tree_leaves(arguments) if isinstance(leaf, np.ndarray | np.generic))
        return torch.device("cpu") if any(dtype in _DOUBLE for dtype in held) else self.device

    def enter(self, value: Any, home: torch.device | None = None) -> Any:
        """A value as the function takes it: arrays as tensors, on the device or at home, in the same memory layout."""
        home = home or self.device
        if isinstance(value, np.ndarray):
            if not value.flags.writeable or any(stride < 0 for stride in value.strides):
                value = value.copy()
            held = torch.from_numpy(value)
            if home.type == "cpu":
                return held
            moved = torch.empty_strided(held.shape, held.stride(), dtype=held.dtype, device=home)
            return moved.copy_(held)
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, dict):
            return {key: self.enter(held, home) for key, held in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self.enter(item, home) for item in value)
        return value

    def entered(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any], torch.device]:
        """A call's arguments as the function takes them, and where its tensors live."""
        home = self.home(args, kwargs)
        return self.enter(list(args), home), self.enter(dict(kwargs), home), home

    def leave(self, value: Any, home: torch.device | None = None, depth: int = 0) -> Any:
        """A result as it travels: tensors as arrays, and what an exercise on tensors must not return described."""
        home = home or self.device
        if isinstance(value, torch.Tensor):
            return self._array(value, home)
        if isinstance(value, np.ndarray):
            return self.foreign("a NumPy array")
        if isinstance(value, np.generic):
            return self.foreign("a NumPy scalar")
        if depth < DEPTH_LIMIT:
            if isinstance(value, dict):
                return {key: self.leave(held, home, depth + 1) for key, held in value.items()}
            if isinstance(value, list):
                return [self.leave(item, home, depth + 1) for item in value]
            if isinstance(value, tuple):
                return tuple(self.leave(item, home, depth + 1) for item in value)
        return value

    def _array(self, value: torch.Tensor, home: torch.device) -> Any:
        with torch._C.DisableTorchFunctionSubclass():  # a subclass is not asked: it may answer anything
            if value.device.type != home.type:
                return self.foreign(f"a tensor on the device {value.device.type}")
            if value.layout is not torch.strided:
                return self.foreign(f"a tensor of layout {value.layout}")
            if value.dtype not in _TRAVEL:
                return self.foreign(f"a tensor of dtype {value.dtype}")
            plain = value.detach().as_subclass(torch.Tensor).cpu().resolve_conj().resolve_neg()
            array: np.ndarray[Any, Any] = plain.numpy()
            return array

    def carried(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function on tensors as a function on arrays; its `measures` are the ways to call it that count a cost."""

        @functools.wraps(function)
        def on_arrays(*args: Any, **kwargs: Any) -> Any:
            positional, keywords, home = self.entered(args, kwargs)
            return self.leave(function(*positional, **keywords), home)

        def measured(measure: Any, _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, int]:
            positional, keywords, home = self.entered(args, kwargs)
            value, cost = measure(function, positional, keywords)
            return self.leave(value, home), cost

        ways = {name: functools.partial(measured, measure) for name, measure in self.measures.items()}
        on_arrays.measures = ways  # type: ignore[attr-defined]
        return on_arrays

    # -- ways to call a function besides plainly -----------------------------------------------------------------------

    def memory(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, int]:
        """The function's result, and the most bytes that tensors it made held at one time, its result included."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            result = function(*args, **kwargs)
            torch.cuda.synchronize()
            return result, max(0, torch.cuda.max_memory_allocated() - before)
        with _Ledger() as ledger:
            result = function(*args, **kwargs)
        return result, ledger.peak

    def operators(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, int]:
        """Which operators of torch the function runs, as [name, dtype of the result, how often], and how many in all.

        The function's own result is left out: whoever counts does not look at it.
        """
        with _Ledger() as ledger:
            function(*args, **kwargs)
        counted = [[name, dtype, count] for (name, dtype), count in sorted(ledger.calls.items())]
        return counted, sum(ledger.calls.values())

    def gradient(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, int]:
        """The gradients that autograd finds, with respect to some arguments.

        Args:
            function: the function.
            args: a cotangent for each result, or None for one that has none; then the places or names of the arguments
                that are differentiated; then the function's own.
            kwargs: the function's own.

        Raises:
            RuntimeError: if no result depends on them by operators that autograd records.
        """
        cotangents, wrt, *positional = args
        keywords, live = dict(kwargs), []
        for key in wrt:
            held: Any = positional if isinstance(key, int) else keywords
            held[key] = held[key].detach().requires_grad_()
            live.append(held[key])
        results = [leaf for leaf in tree_leaves(function(*positional, **keywords)) if isinstance(leaf, torch.Tensor)]
        pairs = [pair for pair in zip(results, cotangents, strict=False) if pair[1] is not None]
        cut = [place for place, (result, _) in enumerate(pairs, 1) if not result.requires_grad]
        if len(pairs) < len(cotangents) - cotangents.count(None) or len(cut) == len(pairs):
            raise RuntimeError(
                "autograd has lost the way from the result back to the arguments: something such as .detach(), .item(),"
                " .data, torch.no_grad() or a new tensor made from numbers cuts it"
            )
        # A sum of products instead of grad_outputs, for which torch would load a computer algebra system.
        loss = sum((result * cotangent.reshape(result.shape).to(result.dtype)).sum() for result, cotangent in pairs)
        gradients = torch.autograd.grad(loss, live, materialize_grads=True)
        return gradients[0] if len(live) == 1 else tuple(gradients), 0

    # -- large inputs, timed where they lie ----------------------------------------------------------------------------

    def keep(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, int]:
        """Keep the arguments on the device, for `fresh`; the function is not called."""
        self._kept = (args, kwargs)
        return None, 0

    def fresh(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, int]:
        """Call the function with what was kept, changed by a seed that is sent only now, so that nothing can have been
        prepared; of each result its shape, dtype and device, its norm, and sums weighted by further random numbers.

        Args:
            function: the function.
            args: the seed.
            kwargs: none.
        """
        generator = torch.Generator(self.device).manual_seed(args[0])
        positional = [self._changed(value, generator) for value in self._kept[0]]
        keywords = {key: self._changed(value, generator) for key, value in self._kept[1].items()}
        results = [leaf for leaf in tree_leaves(function(*positional, **keywords)) if isinstance(leaf, torch.Tensor)]
        return [self._projected(leaf.detach(), generator) for leaf in results], 0

    def _changed(self, value: Any, generator: torch.Generator) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        if value.is_floating_point():
            return torch.empty_like(value).normal_(generator=generator).mul_(0.1).add_(value)
        turn = torch.randint(1 << 30, (1,), generator=generator, device=self.device).item()
        return value.roll(int(turn) % max(value.numel(), 1))

    def _projected(self, leaf: torch.Tensor, generator: torch.Generator) -> list[Any]:
        wide = leaf.to(torch.float32 if leaf.dtype in (torch.float16, torch.bfloat16) else leaf.dtype)
        sums = []
        for _ in range(PROJECTIONS):
            weights = torch.empty(leaf.shape, dtype=torch.float32, device=leaf.device).normal_(generator=generator)
            sums.append((wide * weights).sum(dtype=torch.float64))
        norm = torch.linalg.vector_norm(wide.to(torch.float32), dtype=torch.float64)
        told = torch.stack([norm, *sums]).tolist()
        return [list(leaf.shape), str(leaf.dtype).removeprefix("torch."), leaf.device.type, told]


class _Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operators that run in this thread, and the bytes of the tensors that they make while those live."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[tuple[str, str]] = Counter()
        self.peak = 0
        self._now = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Said so, torch does not load its compiler for this."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        for leaf in tree_leaves((args, kwargs)):
            if isinstance(leaf, torch.Tensor) and leaf.layout is torch.strided:
                self._known.add(leaf.untyped_storage())
        result = func(*args, **(kwargs or {}))
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        dtype = str(made[0].dtype).removeprefix("torch.") if made else ""
        self.calls[func.name().partition(".")[0], dtype] += 1
        for leaf in made:
            if leaf.layout is not torch.strided:
                continue  # it has no storage of its own; a result of this kind is refused at the door
            storage = leaf.untyped_storage()
            if storage not in self._known:
                self._known.add(storage)
                self._now += storage.nbytes()
                weakref.finalize(storage, self._freed, storage.nbytes())
        self.peak = max(self.peak, self._now)
        return result

    def _freed(self, size: int) -> None:
        self._now -= size


# -- the library's own versions of what is to be built -----------------------------------------------------------------


class OperatorRefused(PermissionError):
    """A ready-made version of what is to be built was called."""


def refuse_operators(names: Sequence[str]) -> list[Any]:
    """Let operators of torch raise in this whole process, whatever name they are reached by.

    Best effort: code that runs in the same process can undo it. Together with what the source may name and the record
    of what ran it stands in the way of every accident and of the known tricks.

    Args:
        names: operators of the namespace aten, without it; one that this torch does not have is passed over.

    Returns: what keeps it so, for as long as it lives.
    """
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a kernel is replaced is the purpose
        for name in names:
            packet = getattr(torch.ops.aten, name, None)
            for overload in packet.overloads() if packet is not None else ():
                operator = f"{name}.{overload}" if overload != "default" else name
                for key in ("CPU", "CUDA", "CompositeImplicitAutograd"):
                    composite = torch._C._dispatch_has_kernel_for_dispatch_key(
                        f"aten::{operator}", "CompositeImplicitAutograd"
                    )
                    if composite == (key == "CompositeImplicitAutograd"):
                        with contextlib.suppress(RuntimeError):
                            library.impl(operator, functools.partial(_refused, name), key)  # type: ignore[no-untyped-call]
    return [library]


def _refused(name: str, *_: Any, **__: Any) -> Any:
    raise OperatorRefused(f"torch's own {name.strip('_')} may not be used here: build it from tensor operations.")
