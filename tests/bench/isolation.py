"""What isolation costs: a fresh worker against a cold start and against bubblewrap, and a class of right submissions.

Run: python tests/bench/isolation.py [--runs 60] [--class 100]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_checks
from dlgrade.course.find import open_course
from dlgrade.course.load import content_digest, load_exercise
from dlgrade.errors import UsageError
from dlgrade.model import Submission, Verdict
from dlgrade.sandbox.calls import Call, Returned
from dlgrade.sandbox.client import WorkerTarget
from dlgrade.sandbox.forks import Unconfined, Zygote
from dlgrade.sandbox.levels import workers
from dlgrade.sandbox.syntax import Reading

ROOT = Path(__file__).parent.parent.parent
LIMITS = {"numpy": 0.050, "torch": 0.100}


def milliseconds(times: list[float]) -> str:
    """Median and ninth decile."""
    ordered = sorted(times)
    return f"median {1e3 * statistics.median(ordered):6.1f} ms, p90 {1e3 * ordered[int(0.9 * len(ordered))]:6.1f} ms"


def fresh_worker(zygote: Zygote, submission: Submission) -> float:
    """Seconds from the request to the first answer of a worker that was not there before."""
    start = time.perf_counter()
    with WorkerTarget(submission, module="task", names=("f",), start=zygote.worker) as target:
        reply = target.call_many([Call("f", (np.ones(3),))])[0]
        took = time.perf_counter() - start
    assert isinstance(reply, Returned), reply
    return took


def process(command: list[str]) -> float:
    """Seconds that a whole process takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def children() -> float:
    """Processor seconds of this process and of all that it has started and that has ended."""
    mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def main() -> int:
    """Print the tables; 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--class", type=int, default=100, dest="size")
    options = parser.parse_args()
    failed = False
    cold = {name: [process([sys.executable, "-c", f"import {name}"]) for _ in range(5)] for name in ("numpy", "torch")}
    for name, times in cold.items():
        print(f"python -c 'import {name}', cold process     {milliseconds(times)}")
    if shutil.which("bwrap"):
        wrap = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        for what, command in (("true", ["true"]), ("import numpy", [sys.executable, "-c", "import numpy"])):
            times = [process([*wrap, *command]) for _ in range(11)]
            print(f"bwrap, {what:<33}     {milliseconds(times)}")
    else:
        print("bwrap is not installed: no comparison with it")

    source = b"def f(x): return x * 2"
    submission = Submission("task.py", source, hashlib.sha256(source).hexdigest())
    for framework in ("numpy", "torch"):
        for level in ("landlock", "strict"):
            try:
                with Zygote(framework, level) as zygote:
                    times = [fresh_worker(zygote, submission) for _ in range(options.runs)]
            except Unconfined as error:
                print(error)
                continue
            p90 = sorted(times)[int(0.9 * len(times))]
            over = p90 > LIMITS[framework] and level == "strict"
            failed |= over
            ratio = statistics.median(cold[framework]) / statistics.median(times)
            print(
                f"fresh worker, {framework:<6}{level:<9} to the first answer  {milliseconds(times)}, {ratio:.0f} times "
                f"faster than cold{'  OVER THE LIMIT' if over else ''}"
            )

    folder = next(folder for folder in open_course(ROOT).exercises if folder.name == "softmax")
    exercise = load_exercise(folder, authored=True)
    right = exercise.source.encode()
    submission = Submission(exercise.file_name, right, hashlib.sha256(right).hexdigest())
    read, content, drawer = Reading(right).result(), content_digest(folder.path), Drawer()
    for level in ("process", "landlock", "strict"):
        start, begun = time.perf_counter(), children()
        try:
            with workers("numpy", level) as found:
                for _ in range(options.size):
                    with WorkerTarget(
                        submission, module=exercise.name, names=list(exercise.entry_points), start=found.start
                    ) as target:
                        report = run_checks(
                            exercise, submission, target, facts=lambda: read, misconceptions=lambda: [],
                            drawer=drawer, content=content, seed=0,
                        )  # fmt: skip
                    assert report.verdict == Verdict.PASSED
        except UsageError as error:
            print(error)
            continue
        wall, cpu = time.perf_counter() - start, children() - begun
        print(
            f"{options.size} right softmax submissions, {level:<9}{1e3 * cpu / options.size:6.0f} ms of processor "
            f"time each, {1e3 * wall / options.size:6.0f} ms on the wall"
        )
    print(f"on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
