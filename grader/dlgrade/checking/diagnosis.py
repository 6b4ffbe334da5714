"""Names the mistake: finds the one misconception whose outputs are the submission's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dlgrade.author import Misconception
from dlgrade.checking.compare import same, within
from dlgrade.checking.trial import Finding, TrustedTarget, in_single
from dlgrade.sandbox.calls import Call, Raised, Reply, Returned, Target

COST_FACTOR = 1.5
"""How far apart the costs of two versions of one mistake may be."""

FIRST_WORDS = 3
"""How many words of an error's message tell its kind; those that follow may be sizes."""

FRESH = 60
"""How many calls besides the failing ones a misconception must reproduce."""


def diagnose(
    finding: Finding,
    target: Target,
    misconceptions: Iterable[Misconception],
    failed: frozenset[str],
    *,
    right: Callable[[Call, Reply], bool] = lambda call, reply: False,
    forgiven: Callable[[Call], Any] = lambda call: None,
) -> Misconception | None:
    """The misconception that explains a failed check, if exactly one does.

    It must be of an entry point that the check called, the check that is to catch it must have failed, and its results
    must be the submission's on the failing inputs and on fresh ones, down to exceptions, changed arguments and what its
    callables were asked.

    Args:
        finding: what the check found.
        target: the submission.
        misconceptions: the exercise's.
        failed: the names of the checks that failed.
        right: whether a reply to a call is right; a misconception that answers every failing call rightly explains
            nothing, however like the submission it is elsewhere.
        forgiven: how far the results of a call may be from the right ones, or None: two ways to one mistake may be as
            far apart as two ways to the right result.
    """
    fitting: list[Misconception] = []
    answers: dict[str, list[_Answer]] = {}
    for candidate in misconceptions:
        if candidate.caught_by not in failed or all(call.name != candidate.of for call in finding.failing):
            continue
        if candidate.of not in answers:
            answers[candidate.of] = _answers(finding, target, candidate.of)
        theirs = answers[candidate.of]
        if theirs and _reproduces(candidate, theirs, forgiven) and _goes_wrong(candidate, finding, right):
            fitting.append(candidate)
    return fitting[0] if len(fitting) == 1 else None


@dataclass(frozen=True)
class _Answer:
    """What came of a call: the reply, and what the callables among its arguments were asked, in whatever order."""

    call: Call
    reply: Reply
    asked: Counter[str]


def _answers(finding: Finding, target: Target, name: str) -> list[_Answer]:
    """The submission's answers to the failing calls and to fresh ones; none if it did not live to the last."""
    calls = [call for call in finding.failing if call.name == name]
    fresh = [call for call in finding.fresh if call.name == name and call not in calls]
    chosen = [replace(c, want_after=True) for c in [*calls, *_spread(fresh, FRESH)]]
    heard: list[Counter[str]] = [Counter() for _ in chosen]
    replies = target.call_many([_overheard(call, asked) for call, asked in zip(chosen, heard, strict=True)])
    if len(replies) < len(chosen):
        return []
    return [_Answer(*answer) for answer in zip(chosen, replies, heard, strict=True)]


def _overheard(call: Call, asked: Counter[str]) -> Call:
    """The call with every callable among its arguments noting what it is asked."""

    def listening(function: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*args: Any) -> Any:
            asked[repr(args)] += 1
            return function(*args)

        return ask

    args = tuple(listening(value) if callable(value) else value for value in call.args)
    kwargs = {key: listening(value) if callable(value) else value for key, value in call.kwargs.items()}
    return replace(call, args=args, kwargs=kwargs)


def _spread(calls: Sequence[Call], count: int) -> Sequence[Call]:
    """At most so many of the calls, evenly spread."""
    step = max(1, -(-len(calls) // count))
    return calls[::step]


def _reproduces(candidate: Misconception, answers: Sequence[_Answer], forgiven: Callable[[Call], Any]) -> bool:
    """Whether a misconception answers every call as the submission did, and asks its callables the same."""
    ours = TrustedTarget({candidate.of: candidate.code})
    for answer in answers:
        asked: Counter[str] = Counter()
        reply = ours.call_many([_overheard(answer.call, asked)])[0]
        if asked != answer.asked or not _alike(reply, answer, forgiven):
            return False
    return True


def _goes_wrong(candidate: Misconception, finding: Finding, right: Callable[[Call, Reply], bool]) -> bool:
    """Whether a misconception fails itself where the submission failed."""
    rung = "" if finding.evidence is None else finding.evidence.rung
    if rung == "repeatable":
        return True  # each answer by itself may be right
    ours = TrustedTarget({candidate.of: candidate.code})
    calls = [replace(call, want_after=True) for call in finding.failing if call.name == candidate.of]
    # Its results may be right, and what it costs wrong, or what it asks for, of which only laws speak.
    if any(call.measure or (rung == "law" and _calls_back(call)) for call in calls):
        return True
    return any(not right(call, ours.call_many([call])[0]) for call in calls)


def _calls_back(call: Call) -> bool:
    return any(map(callable, (*call.args, *call.kwargs.values())))


def _as_costly(one: int | None, other: int | None) -> bool:
    """Whether two measured costs are near enough to be those of one idea, as two people would write it."""
    return one is None or other is None or max(one, other) <= COST_FACTOR * min(one, other)


def _kind(raised: Raised) -> tuple[str, ...]:
    """What kind of error it is: its type; torch's RuntimeError stands for whatever goes wrong, and its words tell."""
    general = raised.kinds[0] == "RuntimeError"
    return raised.kinds[0], *(raised.message.split()[:FIRST_WORDS] if general else ())


def _alike(one: Reply, answer: _Answer, forgiven: Callable[[Call], Any]) -> bool:
    other = answer.reply
    if isinstance(one, Raised) and isinstance(other, Raised):
        return _kind(one) == _kind(other)
    if not isinstance(one, Returned) or not isinstance(other, Returned):
        return False
    if not _as_costly(one.cost, other.cost):
        return False
    # Two ways to one result of float32 arguments are further apart than two of float64.
    single = in_single(answer.call)
    if not same(one.value, other.value, rtol=1e-4 if single else 1e-9):
        # A number that is left over where large ones cancel has few of their digits. Of float64's enough are left, and
        # a check may forgive far more than that: next to 1e35, any padding that is less.
        errors = forgiven(answer.call) if single else None
        if errors is None or not within(one.value, other.value, errors):
            return False
    pairs = zip(one.after or (), other.after or (), strict=False)
    return all(same(a, b) for a, b in pairs)
