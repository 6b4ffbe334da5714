"""What a call through the proxy costs over the bare function, and how long a counterexample takes to shrink.

Run: python tests/bench/calls.py
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_check, worker_of
from dlgrade.checking.trial import Trial
from dlgrade.course.find import open_course
from dlgrade.course.load import content_digest, load_exercise
from dlgrade.model import Outcome, Submission
from dlgrade.sandbox.calls import Call
from dlgrade.sandbox.client import WorkerTarget

ROOT = Path(__file__).parent.parent.parent
MISTAKEN = b"""
import numpy as np

def softmax(x, axis=-1):
    e = np.exp(x - x.max())
    return e / e.sum()

def softmax_backward(grad, probs, axis=-1):
    return grad * probs
"""


def median_ms(act: Callable[[], object], rounds: int = 2000) -> float:
    """The median time of an act, in milliseconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def target(exercise, source: bytes) -> WorkerTarget:
    """A source in a worker."""
    submission = Submission(exercise.file_name, source, hashlib.sha256(source).hexdigest())
    return worker_of(exercise, submission)


def main() -> None:
    """Print the figures."""
    folder = next(e for e in open_course(ROOT).exercises if e.name == "softmax")
    exercise = load_exercise(folder, authored=True)
    scope: dict = {}
    exec(exercise.source, scope)
    x = np.arange(128.0)  # 1 KB
    with target(exercise, exercise.source.encode()) as worker:
        call = [Call("softmax", (x,))]
        bare = median_ms(lambda: scope["softmax"](x))
        proxied = median_ms(lambda: worker.call_many(call))
        batch = [Call("softmax", (x + i,)) for i in range(200)]
        batched = median_ms(lambda: worker.call_many(batch), 30) / len(batch)
    over = proxied - bare
    print(
        f"a call of 1 KB: bare {bare:.3f} ms, through the proxy {proxied:.3f} ms, over it {over:.3f} ms (at most 0.3)"
    )
    print(f"the same in batches of 200: {batched:.3f} ms a call, {batched / proxied:.2f} of a single one")
    with target(exercise, MISTAKEN) as worker:
        trial = Trial(exercise, worker, Drawer(), 0, content_digest(folder.path))
        for check in exercise.checks:
            if type(check).__name__ in ("Agreement", "Property", "Gradient"):
                trial.inputs(check)
                start = time.perf_counter()
                finding = run_check(check, trial)
                if finding.outcome == Outcome.FAILED:
                    print(f"{check.name:<32} fails, shrunk in {time.perf_counter() - start:.2f} s (at most 2)")


if __name__ == "__main__":
    sys.exit(main())
