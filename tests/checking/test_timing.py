"""How a submission is timed: what is made of the seconds, and what becomes of submissions of every kind in workers."""

from __future__ import annotations

import hashlib
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dlgrade.author import Agreement, Timing, arrays
from dlgrade.checking import timing
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_checks
from dlgrade.checking.timing import Measured, run_timing, source_of_baseline
from dlgrade.checking.trial import Finding, Trial, TrustedTarget
from dlgrade.model import EntryPoint, Exercise, Outcome, Report, Submission, Tensor
from dlgrade.sandbox.calls import Call, Loaded, Returned, Stopped, Timed
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.levels import Workers, workers
from dlgrade.sandbox.syntax import Facts

LIMIT = 2.0
TRIES = 3


def even(
    own: float = 7.0, *, base: float = 5.0, again: float = 5.0, echo: float = 2.0, rounds: int = 5, **walls: Any
) -> Measured:
    """Milliseconds that are the same in each round; on the wall as much as on the processor."""
    return Measured(
        *([seconds * 1e-3] * rounds for seconds in (own, base, again, echo)),
        own_wall=[walls.get("own_wall", own) * 1e-3] * rounds,
        rival_wall=[walls.get("rival_wall", base) * 1e-3] * rounds,
        clock=walls.get("clock", "processor"),
    )


# -- made-up numbers ---------------------------------------------------------------------------------------------------


def test_the_echo_is_taken_off_both_sides() -> None:
    measured = even(8.0)
    assert measured.ratio() == pytest.approx((8 - 2) / (5 - 2))
    assert measured.baseline_seconds() == pytest.approx(3e-3)
    assert measured.interval() == pytest.approx((2, 2))
    assert measured.rounds == 5


def test_one_round_that_was_interrupted_changes_nothing() -> None:
    measured = even(5.0, rounds=11)
    for side in (measured.own, measured.rival_again, measured.echo):
        side[4] *= 100
    assert measured.ratio() == pytest.approx(1)
    assert measured.interval() == pytest.approx((1, 1))
    assert measured.settled(LIMIT)


def test_the_interval_holds_the_ratio_and_narrows_with_rounds() -> None:
    def width(rounds: int) -> float:
        rng = np.random.default_rng(3)
        sides = ((1e-3 * base * rng.lognormal(0, 0.1, rounds)).tolist() for base in (8, 5, 5, 2))
        measured = Measured(*sides, own_wall=[1.0] * rounds, rival_wall=[1.0] * rounds)
        low, high = measured.interval()
        assert low <= measured.ratio() <= high
        return high - low

    assert width(21) < width(5)


@pytest.mark.parametrize(("own", "settled"), [(5.0, True), (14.0, True), (8.0, False)])
def test_it_is_settled_once_the_interval_is_clear_of_the_limit(own: float, settled: bool) -> None:
    measured = even(own)
    measured.own[0] -= 1e-3  # at 8 ms, a ratio of 2, the limit lies between
    measured.own[1] += 1e-3
    assert measured.settled(LIMIT) is settled


def test_a_baseline_that_is_surely_not_itself_settles_nothing() -> None:
    drifted = even(again=9.0)
    assert drifted.drift() == pytest.approx(3 / 7)
    assert not drifted.steady()
    assert not drifted.settled(LIMIT)


def test_a_baseline_that_may_be_itself_is_steady_whatever_its_median_says() -> None:
    measured = even(rounds=5)
    measured.rival_again = [4.5e-3, 4.8e-3, 8e-3, 8.5e-3, 9e-3]
    assert measured.drift() < timing.DRIFT[0]
    assert measured.steady()


@pytest.mark.parametrize("base", [2.0, 2.1, 1.5, 2.19])
def test_a_baseline_that_does_nothing_measurable_settles_nothing(base: float) -> None:
    measured = even(200.0, base=base, again=base)
    assert not measured.measurable()
    assert not measured.steady()
    assert not measured.settled(LIMIT)
    assert np.isfinite(measured.ratio())
    assert np.isfinite(measured.interval()).all()


