"""Reads the extensions that single students were given, from TOML or CSV; every mistake is told, all at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dlgrade.course.author_file import AuthorFile, kind_of, lines_of, near_mend, quoted, shown
from dlgrade.course.find import OWN_FOLDERS, own_folder, read_text, read_toml
from dlgrade.errors import AuthorError
from dlgrade.gradebook.due_times import NoDue, Zone, due_of, span_of
from dlgrade.gradebook.policy import EVERYTHING, Extension, GradingPolicy, Span, Terms, local
from dlgrade.gradebook.table_file import rows_of

_EXTENSION_KEYS = ("student", "exercise", "due", "reason")
_HOW_EXTENDED = 'Write how much later, "+3d", or the new time, 2026-12-03T23:59:00.'


@dataclass(frozen=True)
class _Entry:
    """An extension as it is written, and where."""

    values: Mapping[str, Any]
    place: tuple[str, int, str] | int


def read_extensions(
    course_file: AuthorFile, given: object, policy: GradingPolicy, zone: Zone, complete: bool
) -> tuple[tuple[Extension, ...], list[AuthorError]]:
    """The extensions that a file grants, and the mistakes in it.

    Args:
        course_file: course.toml, which names it.
        given: the name.
        policy: the course's.
        zone: the course's.
        complete: whether the policy has the terms of all exercises.
    """
    # A due time that could not be read is missing among the terms: one mistake is enough.
    settled = complete and not course_file.mistakes
    where = ("", 0, "extensions")
    if not isinstance(given, str) or not given:
        course_file.mistake(f"`extensions` is {kind_of(given)}.", where, 'Name a file: extensions = "extensions.toml".')
        return (), []
    root = course_file.path.parent.parent
    path = root / given
    if path.suffix.lower() not in (".toml", ".csv"):
        course_file.mistake(f"{shown(path.name)} is no file of extensions.", where, "It is a .toml or a .csv file.")
        return (), []
    own = own_folder(path)
    if own is None and not path.is_file():
        own = next((root / name for name in OWN_FOLDERS if (root / name / given).is_file()), None)
    if own is not None:
        what = f"{shown(path.name)} lies in {own.name}, a folder of the course itself, which is given away whole."
        course_file.mistake(what, where, f"Move it to {shown(str(root))}, and name it by its path from there.")
        return (), []
    if not path.is_file():
        mend = "It is looked for in the course's folder, beside the folder course: students do not get it."
        course_file.mistake(f"There is no file {shown(str(path))}.", where, mend)
        return (), []
    file = AuthorFile(path, {})
    try:
        if path.suffix.lower() == ".toml":
            data, text = read_toml(path)
            file = AuthorFile(path, lines_of(text))
            entries = list(_toml_entries(file, data))
        else:
            entries = list(_csv_entries(file, read_text(path)))
    except AuthorError as error:
        return (), [error]
    found: list[Extension] = []
    for entry in entries:
        extension = _extension(file, entry, policy, zone, complete, settled)
        if extension is None:
            continue
        if any((other.student, other.exercise) == (extension.student, extension.exercise) for other in found):
            what = f"{shown(extension.student)} has two extensions for {shown(extension.exercise)}."
            file.mistake(what, entry.place, "Keep one of them.")
        found.append(extension)
    return tuple(found), file.mistakes


def _toml_entries(file: AuthorFile, data: Mapping[str, Any]) -> Iterator[_Entry]:
    file.known(data, ("extension",), "", 0, "The file")
    entries = data.get("extension", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        file.mistake("`extension` is no list of tables.", ("", 0, "extension"), "Write [[extension]] before each one.")
        return
    for index, entry in enumerate(entries):
        file.known(entry, _EXTENSION_KEYS, "extension", index, "An extension")
        yield _Entry(entry, ("extension", index, ""))


def _csv_entries(file: AuthorFile, text: str) -> Iterator[_Entry]:
    for line, cells in rows_of(file, text, _EXTENSION_KEYS, _EXTENSION_KEYS[:3], "An extension"):
        yield _Entry({**cells, "due": _csv_due(cells["due"])}, line)


def _csv_due(cell: str) -> object:
    """A cell as TOML would read it: a date and a time if it is one, else text."""
    if re.match(r"\d{4}-\d\d-\d\d.", cell):
        try:
            return datetime.fromisoformat(cell)
        except ValueError:
            return cell
    return cell


def _extension(
    file: AuthorFile, entry: _Entry, policy: GradingPolicy, zone: Zone, complete: bool, settled: bool
) -> Extension | None:
    def wrong(what: str, key: str, mend: str = "") -> None:
        place = entry.place
        file.mistake(what, place if isinstance(place, int) else (place[0], place[1], key), mend)

    before = len(file.mistakes)
    values = entry.values
    for key in _EXTENSION_KEYS[:3]:
        if not values.get(key):
            wrong(
                f"An extension does not say its {key}.", key, "It says who (student), what (exercise) and until when."
            )
        elif key != "due" and not isinstance(values[key], str):
            wrong(f"`{key}` is {kind_of(values[key])}.", key, "Write it in quotes.")
    reason = values.get("reason", "")
    if not isinstance(reason, str):
        wrong(f"`reason` is {kind_of(reason)}.", "reason", "Write it in quotes.")
    if len(file.mistakes) > before:
        return None
    student, exercise = values["student"], values["exercise"]
    if student == EVERYTHING:
        wrong("An extension is for one student.", "student", "To give everybody more time, move `due` in course.toml.")
    chosen = [
        terms for terms in policy.terms if exercise == EVERYTHING or exercise in (terms.exercise, terms.unit)
    ]  # fmt: skip
    if complete and not chosen and exercise != EVERYTHING:
        names = list(dict.fromkeys([*(t.exercise for t in policy.terms), *(t.unit for t in policy.terms)]))
        mend = near_mend(exercise, names)
        wrong(f"There is no exercise or unit {quoted(exercise)} in this course.", "exercise", mend)
    due = _extended_due(values["due"], zone)
    if isinstance(due, NoDue):
        wrong(due.what, "due", due.mend if isinstance(values["due"], datetime) else _HOW_EXTENDED)
    elif due is not None and settled:
        _worthwhile(wrong, due, exercise, chosen)
    return None if len(file.mistakes) > before or due is None or isinstance(due, NoDue) else Extension(
        student, exercise, due, reason
    )  # fmt: skip


def _extended_due(value: object, zone: Zone) -> datetime | Span | NoDue | None:
    if isinstance(value, str):
        span = span_of(value[1:]) if value.startswith("+") else None
        return span or NoDue(f"`due` cannot be {quoted(value)}.", _HOW_EXTENDED)
    return due_of(value, zone)


def _worthwhile(wrong: Callable[..., None], due: datetime | Span, exercise: str, chosen: Sequence[Terms]) -> None:
    """An extension that gives nobody more time is a mistake."""
    dues = [terms.due for terms in chosen if terms.due is not None]
    if chosen and not dues and exercise != EVERYTHING:
        wrong(f"{shown(exercise)} is never due: there is nothing to extend.", "due", "Give it a `due` in course.toml.")
    elif isinstance(due, datetime) and dues and all(due.astimezone(UTC) <= one.astimezone(UTC) for one in dues):
        first = min(dues, key=lambda one: one.astimezone(UTC))
        what = f"The extension ends at {local(due)}, which is not later than {local(first)}, when it is due anyway."
        wrong(what, "due", _HOW_EXTENDED)
