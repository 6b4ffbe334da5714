"""How long a student waits: `dlgrade` as whole processes against what Python itself needs.

Run: python tests/bench/startup.py
"""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import tempfile
from pathlib import Path

from timing import first_line, ratio, run

ROOT = Path(__file__).parent.parent.parent
PEER = [sys.executable, "-c", "import numpy, hypothesis.extra.numpy"]
DLGRADE = [sys.executable, "-m", "dlgrade"]


def main() -> None:
    """Print the ratios."""
    compileall.compile_dir(ROOT / "grader", quiet=2)  # as installing does, whatever the environment says of bytecode
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "solutions" / "02_losses" / "softmax" / "softmax.py", folder)
        check = [*DLGRADE, "check", "softmax", "--at", folder]
        cold = {**os.environ, "XDG_CACHE_HOME": str(Path(folder) / "cache")}

        def first_time() -> float:
            shutil.rmtree(cold["XDG_CACHE_HOME"], ignore_errors=True)
            return run(check, env=cold)[0]

        click = [sys.executable, "-c", "import click"]

        def peer() -> float:
            return run(PEER)[0]

        ratio("dlgrade --help, processor time", lambda: run([*DLGRADE, "--help"])[1], lambda: run(click)[1], limit=1.5)
        ratio("dlgrade check softmax, to the first result", lambda: first_line(check, "✓"), peer, limit=1.5)
        ratio("dlgrade check softmax, the whole", lambda: run(check)[0], peer, limit=2.5)
        ratio("dlgrade check softmax, the very first time", first_time, peer, limit=5)


if __name__ == "__main__":
    main()
