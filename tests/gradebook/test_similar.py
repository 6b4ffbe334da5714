"""Copies in disguise are shown, right answers that are merely alike are not; strangers' sources do no harm."""

from __future__ import annotations

import random
import re
import shutil
import sys
import time
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import dlgrade
import pytest
from copied_class import answer, disguised, made_class
from dlgrade.course.find import find_root, open_course
from dlgrade.gradebook import fingerprints
from dlgrade.gradebook.collect import Collected
from dlgrade.gradebook.fingerprints import comparable
from dlgrade.gradebook.identical import ENOUGH, ENOUGH_WORDS
from dlgrade.gradebook.lexing import TOKENS_LIMIT, lexed
from dlgrade.gradebook.similar import likenesses
from dlgrade.gradebook.sources import Clock
from dlgrade.model import Submission
from dlgrade.report.alike import Alike, Compared, Identical, Side, to_html

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
    """All who are told together, in a pair or as having the same program."""
    pairs = [(pair.one, pair.other) for pair in found.pairs]
    same = [two for its in found.same for two in combinations(its.sources, 2) if comparable(*two)]
    return {frozenset((one.owner, other.owner)) for one, other in pairs + same}


@pytest.fixture(scope="module")
def strangers():
    return [(one.student, one.source) for one in made_class(60, 0, 3)]


@pytest.fixture(scope="module")
def original():
    return answer(random.Random(11), unusual=True)


# -- what is found -----------------------------------------------------------------------------------------------------


def test_copies_are_found_and_answers_of_their_own_are_not(course):
    made = made_class(120, 24, 5)
    family = {one.student: one.family for one in made}
    found = likeness(course, [(one.student, one.source) for one in made])
    told = owners(found)
    right = [two for two in told if len({family.get(one, one) for one in two}) == 1]
    kinds = {one.student: one.kind for one in made}
    caught = ["".join(kinds[one] for one in two) for two in right]
    for kind in ("verbatim", "reordered", "whitespace"):
        assert caught.count(kind) == 3, f"{kind}: {caught}"
    assert len(caught) >= 11
    assert len(told) - len(right) <= 1
    assert found.usual < 0.5


@pytest.mark.parametrize("kind", ["verbatim", "reordered", "comments", "whitespace"])
def test_one_copy_among_strangers(course, strangers, original, kind):
    copy = disguised(original, kind, random.Random(1))
    found = likeness(course, [*strangers, ("ann", original), ("bob", copy)])
    assert owners(found) == {frozenset(("ann", "bob"))}
    assert [pair.rank for pair in found.pairs] == ([1] if kind == "reordered" else [])


def test_what_everybody_writes_is_nobodys_copy(course):
    lines = "    e = np.exp(x - x.max(axis, keepdims=True))\n    return e / e.sum(axis, keepdims=True)\n"
    source = f"import numpy as np\n\n\ndef softmax(x, axis=-1):\n{lines}"
    for many in (10, 100):
        assert not owners(likeness(course, [(f"s{n}", source) for n in range(many)]))
    assert not owners(likeness(course, [("ann", source), ("bob", source)])), "too short to say anything"


def test_the_stub_is_nobodys_copy(course, strangers):
    stub = (ROOT / "assignments/02_losses/softmax/softmax.py").read_text("utf-8")
    found = likeness(course, [*strangers, *((f"x{n}", stub + f"# {n}\n") for n in range(3))])
    assert not owners(found)
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
    assert ["ann, attempt 1", "bob, attempt 2"] in [[one.label for one in same.sources] for same in found.same]
    copy = disguised(original, "reordered", random.Random(1))
    found = likeness(course, [*strangers, ("ann", original), ("bob", strangers[0][1], 1), ("bob", copy, 2)])
    assert [pair.other.label for pair in found.pairs if pair.one.owner == "ann"] == ["bob, attempt 2"]


def test_the_result_depends_on_no_order(course, strangers, original):
    several = [*strangers[:30], ("ann", original), ("bob", original)]
    one, other = likeness(course, several), likeness(course, several[::-1])
    assert owners(one) == owners(other)
    assert (one.usual, one.compared) == (other.usual, other.compared)


