"""The page: one file that needs nothing else, says all there is to say, and can be read on any screen."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from dlgrade.model import Bar, Evidence, Frame, Outcome, Race, Report, Verdict, Worst
from dlgrade.report import outline
from dlgrade.report.html import to_html
from dlgrade.report.page import POLICY
from dlgrade.report.words import WORDS
from hypothesis import given, settings
from pages import Element, elements, read_page
from report_samples import (
    ANY_TEXT,
    AXIS,
    GOOD,
    HOSTILE,
    LAW,
    LONG_CALL,
    NAN,
    REPORTS,
    SECRET,
    SLOW,
    WRONG,
    report,
    reports,
    result,
)

often = settings(deadline=None, database=None, derandomize=True, max_examples=60)


def page(*checks, **fields) -> Element:
    return read_page(to_html([report(*checks, **fields)]))


def texts(found: list[Element]) -> list[str]:
    return [element.text for element in found]


# -- what a student reads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPORTS)
def test_every_check_has_its_row_and_every_fault_its_block(name: str) -> None:
    shown = REPORTS[name]
    read = read_page(to_html([shown]))
    (table,) = read.all("table")
    assert len(table.all("tbody")[0].children) == len(shown.checks)
    assert len(read.all("article")) == len(outline.blocks(shown))
    assert f"{outline.VERDICTS[shown.verdict].value} {WORDS[f'verdict {shown.verdict}']}" in read.text


def test_a_row_says_what_and_how_many_points_and_how_it_went() -> None:
    rows = [[cell.text for cell in row.children] for row in page(GOOD, WRONG, NAN).all("tbody")[0].children]
    assert rows[0] == ["✓Equals scipy's softmax on scores of any size.", "3/3", "passed"]
    assert rows[1] == ["✗Equals scipy's softmax on scores of any size.", "0/3", "wrong"]
    assert rows[2][1:] == ["0.5/3", "wrong"]


def test_a_block_is_in_the_order_in_which_it_helps() -> None:
    assert WRONG.evidence is not None
    frames = (Frame(31, "softmax", "return _of(x)"), *(Frame(9, "_of", "return _of(x)") for _ in range(5)))
    everything = replace(WRONG.evidence, traceback=frames, output="hello\n", notes=("A note.", "Another."))
    (block,) = page(replace(WRONG, evidence=everything)).all("article")
    parts = [WRONG.says, "wrong", "2 of 4 values", f"Likely cause: {AXIS.replace('`', '')}", "softmax(np.array",
             "expected[[0.2", "got[[0.1", "worst at [0, 1]: expected 0.73105858, got 0.11920292",
             "softmax.py line 31, in softmax:\n    return _of(x)", "… the same line 4 more times", "hello",
             "A note.", "Another."]  # fmt: skip
    places = [block.text.index(part) for part in parts]
    assert places == sorted(places)
    assert texts(block.all("p", "cure")[0].all("code")) == ["axis", "axis", "keepdims=True"]
    assert texts(block.all("li")) == ["A note.", "Another."]


def test_a_counterexample_is_whole_and_selected_as_one() -> None:
    read = page(WRONG, NAN)
    assert WRONG.evidence is not None
    assert texts(read.all("pre", "call")) == [WRONG.evidence.call, LONG_CALL]
    assert "pre.call code { user-select: all;" in to_html([])
    endless = f"f({'1, ' * 20_000})"
    assert texts(page(replace(WRONG, evidence=Evidence("No.", call=endless))).all("pre")) == [endless]


def test_a_hint_is_given_in_full_once_and_equal_faults_share_a_block() -> None:
    assert texts(read_page(to_html([REPORTS["wrong"]])).all("p", "cure"))[1].endswith("whatever axis …")
    (block,) = read_page(to_html([REPORTS["not_loaded"]])).all("article")
    assert len(block.all("h2")) == 3 and block.text.count("never closed") == 1
    many = [replace(REPORTS["not_loaded"].checks[0], name=str(number)) for number in range(5)]
    assert texts(page(*many).all("article")[0].all("h2")) == ["✗5 checks · raised an error"]


def test_what_is_not_started_is_one_line() -> None:
    read = read_page(to_html([REPORTS["not_started"]]))
    assert read.all("article") == [] and "Not started yet: softmax_backward" in texts(read.all("p"))


def test_lines_are_kept_where_they_mean_something() -> None:
    (paragraph,) = page(result("a", "Holds.", Outcome.RAISED, evidence=Evidence("one\ntwo"))).all("article")[0].all("p")
    assert [child.tag for child in paragraph.children] == ["br"]
    (printed,) = page(result("a", "Holds.", evidence=Evidence("", output="\n\n  x\n\ty\n"))).all("pre")
    assert printed.text == "  x\n\ty"
    # A browser drops a line break right after <pre>.
    assert "<pre><code>" in re.sub("<pre [^>]*>", "<pre>", to_html([REPORTS["wrong"]]))


def test_it_says_where_the_code_was_not_isolated() -> None:
    assert WORDS["not isolated"] in texts(read_page(to_html([REPORTS["raised"]])).all("p"))
    assert WORDS["not isolated"] not in texts(read_page(to_html([REPORTS["wrong"]])).all("p"))


# -- arrays ------------------------------------------------------------------------------------------------------------


def values(expected: str, got: str, worst: Worst | None = None) -> tuple[list[Element], list[Element]]:
    evidence = Evidence("No.", expected=expected, got=got, worst=worst)
    left, right = page(replace(WRONG, evidence=evidence)).all("pre")
    assert (left.text, right.text) == (expected, got), "shading changes no character"
    return left.all("code")[0].children, right.all("code")[0].children


def classes(cells: list[Element]) -> list[str]:
    return [cell.attributes.get("class", "") for cell in cells]


def test_the_worst_element_is_marked() -> None:
    worst = Worst((1,), "-0.14077", "0.184836", 0.3256)
    left, right = values("[  0.28 > -0.14077< -0.14 ]", "[  0.44 > 0.184836<     0 ]", worst)
    assert [(cell.tag, cell.text) for cell in (*left, *right)] == [("mark", "-0.14077"), ("mark", "0.184836")]
    assert values("[ 1 >2< ]", "[ 1 >3< ]", None) == ([], [])
    assert values("a -> b <- c", "d", Worst((), "1", "2", 1.0)) == ([], [])


def test_a_small_matrix_is_shaded_by_how_far_off_it_is() -> None:
    worst = Worst((1, 1), "4", "-8", 12.0)
    left, right = values("[[ 1  2 ]\n [ 3 >4<]]", "[[ 1  3 ]\n [ 8 >-8<]]", worst)
    assert classes(left) == classes(right) == ["", "off-1", "off-2", "off-3"]
    assert [cell.tag for cell in right] == ["span", "span", "span", "mark"]
    assert classes(values("[[1, 2],\n [3, 4]]", "[[1, nan],\n [inf, 5]]")[1]) == ["", "off-3", "off-3", "off-3"]
    assert WORDS["heat"] in texts(page(WRONG).all("p"))


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("[1 2]", "[1 3]"),
        ("[[[1 2]]]", "[[[1 3]]]"),
        ("[[1 2]]", "[[1 2]\n [3 4]]"),
        ("[[1 2]]", "[[1 x]]"),
        ("[[1 2]]", "[[1 2]]"),
        (f"[[{'1 ' * 65}]]", f"[[{'2 ' * 65}]]"),
        ("[0:1, 0:2] of shape (9, 9):\n[[1 2]]", "[0:1, 0:2] of shape (9, 9):\n[[1 3]]"),
    ],
)
def test_nothing_else_is_shaded(expected: str, got: str) -> None:
    assert values(expected, got) == ([], [])
    assert WORDS["heat"] not in page(replace(WRONG, evidence=Evidence("No.", expected=expected, got=got))).text


# -- a race ------------------------------------------------------------------------------------------------------------


def test_a_race_is_a_chart_with_its_numbers_beside_it() -> None:
    (figure,) = page(SLOW).all("figure")
    assert [[child.text for child in row.children if child.text] for row in figure.all("li")] == [
        ["torch's own operator", "1×"],
        ["the reference", "1.24×"],
        ["the limit", "3×"],
        ["yours", "37.8× (36.9 to 38.5)"],
        ["a loop over rows", "412×"],
    ]
    assert figure.all("figcaption")[0].text.startswith("4096 x 1024 on the cpu: processor time of 5 rounds")
    # The chart ends at three times the limit; what is longer is as long as that, and looks so.
    widths = [bar.attributes["style"] for bar in figure.all("span", "bar")]
    assert widths == [f"width: {width}%" for width in ("11.11", "13.78", "33.33", "100.00", "100.00")]
    off = ["runs-off" in bar.attributes["class"] for bar in figure.all("span", "bar")]
    assert off == [False, False, False, True, True]
    assert {line.attributes["style"] for line in figure.all("span", "at-limit")} == {"left: 33.33%"}
    assert all(track.attributes["aria-hidden"] == "true" for track in figure.all("span", "track"))
    # Yours is as red as its outcome.
    assert "failed" in figure.all("span", "track")[3].attributes["class"].split()
    assert figure.all("span", "bar")[3].attributes["class"].split() == ["bar", "yours", "runs-off"]


def test_an_interval_is_a_whisker_that_stays_on_the_chart() -> None:
    def whiskers(low: float, high: float) -> list[str]:
        race = Race("4 x 4", "cpu", "wall", 5, 1.0, (Bar("yours", 4.0, low, high), Bar("limit", 2.0)))
        (figure,) = page(replace(SLOW, evidence=Evidence("", race=race))).all("figure")
        return [whisker.attributes["style"] for whisker in figure.all("span", "whisker")]

    assert whiskers(3.0, 3.5) == ["left: 75.00%; width: 12.50%"]
    assert whiskers(3.5, 3.0) == ["left: 75.00%; width: 12.50%"]
    assert whiskers(3.0, 9.0) == ["left: 75.00%; width: 25.00%"]
    assert whiskers(7.0, 9.0) == []


def test_a_race_without_bars_is_still_told() -> None:
    for bars in ((), (Bar("yours", 0.0, 0.0, 0.0),), (Bar("yours", 1.0), Bar("limit", 0.0))):
        race = Race("4 x 4", "cuda", "wall", 5, 1.0, bars)
        (figure,) = page(replace(SLOW, evidence=Evidence("", race=race))).all("figure")
        assert len(figure.all("li")) == len(bars)


# -- several -----------------------------------------------------------------------------------------------------------


def test_several_reports_are_one_page_with_a_table_of_all() -> None:
    shown = [REPORTS["passed"], REPORTS["wrong"], REPORTS["others"]]
    read = read_page(to_html(shown))
    assert texts(read.all("h1")) == ["3 exercises"]
    rows = [[cell.text for cell in row.children] for row in read.all("table")[0].all("tr")]
    assert rows[1:] == [
        ["02_losses/softmax", "5/5", "✓\u00a0passed"],
        ["02_losses/softmax", "3.5/11", "✗\u00a0failed"],
        ["02_losses/softmax", "0/27", "!\u00a0could not be graded"],
        ["3 exercises", "8.5/43", ""],
    ]
    targets = [section.attributes["id"] for section in read.all("section")]
    assert [link.attributes["href"] for link in read.all("a")] == [f"#{target}" for target in targets]
    assert len(set(targets)) == 3
    assert read_page(to_html([])).all("section") == []


@pytest.mark.parametrize("shown", [[REPORTS["wrong"]], [REPORTS["wrong"], REPORTS["too_slow"]]], ids=["one", "two"])
def test_headings_leave_no_level_out(shown: list[Report]) -> None:
    levels = [int(element.tag[1]) for element in read_page(to_html(shown)).all() if re.match(r"h\d", element.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


# -- promises ----------------------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_else() -> None:
    text = to_html(list(REPORTS.values()))
    metas = [element.attributes for element in read_page(text).all("meta")]
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in metas
    assert "default-src 'none'" in POLICY and "script" not in POLICY
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in metas
    (style,) = read_page(text).all("style")
    assert not re.search(r"url\(|@import|expression|</|http", style.text)
    assert not re.search(r"<(script|link|img|iframe|object|form|input|base)\b", text)


def colours(css: str) -> list[dict[str, str]]:
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w{6});", part)) for part in css.split("@media (prefers-", 1))
    return [light, light | dark]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_everything_can_be_read_in_light_and_in_dark() -> None:
    (style,) = read_page(to_html([])).all("style")
    pairs = [(ink, "ground") for ink in ("text", "quiet", "passed", "failed", "broken", "code", "link")]
    pairs += [(ink, "raised") for ink in ("text", "quiet", "code")]
    pairs += [(ink, "cure-ground") for ink in ("text", "cure", "code")]
    pairs += [("text", f"off-{shade}") for shade in (1, 2, 3)]
    pairs += [("text", f"heat-{level}") for level in (1, 2, 3)] + [("ground", f"heat-{level}") for level in (4, 5)]
    light, dark = colours(style.text)
    assert light != dark and light.keys() == dark.keys()
    for theme in (light, dark):
        for ink, ground in pairs:
            low, high = sorted((luminance(theme[ink]), luminance(theme[ground])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_a_hidden_check_tells_its_category_only() -> None:
    text = to_html([REPORTS["hidden"]])
    assert SECRET not in text
    assert "Hidden check: large_batches" in text and "The result is wrong." in text


def test_hostile_strings_stay_text() -> None:
    read = read_page(to_html([REPORTS["hostile"]] * 2))
    shown = HOSTILE.encode("unicode_escape").decode()
    assert texts(read.all("h2"))[0] == shown
    assert read.text.count("<script>&]]>") > 20


@often
@given(report=reports(ANY_TEXT))
def test_any_report_is_a_page_of_our_elements(report: Report) -> None:
    for shown in ([report], [report, REPORTS["wrong"]]):
        text = to_html(shown)
        text.encode("utf-8")
        assert len(read_page(text).all("article")) == sum(len(outline.blocks(one)) for one in shown)


def test_words_of_a_text_are_marked_and_no_more() -> None:
    bare, marked = (page(replace(LAW, hint=hint)) for hint in ("see axis there", "see `axis` there"))
    assert elements(bare) == elements(marked) and bare.text == marked.text
    unclosed = page(replace(LAW, hint="a ` b")).all("p", "cure")[0]
    assert unclosed.text.endswith("a ` b") and unclosed.all("code") == []


def test_every_verdict_and_outcome_has_its_class() -> None:
    (style,) = read_page(to_html([])).all("style")
    used = {mark.name.lower() for mark in (*outline.MARKS.values(), *outline.VERDICTS.values(), outline.Mark.FAILED)}
    assert {name for name in used if f".{name} {{ color:" in style.text} == used
    assert set(outline.VERDICTS) == set(Verdict)


def test_check_writes_a_page(dlgrade, tmp_path) -> None:
    (tmp_path / "softmax.py").write_text("def softmax(x, axis=-1):\n    raise ValueError('</pre><script>')\n", "utf-8")
    ran = dlgrade("check", "softmax", "--at", tmp_path, "--format", "html", "--out", tmp_path / "new" / "report.html")
    assert (ran.code, ran.out) == (1, "")
    read = read_page((tmp_path / "new" / "report.html").read_text("utf-8"))
    assert texts(read.all("h1")) == ["softmax"] and "ValueError: </pre><script>" in read.text
