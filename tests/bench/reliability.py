"""What a run of `dlgrade grade` leaves after each disturbance and a rerun, against that of an undisturbed run.

The grader is killed (kill -9) at random moments, the disk is full, the gradebook may not be written, two graders run at
once, the clock is moved back. Everything must be equal but for the times of grading: `graded_class.everything`.

Run: nice -n 15 python tests/bench/reliability.py [--kills 100] [--submissions 200] [--jobs 2] [--only NAME]
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dlgrade.course.find import find_root
from dlgrade.errors import UsageError
from dlgrade.gradebook.store import Gradebook

sys.path.insert(0, str(Path(__file__).parent.parent / "gradebook"))
from graded_class import everything

EXERCISE = Path("02_losses") / "softmax"
SYLLABUS = 'title = "Softmax"\n[[unit]]\nfolder = "02_losses"\n'
WHEN = datetime(2026, 3, 2, 12, tzinfo=UTC)
BODIES = (
    "def softmax(x, axis=-1):\n    return x\n",
    "def softmax(x, axis=-1):\n    raise NotImplementedError\n",
    "import os\nos._exit(0)\n",
    *("def softmax(x, axis=-1:\n", "") * 8,
)
"""Besides the right one; most cost little, so that deaths fall among reports."""
# The product has no door for another time, and needs none: here its one question for the time is answered.
CLOCK = """
import sys
from datetime import UTC, datetime, timedelta
from dlgrade.cli import grade, main
by = timedelta(seconds=float(sys.argv.pop(1)))
grade._now = lambda: datetime.now(UTC) + by
main()
"""
# The limit is for what the gradebook writes: workers have limits of their own.
LIMITED = """
import resource, sys
from dlgrade.cli import main
from dlgrade.gradebook.store import Gradebook
limit = int(sys.argv.pop(1))
add = Gradebook.add
def limited(*given):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        return add(*given)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
Gradebook.add = limited
main()
"""


@dataclass(frozen=True)
class Desk:
    """A course, a class, and what an undisturbed run made of it."""

    base: Path
    submissions: Path
    options: tuple[str, ...]
    whole: float
    right: tuple

    def command(self, out: Path, *more: str, script: tuple[str, ...] = ()) -> list[str]:
        """The command that grades the class into a folder; with a script in place of the plain start."""
        start = ["-c", *script] if script else ["-m", "dlgrade"]
        return [sys.executable, *start, "--course", str(self.base / "root"), "grade", str(self.submissions),
                "--out", str(out), *self.options, *more]  # fmt: skip

    def run(self, out: Path, *more: str, script: tuple[str, ...] = (), **options) -> subprocess.CompletedProcess:
        """Run it to its end."""
        ran = subprocess.run(self.command(out, *more, script=script), capture_output=True, text=True, **options)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran


def main() -> int:
    """Print a line for each kind of disturbance."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--submissions", type=int, default=200)
    options.add_argument("--isolation", default="auto")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--only", choices=list(KINDS), action="append")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        desk = _desk(Path(folder), given.submissions, given.isolation, given.jobs)
        print(f"{len(desk.right[0])} reports undisturbed in {desk.whole:.1f} s; load {os.getloadavg()[0]:.1f}")
        print(f"{'what':<34}{'times':>6}{'cut short':>11}  {'afterwards':<12}it said")
        unequal = 0
        for name in given.only or KINDS:
            for what, times, cut, equal, said in KINDS[name](desk, random.Random(given.seed), given.kills):
                unequal += not equal
                afterwards = "equal" if equal else "NOT EQUAL"
                print(f"{what:<34}{times:>6}{cut:>11}  {afterwards:<12}{said}", flush=True)
    return int(unequal > 0)


Row = tuple[str, int, int, bool, str]


