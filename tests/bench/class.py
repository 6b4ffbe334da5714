"""What grading a class costs: submissions per CPU second, whether it grows with the class, what a second process gains.

A class is made of right, wrong, unstarted, unreadable, hostile and endless submissions, no two of them the same bytes;
right ones are of every style that an exercise's authors could think of. CPU seconds are those of the whole command:
workers, zygotes and parsers too.

Run: python tests/bench/class.py [--students 10,100] [--jobs 1,2] [--exercise NAME]... [--endless SHARE]
     python tests/bench/class.py --cost
     python tests/bench/class.py --peers [--otter PATH]   (right softmax submissions, for nbgrader and otter too)
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlgrade.course.find import VARIANTS, ExerciseFolder, find_root, open_course, read_text
from dlgrade.course.start import stub_of
from dlgrade.course.stub import public_functions
from dlgrade.gradebook.store import Gradebook

SHARES = {"right": 0.5, "wrong": 0.32, "unstarted": 0.06, "unreadable": 0.04, "hostile": 0.06}
"""Of those that are not endless."""
_HOSTILE = (
    "import os\nos._exit(0)\n",
    "import sys\nsys.exit(0)\n",
    "x = bytearray(1 << 40)\n",
    "def {name}(*args, **kwargs):\n    import os\n    os._exit(0)\n",
    "def {name}(*args, **kwargs):\n    print('passed ' * 1000)\n    return type('Liar', (), dict(__eq__=bool))()\n",
    "def {name}(*args, **kwargs):\n    return [0] * (1 << 34)\n",
)
_UNREADABLE = (b"", b"\xff\xfe\x00", b"def f(:\n", b"(" * 5000)


def main() -> int:
    """Print a line for each class."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--students", default="10,100")
    options.add_argument("--jobs", default="1,2")
    options.add_argument("--exercise", action="append")
    options.add_argument("--endless", type=float, default=0.02)
    options.add_argument("--cost", action="store_true", help="what one endless submission costs, by exercise")
    options.add_argument("--isolation", default="auto")
    options.add_argument("--peers", action="store_true", help="softmax alone, beside other graders")
    options.add_argument("--otter", help="otter's command, if it is installed somewhere")
    given = options.parse_args()
    root = find_root()
    course = open_course(root)
    folders = [folder for folder in course.named(given.exercise or []) or course.exercises]
    folders = [folder for folder in folders if given.exercise or folder.framework == "numpy"]
    print(f"{len(folders)} exercises, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {given.isolation}")
    with tempfile.TemporaryDirectory(prefix="class-") as base:
        if given.peers:
            return _peers(root, Path(base), course.named(["softmax"])[0], given.isolation, given.otter)
        if given.cost:
            return _cost(root, Path(base), folders, given.isolation)
        print(f"{'students':>8}{'submissions':>13}{'-j':>4}{'CPU s':>9}{'wall s':>9}{'per CPU s':>11}{'ms each':>9}"
              f"{'one more':>10}{'MB':>6}{'load':>7}")  # fmt: skip
        before: dict[int, tuple[int, float]] = {}
        for students in map(int, given.students.split(",")):
            submissions = Path(base) / f"class-{students}"
            number = made(submissions, folders, students, given.endless)
            for jobs in map(int, given.jobs.split(",")):
                cpu, wall, size = graded(root, submissions, Path(base) / f"{students}-{jobs}", jobs, given.isolation)
                # Without what the smaller class paid already: the start, the imports, the drawing.
                fewer, less = before.get(jobs, (0, 0.0))
                more = f"{1000 * (cpu - less) / (number - fewer):.0f} ms" if fewer else ""
                before[jobs] = number, cpu
                print(
                    f"{students:>8}{number:>13}{jobs:>4}{cpu:>9.1f}{wall:>9.1f}{number / cpu:>11.2f}"
                    f"{1000 * cpu / number:>9.0f}{more:>10}{size:>6.0f}{os.getloadavg()[0]:>7.1f}",
                    flush=True,
                )
    return 0


def _cost(root: Path, base: Path, folders: list[ExerciseFolder], isolation: str) -> int:
    """What an endless submission costs beside a right one: seconds of the reports, which include no drawing twice."""
    submissions = base / "class"
    for folder in folders:
        sources = {"a-right": _right(folder), "b-right": _right(folder), "endless": _endless(folder)}
        for student, source in sources.items():
            _put(submissions, student, folder, source)
    graded(root, submissions, base / "out", 1, isolation)
    print(f"{'exercise':<20}{'right, s':>10}{'endless, s':>12}   outcomes")
    with Gradebook.open(base / "out") as book:
        seconds = {(one.exercise, one.student): json.loads(one.text) for one in book.records()}
    for folder in folders:
        endless = seconds[folder.name, "endless"]
        outcomes = [check["outcome"] for check in endless["checks"]]
        told = ", ".join(f"{outcomes.count(one)} {one}" for one in dict.fromkeys(outcomes))
        right = seconds[folder.name, "b-right"]["seconds"]
        print(f"{folder.name:<20}{right:>10.2f}{endless['seconds']:>12.2f}   {told}")
    return 0


