"""The wheel alone is the product: nothing but the package goes in, and it works in an empty folder, offline."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path, PurePosixPath

import dlgrade
import pytest
from dlgrade.course.find import open_course
from dlgrade.course.stub import regions, strip_solutions

ROOT = Path(__file__).parent.parent.parent


def run(*command, cwd, code=0, **environment):
    """What a command prints, once it has ended with this code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DLGRADE", "COV"))}
    done = subprocess.run(
        [str(part) for part in command],
        **{"cwd": cwd, "env": {**kept, **environment}, "capture_output": True, "encoding": "utf-8", "timeout": 300},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (path,) = folder.glob("*.whl")
    assert path.name == f"dlgrade-{dlgrade.__version__}-py3-none-any.whl"
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A fresh environment with the wheel in it; the folder of its commands.

    The libraries come from the environment that runs the tests, by a path, which makes no use of the .pth files there:
    the checkout's own editable install is not seen.
    """
    home = tmp_path_factory.mktemp("environment")
    builder = venv.EnvBuilder(with_pip=False)
    builder.create(home)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    python = builder.ensure_directories(home).env_exe
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--no-index", "--no-deps", "--ignore-installed", wheel, cwd=home)
    where = run(python, "-c", "import dlgrade; print(dlgrade.__file__)", cwd=home)
    assert Path(where.strip()) == site / "dlgrade" / "__init__.py"
    return Path(python).parent


def test_what_the_wheel_holds(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [PurePosixPath(name) for name in archive.namelist()]
    package = f"dlgrade-{dlgrade.__version__}"
    assert {name.parts[0] for name in names} == {"dlgrade", f"{package}.dist-info"}
    below = {name.relative_to("dlgrade/content").parts[0] for name in names if name.parts[:2] == ("dlgrade", "content")}
    assert below == {"assignments", "course"}
    assert PurePosixPath("dlgrade/content/course/course.toml") in names
    assert PurePosixPath("dlgrade/report/report.schema.json") in names
    assert {name.suffix for name in names if name.parts[:2] == ("dlgrade", "content")} <= {".py", ".toml", ".md"}
    assert not {part for name in names for part in name.parts} & {"solutions", "tests", "hidden.py", "__pycache__"}
    assert not [name for name in names if any(part.startswith(".") for part in name.parts)]


def test_the_wheel_holds_no_solution(wheel):
    course = open_course(ROOT)
    assert course.authored
    with zipfile.ZipFile(wheel) as archive:
        content = {name: archive.read(name).decode() for name in archive.namelist() if "/content/" in name}
    assert not [name for name, text in content.items() if name.endswith(".py") and "SOLUTION" in text]
    for folder in course.exercises:
        source = (folder.path / folder.file_name).read_text("utf-8")
        lines = source.splitlines()
        secret = {line.strip() for region in regions(source, "") for line in lines[region.first : region.last - 1]}
        secret -= {line.strip() for line in strip_solutions(source, "").splitlines()}
        stub = content.get(f"dlgrade/content/assignments/{folder.unit}/{folder.name}/{folder.file_name}")
        assert stub is not None, f"{folder.name} is not released: run `dlgrade release`"
        released = {line.strip() for line in stub.splitlines()}
        assert [line for line in secret if len(line) > 12 and line in released] == []
        assert "raise NotImplementedError" in stub


def test_from_nothing_to_full_marks(installed, tmp_path):
    command = installed / "dlgrade"
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    place = tmp_path / "empty"
    place.mkdir()
    assert "--course" in run(command, "--help", cwd=place)
    assert run(command, "--version", cwd=place).split() == ["dlgrade,", "version", dlgrade.__version__]
    assert "`dlgrade start` makes a folder with all files" in run(command, "check", cwd=place, code=2)
    said = run(command, "start", cwd=place)
    assert "Next: cd dlgrade-course" in said
    here = place / "dlgrade-course"
    said = run(command, "check", cwd=here, code=2, **cache)
    assert "No exercise has been started yet.\nOpen " in said
    assert "Traceback" not in said
    solution = (ROOT / "solutions" / "02_losses" / "softmax" / "softmax.py").read_bytes()
    (here / "02_losses" / "softmax.py").write_bytes(solution)
    said = run(command, "check", cwd=here, **cache)
    assert "softmax: 20 of 20 points · passed" in said
    assert "No course found" in run(command, "selftest", cwd=here, code=2)
