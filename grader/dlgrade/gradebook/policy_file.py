"""Reads the grading policy from course.toml; every mistake is told, all at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dlgrade.bounds import WEIGHT, Bounds, finite
from dlgrade.course.author_file import HIDDEN_POINTS, AuthorFile, Lines, kind_of, lines_of, near_mend, quoted, shown
from dlgrade.course.find import COURSE_FILE, Course, ExerciseFolder, is_authored, read_toml
from dlgrade.errors import AuthorError
from dlgrade.gradebook.due_times import HOW_SPAN, NoDue, Zone, due_of, span_of, zone_of
from dlgrade.gradebook.extension_file import read_extensions
from dlgrade.gradebook.policy import Attempts, Extension, GradingPolicy, Step, Terms
from dlgrade.points import number, product

_COURSE_KEYS = ("title", "timezone", "late", "grace_days", "attempts", "extensions", "unit", "exercise")
_UNIT_KEYS = ("folder", "title", "exercises", "due", "weight")
_EXERCISE_KEYS = ("due", "weight")
_STEP_KEYS = ("until", "credit")
_GRACE_DAYS = Bounds(most=365, whole=True)
_CREDIT = Bounds(most=1)
_HOW_LATE = 'Write it as late = [{until = "1d", credit = 0.9}, {until = "7d", credit = 0.5}].'


@dataclass(frozen=True)
class Reading:
    """What was understood of a course's policy, and every mistake in it."""

    policy: GradingPolicy
    extensions: tuple[Extension, ...]
    mistakes: tuple[AuthorError, ...]


def load_policy(course: Course) -> tuple[GradingPolicy, tuple[Extension, ...]]:
    """A course's policy and its extensions.

    Raises:
        AuthorError: the first mistake in them; says how many more there are.
    """
    reading = read_policy(course.root, course.exercises)
    if not reading.mistakes:
        return reading.policy, reading.extensions
    first, more = reading.mistakes[0], len(reading.mistakes) - 1
    if not more:
        raise first
    there_are = "There is 1 more mistake" if more == 1 else f"There are {more} more mistakes"
    listed = f"{there_are}: `dlgrade course check` lists them all."
    raise AuthorError(first.what, where=first.where, mend=f"{first.mend}\n{listed}".lstrip())


def read_policy(root: Path, exercises: Sequence[ExerciseFolder] | None, *, settled: bool = True) -> Reading:
    """Read a course's policy as far as it can be read.

    Args:
        root: the course's folder.
        exercises: those of the course; None if it is not known which there are.
        settled: whether there is nothing wrong with the units that they are in.
    """
    path = root / COURSE_FILE
    try:
        data, text = read_toml(path)
    except AuthorError as error:
        return Reading(GradingPolicy(), (), (error,))
    file = AuthorFile(path, lines_of(text))
    file.known(data, _COURSE_KEYS, "", 0, "The course")
    zone = zone_of(file, data.get("timezone"))
    policy = GradingPolicy(
        terms=_terms(file, data, exercises, zone, (*_EXERCISE_KEYS, *(() if is_authored(root) else (HIDDEN_POINTS,)))),
        late=_late(file, data, text),
        grace_days=_grace_days(file, data.get("grace_days", 0)),
        attempts=_attempts(file, data.get("attempts", Attempts.LAST)),
        zone=zone.zone,
    )
    extensions: tuple[Extension, ...] = ()
    mistakes = file.mistakes
    if "extensions" in data:
        extensions, more = read_extensions(file, data["extensions"], policy, zone, exercises is not None and settled)
        mistakes = [*mistakes, *more]
    return Reading(policy, extensions, tuple(mistakes))


def _grace_days(file: AuthorFile, value: object) -> int:
    if isinstance(value, int) and _GRACE_DAYS.hold(value):
        return value
    said = quoted(value) if isinstance(value, int | float) else kind_of(value)
    file.mistake(f"`grace_days` is {said}.", ("", 0, "grace_days"), f"It is {_GRACE_DAYS}.")
    return 0


def _attempts(file: AuthorFile, value: object) -> Attempts:
    names = [str(one) for one in Attempts]
    if isinstance(value, str) and value in names:
        return Attempts(value)
    near = difflib.get_close_matches(str(value).lower(), names, n=1)
    mend = f'Did you mean "{near[0]}"?' if near else 'It is "best" or "last".'
    file.mistake(f"`attempts` cannot be {quoted(value)}.", ("", 0, "attempts"), mend)
    return Attempts.LAST


