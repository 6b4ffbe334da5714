"""Ways to a softmax that torch has already: each read from its file, alone or two together, and what sees them.

Three things stand in the way of them: the source, in which nothing ready-made may be named; the record of the
operators that run; and the override, which lets the ready-made ones raise. Any of them can be left out here.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dlgrade.author import Agreement, Policy
from dlgrade.checking import policy
from dlgrade.checking.agreement import run_agreement
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.trial import Trial
from dlgrade.course.find import ExerciseFolder
from dlgrade.course.load import load_exercise
from dlgrade.model import Exercise, Outcome, Submission
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.levels import Workers
from dlgrade.sandbox.parser import _read
from dlgrade.sandbox.syntax import Facts, Use

COLUMNS = ("none", "source", "record", "override", "both", "all")
"""No layer, each alone, the record and the override together, and all three."""

_STUB = '''"""Softmax."""
import torch


def softmax(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Along `dim`, probabilities."""
    ### BEGIN SOLUTION
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)
    ### END SOLUTION
'''
_CHECKS = '''"""Checks."""
import torch
from dlgrade.author import Agreement, Policy, arrays
from hypothesis import strategies as st

agrees = Agreement(
    "softmax",
    oracle=lambda x, dim=-1: torch.softmax(x, dim),
    given=dict(x=arrays(sides=(2, 3), within=3), dim=st.sampled_from((0, -1))),
    examples=5,
    rtol32=1e-3,
)
permitted = Policy()
'''


@dataclass(frozen=True)
class Way:
    """One way, and what its header says of it: a library's softmax, or an evasion that runs any of them unseen."""

    path: Path

    @property
    def name(self) -> str:
        """Its file's, which is also its function's."""
        return self.path.stem

    @cached_property
    def header(self) -> dict[str, str]:
        """The words of its header."""
        lines = itertools.takewhile(lambda line: line.startswith("#"), self.path.read_text().splitlines())
        words = (line[1:].partition(":") for line in lines)
        found = {word.strip(): value.strip() for word, _, value in words}
        if set(found) - {"never", "passes"} != {"attack", "catalogue", "kind"} or found["kind"] not in (
            "library",
            "evasion",
        ):
            raise ValueError(f"{self.path}: its header should say attack, catalogue, kind (library or evasion)")
        return found

    @property
    def evasion(self) -> bool:
        """Whether it takes what it is to run."""
        return self.header["kind"] == "evasion"


def ways() -> list[Way]:
    """All of them, by name."""
    return [Way(path) for path in sorted((Path(__file__).parent / "means").glob("*.py"))]


def attempts() -> Iterator[tuple[Way, ...]]:
    """Each alone, then all in pairs, an evasion first."""
    known = ways()
    yield from ((way,) for way in known)
    for pair in itertools.combinations(known, 2):
        yield tuple(sorted(pair, key=lambda way: not way.evasion))


def source_of(attempt: tuple[Way, ...]) -> str:
    """A submission that goes these ways: an evasion runs what comes after it, a library's falls back on the next."""
    body = "torch.softmax(x, dim)"
    for way in reversed(attempt):
        if way.evasion:
            body = f"{way.name}(lambda: {body}, x, dim)"
        elif way is attempt[-1]:
            body = f"{way.name}(x, dim)"
        else:
            body = f"either({way.name}, {attempt[-1].name}, x, dim)"
    parts = [way.path.read_text() for way in attempt]
    parts.append(
        "import torch\n\n\n"
        "def either(first, second, x, dim):\n"
        "    try:\n        return first(x, dim)\n    except Exception:\n        return second(x, dim)\n\n\n"
        f"def softmax(x, dim=-1):\n    return {body}\n"
    )
    return "\n\n".join(parts)


def exercise_in(folder: Path) -> Exercise:
    """The exercise that they are handed in for, a softmax on tensors, made in an empty folder."""
    (folder / "softmax.py").write_text(_STUB)
    (folder / "checks.py").write_text(_CHECKS)
    return load_exercise(ExerciseFolder("softmax", "02_losses", folder), authored=True)


def seen_in_source(source: str) -> list[str]:
    """What the source may not say."""
    found = _read(source.encode())  # in this process: what it reads is our own
    uses, asked = (tuple(Use(*entry) for entry in found[key]) for key in ("uses", "asked"))
    return [use.name for use in policy._unpermitted(Policy(), Facts(uses, asked, frozenset(found["own"])))]


@dataclass
class Judge:
    """Runs attempts against some of the layers.

    Args:
        workers: where they run.
        exercise: what they are handed in for.
    """

    workers: Workers
    exercise: Exercise
    drawer: Drawer = field(default_factory=Drawer)

    def passes(self, source: str) -> dict[str, bool]:
        """What a submission passes undetected: no layer (does it give a softmax at all?), each alone, and several."""
        named = bool(seen_in_source(source))
        guarded, still_recorded = self._ran(source, policy.refused_operators(self.exercise))
        answers, recorded = self._ran(source, ())
        return {
            "none": answers,
            "source": answers and not named,
            "record": answers and not recorded,
            "override": guarded,
            "both": guarded and not still_recorded,
            "all": guarded and not still_recorded and not named,
        }

    def _ran(self, source: str, refused: Sequence[str]) -> tuple[bool, bool]:
        """Whether a submission gives a softmax where these operators raise, and whether one is in the record."""
        data = source.encode()
        submission = Submission("softmax.py", data, hashlib.sha256(data).hexdigest())
        agrees, _ = self.exercise.checks
        assert isinstance(agrees, Agreement)
        with WorkerTarget(
            submission, module="softmax", names=["softmax"], refused=refused, start=self.workers.start
        ) as target:
            trial = Trial(self.exercise, target, self.drawer, 0, "softmax", explain=False)
            target.begin_check()
            finding = run_agreement(agrees, trial)
            self.said = finding.evidence.message if finding.evidence else ""
            if finding.outcome != Outcome.PASSED:
                return False, False
            return True, policy._logged(trial, "").outcome == Outcome.FORBIDDEN

    said = ""
    """What was said of the last answers, where no operator raised."""
