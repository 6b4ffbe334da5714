"""When and by whom, as Gradescope and nbgrader write it beside what they give out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TypeAlias


@dataclass(frozen=True)
class Group:
    """Who handed one Gradescope submission in, each with notes, and when."""

    submitters: tuple[tuple[str, tuple[str, ...]], ...]
    when: datetime | None


People: TypeAlias = Mapping[str, Group]
"""Submissions by the name of their folder."""

GROUP_LIMIT = 50
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\s*"
    r"(?:(Z|UTC|GMT)\b|([+-])(\d\d):?(\d\d)|([A-Za-z]\S*))?"
)
_RECORD = re.compile(r"(?P<key>[^\s#:-][^\n]*?):\s*")
_FIELD = re.compile(r" {2}(?::(?P<field>\w+):|(?P<item>- )|(?P<same> {2}))\s*(?P<rest>.*)")
_PERSON = re.compile(r":(name|sid|email):\s*(.*)")


def instant(text: str, zone: tzinfo | None = None) -> tuple[datetime | None, str | None]:
    """The time that a text begins with, in UTC, and what was guessed about its zone.

    nbgrader writes `2026-02-02 15:58:23.948203 UTC`, Gradescope `2026-02-02 15:58:23.948203000 Z`. Without a zone it is
    in UTC, as nbgrader takes it.

    Args:
        text: what stands there.
        zone: the course's, whose own abbreviations (CET, CEST) are known.
    """
    found = _TIME.match(text.strip())
    if found is None:
        return None, None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction = int((found[7] or "0")[:6].ljust(6, "0"))
    offset = timedelta()
    if found[9]:
        offset = timedelta(hours=int(found[10]), minutes=int(found[11])) * (1 if found[9] == "+" else -1)
    try:
        when = datetime(year, month, day, hour, minute, second, fraction, timezone(offset))
        if not found[12]:
            return when.astimezone(UTC), None
        for fold in (0, 1) if zone is not None else ():
            there = when.replace(tzinfo=zone, fold=fold)
            if there.tzname() == found[12]:
                return there.astimezone(UTC), None
        return when.astimezone(UTC), "its time zone is not known and was taken as UTC"
    except (ValueError, OverflowError):
        return None, None


def gradescope(data: bytes) -> People:
    """Who is behind the folders of a Gradescope export, by its submission_metadata.yml.

    Read line by line, by the indentation that Gradescope writes; what is not understood is passed over.
    """
    people: dict[str, Group] = {}
    key: str | None = None
    section = ""
    persons: list[dict[str, str]] = []
    when: datetime | None = None

    def close() -> None:
        submitters = tuple(named for person in persons[:GROUP_LIMIT] if (named := _named(person)) is not None)
        if key is not None and submitters:
            people[key] = Group(tuple(dict(submitters).items()), when)

    for line in data.decode("utf-8-sig", "replace").splitlines():
        record = _RECORD.fullmatch(line)
        if record:
            close()
            key, section, persons, when = _scalar(record["key"]), "", [], None
            continue
        found = _FIELD.match(line)
        if found is None:
            continue
        rest = found["rest"]
        if found["field"]:
            section = found["field"]
            if section == "created_at":
                when, _ = instant(_scalar(rest) or "")
        elif section == "submitters":
            if found["item"]:
                persons.append({})
            person = _PERSON.fullmatch(rest)
            value = _scalar(person[2]) if person else None
            if person and value and persons:
                persons[-1].setdefault(person[1], value)
    close()
    return people


def _named(person: Mapping[str, str]) -> tuple[str, tuple[str, ...]] | None:
    """What to call somebody: by the address, which all have and no two share, else by number or name."""
    said = [person[one] for one in ("email", "sid", "name") if one in person]
    return (said[0], tuple(said[1:])) if said else None


def _scalar(text: str) -> str | None:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return None if text in ("", "~", "null") else text