def _late(file: AuthorFile, data: Mapping[str, Any], text: str) -> tuple[Step, ...]:
    steps = data.get("late", [])
    if not isinstance(steps, list):
        file.mistake(f"`late` is {kind_of(steps)}.", ("", 0, "late"), _HOW_LATE)
        return ()
    places = _step_lines(file.lines, text)
    found: list[Step] = []
    for index, entry in enumerate(steps):
        table = ("late", index, "") in file.lines
        line = None if table else places[min(index, len(places) - 1)] if places else None

        def wrong(what: str, key: str, mend: str, index: int = index, line: int | None = line) -> None:
            file.mistake(what, line if line is not None else ("late", index, key), mend)

        name = f"Step {index + 1} of `late`"
        if not isinstance(entry, dict):
            wrong(f"{name} is {kind_of(entry)}.", "", _HOW_LATE)
            continue
        for key in entry:
            if key not in _STEP_KEYS:
                near = difflib.get_close_matches(key.lower(), _STEP_KEYS, n=1)
                mend = f"Did you mean `{near[0]}`?" if near else "There are: until, credit."
                wrong(f"{name} has no key {quoted(key)}.", key, mend)
        absent = [key for key in _STEP_KEYS if key not in entry]
        if absent:
            wrong(f"{name} has no `{'` and no `'.join(absent)}`.", "", _HOW_LATE)
            continue
        span = span_of(entry["until"])
        share = finite(entry["credit"])
        if span is None:
            wrong(f"`until` of step {index + 1} cannot be {quoted(entry['until'])}.", "until", HOW_SPAN)
        if not _CREDIT.hold(share):
            mend = "It is the share of the points that is left, from 0 to 1"
            if share is not None and 1 < share <= 100:
                mend += f": {number(share)} % is {number(product(share, 0.01))}"
            wrong(f"`credit` of step {index + 1} cannot be {quoted(entry['credit'])}.", "credit", f"{mend}.")
        if span is None or share is None or not _CREDIT.hold(share):
            continue
        if found and span.length <= found[-1].until.length:
            wrong(
                f"Step {index + 1} of `late` ends after {span}, which is not later than the step before it.",
                "until",
                "Each step lasts until a later time than the one before.",
            )
        if found and share > found[-1].credit:
            wrong(
                f"Step {index + 1} of `late` gives more credit than the step before it.",
                "credit",
                "Who is later never gets more: let the credits fall.",
            )
        found.append(Step(span, share))
    return tuple(found)


def _step_lines(lines: Lines, text: str) -> list[int]:
    """The line of each step of `late` that is written in braces."""
    first = lines.get(("", 0, "late"))
    if first is None:
        return []
    rest = enumerate(text.splitlines()[first - 1 :], first)
    return [number for number, line in rest for _ in range(line.partition("#")[0].count("{"))] or [first]


def _terms(
    file: AuthorFile,
    data: Mapping[str, Any],
    exercises: Sequence[ExerciseFolder] | None,
    zone: Zone,
    keys: Sequence[str],
) -> tuple[Terms, ...]:
    """The terms of each exercise; `keys` are those that an exercise's own table may have."""
    units: dict[str, tuple[datetime | None, float]] = {}
    entries = data.get("unit", [])
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and isinstance(entry.get("folder"), str):
            file.known(entry, _UNIT_KEYS, "unit", index, f"The unit {shown(entry['folder'])}", _COURSE_KEYS)
            units[entry["folder"]] = _due_and_weight(file, entry, "unit", index, zone, (None, 1.0))
    own = data.get("exercise", {})
    if not isinstance(own, dict):
        mend = "Write a table for each exercise: [exercise.softmax]."
        file.mistake(f"`exercise` is {kind_of(own)}.", ("", 0, "exercise"), mend)
        own = {}
    unit_of = {exercise.name: exercise.unit for exercise in exercises or ()}
    found: dict[str, tuple[datetime | None, float]] = {}
    for name, entry in own.items():
        table = f"exercise.{name}"
        where = (table, 0, "") if (table, 0, "") in file.lines else ("exercise", 0, name)
        if exercises is not None and name not in unit_of:
            file.mistake(f"There is no exercise {quoted(name)} in this course.", where, near_mend(name, list(unit_of)))
        if not isinstance(entry, dict):
            mend = f"Write its keys in a table: [exercise.{shown(name)}]."
            file.mistake(f"`exercise.{shown(name)}` is {kind_of(entry)}.", where, mend)
            continue
        file.known(entry, keys, table, 0, f"The exercise {shown(name)}", _COURSE_KEYS)
        found[name] = _due_and_weight(file, entry, table, 0, zone, units.get(unit_of.get(name, ""), (None, 1.0)))
    terms = []
    for exercise in exercises or ():
        due, weight = found.get(exercise.name, units.get(exercise.unit, (None, 1.0)))
        terms.append(Terms(exercise.name, exercise.unit, due, weight))
    return tuple(terms)


def _due_and_weight(
    file: AuthorFile,
    entry: Mapping[str, Any],
    table: str,
    index: int,
    zone: Zone,
    default: tuple[datetime | None, float],
) -> tuple[datetime | None, float]:
    due, weight = default
    if "due" in entry:
        read = due_of(entry["due"], zone)
        if isinstance(read, NoDue):
            file.mistake(read.what, (table, index, "due"), read.mend)
        elif read is not None:
            due = read
    if "weight" in entry:
        given = entry["weight"]
        if not WEIGHT.hold(given):
            said = quoted(given) if isinstance(given, int | float) else kind_of(given)
            mend = f"It is {WEIGHT}: 2 lets the points count twice, 0 not at all."
            file.mistake(f"`weight` is {said}.", (table, index, "weight"), mend)
        else:
            weight = float(given)
    return due, weight
