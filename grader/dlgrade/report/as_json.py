"""Reports as JSON and back, in the form that report.schema.json describes; never anything of a hidden check but its
outcome."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dlgrade.errors import UsageError
from dlgrade.model import (
    COMPARED,
    SCHEMA,
    Bar,
    CheckResult,
    Evidence,
    Frame,
    Outcome,
    Plane,
    Race,
    Report,
    Submission,
    Worst,
    plain,
)
from dlgrade.report.redact import public
from dlgrade.text import seen_or_not, visible


def to_json(report: Report) -> dict[str, Any]:
    """The report as JSON's own types.

    Two things cannot be written as they are: half of a surrogate pair, which UTF-8 has no bytes for, becomes its
    escape, and an error in `worst` that is not finite becomes null (`got` tells which it was).
    """
    data = {
        "schema": SCHEMA,
        "exercise": report.exercise,
        "unit": report.unit,
        "verdict": report.verdict.value,
        "points": plain(report.points),
        "max_points": plain(report.max_points),
        "isolation": report.isolation,
        "device": report.device,
        "seed": report.seed,
        "seconds": plain(report.seconds),
        "submission": {"path": report.submission.path, "sha256": report.submission.sha256},
        "checks": [_check(public(result)) for result in report.checks],
    }
    return {key: _encodable(value) for key, value in data.items()}


def from_json(data: Mapping[str, Any]) -> Report:
    """The report that `to_json` wrote; of the submission only the path and the hash come back, its source is empty.

    Verdict and points are computed from the checks, never read.

    Raises:
        UsageError: the data are not a report.
    """
    mend = f"A report is an object whose `schema` is {SCHEMA}, as `dlgrade check --format json` prints it."
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
        raise UsageError(f"This is not a report that I can read: {visible(repr(found), limit=80)}.", mend=mend)
    try:
        return Report(
            exercise=data["exercise"],
            unit=data["unit"],
            isolation=data["isolation"],
            device=data["device"],
            seed=data["seed"],
            seconds=float(data["seconds"]),
            submission=Submission(data["submission"]["path"], b"", data["submission"]["sha256"]),
            checks=tuple(_result(check) for check in data["checks"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        fault = f"{type(error).__name__}: {error}"
        raise UsageError(f"This report is damaged: {visible(fault, limit=200)}.", mend=mend) from error


def dumps(reports: Sequence[Report]) -> str:
    """The reports as the text of one JSON value: one report is an object, any other number of them an array.

    The text is safe to print: what a terminal could obey (a C1 control, a bidi override) is written as its JSON escape,
    which reads back as the same character.
    """
    data = [to_json(report) for report in reports]
    text = json.dumps(data[0] if len(data) == 1 else data, ensure_ascii=False, indent=2, allow_nan=False)
    # Outside its strings JSON is printable ASCII, so whatever this finds stands in a string, where it may be escaped.
    # json.dumps has escaped the ASCII controls itself, except DEL.
    return re.sub(r"[^\n -~]+", lambda found: _escaped(found[0]), text)


def _check(result: CheckResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "kind": result.kind,
        "entry_points": list(result.entry_points),
        "says": result.says,
        "outcome": result.outcome.value,
        "points": plain(result.points),
        "max_points": plain(result.max_points),
        "hidden": result.hidden,
        "seconds": plain(result.seconds),
        "evidence": _evidence(result.evidence) if result.evidence else None,
        "misconception": result.misconception,
        "hint": result.hint,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    data = asdict(evidence)
    worst = data["worst"]
    if worst and worst["error"] is not None:
        worst["error"] = plain(worst["error"]) if math.isfinite(worst["error"]) else None
    return data


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


def _escaped(text: str) -> str:
    return "".join(char if seen else _escape(char) for char, seen in seen_or_not(text))


def _escape(char: str) -> str:
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]


def _result(data: Mapping[str, Any]) -> CheckResult:
    evidence = data["evidence"]
    return CheckResult(
        name=data["name"],
        kind=data["kind"],
        entry_points=tuple(data["entry_points"]),
        says=data["says"],
        outcome=Outcome(data["outcome"]),
        points=float(data["points"]),
        max_points=float(data["max_points"]),
        hidden=data["hidden"],
        seconds=float(data["seconds"]),
        evidence=None if evidence is None else _read_evidence(evidence),
        misconception=data["misconception"],
        hint=data["hint"],
    )


def _read_evidence(data: Mapping[str, Any]) -> Evidence:
    worst = data["worst"]
    return Evidence(
        message=data["message"],
        rung=data["rung"],
        call=data["call"],
        expected=data["expected"],
        got=data["got"],
        worst=None
        if worst is None
        else Worst(
            index=tuple(worst["index"]),
            expected=worst["expected"],
            got=worst["got"],
            error=None if worst["error"] is None else float(worst["error"]),
        ),
        traceback=tuple(Frame(frame["line"], frame["function"], frame["text"]) for frame in data["traceback"]),
        output=data["output"],
        notes=tuple(data["notes"]),
        race=None if data.get("race") is None else _read_race(data["race"]),
        plane=None if data.get("plane") is None else _read_plane(data["plane"]),
    )


def _read_race(data: Mapping[str, Any]) -> Race:
    bars = tuple(Bar(bar["label"], float(bar["ratio"]), bar["low"], bar["high"]) for bar in data["bars"])
    return Race(
        size=data["size"],
        device=data["device"],
        clock=data["clock"],
        rounds=data["rounds"],
        milliseconds=float(data["milliseconds"]),
        bars=bars,
        against=data["against"],
    )


def _read_plane(data: Mapping[str, Any]) -> Plane:
    if data["compared"] not in COMPARED:
        raise ValueError("a plane of something unknown")
    got, off = (
        tuple(tuple(None if cell is None else float(cell) for cell in row) for row in data[name])
        for name in ("got", "off")
    )
    if len({len(row) for row in (*got, *off)}) > 1 or len(got) != len(off):
        raise ValueError("a plane that is no rectangle")
    return Plane(data["compared"], tuple(map(int, data["shape"])), tuple(map(int, data["start"])), got, off)
