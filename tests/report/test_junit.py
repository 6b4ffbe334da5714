"""JUnit: well-formed XML whatever the strings hold, with mistakes, faults and absences told apart."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from dlgrade.model import Outcome, Report
from dlgrade.report.junit import to_junit
from hypothesis import given, settings
from report_samples import ANY_TEXT, REPORTS, SECRET, report, reports, result

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
often = settings(deadline=None, database=None, derandomize=True, max_examples=60)


def test_a_suite_for_each_report_and_a_case_for_each_check() -> None:
    root = ET.fromstring(to_junit([REPORTS["passed"], REPORTS["wrong"]]))
    assert root.tag == "testsuites" and root.get("tests") == "6" and root.get("failures") == "3"
    first, second = root.findall("testsuite")
    assert (first.get("name"), first.get("tests"), first.get("failures")) == ("02_losses.softmax", "2", "0")
    assert (second.get("errors"), second.get("skipped"), second.get("time")) == ("0", "0", "0.412")
    case = first.findall("testcase")[0]
    assert case.attrib == {"classname": "02_losses.softmax", "name": "agrees", "time": "0.013"}
    assert len(case) == 0
    properties = {item.get("name"): item.get("value") for item in second.iter("property")}
    assert properties["verdict"] == "failed" and properties["points"] == "3.5" and properties["max_points"] == "11"


def test_a_failure_tells_everything_that_the_student_reads() -> None:
    case = ET.fromstring(to_junit([REPORTS["wrong"]])).findall(".//testcase")[0]
    failure = case.find("failure")
    assert failure is not None and failure.text is not None
    assert failure.attrib == {"message": "2 of 4 values differ from what was expected.", "type": "failed"}
    for part in (
        "Equals scipy's softmax",
        "0 of 3 points",
        "Likely cause:\n    You normalised",
        "    softmax(np.array([[0.0, 1.0]",
        "expected:\n    [[0.26894142 0.73105858]\n     [",
        "got:\n    [[0.11920292",
        "worst at [0, 1]: expected 0.73105858",
    ):
        assert part in failure.text
    raised = ET.fromstring(to_junit([REPORTS["raised"]])).findall(".//failure")[0]
    assert "line 24, in _jacobian:" in (raised.text or "")


def test_what_was_printed_is_the_output_of_the_case() -> None:
    outputs = ET.fromstring(to_junit([REPORTS["raised"]])).findall(".//testcase/system-out")
    assert [output.text for output in outputs] == ["(2, 3) (2,)\n"]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_tag(outcome: Outcome) -> None:
    root = ET.fromstring(to_junit([report(result("x", "Holds.", outcome))]))
    tag = {"passed": None, "skipped": "skipped", "broken": "error", "inconclusive": "error"}.get(outcome, "failure")
    found = [child for child in root.findall(".//testcase/*")]
    assert [(child.tag, child.get("type")) for child in found] == ([(tag, outcome.value)] if tag else [])
    suite = root.find("testsuite")
    assert suite is not None
    counts = {"failure": suite.get("failures"), "error": suite.get("errors"), "skipped": suite.get("skipped")}
    assert counts == {name: str(int(name == tag)) for name in counts}


def test_a_hidden_check_tells_its_category_only() -> None:
    text = to_junit([REPORTS["hidden"]])
    assert SECRET not in text
    assert '<failure message="The result is wrong." type="failed">' in text
    assert "system-out" in to_junit([REPORTS["raised"]]) and "system-out" not in text


def test_hostile_strings_stay_text() -> None:
    text = to_junit([REPORTS["hostile"]])
    assert "<script>" not in text and "\x1b" not in text and "\u202e" not in text
    root = ET.fromstring(text.encode("utf-8"))
    assert "\\x1b[31mred" in (root.findall(".//failure")[0].text or "")
    assert "<script>&]]>" in (root.findall(".//failure")[0].get("message") or "")


@often
@given(several=reports(ANY_TEXT).flatmap(lambda one: reports(ANY_TEXT).map(lambda two: [one, two])))
def test_any_reports_are_legal_xml(several: list[Report]) -> None:
    text = to_junit(several)
    assert not ILLEGAL.search(text)
    root = ET.fromstring(text.encode("utf-8"))
    assert len(root.findall(".//testcase")) == sum(len(report.checks) for report in several)


def test_no_reports_are_an_empty_document() -> None:
    assert ET.fromstring(to_junit([])).get("tests") == "0"