def _desk(base: Path, submissions: int, isolation: str, jobs: int) -> Desk:
    """Softmax alone, since it is the same for all; no two submissions alike."""
    root = base / "root"
    (root / "course").mkdir(parents=True)
    (root / "course" / "course.toml").write_text(SYLLABUS)
    shutil.copytree(find_root() / "solutions" / EXERCISE, root / "solutions" / EXERCISE)
    right = (root / "solutions" / EXERCISE / "softmax.py").read_text("utf-8")
    bodies = (right, *BODIES)
    for number in range(submissions):
        path = base / "class" / f"student-{number:03}" / "softmax.py"
        path.parent.mkdir(parents=True)
        path.write_text(f"{bodies[number % len(bodies)]}\n#{' ' * number}{number}\n", "utf-8")
        os.utime(path, (WHEN.timestamp(), WHEN.timestamp()))
    options = ("-j", str(jobs), "--isolation", isolation, "--seed", "7")
    desk = Desk(base, base / "class", options, 0.0, ())
    begun = time.monotonic()
    ran = desk.run(base / "right")
    if ran.returncode:
        raise SystemExit(ran.stderr)
    return Desk(base, base / "class", options, time.monotonic() - begun, everything(base / "right"))


def _equal(desk: Desk, out: Path) -> bool:
    ran = desk.run(out)
    if ran.returncode:
        print(ran.stderr, file=sys.stderr)
        return False
    return _same(everything(out), desk.right)


def _same(found: tuple, right: tuple) -> bool:
    names = ("gradebook", "reports", "grades.csv", "seed")
    unlike = [name for name, mine, its in zip(names, found, right, strict=True) if mine != its]
    if unlike:
        print(f"Unlike: {', '.join(unlike)}", file=sys.stderr)
    return not unlike


def _said(ran: subprocess.CompletedProcess) -> str:
    lines = [line for line in ran.stderr.splitlines() if line.startswith("Error:")]
    return f"exit {ran.returncode}: {lines[0][:150] if lines else 'nothing'}"


# -- disturbances ------------------------------------------------------------------------------------------------------


