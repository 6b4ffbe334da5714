"""Copies in disguise are shown, right answers that are merely alike are not; strangers' sources do no harm."""

from __future__ import annotations

import re
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import dlgrade
import pytest
from copied_class import answer, disguised, made_class
from dlgrade.course.find import find_root, open_course
from dlgrade.gradebook import similar
from dlgrade.gradebook.collect import Collected
from dlgrade.gradebook.lexing import TOKENS_LIMIT, lexed
from dlgrade.gradebook.similar import likenesses
from dlgrade.gradebook.sources import Clock
from dlgrade.model import Submission
from dlgrade.report.alike import Alike, Group, Side, to_html

ROOT = find_root(str(Path(dlgrade.__file__).parent.parent.parent))
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def course():
    return open_course(ROOT)


def collected(student, source, attempt=1):
    data = source if isinstance(source, bytes) else source.encode()
    when = datetime(2026, 3, 2, tzinfo=UTC)
    return Collected(student, "softmax", attempt, when, Clock.FILE, Submission.of("softmax.py", data), "softmax.py")


def likeness(course, sources, past=(), **options):
    (found,) = likenesses(course, [collected(*one) for one in sources], [collected(*one) for one in past], **options)
    return found


def owners(found):
    return {frozenset((pair.one.owner, pair.other.owner)) for pair in found.pairs}


@pytest.fixture(scope="module")
def strangers():
    return [(one.student, one.source) for one in made_class(60, 0, 3)]


@pytest.fixture(scope="module")
def original():
    import random

    return answer(random.Random(11), unusual=True)


# -- what is found -----------------------------------------------------------------------------------------------------


def test_copies_are_found_and_answers_of_their_own_are_not(course):
    made = made_class(120, 24, 5)
    family = {one.student: one.family for one in made}
    found = likeness(course, [(one.student, one.source) for one in made])
    right = [pair for pair in found.pairs if family.get(pair.one.owner) == family.get(pair.other.owner)]
    kinds = {one.student: one.kind for one in made}
    caught = [kinds[pair.one.owner] or kinds[pair.other.owner] for pair in right]
    for kind in ("verbatim", "reordered", "whitespace"):
        assert caught.count(kind) == 3, f"{kind}: {caught}"
    assert len(caught) >= 11
    assert len(found.pairs) - len(right) <= 1
    assert found.usual < 0.5


@pytest.mark.parametrize("kind", ["verbatim", "reordered", "comments", "whitespace"])
def test_one_copy_among_strangers(course, strangers, original, kind):
    import random

    copy = disguised(original, kind, random.Random(1))
    found = likeness(course, [*strangers, ("ann", original), ("bob", copy)])
    assert owners(found) == {frozenset(("ann", "bob"))}
    assert found.pairs[0].rank == 1


def test_what_everybody_writes_is_nobodys_copy(course):
    lines = "    e = np.exp(x - x.max(axis, keepdims=True))\n    return e / e.sum(axis, keepdims=True)\n"
    source = f"import numpy as np\n\n\ndef softmax(x, axis=-1):\n{lines}"
    for many in (10, 100):
        assert not likeness(course, [(f"s{n}", source) for n in range(many)]).pairs
    assert not likeness(course, [("ann", source), ("bob", source)]).pairs, "too short to say anything"


def test_the_stub_is_nobodys_copy(course, strangers):
    stub = (ROOT / "assignments/02_losses/softmax/softmax.py").read_text("utf-8")
    found = likeness(course, [*strangers, *((f"x{n}", stub + f"# {n}\n") for n in range(3))])
    assert not found.pairs
    (softmax,) = (folder for folder in course.exercises if folder.name == "softmax")
    reference = (softmax.path / softmax.file_name).read_text("utf-8")
    assert owners(likeness(course, [*strangers, ("ann", reference)])) == {frozenset(("ann", "the reference"))}


def test_variants_and_earlier_years_are_compared_with_the_class(course, strangers, original):
    variant = (ROOT / "solutions/02_losses/softmax/variants/recursive.py").read_text("utf-8")
    past = [("old", original), ("older", original), ("ann", strangers[0][1])]
    now = [*strangers, ("ann", strangers[0][1].replace("x", "x ")), ("bob", variant), ("eve", original)]
    found = owners(likeness(course, now[1:], past))
    assert frozenset(("bob", "the variant recursive")) in found
    assert {frozenset(("eve", "old")), frozenset(("eve", "older"))} <= found
    assert frozenset(("old", "older")) not in found, "earlier years are not compared among themselves"
    assert found == {
        frozenset(("bob", "the variant recursive")), frozenset(("eve", "old")), frozenset(("eve", "older"))
    }, "whoever takes the course again may hand in the same"  # fmt: skip


def test_of_two_students_the_most_alike_attempts_are_told(course, strangers, original):
    found = likeness(course, [*strangers, ("ann", original), ("bob", strangers[0][1], 1), ("bob", original, 2)])
    told = {pair.other.label if pair.one.owner == "ann" else pair.one.label for pair in found.pairs}
    assert "bob, attempt 2" in told


def test_the_result_depends_on_no_order(course, strangers, original):
    several = [*strangers[:30], ("ann", original), ("bob", original)]
    one, other = likeness(course, several), likeness(course, several[::-1])
    assert owners(one) == owners(other)
    assert (one.usual, one.compared) == (other.usual, other.compared)


# -- hostile sources ---------------------------------------------------------------------------------------------------