# -- beside other graders ----------------------------------------------------------------------------------------------

STUDENTS, PEERS_STUDENTS, OTTER_STUDENTS = 1000, 10, 2
"""How many submissions each grader gets: the slow ones fewer; what they need to start is shared by all of theirs."""
BATCHES = 3
"""How often nbgrader grades its batch: one is short enough to be lucky, and the median counts."""
_TESTS = (
    "p = softmax(np.array([1.0, 2.0, 3.0]))\nassert np.allclose(p, [0.09003057, 0.24472847, 0.66524096])",
    "assert np.allclose(softmax(np.random.randn(4, 5), axis=0).sum(axis=0), 1)",
    "assert np.isfinite(softmax(np.array([1000.0, 0.0]))).all()",
)
"""What the others check; here it is the exercise with all its checks."""


def _peers(root: Path, base: Path, folder: ExerciseFolder, isolation: str, otter: str | None) -> int:
    """CPU seconds for each right submission of softmax, ours and others'."""
    each = {}
    for style, answers in (("reference", [_right(folder)]), ("all", _rights(folder))):
        submissions = base / style
        for number in range(STUDENTS):
            _put(submissions, f"student-{number:04}", folder, answers[number % len(answers)])
        each[style] = graded(root, submissions, base / f"{style}-out", 1, isolation)[:2]
    ours = each["reference"][0] / STUDENTS
    print(f"{'grader':<28}{'submissions':>12}{'CPU s each':>12}{'wall s each':>12}{'times ours':>12}{'load':>6}")

    def line(name: str, number: int, cpu: float, wall: float) -> None:
        one, load = cpu / number, os.getloadavg()[0]
        print(f"{name:<28}{number:>12}{one:>12.3f}{wall / number:>12.3f}{one / ours:>12.1f}{load:>6.1f}", flush=True)

    line(f"dlgrade, {isolation}", STUDENTS, *each["reference"])
    line("  answers of every style", STUDENTS, *each["all"])
    code = "\n".join(line for line in _right(folder).splitlines() if "###" not in line)
    if importlib.util.find_spec("nbgrader") is None:
        print("nbgrader is not installed: pip install 'dlgrade[instructor]'")
    else:
        batches = sorted(_nbgrader(base / f"nbgrader-{n}", code, PEERS_STUDENTS) for n in range(BATCHES))
        line("nbgrader autograde, a batch", PEERS_STUDENTS, *batches[BATCHES // 2])
        line("nbgrader autograde, alone", 1, *_nbgrader(base / "nbgrader-alone", code, 1))
    if otter is None:
        print("otter is not named: --otter PATH, of an environment of its own")
    else:
        line("otter run", OTTER_STUDENTS, *_otter(base / "otter", code, otter))
    return 0


def _notebook(cells: list[tuple[str, dict[str, Any]]]) -> str:
    told = [
        {"cell_type": "code", "execution_count": None, "id": f"cell-{number}", "metadata": metadata, "outputs": [],
         "source": source}
        for number, (source, metadata) in enumerate(cells)
    ]  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps({"cells": told, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


def _nbgrader(base: Path, code: str, students: int) -> tuple[float, float]:
    """What nbgrader's `autograde` takes for that many students: CPU and wall seconds."""
    fields = {"schema_version": 3, "task": False}
    answer = {"nbgrader": {**fields, "grade": False, "locked": False, "solution": True, "grade_id": "softmax"}}
    cells = [(f"### BEGIN SOLUTION\n{code}\n### END SOLUTION", answer)]
    for number, test in enumerate(_TESTS):
        grade = {**fields, "grade": True, "locked": True, "solution": False, "grade_id": f"test-{number}", "points": 1}
        cells.append((f"import numpy as np\n{test}", {"nbgrader": grade}))
    (base / "source/hw").mkdir(parents=True)
    (base / "source/hw/hw.ipynb").write_text(_notebook(cells))
    command = [sys.executable, "-m", "nbgrader"]
    _timed([*command, "generate_assignment", "hw"], base)
    for number in range(students):
        submitted = base / f"submitted/student-{number}/hw"
        submitted.mkdir(parents=True)
        released = json.loads((base / "release/hw/hw.ipynb").read_text())
        released["cells"][0]["source"] = f"{code}\n# {number}"
        (submitted / "hw.ipynb").write_text(json.dumps(released))
    took = _timed([*command, "autograde", "hw"], base)
    grades = (base / "gradebook.db").is_file() and sorted((base / "autograded").iterdir())
    assert grades and len(grades) == students, "nbgrader did not grade all"
    return took


def _otter(base: Path, code: str, otter: str) -> tuple[float, float]:
    """What `otter run` takes for a few students."""
    base.mkdir()
    cells: list[str] = ["# ASSIGNMENT CONFIG\ngenerate: true\n"]
    question = ["# BEGIN QUESTION\nname: q1\npoints: 3", "# BEGIN SOLUTION", code, "# END SOLUTION"]
    raw = [*question, "# BEGIN TESTS", *_TESTS, "# END TESTS", "# END QUESTION"]
    notebook = json.loads(_notebook([(source, {}) for source in [*cells, *raw]]))
    for cell in notebook["cells"]:
        if cell["source"].startswith("# ") and not cell["source"].startswith("import"):
            cell["cell_type"] = "raw"
            del cell["outputs"], cell["execution_count"]
    (base / "hw.ipynb").write_text(json.dumps(notebook))
    _timed([otter, "assign", "--no-run-tests", "hw.ipynb", "dist"], base)
    archive = next((base / "dist/autograder").glob("*autograder*.zip"))
    student = json.loads(next((base / "dist/autograder").glob("*.ipynb")).read_text())
    cpu = wall = 0.0
    for number in range(OTTER_STUDENTS):
        (base / f"student-{number}.ipynb").write_text(json.dumps(student))
        (base / f"out-{number}").mkdir()
        took = _timed([otter, "run", "-a", str(archive), "-o", f"out-{number}", f"student-{number}.ipynb"], base)
        cpu, wall = cpu + took[0], wall + took[1]
    return cpu, wall


def _timed(command: list[str], folder: Path) -> tuple[float, float]:
    """CPU and wall seconds of another grader's command, which has a home of its own."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    homes = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    # Each calls programs that were installed beside it.
    path = {"PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    cpu, wall, _ = _measured(command, cwd=folder, env={**os.environ, **dict.fromkeys(homes, str(home)), **path})
    return cpu, wall


def _measured(command: list[str], **options: Any) -> tuple[float, float, float]:
    """CPU seconds, wall seconds, and the most megabytes that one process held."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, **options)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:])
        raise SystemExit(f"{command} failed")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall, after.ru_maxrss / 1024


# -- a class -----------------------------------------------------------------------------------------------------------


def made(to: Path, folders: list[ExerciseFolder], students: int, endless: float) -> int:
    """Write a class's submissions; how many there are."""
    draw = random.Random(students)
    right = {folder.name: _rights(folder) for folder in folders}
    wrong = {folder.name: list(_wrong(folder)) for folder in folders}
    for number in range(students):
        for folder in folders:
            kind = "endless" if draw.random() < endless else draw.choices(list(SHARES), list(SHARES.values()))[0]
            if kind == "right":
                source: str | bytes = draw.choice(right[folder.name])
            elif kind == "wrong":
                source = draw.choice(wrong[folder.name])
            elif kind == "unstarted":
                source = stub_of(folder)
            elif kind == "unreadable":
                source = draw.choice(_UNREADABLE)
            elif kind == "hostile":
                source = draw.choice(_HOSTILE).replace("{name}", _entry_points(folder)[0])
            else:
                source = _endless(folder)
            _put(to, f"student-{number:04}", folder, source)
    return students * len(folders)


def _put(to: Path, student: str, folder: ExerciseFolder, source: str | bytes) -> None:
    path = to / student / folder.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = source.encode() if isinstance(source, str) else source
    path.write_bytes(data + f"\n# {student}\n".encode() if data else b" " * (int(student[-4:]) + 1))


def _entry_points(folder: ExerciseFolder) -> list[str]:
    return [node.name for node in public_functions(ast.parse(_right(folder)))]


def _right(folder: ExerciseFolder) -> str:
    return read_text(folder.path / folder.file_name)


def _rights(folder: ExerciseFolder) -> list[str]:
    """The reference and the right answers of other styles beside it."""
    return [_right(folder), *map(read_text, sorted((folder.path / VARIANTS).glob("*.py")))]


def _endless(folder: ExerciseFolder) -> str:
    return "".join(f"def {name}(*args, **kwargs):\n    while True:\n        pass\n" for name in _entry_points(folder))


def _wrong(folder: ExerciseFolder) -> Iterator[str]:
    """The reference with each misconception in place of its entry point."""
    tree = ast.parse(read_text(folder.path / "misconceptions.py"))
    body = [node for node in tree.body if "dlgrade" not in ast.unparse(node).split("\n")[0]]
    mistakes = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "misconception":
                    of = next(keyword.value for keyword in decorator.keywords if keyword.arg == "of")
                    mistakes[node.name] = ast.literal_eval(of)
            node.decorator_list = []
    text = ast.unparse(ast.Module(body, []))
    for name, of in mistakes.items():
        yield f"{_right(folder)}\n{text}\n{of} = {name}\n"


# -- grading it --------------------------------------------------------------------------------------------------------


def graded(root: Path, submissions: Path, out: Path, jobs: int, isolation: str) -> tuple[float, float, float]:
    """Grade a class: CPU seconds, wall seconds, and the most megabytes that one process held."""
    command = [sys.executable, "-m", "dlgrade", "--course", str(root), "grade", str(submissions), "--out", str(out)]
    return _measured([*command, "-j", str(jobs), "--isolation", isolation, "--seed", "1"])


if __name__ == "__main__":
    sys.exit(main())
