"""What other systems call the students: a CSV file with the names under which grades are theirs."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeAlias

from dlgrade.errors import UsageError
from dlgrade.text import visible

_LIMIT = 16 << 20


@dataclass(frozen=True)
class Person:
    """A student's names; `student` is the one in the gradebook, the others may be empty."""

    student: str
    id: str = ""
    """The number in the learning management system."""
    sis_user_id: str = ""
    sis_login_id: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""

    @property
    def sortable(self) -> str:
        """Last name, first name; the gradebook's name if they are not known."""
        return ", ".join(filter(None, (self.last_name, self.first_name))) or self.student


Roster: TypeAlias = Mapping[str, Person]
"""Students by their names in the gradebook."""

COLUMNS = tuple(field.name for field in fields(Person))


def read_roster(path: Path) -> dict[str, Person]:
    """Read a file with the columns of COLUMNS, of which all but `student` may be missing.

    Raises:
        UsageError: it cannot be read, has no such columns, or has a student twice.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"The names cannot be read: {error.strerror}.", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise UsageError("It is not UTF-8 text.", where=str(path), mend="Save it as CSV in UTF-8.") from error
    first = text.partition("\n")[0]
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    people: dict[str, Person] = {}
    try:
        _require_columns(table.fieldnames or (), path)
        for row in table:
            where = f"{path}:{table.line_num}"
            if None in row or None in row.values():
                raise UsageError("It has not as many cells as the first line has columns.", where=where)
            person = Person(**{key: value.strip() for key, value in row.items()})
            if not person.student:
                raise UsageError("It names no student.", where=where)
            if person.student in people:
                raise UsageError(f"{visible(person.student)!r} is there twice.", where=where)
            people[person.student] = person
    except csv.Error as error:
        raise UsageError(f"It is no CSV: {error}.", where=f"{path}:{table.line_num}") from error
    return people


def person_of(roster: Roster, student: str) -> Person:
    """A student's names, as far as they are known."""
    return roster.get(student) or Person(student)


def _require_columns(found: object, path: Path) -> None:
    names = [str(name) for name in found] if isinstance(found, list | tuple) else []
    there_are = f"There are: {', '.join(COLUMNS)}; all but student may be missing."
    for name in names:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name.lower().replace(" ", "_"), COLUMNS, n=1)
            mend = f"Did you mean {near[0]}?" if near else there_are
            raise UsageError(f"It has a column {visible(name)!r}.", where=str(path), mend=mend)
    if "student" not in names:
        raise UsageError("It has no column student.", where=str(path), mend=there_are)
    if len(set(names)) < len(names):
        raise UsageError("It has a column twice.", where=str(path))
