"""What is not needed is not imported: asked of fresh processes, since this one has loaded everything already."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dlgrade.course.find import open_course

ROOT = Path(__file__).parent.parent.parent

TELL = """
import json, sys
from dlgrade.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
print("MODULES", json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def loaded_by(*arguments, **environment):
    """The exit code of a command and the top-level modules that its process has in the end."""
    command = [sys.executable, "-c", TELL, *arguments]
    environment = {**os.environ, **environment}
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, env=environment, check=True, timeout=120
    )
    code, modules = json.loads(done.stdout.rpartition("MODULES ")[2])
    return code, set(modules)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["check", "--help"], ["selftest", "-h"], ["release", "-h"]], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments):
    code, modules = loaded_by(*arguments)
    assert code == 0
    assert modules & {"numpy", "rich", "hypothesis", "scipy", "torch", "platformdirs"} == set()


def test_a_command_that_checks_nothing_loads_nothing_heavy(tmp_path):
    code, modules = loaded_by("start", str(tmp_path / "mine"))
    assert code == 0
    assert modules & {"numpy", "rich", "hypothesis"} == set()
    code, modules = loaded_by("check", "--at", str(tmp_path / "mine"))
    assert code == 2, "nothing has been started"
    assert modules & {"numpy", "rich", "hypothesis"} == set()


def test_a_whole_check_needs_no_other_framework(tmp_path):
    solution = ROOT / "solutions" / "02_losses" / "softmax" / "softmax.py"
    (tmp_path / "softmax.py").write_bytes(solution.read_bytes())
    code, modules = loaded_by(
        "check", "--at", str(tmp_path), "--format", "json", XDG_CACHE_HOME=str(tmp_path / ".cache")
    )
    assert code == 0
    assert {"numpy", "hypothesis"} <= modules
    assert modules & {"scipy", "torch", "rich"} == set()


@pytest.mark.parametrize("folder", open_course(ROOT).exercises, ids=lambda folder: folder.name)
def test_no_exercise_needs_another_framework_than_its_own(folder):
    """Read, not run: to check every exercise takes a minute."""
    names = set()
    for path in folder.path.glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        names |= {item.name for node in nodes if isinstance(node, ast.Import) for item in node.names}
        names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    others = {"scipy"} if folder.framework == "torch" else {"scipy", "torch"}
    assert {name.partition(".")[0] for name in names} & others == set()
