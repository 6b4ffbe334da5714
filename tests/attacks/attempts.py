"""Hostile submissions: each read from its file, run through the grader at one level, judged by what it left behind."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

from dlgrade.author import Gradient, Misconception, Property
from dlgrade.checking import trial
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_checks
from dlgrade.course.find import open_course, unreadable_bytes
from dlgrade.course.load import content_digest, load_exercise, load_misconceptions
from dlgrade.model import Exercise, Outcome, Report, Submission, Verdict
from dlgrade.report import terminal
from dlgrade.report.as_json import dumps
from dlgrade.report.junit import to_junit
from dlgrade.sandbox import client, launch
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.levels import Workers
from dlgrade.sandbox.syntax import Reading, Unreadable
from ground import ROOT, Ground, Surroundings, told
from processes import alive
from rich.console import Console

HERE = Path(__file__).parent

CLASSES = (
    "end_the_run",
    "lie_to_the_comparator",
    "steal_the_answer",
    "fake_the_speed",
    "break_the_host",
    "supply_chain",
    "forbidden_means",
)
WORDS = {
    "attack",
    "catalogue",
    "outcome",
    "wants",
    "succeeds at",
    "not at",
    "implementation",
    "exercise",
    "check",
    "hasty",
    "hole",
    "written in",
}
"""The words of a header; `outcome` and `hole` may name a level, as in `outcome[process]`."""

HASTY = 0.15
"""Seconds of processor time for calls of an attack that never ends."""
PATIENCE = 120.0
"""Seconds that the grader may take for any attack, however busy the machine is."""
SUCCESS = "SUCCESS:"
"""What an attack prints, or puts into a message, that got what it wanted."""

_RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
"""What no report may hold: controls but the line feed, and characters that turn the direction of text."""


# -- attacks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attack:
    """One hostile submission, and what its header says of it."""

    path: Path
    header: dict[str, str]

    @property
    def kind(self) -> str:
        """Its class."""
        return self.path.parent.name

    def __str__(self) -> str:
        return f"{self.kind}/{self.path.stem}"

    def _list(self, word: str) -> frozenset[str]:
        return frozenset(part.strip() for part in self.header.get(word, "").split(",") if part.strip())

    def _at(self, word: str, level: str) -> str:
        return self.header.get(f"{word}[{level}]", self.header.get(word, ""))

    def outcomes(self, level: str) -> frozenset[str]:
        """The outcomes of its main check that are right at a level."""
        return frozenset(part.strip() for part in self._at("outcome", level).split(","))

    def hole(self, level: str) -> str:
        """Why it is known not to go as it should at a level; empty if it should."""
        return self._at("hole", level)

    def unfit(self, level: str) -> str:
        """Why it is not run at a level; empty if it is."""
        levels, _, why = self.header.get("not at", "").partition(":")
        return why.strip() if level in {part.strip() for part in levels.split(",")} else ""

    def may_succeed(self, level: str) -> bool:
        """Whether a level does not promise to keep it from what it wants."""
        return level in self._list("succeeds at")

    @property
    def right(self) -> bool:
        """Whether its answers are right, so that passing is no forgery."""
        return self.header.get("implementation", "wrong") == "right"

    @property
    def exercise(self) -> str:
        """The exercise that it is handed in for."""
        return self.header.get("exercise", "softmax")

    @property
    def hasty(self) -> bool:
        """Whether its calls are given little time, since they would use up any."""
        return "hasty" in self.header

    def source(self, places: dict[str, str]) -> bytes:
        """Its bytes, as somebody would hand them in."""
        text = self.path.read_text(encoding="utf-8")
        for name, value in places.items():
            text = text.replace(f"@{name}@", value)
        text = re.sub(r"@(\d+)\*(.*?)\*@", lambda found: found[2] * int(found[1]), text)
        text = re.sub(r"@U\+([0-9A-F]{4})@", lambda found: chr(int(found[1], 16)), text)
        return text.encode(self.header.get("written in", "utf-8"))


def attacks() -> list[Attack]:
    """All of them, by class and name."""
    found = [path for kind in CLASSES for path in sorted((HERE / kind).glob("*.py"))]
    return [Attack(path, read_header(path)) for path in found]


def read_header(path: Path) -> dict[str, str]:
    """The words of a file's header.

    Raises:
        ValueError: if a word is unknown, missing, or has an unknown value.
    """
    header: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        word, colon, value = line[1:].strip().partition(":")
        if colon and not word.startswith("-*-"):
            header[word.strip()] = value.strip()
    unknown = {word.partition("[")[0] for word in header} - WORDS
    if unknown:
        raise ValueError(f"{path}: a header knows no {sorted(unknown)}; see README.md")
    for word in ("attack", "catalogue", "outcome", "wants"):
        if not header.get(word):
            raise ValueError(f"{path}: its header lacks `{word}`")
    said = {part.strip() for word, value in header.items() if word.startswith("outcome") for part in value.split(",")}
    if not said <= {outcome.value for outcome in Outcome}:
        raise ValueError(f"{path}: an outcome is misspelt: {sorted(said)}")
    return header


_RIGHT = (ROOT / "solutions/02_losses/softmax/softmax.py").read_bytes()

# -- running one -------------------------------------------------------------------------------------------------------


@cache
def exercise_named(name: str, besides: str | None = None) -> tuple[Exercise, str, Sequence[Misconception]]:
    """An exercise without its laws and gradients, for the sake of time; the digest of its content; its misconceptions.

    Args:
        name: the exercise.
        besides: a check to keep all the same.
    """
    folder = next(folder for folder in open_course(ROOT).exercises if folder.name == name)
    exercise = load_exercise(folder, authored=True)
    dear = (Property, Gradient)
    kept = [check for check in exercise.checks if not isinstance(check, dear) or check.name == besides]
    return replace(exercise, checks=kept), content_digest(folder.path), load_misconceptions(exercise)


@dataclass
class Range:
    """Where attacks are run: the workers of one level, and the ground.

    Args:
        workers: where they run.
        ground: what they are after.
        drawer: keeps the inputs, the same for all.
        find: finds an exercise by its name.
    """

    workers: Workers
    ground: Ground
    drawer: Drawer
    find: Callable[..., tuple[Exercise, str, Sequence[Misconception]]] = exercise_named
    tokens: set[bytes] = field(default_factory=set)
    attempts: int = 0
    _sound: str = ""

    def start(self) -> launch.Running:
        """Start a worker, and remember what it is known by."""
        worker = self.workers.start()
        if isinstance(worker, launch.Process):
            self.tokens.add(worker.token.encode())
        return worker

    def check(self, source: bytes, name: str, *, besides: str | None = None, hasty: bool = False) -> Report:
        """The report on a submission, as `dlgrade check` makes it."""
        exercise, content, known = self.find(name, besides)
        submission = Submission(exercise.file_name, source, hashlib.sha256(source).hexdigest())
        fault = unreadable_bytes(submission)
        with contextlib.ExitStack() as stack:
            launch.adopt_strays()  # as the commands do, all of whose children are their own
            stack.callback(launch.adopt_strays, False)
            # How small a counterexample gets is not what this is about, and would be most of the time.
            stack.enter_context(patch.object(trial, "smallest", lambda source, fails, start, **options: start))
            if hasty:
                assert WorkerTarget.call_many.__kwdefaults__ is not None
                stack.enter_context(patch.dict(WorkerTarget.call_many.__kwdefaults__, seconds=HASTY))
                stack.enter_context(patch.object(client, "WALL_FACTOR", 3.0))
                stack.enter_context(patch.object(client, "LOAD_SECONDS", 0.5))
            facts: Callable[[], object]
            if fault is None:
                reading = Reading(source)
                stack.callback(reading.close)
                facts = reading.result
            else:
                facts = lambda: Unreadable(*fault)  # noqa: E731
            target = WorkerTarget(submission, module=exercise.name, names=list(exercise.entry_points), start=self.start)
            with target:
                return run_checks(
                    exercise,
                    submission,
                    target,
                    facts=facts,
                    misconceptions=lambda: known,
                    drawer=self.drawer,
                    content=content,
                    seed=0,
                )

    def sound(self) -> list[str]:
        """What is wrong with the report on a right submission: the first one is what all later ones have to be."""
        report = self.check(_RIGHT, "softmax")
        now = without_seconds(dumps([report]))
        self._sound = self._sound or now
        if report.verdict != Verdict.PASSED:
            return ["a right submission no longer passes"]
        return [] if now == self._sound else [f"a right submission's report has changed:\n{now}"]

    def attempt(self, attack: Attack) -> list[str]:
        """Run an attack; whatever came out otherwise than its header and the level promise, in sentences."""
        if not self._sound:
            assert self.sound() == []
        self.attempts += 1
        level = self.workers.isolation
        places = self.ground.ready(self.ground.base / f"{level}-{self.attempts}")
        source = attack.source(places)
        before = Surroundings.now(self.tokens)
        begun = time.monotonic()
        report = self.check(source, attack.exercise, besides=attack.header.get("check"), hasty=attack.hasty)
        took = time.monotonic() - begun
        surprises = [*self._of_verdict(attack, report), *self._of_text(attack, report)]
        if took > PATIENCE:
            surprises.append(f"the grader took {took:.0f} seconds")
        surprises += self._left(before)
        marks = self.ground.marks()
        self.succeeded = bool(marks or _successes(report))
        if not attack.may_succeed(level):
            surprises += marks
        return surprises

    succeeded = False
    """Whether the last attack left a mark, be it allowed or not."""
    outcome = ""
    """What the last attack's main check came out as."""

    def _of_verdict(self, attack: Attack, report: Report) -> Iterator[str]:
        name = attack.header.get("check")
        main = next(r for r in report.checks if (r.name == name if name else r.kind == "agreement"))
        self.outcome = main.outcome.value
        if main.outcome.value not in attack.outcomes(self.workers.isolation):
            said = main.evidence.message if main.evidence else ""
            yield f"{main.name} came out as {main.outcome.value}: {said}"
        told = [result.evidence for result in report.checks if result.outcome == Outcome.BROKEN]
        if told:
            yield f"the grader broke: {[evidence.message for evidence in told if evidence]}"
        if report.verdict == Verdict.PASSED and not attack.right and self._must_fail(attack):
            yield "a wrong implementation passed"
        for result in report.checks:
            if result.evidence and any("could not be named" in note for note in result.evidence.notes):
                yield f"the diagnosis broke: {result.evidence.notes}"

    def _must_fail(self, attack: Attack) -> bool:
        return "passed" not in attack.outcomes(self.workers.isolation) or not attack.may_succeed(self.workers.isolation)

    def _of_text(self, attack: Attack, report: Report) -> Iterator[str]:
        text = rendered(report)
        raw = _RAW.search(text)
        if raw:
            yield f"the report holds {raw[0]!r}: {text[max(0, raw.start() - 40) : raw.end() + 40]!r}"
        if attack.may_succeed(self.workers.isolation):
            return
        if self.ground.token in text:
            yield "the secret is in the report"
        yield from _successes(report)

    def _left(self, before: Surroundings) -> list[str]:
        """What is left of it after a moment: what was killed may take one to be gone."""
        deadline = time.monotonic() + 10
        while True:
            left = Surroundings.now(self.tokens).left_since(before)
            # What an attack starts and hides writes its number down.
            for path in self.ground.folder.glob("*.pid"):
                pid = int(path.read_text() or 0)
                if pid and alive(pid):
                    left.append(f"a process that it hid is left: {told(pid)}")
            if not left or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        for path in self.ground.folder.glob("*.pid"):
            pid = int(path.read_text() or 0)
            if pid and alive(pid) and b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        return left


def _successes(report: Report) -> list[str]:
    """The lines in which an attack says that it got what it wanted; not the lines of its source that would say it."""
    found = []
    for result in report.checks:
        if result.evidence is not None:
            said = f"{result.evidence.output or ''}\n{result.evidence.message}\n{result.evidence.got or ''}"
            found += [line for line in said.splitlines() if SUCCESS in line]
    return found[:3]


def rendered(report: Report) -> str:
    """The report in every form."""
    text = io.StringIO()
    console = Console(file=text, width=100, no_color=True, force_terminal=False, markup=False, emoji=False)
    for result in report.checks:
        console.print(terminal.check_line(result), crop=False)
    console.print(*terminal.details(report), terminal.summary(report), crop=False)
    return "\n".join((dumps([report]), to_junit([report]), text.getvalue()))


def without_seconds(text: str) -> str:
    """A JSON report without the times that it took."""
    data = json.loads(text)
    data["seconds"] = 0
    for check in data["checks"]:
        check["seconds"] = 0
    return json.dumps(data, indent=1)
