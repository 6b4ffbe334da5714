"""The cause that is named for a slow submission on tensors: each on a small program, and none where none shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="exercises on tensors need torch")

import torch
from dlgrade.author import Timing
from dlgrade.checking import slowness
from dlgrade.checking.trial import TrustedTarget
from dlgrade.model import Outcome
from dlgrade.sandbox.calls import Call, Raised, Returned, Stopped
from dlgrade.sandbox.tensors import Carrier

SIZE = 512
CHECK = Timing("f", baseline=abs, given=lambda rng, n: {}, size=SIZE, limit=2.0)


def made(size: int, how: str) -> Call:
    x = np.random.default_rng(0).standard_normal((size, 8)).astype(np.float32)
    return Call("f", (x,), measure=how, tensors=True)


def cause_of(function: Any) -> str:
    target = TrustedTarget({"f": Carrier(str).carried(function)})
    return slowness.cause(target, slowness.calls(CHECK, made))


def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


# -- each cause --------------------------------------------------------------------------------------------------------


def test_a_loop_over_rows() -> None:
    said = cause_of(lambda x: torch.stack([neat(row) for row in x]))
    assert said.startswith("A Python loop: at twice the size it calls ")
    assert said.endswith(slowness._CURE)
    assert "operators of torch instead of" in said


def test_a_loop_over_something_else_than_the_size() -> None:
    def in_turn(x):
        out = x
        for place in range(60):
            out = out * 0.5 + x[:, place % 8, None]
        return out

    said = cause_of(in_turn)
    assert said.startswith("A Python loop: for one result it calls ")
    assert "60 times" in said


def test_a_loop_that_copies() -> None:
    def grows(x):
        out = x[:0]
        for row in x:
            out = torch.cat([out, row[None] * 2])
        return out

    said = cause_of(grows)
    assert said.startswith("A Python loop: ")
    assert "It copies in each round" in said


def test_a_loop_that_clones_and_writes() -> None:
    def clones(x):
        for place in range(len(x)):
            x = x.clone()
            x[place] = 0
        return x

    assert "It copies in each round" in cause_of(clones)


def test_a_loop_that_reads_numbers() -> None:
    def reads(x):
        return torch.tensor([x[place, 0].item() for place in range(len(x))])

    said = cause_of(reads)
    assert said.startswith("A Python loop: ")
    assert "It reads numbers out of tensors into Python in each round" in said


def test_numbers_that_are_read_as_often_at_any_size() -> None:
    def reads(x):
        return x * sum(x[0, place % 8].item() for place in range(30))

    said = cause_of(reads)
    assert said.startswith("It reads numbers out of tensors into Python, 30 times")


def test_a_loop_over_lists() -> None:
    def lists(x):
        rows = []
        for row in x.tolist():
            total = 0.0
            for number in row:
                total += number
            rows.append(total)
        return torch.tensor(rows)

    said = cause_of(lists)
    assert said.startswith("A Python loop: at twice the size it executes ")
    assert "lines of Python instead of" in said


def test_a_temporary_of_the_square() -> None:
    said = cause_of(lambda x: (x[:, None, :] - x[None, :, :]).abs().sum(1))
    assert said.startswith("Its memory grows faster than its input: at twice the size it needs ")
    assert "4.0 times" in said or "3." in said


def test_float64_inside() -> None:
    said = cause_of(lambda x: neat(x.double()).float())
    assert said.startswith("It computes in float64, though its input is float32: ")


def test_many_passes() -> None:
    def passes(x):
        for _ in range(20):
            x = x * 1.01
        return x

    said = cause_of(passes)
    assert said.startswith("It runs 20 operators besides views, ")


# -- and none ----------------------------------------------------------------------------------------------------------


def one_more_pass(x):
    return neat(x) * 1.0


def two_dozen_views(x):
    for _ in range(24):
        x = x.T
    return x * 2


def asks_once(x):
    return x - x.max() if x.max() > 0 else x


def few_steps(x):
    for column in x.T[:3]:
        column.sum()
    return x * 2


def in_the_inputs_own_float32_scalars(x):
    return x * torch.tensor(2.0)


@pytest.mark.parametrize(
    "function",
    [neat, one_more_pass, two_dozen_views, asks_once, few_steps, in_the_inputs_own_float32_scalars],
)
def test_none_is_told_for_what_is_only_slightly_slow(function: Any) -> None:
    assert cause_of(function) == ""


# -- a worker may say anything -----------------------------------------------------------------------------------------


class Says:
    """A target whose worker answers with these."""

    def __init__(self, replies: Sequence[Any], device: str = "cpu") -> None:
        self.replies = list(replies)
        self.device = device

    def begin_check(self) -> None:
        pass

    def call_many(self, calls: Sequence[Call]) -> list[Any]:
        return self.replies


def said_of(*replies: Any, device: str = "cpu") -> str:
    return slowness.cause(Says(replies, device), slowness.calls(CHECK, made))


def counted(calls: Mapping[str, int]) -> Returned:
    return Returned([[f"aten::{name}", "float32", count] for name, count in calls.items()], cost=sum(calls.values()))


def test_one_read_is_a_cause_on_a_gpu_only() -> None:
    replies = [counted({"exp": 3, "_local_scalar_dense": 1})] * 2
    assert said_of(*replies) == ""
    assert "into Python, once (" in said_of(*replies, device="cuda")


@pytest.mark.parametrize(("dtypes", "told"), [(["f4"], True), (["f4", "f8"], False), (["f8"], False)])
def test_float64_is_a_cause_only_where_none_was_given(dtypes: list[str], told: bool) -> None:
    asked = [Call("f", tuple(np.ones(2, dtype) for dtype in dtypes), measure="operators")] * 6
    wide = Returned([["aten::exp", "float64", 2]], cost=2)
    assert bool(slowness.cause(Says([wide, wide]), asked)) is told


def test_what_was_counted_before_it_died_still_tells() -> None:
    replies = (counted({"exp": 100}), counted({"exp": 200}), Stopped(Outcome.OUT_OF_MEMORY, "It ran out of memory."))
    assert said_of(*replies).startswith("A Python loop: at twice the size it calls 200 operators of torch")


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "text",
        [[1, 2, 3]],
        [["aten::exp", "float32", -5]],
        [["aten::exp", "float32", 10**5000]],
        [["aten::\x1b[31m<b>`", "float32", 500]],
        [["x" * 10_000, "float32", 500]],
        [[["exp"], "float32", 5]],
    ],
)
def test_nonsense_is_no_text_in_a_report(value: Any) -> None:
    said = said_of(Returned([], cost=10), Returned(value, cost=2**61))
    assert said.startswith("A Python loop: ")
    assert "\x1b" not in said
    assert "<b>" not in said
    assert len(said) < 300


def test_nothing_is_told_of_what_raises() -> None:
    assert said_of(*[Raised(("ValueError",), "no")] * 6) == ""
    assert said_of() == ""