def test_far_is_only_what_is_far_in_every_round() -> None:
    assert even(200.0, rounds=3).far(LIMIT)
    assert not even(9.0, rounds=3).far(LIMIT)
    one_quick = even(200.0, rounds=3)
    one_quick.own[1] = 9e-3
    assert not one_quick.far(LIMIT)
    one_slow_baseline = even(200.0, rounds=3)
    one_slow_baseline.rival[2] = 100e-3
    assert not one_slow_baseline.far(LIMIT)


def test_what_sleeps_is_waiting_and_what_works_is_not() -> None:
    assert even(5.0, own_wall=2000.0).waits()
    assert not even(2000.0).waits()
    assert not even(5.0, own_wall=40.0).waits()  # ten times the baseline, but no second
    assert not even(5.0, own_wall=2000.0, clock="wall").waits()


def test_standing_in_line_for_the_processor_is_no_waiting() -> None:
    # Four neighbours: everybody takes five times as long on the wall as it works.
    assert not even(400.0, own_wall=2000.0, rival_wall=25.0).waits()
    assert not even(5.0, own_wall=25.0, rival_wall=25.0).lingers(LIMIT)


def test_a_short_sleep_lingers_and_is_not_settled() -> None:
    measured = even(5.0, own_wall=50.0)
    assert not measured.waits()
    assert measured.interval()[1] < LIMIT
    assert measured.lingers(LIMIT)
    assert not measured.settled(LIMIT)


# -- many noisy rounds, simulated --------------------------------------------------------------------------------------


def verdict_of(cost: float, noise: float, seed: int, *, bursts: float = 0.05) -> str:
    """What the rule makes of rounds with this noise in each number, and now and then an interrupt."""
    rng = np.random.default_rng(seed)
    full = Measured()

    def taken(seconds: float) -> float:
        return float(seconds * rng.lognormal(0, noise) * (3 if rng.random() < bursts else 1))

    for number in range(1, timing.ROUNDS[-1] + 1):
        own, base = 2e-3 + cost * 3e-3, 5e-3
        full.own.append(taken(own))
        full.rival.append(taken(base))
        full.rival_again.append(taken(base))
        full.echo.append(taken(2e-3))
        full.own_wall.append(full.own[-1])
        full.rival_wall.append(full.rival[-1])
        if number == timing.FIRST and full.far(LIMIT):
            return "slow"
        if number in timing.ROUNDS and full.settled(LIMIT):
            break
    low, high = full.interval()
    if not full.steady():
        return "open"
    return "passed" if high < LIMIT else "slow" if low > LIMIT else "open"


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.25])
def test_equal_speed_never_fails_and_three_times_slower_never_passes(noise: float) -> None:
    equal = [verdict_of(1.0, noise, seed) for seed in range(20)]
    thrice = [verdict_of(3.0, noise, seed) for seed in range(20)]
    assert "slow" not in equal
    assert "passed" not in thrice
    if noise <= 0.1:
        assert equal.count("open") + thrice.count("open") <= 1


def test_at_the_limit_the_verdict_is_left_open() -> None:
    verdicts = [verdict_of(2.0, 0.1, seed) for seed in range(20)]
    assert verdicts.count("open") > 12


# -- what it comes to --------------------------------------------------------------------------------------------------


def library(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))  # noqa: F821 -- where it is run there is torch
    return powers / powers.sum(-1, keepdim=True)


def probabilities(x: Any) -> Any:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def fast(**changed: Any) -> Timing:
    """The timing check of softmax, small enough to be quick."""
    usual: dict[str, Any] = {
        "name": "fast",
        "baseline": library,
        "given": lambda rng, n: {"x": rng.standard_normal((n, 256), dtype=np.float32)},
        "size": 2048,
        "limit": 5.0,
        "unit": "rows",
    }
    return Timing("softmax", **{**usual, **changed})


