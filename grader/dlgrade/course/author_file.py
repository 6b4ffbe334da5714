"""What authors write by hand in TOML: where a key stands in its file, and every mistake with its line and its mend."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from dlgrade.errors import AuthorError
from dlgrade.text import visible

HIDDEN_POINTS = "hidden_points"
"""The key by which a released course.toml says what an exercise's hidden checks are worth."""
HOW_DUE = "Write it as 2026-11-30T23:59:00, without quotes."
# What people look for under another word, or in another place.
_ELSEWHERE = {
    "points": "Points are those of the checks; `weight` says how often they count.",
    "hidden": "A check is hidden when it stands in the exercise's hidden.py.",
    HIDDEN_POINTS: "Hidden checks are worth what hidden.py says; only a released course, which has none, says it here.",
    "deadline": "It is called `due`.",
    "penalty": "It is called `late`, and says what is left: late = [{until = '1d', credit = 0.9}].",
    "tz": "It is called `timezone`.",
}

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
        line = where if isinstance(where, int) or where is None else self.line(*where)
        place = str(self.path) if line is None else f"{self.path}:{line}"
        self.mistakes.append(AuthorError(what, where=place, mend=mend))

    def line(self, table: str, number: int, key: str) -> int | None:
        """The line of a key, or of what comes nearest to it."""
        of_its_own = f"{table}.{key}" if table else key
        places = ((table, number, key), (of_its_own, 0, ""), (table, number, ""), ("", 0, table))
        found = next((self.lines[place] for place in places if place in self.lines), None)
        if found is None:  # [exercise.softmax] is all that says `exercise`
            below = f"{of_its_own}."
            found = min((line for place, line in self.lines.items() if place[0].startswith(below)), default=None)
        return found

    def known(
        self,
        table: Mapping[str, Any],
        keys: Sequence[str],
        name: str,
        number: int,
        subject: str,
        above: Sequence[str] = (),
    ) -> None:
        """Every key of a table must be one of those; `above` are the keys of the file's top."""
        for key in table:
            if key not in keys:
                near = difflib.get_close_matches(key.lower(), keys, n=1, cutoff=0.6)
                mend = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(keys)}."
                mend = _ELSEWHERE.get(key.lower(), mend)
                if key in above:
                    mend = "It is a key of the course: it belongs above the first table."
                self.mistake(f"{subject} has no key {quoted(key)}.", (name, number, key), mend)


def lines_of(text: str) -> Lines:
    """Where TOML's keys stand, as far as that can be seen without a parser that knows; of each the first place."""
    found: dict[tuple[str, int, str], int] = {}
    for place, number in _places(text):
        found.setdefault(place, number)
    return found


def _places(text: str) -> Iterator[tuple[tuple[str, int, str], int]]:
    """Every key and every table's header, with its line."""
    count: dict[str, int] = {}
    table, index = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]", line)
        key = re.match(r"\s*([\w.-]+|\"[^\"]*\"|'[^']*')\s*=", line)
        if key:
            yield (table, index, key[1].strip("\"'")), number
        elif header:
            table = header[2].replace('"', "").replace("'", "")
            index = count.get(table, -1) + 1 if header[1] == "[[" else 0
            count[table] = index
            yield (table, index, ""), number


def line_of_item(text: str, first: int | None, item: str) -> int | None:
    """The line of a text in a list whose key stands in line `first`; that line if it is not found."""
    lines = text.splitlines()
    for number in range(first or len(lines) + 1, len(lines) + 1):
        if f'"{item}"' in lines[number - 1] or f"'{item}'" in lines[number - 1]:
            return number
        if "]" in lines[number - 1]:
            break
    return first


def no_toml(why: str, text: str, line: int) -> tuple[str, str]:
    """What is wrong with a text that is no TOML, and what to do about it where the parser's words do not tell.

    Args:
        why: what the parser says.
        text: the text.
        line: the line that the parser names.
    """
    if re.search(r"overwrite|twice|redefine|mutate", why):
        until = [place for place, number in _places(text) if number <= line]
        table, number, key = until[-1] if until else ("", 0, "")
        lines, name = lines_of(text), key or table
        places = ((table, number, key), ("", 0, table)) if key else ((table, 0, ""), ("", 0, table))
        before = next((lines[place] for place in places if place in lines and lines[place] < line), None)
        if before is not None:
            lists = not key and "[[" in text.splitlines()[line - 1] + text.splitlines()[before - 1]
            mend = f"each table of a list is written [[{shown(name)}]]" if lists else "keep one of them"
            return f"`{shown(name)}` is written twice", f"It stands in line {before} already: {mend}."
    said = text.splitlines()[line - 1] if 0 < line <= len(text.splitlines()) else ""
    if re.search(r"=\s*\d{4}-\d", said):
        ends = " A day ends with T23:59:59." if re.search(r"[Tt ]24:", said) else ""
        return why, HOW_DUE + ends
    return why, ""


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
