"""The reading: a page for each unit that has exercises, whole, in one form, and true in its numbers."""

import doctest
import math
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from dlgrade.course.find import open_course
from dlgrade.course.load import load_exercise, load_reference

ROOT = Path(__file__).parent.parent.parent
COURSE = open_course(ROOT)
UNITS = {unit.folder: unit for unit in COURSE.units if any(e.unit == unit.folder for e in COURSE.exercises)}
PAGES = {folder: ROOT / "course" / "en" / f"{folder}.md" for folder in UNITS}
SECTIONS = {
    "numpy": ["What it computes", "Why it is made so", None, "Usual mistakes", "Check yourself"],
    "torch": ["What it computes", "What takes the time", None, "Usual mistakes", "Check yourself"],
}
ROWS = {"numpy": 8, "torch": 6}
WORKINGS = {"The backward pass, step by step", "The algorithm, step by step"}
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def prose(text):
    """A page without its code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


@pytest.mark.parametrize("folder", UNITS)
def test_every_exercise_of_a_unit_has_its_part_in_one_form(folder):
    text = PAGES[folder].read_text("utf-8")
    assert text.startswith(f"# {UNITS[folder].title}\n")
    parts = re.split(r"^## ", text, flags=re.M)[1:]
    titles = [part.split("\n")[0] for part in parts]
    exercises = sorted(
        (e for e in COURSE.exercises if e.unit == folder), key=lambda e: e.framework
    )  # numpy comes first
    assert [re.search(r"\(`(\w+)`\)$", title)[1] for title in titles[:-1]] == [e.name for e in exercises]
    assert titles[-1] == "Sources"
    for part, exercise in zip(parts, exercises, strict=False):
        found = re.findall(r"^### (.*)$", part, re.M)
        wanted = SECTIONS[exercise.framework]
        assert len(found) == len(wanted)
        assert all(was == will or (will is None and was in WORKINGS) for was, will in zip(found, wanted, strict=True))
        rows = re.search(r"### Usual mistakes\n(.*?)^### ", part, re.M | re.S)[1].count("\n|")
        assert rows >= ROWS[exercise.framework] + 2, "a header, a rule, and so many mistakes"
        assert "<details>" in part and "</details>" in part


@pytest.mark.parametrize("folder", UNITS)
def test_the_worked_examples_are_true(folder):
    torch = pytest.importorskip("torch", reason="the worked examples of the fast exercises need torch")
    scope = {"np": np, "torch": torch, "math": math}
    for exercise in COURSE.exercises:
        if exercise.unit == folder and exercise.framework == "numpy":
            scope |= load_reference(load_exercise(exercise, authored=True))
        elif exercise.unit == folder:  # on tensors, as a student calls it: a loaded reference is one on arrays
            path = ROOT / "solutions" / folder / exercise.name / f"{exercise.name}.py"
            scope[exercise.name] = runpy.run_path(str(path))[exercise.name]
    blocks = BLOCK.findall(PAGES[folder].read_text("utf-8"))
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), scope, folder, str(PAGES[folder]), 0)
    assert len(test.examples) >= 5
    told = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=told.append)
    assert "".join(told) == ""


@pytest.mark.parametrize("folder", UNITS)
def test_formulas_are_whole(folder):
    text = prose(PAGES[folder].read_text("utf-8"))
    display = re.findall(r"^\$\$\n(.*?)^\$\$$", text, re.M | re.S)
    rest = re.sub(r"^\$\$\n.*?^\$\$$", "", text, flags=re.M | re.S)
    assert "$$" not in rest, "a display formula stands on lines of its own"
    inline = []
    for paragraph in re.split(r"\n\s*\n", rest):
        assert paragraph.count("$") % 2 == 0, paragraph
        inline += re.findall(r"\$([^$]+)\$", paragraph)
    assert display or inline
    for formula in display + inline:
        bare = formula.replace(r"\{", "").replace(r"\}", "")
        assert bare.count("{") == bare.count("}"), formula
        assert formula.count(r"\left") - formula.count(r"\leftarrow") == formula.count(r"\right") - formula.count(
            r"\rightarrow"
        ), formula
        assert len(re.findall(r"\\begin\b", formula)) == len(re.findall(r"\\end\b", formula)), formula


@pytest.mark.parametrize("folder", UNITS)
def test_no_page_gives_a_solution_away(folder):
    names = [n for e in COURSE.exercises if e.unit == folder for n in load_exercise(e, authored=True).entry_points]
    text = PAGES[folder].read_text("utf-8")
    assert [name for name in names if re.search(rf"\bdef {name}\b|\b{name} = lambda", text)] == []
