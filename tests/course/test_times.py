"""`dlgrade selftest --timing`: which versions are timed, which limits fall short, and what is kept of it."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="exercises on tensors need torch")

from dlgrade.checking.timing import Measured
from dlgrade.checking.trial import Finding
from dlgrade.course import times
from dlgrade.course.find import open_course
from dlgrade.model import Evidence, Outcome, Submission

ROOT = Path(__file__).parent.parent.parent
UNIT, NAME = "02_losses", "softmax_fast"
COURSE = f'title = "One"\n\n[[unit]]\nfolder = "{UNIT}"\nexercises = ["{NAME}"]\n'
RIGHT = ["reference", "by_logarithms", "by_reciprocal", "in_blocks", "own_backward"]
SLOW = ["loops_over_the_rows", "loops_over_small_blocks"]
ECHO, LIBRARY = 2e-3, 3e-3
"""Seconds."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course of one exercise with a limit on time."""
    shutil.copytree(ROOT / "solutions" / UNIT / NAME, tmp_path / "solutions" / UNIT / NAME)
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "course.toml").write_text(COURSE)
    (tmp_path / "solutions" / UNIT / NAME / "timing.toml").unlink()
    return tmp_path


def took(ratio: float, *, library: float = LIBRARY, again: float = LIBRARY) -> Measured:
    """What is measured where a version takes this many times what the library takes."""
    sides = (ECHO + ratio * library, ECHO + library, ECHO + again, ECHO)
    return Measured(*([seconds] * 5 for seconds in sides), own_wall=[0.01] * 5, rival_wall=[0.01] * 5)


@pytest.fixture
def timed(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[times.Time]]:
    """Time the exercise's versions, each of which takes what it is told to."""

    @contextlib.contextmanager
    def no_worker(exercise: Any, submission: Submission) -> Iterator[Submission]:
        yield submission

    monkeypatch.setattr(times, "worker_of", no_worker)
    folder = open_course(root).exercises[0]

    def prove(takes: Callable[[str], Measured | Finding]) -> list[times.Time]:
        named = {}

        def measure(check: Any, trial: Any, target: Submission) -> Measured | Finding:
            if check.device != "cpu":
                return Finding(Outcome.SKIPPED, Evidence("There is no GPU here."))
            return takes(named[target.source])

        monkeypatch.setattr(times, "measure", measure)
        versions = times._versions

        def noted(*arguments: Any) -> Iterator[tuple[str, str, bool]]:
            for version, source, right in versions(*arguments):
                named[source.encode()] = version
                yield version, source, right

        with monkeypatch.context() as patch:
            patch.setattr(times, "_versions", noted)
            return list(times.prove_times(folder))

    return prove


def usual(version: str) -> Measured:
    return took(0.5 if version in RIGHT else 6.0)


def kept(root: Path) -> str:
    path = root / "solutions" / UNIT / NAME / "timing.toml"
    return path.read_text() if path.exists() else ""


def test_right_versions_and_slow_ones_are_timed_and_kept(root: Path, timed: Callable[..., list[times.Time]]) -> None:
    found = [time for time in timed(usual) if not time.skipped]
    assert [time.version for time in found if time.right] == RIGHT
    assert [time.version for time in found if not time.right] == SLOW
    assert [time.fault for time in found] == [""] * len(found)
    assert "[cpu.fast]\nreference = 0.5\n" in kept(root)
    assert "loops_over_small_blocks = 6.0\n" in kept(root)
    assert "cuda" not in kept(root)


def test_where_there_is_no_such_device_nothing_is_timed_and_what_it_gave_stays(
    root: Path, timed: Callable[..., list[times.Time]]
) -> None:
    path = root / "solutions" / UNIT / NAME / "timing.toml"
    path.write_text("[cuda.fast_on_gpu]\nreference = 1.7\n")
    skipped = [time for time in timed(usual) if time.device == "cuda"]
    assert [time.skipped for time in skipped] == ["There is no GPU here."]
    assert "[cuda.fast_on_gpu]\nreference = 1.7\n" in kept(root)


@pytest.mark.parametrize(
    ("version", "measured", "words"),
    [
        ("reference", took(1.4), "reference is right and takes 1.40 times the baseline, too near the limit of 1.5"),
        ("in_blocks", took(9.0), "in_blocks is right"),
        (
            SLOW[0],
            took(1.6),
            "is slow and takes 1.60 times the baseline, too near the limit of 1.5",
        ),
        ("reference", took(0.5, again=9e-3), "could not be timed: this machine is too restless"),
        (
            "reference",
            took(0.5, library=5e-4, again=5e-4),
            "the baseline works 0.50 ms at this size, and",
        ),
        ("reference", Finding(Outcome.RAISED, Evidence("It raised.")), "reference cannot be timed by fast. It raised."),
    ],
)
def test_a_limit_that_falls_short_is_told_and_nothing_is_kept(
    root: Path, timed: Callable[..., list[times.Time]], version: str, measured: Measured | Finding, words: str
) -> None:
    found = timed(lambda name: measured if name == version else usual(name))
    (fault,) = [time.fault for time in found if time.fault]
    assert words in fault
    assert str(Path("softmax_fast", "checks.py")) in fault
    assert kept(root) == ""


def test_a_slow_version_that_was_given_up_has_no_figure(root: Path, timed: Callable[..., list[times.Time]]) -> None:
    given_up = Finding(Outcome.TOO_SLOW, Evidence("It had no result."))
    found = timed(lambda name: given_up if name in SLOW else usual(name))
    assert [time.ratio for time in found if not time.right and not time.skipped] == [float("inf")] * 2
    assert not any(time.fault for time in found)
    assert "reference" in kept(root)
    assert SLOW[0] not in kept(root)


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_command(root: Path, timed: Callable[..., list[times.Time]], dlgrade: Any, form: str) -> None:
    given_up = Finding(Outcome.TOO_SLOW, Evidence("It had no result."))
    timed(lambda name: given_up if name in SLOW else usual(name))
    ran = dlgrade("--course", root, "selftest", "--timing", "--format", form)
    assert ran.code == 0, ran.text
    if form == "json":
        rows = json.loads(ran.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert {row["version"]: row["ratio"] for row in rows if not row["skipped"]} == {
            **dict.fromkeys(RIGHT, 0.5),
            **dict.fromkeys(SLOW),
        }
    else:
        assert "reference                       0.50" in ran.out
        assert all(f"{version} (slow)" in ran.out for version in SLOW)
        assert ran.out.endswith("Every limit holds.\n")
