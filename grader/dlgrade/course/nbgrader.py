"""A course as nbgrader wants it: source/ with solutions, release/ without, and its configuration.

Each unit is an assignment of one notebook. Beside the notebook lies the unit as a course of its own, which is where
`dlgrade.notebook.check` finds the checks: on a student's machine, and when nbgrader grades, which then puts the
instructor's copy over whatever the student handed in.
"""

from __future__ import annotations

from pathlib import Path

from dlgrade.course.find import COURSE_FILE, Course
from dlgrade.course.handout import first_reading, public_course_file, reading, require_exercises
from dlgrade.course.notebooks import STUB, nbgrader_notebooks
from dlgrade.course.release import derived
from dlgrade.course.secrecy import require_secrecy

CONFIG = '''\
"""nbgrader's configuration for this course. release/ is made already, but nbgrader's gradebook knows an assignment only
once nbgrader itself has generated it, with any unit's name:

    nbgrader generate_assignment {unit} --force
"""

c = get_config()  # noqa: F821 -- nbgrader's own

# What stands in the place of a solution.
c.ClearSolutions.code_stub = {{"python": "{stub}"}}

# Seconds for one cell. dlgrade ends a check by itself before that; a cell that nbgrader ends has no points.
c.Execute.timeout = {timeout}
'''
TIMEOUT = 900


def nbgrader_course(course: Course) -> dict[Path, bytes]:
    """Every file of the nbgrader course of a course, by its path: the same bytes whenever and wherever it is asked.

    source/ holds the solutions; whatever lies in release/ is seen by students.

    Raises:
        AuthorError: if something in the course cannot be released, or would give a secret away.
        UsageError: if there is nothing to release, or nbformat is not installed.
    """
    require_exercises(course)
    from dlgrade.course.load import load_exercise

    released = derived(course)
    files: dict[Path, bytes] = {}
    for unit in course.units:
        inside = [folder for folder in course.exercises if folder.unit == unit.folder]
        if not inside:
            continue
        texts = {Path("assignments") / p: text for p, text in released.items() if p.parts[0] == unit.folder}
        texts |= reading(course, [unit.folder])
        texts[COURSE_FILE] = public_course_file(course, [unit.folder])
        points = {folder.name: load_exercise(folder, authored=True).max_points for folder in inside}
        notebooks = nbgrader_notebooks(unit, inside, first_reading(texts, unit.folder), points)
        for step, notebook in zip(("source", "release"), notebooks, strict=True):
            base = Path(step) / unit.folder
            files[base / f"{unit.folder}.ipynb"] = notebook
            files |= {base / path: text.encode() for path, text in texts.items()}
    first = next(path.parts[1] for path in files)
    files[Path("nbgrader_config.py")] = CONFIG.format(unit=first, stub=STUB, timeout=TIMEOUT).encode()
    require_secrecy(course, {path: data for path, data in files.items() if path.parts[0] != "source"})
    return files
