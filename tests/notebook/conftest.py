"""A course of two exercises, and processes that keep to a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
COURSE = """\
title = "One unit"

[[unit]]
folder = "02_losses"
title = "Losses"

[[unit]]
folder = "05_convolution"
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Place:
    """A folder in which programs run as if it were the home of whoever starts them."""

    root: Path

    def run(self, *command, cwd=None, **environment):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "DLGRADE", "PYTEST"))}
        home = self.root / "home"
        home.mkdir(exist_ok=True)
        own = {
            "HOME": home,
            "XDG_CACHE_HOME": home / "cache",
            "IPYTHONDIR": home / "ipython",
            **{f"JUPYTER_{name}_DIR": home / name.lower() for name in ("CONFIG", "DATA", "RUNTIME")},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            **environment,
        }
        done = subprocess.run(
            list(map(str, command)),
            cwd=cwd or self.root,
            env={**kept, **{name: str(value) for name, value in own.items()}},
            capture_output=True,
            encoding="utf-8",
            timeout=200,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def dlgrade(self, *arguments, **options):
        return self.run(sys.executable, "-m", "dlgrade", *arguments, **options)

    def nbgrader(self, *arguments, **options):
        return self.run(sys.executable, "-m", "nbgrader", *arguments, **options)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def course(place):
    """A course folder with softmax, and pooling, which has a solution region between its functions."""
    root = place.root / "course"
    (root / "course" / "en").mkdir(parents=True)
    (root / "course" / "course.toml").write_text(COURSE, "utf-8")
    reading = "# Losses\n\nA short word before.\n\n## Softmax\n\nMore.\n"
    (root / "course" / "en" / "02_losses.md").write_text(reading, "utf-8")
    for exercise in ("02_losses/softmax", "05_convolution/pooling"):
        shutil.copytree(ROOT / "solutions" / exercise, root / "solutions" / exercise)
    return root