AGREES = Agreement("softmax", name="agrees", oracle=probabilities, given={"x": arrays(ndim=2, within=3)}, examples=5)


def exercise_of(*checks: Agreement | Timing, times: Mapping[str, Mapping[str, float]] | None = None) -> Exercise:
    parameter = inspect.Parameter("x", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Tensor)
    points = {"softmax": EntryPoint("softmax", inspect.Signature([parameter], return_annotation=Tensor), "")}
    return Exercise("softmax", "00_tests", Path(), "Softmax", "torch", "", "", points, checks, times=times or {})


def trial_of(check: Timing, target: Any = None, **options: Any) -> Trial:
    target = target or TrustedTarget({"softmax": probabilities})
    return Trial(exercise_of(AGREES, check, **options), target, Drawer(), 0, "timing")


def judged(measured: Measured, limit: float = LIMIT, **options: Any) -> Finding:
    check = fast(limit=limit)
    return timing._judged(check, trial_of(check, **options), measured)


def said(finding: Finding) -> str:
    assert finding.evidence is not None
    return finding.evidence.message


def test_what_was_measured_is_told_by_its_outcome() -> None:
    open_ = even(8.0)
    open_.own[:2] = [6e-3, 10e-3]
    cases = {
        Outcome.PASSED: (even(5.0), ""),
        Outcome.TOO_SLOW: (
            even(20.0),
            "It takes 6.0 times what torch's own operator takes at 2,048 rows; at most 2 times",
        ),
        Outcome.INCONCLUSIVE: (open_, "the limit, 2, lies between"),
    }
    for outcome, (measured, words) in cases.items():
        finding = judged(measured)
        assert finding.outcome is outcome
        assert words in said(finding)


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (even(2.3, base=2.1, again=2.1), "cannot be told from the noise"),
        (even(again=9.0), "too busy, or too restless"),
    ],
)
def test_what_cannot_be_measured_is_nobodys_fail(measured: Measured, words: str) -> None:
    finding = judged(measured)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert words in said(finding)


@pytest.mark.parametrize("slept", [60.0, 2000.0])
def test_waiting_is_too_slow_and_told_as_waiting(slept: float) -> None:
    finding = judged(even(5.0, own_wall=slept, rounds=21))
    assert finding.outcome is Outcome.TOO_SLOW
    assert "it waits" in said(finding)
    assert "of which it works 5.0 ms" in said(finding)


def test_a_slow_one_that_works_is_not_told_as_waiting() -> None:
    assert "waits" not in said(judged(even(2000.0)))


def test_the_race_holds_every_bar_that_is_known() -> None:
    finding = judged(even(8.0), times={"fast": {"reference": 1.2, "loop": 80.0}}, limit=3.0)
    assert finding.evidence is not None
    race = finding.evidence.race
    assert race is not None
    assert (race.size, race.device, race.clock, race.rounds, race.milliseconds) == (
        "2,048 rows", "cpu", "processor", 5, 3.0,
    )  # fmt: skip
    assert [(bar.label, bar.ratio) for bar in race.bars] == [
        ("yours", 2.0), ("limit", 3.0), ("torch's own operator", 1.0), ("reference", 1.2), ("loop", 80.0),
    ]  # fmt: skip
    assert (race.bars[0].low, race.bars[0].high) == (2.0, 2.0)


# -- rounds with workers that are played -------------------------------------------------------------------------------


class Played:
    """A worker that takes as long as it is told, and answers what it is told."""

    def __init__(self, processor: float | None, reply: Callable[[Call], Any], wall: float | None = None) -> None:
        self.processor = processor
        self.wall = wall if wall is not None else processor or 0.0
        self.reply = reply
        self.asked: list[tuple[Call, float]] = []

    def begin_check(self) -> None:
        pass

    def timed(self, call: Call, *, seconds: float) -> Timed:
        self.asked.append((call, seconds))
        part = 0.4 if call.name == "echo" else 1.0
        return Timed(self.reply(call), None if self.processor is None else part * self.processor, part * self.wall)


