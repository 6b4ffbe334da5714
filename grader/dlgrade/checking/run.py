"""Runs an exercise's checks on one submission and makes the Report."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from dlgrade.author import Agreement, Check, Example, Gradient, Misconception, Policy, Property, Timing, claim_of
from dlgrade.checking.agreement import answers_rightly, errors_forgiven, run_agreement, sample_calls
from dlgrade.checking.diagnosis import diagnose
from dlgrade.checking.doctests import run_example
from dlgrade.checking.gradient import run_gradient
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.law import run_property
from dlgrade.checking.policy import refused_operators, run_policy
from dlgrade.checking.timing import run_timing
from dlgrade.checking.transcript import Transcripts
from dlgrade.checking.trial import PASSED, Finding, Trial, broken, place_of, undefined
from dlgrade.errors import GraderError
from dlgrade.model import NOT_STARTED, CheckResult, Evidence, Exercise, Frame, Outcome, Report, Submission
from dlgrade.sandbox import launch
from dlgrade.sandbox.calls import Target
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.launch import Running
from dlgrade.sandbox.syntax import Facts, Unreadable

_KINDS = {
    Agreement: "agreement",
    Property: "property",
    Gradient: "gradient",
    Example: "example",
    Policy: "policy",
    Timing: "timing",
}

_EXPLAINED = (Outcome.FAILED, Outcome.RAISED, Outcome.TOO_SLOW)
"""Outcomes that a known mistake may explain."""

OnResult = Callable[[CheckResult], None]
OnStop = Callable[[str, str], None]


def workers_seed(seed: int) -> int:
    """What a worker's random generators start from: it is told to strangers, and says nothing of the run's seed."""
    return int.from_bytes(hashlib.sha256(f"worker {seed}".encode()).digest()[:4], "little")


def worker_of(
    exercise: Exercise,
    submission: Submission,
    *,
    seed: int = 0,
    device: str = "cpu",
    process: Running | None = None,
    start: Callable[..., Running] | None = None,
) -> WorkerTarget:
    """A submission in a worker of its own, as this exercise wants it.

    Args:
        exercise: the exercise.
        submission: what to load.
        seed: the run's; the worker is not told it.
        device: where the tensors of an exercise on tensors live.
        process: a worker that was started earlier, to save the wait.
        start: starts one with the exercise's framework; by default a process of its own that is not confined.
    """
    return WorkerTarget(
        submission,
        module=exercise.name,
        names=list(exercise.entry_points),
        seed=workers_seed(seed),
        device=device if exercise.framework == "torch" else "cpu",
        refused=refused_operators(exercise),
        process=process,
        start=start or functools.partial(launch.start, exercise.framework),
    )


def run_checks(
    exercise: Exercise,
    submission: Submission,
    target: Target,
    *,
    facts: Callable[[], Facts | Unreadable],
    misconceptions: Callable[[], Sequence[Misconception]],
    drawer: Drawer,
    content: str,
    seed: int,
    transcripts: Transcripts | None = None,
    on_result: OnResult = lambda result: None,
    on_stop: OnStop = lambda name, place: None,
) -> Report:
    """Run every check of an exercise on a submission.

    Args:
        exercise: the exercise.
        submission: what was handed in; its bytes are shown from, never run here.
        target: where its functions are called.
        facts: what its syntax tree says; asked for once.
        misconceptions: the exercise's; asked for only if a check fails.
        drawer: where inputs come from.
        content: a digest of the exercise's files.
        seed: the run's seed.
        transcripts: what others said who passed, where many are graded, one after another.
        on_result: told each result as soon as it is known, before any diagnosis.
        on_stop: told the name of each check that did not come to its end, and the line of its file where it stopped;
            for its author, so that no report holds it.

    Raises:
        GraderError: if no worker can be started.
    """
    start = time.monotonic()
    trial = Trial(exercise, target, drawer, seed, content)
    read = facts()
    lines = submission.source.decode("utf-8", "replace").splitlines()
    done: list[tuple[CheckResult, Finding]] = []
    for check in exercise.checks:
        before = time.monotonic()
        if isinstance(read, Unreadable):
            finding = _unread(exercise, read)
        else:
            finding = _run(check, trial, read, lines, transcripts)
        finding = _with_output(finding, target.take_output())
        if isinstance(check, Agreement):
            trial.agreed[check.name] = finding.outcome == Outcome.PASSED
        if finding.place:
            on_stop(check.name, finding.place)
        result = result_of(check, finding, exercise, round(time.monotonic() - before, 4))
        on_result(result)
        done.append((result, finding))
    results = _diagnosed(done, trial, misconceptions)
    return Report(
        exercise=exercise.name,
        unit=exercise.unit,
        isolation=target.isolation,
        device=getattr(target, "device", "cpu"),
        seed=seed,
        seconds=round(time.monotonic() - start, 4),
        submission=submission,
        checks=results,
    )


def run_check(
    check: Agreement | Property | Gradient | Example | Timing, trial: Trial, known: Transcripts | None = None
) -> Finding:
    """Run one check that calls the target.

    Args:
        check: the check.
        trial: the trial.
        known: what others said who passed, where all are asked the same.
    """
    target = trial.target
    target.begin_check()
    if isinstance(check, Timing):
        return run_timing(check, trial)
    names = check.entry_points or tuple(trial.exercise.entry_points)  # examples may call every one
    if known is None or not isinstance(target, WorkerTarget) or undefined(trial, names) is not None:
        return _judge(check, trial)
    which = f"{trial.content} {trial.seed} {check.name} {target.device}"
    finding = known.finding(which, target)
    if finding is None:
        finding = _judge(check, trial)
        if finding.outcome == Outcome.PASSED:
            known.keep(which, target, finding)
    return finding


def _judge(check: Agreement | Property | Gradient | Example, trial: Trial) -> Finding:
    if isinstance(check, Agreement):
        return run_agreement(check, trial)
    if isinstance(check, Property):
        return run_property(check, trial)
    if isinstance(check, Gradient):
        return run_gradient(check, trial)
    return run_example(check, trial)


def _run(check: Check, trial: Trial, facts: Facts, lines: list[str], known: Transcripts | None) -> Finding:
    try:
        return run_policy(check, trial, facts, lines) if isinstance(check, Policy) else run_check(check, trial, known)
    except GraderError:
        raise
    except Exception as error:
        # Whatever goes wrong on our side of the wire is ours.
        return broken(check.name, error, rung="grader", place=place_of(error, check))


def _unread(exercise: Exercise, fault: Unreadable) -> Finding:
    frames = (Frame(fault.line, "<module>", fault.text),) if fault.line else ()
    message = f"{exercise.file_name} cannot be read. {fault.message}"
    return Finding(Outcome.RAISED, Evidence(message, rung="reads", traceback=frames))


def _with_output(finding: Finding, output: str) -> Finding:
    if not output:
        return finding
    evidence = finding.evidence or Evidence("")
    return replace(finding, evidence=replace(evidence, output=output))


def result_of(check: Check, finding: Finding, exercise: Exercise, seconds: float) -> CheckResult:
    """What a check's finding comes to: points for all or nothing."""
    return CheckResult(
        name=check.name,
        kind=_KINDS[type(check)],
        entry_points=check.entry_points,
        says=claim_of(check),
        outcome=finding.outcome,
        points=check.points if finding.outcome == Outcome.PASSED else 0,
        max_points=check.points,
        hidden=check.name in exercise.hidden,
        seconds=seconds,
        evidence=finding.evidence,
    )


