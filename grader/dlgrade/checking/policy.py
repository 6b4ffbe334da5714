"""Runs a Policy: what the exercise forbids, looked up in the facts that a throw-away parser found."""

from __future__ import annotations

from dlgrade.author import Policy
from dlgrade.checking.trial import PASSED, Finding
from dlgrade.model import Evidence, Frame, Outcome
from dlgrade.sandbox.syntax import Facts
from dlgrade.text import visible


def run_policy(check: Policy, facts: Facts, lines: list[str]) -> Finding:
    """The first forbidden name that the source uses is the finding.

    Args:
        check: the policy.
        facts: what the parser found.
        lines: the source's lines, to show the one that is meant.
    """
    for use in facts.uses:
        for name in check.forbid:
            if use.name == name or use.name.startswith(f"{name}."):
                text = visible(lines[use.line - 1].strip(), limit=200) if 0 < use.line <= len(lines) else ""
                message = f"{visible(use.name, limit=100)!r} may not be used here: {check.because}."
                evidence = Evidence(message, rung="policy", traceback=(Frame(use.line, "<module>", text),))
                return Finding(Outcome.FORBIDDEN, evidence)
    return PASSED
