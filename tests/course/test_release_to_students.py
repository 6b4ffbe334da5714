"""`dlgrade release --to` writes a course that students can work in, with nothing private in it, and never over work."""

import json
import os
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
from dlgrade import __version__
from dlgrade.course import manifest, release
from dlgrade.course.find import open_course
from dlgrade.course.handout import handout
from dlgrade.course.nbgrader import nbgrader_course
from dlgrade.errors import AuthorError, UsageError

pytest.importorskip("nbformat", reason="nbformat is not installed")

ROOT = Path(__file__).parent.parent.parent
RIGHT = "def scale(x, factor=2.0):\n    return x * x.dtype.type(factor)\n\n\n"
RIGHT += "def scale_backward(grad, factor=2.0):\n    return grad * grad.dtype.type(factor)\n"
FILES = {
    "01_first/01_first.ipynb",
    "01_first/scale.py",
    "README.md",
    "assignments/01_first/scale/checks.py",
    "assignments/01_first/scale/misconceptions.py",
    "assignments/01_first/scale/scale.py",
    "course/course.toml",
    "course/en/01_first.md",
}


@pytest.fixture
def authored(tiny):
    """The tiny course with reading, private notes beside it, and a misconception that a hidden check catches."""
    (tiny.root / "course" / "en").mkdir()
    (tiny.root / "course" / "en" / "01_first.md").write_text(
        "# Scale\n\nIn short.\n\n## Section\n\nAt length.\n", "utf-8"
    )
    (tiny.root / "course" / "AUTHORING.md").write_text("how the_hidden_law is made", "utf-8")
    (tiny.root / "course" / "extensions.toml").write_text('[[extension]]\nstudent = "lovelace"\n', "utf-8")
    tiny.edit(
        "misconceptions.py",
        '@misconception(of="scale_backward"',
        '@misconception(of="scale", caught_by="the_hidden_law")\ndef forgets_the_odd(x, factor=2.0):\n'
        '    """A cure that gives away too much."""\n    return x * 4 // 2\n\n\n@misconception(of="scale_backward"',
    )
    return tiny


@pytest.fixture
def released(authored, tmp_path, dlgrade):
    """What students of the tiny course get."""
    ran = dlgrade("release", "--to", tmp_path / "released", cwd=authored.root)
    assert ran.code == 0, ran.text
    return tmp_path / "released"


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_is_written(authored, tmp_path, dlgrade):
    ran = dlgrade("release", "--to", tmp_path / "out", cwd=authored.root)
    assert ran.code == 0
    assert "8 files written" in ran.out
    assert set(contents(tmp_path / "out")) == {*FILES, "MANIFEST.json"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "tiny"], "nothing is left beside it"
    readme = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert f"dlgrade=={__version__}" in readme
    assert "(01_first/scale.py)" in readme and "(01_first/01_first.ipynb)" in readme
    assert "due" not in readme, "nothing is"


def test_a_student_can_work_in_it(released, dlgrade):
    fresh = dlgrade("check", cwd=released)
    assert (fresh.code, "No exercise has been started yet" in fresh.err) == (2, True)
    assert f"Open {Path('01_first') / 'scale.py'}" in fresh.err
    (released / "01_first" / "scale.py").write_text(RIGHT, "utf-8")
    for names in ([], ["scale"], ["01_first"]):
        ran = dlgrade("check", *names, cwd=released)
        assert ran.code == 0, ran.text
        assert "01_first" in ran.out and "assignments" not in ran.out
    mistaken = RIGHT.replace("x * x.dtype.type(factor)", "x * 2")
    (released / "01_first" / "scale.py").write_text(mistaken, "utf-8")
    ran = dlgrade("check", cwd=released)
    assert "The factor is fixed at 2" in ran.out


