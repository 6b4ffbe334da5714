"""Feedback: a folder for each student, safe whatever the student is called; what it says is what the grades say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from dlgrade.errors import UsageError
from dlgrade.gradebook.feedback import (
    INDEX,
    MARKDOWN,
    PAGE,
    UNKNOWN_TIME,
    folders,
    ledger,
    stem_of,
    write_feedback,
)
from dlgrade.gradebook.policy import Attempts, Extension, Span
from dlgrade.gradebook.sources import UNKNOWN
from dlgrade.gradebook.store import Gradebook
from dlgrade.model import Outcome
from dlgrade.text import visible
from graded_class import course_at
from graded_samples import BERLIN, DAY, DUE, NOW, POLICY, broken, check, made
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ["ada", "Ada", "ADA", "../../etc", "/abs", "con", "a" * 300, "x\x00y", "a/b", "a\\b", "", ".", "..", "é",
         "e\u0301", "\u202egnp", "\ud800", " ada", "<script>", "ﬁ", "fi", "STRASSE", "straße"]  # fmt: skip


def book_of(folder: Path, *records, adjust=()) -> Gradebook:
    with Gradebook.open(folder / "gradebook.db", write=True) as book:
        book.add(*records)
        for one in adjust:
            book.adjust(*one, NOW)
    return Gradebook.open(folder)


def pages(folder: Path, *records, policy=POLICY, extensions=(), adjust=(), **options) -> dict[str, str]:
    """Each student's Markdown."""
    with book_of(folder, *records, adjust=adjust) as book:
        write_feedback(book, ledger(book, policy, extensions, "Deep learning"), folder / "to", **options)
    named = json.loads((folder / "to" / INDEX).read_text("utf-8"))
    return {
        student: (folder / "to" / name / MARKDOWN).read_text("utf-8")
        for name, student in named.items()
        if (folder / "to" / name).is_dir()
    }


# -- folders -----------------------------------------------------------------------------------------------------------


def assert_safe(names: dict[str, str]) -> None:
    kept = list(names.values())
    assert len({name.casefold() for name in kept}) == len(kept)
    for name in kept:
        assert name and not set(name) & set('/\\<>:"|?*\0') and name not in (".", "..") and len(name) <= 165
        assert visible(name) == name == name.strip()


def test_names_become_folders_that_every_system_tells_apart() -> None:
    found = folders(NAMES)
    assert_safe(found)
    assert found["straße"] != found["STRASSE"] and found[" ada"] != found["ada"]
    # A name by itself is as it is; whoever else comes, no page comes to lie where another's was.
    assert folders(["ada"]) == {"ada": "ada"} and folders(["ada", "bo"])["ada"] == "ada"
    assert "ada" not in found.values() and "Ada" not in found.values()
    assert folders(reversed(NAMES)) == found


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text(max_size=12) | st.sampled_from(NAMES), max_size=8))
def test_any_names_do(names) -> None:
    assert_safe(folders(names))


def test_which_folder_is_whose_can_be_read_back(tmp_path) -> None:
    names = [name for name in NAMES if "\ud800" not in name]
    found = pages(tmp_path, *(made(name, points=5) for name in names))
    assert set(found) == set(names)
    written = {path.relative_to(tmp_path / "to").parts[1] for path in (tmp_path / "to").glob("*/*")}
    assert written == {PAGE, MARKDOWN}
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".new")]
    assert {path.name for path in tmp_path.iterdir()} >= {"to", "gradebook.db"}


# -- what it says ------------------------------------------------------------------------------------------------------


def test_the_sum_is_that_of_the_grades(tmp_path) -> None:
    found = pages(
        tmp_path,
        made("ada", points=8, when=DUE + DAY / 2),
        made("ada", points=6, exercise="conv2d", when=DUE),
        made("bo", points=10),
        adjust=[("ada", "softmax", 2.0, "explained it", "Dr. Tran")],
    )
    ada = found["ada"]
    for part in ("the checks | 8 | of 10", "× 90 %", "12 h late", "= 7.2", "+ 2 | explained it |", "= 9.2",
                 "handed in 2026-12-01 11:59 CET, due 2026-11-30 23:59 CET", "9.2 + 6 × 2 = 21.2"):  # fmt: skip
        assert part in ada.replace("`", ""), part
    assert "Tran" not in ada
    assert "explained" not in found["bo"] and "not handed in" in found["bo"]


def test_attempts_extensions_and_unknown_times_are_in_the_open(tmp_path) -> None:
    extension = Extension("ada", "softmax", Span(2), "ill")
    found = pages(
        tmp_path,
        made("ada", points=3, attempt=1, key="1", when=DUE - DAY),
        made("ada", points=9, attempt=2, key="2", when=DUE + DAY),
        replace(made("bo", points=7, when=DUE + 30 * DAY), clock=sorted(UNKNOWN)[0]),
        policy=replace(POLICY, attempts=Attempts.BEST),
        extensions=[extension],
    )
    ada, bo = (found[name].replace("`", "") for name in ("ada", "bo"))
    assert "2 attempts were handed in; the best one counts" in ada
    assert "| 2 | 2026-12-01 23:59 CET | 9 | counts |" in ada and "extended to" in ada
    assert f"handed in {UNKNOWN_TIME}" in bo and "graded as on time" in bo and "2026-12-30" not in bo


def test_what_the_grader_failed_on_is_no_zero(tmp_path) -> None:
    found = pages(tmp_path, broken("ada"), made("ada", points=5, exercise="conv2d"))
    assert "no point is lost" in found["ada"] and "no grade yet" in found["ada"]


