"""Gradescope's autograder for one exercise: a zip that it builds an image from, without the solution.

It holds the exercise's stub, public and hidden checks, misconceptions and measured times, which is all that grading
needs: a check whose oracle imports the solution is refused. It also holds the seed, so that all submissions meet the
same inputs, and the terms of lateness.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dlgrade.course.find import CHECKS, HIDDEN, MISCONCEPTIONS, TIMES, Course, ExerciseFolder, open_course, read_text
from dlgrade.course.start import stub_of
from dlgrade.errors import AuthorError, UsageError
from dlgrade.gradebook.exports.files import to_json
from dlgrade.gradebook.policy import GradingPolicy, Span, Step
from dlgrade.gradebook.policy_file import read_policy
from dlgrade.text import visible

SETTINGS = "autograder.json"
ROOT_VARIABLE = "DLGRADE_AUTOGRADER_ROOT"
_WHEEL = re.compile(r"[A-Za-z0-9._]+-(?P<version>[^-]+)(?:-[^-]+){3,4}\.whl")
_WHEEL_LIMIT = 256 << 20

RUN = """\
#!/bin/sh
# Grades the submission in $root/submission, and writes $root/results/results.json.
root="${DLGRADE_AUTOGRADER_ROOT:-/autograder}"
python="${DLGRADE_AUTOGRADER_PYTHON:-$root/venv/bin/python}"
results="$root/results/results.json"

# Without a score: whatever ends this early is nobody's zero.
say() {
    mkdir -p "$root/results"
    printf '{"output": "%s", "output_format": "text", "stdout_visibility": "hidden"}\\n' "$1" > "$results.tmp"
    mv -f "$results.tmp" "$results"
}

say "The grader has not finished. If this stays, it was stopped: there is no score; please tell your instructor."
"$python" -I -m dlgrade export gradescope-run --root "$root"
code=$?
if [ "$code" -ne 0 ] && [ "$code" -ne 3 ]; then
    say "The grader did not run. This is not your mistake, and there is no score: please tell your instructor."
fi
exit "$code"
"""

SETUP = """\
#!/usr/bin/env bash
# Runs once, as root, when Gradescope builds the image.
set -euo pipefail
root="${{DLGRADE_AUTOGRADER_ROOT:-/autograder}}"
source="$root/source"

python=""
for one in python3.13 python3.12 python3.11 python3; do
    if command -v "$one" > /dev/null && "$one" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python="$one"
        break
    fi
done
if [ -z "$python" ]; then
    apt-get update -y
    apt-get install -y python3.11 python3.11-venv
    python=python3.11
fi
# Debian and Ubuntu leave venv out of Python.
if ! "$python" -m venv "$root/venv"; then
    apt-get update -y
    apt-get install -y "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    "$python" -m venv "$root/venv"