def right(call: Call) -> Returned:
    return Returned(probabilities(call.args[0]), call.args if call.want_after else None)


def played(own: Played, rival: Played, **changed: Any) -> Finding | Measured:
    check = fast(**{"size": 4, "limit": LIMIT, **changed})
    targets = dict.fromkeys(timing._TURNS, rival) | {"own": own}
    return timing._Rounds(check, trial_of(check), targets).run()  # type: ignore[arg-type]


def test_a_fast_one_is_warmed_and_then_takes_five_rounds() -> None:
    own, rival = Played(5e-3, right), Played(5e-3, right)
    measured = played(own, rival)
    assert isinstance(measured, Measured)
    assert measured.rounds == 5
    assert len(own.asked) == timing.WARM + 5
    assert len(rival.asked) == 3 * (timing.WARM + 5)
    names = [call.name for call, _ in rival.asked[3 * timing.WARM :]]
    assert names.count("echo") == 5


def test_one_far_above_the_limit_takes_three_rounds_and_no_warming() -> None:
    own = Played(0.5, right)
    measured = played(own, Played(5e-3, right))
    assert isinstance(measured, Measured)
    assert measured.rounds == timing.FIRST
    assert len(own.asked) == 1 + timing.FIRST


def test_one_at_the_limit_takes_all_rounds() -> None:
    own = Played(8e-3, right)
    turn = itertools.cycle((0.7, 1.0, 1.3))

    def noisy(call: Call) -> Returned:
        own.processor = 8e-3 * next(turn)
        return right(call)

    own.reply = noisy
    measured = played(own, Played(5e-3, right))
    assert isinstance(measured, Measured)
    assert measured.rounds == timing.ROUNDS[-1]


def test_one_that_sleeps_is_given_up_after_three_rounds() -> None:
    measured = played(Played(5e-3, right, wall=2.0), Played(5e-3, right))
    assert isinstance(measured, Measured)
    assert measured.rounds == timing.FIRST
    assert measured.waits()


def test_every_round_has_other_inputs_in_an_order_that_changes() -> None:
    turns: list[str] = []

    def noted(call: Call) -> Returned:
        turns.append(call.name)
        return right(call)

    own = Played(5e-3, noted)
    played(own, Played(5e-3, noted))
    firsts = {call.args[0].tobytes() for call, _ in own.asked}
    assert len(firsts) == len(own.asked)
    rounds = [tuple(turns[start : start + 4]) for start in range(4 * timing.WARM, len(turns), 4)]
    assert all(sorted(turn) == ["baseline", "baseline", "echo", "softmax"] for turn in rounds)
    assert len(set(rounds)) > 1


def test_a_call_may_take_many_times_the_limit_by_the_baselines_own_time() -> None:
    own = Played(1.0, right)
    for _ in range(5):  # in other orders
        played(own, Played(0.5, right))
    assert {seconds for _, seconds in own.asked} == {timing.PATIENCE * LIMIT * 0.5}


def test_without_a_clock_for_processors_time_on_the_wall_counts() -> None:
    measured = played(Played(None, right, wall=5e-3), Played(None, right, wall=5e-3))
    assert isinstance(measured, Measured)
    assert measured.clock == "wall"
    assert measured.ratio() == pytest.approx(1)


def test_wrong_in_any_call_is_wrong() -> None:
    calls = itertools.count()

    def later_wrong(call: Call) -> Returned:
        value = probabilities(call.args[0])
        return Returned(value if next(calls) < timing.WARM + 2 else value[:, ::-1])

    finding = played(Played(5e-3, later_wrong), Played(5e-3, right))
    assert isinstance(finding, Finding)
    assert finding.outcome is Outcome.FAILED
    assert "At 4 rows, where it is timed, " in said(finding)
    assert finding.evidence is not None
    assert finding.evidence.worst is not None