# -- the same program --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference():
    return (ROOT / "solutions/02_losses/softmax/softmax.py").read_text("utf-8")


@pytest.mark.parametrize(("copies", "others"), [(1, 7), (2, 0), (4, 4), (8, 0), (30, 30)])
def test_the_same_program_is_told_however_many_have_it(course, strangers, reference, copies, others):
    found = likeness(course, [*strangers[:others], *((f"x{n}", reference) for n in range(copies))])
    (same,) = found.same
    assert same.students == copies
    assert [one.owner for one in same.sources] == [*sorted(f"x{n}" for n in range(copies)), "the reference"]
    assert same.copies == (same.sources,), "byte for byte"
    assert not found.pairs, "they are no pairs besides"
    assert found.students == copies + others
    assert found.usual == 1 or copies <= others


def test_what_changes_no_program_hides_none(course, reference):
    bare = re.sub(r'    #.*\n|"""(?s:.*?)"""', "", reference)
    sources = {
        "whole": reference,
        "bare": bare,
        "spaced": bare.replace("powers / powers", "powers/powers"),
        "plain": re.sub(r": np\.ndarray|: int| -> np\.ndarray", "", bare),
        "again": bare,
        "renamed": bare.replace("powers", "p"),
        "other": bare.replace("= -1", "= 1"),
    }
    assert len(set(sources.values())) == len(sources) - 1
    (same,) = likeness(course, sources.items()).same
    assert [one.owner for one in same.sources] == ["again", "bare", "plain", "spaced", "whole", "the reference"]
    assert [[one.owner for one in those] for those in same.copies] == [
        ["again", "bare"], ["whole", "the reference"], ["plain"], ["spaced"]
    ]  # fmt: skip


def test_annotations_are_no_part_of_a_program():
    parameters = "x: a.b[1:2], *y: {1: 2}, k=lambda z: z, n: int = {1: -1}[1]"
    text = f"def f[T: int]({parameters}) -> dict[a, b]:\n    v: int = x[1:2]\n"
    (found,) = fingerprints.fingerprints([fingerprints.Source(fingerprints.Kind.STUDENT, "ann", "", text, "")], [])
    assert " ".join(found.program) == (
        "def f [ T ] ( x , * y , k = lambda z : z , n = { 1 : - 1 } [ 1 ] ) : v : int = x [ 1 : 2 ]"
    )


def test_what_was_not_read_is_not_called_the_same(course):
    long = "".join(f"v{n} = {n} + 1\n" for n in range(1000))
    assert not likeness(course, [("ann", long + "w = 1\n"), ("bob", long + "w = 2\n")]).same
    assert likeness(course, [("ann", long + "w = 1\n"), ("bob", long + "w = 1\n")]).same


def test_a_short_program_is_told_by_its_comments(course):
    body = "    e = np.exp(x - x.max(axis, keepdims=True))\n    return e / e.sum(axis, keepdims=True)\n"
    source = f"import numpy as np\n\n\ndef softmax(x, axis=-1):\n{body}"
    pledge = "# I pledge my honour that I have had no help with this work.\n"
    noted = source + "".join(f"# my_{n} own_{n} thought_{n}\n" for n in range(10))
    sources = [("ann", noted), ("bob", noted.replace("\n\n", "\n")), ("cyd", source), ("dan", source + pledge)]
    (same,) = likeness(course, [*sources, ("eve", source), ("fay", source + pledge)]).same
    assert [one.owner for one in same.sources] == ["ann", "bob"]
    assert same.words == 30
    stub = (ROOT / "assignments/02_losses/softmax/softmax.py").read_text("utf-8")
    assert not likeness(course, [(f"x{n}", stub + noted[len(source) :]) for n in range(3)]).same, "no program"


