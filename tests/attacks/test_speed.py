"""Every attack on the clock of a timed exercise on tensors: none passes, and a right and fast answer still does.

The files in `speed/` are submissions to a small softmax that is timed against the same operations, at most twice their
time. At `process` each worker imports torch anew, for seconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("torch", reason="exercises on tensors need torch")

from attempts import HERE, Attack, Range, read_header
from dlgrade.author import Misconception
from dlgrade.checking.inputs import Drawer
from dlgrade.errors import GraderError, UsageError
from dlgrade.model import Exercise, Outcome
from dlgrade.sandbox.levels import LEVELS, workers
from ground import Ground
from timed_softmax import RIGHT, timed_softmax

ATTACKS = [Attack(path, read_header(path)) for path in sorted((HERE / "speed").glob("*.py"))]
TRIES = 3
"""How often it is tried where the machine is too restless for a verdict, as the report says one should."""
CASES = [pytest.param(level, attack, id=f"{level}-{attack}") for level in LEVELS for attack in ATTACKS]


def softmax_of_tensors(name: str, besides: str | None = None) -> tuple[Exercise, str, list[Misconception]]:
    """The exercise, the folder of its attacks, and no misconceptions."""
    return timed_softmax(name), "speed", []


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


@pytest.mark.parametrize(("level", "attack"), CASES)
def test_no_attack_on_the_clock_passes(range_at: Callable[[str], Range], level: str, attack: Attack) -> None:
    there = range_at(level)
    for _ in range(TRIES):
        surprises = there.attempt(attack)
        if there.outcome != Outcome.INCONCLUSIVE.value:
            break
    assert surprises == []


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
