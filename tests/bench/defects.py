"""Whether the tests can fail: plants one defect at a time in a copy of the tree, and lists the tests that go red.

Run: python tests/bench/defects.py
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path("grader") / "dlgrade"


@dataclass(frozen=True)
class Defect:
    """A defect: what it is, the file, the code as it is, the code as it would be, and where to look for a red test."""

    what: str
    file: str
    code: str
    broken: str
    tests: str


DEFECTS = [
    Defect(
        "the comparison is always true",
        "author.py",
        "    result: Array = same | near\n",
        "    result: Array = np.ones_like(same | near, dtype=bool)\n",
        "tests/checking/test_agreement.py",
    ),
    Defect(
        "the tolerance is 1,000 times as wide",
        "author.py",
        "rtol * np.asarray(scale)\n",
        "1000 * rtol * np.asarray(scale)\n",
        "tests/checking/test_tolerances.py",
    ),
    Defect(
        "a gradient is compared with itself",
        "checking/gradient.py",
        "off, allowed = np.max(np.abs(got - want), initial=0.0)",
        "off, allowed = np.max(np.abs(got - got), initial=0.0)",
        "tests/checking/test_gradient.py",
    ),
    Defect(
        "every misconception matches",
        "checking/diagnosis.py",
        "if theirs and _reproduces(candidate, theirs) and _goes_wrong(candidate, finding, right):",
        "if theirs:",
        "tests/checking/test_diagnosis.py",
    ),
    Defect(
        "the nonce is not checked",
        "sandbox/client.py",
        "        if frame.nonce != nonce:\n",
        "        if False:\n",
        "tests/sandbox/test_worker.py tests/sandbox/test_hostile.py",
    ),
    Defect(
        "the deadline is ignored",
        "sandbox/client.py",
        "            if now >= self._deadline:\n",
        "            if now >= self._deadline + 30:\n",
        "tests/sandbox/test_worker.py tests/sandbox/test_hostile.py",
    ),
    Defect(
        "what is printed is kept without bound",
        "sandbox/client.py",
        "room = max(0, 4 * OUTPUT_LIMIT - len(self.output))",
        "room = 1 << 40",
        "tests/sandbox",
    ),
    Defect(
        "a memory file's seals are not looked at",
        "sandbox/wire.py",
        "if seals & fcntl.F_SEAL_SHRINK and",
        "if",
        "tests/sandbox/test_wire.py",
    ),
    Defect(
        "a frame's sizes are not looked at",
        "sandbox/wire.py",
        "        if text_size > json_limit or blob_size > blob_limit:\n",
        "        if False:\n",
        "tests/sandbox/test_wire.py",
    ),
    Defect("anything may be imported", "sandbox/worker.py", "    sys.addaudithook(guard)\n", "", "tests/sandbox"),
    Defect(
        "changed arguments are not noticed",
        "checking/agreement.py",
        "        if not alike or not _identical(after, before):\n",
        "        if False:\n",
        "tests/checking/test_agreement.py",
    ),
    Defect(
        "every call is made in one way",
        "checking/agreement.py",
        "return styled_call(entry_point, formed, style, want",
        "return styled_call(entry_point, formed, 0, want",
        "tests/checking/test_agreement.py",
    ),
    Defect(
        "a submission is told the seed",
        "checking/run.py",
        "seed=workers_seed(seed)",
        "seed=seed",
        "tests/gradebook/test_grade.py",
    ),
    Defect(
        "a door is not tried",
        "sandbox/zygote.py",
        "            if resource.getrlimit(resource.RLIMIT_AS) != (self.memory, self.memory):\n",
        "            if False:\n",
        "tests/sandbox/test_levels.py",
    ),
    Defect(
        "a changed adjustment is not noticed",
        "gradebook/store.py",
        'self._require(_checksum(row) == checksum, "adjustment", number)',
        "pass",
        "tests/gradebook/test_store.py",
    ),
    Defect(
        "nothing is called a second time",
        "checking/agreement.py",
        "        finding = _repeat(check, trial, inputs)\n",
        "        pass\n",
        "tests/checking/test_agreement.py",
    ),
    Defect(
        "our own fault is the student's",
        "checking/run.py",
        '        return Finding(Outcome.BROKEN, Evidence(message, rung="grader"))',
        '        return Finding(Outcome.FAILED, Evidence(message, rung="grader"))',
        "tests/checking/test_run.py",
    ),
    Defect(
        "counterexamples are not made smaller",
        "checking/inputs.py",
        "            if size < best_weight:\n",
        "            if False:\n",
        "tests/checking/test_law.py",
    ),
    Defect(
        "a stub keeps its solution",
        "course/stub.py",
        "        lines[region.first - 1 : region.last] = replacement\n",
        "        pass\n",
        "tests/course/test_release.py",
    ),
    Defect(
        "a misconception that is not caught is not told",
        "course/selftest.py",
        "        caught += not missed\n",
        "        caught += 1\n        missed = []\n",
        "tests/course/test_selftest.py",
    ),
]


def main() -> int:
    """Print a line for each defect; 1 if one of them goes unnoticed."""
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, copy, ignore=ignored)
        environment = {**os.environ, "PYTHONPATH": str(copy / "grader"), "PYTHONDONTWRITEBYTECODE": "1"}
        for defect in DEFECTS:
            path = copy / PACKAGE / defect.file
            right = path.read_text(encoding="utf-8")
            if right.count(defect.code) != 1:
                print(f"{defect.what:<50} cannot be planted: {defect.file} has changed")
                unnoticed += 1
                continue
            path.write_text(right.replace(defect.code, defect.broken), encoding="utf-8")
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *defect.tests.split()]
            done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
            path.write_text(right, encoding="utf-8")
            red = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", done.stdout, re.M)
            unnoticed += red is None
            print(f"{defect.what:<50} {red[1] if red else 'UNNOTICED'}", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
