"""Everything that wants a GPU, in one run of some minutes.

Correctness on the device; times against torch's own operators and the roofline that is measured here; verdicts again
and again; attacks on the clock; the memory of tiled attention by length.

Run: python tests/bench/gpu.py --out DIR [--device cuda|cpu] [--minutes 8]

It writes DIR/<device name>.json and prints a short table. On the CPU it takes the same way at small sizes: that shows
that the way is open, and is no result of a GPU.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dlgrade.author import Policy, Timing
from dlgrade.checking.inputs import Drawer
from dlgrade.checking.run import run_checks, worker_of
from dlgrade.checking.timing import Measured, measure
from dlgrade.checking.trial import Trial, styled_call
from dlgrade.course.find import open_course
from dlgrade.course.load import content_digest, load_exercise
from dlgrade.course.times import prove_times
from dlgrade.model import Exercise, Outcome, Submission, Verdict
from dlgrade.sandbox.calls import Returned
from dlgrade.sandbox.syntax import Facts, Reading

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "attacks"), str(ROOT / "tests")]
from timed_softmax import RIGHT, timed_softmax  # noqa: E402 -- it lies there

FOLDERS = [folder for folder in open_course(ROOT).exercises if folder.framework == "torch"]


def submission_of(exercise: Exercise, source: str) -> Submission:
    """A source as it would be handed in."""
    data = source.encode()
    return Submission(exercise.file_name, data, hashlib.sha256(data).hexdigest())


# -- the machine -------------------------------------------------------------------------------------------------------


def seconds_of(work: Callable[[], Any], device: str, rounds: int = 11) -> float:
    """The median time of some work on the device."""
    times = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


def roofline(device: str) -> dict[str, float]:
    """Bytes a second of a copy and float32 operations a second of a matrix product, TF32 off."""
    torch.backends.cuda.matmul.allow_tf32 = False
    side, count = (8192, 1 << 28) if device == "cuda" else (1024, 1 << 24)
    source, target = torch.ones(count, device=device), torch.empty(count, device=device)
    a = torch.ones(side, side, device=device)
    copy, product = seconds_of(lambda: target.copy_(source), device), seconds_of(lambda: a @ a, device)
    return {"bytes_per_second": 8 * count / copy, "operations_per_second": 2 * side**3 / product}


# -- correctness -------------------------------------------------------------------------------------------------------


def correctness(device: str) -> Iterator[dict[str, Any]]:
    """Every reference against its own checks on the device, but for what is timed."""
    for folder in FOLDERS:
        whole = load_exercise(folder, authored=True, hidden=True)
        exercise = replace(whole, checks=tuple(c for c in whole.checks if not isinstance(c, Timing | Policy)))
        submission = submission_of(exercise, exercise.source)
        with worker_of(exercise, submission, device=device) as target:
            report = run_checks(
                exercise, submission, target, facts=Reading(submission.source).result, misconceptions=lambda: [],
                drawer=Drawer(), content=content_digest(folder.path), seed=0,
            )  # fmt: skip
        wrong = [result.name for result in report.checks if result.outcome is not Outcome.PASSED]
        yield {"exercise": folder.name, "points": report.points, "max_points": report.max_points, "failed": wrong}


# -- times -------------------------------------------------------------------------------------------------------------


def on(check: Timing, device: str) -> bool:
    """Whether a check is timed in this run; on the CPU it is those of the CPU that show the path."""
    return check.device == device


def times(device: str, until: float) -> Iterator[dict[str, Any]]:
    """Every version of every exercise against torch's own operator."""
    for folder in FOLDERS:
        for found in prove_times(folder, devices=(device,), keep=False):
            yield {"exercise": folder.name, **asdict(found)}
            if time.monotonic() > until:
                return


def of_roofline(device: str, bounds: dict[str, float]) -> Iterator[dict[str, Any]]:
    """How near torch's own operator and the reference come to reading and writing each byte once."""
    for folder in FOLDERS:
        exercise = load_exercise(folder, authored=True)
        for check in exercise.checks:
            if not isinstance(check, Timing) or not on(check, device):
                continue
            scope: dict[str, Any] = {}
            exec(compile(exercise.source, folder.file_name, "exec"), scope)
            given = check.given(np.random.default_rng(0), check.size)
            held = {k: torch.from_numpy(v).to(device) if isinstance(v, np.ndarray) else v for k, v in given.items()}
            with torch.no_grad():
                result = check.baseline(**held)
                library = seconds_of(lambda c=check, h=held: c.baseline(**h), device)
                reference = seconds_of(lambda c=check, h=held, s=scope: s[c.entry_point](**h), device)
            results = result if isinstance(result, tuple) else (result,)
            moved = sum(t.nbytes for t in (*held.values(), *results) if isinstance(t, torch.Tensor))
            least = moved / bounds["bytes_per_second"]
            yield {
                "exercise": folder.name, "size": check.size, "megabytes": moved / 1e6,
                "library_ms": 1e3 * library, "reference_ms": 1e3 * reference,
                "library_of_roofline": least / library, "reference_of_roofline": least / reference,
            }  # fmt: skip


# -- verdicts under noise ----------------------------------------------------------------------------------------------

