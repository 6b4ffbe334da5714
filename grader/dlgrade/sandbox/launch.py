"""Starts worker processes and ends them, with all that they started. Imports nothing heavy: it runs first."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from dlgrade.errors import GraderError

MEMORY_LIMIT = 2 << 30
"""Bytes of address space that a worker may take."""

FRAMEWORKS: dict[str, tuple[str, ...]] = {"numpy": ("numpy",)}
"""What a worker may import besides the standard library, by the exercise's framework."""

_WORKER = Path(__file__).with_name("worker.py")
_TOKEN = "DLGRADE_WORKER"


@dataclass
class Process:
    """A worker process, its socket, the pipe that its prints come out of, and its scratch folder."""

    popen: subprocess.Popen[bytes]
    sock: socket.socket
    scratch: str
    token: str
    started: float = field(default_factory=time.monotonic)

    def cpu_seconds(self) -> float | None:
        """The processor time that the worker has used so far, read from outside; None where it cannot be."""
        if sys.platform != "linux":
            return None
        try:
            # The kernel's clock id for the processor time of another process: see clock_getcpuclockid(3).
            return time.clock_gettime((~self.popen.pid << 3) | 2)
        except OSError:
            return None

    def end(self) -> int | None:
        """Kill the worker and everything that it started, remove its scratch folder; its exit status."""
        status = self.popen.poll()
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.kill()
        self.popen.wait()
        self.sock.close()
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        _end_strays(self.token)
        _remove(Path(self.scratch))
        return status if status is not None else self.popen.returncode


def _remove(scratch: Path) -> None:
    """Remove a folder that a submission wrote to, however deep it is and whatever modes it has."""
    found = [scratch]
    with contextlib.suppress(OSError):
        scratch.chmod(0o700)
    for folder in found:
        for path in list(folder.iterdir()) if folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if path.is_symlink() or not path.is_dir():
                    path.unlink()
                    continue
                path.chmod(0o700)
                # To the top, so that no path grows too long and nothing here needs a deep stack.
                found.append(path.rename(scratch / secrets.token_hex(16)))
    for folder in reversed(found):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _end_strays(token: str) -> None:
    """Kill what left the worker's process group; it still carries the worker's environment."""
    mark = f"{_TOKEN}={token}".encode()
    proc = Path("/proc")
    if sys.platform != "linux" or not proc.is_dir():
        return
    for _ in range(20):  # a stray may fork while we look
        found = False
        for entry in proc.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if mark in (entry / "environ").read_bytes() and "Z" not in _state(entry):
                        found = True
                        os.kill(int(entry.name), signal.SIGKILL)
        if not found:
            return


def _state(entry: Path) -> str:
    return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]


def site_of(framework: str) -> Path:
    """The folder that a framework is installed in, found without importing it."""
    for name in FRAMEWORKS[framework]:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise GraderError(f"{name} is not installed here", mend=f"Install it: python -m pip install {name}")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent.parent


def start(framework: str) -> Process:
    """Start a worker; it imports its framework while the caller goes on."""
    site = site_of(framework)
    token = secrets.token_hex(16)
    scratch = tempfile.mkdtemp(prefix="dlgrade-")
    environment = {
        "PATH": os.defpath,
        "HOME": scratch,
        "TMPDIR": scratch,
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "VECLIB_MAXIMUM_THREADS": "1",
        _TOKEN: token,
    }
    if "SYSTEMROOT" in os.environ:  # Windows cannot open sockets without it
        environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    # No site-packages, no user site, no script folder on the path, no bytecode written, nothing buffered.
    options = ["-S", "-s", "-P", "-B", "-u"]
    command = [sys.executable, *options, str(_WORKER), str(site), str(MEMORY_LIMIT)]
    ours, theirs = socket.socketpair()
    windows = sys.platform == "win32"
    try:
        popen = subprocess.Popen(
            [*command, *FRAMEWORKS[framework]],
            stdin=subprocess.PIPE if windows else theirs.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=scratch,
            env=environment,
            bufsize=0,
            start_new_session=not windows,
        )
        if sys.platform == "win32":
            assert popen.stdin is not None
            popen.stdin.write(theirs.share(popen.pid))
            popen.stdin.close()
    except OSError as error:
        ours.close()
        _remove(Path(scratch))
        raise GraderError(f"A worker process could not be started: {error}") from error
    finally:
        theirs.close()
    return Process(popen, ours, scratch, token)