def test_whoever_works_in_the_courses_own_copy_is_understood(released, dlgrade):
    (released / "01_first" / "scale.py").unlink()
    (released / "assignments" / "01_first" / "scale" / "scale.py").write_text(RIGHT, "utf-8")
    assert dlgrade("check", "scale", cwd=released).code == 0


def test_the_course_file_says_what_is_everybodys(authored, tmp_path, dlgrade):
    authored.course_file.write_text(
        '# The hidden law is called the_hidden_law.\ntitle = "A \\"tiny\\" course: é\\t\\u007f"\n'
        'timezone = "Europe/Berlin"\n'
        'extensions = "extensions.toml"\ngrace_days = 2\nattempts = "best"\nsecret_key = "the_hidden_law"\n'
        'late = [{until = "1d", credit = 0.9}]\n'
        '[[unit]]\nfolder = "01_first"\nexercises = ["scale"]\ndue = 2026-11-30T23:59:00\nweight = 1.5\n'
        'note = "private"\n'
        "[[unit]]\nfolder = '02_second'\n"
        "[exercise.scale]\ndue = 2026-12-01T12:00:00+01:00\nhidden = ['the_hidden_law']\n",
        "utf-8",
    )
    assert dlgrade("release", "--to", tmp_path / "out", cwd=authored.root).code == 0
    path = tmp_path / "out" / "course" / "course.toml"
    wanted = tomllib.loads(authored.course_file.read_text("utf-8"))
    del wanted["extensions"], wanted["secret_key"], wanted["unit"][0]["note"], wanted["exercise"]["scale"]["hidden"]
    wanted["exercise"]["scale"]["hidden_points"] = 4
    assert tomllib.loads(path.read_text("utf-8")) == wanted
    assert open_course(tmp_path / "out").title == wanted["title"]
    assert "`dlgrade course check` says" in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "2026-12-01" in dlgrade("course", "check", cwd=tmp_path / "out").out


def test_a_student_is_told_that_there_are_hidden_checks(released, dlgrade):
    said = dlgrade("check", "scale", "--seed", "1", cwd=released).out
    assert "These are the public checks. Hidden ones, worth 4 more, are run when you hand in." in " ".join(said.split())


def test_a_notebook_of_each_unit(released):
    import nbformat

    notebook = nbformat.read(released / "01_first" / "01_first.ipynb", as_version=4)
    nbformat.validate(notebook)
    stub = (released / "01_first" / "scale.py").read_text("utf-8").rstrip("\n")
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        ("markdown", "# Scale\n\nIn short.\n\n[Read the whole text](../course/en/01_first.md)"),
        ("markdown", "## Scale: a number times every element."),
        ("code", stub),
        ("code", 'from dlgrade.notebook import check\n\ncheck("scale")'),
    ]
    assert notebook.metadata.kernelspec.name == "python3"


def test_what_is_collected_from_such_a_notebook_is_the_answer(released):
    from dlgrade.gradebook.notebooks import module_of, read_notebook

    notebook = json.loads((released / "01_first" / "01_first.ipynb").read_text("utf-8"))
    notebook["cells"][2]["source"] = RIGHT
    read = read_notebook(json.dumps(notebook).encode())
    assert module_of(read, "scale", {"scale": ("scale", "scale_backward")}).source.decode() == RIGHT


def test_the_same_bytes_twice(authored, tmp_path, dlgrade):
    for name in ("once", "again"):
        assert dlgrade("release", "--to", tmp_path / name, cwd=authored.root).code == 0
    assert contents(tmp_path / "once") == contents(tmp_path / "again")


