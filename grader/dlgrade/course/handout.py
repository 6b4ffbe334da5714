"""What students get of a course: a folder that is a course itself, with everything in it and nothing private."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dlgrade import __version__
from dlgrade.course.author_file import HIDDEN_POINTS
from dlgrade.course.find import COURSE_FILE, HIDDEN, Course, ExerciseFolder, read_text, read_toml
from dlgrade.course.notebooks import student_notebook
from dlgrade.course.release import derived
from dlgrade.course.secrecy import require_secrecy
from dlgrade.course.start import title_of
from dlgrade.errors import AuthorError, UsageError
from dlgrade.model import plain
from dlgrade.points import added

READING = COURSE_FILE.parent
LANGUAGES = ("en", "zh")
"""The folders of the reading, the first of which notebooks link to."""
_PUBLIC: Mapping[str, tuple[str, ...]] = {
    "": ("title", "timezone", "late", "grace_days", "attempts"),
    "unit": ("folder", "title", "exercises", "due", "weight"),
    "exercise": ("due", "weight"),
}
"""What of course.toml is everybody's; whatever else it says, comments included, stays with its authors."""

README = """\
# {title}

{table}

Install the grader once: `python -m pip install dlgrade=={version}`

**In files.** Open one, read what it asks for, and replace `raise NotImplementedError`. Then, in this folder:

    dlgrade check                 every exercise that you have started
    dlgrade check {example:<15} only this one

**In notebooks.** Open a unit's notebook, run its cells, and write your code where `raise NotImplementedError` stands.
The cell below it, `check("{example}")`, checks what you have run.

Hand in what you worked in, a file or a notebook. `assignments/` and `course/` are the course's own: what you change
there is not looked at. `dlgrade release --verify .` says which files are no longer as you got them.
{dates}"""
_DATES = """
When each exercise is due, and what handing it in late costs, is in `course/course.toml`; `dlgrade course check` says it
in plain words. Extensions are not in it.
"""


def handout(course: Course) -> dict[Path, bytes]:
    """Every file that students get of a course, by its path: the same bytes whenever and wherever it is asked.

    Raises:
        AuthorError: if something in the course cannot be released, or would give a secret away.
        UsageError: if there is nothing to release, or nbformat is not installed.
    """
    require_exercises(course)
    released = derived(course)
    texts = {Path("assignments") / path: text for path, text in released.items()}
    units = [unit.folder for unit in course.units]
    texts |= {path: text for path, text in reading(course, units).items()}
    texts[COURSE_FILE] = public_course_file(course, units)
    rows = ["| exercise | file | notebook |", "|---|---|---|"]
    for folder in course.exercises:
        file = Path(folder.unit) / folder.file_name
        texts[file] = released[Path(folder.unit) / folder.name / folder.file_name]
        notebook = f"{folder.unit}/{folder.unit}.ipynb"
        rows.append(f"| {title_of(folder)} | [{file.as_posix()}]({file.as_posix()}) | [{notebook}]({notebook}) |")
    table, example = "\n".join(rows), course.exercises[0].name
    dates = _DATES if "\ndue = " in texts[COURSE_FILE] else ""
    values = {"title": course.title, "table": table, "version": __version__, "example": example, "dates": dates}
    texts[Path("README.md")] = README.format(**values)
    files = {path: text.encode() for path, text in texts.items()}
    for unit in course.units:
        inside = [folder for folder in course.exercises if folder.unit == unit.folder]
        if inside:
            text = first_reading(texts, unit.folder)
            place = Path(unit.folder) / f"{unit.folder}.ipynb"
            files[place] = student_notebook(unit, inside, text, to_root="..")
    require_secrecy(course, files)
    return files


def require_exercises(course: Course) -> None:
    """See that a course has anything to release."""
    if not course.exercises:
        raise UsageError(f"The course in {course.root} has no exercises yet.")
    for folder in course.exercises:
        if folder.unit in ("assignments", "course"):
            raise AuthorError(f"A released course has a folder {folder.unit} already.", where=folder.unit)


def reading(course: Course, units: Iterable[str]) -> dict[Path, str]:
    """The reading of these units in every language, by its path in the course."""
    names = {f"{unit}.md" for unit in units}
    found: dict[Path, str] = {}
    for language in LANGUAGES:
        for path in sorted((course.root / READING / language).glob("*.md")):
            if path.name in names:
                found[READING / language / path.name] = read_text(path)
    return found


def first_reading(texts: Mapping[Path, str], unit: str) -> tuple[Path, str] | None:
    """A unit's reading and where it lies, in the first language that there is."""
    paths = [READING / language / f"{unit}.md" for language in LANGUAGES]
    return next(((path, texts[path]) for path in paths if path in texts), None)


def public_course_file(course: Course, units: Iterable[str]) -> str:
    """course.toml with only what students may read, and only of these units; and what hidden checks are worth."""
    data = read_toml(course.root / COURSE_FILE)[0]
    kept = set(units)
    names = {folder.name: _hidden_points(folder) for folder in course.exercises if folder.unit in kept}
    lines = [f"{key} = {_value(data[key])}" for key in _PUBLIC[""] if key in data]
    for entry in data.get("unit", []):
        if entry["folder"] in kept:
            lines += ["", "[[unit]]", *(f"{key} = {_value(entry[key])}" for key in _PUBLIC["unit"] if key in entry)]
    own = data.get("exercise", {})
    said = {name: entry for name, entry in own.items() if isinstance(entry, dict)} if isinstance(own, dict) else {}
    for name in dict.fromkeys([*said, *names]):
        if name in names:
            entry = said.get(name, {})
            pairs = [f"{key} = {_value(entry[key])}" for key in _PUBLIC["exercise"] if key in entry]
            pairs += [f"{HIDDEN_POINTS} = {_value(plain(names[name]))}"] if names[name] else []
            lines += ["", f"[exercise.{name}]", *pairs] if pairs else []
    return "\n".join(lines) + "\n"


def _hidden_points(folder: ExerciseFolder) -> float:
    """What the hidden checks of an exercise are worth."""
    if not (folder.path / HIDDEN).is_file():
        return 0.0
    from dlgrade.course.load import load_exercise

    exercise = load_exercise(folder, authored=True, hidden=True)
    return added(check.points for check in exercise.checks if check.name in exercise.hidden)


def _value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, str):
        # What JSON escapes TOML escapes alike, but for one character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return f"{{{', '.join(f'{_key(key)} = {_value(item)}' for key, item in value.items())}}}"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)