def test_only_the_points_of_a_hidden_check_leave(tmp_path) -> None:
    secret = check("SECRET", 0.0, hidden=True, says="SECRET", hint="LEAKED", misconception="LEAKED")
    found = pages(tmp_path, made("ada", check(), secret))["ada"]
    assert "Hidden check: SECRET" in found and "LEAKED" not in found and "The result is wrong." in found


def test_only_those_who_are_asked_for(tmp_path) -> None:
    records = [made(name, points=5, exercise=one) for name in ("ada", "bo") for one in ("softmax", "conv2d")]
    found = pages(tmp_path, *records, students=["bo"], exercises=["conv2d"])
    assert set(found) == {"bo"} and "## softmax" not in found["bo"] and "conv2d" in found["bo"]


def test_the_same_gradebook_gives_the_same_pages(tmp_path) -> None:
    records = [made(name, check(points=1.0, outcome=Outcome.FAILED)) for name in ("ada", "bo")]
    assert pages(tmp_path / "one", *records) == pages(tmp_path / "two", *records)
    assert DUE.tzinfo is BERLIN


# -- what is there already ---------------------------------------------------------------------------------------------


def test_the_pages_of_whoever_has_no_grade_any_more_go_and_nothing_else(tmp_path) -> None:
    pages(tmp_path, *(made(name, points=5) for name in ("ada", "copycat", "cop2")))
    to = tmp_path / "to"
    pages(tmp_path, exercises=["softmax"], stem="feedback-softmax")
    (to / "cop2" / "feedback-notes.md").write_text("by hand")
    (to / "stranger").mkdir()
    (to / "stranger" / PAGE).write_text("somebody's")
    with Gradebook.open(tmp_path / "gradebook.db", write=True) as book:
        book.withdraw([("copycat", "softmax", 1), ("cop2", "softmax", 1)], "copied", "Dr. Tran", NOW)
        written = write_feedback(book, ledger(book, POLICY, ()), to)
        assert (written.students, set(written.removed)) == (1, {"copycat", "cop2"})
        assert write_feedback(book, ledger(book, POLICY, ()), to).removed == ()
    assert {path.relative_to(to).as_posix() for path in to.rglob("*.*")} == {
        *("ada/feedback.html", "ada/feedback.md", "ada/feedback-softmax.html", "ada/feedback-softmax.md"),
        *("cop2/feedback-notes.md", "stranger/feedback.html", INDEX),
    }
    assert not (to / "copycat").exists()


@pytest.mark.parametrize(
    "index", ['{"ada": "ada@example.edu"}', "[1]", '{"../x": "ada"}', "no JSON", '{"ada": 3}', '{"ada~/../x": "ada"}']
)
def test_a_strangers_index_is_not_replaced(tmp_path, index) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / INDEX).write_text(index)
    with (
        book_of(tmp_path, made("ada", points=5)) as book,
        pytest.raises(UsageError, match=r"students\.json is there already, and is not what this command wrote"),
    ):
        write_feedback(book, ledger(book, POLICY, ()), tmp_path / "to")
    assert [path.name for path in (tmp_path / "to").iterdir()] == [INDEX]
    assert (tmp_path / "to" / INDEX).read_text() == index


def test_pages_of_some_exercises_leave_those_of_all(tmp_path) -> None:
    records = [made("ada", points=5, exercise=one) for one in ("softmax", "conv2d")]
    whole = pages(tmp_path, *records)["ada"]
    assert pages(tmp_path, exercises=["softmax"], stem=stem_of(["02_losses/softmax.py"]))["ada"] == whole
    part = (tmp_path / "to" / "ada" / "feedback-softmax.md").read_text("utf-8")
    assert "## softmax" in part and "conv2d" not in part
    assert stem_of([]) == "feedback" and stem_of(["02_losses/", "bleu", "bleu.py"]) == "feedback-02_losses-bleu"


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def graded(tmp_path, monkeypatch):
    course_at(tmp_path / "course")
    book_of(tmp_path, made("ada", points=4, exercise="double"), broken("bo", exercise="double")).close()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_feedback_is_written_beside_the_gradebook(graded, dlgrade) -> None:
    ran = dlgrade("--course", graded / "course", "feedback", "--at", graded)
    assert ran.code == 3 and "2 students" in ran.out and "double of bo" in ran.err
    assert (graded / "feedback" / "ada" / PAGE).is_file()
    here = dlgrade(
        "--course", graded / "course", "feedback", "--to", "there", "--student", "ada", "--exercise", "double"
    )
    assert (
        here.code == 0
        and (graded / "there" / "ada" / "feedback-double.md").is_file()
        and not (graded / "there" / "bo").exists()
    )


def test_whoever_is_misspelt_is_not_passed_over(graded, dlgrade) -> None:
    ran = dlgrade("--course", graded / "course", "feedback", "--student", "adda")
    assert ran.code == 2 and "Did you mean ada?" in ran.err


@pytest.mark.parametrize("command", ["grades", "stats"])
def test_a_page_on_the_class(graded, dlgrade, command) -> None:
    ran = dlgrade("--course", graded / "course", command, graded, "--format", "html", "--out", graded / "page.html")
    assert ran.code in (0, 3), ran.text
    text = (graded / "page.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>") and "double" in text
    assert dlgrade("--course", graded / "course", command, graded, "--format", "html").out == text
    assert dlgrade("--course", graded / "course", command, graded, "--out", "x").code == 2