def test_without_nbformat(authored, tmp_path, dlgrade, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbformat", None)
    ran = dlgrade("release", "--to", tmp_path / "out", cwd=authored.root)
    assert ran.code == 2
    assert "pip install 'dlgrade[instructor]'" in ran.err
    assert not (tmp_path / "out").exists()


# -- nothing private ---------------------------------------------------------------------------------------------------


def private_lines(folder):
    """What only the authors have, read from their files without the code that releases them.

    A line that also stands in the stub, checks or misconceptions was published by its author. One of a few characters,
    or of Python's own words only, stands anywhere.
    """
    inside, private, public = False, set(), []
    for line in (folder.path / folder.file_name).read_text("utf-8").splitlines():
        bare = line.strip()
        if bare in ("### BEGIN SOLUTION", "### END SOLUTION"):
            inside = bare == "### BEGIN SOLUTION"
            private.add(bare)
        elif inside:
            private.add(bare)
        else:
            public.append(line)
    hidden = folder.path / "hidden.py"
    private |= {line.strip() for line in hidden.read_text("utf-8").splitlines()} if hidden.is_file() else set()
    public += [(folder.path / name).read_text("utf-8") for name in ("checks.py", "misconceptions.py")]
    return private, "\n".join(public)


def given_away(course, files):
    """Each private line of a course that stands in these files."""
    found = [private_lines(folder) for folder in course.exercises]
    public = "\n".join(text for _, text in found)
    lines = {line for private, _ in found for line in private if len(line) > 15 and line not in public}
    lines = {line for line in lines if not line.startswith(("for ", "return ", "import ", "from ", "if ", "else"))}
    # In a notebook a line stands as JSON has it.
    forms = {line: (line.encode(), json.dumps(line)[1:-1].encode(), json.dumps(line, ensure_ascii=False)[1:-1].encode())
             for line in lines}  # fmt: skip
    everything = b"\n".join(files.values())
    return {line for line, written in forms.items() if any(form in everything for form in written)}, lines


def test_no_byte_of_it_is_private(authored, released):
    found, lines = given_away(open_course(authored.root), contents(released))
    assert found == set()
    assert {"the_secret = x.dtype.type(factor)", "def the_hidden_law(scale, factor):"} < lines
    everything = b"".join(contents(released).values()).replace(b"hidden_points = 4", b"")
    for word in (
        b"the_hidden_law",
        b"Nobody is told",
        b"hidden",
        b"_another_secret",
        b"SOLUTION",
        b"AUTHORING",
        b"lovelace",
    ):
        assert word not in everything, word
    assert b"forgets_the_odd" not in everything and b"A cure that" not in everything
    assert b"ignores_factor" in everything and b"divides" in everything, "the other misconceptions are there"


def test_no_byte_of_nbgraders_release_is_private(authored):
    files = nbgrader_course(open_course(authored.root))
    seen = {path.as_posix(): data for path, data in files.items() if path.parts[0] != "source"}
    assert given_away(open_course(authored.root), seen)[0] == set()
    everything = b"".join(seen.values()).replace(b"hidden_points = 4", b"")
    assert b"the_hidden_law" not in everything and b"hidden" not in everything
    sources = {path.as_posix(): data for path, data in files.items() if path.parts[0] == "source"}
    assert given_away(open_course(authored.root), sources)[0], "the search does find solutions where there are some"


def test_no_byte_of_the_real_course_is_private():
    course = open_course(ROOT)
    found, lines = given_away(course, {path.as_posix(): data for path, data in handout(course).items()})
    assert found == set()
    assert len(lines) > 100


def test_a_stub_that_is_not_stripped_is_not_released(authored, tmp_path, dlgrade, monkeypatch):
    monkeypatch.setattr(release, "stub_of", lambda folder: (folder.path / folder.file_name).read_text("utf-8"))
    for arguments in (["--to", tmp_path / "out"], ["--notebooks", tmp_path / "out"], []):
        ran = dlgrade("release", *arguments, cwd=authored.root)
        assert ran.code == 2
        assert "scale.py would give away '### BEGIN SOLUTION'. It is one of " in ran.err
    assert not (tmp_path / "out").exists() and not (authored.root / "assignments").exists()
    without_markers = lambda folder: (folder.path / folder.file_name).read_text("utf-8").replace("### ", "#")  # noqa: E731
    monkeypatch.setattr(release, "stub_of", without_markers)
    assert "would give away 'the_secret = " in dlgrade("release", "--to", tmp_path / "out", cwd=authored.root).err


@pytest.mark.parametrize(
    ("name", "text", "secret"),
    [
        ("course/en/01_first.md", "Write `the_secret = x.dtype.type(factor)`.\n", "the_secret = x.dtype.type(factor)"),
        ("course/en/01_first.md", "The hidden check is the_hidden_law.\n", "the_hidden_law"),
        ("solutions/01_first/scale/checks.py", "# As the_hidden_law does.\n", "the_hidden_law"),
        ("solutions/01_first/scale/misconceptions.py", 'NAME = "the_hidden_law"\n', "the_hidden_law"),
    ],
)
def test_authors_who_give_something_away_are_told(authored, tmp_path, dlgrade, name, text, secret):
    with (authored.root / name).open("a", encoding="utf-8") as file:
        file.write(text)
    ran = dlgrade("release", "--to", tmp_path / "out", cwd=authored.root)
    assert ran.code == 2
    assert f"would give away {secret!r}" in ran.err
    assert not (tmp_path / "out").exists()


# -- never over work ---------------------------------------------------------------------------------------------------


def test_an_untouched_release_is_replaced(authored, released, dlgrade):
    (released / "01_first" / "__pycache__").mkdir()
    (released / "01_first" / "__pycache__" / "scale.pyc").write_bytes(b"left behind")
    authored.edit("scale.py", "Return `x` times `factor`.", "Return `x`, `factor` times.")
    assert dlgrade("release", "--to", released, cwd=authored.root).code == 0
    assert b"`factor` times" in (released / "01_first" / "scale.py").read_bytes()
    assert not (released / "01_first" / "__pycache__").exists()
    assert dlgrade("release", "--verify", released).code == 0
    assert sorted(path.name for path in released.parent.iterdir()) == ["released", "tiny"]


@pytest.mark.parametrize(
    ("why", "name"), [("edited", "01_first/scale.py"), ("missing", "README.md"), ("extra", "01_first/mine.py")]
)
def test_a_release_that_was_worked_in_is_not(authored, released, dlgrade, why, name):
    if why == "missing":
        (released / name).unlink()
    else:
        (released / name).write_text("mine", "utf-8")
    before = contents(released)
    verified = dlgrade("release", "--verify", released)
    assert (verified.code, verified.out.split()) == (1, [why, name])
    ran = dlgrade("release", "--to", released, cwd=authored.root)
    assert ran.code == 2
    assert f"which would be lost: {name} ({why})" in ran.err
    assert contents(released) == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "There is no MANIFEST.json."),
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "The manifest is none of ours."),
        ('{"schema": "dlgrade.release/1", "files": {"../secret": "0"}}', "The manifest is none of ours."),
        ('{"schema": "dlgrade.release/1", "files": {"a": 1}}', "The manifest is none of ours."),
        ('{"schema": "dlgrade.release/2", "files": {}}', "The manifest is none of ours."),
    ],
)
def test_a_folder_of_others_is_left_alone(authored, tmp_path, dlgrade, text, sentence):
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work", "utf-8")
    if text is not None:
        (folder / "MANIFEST.json").write_text(text, "utf-8")
    before = contents(folder)
    verified = dlgrade("release", "--verify", folder)
    assert (verified.code, sentence in verified.err) == (2, True)
    ran = dlgrade("release", "--to", folder, cwd=authored.root)
    assert (ran.code, sentence in ran.err) == (2, True)
    assert contents(folder) == before


