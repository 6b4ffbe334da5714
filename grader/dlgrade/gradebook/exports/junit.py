"""JUnit XML of a class: a suite for each student, a case for each check.

It carries the raw reports; the computed grade (credit, graded points and why) stands in the suite's properties. A
report that is broken has an `<error>`, and whoever handed nothing in has no case: neither is ever a pass.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from dlgrade.gradebook.exports.entries import Entry
from dlgrade.model import plain
from dlgrade.report.junit import to_junit
from dlgrade.text import visible

_COUNTS = ("tests", "failures", "errors", "skipped")


def class_junit(entries: Sequence[Entry]) -> bytes:
    """The reports and grades of a class.

    Raises:
        GraderError: a report is damaged.
    """
    root = ET.Element("testsuites", {"name": "dlgrade"})
    for student in dict.fromkeys(entry.grade.student for entry in entries):
        root.append(_suite(student, [entry for entry in entries if entry.grade.student == student]))
    for key in _COUNTS:
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
    return text.encode("utf-8")


def _suite(student: str, entries: Sequence[Entry]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": visible(student)})
    properties = ET.SubElement(suite, "properties")
    found = ET.fromstring(to_junit([entry.record.report for entry in entries if entry.record is not None]))
    parts = iter(found)
    for entry in entries:
        grade = entry.grade
        about = {
            "verdict": grade.verdict,
            "credit": plain(grade.credit),
            "graded_points": plain(grade.graded_points),
            "reason": grade.noted,
        }
        part = None if entry.record is None else next(parts)
        known = {} if part is None else {item.get("name", ""): item.get("value", "") for item in part.iter("property")}
        told = {key: visible(str(value), limit=10_000) for key, value in about.items() if value is not None}
        for key, value in {**known, **told}.items():
            ET.SubElement(properties, "property", {"name": f"{visible(grade.exercise)}.{key}", "value": value})
        if part is not None:
            suite.extend(part.findall("testcase"))
    for key in (*_COUNTS, "time"):
        suite.set(key, found.get(key, "0"))
    return suite