_REPEATED = """
import torch

def {name}(x, dim=-1):
    for _ in range({times}):
        y = torch.exp(x - x.amax(dim, keepdim=True))
        y = y / y.sum(dim, keepdim=True)
    return y
"""


def verdicts(device: str, count: int, until: float) -> dict[str, Any]:
    """Submissions that do the work of the limit's own size 0.5, 1.5 and 3 times over, judged again and again."""
    folder = next(folder for folder in FOLDERS if folder.name == "softmax_fast")
    exercise = load_exercise(folder, authored=True)
    check = next(c for c in exercise.checks if isinstance(c, Timing) and on(c, device))
    found: dict[str, list[float]] = {}
    for label, repeats in (("once", 1), ("four times", 4)):
        source = _REPEATED.format(name=check.entry_point, times=repeats)
        for _ in range(count):
            if time.monotonic() > until:
                break
            with worker_of(exercise, submission_of(exercise, source), device=device) as target:
                measured = measure(check, Trial(exercise, target, Drawer(), 0, ""), target)
            if isinstance(measured, Measured):
                found.setdefault(label, []).append(measured.ratio())
    return {
        label: {"verdicts": len(ratios), "median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
        for label, ratios in found.items()
    }


# -- memory ------------------------------------------------------------------------------------------------------------


def memory(device: str) -> Iterator[dict[str, Any]]:
    """The high-water mark of attention, in tiles and all at once, by the length of the sequence."""
    lengths = (1024, 2048, 4096, 8192, 16384) if device == "cuda" else (256, 512, 1024)
    for folder in FOLDERS:
        if folder.name not in ("attention_tiled", "attention_fast"):
            continue
        exercise = load_exercise(folder, authored=True)
        with worker_of(exercise, submission_of(exercise, exercise.source), device=device) as target:
            for length in lengths:
                q, k, v = np.random.default_rng(0).standard_normal((3, 1, length, 64), dtype=np.float32)
                entry_point = exercise.entry_points[folder.name]
                call = styled_call(entry_point, {"q": q, "k": k, "v": v}, 0, measure="memory")
                reply = target.call_many([call], seconds=60)[0]
                cost = reply.cost if isinstance(reply, Returned) else None
                yield {"exercise": folder.name, "length": length, "bytes": cost}


# -- attacks -----------------------------------------------------------------------------------------------------------


def attacks(device: str, until: float) -> Iterator[dict[str, Any]]:
    """A right answer, then hostile submissions against the clock, of which none may be found right and fast."""
    exercise = timed_softmax(device=device, size=1 << 17 if device == "cuda" else 2048)
    paths = sorted((ROOT / "tests" / "attacks" / "speed").glob("*.py"))
    for name, source in [("a right answer", RIGHT.decode()), *((path.stem, path.read_text("utf-8")) for path in paths)]:
        if time.monotonic() > until:
            return
        submission = submission_of(exercise, source)
        with worker_of(exercise, submission, device=device) as target:
            report = run_checks(
                exercise, submission, target, facts=lambda: Facts(()), misconceptions=lambda: [], drawer=Drawer(),
                content="", seed=0,
            )  # fmt: skip
        timed = report.checks[-1]
        said = timed.evidence.message if timed.evidence else ""
        yield {"attack": name, "passed": report.verdict is Verdict.PASSED, "outcome": timed.outcome.value, "said": said}


# -- all of it ---------------------------------------------------------------------------------------------------------


def main() -> int:
    """Run everything; 1 if something is wrong on this device."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True, help="where the result is written")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--minutes", type=float, default=8.0, help="the most that it may take")
    options = parser.parse_args()
    start, device = time.monotonic(), options.device
    end = start + 60 * options.minutes
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    result: dict[str, Any] = {"device": name, "torch": torch.__version__, "kind": device}

    def part(label: str, made: Any) -> None:
        began = time.monotonic()
        result[label] = list(made) if isinstance(made, Iterator) else made
        print(f"\n== {label} ({time.monotonic() - began:.0f} s)", flush=True)
        for row in result[label] if isinstance(result[label], list) else [result[label]]:
            print("  " + "  ".join(f"{key} {_shown(value)}" for key, value in row.items() if value not in ("", None)))

    part("roofline", roofline(device))
    part("correctness", correctness(device))
    part("memory", memory(device))
    part("of_roofline", of_roofline(device, result["roofline"]))
    part("times", times(device, start + 0.6 * (end - start)))
    part("attacks", attacks(device, start + 0.8 * (end - start)))
    part("verdicts", verdicts(device, 50 if device == "cuda" else 3, end))
    result["seconds"] = round(time.monotonic() - start, 1)
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-').lower()}.json"
    file.write_text(json.dumps(_finite(result), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    print(f"\n{file}: {result['seconds']:.0f} s on {name}")
    wrong = [row["exercise"] for row in result["correctness"] if row["failed"]]
    through = [row["attack"] for row in result["attacks"] if row["passed"] != (row["attack"] == "a right answer")]
    faults = [row["fault"] for row in result["times"] if row["fault"]]
    for told in (*wrong, *through, *faults):
        print(f"!! {told}", file=sys.stderr)
    return 1 if wrong or through or faults else 0


def _finite(value: Any) -> Any:
    """The value with None for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _finite(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(held) for held in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
