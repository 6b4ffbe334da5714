"""`dlgrade release` derives assignments/ from solutions/, says where the two have drifted, and leaks nothing."""

import ast
import shutil
from pathlib import Path

import pytest
from dlgrade.course.find import open_course
from dlgrade.course.load import load_exercise, load_misconceptions
from dlgrade.course.release import drift, release
from dlgrade.course.stub import regions, strip_solutions
from dlgrade.errors import AuthorError

ROOT = Path(__file__).parent.parent.parent
EXERCISE = Path("01_first") / "scale"


@pytest.fixture
def released(tiny):
    """The tiny course after a release; the folder of its assignments."""
    release(open_course(tiny.root))
    return tiny.root / "assignments"


def test_what_is_released(tiny, dlgrade):
    ran = dlgrade("release", cwd=tiny.exercise)
    assert ran.code == 0
    base = tiny.root / "assignments"
    files = {p.relative_to(base).as_posix() for p in base.rglob("*") if p.is_file()}
    assert files == {f"01_first/scale/{name}" for name in ("scale.py", "checks.py", "misconceptions.py")}
    assert all(f"written  assignments/{name}" in ran.out for name in files)
    again = dlgrade("release", cwd=tiny.exercise)
    assert (again.code, again.out) == (0, "assignments/ is up to date.\n")
    assert dlgrade("release", "--check", cwd=tiny.exercise).code == 0


def test_a_released_stub_raises(tiny, released):
    scope = {}
    exec(compile((released / EXERCISE / "scale.py").read_text("utf-8"), "scale.py", "exec"), scope)
    for name in ("scale", "scale_backward"):
        with pytest.raises(NotImplementedError):
            scope[name](None)
        assert scope[name].__doc__.startswith("Return")
    assert "_another_secret" not in scope


def test_a_released_exercise_loads_without_its_hidden_checks(tiny, released):
    shutil.rmtree(tiny.root / "solutions")
    exercise, misconceptions = tiny.load(hidden=False)
    assert [check.name for check in exercise.checks] == ["examples", "permitted", "agrees", "is_additive", "gradient"]
    assert exercise.hidden == frozenset()
    assert [item.name for item in misconceptions] == ["ignores_factor", "divides"]


def test_a_check_does_not_load_the_hidden_checks(tiny, dlgrade):
    tiny.edit("hidden.py", "@check(", 'raise RuntimeError("loaded")\n\n\n@check(')
    ran = dlgrade("check", "scale.py", cwd=tiny.exercise)
    assert ran.code == 0
    assert "the_hidden_law" not in ran.text
    assert dlgrade("selftest", cwd=tiny.exercise).code == 1, "the selftest does load them"


def test_a_misconception_that_a_hidden_check_catches(tiny, tmp_path, dlgrade):
    """It is proved with the hidden checks, and left out of a student's report, which must not break over it."""
    tiny.edit("misconceptions.py", 'caught_by="agrees"', 'caught_by="the_hidden_law"')
    assert dlgrade("selftest", "--seeds", "2", cwd=tiny.root).code == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scale.py").write_text("def scale(x, factor=2.0):\n    return x * 2\n", "utf-8")
    ran = dlgrade("--course", tiny.root, "check", "scale", "--at", tmp_path / "mine")
    assert ran.code == 1
    assert "the_hidden_law" not in ran.text
    assert "factor is fixed" not in ran.text


@pytest.mark.parametrize(
    ("why", "name"),
    [("edited", "scale.py"), ("edited", "checks.py"), ("missing", "misconceptions.py"), ("extra", "hidden.py")],
)
def test_drift_is_found_and_mended(tiny, released, dlgrade, why, name):
    path = released / EXERCISE / name
    right = path.read_bytes() if path.exists() else None
    if why == "edited":
        path.write_bytes(right + b"# edited by hand\n")
    elif why == "missing":
        path.unlink()
    else:
        path.write_text("leaked", "utf-8")
    found = dlgrade("release", "--check", cwd=tiny.root)
    assert found.code == 1
    assert found.out.split() == [why, f"assignments/01_first/scale/{name}"]
    assert "It is derived: edit solutions/, then run `dlgrade release`." in found.err
    mended = dlgrade("release", cwd=tiny.root)
    assert mended.code == 0
    assert mended.out.split() == ["removed" if why == "extra" else "written", f"assignments/01_first/scale/{name}"]
    assert (path.read_bytes() if path.exists() else None) == right
    assert dlgrade("release", "--check", cwd=tiny.root).code == 0


