"""Every attack on the clock of a timed exercise on tensors: none passes, and a right and fast answer still does.

The files in `speed/` are submissions to a small softmax that is timed against the same operations, at most twice their
time. At `process` each worker imports torch anew, for seconds.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="exercises on tensors need torch")

import attempts
from attempts import HERE, Attack, Range, read_header
from dlgrade.author import Agreement, Misconception, Timing, arrays
from dlgrade.checking.inputs import Drawer
from dlgrade.errors import GraderError, UsageError
from dlgrade.model import EntryPoint, Exercise, Outcome, Tensor
from dlgrade.sandbox.levels import LEVELS, workers
from ground import Ground

ATTACKS = [Attack(path, read_header(path)) for path in sorted((HERE / "speed").glob("*.py"))]
CASES = [pytest.param(level, attack, id=f"{level}-{attack}") for level in LEVELS for attack in ATTACKS]
RIGHT = b"""
import torch


def softmax(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers.div_(powers.sum(-1, keepdim=True))
"""


def library(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))  # noqa: F821 -- where it is run there is torch
    return powers / powers.sum(-1, keepdim=True)


def probabilities(x: Any) -> Any:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def softmax_of_tensors(name: str, besides: str | None = None) -> tuple[Exercise, str, list[Misconception]]:
    """The exercise that the attacks are handed in for."""
    parameter = inspect.Parameter("x", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Tensor)
    signature = inspect.Signature([parameter], return_annotation=Tensor)
    checks = (
        Agreement(name, name="agrees", oracle=probabilities, given={"x": arrays(ndim=2, within=3)}, examples=10),
        Timing(
            name, name="fast", baseline=library, size=2048, limit=2.0, unit="rows",
            given=lambda rng, n: {"x": rng.standard_normal((n, 256), dtype=np.float32)},
        ),
    )  # fmt: skip
    points = {name: EntryPoint(name, signature, "")}
    return Exercise(name, "00_tests", Path(), "Softmax", "torch", "", "", points, checks), "speed", []


@pytest.fixture(scope="module")
def range_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Range]]:
    """The range of a level, opened when it is first asked for."""
    opened: dict[str, Range | str] = {}
    with contextlib.ExitStack() as stack:
        ground = stack.enter_context(Ground(tmp_path_factory.mktemp("ground")))

        def open_range(level: str) -> Range:
            if level not in opened:
                try:
                    started = stack.enter_context(workers("torch", level))
                    # Two reports are never the same here: they hold times.
                    opened[level] = Range(started, ground, Drawer(), softmax_of_tensors, _sound="not compared")
                except (UsageError, GraderError) as error:
                    opened[level] = str(error)
            found = opened[level]
            if isinstance(found, str):
                pytest.skip(f"this machine does not reach {level}: {found}")
            return found

        yield open_range


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PATIENCE", 120.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("level", "attack"), CASES)
def test_no_attack_on_the_clock_passes(range_at: Callable[[str], Range], level: str, attack: Attack) -> None:
    assert range_at(level).attempt(attack) == []


def test_a_right_and_fast_answer_passes_between_them(range_at: Callable[[str], Range]) -> None:
    report = range_at("strict").check(RIGHT, "softmax")
    outcomes = [result.outcome for result in report.checks]
    # On a machine that is loaded beyond measure there may be no verdict, but never a wrong one.
    assert outcomes[0] is Outcome.PASSED
    assert outcomes[1] in (Outcome.PASSED, Outcome.INCONCLUSIVE)


def test_no_attack_may_pass_by_its_own_header() -> None:
    assert len(ATTACKS) >= 30
    for attack in ATTACKS:
        assert "passed" not in attack.outcomes("strict"), attack
        assert attack.header["check"] == "fast", attack
