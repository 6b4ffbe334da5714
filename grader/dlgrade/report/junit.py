"""Reports as JUnit XML, which continuous integration reads; always well-formed, whatever a submission says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from dlgrade.model import CheckResult, Evidence, Outcome, Report, plain
from dlgrade.report.redact import public
from dlgrade.report.words import points
from dlgrade.text import visible

# A suite is read in a browser, and upstream bounds each text already; this only stops what was never meant to pass.
LIMIT = 20_000

TAGS = {
    Outcome.PASSED: None,
    Outcome.SKIPPED: "skipped",
    Outcome.BROKEN: "error",
    Outcome.INCONCLUSIVE: "error",
}


def to_junit(reports: Sequence[Report]) -> str:
    """One suite for each report, one case for each check: a student's mistake is a failure, the grader's an error."""
    root = ET.Element("testsuites", _counts([result for report in reports for result in report.checks]))
    root.set("name", "dlgrade")
    root.set("time", _time(sum(report.seconds for report in reports)))
    for report in reports:
        root.append(_suite(report))
    ET.indent(root)
    # Written by hand, because ElementTree would name the locale's encoding.
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report) -> ET.Element:
    name = f"{report.unit}.{report.exercise}"
    suite = ET.Element("testsuite", {"name": _line(name), **_counts(report.checks), "time": _time(report.seconds)})
    properties = ET.SubElement(suite, "properties")
    for key, value in {
        "verdict": report.verdict.value,
        "points": plain(report.points),
        "max_points": plain(report.max_points),
        "isolation": report.isolation,
        "device": report.device,
        "seed": report.seed,
        "path": report.submission.path,
        "sha256": report.submission.sha256,
    }.items():
        ET.SubElement(properties, "property", {"name": key, "value": _line(str(value))})
    for result in report.checks:
        suite.append(_case(public(result), name))
    return suite


def _case(result: CheckResult, classname: str) -> ET.Element:
    case = ET.Element(
        "testcase", {"classname": _line(classname), "name": _line(result.name), "time": _time(result.seconds)}
    )
    evidence = result.evidence or Evidence(result.says)
    tag = TAGS.get(result.outcome, "failure")
    if tag:
        verdict = ET.SubElement(case, tag, {"message": _line(evidence.message), "type": result.outcome.value})
        verdict.text = _block("\n".join(_lines(result, evidence)))
    if result.evidence and result.evidence.output:
        ET.SubElement(case, "system-out").text = _block(result.evidence.output)
    return case


def _lines(result: CheckResult, evidence: Evidence) -> Iterator[str]:
    """Everything that is known about a check that was not passed, in the order in which a student reads it."""
    yield result.says
    yield points(result.points, result.max_points)
    yield f"\n{evidence.message}"
    for label, text in {
        "Likely cause" if result.misconception else "Hint": result.hint,
        "call": evidence.call,
        "expected": evidence.expected,
        "got": evidence.got,
    }.items():
        if text is not None:
            # Indented below, so that the rows of an array stay under each other.
            yield f"\n{label}:\n" + "\n".join(f"    {line}" for line in text.split("\n"))
    if evidence.worst:
        worst = evidence.worst
        yield f"\nworst at {list(worst.index)}: expected {worst.expected}, got {worst.got}"
    if evidence.traceback or evidence.notes:
        yield ""
    for frame in evidence.traceback:
        yield f"line {frame.line}, in {frame.function}:  {frame.text}"
    yield from (f"- {note}" for note in evidence.notes)


def _counts(results: Sequence[CheckResult]) -> dict[str, str]:
    tags = [TAGS.get(result.outcome, "failure") for result in results]
    return {
        "tests": str(len(tags)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
    }


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"


def _line(text: str) -> str:
    return visible(text, limit=LIMIT)


def _block(text: str) -> str:
    # What `visible` escapes holds all that XML 1.0 forbids: controls, surrogates and the noncharacters.
    return visible(text, limit=LIMIT, lines=True)