def test_an_exercise_that_was_removed_is_removed(tiny, released, dlgrade):
    shutil.rmtree(tiny.exercise)
    (released / EXERCISE / "__pycache__").mkdir()
    assert dlgrade("release", "--check", cwd=tiny.root).code == 1
    assert dlgrade("release", cwd=tiny.root).code == 0
    assert list(released.iterdir()) == []


def test_windows_line_ends_are_no_drift(tiny, released, dlgrade):
    text = tiny.path("checks.py").read_bytes()
    tiny.path("checks.py").write_bytes(text.replace(b"\n", b"\r\n"))
    assert dlgrade("release", "--check", cwd=tiny.root).code == 0


def secret_lines(source):
    """What the solution regions say, line by line, where a line says enough to be recognised."""
    lines = source.splitlines()
    inside = [line.strip() for region in regions(source, "") for line in lines[region.first : region.last - 1]]
    return {line for line in inside if len(line) > 12}


def all_bytes(folder):
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def test_nothing_secret_is_released(tiny, released):
    secrets = secret_lines(tiny.path("scale.py").read_text("utf-8"))
    secrets |= {line.strip() for line in tiny.path("hidden.py").read_text("utf-8").splitlines() if "hidden" in line}
    assert {"the_secret = x.dtype.type(factor)", "def _another_secret(grad):"} < secrets
    everything = all_bytes(released)
    assert [line for line in secrets if line.encode() in everything] == []
    assert b"SOLUTION" not in everything


def test_nothing_secret_of_the_real_course_is_released():
    course = open_course(ROOT)
    assert course.authored and course.exercises
    for folder in course.exercises:
        source = (folder.path / folder.file_name).read_text("utf-8")
        stub = ROOT / "assignments" / folder.unit / folder.name / folder.file_name
        # A stub is what is left between the regions; a line that stands there as well is no secret.
        public = set(strip_solutions(source, "").splitlines())
        secrets = secret_lines(source) - {line.strip() for line in public}
        assert secrets
        released = {line.strip() for line in stub.read_text("utf-8").splitlines()}
        assert [line for line in secrets if line in released] == []
        assert not (stub.parent / "hidden.py").exists()
        assert "SOLUTION" not in all_bytes(stub.parent).decode()


def test_the_real_course_has_not_drifted():
    assert drift(open_course(ROOT)) == {}, "edit solutions/, never assignments/, then run `dlgrade release`"


@pytest.mark.parametrize("command", ["release", "selftest", "new"])
def test_authors_need_their_solutions(tiny, released, tmp_path, dlgrade, command):
    shutil.rmtree(tiny.root / "solutions")
    name = ["01_first/shift"] if command == "new" else []
    ran = dlgrade(command, *name, cwd=tiny.root)
    assert ran.code == 2
    assert f"`dlgrade {command}` needs a course with its solutions, and {tiny.root} has none." in ran.err
    assert "--course DIR" in ran.err
    (tmp_path / "elsewhere").mkdir()
    ran = dlgrade(command, *name, cwd=tmp_path / "elsewhere")
    assert ran.code == 2
    assert f"No course found in {tmp_path / 'elsewhere'}." in ran.err, "an author's command never takes the bundled one"


def test_a_place_that_cannot_be_written(tiny, dlgrade):
    (tiny.root / "assignments").write_text("a file", "utf-8")
    ran = dlgrade("release", cwd=tiny.root)
    assert ran.code == 2
    assert "cannot be written" in ran.err