def killed(desk: Desk, draw: random.Random, kills: int) -> Iterator[Row]:
    """Runs that are killed at random moments and started again until they are done, each in a folder of its own."""
    done = cut = runs = 0
    starting, equal = 5.0, True
    tracebacks: Counter[str] = Counter()
    while done < kills:
        out = desk.base / f"killed-{runs}"
        runs += 1
        while done < kills:
            before = _reports(out)
            grader = subprocess.Popen(desk.command(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            begun = time.monotonic()
            among = draw.random() < 0.75
            while among and grader.poll() is None and _reports(out) == before:
                time.sleep(0.02)
            starting = (time.monotonic() - begun) if among else starting
            # Before the first report, or somewhere among the next few.
            time.sleep(draw.uniform(0, 0.05 * desk.whole if among else starting))
            ended = grader.poll() is not None
            grader.kill()
            said = grader.communicate()[1]
            tracebacks[said.splitlines()[-1] if "Traceback" in said else ""] += 1
            if ended:
                break
            done += 1
            cut += before < _reports(out) < len(desk.right[0])
        equal = equal and _equal(desk, out)
        shutil.rmtree(out)
    del tracebacks[""]
    said = f"{runs} runs; tracebacks: {dict(tracebacks) or 'none'}"
    yield "kill -9 at a random moment", done, cut, equal, said


def _reports(out: Path) -> int:
    """How many reports are there, for a grader that may be at work or dead in the middle of something."""
    try:
        with Gradebook.open(out) as book:
            return sum(1 for _ in book.records())
    except UsageError:
        return 0


def full(desk: Desk, draw: random.Random, _: int) -> Iterator[Row]:
    """A limit on the size of files, which is met while the gradebook grows; and a disk that is full."""
    size = (desk.base / "right" / "gradebook.db").stat().st_size
    equal, cut, said = True, 0, Counter()
    for number in range(10):
        out = desk.base / f"limited-{number}"
        limit = draw.randrange(8_000, size)
        ran = desk.run(out, script=(LIMITED, str(limit)))
        said[_said(ran).replace(str(out), "DIR")] += 1
        cut += 0 < _reports(out) < len(desk.right[0])
        equal = equal and _equal(desk, out)
    yield "no file may grow (RLIMIT_FSIZE)", 10, cut, equal, "; ".join(f"{n} × {one}" for one, n in said.items())
    with _small_disk(desk.base / "disk", size // 2) as disk:
        if disk is None:
            yield "the disk is full (tmpfs)", 0, 0, True, "not tried: no file system may be mounted here"
            return
        ran = desk.run(disk / "out")
        cut = int(0 < _reports(disk / "out") < len(desk.right[0]))
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        yield "the disk is full (tmpfs)", 1, cut, _equal(desk, disk / "out"), _said(ran).replace(str(disk), "DISK")


@contextmanager
def _small_disk(at: Path, size: int) -> Iterator[Path | None]:
    at.mkdir()
    mounted = not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], capture_output=True
    ).returncode  # fmt: skip
    try:
        yield at if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", str(at)], check=True)


def read_only(desk: Desk, draw: random.Random, _: int) -> Iterator[Row]:
    """A gradebook, half full, that may not be written; root loses the right to write all the same."""
    out = desk.base / "read-only"
    cut = _half(desk, out)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    for path in (*out.iterdir(), out):
        path.chmod(0o555 if path.is_dir() else 0o444)
    ran = desk.run(out, preexec_fn=_without_rights)
    unchanged = before == {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    for path in (out, *out.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (out / "seed").chmod(0o600)
    equal = unchanged and ran.returncode == 2 and _equal(desk, out)
    yield "the gradebook may not be written", 1, cut, equal, _said(ran).replace(str(out), "DIR")


def _without_rights() -> None:
    """Drop what lets root write where nobody may: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER."""
    if os.getuid() == 0:
        for capability in (1, 2, 3):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def _half(desk: Desk, out: Path, script: tuple[str, ...] = ()) -> int:
    """Grade until some reports are there, and kill the grader; whether that was in the middle."""
    grader = subprocess.Popen(desk.command(out, script=script), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while grader.poll() is None and _reports(out) < len(desk.right[0]) // 4:
        time.sleep(0.05)
    grader.kill()
    grader.wait()
    return int(0 < _reports(out) < len(desk.right[0]))


def two_at_once(desk: Desk, draw: random.Random, _: int) -> Iterator[Row]:
    """Two graders start in one folder, five times; one more while the first is at work."""
    equal, said = True, Counter()
    for number in range(5):
        out = desk.base / f"two-{number}"
        both = [
            subprocess.Popen(desk.command(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for one in both:
            text = one.communicate()[1]
            assert "Traceback" not in text, text
            ran = subprocess.CompletedProcess([], one.returncode, "", text)
            said["exit 0" if not ran.returncode else _said(ran).replace(str(out), "DIR")] += 1
        equal = equal and _same(everything(out), desk.right) and _equal(desk, out)
    yield "two graders at once", 5, 0, equal, "; ".join(f"{n} × {one}" for one, n in said.items())


def clock_back(desk: Desk, draw: random.Random, _: int) -> Iterator[Row]:
    """The clock is moved back by a day, in the middle of a run and between two with different seeds."""
    out = desk.base / "back"
    cut = _half(desk, out, script=(CLOCK, "86400"))
    yield "the clock a day back, half-way", 1, cut, _equal(desk, out), ""
    out = desk.base / "regraded"
    before = desk.run(out, "--seed", "8", script=(CLOCK, "86400"))
    ran = desk.run(out)
    book, reports, *rest = everything(out)
    counts = [row for row in book if '"seed": 7' in row[-1]]
    equal = not before.returncode and not ran.returncode and _same((counts, reports, *rest), desk.right)
    yield "the clock a day back, regraded", 1, 0, equal, f"{len(book)} reports, of which the later ones count"


KINDS: dict[str, Callable[[Desk, random.Random, int], Iterator[Row]]] = {
    one.__name__: one for one in (full, read_only, two_at_once, clock_back, killed)
}

if __name__ == "__main__":
    sys.exit(main())
