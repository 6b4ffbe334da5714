"""Due times as authors write them: the course's time zone, spans of time, and the days on which clocks change."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from dlgrade.course.author_file import HOW_DUE, AuthorFile, kind_of, quoted
from dlgrade.gradebook.policy import Span

_UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_SPAN = re.compile(r"(?:[0-9]+[wdhm])+")
_LONGEST = timedelta(days=3650)
_YEARS = range(2000, 2200)
_HOW_ZONE = (
    'Name the course\'s zone at the top, timezone = "Europe/Berlin", or write the offset: 2026-11-30T23:59:00+01:00.'
)
_NO_ABBREVIATION = (
    'A zone of the IANA table is named after a city: "Europe/Berlin", "America/New_York"; or it is "UTC".'
)
_ABBREVIATION = 5
"""Letters that an abbreviation of a zone has, at most."""
HOW_SPAN = 'Write weeks, days, hours, minutes: "1w", "3d", "1d12h", "90m".'


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
    wanted = name.lower().replace(" ", "_")
    found = next((full for full in sorted(names) if full.lower() == wanted), None) or _near_city(wanted, names)
    mend = f'Did you mean "{found}"?' if found else _NO_ABBREVIATION
    file.mistake(f"There is no time zone {quoted(name)}.", where, mend)
    return Zone(None, True)


def _near_city(wanted: str, names: Iterable[str]) -> str | None:
    """The zone that was meant. People know their city; the table has it after a continent.

    What is short may be an abbreviation (CEST, EDT), and what looks like one is hours away from it.
    """
    places = {full.lower(): full for full in sorted(names) if "/" in full and not full.startswith("Etc/")}
    cities = {full.rpartition("/")[2]: places[full] for full in sorted(places, reverse=True)}
    city = wanted.rpartition("/")[2]
    if city in cities:
        return cities[city]
    if "/" not in wanted and len(wanted) <= _ABBREVIATION:
        return None
    near = difflib.get_close_matches(wanted, places, n=1, cutoff=0.75)
    nearer = difflib.get_close_matches(city, cities, n=1, cutoff=0.75)
    return places[near[0]] if near else cities[nearer[0]] if nearer else None


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


@dataclass(frozen=True)
class NoDue:
    """What is wrong with a due time, and what to do about it."""

    what: str
    mend: str


def due_of(value: object, zone: Zone) -> datetime | NoDue | None:
    """A due time, in the course's zone if it has one; or why it is none; None if that has been said already."""
    if not isinstance(value, datetime):
        return NoDue(f"`due` is {kind_of(value)}.", HOW_DUE)
    if value.year not in _YEARS:
        return NoDue(f"`due` is in the year {value.year}.", "Look at the year.")
    if value.tzinfo is not None:
        return value if zone.zone is None else value.astimezone(zone.zone)
    if zone.zone is None:
        return None if zone.told else NoDue("`due` has no time zone.", _HOW_ZONE)
    due, again = (value.replace(tzinfo=zone.zone, fold=fold) for fold in (0, 1))
    then = f"{value:%H:%M} on {value:%Y-%m-%d} in {zone.zone}"
    if due.astimezone(UTC).astimezone(zone.zone).replace(tzinfo=None) != value:
        return NoDue(f"There is no {then}: clocks are put forward over it.", "Choose another time.")
    if due.astimezone(UTC) != again.astimezone(UTC):
        mend = f"Write which one, with its offset: {due.isoformat()} or, later, {again.isoformat()}."
        return NoDue(f"There are two times {then}: clocks are put back over it.", mend)
    return due