def test_a_students_own_attempts_and_years_are_no_group(course, original):
    noted = original + "# again\n"
    assert not likeness(course, [("ann", original, 1), ("ann", noted, 2)], [("ann", original)]).same
    (same,) = likeness(course, [("ann", original, 1), ("ann", noted, 2)], [("bob", original), ("eve", noted)]).same
    assert same.students == 1
    assert len(same.sources) == 4


def test_those_with_the_same_program_are_one_beside_others(course, strangers, original):
    copy = disguised(original, "reordered", random.Random(1))
    found = likeness(course, [*strangers, *((f"x{n}", original) for n in range(30)), ("zoe", copy)])
    (pair,) = found.pairs
    assert (pair.one.owner, pair.other.owner, pair.rank) == ("x0", "zoe", 1), "thirty who have it make it no habit"
    alone = likeness(course, [*strangers, ("x0", original), ("zoe", copy)])
    assert (found.compared, pair.alike) == (alone.compared, alone.pairs[0].alike)


def test_who_is_in_two_groups_is_in_no_pair_with_either(course, strangers, original, reference):
    sources = [("ann", original, 1), ("ann", reference, 2), ("bob", original), ("cyd", reference), ("dan", reference)]
    found = likeness(course, [*strangers[:20], *sources])
    assert [[one.label for one in its.sources] for its in found.same] == [
        ["ann, attempt 2", "cyd, attempt 1", "dan, attempt 1", "the reference"],
        ["ann, attempt 1", "bob, attempt 1"],
    ]
    assert not found.pairs


def test_the_shares_that_are_shown_are_not_made_small_by_the_class(course, reference):
    body = "    e = np.exp(x - x.max(axis, keepdims=True))\n    return e / e.sum(axis, keepdims=True)\n"
    source = f"import numpy as np\n\n\ndef softmax(x, axis=-1):\n{body}"
    everybody = [(f"s{n}", source.replace("e ", f"e{n} ").replace("e.", f"e{n}.")) for n in range(12)]
    found = likeness(course, [*everybody, ("ann", source), ("bob", source)], least=0)
    shares = {(pair.one.owner, pair.other.owner): (pair.words, pair.structure, pair.alike) for pair in found.pairs}
    assert shares["ann", "bob"][:2] == (1, 1)
    assert shares["s0", "s1"][1] == 1
    assert shares["s0", "s1"][0] > 0.3
    assert max(alike for *_, alike in shares.values()) < 0.75


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
    text = Path(fingerprints._LEXER).read_text("utf-8")
    lexer.write_text(text.replace('known = set(asked["known"])', 'known = set(asked["known"])\n'
                                  '    assert "BOOM" not in str(asked["sources"])'), "utf-8")  # fmt: skip
    monkeypatch.setattr(fingerprints, "_LEXER", lexer)
    monkeypatch.setattr(fingerprints, "_TOGETHER", 8)
    found = likeness(course, [*strangers[:4], ("bad", "# BOOM"), ("ann", original), ("bob", original)])
    assert found.left_out == (("bad, attempt 1", "Its tokens could not be read within the limits."),)
    assert frozenset(("ann", "bob")) in owners(found)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_an_endless_reader_is_ended(monkeypatch, tmp_path):
    lexer = tmp_path / "lexing.py"
    text = Path(fingerprints._LEXER).read_text("utf-8")
    lexer.write_text(text.replace("    asked = json.load(sys.stdin)", "    while True:\n        pass"), "utf-8")
    monkeypatch.setattr(fingerprints, "_LEXER", lexer)
    assert fingerprints._read(["x"], [], 1) is None


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
    copy = disguised(original, "reordered", random.Random(1))
    for student, source in (*strangers[:30], ("ann", original), ("bob", copy)):
        hand_in(root, student, source)
    return root


def hand_in(root, student, source):
    (root / student).mkdir(parents=True)
    (root / student / "softmax.py").write_text(source, "utf-8", newline="\n")


