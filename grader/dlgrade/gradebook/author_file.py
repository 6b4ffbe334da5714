"""What authors write by hand: where a key stands in its file, spans and due times, and every mistake with its mend."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any

from dlgrade.errors import AuthorError
from dlgrade.gradebook.policy import Span
from dlgrade.text import visible

# What people look for under another word, or in another place.
_ELSEWHERE = {
    "points": "Points are those of the checks; `weight` says how often they count.",
    "hidden": "A check is hidden when it stands in the exercise's hidden.py.",
    "deadline": "It is called `due`.",
    "penalty": "It is called `late`, and says what is left: late = [{until = '1d', credit = 0.9}].",
    "tz": "It is called `timezone`.",
}
_UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_SPAN = re.compile(r"(?:[0-9]+[wdhm])+")
_LONGEST = timedelta(days=3650)
_YEARS = range(2000, 2200)
_HOW_DUE = "Write it as 2026-11-30T23:59:00, without quotes."
_HOW_ZONE = (
    'Name the course\'s zone at the top, timezone = "Europe/Berlin", or write the offset: 2026-11-30T23:59:00+01:00.'
)
HOW_SPAN = 'Write weeks, days, hours, minutes: "1w", "3d", "1d12h", "90m".'

Lines = Mapping[tuple[str, int, str], int]
"""The line of each key: its table, which of the tables of that name, the key. The key "" is the table's header."""


@dataclass(frozen=True)
class AuthorFile:
    """A file that is read, with the mistakes found so far."""

    path: Path
    lines: Lines
    mistakes: list[AuthorError] = field(default_factory=list)

    def mistake(self, what: str, where: tuple[str, int, str] | int | None = None, mend: str = "") -> None:
        """Note a mistake.

        Args:
            what: the fault in one sentence.
            where: a line, or a key: its table, which of the tables of that name, its name.
            mend: what to do about it.
        """
        line = where if isinstance(where, int) or where is None else self._line(*where)
        place = str(self.path) if line is None else f"{self.path}:{line}"
        self.mistakes.append(AuthorError(what, where=place, mend=mend))

    def _line(self, table: str, number: int, key: str) -> int | None:
        of_its_own = f"{table}.{key}" if table else key
        places = ((table, number, key), (of_its_own, 0, ""), (table, number, ""))
        return next((self.lines[place] for place in places if place in self.lines), None)

    def known(self, table: Mapping[str, Any], keys: Sequence[str], name: str, number: int, subject: str) -> None:
        """Every key of a table must be one of those."""
        for key in table:
            if key not in keys:
                near = difflib.get_close_matches(key.lower(), keys, n=1, cutoff=0.6)
                mend = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(keys)}."
                mend = _ELSEWHERE.get(key.lower(), mend)
                self.mistake(f"{subject} has no key {quoted(key)}.", (name, number, key), mend)


def lines_of(text: str) -> Lines:
    """Where TOML's keys stand, as far as that can be seen without a parser that knows."""
    found: dict[tuple[str, int, str], int] = {}
    count: dict[str, int] = {}
    table, index = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]", line)
        key = re.match(r"\s*([\w.-]+|\"[^\"]*\"|'[^']*')\s*=", line)
        if key:
            found.setdefault((table, index, key[1].strip("\"'")), number)
        elif header:
            table = header[2].replace('"', "").replace("'", "")
            index = count.get(table, -1) + 1 if header[1] == "[[" else 0
            count[table] = index
            found.setdefault((table, index, ""), number)
    return found


def kind_of(value: object) -> str:
    """What a TOML value is, in words."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        ((int, float), "a number"),
        (str, "text"),
        (datetime, "a date and a time"),
        (date, "a date without a time"),
        (time, "a time without a date"),
        (list, "a list"),
        (dict, "a table"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), type(value).__name__)


def quoted(value: object) -> str:
    """A value as its author wrote it, more or less."""
    return visible(repr(value), limit=80)


def near_mend(name: str, known: Sequence[str]) -> str:
    """Which of the names that exist may have been meant."""
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are: {', '.join(known)}." if known else "It has none yet."


def shown(text: str) -> str:
    """A name, safe to show."""
    return visible(text, limit=80)


# -- times -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Zone:
    """The course's zone; `told` is whether something was said about it, right or wrong."""

    zone: tzinfo | None
    told: bool


def zone_of(file: AuthorFile, name: object) -> Zone:
    """The zone of that name; notes what is wrong with it."""
    if name is None:
        return Zone(None, False)
    where = ("", 0, "timezone")
    if not isinstance(name, str):
        file.mistake(f"`timezone` is {kind_of(name)}.", where, 'Write its name: timezone = "Europe/Berlin".')
        return Zone(None, True)
    try:
        return Zone(zoneinfo.ZoneInfo(name), True)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        names = zoneinfo.available_timezones()
    if name == "UTC":  # which is known without a table
        return Zone(UTC, True)
    if not names:
        file.mistake("This machine has no table of time zones.", where, "Install it: pip install tzdata")
        return Zone(None, True)
    # People know their city; the table has it after a continent.
    cities = {full.rpartition("/")[2].lower(): full for full in sorted(names, reverse=True)}
    wanted = name.lower().replace(" ", "_")
    near = difflib.get_close_matches(wanted, [full.lower() for full in names], n=1, cutoff=0.75)
    found = [full for full in sorted(names) if near and full.lower() == near[0]]
    near = difflib.get_close_matches(wanted.rpartition("/")[2], cities, n=1, cutoff=0.75)
    found += [cities[city] for city in near]
    mend = f'Did you mean "{found[0]}"?' if found else 'The names are those of the IANA table: "Europe/Berlin", "UTC".'
    file.mistake(f"There is no time zone {quoted(name)}.", where, mend)
    return Zone(None, True)


def span_of(value: object) -> Span | None:
    """A stretch of time such as "1d12h"; None if it is none, or none that a course could mean."""
    text = value.strip().lower().replace(" ", "") if isinstance(value, str) else ""
    if not _SPAN.fullmatch(text) or len(text) > 40:
        return None
    parts = [(int(number), unit) for number, unit in re.findall(r"([0-9]+)([wdhm])", text)]
    if any(number > 10_000_000 for number, _ in parts):
        return None
    days = sum((_UNITS[unit] * number for number, unit in parts if unit in "wd"), timedelta()).days
    span = Span(days, sum((_UNITS[unit] * number for number, unit in parts if unit in "hm"), timedelta()))
    return span if timedelta() < span.length <= _LONGEST else None


def due_of(value: object, zone: Zone) -> datetime | str | None:
    """A due time, in the course's zone if it has one; or what is wrong with it; None if that has been said already."""
    if not isinstance(value, datetime):
        return f"`due` is {kind_of(value)}."
    if value.year not in _YEARS:
        return f"`due` is in the year {value.year}."
    if value.tzinfo is not None:
        return value if zone.zone is None else value.astimezone(zone.zone)
    if zone.zone is None:
        return None if zone.told else "`due` has no time zone."
    # Of an hour that comes twice, the second: it is later.
    due = value.replace(tzinfo=zone.zone, fold=1)
    if due.astimezone(UTC).astimezone(zone.zone).replace(tzinfo=None) != value:
        return f"There is no {value:%H:%M} on {value:%Y-%m-%d} in {zone.zone}: clocks are put forward over it."
    return due


def mend_due(problem: str) -> str:
    """What to do about what `due_of` said."""
    if "no time zone" in problem:
        return _HOW_ZONE
    if "put forward" in problem:
        return "Choose another time."
    return "Look at the year." if "year" in problem else _HOW_DUE