@pytest.mark.parametrize(
    ("value", "rung"),
    [
        (lambda y: y.astype(np.float64), "dtype"),
        (lambda y: y[:-1], "shape"),
        (lambda y: np.full_like(y, np.nan), "finite"),
        (lambda y: None, "structure"),
    ],
)
def test_a_result_of_another_kind_is_told_by_its_rung(value: Callable[[Any], Any], rung: str) -> None:
    finding = played(Played(5e-3, lambda call: Returned(value(probabilities(call.args[0])))), Played(5e-3, right))
    assert isinstance(finding, Finding)
    assert finding.evidence is not None
    assert (finding.outcome, finding.evidence.rung) == (Outcome.FAILED, rung)


@pytest.mark.parametrize("narrow", [np.float16, "tf32"])
def test_half_precision_within_the_tolerance_is_seen_on_the_average(narrow: Any) -> None:
    def coarse(call: Call) -> Returned:
        value = probabilities(call.args[0])
        if narrow == "tf32":
            return Returned((value.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32))
        return Returned((value * 4096).astype(narrow).astype(np.float32) / 4096)

    finding = played(Played(5e-3, coarse), Played(5e-3, right))
    assert isinstance(finding, Finding)
    assert finding.outcome is Outcome.FAILED
    assert "lower precision" in said(finding)


def test_half_precision_in_a_few_of_many_rows_is_seen_too() -> None:
    def partly(call: Call) -> Returned:
        value = probabilities(call.args[0])
        few = len(value) // 8
        value[:few] = (value[:few] * 4096).astype(np.float16).astype(np.float32) / 4096
        return Returned(value)

    finding = played(Played(5e-3, partly), Played(5e-3, right), size=64)
    assert isinstance(finding, Finding)
    assert "lower precision" in said(finding)


def test_the_errors_of_float32_are_no_lower_precision() -> None:
    def another_order(call: Call) -> Returned:
        x = call.args[0]
        powers = np.exp(x)
        return Returned((powers / np.cumsum(powers, -1)[:, -1:]).astype(np.float32))

    assert isinstance(played(Played(5e-3, another_order), Played(5e-3, right)), Measured)


def test_work_in_the_arguments_own_memory_is_seen() -> None:
    def in_place(call: Call) -> Returned:
        value = probabilities(call.args[0])
        return Returned(value, (value,) if call.want_after else None)

    finding = played(Played(5e-3, in_place), Played(5e-3, right))
    assert isinstance(finding, Finding)
    assert finding.outcome is Outcome.FAILED
    assert "changes its arguments" in said(finding)


def test_one_that_never_ends_is_too_slow_and_says_how_long_it_had() -> None:
    endless = Played(3.0, lambda call: Stopped(Outcome.TIMED_OUT, "It did not finish in time."))
    finding = played(endless, Played(5e-3, right))
    assert isinstance(finding, Finding)
    assert finding.outcome is Outcome.TOO_SLOW
    assert said(finding) == "At 4 rows it had no result after 3.0 s; torch's own operator takes 5.0 ms."


def test_a_process_that_ends_behind_its_answer_has_crashed() -> None:
    finding = played(Played(None, right), Played(5e-3, right))
    assert isinstance(finding, Finding)
    assert finding.outcome is Outcome.CRASHED


def test_a_baseline_that_is_not_done_in_time_is_the_machines_fault() -> None:
    late = Played(5e-3, lambda call: Stopped(Outcome.TIMED_OUT, "It did not finish in time."), wall=100.0)
    finding = played(Played(5e-3, right), late)
    assert isinstance(finding, Finding)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert "too busy" in said(finding)


def test_a_baseline_that_dies_is_no_finding_but_our_fault() -> None:
    with pytest.raises(ValueError, match="the baseline of fast fails at 4 rows"):
        played(Played(5e-3, right), Played(5e-3, lambda call: Stopped(Outcome.CRASHED, "It crashed.")))


# -- when nothing is timed ---------------------------------------------------------------------------------------------


def test_what_is_no_worker_is_not_timed() -> None:
    check = fast()
    finding = run_timing(check, trial_of(check))
    assert (finding.outcome, said(finding)) == (Outcome.SKIPPED, "softmax is timed in a worker only.")