HOSTILE = {
    "nested": "(" * 50_000,
    "one line": "x" * 99_000,
    "strings": "'" * 50_000 + '"""' * 10_000,
    "f-strings": "f'{" * 20_000,
    "backslashes": "\\" * 90_000,
    "numbers": "1_" * 40_000 + "e" * 100,
    "spaces": " " * 90_000 + "x",
    "controls": "\x1b]0;x\x07\u202e\x00" * 1000,
    "decorators": "@a\n" * 30_000,
}


def test_hostile_sources_take_neither_time_nor_anybody_along(course, strangers, original):
    sources = [*strangers[:10], *HOSTILE.items(), ("ann", original), ("bob", original), ("big", "x = 1\n" * 50_000)]
    begun = time.monotonic()
    found = likeness(course, [*sources, ("latin", b"x = '\xff'\n")])
    assert time.monotonic() - begun < 60
    assert frozenset(("ann", "bob")) in owners(found)
    assert {"big, attempt 1", "latin, attempt 1", "controls, attempt 1"} <= {label for label, _ in found.left_out}


def test_what_cannot_be_read_takes_only_itself_along(course, strangers, original, monkeypatch, tmp_path):
    lexer = tmp_path / "lexing.py"
    text = Path(similar._LEXER).read_text("utf-8")
    lexer.write_text(text.replace('known = set(asked["known"])', 'known = set(asked["known"])\n'
                                  '    assert "BOOM" not in str(asked["sources"])'), "utf-8")  # fmt: skip
    monkeypatch.setattr(similar, "_LEXER", lexer)
    monkeypatch.setattr(similar, "_TOGETHER", 8)
    found = likeness(course, [*strangers[:4], ("bad", "# BOOM"), ("ann", original), ("bob", original)])
    assert found.left_out == (("bad, attempt 1", "Its tokens could not be read within the limits."),)
    assert frozenset(("ann", "bob")) in owners(found)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_an_endless_reader_is_ended(monkeypatch, tmp_path):
    lexer = tmp_path / "lexing.py"
    text = Path(similar._LEXER).read_text("utf-8")
    lexer.write_text(text.replace("    asked = json.load(sys.stdin)", "    while True:\n        pass"), "utf-8")
    monkeypatch.setattr(similar, "_LEXER", lexer)
    assert similar._read(["x"], [], 1) is None


def test_tokens_say_where_they_are():
    source = "def f(x):\n    total = np.sum(x, axis=0)  # add up\n    return total\n"
    words, structure = lexed(source, {"np", "f", "x"})
    assert all(source[start:end] == text for start, end, text in words)
    assert [text for *_, text in words][-5:] == [")", "add", "up", "return", "total"]
    assert " ".join(text for *_, text in structure) == ("def f ( x ) : name = np . sum ( x , axis = 0 ) return name")
    assert len(lexed("x " * 10_000, set())[0]) == TOKENS_LIMIT


# -- what is seen ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, strangers, original):
    root = tmp_path / "class"
    for student, source in (*strangers[:30], ("ann", original), ("bob", original)):
        (root / student).mkdir(parents=True)
        (root / student / "softmax.py").write_text(source, "utf-8")
    return root


def test_the_command_shows_a_table_and_a_page(dlgrade, folder, tmp_path):
    page = tmp_path / "page.html"
    ran = dlgrade("--course", ROOT, "similar", folder, "--exercise", "softmax", "--out", page)
    assert ran.code == 0, ran.text
    assert re.search(r"softmax +ann, attempt 1 +bob, attempt 1 +\d+% +\d+% +1 of ", ran.out)
    assert "This proves nothing" in ran.out
    html = page.read_text("utf-8")
    assert html.count("<article>") == 1
    assert html.count("<pre") == 2
    assert 'class="off-2"' in html
    assert "script" not in html
    assert "Content-Security-Policy" in html


def test_nothing_alike_is_said(dlgrade, folder):
    shutil.rmtree(folder / "bob")
    ran = dlgrade("--course", ROOT, "similar", folder)
    assert (ran.code, ran.out) == (0, "No two are as alike as 75%.\n")
    assert "ann" in dlgrade("--course", ROOT, "similar", folder, "--least", "0").out


def test_an_earlier_year(dlgrade, folder, tmp_path):
    past = tmp_path / "past"
    (folder / "bob").rename(past)
    (past / "bob").mkdir()
    (past / "softmax.py").rename(past / "bob" / "softmax.py")
    ran = dlgrade("--course", ROOT, "similar", folder, "--past", past)
    assert "bob, attempt 1 in an earlier year" in ran.out
    (past / "bob" / "softmax.py").unlink()
    assert "nothing below --past" in dlgrade("--course", ROOT, "similar", folder, "--past", past).err


def test_mistakes_are_told(dlgrade, folder, tmp_path):
    assert "no submissions to compare" in dlgrade("--course", ROOT, "similar", folder, "--exercise", "conv2d").err
    empty = dlgrade("--course", ROOT, "similar", folder, "--out", tmp_path / "no" / "page.html")
    assert (empty.code, "There is no folder" in empty.err) == (2, True)


def test_a_page_shows_strangers_text_and_never_obeys_it():
    evil = "</pre><script>alert(1)</script>&amp;\x1b[31m\u202e\"'\n"
    side = Side(evil, evil * 3000, [(2, 9), (20, 31)])
    html = to_html([Group(evil, evil, [Alike([evil], side, side)], [evil])])
    assert "<script" not in html
    assert html.count("</pre>") == 2
    assert not re.search("[\x1b\u202e]", html)
    assert html.count("&lt;script&gt;") >= 6000, "the sources are whole"