def test_an_empty_folder_is_taken_and_a_file_is_not(authored, tmp_path, dlgrade):
    (tmp_path / "empty").mkdir()
    assert dlgrade("release", "--to", tmp_path / "empty", cwd=authored.root).code == 0
    (tmp_path / "file").write_text("mine", "utf-8")
    assert dlgrade("release", "--to", tmp_path / "file", cwd=authored.root).code == 2
    with pytest.raises(UsageError, match="is a file"):
        manifest.write(tmp_path / "file", {})
    assert (tmp_path / "file").read_text("utf-8") == "mine"


@pytest.mark.parametrize("fails", ["fsync", "rename"])
def test_what_cannot_be_written_leaves_what_was_there(released, monkeypatch, fails):
    before, left = contents(released), [1]
    holder = os if fails == "fsync" else Path
    real = getattr(holder, fails)

    def fail(what, *arguments):
        if left and (fails == "fsync" or what.name.endswith(".new")):
            left.pop()
            raise OSError(28, "No space left on device")
        return real(what, *arguments)

    monkeypatch.setattr(holder, fails, fail)
    with pytest.raises(UsageError, match="No space left"):
        manifest.write(released, {Path("new.txt"): b"new"})
    assert contents(released) == before
    assert sorted(path.name for path in released.parent.iterdir()) == ["released", "tiny"]