# -- new ---------------------------------------------------------------------------------------------------------------


def test_a_new_exercise_holds_from_the_first_minute(tiny, dlgrade):
    made = dlgrade("new", "02_second/batch_shift", cwd=tiny.root)
    assert made.code == 0
    assert "Next: dlgrade selftest batch_shift, then dlgrade release" in made.out
    folder = tiny.root / "solutions" / "02_second" / "batch_shift"
    for name in ("batch_shift.py", "checks.py", "misconceptions.py"):
        assert str(folder / name) in made.out
        ast.parse((folder / name).read_text("utf-8"))
    proved = dlgrade("selftest", "batch_shift", "--seeds", "3", cwd=tiny.root)
    assert proved.code == 0, proved.text
    assert dlgrade("release", cwd=tiny.root).code == 0
    stub = (tiny.root / "assignments" / "02_second" / "batch_shift" / "batch_shift.py").read_text("utf-8")
    scope = {}
    exec(compile(stub, "batch_shift.py", "exec"), scope)
    with pytest.raises(NotImplementedError):
        scope["batch_shift"](None)
    assert open_course(tiny.root).named(["02_second"])[0].name == "batch_shift"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("shift", "'shift' names no unit.\nWrite UNIT/NAME"),
        ("03_third/shift", "The course has no unit '03_third'.\nDid you mean"),
        ("nowhere/shift", "The course has no unit 'nowhere'.\nIts units: 01_first, 02_second."),
        ("02_second/scale", "There is an exercise scale already."),
        ("02_second/Shift", "'Shift' cannot be an exercise's name: it must be lower-case words, such as batch_norm"),
        ("02_second/batch-norm", "'batch-norm' cannot be an exercise's name"),
        ("02_second/hü", "'hü' cannot be an exercise's name: it must be lower-case words, such as batch_norm"),
        ("02_second/nul", "'nul' cannot be an exercise's name: Windows has a device of that name"),
        ("02_second/lambda", "'lambda' cannot be an exercise's name"),
        ("02_second/hidden", "'hidden' cannot be an exercise's name: every exercise has a file of that name"),
        ("02_second/numpy", "'numpy' cannot be an exercise's name: Python or a library has a module of that name"),
        ("02_second/random", "'random' cannot be an exercise's name"),
    ],
)
def test_a_name_that_cannot_be(tiny, dlgrade, name, sentence):
    before = sorted(tiny.root.rglob("*"))
    ran = dlgrade("new", name, cwd=tiny.root)
    assert ran.code == 2
    assert sentence in ran.err
    assert sorted(tiny.root.rglob("*")) == before


# -- stubs -------------------------------------------------------------------------------------------------------------


def test_regions_become_one_line_each():
    source = "def f():\n    ### BEGIN SOLUTION\n    a = 1\n    return a\n    ### END SOLUTION\n\n\nx = 1\n"
    assert strip_solutions(source, "") == "def f():\n    raise NotImplementedError\n\n\nx = 1\n"
    assert strip_solutions(strip_solutions(source, ""), "") == strip_solutions(source, "")


def test_a_region_may_end_after_an_empty_line(tiny):
    tiny.edit("scale.py", "return x * the_secret\n    ###", "return x * the_secret\n\n    ###")
    tiny.load()


@pytest.mark.parametrize(
    "line", ["### BEGIN SOLUTIONS", "# END SOLUTION", "### begin solution", "####BEGIN SOLUTION##"]
)
def test_what_looks_like_a_marker_must_be_one(line):
    with pytest.raises(AuthorError, match="almost a marker") as raised:
        regions(f"x = 1\n    {line}\n", "here.py")
    assert raised.value.where == "here.py:2"
    assert regions("# The solution begins with the maximum.\n# end of the solution's story\n", "") == []


def test_the_real_course_loads():
    for folder in open_course(ROOT).exercises:
        assert load_misconceptions(load_exercise(folder, authored=True, hidden=True))
