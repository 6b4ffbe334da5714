"""`dlgrade doctor`: its form, its exit codes, and that it can be pasted anywhere."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dlgrade import cli
from dlgrade.cli import doctor
from dlgrade.cli.console import PLAIN_WIDTH
from dlgrade.errors import GraderError
from dlgrade.sandbox import machine as machines
from dlgrade.sandbox import refusal as refusals
from dlgrade.sandbox.forks import Unconfined
from dlgrade.sandbox.machine import Cuda, Device, Graphics, Machine
from jsonschema import Draft202012Validator
from rich.console import Console

SCHEMA = json.loads(Path(doctor.__file__).with_name("doctor.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
ROOT = Path(__file__).parent.parent.parent


class Nothing:
    def close(self) -> None:
        pass


@pytest.fixture
def reaching(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Let the command find a machine without files where these levels fail."""
    isolation = refusals.isolation

    def make(files: dict[str, str] | None = None, **errors: Exception) -> None:
        for name, text in (files or {}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        machine = Machine(tmp_path, system="Linux", release="6.8.0", cores=2, usable=2, load=0.0)

        def reach(_: str, level: str) -> Nothing:
            if level in errors:
                raise errors[level]
            return Nothing()

        def started(_: Any) -> None:
            if "process" in errors:
                raise errors["process"]

        monkeypatch.setattr(machines, "Machine", lambda: machine)
        monkeypatch.setattr(refusals, "_started", started)
        monkeypatch.setattr(refusals, "isolation", lambda seen: isolation(seen, reach=reach, start=lambda _: Nothing()))

    return make


def no(level: str, what: str = "unshare: Operation not permitted") -> Unconfined:
    return Unconfined(f"The level {level} cannot be had here: {what}.")


# -- form --------------------------------------------------------------------------------------------------------------


def parts(schema: Any) -> Any:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for held in schema.values():
            yield from parts(held)


def test_the_schema_is_itself_valid_and_closed_everywhere() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    found = list(parts(SCHEMA))
    assert len(found) >= 10
    for part in found:
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
        assert part["description"]


def test_this_machine_as_json(dlgrade: Any) -> None:
    ran = dlgrade("doctor", "--format", "json")
    found = json.loads(ran.out)
    VALIDATOR.validate(found)
    assert (found["schema"], ran.err) == ("dlgrade.doctor/1", "")
    assert ran.code == (0 if found["isolation"]["level"] in ("strict", "landlock") else 1)
    for level in found["isolation"]["levels"]:
        assert level["state"] != "broken"
        assert (level["state"] == "reached") == (level["refused"] is None) == (not level["advice"])
    assert found["isolation"]["levels"][-1] == {
        "name": "process",
        "state": "reached",
        "keeps": "not isolated: for your own code only",
        "refused": None,
        "advice": [],
    }


def test_this_machine_as_text(dlgrade: Any) -> None:
    ran = dlgrade("doctor")
    assert ran.err == "" and ran.code in (0, 1)
    for heading in ("Isolation: ", "Timing noise: ", "Versions", "CUDA"):
        assert re.search(rf"^{heading}", ran.out, re.MULTILINE)
    assert "\x1b" not in ran.out
    assert not re.search(r"[ \t]$", ran.out, re.MULTILINE), "it is pasted"
    for line in ran.out.splitlines():
        assert len(line) <= PLAIN_WIDTH or line.startswith("        "), "only a command may be longer"


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_tells_who_or_where(form: str, tmp_path: Path) -> None:
    names = {"HOME": str(tmp_path / "zebra"), "USER": "zebra", "LOGNAME": "zebra", "HOSTNAME": "zebra"}
    command = [sys.executable, "-m", "dlgrade", "doctor", "--format", form, "--cuda"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **names, "PYTHONIOENCODING": "utf-8"},
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode in (0, 1) and done.stderr == ""
    places = [Path.home(), sys.prefix, sys.base_prefix, ROOT, tmp_path, "zebra"]
    assert [str(place) for place in places if str(place) in done.stdout] == []
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", done.stdout)


def test_what_an_error_tells_of_a_home_is_left_out(dlgrade: Any, reaching: Any) -> None:
    hidden = "/home/jane doe/.venv/lib/numpy: Permission denied"
    dead = GraderError("A zygote does not answer.", mend=f"What it said:\n  File '/home/jane/x'\nOSError: {hidden}")
    reaching(strict=no("strict", hidden), landlock=dead)
    for form in ("text", "json"):
        ran = dlgrade("doctor", "--format", form)
        assert "jane" not in ran.text and "Permission denied" in ran.out


def test_every_state_as_json(dlgrade: Any, reaching: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reaching(strict=no("strict"), landlock=GraderError("x"), process=GraderError("y"))
    told = Graphics("2.4.0", "550.54", 1, "perhaps", Cuda(True, "yes", "12.4", (Device("H100", "9.0", 85 << 30),)))
    monkeypatch.setattr(machines, "graphics", lambda *_, **__: told)
    ran = dlgrade("doctor", "--format", "json")
    found = json.loads(ran.out)
    VALIDATOR.validate(found)
    assert [level["state"] for level in found["isolation"]["levels"]] == ["refused", "broken", "broken"]
    assert found["isolation"]["level"] is None
    assert found["gpu"]["cuda"]["devices"] == [{"name": "H100", "capability": "9.0", "memory": 85 << 30}]


# -- exit codes --------------------------------------------------------------------------------------------------------

BOTH = {"strict": no("strict"), "landlock": no("landlock", "landlock: Function not implemented")}


@pytest.mark.parametrize(
    ("errors", "code", "level"),
    [
        ({}, 0, "strict"),
        ({"strict": BOTH["strict"]}, 0, "landlock"),
        (BOTH, 1, "process"),
        ({"strict": BOTH["strict"], "landlock": GraderError("A zygote does not answer.")}, 3, "process"),
        ({"strict": OSError(24, "Too many open files")}, 3, "landlock"),
        ({**BOTH, "process": GraderError("numpy is not installed here")}, 3, "none"),
    ],
)
def test_exit_codes(dlgrade: Any, reaching: Any, errors: Any, code: int, level: str) -> None:
    reaching(**errors)
    ran = dlgrade("doctor")
    assert ran.code == code
    assert ran.out.startswith(f"Isolation: {level}\n")


def test_wrong_usage(dlgrade: Any) -> None:
    assert dlgrade("doctor", "--format", "html").code == 2
    assert dlgrade("doctor", "now").code == 2


# -- text --------------------------------------------------------------------------------------------------------------

DOCKER = {".dockerenv": "", "proc/self/status": "CapEff:\t0000\nSeccomp:\t2\n"}
COMMAND = "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined …"


def test_what_was_refused_and_how_to_get_it(dlgrade: Any, reaching: Any) -> None:
    reaching(DOCKER, strict=no("strict"))
    ran = dlgrade("doctor")
    assert ran.out.startswith("Isolation: landlock (this looks like a container: docker)\n")
    assert re.search(r"✗  strict +refused: unshare: Operation not permitted\n +it sees no file, process or", ran.out)
    assert f"\n        {COMMAND}\n" in ran.out


def test_the_same_advice_is_given_once(dlgrade: Any, reaching: Any) -> None:
    refused = "landlock: Function not implemented"
    reaching(strict=no("strict", refused), landlock=no("landlock", refused))
    ran = dlgrade("doctor")
    assert "To get strict:\n" in ran.out and "To get landlock: as for strict.\n" in ran.out
    assert ran.out.count("CONFIG_SECURITY_LANDLOCK") == 1


def test_a_narrow_terminal(dlgrade: Any, reaching: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, color_system="standard", width=40, highlight=False)
    monkeypatch.setattr(doctor, "console", lambda: console)
    reaching(DOCKER, strict=no("strict"))
    assert dlgrade("doctor").code == 0
    assert "\x1b[31m" in shown.getvalue()
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue())
    assert f"\n        {COMMAND}\n" in plain, "a command is copied, so it stays on one line"
    assert all(len(line) <= 40 for line in plain.splitlines() if not line.startswith("        "))


def test_devices_are_named(dlgrade: Any, reaching: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reaching()
    device = Device("NVIDIA H100", "9.0", 80 << 30)
    told = Graphics("2.4.0", "550.54", 2, "perhaps", Cuda(True, "yes", "12.4", (device, replace(device, name="Z"))))
    monkeypatch.setattr(machines, "graphics", lambda *_, cuda: told if cuda else replace(told, cuda=None))
    ran = dlgrade("doctor", "--cuda")
    assert re.search(
        r"usable +yes\n +driver +550\.54\n +runtime +12\.4\n +device 0 +NVIDIA H100, cap.* 80\.0 GiB", ran.out
    )
    assert re.search(r"device 1 +Z, capability 9\.0", ran.out)
    assert re.search(r"usable +perhaps\n +driver +550\.54\n +devices +2\n", dlgrade("doctor").out)


def test_markup_and_controls_are_text(dlgrade: Any, reaching: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reaching({"etc/os-release": 'PRETTY_NAME="[red]x[/red] \x1b[31m \u202e"'})
    ran = dlgrade("doctor")
    assert "[red]x[/red] \\x1b[31m \\u202e" in ran.out
    monkeypatch.setattr(machines, "versions", lambda *_: {"kernel": "6\x1b]0;owned\x07"})
    assert "6\\x1b]0;owned\\x07" in dlgrade("doctor").out


# -- what it loads, what it leaves -------------------------------------------------------------------------------------

TELL = """
import json, sys
from pathlib import Path
from dlgrade.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
me = Path("/proc/self/task")
left = [path.read_text() for path in me.glob("*/children")] if me.exists() else []
print("LEFT", json.dumps([sorted({name.partition(".")[0] for name in sys.modules}), "".join(left).split()]))
"""


def left_by(*arguments: str, temporary: Path) -> tuple[set[str], list[str]]:
    """The modules that a command has in the end, and the processes that it has left."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        check=True,
        timeout=120,
    )
    modules, children = json.loads(done.stdout.rpartition("LEFT ")[2])
    return set(modules), children


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    modules, _ = left_by("doctor", "--help", temporary=tmp_path)
    assert modules & {"numpy", "rich", "hypothesis", "scipy", "torch", "subprocess", "ctypes"} == set()
    assert "doctor" in cli._COMMANDS


def test_it_imports_no_framework_and_leaves_nothing(tmp_path: Path) -> None:
    modules, children = left_by("doctor", "--format", "json", temporary=tmp_path)
    assert modules & {"numpy", "rich", "hypothesis", "scipy", "torch"} == set()
    assert children == []
    assert list(tmp_path.iterdir()) == []