def _diagnosed(
    done: Sequence[tuple[CheckResult, Finding]], trial: Trial, misconceptions: Callable[[], Sequence[Misconception]]
) -> tuple[CheckResult, ...]:
    """The results, each failed one with the misconception that explains it if exactly one does."""
    failed = frozenset(
        result.name
        for result, finding in done
        if finding.failing and result.outcome in _EXPLAINED and not _not_started(finding)
    )
    if not failed:
        return tuple(result for result, _ in done)
    known = misconceptions()
    trial.target.begin_check()
    more = sample_calls(trial)
    results = []
    for result, finding in done:
        if result.name in failed:
            try:
                found = diagnose(
                    replace(finding, fresh=(*finding.fresh, *more)),
                    trial.target,
                    known,
                    failed,
                    right=functools.partial(answers_rightly, trial),
                    forgiven=functools.cache(functools.partial(errors_forgiven, trial)),
                )
            except GraderError:
                raise
            except Exception as error:
                # The verdict stands without its explanation, and is not to be lost for it.
                result = _with_note(result, f"The mistake could not be named: {type(error).__name__}: {error}")
            else:
                if found is not None:
                    result = replace(result, misconception=found.name, hint=found.cure)
        results.append(result)
    trial.target.take_output()  # printed a second time; it was shown already
    return tuple(results)


def _with_note(result: CheckResult, note: str) -> CheckResult:
    evidence = result.evidence or Evidence("")
    return replace(result, evidence=replace(evidence, notes=(*evidence.notes, note)))


def _not_started(finding: Finding) -> bool:
    return finding is not PASSED and finding.evidence is not None and finding.evidence.rung == NOT_STARTED
