"""Whole processes timed against each other, in turn, so that a drifting machine moves both; the ratio per pair."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence


def run(command: Sequence[str], **options) -> tuple[float, float]:
    """Run a command; its wall and its processor seconds (children included)."""
    before = os.times()
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, **options)
    wall = time.perf_counter() - start
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


def first_line(command: Sequence[str], mark: str, **options) -> float:
    """Wall seconds until a command prints a line with `mark` in it."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options) as process:
        for line in process.stdout:
            if mark in line:
                seconds = time.perf_counter() - start
                process.stdout.read()
                return seconds
    raise RuntimeError(f"{command} never printed {mark!r}")


def ratio(name: str, ours: Callable[[], float], peer: Callable[[], float], *, limit: float, rounds: int = 9) -> None:
    """Time two things in turn and print the median of the ratios of each pair, beside its limit."""
    ours(), peer()  # warm
    pairs = [(ours(), peer()) for _ in range(rounds)]
    ratios = sorted(a / b for a, b in pairs)
    a, b = (statistics.median(side) for side in zip(*pairs, strict=True))
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    median = statistics.median(ratios)
    print(f"{name:<44}{a * 1e3:>8.1f} ms /{b * 1e3:>7.1f} ms = {median:>5.2f}  ({spread}; at most {limit})")