def test_one_thing_at_a_time(authored, tmp_path, dlgrade):
    ran = dlgrade("release", "--check", "--to", tmp_path / "out", cwd=authored.root)
    assert (ran.code, "--check and --to cannot go together" in ran.err) == (2, True)


def test_students_cannot_release(released, tmp_path, dlgrade):
    for option in ("--to", "--notebooks"):
        ran = dlgrade("release", option, tmp_path / "out", cwd=released)
        assert (ran.code, "needs a course with its solutions" in ran.err) == (2, True)


def test_a_course_without_exercises(authored, tmp_path, dlgrade):
    shutil.rmtree(authored.exercise)
    ran = dlgrade("release", "--to", tmp_path / "out", cwd=authored.root)
    assert (ran.code, "has no exercises yet" in ran.err) == (2, True)
    with pytest.raises((UsageError, AuthorError)):
        nbgrader_course(open_course(authored.root))


# -- nbgrader ----------------------------------------------------------------------------------------------------------


def test_an_nbgrader_course(authored, tmp_path, dlgrade):
    ran = dlgrade("release", "--notebooks", tmp_path / "nb", cwd=authored.root)
    assert ran.code == 0
    assert "source/ holds the solutions: it is for instructors only." in ran.out
    files = contents(tmp_path / "nb")
    inside = {name.replace("01_first/scale.py", "") for name in FILES if name.startswith(("assignments", "course"))}
    for step in ("source", "release"):
        below = {name.split("/", 2)[2] for name in files if name.startswith(f"{step}/01_first/")}
        assert {*(name for name in inside if name), "01_first.ipynb"} <= below | {""}
    compile(files["nbgrader_config.py"], "nbgrader_config.py", "exec")
    source, clear = (json.loads(files[f"{step}/01_first/01_first.ipynb"]) for step in ("source", "release"))
    marks = [cell["metadata"].get("nbgrader", {}) for cell in source["cells"]]
    assert [(m.get("grade_id"), m.get("solution"), m.get("locked"), m.get("points")) for m in marks] == [
        (None, None, None, None),
        (None, None, None, None),
        ("scale", True, False, None),
        ("scale_helpers", True, False, None),
        ("check_scale", False, True, 7),
    ]
    assert all(mark["schema_version"] == 3 for mark in marks if mark)
    helpers = "".join(clear["cells"][3]["source"])
    assert helpers.endswith("raise NotImplementedError") and "_another_secret" not in helpers
    assert "".join(clear["cells"][2]["source"]).count("raise NotImplementedError") == 2
    assert clear["cells"][4]["metadata"]["editable"] is False
    course = open_course(tmp_path / "nb" / "release" / "01_first")
    assert [folder.name for folder in course.exercises] == ["scale"], "each unit is a course of its own"
