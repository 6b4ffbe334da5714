"""How long `dlgrade grades` and `dlgrade stats` take over 10,000 reports, as whole processes.

Run: python tests/bench/gradebook.py [REPORTS]
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dlgrade.gradebook.store import Gradebook, Record, record
from dlgrade.model import CheckResult, Evidence, Outcome, Report, Submission, Worst
from timing import run

LIMIT = 1.0
"""Seconds that `dlgrade grades` may take over 10,000 reports."""
_EVIDENCE = Evidence(
    message="2 of 4 values differ from what was expected.",
    rung="values",
    call=f"softmax(np.array([{', '.join('0.125' for _ in range(40))}]), axis=1)",
    expected="[[0.26894142 0.73105858]\n [0.26894142 0.73105858]]",
    got="[[0.11920292 0.11920292]\n [0.88079708 0.88079708]]",
    worst=Worst((0, 1), "0.73105858", "0.11920292", 0.61185566),
)


def main(reports: int) -> int:
    """Print the seconds; 1 if there are too many."""
    exercises = [(f"exercise_{number}", f"unit_{number % 3}") for number in range(9)]
    with tempfile.TemporaryDirectory(prefix="gradebook-") as folder:
        _course(Path(folder) / "course", exercises)
        path = Path(folder) / "gradebook.db"
        begun = time.perf_counter()
        with Gradebook.open(path, write=True) as book:
            book.add(*_class(reports, exercises))
        size = path.stat().st_size / 1e6
        print(f"{reports:,} reports written in one go: {time.perf_counter() - begun:.2f} s, {size:.1f} MB")
        with Gradebook.open(path, write=True) as book:
            begun = time.perf_counter()
            some = [replace(one, student="late") for one in _class(200, exercises)]
            for attempt, one in enumerate(some, 1):
                book.add(replace(one, attempt=attempt))
            print(f"written one by one: {1000 * (time.perf_counter() - begun) / len(some):.2f} ms each")
        command = [sys.executable, "-m", "dlgrade", "--course", str(Path(folder) / "course")]
        bare = min(run([*command, "--version"])[0] for _ in range(5))
        print(f"dlgrade --version: {bare:.2f} s")
        printed = subprocess.run([*command, "grades", str(path)], check=True, capture_output=True, text=True).stdout
        print(
            f"dlgrade grades prints {len(printed.splitlines()):,} lines, {printed.count('late'):,} of them with 'late'"
        )
        took = {}
        for name, options in (
            ("grades", []),
            ("grades", ["--csv", str(Path(folder) / "grades.csv")]),
            ("grades", ["--verify"]),
            ("stats", []),
        ):
            said = " ".join(["dlgrade", name, *options[:1]])
            times = [run([*command, name, str(path), *options]) for _ in range(5)]
            took[said] = min(wall for wall, _ in times)
            print(f"{said}: {took[said]:.2f} s, of which processor {min(cpu for _, cpu in times):.2f} s (best of 5)")
    return int(took["dlgrade grades"] > LIMIT)


def _course(root: Path, exercises: list[tuple[str, str]]) -> None:
    """A course whose exercises are all due, with steps, grace days and extensions."""
    text = 'timezone = "Europe/Berlin"\nlate = [{until = "1d", credit = 0.9}, {until = "7d", credit = 0.5}]\n'
    text += 'grace_days = 2\nattempts = "best"\nextensions = "extensions.toml"\n'
    for unit in sorted({unit for _, unit in exercises}):
        text += f'[[unit]]\nfolder = "{unit}"\ndue = 2026-11-19T23:59:00\n'
    for name, unit in exercises:
        (root / "solutions" / unit / name).mkdir(parents=True)
        (root / "solutions" / unit / name / f"{name}.py").touch()
    (root / "course").mkdir()
    (root / "course" / "course.toml").write_text(text, "utf-8")
    extended = (f'[[extension]]\nstudent = "student_{n:04}"\nexercise = "*"\ndue = "+3d"\n' for n in range(0, 1000, 20))
    (root / "extensions.toml").write_text("".join(extended), "utf-8")


def _class(reports: int, exercises: list[tuple[str, str]]) -> Iterator[Record]:
    """Reports such as a class makes: each student at every exercise, ten checks each, a third of them failed."""
    draw = random.Random(0)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    for number in range(reports):
        student, which = divmod(number, len(exercises))
        exercise, unit = exercises[which]
        checks = tuple(_check(f"check_{place}", draw.random() < 2 / 3) for place in range(10))
        source = Submission(f"student_{student:04}/{exercise}.py", b"", f"{number:064x}")
        report = Report(exercise, unit, "strict", "cpu", 0, 0.4, source, checks)
        when = now - timedelta(minutes=draw.randrange(20_000))
        yield record(report, student=f"student_{student:04}", attempt=1, when=when, key=f"{number:064x}", graded_at=now)


def _check(name: str, passed: bool) -> CheckResult:
    hidden = name == "check_9"
    fields = {} if passed else {"evidence": _EVIDENCE, "misconception": "wrong_axis", "hint": "Use `axis`."}
    outcome = Outcome.PASSED if passed else Outcome.FAILED
    says = "Equals what an obviously right implementation gives, on inputs of any size."
    return CheckResult(
        name, "agreement", ("softmax",), says, outcome, 2.0 * passed, 2.0, hidden, 0.01, **fields  # type: ignore[arg-type]
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 10_000))
