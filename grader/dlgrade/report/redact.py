"""What may leave of a hidden check: that it exists, what it is worth and how it went; never what it did or expected."""

from __future__ import annotations

from dataclasses import replace

from dlgrade.model import CheckResult, Evidence, Outcome

HIDDEN_SAYS = "Hidden check: {name}"

# A sentence for each category, so that nothing a hidden check found can ride along in the message.
CATEGORIES = {
    Outcome.FAILED: "The result is wrong.",
    Outcome.RAISED: "Your code raised an error.",
    Outcome.TIMED_OUT: "Your code did not finish in time.",
    Outcome.TOO_SLOW: "Your code is too slow.",
    Outcome.OUT_OF_MEMORY: "Your code ran out of memory.",
    Outcome.CRASHED: "The process that ran your code crashed.",
    Outcome.PROTOCOL_VIOLATION: "Your code sent the grader an answer that is not valid.",
    Outcome.FORBIDDEN: "Your code uses something that this exercise does not allow.",
    Outcome.SKIPPED: "This check needs something that is absent here.",
    Outcome.INCONCLUSIVE: "The measurement was too noisy to decide.",
    Outcome.BROKEN: "The grader could not run this check. That is not your fault.",
}


def public(result: CheckResult) -> CheckResult:
    """The result as anybody may see it; every renderer shows this and nothing else.

    A check that is not hidden comes back as it is. Of a hidden one there remain its name, kind, points and outcome, and
    a message that depends on the outcome alone; the time goes too, since it tells how large the hidden inputs are.
    """
    if not result.hidden:
        return result
    category = CATEGORIES.get(result.outcome)
    return replace(
        result,
        entry_points=(),
        says=HIDDEN_SAYS.format(name=result.name),
        seconds=0.0,
        evidence=Evidence(category) if category else None,
        misconception=None,
        hint=None,
    )