def test_the_command_shows_a_table_and_a_page(dlgrade, folder, tmp_path):
    page = tmp_path / "page.html"
    ran = dlgrade("--course", ROOT, "similar", folder, "--exercise", "softmax", "--out", page)
    assert ran.code == 0, ran.text
    assert re.search(r"softmax +ann, attempt 1 +bob, attempt 1 +\d+% +\d+% +\d+% +1 of ", ran.out)
    assert "handed in the same" not in ran.out
    assert "This proves nothing" in ran.out
    html = page.read_text("utf-8")
    assert html.count("<article>") == 1
    assert html.count("<pre") == 2
    assert 'class="off-2"' in html
    assert "script" not in html
    assert "Content-Security-Policy" in html


def test_the_same_programs_come_first(dlgrade, folder, tmp_path, reference, original):
    bare = re.sub(r"    # .*\n", "", reference)
    for student, source in {"x1": reference, "x2": reference, "x3": bare, "x4": bare, "x5": bare + "\n"}.items():
        hand_in(folder, student, source)
    hand_in(folder, "old", original)
    page = tmp_path / "page.html"
    ran = dlgrade("--course", ROOT, "similar", folder, "--out", page)
    first, second, table, *_ = ran.out.split("\n\n")
    assert first == (
        "softmax: 5 students handed in the same program, which is the reference. It has 62 tokens besides the stub's.\n"
        "  Byte for byte the same: x1, attempt 1; x2, attempt 1; the reference\n"
        "  Byte for byte the same: x3, attempt 1; x4, attempt 1\n"
        "  The same but for comments, layout or annotations: x5, attempt 1"
    )
    assert second.startswith("softmax: 2 students handed in the same program. It has 90 tokens")
    assert "ann, attempt 1 (and 1 more)  bob, attempt 1" in table
    assert len(table.splitlines()) == 2
    html = page.read_text("utf-8")
    places = [
        html.index(text)
        for text in (
            "fewer than 50",
            "5 students handed in the same program, which is the reference",
            "ann, attempt 1 (and 1",
        )
    ]
    assert places == sorted(places)
    assert html.count("<article>") == 3
    assert html.count("<details") == 4, "each text once"
    assert html.count("<details open") == 2
    (folder / "bob").rename(tmp_path / "bob")
    assert "\n\nNo two others are as alike as 75%.\n" in dlgrade("--course", ROOT, "similar", folder).out


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
    (past / "bob" / "softmax.py").write_bytes((folder / "ann" / "softmax.py").read_bytes())
    said = dlgrade("--course", ROOT, "similar", folder, "--past", past).out
    assert said.startswith("softmax: 1 student handed in a program, which is of an earlier year. It has 90 tokens")
    assert "Byte for byte the same: ann, attempt 1; bob, attempt 1 in an earlier year" in said
    (past / "bob" / "softmax.py").unlink()
    assert "nothing below --past" in dlgrade("--course", ROOT, "similar", folder, "--past", past).err


def test_help_says_what_is_enough(dlgrade):
    said = " ".join(dlgrade("similar", "--help").out.split())
    assert f"fewer than {ENOUGH} tokens" in said
    assert f"{ENOUGH_WORDS} words of its comments" in said


def test_mistakes_are_told(dlgrade, folder, tmp_path):
    assert "no submissions to compare" in dlgrade("--course", ROOT, "similar", folder, "--exercise", "conv2d").err
    empty = dlgrade("--course", ROOT, "similar", folder, "--out", tmp_path / "no" / "page.html")
    assert (empty.code, "There is no folder" in empty.err) == (2, True)


def test_a_page_shows_strangers_text_and_never_obeys_it():
    evil = "</pre><script>alert(1)</script>&amp;\x1b[31m\u202e\"'\n"
    side = Side(evil, evil * 3000, [(2, 9), (20, 31)])
    same = Identical(evil, evil, [(evil, [evil, evil])], [side])
    html = to_html([Compared(evil, evil, [same], [Alike([evil], side, side)], [evil])], enough=(50, 30))
    assert "<script" not in html
    assert html.count("</pre>") == 3
    assert not re.search("[\x1b\u202e]", html)
    assert html.count("&lt;script&gt;") >= 9000, "the sources are whole"