fi
pip="$root/venv/bin/python -m pip --disable-pip-version-check install"
{torch}$pip --find-links "$source/wheels" "{requirement}"
# Nobody but root reads the checks.
chmod -R go= "$source"
"""
TORCH = "$pip torch --index-url https://download.pytorch.org/whl/cpu\n"


@dataclass(frozen=True)
class Settings:
    """What the autograder is told: the grading policy of its exercise, and how to run it."""

    exercise: str
    seed: int
    policy: GradingPolicy
    visibility: str
    isolation: str


def autograder_zip(
    course: Course,
    folder: ExerciseFolder,
    settings: Settings,
    *,
    wheels: Mapping[str, bytes],
    version: str,
) -> bytes:
    """The zip.

    Args:
        course: the course.
        folder: the exercise's.
        settings: how it grades.
        wheels: dlgrade itself, and what else is not to be fetched when the image is built, by file name.
        version: dlgrade's.

    Raises:
        AuthorError: the exercise has a mistake, or a check of it needs the solution.
        UsageError: a wheel is none.
    """
    files = _exercise(course, folder)
    require_gradable(files)
    for name, data in wheels.items():
        files[f"wheels/{name}"] = data
    torch = TORCH if folder.framework == "torch" else ""
    files["setup.sh"] = SETUP.format(torch=torch, requirement=f"dlgrade=={version}").encode()
    files["run_autograder"] = RUN.encode()
    files[SETTINGS] = to_json(_written(settings))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name)
            member.create_system = 3
            member.compress_type = zipfile.ZIP_DEFLATED
            runs = name in ("setup.sh", "run_autograder")
            member.external_attr = (0o100755 if runs else 0o100644) << 16
            archive.writestr(member, files[name])
    return file.getvalue()


def read_wheels(paths: Sequence[Path], version: str) -> dict[str, bytes]:
    """Wheels to lie in the zip.

    Raises:
        UsageError: one is no wheel, cannot be read, or is another version of dlgrade.
    """
    found = {}
    for path in paths:
        named = _WHEEL.fullmatch(path.name)
        try:
            if named is None or not zipfile.is_zipfile(path) or path.stat().st_size > _WHEEL_LIMIT:
                raise UsageError(f"{path} is no wheel.", where="--wheel", mend="`python -m build --wheel` makes one.")
            found[path.name] = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.", where="--wheel") from error
        if path.name.startswith("dlgrade-") and named["version"] != version:
            raise UsageError(f"{path} is dlgrade {named['version']}, and this is {version}.", where="--wheel")
    return found


def require_gradable(files: Mapping[str, bytes]) -> None:
    """See that an exercise can be loaded from these files alone.

    Raises:
        AuthorError: it cannot; says which of its files is to blame.
    """
    from dlgrade.gradebook.grading import load

    with tempfile.TemporaryDirectory() as place:
        for name, data in files.items():
            path = Path(place) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        course = open_course(Path(place))
        try:
            load(course, course.exercises[0])
        except AuthorError as error:
            where = error.where.replace(place, "in the zip, ").replace("in the zip, /", "in the zip, ")
            mend = f"{error.mend}\nIn the zip there is the stub instead of the solution, which checks must not need."
            raise AuthorError(error.what, where=where, mend=mend.strip()) from error


def _exercise(course: Course, folder: ExerciseFolder) -> dict[str, bytes]:
    title = json.dumps(course.title)
    syllabus = f'title = {title}\n\n[[unit]]\nfolder = "{folder.unit}"\nexercises = ["{folder.name}"]\n'
    texts = {"course/course.toml": syllabus}
    below = f"assignments/{folder.unit}/{folder.name}"
    texts[f"{below}/{folder.file_name}"] = stub_of(folder)
    for name in (CHECKS, HIDDEN, MISCONCEPTIONS, TIMES):
        if (folder.path / name).is_file():
            texts[f"{below}/{name}"] = read_text(folder.path / name)
    return {name: text.replace("\r\n", "\n").encode() for name, text in texts.items()}


# -- the settings, written and read ------------------------------------------------------------------------------------


def settings_of(course: Course, exercise: str, seed: int, visibility: str, isolation: str) -> Settings:
    """The settings for an exercise of a course; grace days and extensions are not in them.

    Raises:
        AuthorError: for the first mistake in the course's policy.
    """
    reading = read_policy(course.root, course.exercises)
    if reading.mistakes:
        raise reading.mistakes[0]
    policy = GradingPolicy((reading.policy.of(exercise),), reading.policy.late)
    return Settings(exercise, seed, policy, visibility, isolation)


def _written(settings: Settings) -> dict[str, object]:
    terms = settings.policy.of(settings.exercise)
    return {
        "exercise": settings.exercise,
        "unit": terms.unit,
        "seed": settings.seed,
        "due": None if terms.due is None else terms.due.isoformat(),
        "late": [
            {"days": step.until.days, "seconds": step.until.clock.total_seconds(), "credit": step.credit}
            for step in settings.policy.late
        ],
        "hidden_checks": settings.visibility,
        "isolation": settings.isolation,
    }


def read_settings(data: bytes) -> Settings:
    """The settings that are in a zip.

    Raises:
        UsageError: they are damaged.
    """
    from datetime import datetime

    from dlgrade.gradebook.policy import Terms

    try:
        told = json.loads(data)
        due = None if told["due"] is None else datetime.fromisoformat(told["due"])
        steps = tuple(Step(Span(one["days"], timedelta(seconds=one["seconds"])), one["credit"]) for one in told["late"])
        policy = GradingPolicy((Terms(told["exercise"], told["unit"], due),), steps)
        return Settings(told["exercise"], int(told["seed"]), policy, told["hidden_checks"], told["isolation"])
    except (KeyError, TypeError, ValueError) as error:
        said = visible(f"{type(error).__name__}: {error}", limit=200)
        raise UsageError(f"The autograder's settings are damaged: {said}.", where=SETTINGS) from error