class Untouched(WorkerTarget):
    """A worker that is not started, and that nobody may ask for anything but what it defines."""

    def __init__(self) -> None:
        self.device = "cpu"

    def load(self) -> Loaded:
        return TrustedTarget({"softmax": lambda x: x}).load()

    def again(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("it was timed")


def test_where_no_gpu_is_there_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check = fast(device="cuda")
    for finding in (run_timing(check, trial_of(check, Untouched())), timing.measure(check, None, Untouched())):
        assert finding.outcome is Outcome.SKIPPED
        assert said(finding).startswith("There is nothing to time on a GPU: ")
        assert said(finding).endswith("The limit on the CPU counts all the same.")


def test_wrong_results_are_not_timed() -> None:
    check = fast()
    trial = trial_of(check, Untouched())
    trial.agreed["agrees"] = False
    finding = run_timing(check, trial)
    assert (finding.outcome, said(finding)) == (Outcome.FAILED, "softmax is timed once its results are right.")


class Answering(Untouched):
    """One whose results are looked at, and that may not be timed."""

    isolation = "none"

    def __init__(self, softmax: Callable[[Any], Any]) -> None:
        super().__init__()
        self.trusted = TrustedTarget({"softmax": softmax})

    def begin_check(self) -> None:
        pass

    def take_output(self) -> str:
        return ""

    def call_many(self, calls: Any, *, seconds: float = 0) -> Any:
        return self.trusted.call_many(calls)


@pytest.mark.parametrize(("off", "outcome"), [(0.1, Outcome.FAILED), (0.0, Outcome.BROKEN)])
def test_whether_its_results_are_right_is_known_from_the_check_before(off: float, outcome: Outcome) -> None:
    check = fast()
    target = Answering(lambda x: probabilities(x) + x.dtype.type(off))
    report = run_checks(
        exercise_of(AGREES, check), Submission.of("softmax.py", b""), target,
        facts=lambda: Facts(()), misconceptions=lambda: [], drawer=Drawer(), content="timing", seed=0,
    )  # fmt: skip
    timed = report.checks[-1]
    assert timed.outcome is outcome  # broken: it was timed, which this one cannot be
    assert timed.evidence is not None
    assert ("timed once its results are right" in timed.evidence.message) is bool(off)


@pytest.mark.parametrize("agreed", [{}, {"agrees": True}])
def test_results_that_were_not_found_wrong_are_timed(agreed: dict[str, bool]) -> None:
    check = fast()
    trial = trial_of(check, Untouched())
    trial.agreed.update(agreed)
    with pytest.raises(AssertionError, match="it was timed"):
        run_timing(check, trial)


def test_the_baselines_source_runs_alone_and_echoes_its_first_result() -> None:
    torch = pytest.importorskip("torch")
    scope: dict[str, Any] = {}
    exec(source_of_baseline(fast()), scope)
    x, y = torch.ones(2, 3), torch.zeros(2, 3)
    first = scope["echo"](x)
    assert torch.equal(first, torch.full((2, 3), 1 / 3))
    assert torch.equal(scope["baseline"](y), first)
    assert scope["baseline"](y) is not first
    assert scope["echo"](y) is first


# -- in workers --------------------------------------------------------------------------------------------------------

NEAT = """
import time, os
import torch

def neat(x):
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)
"""


@pytest.fixture(scope="module")
def started() -> Iterator[Workers]:
    pytest.importorskip("torch", reason="exercises on tensors need torch")
    with workers("torch") as found:
        yield found


def submit(started: Workers, body: str, check: Timing, *checks: Agreement) -> Report:
    """The report on a submission whose softmax has this body."""
    source = (NEAT + "\ndef softmax(x):\n" + "\n".join(f"    {line}" for line in body.splitlines()) + "\n").encode()
    submission = Submission("softmax.py", source, hashlib.sha256(source).hexdigest())
    exercise = exercise_of(*checks, check)
    with WorkerTarget(submission, module="softmax", names=["softmax"], start=started.start) as target:
        return run_checks(
            exercise, submission, target,
            facts=lambda: Facts(()), misconceptions=lambda: [], drawer=Drawer(), content="timing", seed=0,
        )  # fmt: skip


def found(started: Workers, body: str, *checks: Agreement, **changed: Any) -> Any:
    """What is found of its speed; tried again where the machine is too restless, as the report says one should."""
    for _ in range(TRIES):
        result = submit(started, body, fast(**changed), *checks).checks[-1]
        if result.outcome is not Outcome.INCONCLUSIVE:
            break
    return result


def test_right_and_fast_passes(started: Workers) -> None:
    result = found(started, "return neat(x)", AGREES, limit=20.0, size=8192)
    assert result.outcome is Outcome.PASSED, result.evidence
    assert result.points == 1
    assert result.evidence.race.bars[0].ratio < 20


def test_right_only_on_small_inputs_fails(started: Workers) -> None:
    report = submit(started, "return neat(x) if len(x) < 1000 else neat(x) * 0 + 1 / 256", fast(), AGREES)
    assert [result.outcome for result in report.checks] == [Outcome.PASSED, Outcome.FAILED]
    assert "where it is timed" in report.checks[1].evidence.message


def test_a_loop_over_the_rows_is_too_slow_and_named(started: Workers) -> None:
    result = found(started, "return torch.stack([neat(row) for row in x])", limit=2.0)
    assert result.outcome is Outcome.TOO_SLOW, result.evidence
    assert result.evidence.notes
    assert result.evidence.notes[0].startswith("A Python loop: ")


def test_what_sleeps_waits(started: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(timing, "WAIT_FACTOR", 0.1)  # the baseline may stand in line for seconds
    result = found(started, "time.sleep(1.2)\nreturn neat(x)")
    assert result.outcome is Outcome.TOO_SLOW
    assert "it waits" in result.evidence.message


def test_an_exception_at_the_timed_size_is_told_with_its_line(started: Workers) -> None:
    result = found(started, "if len(x) > 1000:\n    raise RuntimeError('too large for me')\nreturn neat(x)")
    assert result.outcome is Outcome.RAISED
    assert result.evidence.message == "At 2,048 rows: It raised RuntimeError: too large for me"
    assert "too large for me" in result.evidence.traceback[-1].text


def test_a_worker_that_dies_at_the_timed_size_has_crashed(started: Workers) -> None:
    result = found(started, "if len(x) > 1000:\n    os._exit(3)\nreturn neat(x)")
    assert result.outcome is Outcome.CRASHED
    assert result.evidence.message.startswith("At 2,048 rows: ")


NOWHERE = -1


def does_not_load(x, dim=NOWHERE):
    return x


def raises(x):
    raise RuntimeError("the baseline is wrong")


@pytest.mark.parametrize(("baseline", "words"), [(does_not_load, "does not load"), (raises, "fails at 16 rows")])
def test_a_baseline_that_does_not_run_is_our_fault(started: Workers, baseline: Callable[..., Any], words: str) -> None:
    report = submit(started, "return neat(x)", fast(baseline=baseline, size=16))
    assert report.verdict == "broken"
    assert report.checks[-1].outcome is Outcome.BROKEN
    assert words in report.checks[-1].evidence.message
    assert "This is not your mistake" in report.checks[-1].evidence.message


def test_all_workers_keep_to_one_core(started: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    os = pytest.importorskip("os")
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("processes cannot be kept to cores here")
    kept: list[tuple[int, frozenset[int]]] = []
    monkeypatch.setattr(timing.os, "sched_setaffinity", lambda pid, cores: kept.append((pid, frozenset(cores))))
    submit(started, "return neat(x)", fast(size=64))
    assert len({pid for pid, _ in kept}) == 4
    assert len({cores for _, cores in kept}) == 1
    assert len(kept[0][1]) == 1
