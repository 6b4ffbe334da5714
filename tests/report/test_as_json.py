"""JSON: the form that the schema fixes, a round trip, and nothing of a hidden check but its outcome."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import dlgrade.report
import pytest
from dlgrade.errors import UsageError
from dlgrade.model import Evidence, Outcome, Report, Worst
from dlgrade.report.as_json import dumps, from_json, to_json
from dlgrade.report.redact import public
from dlgrade.text import visible
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from report_samples import ANY_TEXT, GOOD, HIDDEN, HOSTILE, REPORTS, SECRET, WRONG, report, reports, result

SCHEMA = json.loads((Path(dlgrade.report.__file__).parent / "report.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
often = settings(deadline=None, database=None, derandomize=True, max_examples=60)


def as_published(report: Report) -> Report:
    """What is left of a report when it has been written and read."""
    return replace(
        report,
        submission=replace(report.submission, source=b""),
        checks=tuple(public(check) for check in report.checks),
    )


def test_the_keys_are_those_of_the_design() -> None:
    data = to_json(REPORTS["wrong"])
    assert list(data) == [
        "schema", "exercise", "unit", "verdict", "points", "max_points", "isolation", "device", "seed", "seconds",
        "submission", "checks",
    ]  # fmt: skip
    assert data["schema"] == "dlgrade.report/1"
    assert list(data["submission"]) == ["path", "sha256"]
    assert list(data["checks"][0]) == [
        "name", "kind", "entry_points", "says", "outcome", "points", "max_points", "hidden", "seconds", "evidence",
        "misconception", "hint",
    ]  # fmt: skip
    assert list(data["checks"][0]["evidence"]) == list(Evidence.__dataclass_fields__)


def test_whole_points_are_integers() -> None:
    text = dumps([report(GOOD)])
    assert '"points": 3,' in text and '"points": 3.0' not in text


def test_the_schema_is_itself_valid_and_closed_everywhere() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    objects = [SCHEMA, SCHEMA["properties"]["submission"], *SCHEMA["$defs"].values()]
    for part in objects:
        if part is not SCHEMA["$defs"]["category"]:
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        assert part["description"]


@pytest.mark.parametrize("name", REPORTS)
def test_the_samples_have_the_form_of_the_schema(name: str) -> None:
    VALIDATOR.validate(to_json(REPORTS[name]))


@often
@given(report=reports(ANY_TEXT))
def test_any_report_has_the_form_of_the_schema(report: Report) -> None:
    VALIDATOR.validate(json.loads(dumps([report])))


def test_the_schema_refuses_what_a_hidden_check_must_not_tell() -> None:
    data = to_json(report(HIDDEN[0]))
    for field, value in {"hint": "h", "misconception": "m", "seconds": 1, "entry_points": ["f"]}.items():
        assert not VALIDATOR.is_valid({**data, "checks": [{**data["checks"][0], field: value}]})
    for field, value in {"call": "f()", "got": "1", "notes": ["n"], "output": "o"}.items():
        evidence = {**data["checks"][0]["evidence"], field: value}
        assert not VALIDATOR.is_valid({**data, "checks": [{**data["checks"][0], "evidence": evidence}]})


@often
@given(report=reports())
def test_a_report_comes_back_as_it_was_published(report: Report) -> None:
    again = from_json(json.loads(dumps([report])))
    assert again == as_published(report)
    assert (again.verdict, again.points, again.max_points) == (report.verdict, report.points, report.max_points)
    assert to_json(again) == to_json(report)


@often
@given(report=reports(ANY_TEXT))
def test_the_text_can_be_encoded_and_printed(report: Report) -> None:
    text = dumps([report])
    text.encode("utf-8")
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
    assert visible(text, limit=len(text), lines=True) == text


def test_escapes_read_back_as_the_same_characters() -> None:
    says = "\x1b[31m \x7f \x9b \u202e 𝕏 é \U000e0041"
    text = dumps([report(result("x", says))])
    assert "𝕏 é" in text and "\\u202e" in text and "\\udb40\\udc41" in text
    assert from_json(json.loads(text)).checks[0].says == says


def test_an_error_that_is_not_finite_is_null() -> None:
    for error in (float("nan"), float("inf")):
        failed = replace(WRONG, evidence=Evidence("The result holds NaN.", worst=Worst((0,), "1", "nan", error)))
        text = dumps([report(failed)])
        assert json.loads(text, parse_constant=pytest.fail)["checks"][0]["evidence"]["worst"]["error"] is None


def test_a_score_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps([report(replace(GOOD, points=float("nan")))])


def test_one_report_is_an_object_and_others_an_array() -> None:
    one, two = REPORTS["passed"], REPORTS["wrong"]
    assert json.loads(dumps([one])) == to_json(one)
    assert json.loads(dumps([one, two])) == [to_json(one), to_json(two)]
    assert json.loads(dumps([])) == []


def test_a_hidden_check_tells_its_category_only() -> None:
    assert SECRET not in dumps([REPORTS["hidden"]])
    told = to_json(REPORTS["hidden"])["checks"][1]
    assert (told["name"], told["kind"], told["outcome"], told["max_points"]) == (
        "large_batches",
        "property",
        "failed",
        3,
    )
    assert told["evidence"]["message"] == "The result is wrong."


@pytest.mark.parametrize("outcome", Outcome)
def test_what_is_public_of_a_hidden_check_depends_on_its_outcome_alone(outcome: Outcome) -> None:
    rich = replace(HIDDEN[0], outcome=outcome)
    poor = replace(rich, evidence=None, misconception=None, hint=None, says="", seconds=0.0, entry_points=())
    assert public(rich) == public(poor) == public(public(rich))
    assert (public(rich).evidence is None) == (outcome is Outcome.PASSED)
    assert public(WRONG) is WRONG


@pytest.mark.parametrize(
    "data", [{}, [], {"schema": "dlgrade.report/9"}, {"schema": "dlgrade.report/1"}, {"schema": HOSTILE}]
)
def test_what_is_not_a_report_is_refused_with_a_sentence(data: object) -> None:
    with pytest.raises(UsageError, match=r"dlgrade check --format json") as caught:
        from_json(data)  # type: ignore[arg-type]
    assert visible(str(caught.value), lines=True) == str(caught.value)


def test_a_report_of_another_version_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'dlgrade\.report/2'"):
        from_json({**to_json(REPORTS["wrong"]), "schema": "dlgrade.report/2"})


def test_a_damaged_report_is_refused() -> None:
    data = to_json(REPORTS["wrong"])
    data["checks"][0]["outcome"] = "excellent"
    with pytest.raises(UsageError, match="damaged: ValueError: 'excellent'"):
        from_json(data)
