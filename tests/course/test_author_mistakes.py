"""Every mistake that an author can make has a sentence of its own, with the file and the line."""

import shutil
from dataclasses import fields

import pytest
from dlgrade.author import NUMBERS as NUMBERS_OF_CHECKS
from dlgrade.author import Agreement, Example, Gradient, Policy, Property, Timing
from dlgrade.errors import AuthorError

A_LAW = """\

@check()
@given(x=arrays())
def another(scale, x):
    \"\"\"The result has a shape.\"\"\"
    assert scale(x).shape == x.shape
"""

# file, what is replaced, by what, the sentence, the text of the line that it must name
MISTAKES = {
    "a check of no entry point": (
        *("checks.py", 'Agreement("scale"', 'Agreement("sclae"'),
        *("check agrees names the entry point 'sclae', which does not exist.\nDid you mean scale?", "agrees ="),
    ),
    "a law of no entry point": (
        *("checks.py", "def is_additive(scale, x, factor)", "def is_additive(scales, x, factor)"),
        *("check is_additive names the entry point 'scales'", "@check("),
    ),
    "a law of nothing": (
        *("checks.py", "def is_additive(scale, x, factor)", "def is_additive(x, factor)"),
        *("check is_additive calls nothing of the student's", "@check("),
    ),
    "a backward that is no entry point": (
        *("checks.py", 'backward="scale_backward"', 'backward="scale_back"'),
        *("check gradient names the entry point 'scale_back'", "gradient = Gradient("),
    ),
    "a misconception of no entry point": (
        *("misconceptions.py", 'of="scale",', 'of="scaling",'),
        *("misconception ignores_factor names the entry point 'scaling'", '@misconception(of="scaling"'),
    ),
    "a misconception caught by no check": (
        *("misconceptions.py", 'caught_by="agrees"', 'caught_by="agree"'),
        *("misconception ignores_factor names the check 'agree', which does not exist.", '"agree"'),
    ),
    "a misconception caught by a check of something else": (
        *("misconceptions.py", 'caught_by="gradient"', 'caught_by="is_additive"'),
        *("misconception divides is of scale_backward, which is_additive does not call", 'caught_by="is_additive"'),
    ),
    "a misconception without a cure": (
        *("misconceptions.py", '    """You divide by the factor: multiply."""\n', ""),
        *("misconception divides has no docstring, which is the cure", '@misconception(of="scale_backward"'),
    ),
    "a misconception with other arguments": (
        *("misconceptions.py", "def divides(grad, factor=2.0)", "def divides(grad)"),
        *("misconception divides has no parameter 'factor', which scale_backward has", 'of="scale_backward"'),
    ),
    "two misconceptions of one name": (
        *("misconceptions.py", "def divides(", "def ignores_factor("),
        *("Two misconceptions are named ignores_factor", "def ignores_factor(grad"),
    ),
    "no solution region": (
        *("scale.py", "    ### BEGIN SOLUTION\n    the_secret = x.dtype.type(factor)\n    return x * the_secret\n"
          "    ### END SOLUTION\n", "    return x * factor\n"),
        *("entry point scale has no solution region, so its solution would be released", "def scale("),
    ),
    "a region that does not end": (
        *("scale.py", "return x * the_secret\n    ### END SOLUTION\n", "return x * the_secret\n"),
        *("A solution region begins inside another", "    ### BEGIN SOLUTION"),
    ),
    "the last region does not end": (
        *("scale.py", "\n\n\n### END SOLUTION\n", "\n"),
        *("'### BEGIN SOLUTION' has no '### END SOLUTION' after it", "### BEGIN SOLUTION"),
    ),
    "an end without a beginning": (
        *("scale.py", "    ### BEGIN SOLUTION\n    the_secret", "    the_secret"),
        *("'### END SOLUTION' has no '### BEGIN SOLUTION' before it", None),
    ),
    "almost a marker": (
        *("scale.py", "    ### BEGIN SOLUTION\n    the_secret", "    # begin solution\n    the_secret"),
        *("'# begin solution' is almost a marker", "# begin solution"),
    ),
    "a syntax error in the reference": (
        "scale.py", "the_secret = x.dtype", "the_secret = = x.dtype", "Syntax error: invalid syntax", "= = x"
    ),
    "a syntax error in the checks": ("checks.py", "def _scale(x,", "def _scale(x;", "Syntax error:", "_scale(x;"),
    "a syntax error in the misconceptions": (
        "misconceptions.py", "    return x * 2", "    return x *", "Syntax error: invalid syntax", "return x *"
    ),
    "a syntax error in the hidden checks": ("hidden.py", "import numpy as np", "import", "Syntax error:", None),
    "an exception in the reference": (
        *("scale.py", "import numpy as np\n", "import numpy as np\n\nPI = np.array(3) / np.nothing\n"),
        *("Loading it raised AttributeError: module 'numpy' has no attribute 'nothing'", "np.nothing"),
    ),
    "an exception in the checks": (
        *("checks.py", 'Agreement("scale", oracle', 'Agreement("scale", orcale'),
        *("Loading it raised TypeError: Agreement.__init__() got an unexpected keyword argument 'orcale'", "orcale"),
    ),
    "an exception in the misconceptions": (
        *("misconceptions.py", '@misconception(of="scale", ', "1 / 0\n\n\n@misconception(of=\"scale\", "),
        *("Loading it raised ZeroDivisionError: division by zero", "1 / 0"),
    ),
    "an exit in the checks": (
        *("checks.py", "examples = Example", "raise SystemExit\nexamples = Example"),
        *("Loading it raised SystemExit", "raise SystemExit"),
    ),
    "an annotation that names nothing": (
        *("scale.py", "def scale(x: np.ndarray", 'def scale(x: "np.array_of"'),
        *("The signature of scale cannot be read", "def scale("),
    ),
    "no functions": (
        *("scale.py", None, '"""Nothing."""\n'),
        *("It defines no function, so there is nothing to solve", None),
    ),
    "no checks": ("checks.py", None, '"""Nothing."""\n', "The exercise has no checks", None),
    "two checks of one name": (
        *("checks.py", "\n\n\ngradient = ", f"\n\n{A_LAW.replace('another', 'is_additive')}\n\ngradient = "),
        *("Two checks are named is_additive", "def is_additive(scale, x):"),
    ),
    "a hidden check of a public one's name": (
        *("hidden.py", "def the_hidden_law", "def is_additive"),
        *("Two checks are named is_additive", None),
    ),
    "a law without @given": (
        *("checks.py", "@given(**inputs)\n", ""),
        *("check is_additive is no Hypothesis test.\nPut @given", "@check("),
    ),
    "a law without a docstring": (
        *("checks.py", '    """The result for a sum is the sum of the results."""\n', ""),
        *("check is_additive has no docstring, whose first line is what the student reads", "@check("),
    ),
    "a law that draws inside": (
        *("checks.py", "@given(**inputs)\ndef is_additive(scale, x", "@given(data=st.data(), **inputs)\n"
          "def is_additive(scale, data, x"),
        *("check is_additive draws inside its body, with st.data()", "@check("),
    ),
    "a law that draws what it does not take": (
        *("checks.py", "@given(**inputs)", "@given(y=st.integers(), **inputs)"),
        *("check is_additive, in @given, names the argument 'y', which does not exist", "@check("),
    ),
    "an oracle of other parameters": (
        *("checks.py", "def _scale(x, factor=2.0)", "def _scale(x, by=2.0)"),
        *("check agrees: its oracle has no parameter 'factor', which scale has", "agrees ="),
    ),
    "a gradient's oracle of other parameters": (
        *("checks.py", "def _backward(grad, factor=2.0)", "def _backward(gradient, factor=2.0)"),
        *("check gradient: its oracle has no parameter 'grad', which scale_backward has", "gradient = Gradient("),
    ),
    "a gradient's forward oracle of other parameters": (
        *("checks.py", "forward_oracle=_scale", "forward_oracle=_backward"),
        *("check gradient: its forward oracle has no parameter 'x', which scale has", "gradient = Gradient("),
    ),
    "wrt no argument": (
        *("checks.py", 'wrt="x"', 'wrt="y"'),
        *("check gradient, in wrt, names the argument 'y', which does not exist", "gradient = Gradient("),
    ),
    "a backward's argument from nowhere": (
        *("checks.py", 'wrt="x"', 'wrt="x", cotangents=("g",)'),
        *("check gradient does not say where scale_backward's argument 'grad' comes from", "gradient = Gradient("),
    ),
    "an argument that nobody takes": (
        *("checks.py", "given=inputs, points=3", "given=dict(inputs, axis=st.just(0)), points=3"),
        *("check agrees names the argument 'axis', which does not exist", "agrees ="),
    ),
    "an argument that nobody gives": (
        *("checks.py", "given=inputs, points=3", "given=dict(factor=st.just(1.0)), points=3"),
        *("check agrees does not give scale's argument 'x'", "agrees ="),
    ),
    "a course file that is no TOML": (
        *("course.toml", 'folder = "01_first"', "folder = 01_first"),
        *("It is not valid TOML:", "folder = 01_first"),
    ),
    "a unit without a folder": (
        *("course.toml", 'folder = "02_second"', 'name = "02_second"'),
        *("Each unit needs a folder.\nWrite them as [[unit]]", "[[unit]]"),
    ),
    "a unit listed twice": (
        *("course.toml", 'folder = "02_second"', 'folder = "01_first"'),
        *("The unit 01_first is listed twice", 'folder = "01_first"'),
    ),
    "an exercise that is not there": (
        *("course.toml", 'title = "First"', 'exercises = ["scale", "shift"]'),
        *("The unit 01_first lists the exercise 'shift', which is not in it.\nIts folder would be", "exercises ="),
    ),
    "a misspelt exercise in a long list": (
        *("course.toml", 'title = "First"', 'exercises = [\n  "scale",\n  "scales",\n]'),
        *("The unit 01_first lists the exercise 'scales', which is not in it.\nDid you mean scale?", '"scales"'),
    ),
    "an exercise of another unit": (
        *("course.toml", 'folder = "02_second"', 'folder = "02_second"\nexercises = ["scale"]'),
        *("The unit 02_second lists the exercise 'scale', which is not in it.\nIt lies in 01_first.", "exercises ="),
    ),
    "an exercise listed twice": (
        *("course.toml", 'title = "First"', 'exercises = ["scale", "scale"]'),
        *("The unit 01_first lists the exercise 'scale' twice", "exercises ="),
    ),
    "exercises in one word": (
        *("course.toml", 'title = "First"', 'exercises = "scale"'),
        *("`exercises` of the unit 01_first is text.\nThey are names in a list", "exercises ="),
    ),
    "an exercise that is a number": (
        *("course.toml", 'title = "First"', 'exercises = ["scale", 3]'),
        *("`exercises` of the unit 01_first holds a number", "exercises ="),
    ),
    "one unit for a list of them": (
        *("course.toml", None, '[unit]\nfolder = "01_first"\n'),
        *("`unit` is a table.\nWrite them as [[unit]]", "[unit]"),
    ),
    "a misspelt folder": (
        *("course.toml", 'folder = "01_first"', 'folder = "01_frist"'),
        *("The unit 01_frist has no folder, and the folder 01_first is no unit of the course.\n"
          'Did you mean folder = "01_first"?', 'folder = "01_frist"'),
    ),
    "a unit that is the folder above": (
        *("course.toml", 'folder = "02_second"', 'folder = ".."'),
        *("A unit's folder is one folder's name, which '..' is not", 'folder = ".."'),
    ),
    "a unit that is no folder's name": (
        *("course.toml", 'folder = "02_second"', 'folder = "../02_second"'),
        *("A unit's folder is one folder's name, which '../02_second' is not", "../02_second"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_file(tiny, mistake):
    name, old, new, sentence, mark = mistake
    tiny.load()  # it is right before
    if old is None:
        tiny.path(name).write_text(new, "utf-8")
    else:
        tiny.edit(name, old, new)
    with pytest.raises(AuthorError) as raised:
        tiny.load()
    assert sentence in f"{raised.value.what}\n{raised.value.mend}"
    path = tiny.path(name)
    if mark is None:
        assert raised.value.where.startswith(str(path))
    else:
        assert raised.value.where == f"{path}:{tiny.line(name, mark)}"


A_TIMING = """

def library(x, factor=2.0):
    return x * factor


def _given(rng, n):
    return {"x": rng.standard_normal(n)}


timed = Timing("scale", baseline=library, given=_given, size=10, limit=2)
"""
# What is replaced in the checks, by what, and how a number of a check must be written.
NUMBERS = {
    "points nan": ("points=3,", "points=float('nan'),", "agrees has points=nan.\nIt is a number, 0 to 1,000,000"),
    "points inf": ("points=3,", "points=float('inf'),", "agrees has points=inf."),
    "points below 0": ("points=3,", "points=-3,", "agrees has points=-3."),
    "points that cannot be summed": ("points=3,", "points=1e308,", "agrees has points=1e+308."),
    "points of 400 digits": ("points=3,", "points=10**400,", "agrees has points=1000"),
    "points in quotes": ("points=3,", "points='3',", "agrees has points='3'."),
    "no points": ("points=3,", "points=None,", "agrees has points=None."),
    "points as a truth": ("points=3,", "points=True,", "agrees has points=True."),
    "points of NumPy": ("points=3,", "points=__import__('numpy').int64(3),", "agrees has points=np.int64(3)."),
    "points of a law": ("points=2,", "points='2',", "is_additive has points='2'."),
    "points of examples": ("Example(points=1)", "Example(points=float('nan'))", "examples has points=nan."),
    "points of a policy": ("Policy()", "Policy(points=[])", "permitted has points=[]."),
    "half an example": ("points=3, examples=4", "points=3, examples=4.5", "examples=4.5.\nIt is a whole number, 0 to"),
    "examples in words": ("points=3, examples=4", "points=3, examples='all'", "agrees has examples='all'."),
    "examples of a law": ("points=2, examples=4", "points=2, examples=-4", "is_additive has examples=-4."),
    "examples without end": ("points=3, examples=4", "points=3, examples=10**9", "examples=1000000000."),
    "rtol nan": ("points=3,", "points=3, rtol=float('nan'),", "agrees has rtol=nan.\nIt is a number, 0 or more"),
    "rtol32 below 0": ("points=3,", "points=3, rtol32=-1e-4,", "agrees has rtol32=-0.0001."),
    "no step": ("examples=12", "examples=12, step=0", "gradient has step=0.\nIt is a number above 0"),
    "step nan": ("examples=12", "examples=12, step=float('nan')", "gradient has step=nan."),
    "half a size": ("size=10", "size=1e6", "timed has size=1000000.0.\nIt is a whole number, 1 or more"),
    "no size": ("size=10", "size=0", "timed has size=0."),
    "no limit": ("limit=2", "limit=None", "timed has limit=None.\nIt is a number above 0"),
    "limit nan": ("limit=2", "limit=float('nan')", "timed has limit=nan."),
    "rtol of a timing": ("limit=2", "limit=2, rtol='1e-3'", "timed has rtol='1e-3'."),
    "inputs within nan": ("arrays(ndim=1)", "arrays(ndim=1, within=float('nan'))", "ValueError: `within` is nan; it"),
    "inputs within text": ("arrays(ndim=1)", "arrays(ndim=1, within='3')", "ValueError: `within` is '3'; it is"),
    "half a dimension": ("arrays(ndim=1)", "arrays(ndim=1.5)", "ValueError: `ndim` is 1.5; it is a whole number"),
    "sides that fall": ("arrays(ndim=1)", "arrays(ndim=1, sides=(4, 1))", "ValueError: a side is (4, 1); it is"),
    "half a side": ("arrays(ndim=1)", "arrays(sides=(1, 2.5))", "ValueError: a side is (1, 2.5); it is"),
}


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_is_none(tiny, number):
    old, new, sentence = number
    tiny.edit("checks.py", "Example, Gradient, Policy,", "Example, Gradient, Policy, Timing,")
    tiny.path("checks.py").write_text(tiny.path("checks.py").read_text("utf-8") + A_TIMING, "utf-8")
    tiny.load()
    tiny.edit("checks.py", old, new)
    with pytest.raises(AuthorError) as raised:
        tiny.load()
    assert sentence in f"{raised.value.what}\n{raised.value.mend}"
    lines = {tiny.line("checks.py", new)} | {tiny.line("checks.py", mark) for mark in ("gradient = ",) if "step" in new}
    assert raised.value.where in {f"{tiny.path('checks.py')}:{line}" for line in lines}


def test_every_number_of_a_check_has_bounds():
    for kind in (Agreement, Property, Gradient, Example, Policy, Timing):
        numbers = {field.name for field in fields(kind) if field.type in ("int", "float")}
        assert numbers <= set(NUMBERS_OF_CHECKS), kind


@pytest.mark.parametrize("ratio", ["nan", "inf", "true", '"2"'])
def test_times_that_are_no_numbers(tiny, ratio):
    path = tiny.exercise / "timing.toml"
    path.write_text(f"[cpu.timed]\nreference = {ratio}\n")
    with pytest.raises(AuthorError, match="It does not say numbers by device and check") as raised:
        tiny.load()
    assert raised.value.where == str(path)


@pytest.mark.parametrize("points", ["float('nan')", "'2'", "None"])
@pytest.mark.parametrize("command", [["selftest"], ["course", "check"], ["check", "scale", "--at", "scale.py"]])
def test_no_command_takes_what_are_no_points(tiny, dlgrade, points, command):
    tiny.edit("checks.py", "points=3,", f"points={points},")
    ran = dlgrade("--course", tiny.root, *command, cwd=tiny.exercise)
    assert ran.code == (1 if command == ["selftest"] else 2)
    assert f"{tiny.path('checks.py')}:{tiny.line('checks.py', 'agrees =')}: The check agrees has points=" in ran.err


@pytest.mark.parametrize("name", ["scale.py", "checks.py", "misconceptions.py"])
def test_a_missing_file(tiny, name):
    tiny.path(name).unlink()
    with pytest.raises(AuthorError, match=f"There is no {name}") as raised:
        tiny.load()
    assert raised.value.where == str(tiny.exercise)


@pytest.mark.parametrize("name", ["scale.py", "checks.py", "misconceptions.py", "hidden.py", "course.toml"])
def test_a_file_in_another_encoding(tiny, name):
    text = tiny.path(name).read_bytes()
    tiny.path(name).write_bytes(text + b"# caf\xe9\n")
    with pytest.raises(AuthorError, match="It is not UTF-8 text") as raised:
        tiny.load()
    assert raised.value.where == f"{tiny.path(name)}:{len(text.splitlines()) + 1}"


@pytest.mark.parametrize("name", ["scale.py", "checks.py", "misconceptions.py", "hidden.py", "course.toml"])
def test_a_file_with_a_byte_order_mark_is_read(tiny, name):
    tiny.path(name).write_bytes(b"\xef\xbb\xbf" + tiny.path(name).read_bytes())
    tiny.load()


def test_no_course_file(tiny, dlgrade):
    tiny.course_file.unlink()
    ran = dlgrade("--course", tiny.root, "selftest")
    assert ran.code == 2
    assert f"--course: No course found in {tiny.root}." in ran.err


def test_two_exercises_of_one_name(tiny):
    shutil.copytree(tiny.exercise, tiny.root / "solutions" / "02_second" / "scale")
    with pytest.raises(AuthorError, match="Two exercises are named scale") as raised:
        tiny.load()
    assert raised.value.where == str(tiny.root / "solutions" / "02_second" / "scale")
    assert str(tiny.exercise) in raised.value.mend


def test_a_unit_that_the_course_does_not_list(tiny):
    stray = tiny.root / "solutions" / "03_third" / "shift"
    shutil.copytree(tiny.exercise, stray)
    with pytest.raises(AuthorError, match="The folder 03_third is no unit of the course") as raised:
        tiny.load()
    assert raised.value.where == str(stray.parent)
    assert str(tiny.course_file) in raised.value.mend


@pytest.mark.parametrize("text", [None, "", "[exercise.scale]\nweight = 2\n"])
def test_every_folder_that_is_no_unit_is_told(tiny, dlgrade, text):
    for number, name in enumerate(("shift", "turn", "flip"), 3):
        folder = tiny.root / "solutions" / f"0{number}_more" / name
        shutil.copytree(tiny.exercise, folder)
        for path in folder.iterdir():
            path.write_text(path.read_text("utf-8").replace("scale", name), "utf-8")
            path.rename(folder / path.name.replace("scale", name))
    if text is not None:
        tiny.course_file.write_text(text, "utf-8")
    ran = dlgrade("--course", tiny.root, "course", "check")
    folders = [*(["01_first"] if text is not None else []), "03_more", "04_more", "05_more"]
    assert ran.code == 2
    told = [line for line in ran.err.splitlines() if "is no unit of the course." in line]
    solutions = tiny.root / "solutions"
    assert told == [f"{solutions / name}: The folder {name} is no unit of the course." for name in folders]
    assert f"{len(folders)} mistakes." in ran.err, "what follows from a mistake is none"


@pytest.mark.parametrize("points", ["nan", "inf", "-1", "true", '"7"', "[]"])
def test_hidden_points_of_a_released_course_are_a_number(tiny, dlgrade, points):
    dlgrade("--course", tiny.root, "release", "--to", tiny.root / "out")
    course_file = tiny.root / "out" / "course" / "course.toml"
    assert "hidden_points = 4" in course_file.read_text("utf-8")
    assert dlgrade("--course", tiny.root / "out", "course", "check").code == 0
    course_file.write_text(course_file.read_text("utf-8").replace("hidden_points = 4", f"hidden_points = {points}"))
    ran = dlgrade("--course", tiny.root / "out", "course", "check")
    line = course_file.read_text("utf-8").splitlines().index(f"hidden_points = {points}") + 1
    assert ran.code == 2
    assert f"{course_file}:{line}: `hidden_points` is " in ran.err
    assert "It is a number, 0 to 1,000,000." in ran.err
    assert "1 mistake." in ran.err


def test_an_empty_folder_is_no_exercise(tiny):
    (tiny.root / "solutions" / "03_third").mkdir()
    (tiny.root / "solutions" / "01_first" / "shift" / "__pycache__").mkdir(parents=True)
    tiny.load()


@pytest.mark.parametrize("name", ["my-loss", "Loss", "checks", "random", "class", "hü", "ﬁt", "2d", "aux", "com1"])
def test_an_exercise_of_an_impossible_name(tiny, name):
    folder = tiny.root / "solutions" / "01_first" / name
    shutil.copytree(tiny.exercise, folder)
    with pytest.raises(AuthorError, match=f"'{name}' cannot be an exercise's name") as raised:
        tiny.load()
    assert raised.value.where == str(folder)


def test_a_student_may_keep_folders_beside_the_released_exercises(tiny, dlgrade):
    dlgrade("--course", tiny.root, "release")
    shutil.rmtree(tiny.root / "solutions")
    (tiny.root / "assignments" / "my notes").mkdir()
    (tiny.root / "assignments" / "01_first" / "old-tries").mkdir()
    (tiny.root / "assignments" / "01_first" / "old-tries" / "scale_1.py").touch()
    ran = dlgrade("check", "--at", "assignments", cwd=tiny.root)
    assert ran.code == 2
    assert "No exercise has been started yet" in ran.err


def test_the_commands_show_the_sentence_and_the_place(tiny, dlgrade):
    tiny.edit("checks.py", 'Agreement("scale"', 'Agreement("sclae"')
    place = f"{tiny.path('checks.py')}:{tiny.line('checks.py', 'agrees =')}: The check agrees names the entry point"
    proved = dlgrade("--course", tiny.root, "selftest", cwd=tiny.root)
    assert proved.code == 1
    assert place in proved.err
    assert "cannot be loaded" in proved.out
    checked = dlgrade("check", "scale", cwd=tiny.exercise)
    assert checked.code == 2
    assert place in checked.err


@pytest.mark.parametrize("command", ["start", "release", "check"])
@pytest.mark.parametrize("mistake", ["a syntax error in the reference", "an end without a beginning"])
def test_the_commands_that_load_nothing_show_it_too(tiny, dlgrade, command, mistake):
    name, old, new, sentence, _ = MISTAKES[mistake]
    tiny.edit(name, old, new)
    ran = dlgrade("--course", tiny.root, command, cwd=tiny.root)
    assert ran.code == 2
    assert f"{tiny.path(name)}:" in ran.err
    assert sentence in ran.err
