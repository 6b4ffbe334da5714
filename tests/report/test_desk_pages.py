"""The pages that an instructor makes: what they say, how they add up, and that nobody's text has power over them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from desk_samples import (
    ABSENT,
    BROKEN,
    EXERCISES,
    FEEDBACK,
    GRADES,
    LATE,
    NAMES,
    ON_TIME,
    POINTS,
    STATISTICS,
    TOTALS,
)
from dlgrade.gradebook.policy import UNTIMED, GradingPolicy, credit
from dlgrade.report import class_pages
from dlgrade.report.class_pages import grades_page, statistics_page
from dlgrade.report.feedback import to_html, to_markdown
from dlgrade.report.page import POLICY
from dlgrade.report.words import WORDS
from pages import Element, blocks, elements, read_markdown, read_page, seen
from report_samples import PLANE, REPORTS, SECRET, WRONG, report
from test_hostile_text import HAND_PICKED, assert_shown


def rows(table: Element) -> list[list[str]]:
    return [[cell.text.replace("\u00a0", " ").strip() for cell in row.children] for row in table.all("tr")]


def account(one) -> Element:
    return read_page(to_html(replace(FEEDBACK, accounts=(one,)))).all("section")[0]


NOW = datetime(2026, 12, 1, tzinfo=UTC)


# -- a student's page --------------------------------------------------------------------------------------------------


def test_the_points_are_a_sum_that_can_be_followed() -> None:
    section = account(LATE)
    assert rows(section.all("table", "arithmetic")[0]) == [
        ["the checks", "3.5", "of 11"],
        ["credit", "× 90 %", "2 h late: 90 % of the points"],
        ["", "= 3.15", ""],
        ["", "+ 2", "explained it in the oral"],
        ["", "− 0.5", "no name in the file"],
        ["counts", "= 4.65", ""],
    ]
    assert "handed in 2026-12-01 01:59 CET, due 2026-11-30 23:59 CET" in section.text
    attempts = section.all("table", "narrow")[0]
    assert rows(attempts)[1:] == [
        ["1", "2026-11-29 10:00 CET", "–", ""],
        ["2", "2026-12-01 01:59 CET", "3.5", "counts"],
    ]


def test_nobody_is_left_with_less_than_nothing_and_is_told_so() -> None:
    below = replace(LATE, graded=0.0, changes=(replace(LATE.changes[1], points=-9.0),))
    assert rows(account(below).all("table", "arithmetic")[0])[-1] == ["counts", "= 0", WORDS["never below"]]


def test_what_is_missing_or_broken_says_so_and_loses_nothing() -> None:
    assert WORDS["no grade said"] in account(BROKEN).text and "0 of" not in account(BROKEN).all("p", "sum")[0].text
    assert account(ABSENT).all("p", "sum")[0].text == "– not handed in · 0 of 20 points"
    first = read_page(to_html(FEEDBACK)).all("table")[0]
    assert rows(first)[1:5] == [
        ["softmax", "✗ failed", "3.5/11", "90 %", "4.65", "× 2"],
        ["conv2d", "✓ passed", "5/5", "100 %", "5", "× 1"],
        ["bleu", "– not handed in", "–", "–", "0", "× 1"],
        ["lstm", "! no grade yet", "0/20", "–", "–", "× 1"],
    ]


def test_the_total_is_a_sum_too() -> None:
    two = replace(FEEDBACK, accounts=(LATE, ON_TIME, BROKEN))
    assert "4.65 × 2 + 5 = 14.3" in read_page(to_html(two)).text
    assert "14.3 of 47 points, 30.4 %" in read_page(to_html(two)).text
    unweighed = read_page(to_html(replace(FEEDBACK, accounts=(ON_TIME,), total=None)))
    assert rows(unweighed.all("table")[0])[0][-1] == "counts" and "14.3 of" not in unweighed.text


def test_the_markdown_says_the_same() -> None:
    text = to_markdown(replace(FEEDBACK, accounts=(LATE, ON_TIME, ABSENT, BROKEN)))
    shown = seen(read_markdown(text))
    for part in ("Ada Lovelace", "3.15", "× 90 %", "explained it in the oral", "= 4.65", "not handed in", "14.3 of 47",
                 WORDS["no grade said"], "2 of 4 values differ", "Likely cause"):  # fmt: skip
        assert part in shown, part


def test_neither_the_seed_nor_a_hidden_check_is_told() -> None:
    seeded = replace(FEEDBACK, accounts=(replace(ON_TIME, report=report(*REPORTS["hidden"].checks, seed=8674665223)),))
    for shown in (to_html(seeded), to_markdown(seeded)):
        assert SECRET not in shown and "4242" not in shown and "8674665223" not in shown
        assert "The result is wrong." in shown


def test_a_picture_has_a_text_that_says_the_same() -> None:
    page = read_page(to_html(replace(FEEDBACK, accounts=(replace(ON_TIME, report=REPORTS["pictured"]),))))
    heat, *_ = page.all("svg", "heat")
    assert heat.attributes["role"] == "img"
    told = heat.attributes["aria-label"]
    assert "5 of 12 elements are wrong in the slice [1, :, :] of a result of shape (2, 3, 4)" in told
    assert "off by 2" in told and "× not a finite number" in told
    assert [cell.text for cell in heat.all("text")][:12] == list("+·−·+×·+····")
    assert len(page.all("svg", "scatter")) == 2 and len(page.all("svg")) == 5
    levels = [cell.attributes["class"] for cell in heat.all("rect")]
    assert levels[:8] == ["heat-1", "heat-0", "heat-2", "heat-0", "heat-1", "heat-5", "heat-0", "heat-5"]
    text = to_markdown(replace(FEEDBACK, accounts=(replace(ON_TIME, report=REPORTS["pictured"]),)))
    assert "  0 1 2 3\n0 + · − ·\n1 + × · +\n2 · · · ·\n" in text


def test_too_few_elements_are_no_picture() -> None:
    few = replace(PLANE, shape=(3,), start=(0,), got=((1.0, 2.0, 3.0),), off=((1.0, 0.0, 0.0),))
    shown = report(replace(WRONG, evidence=replace(WRONG.evidence, plane=few)))
    page = read_page(to_html(replace(FEEDBACK, accounts=(replace(ON_TIME, report=shown),))))
    assert page.all("svg") == []


# -- a class's pages ---------------------------------------------------------------------------------------------------


def test_the_class_is_told_by_exercise_check_and_misconception() -> None:
    page = read_page(statistics_page("Deep learning", STATISTICS, POINTS))
    first, second, third = page.all("section")
    assert [row[0] for row in rows(first.all("table")[0])[1:]] == [
        "agrees_with_a_definition_of_a_long_name", "sums_to_one", "large_batches (hidden)",
    ]  # fmt: skip
    assert rows(first.all("table")[0])[1][1:] == ["70 %, 7 of 10", "0.61", "0.12 s"]
    assert rows(first.all("table")[0])[3][1:] == ["20 %, 2 of 10", "−0.20", "–"]
    assert "wrong_axis36 %, 4 of 11Divide along axis." in first.text
    told = first.all("svg", "histogram")[0].attributes["aria-label"]
    assert told == "0 to 1.1 points: 1, 1.1 to 2.2 points: 1, 3.3 to 4.4 points: 1, 4.4 to 5.5 points: 1, " \
        "7.7 to 8.8 points: 2, 8.8 to 9.9 points: 1, 9.9 to 11 points: 3"  # fmt: skip
    assert second.all("svg")[0].attributes["aria-label"] == "3 points: 5, 5 points: 5"
    assert "None of 2 submissions could be graded." in third.text


def test_a_bar_of_discrimination_goes_to_the_side_of_its_sign() -> None:
    page = read_page(statistics_page("Deep learning", STATISTICS, POINTS))
    bars = [bar for bar in page.all("rect") if "column" in bar.attributes["class"]]
    assert {bar.attributes["x"] for bar in bars if "below" in bar.attributes["class"]} == {"40.0"}


def test_grades_are_a_table_in_which_each_row_knows_its_places() -> None:
    page = read_page(grades_page("Deep learning", GRADES, TOTALS, EXERCISES))
    (table,) = page.all("table", "grades")
    found = rows(table)
    assert found[0] == ["student", "total", *EXERCISES]
    assert found[1] == ["Ada Lovelace", "12! 20 %", "!", "3", "9", "–"]
    assert found[2] == ["Bo", "42 70 %", "4", "20", "8", "10*"]
    styles = [row.attributes["style"] for row in table.all("tbody")[0].children]
    places = [list(map(int, re.findall(r":(\d+)", style))) for style in styles]
    columns = list(zip(*places, strict=True))
    assert columns[0] == (0, 1, 2, 3) and columns[1] == (3, 0, 1, 2)
    # The most points first; without a grade, or nothing handed in, last.
    assert columns[2] == (3, 1, 0, 2) and columns[5] == (1, 0, 2, 3)
    assert len(page.all("input")) == len(columns)
    assert "3 d late: 50 % of the points" in page.all("details")[0].text
    assert "20 %" not in grades_page("x", GRADES, (), EXERCISES)


def test_what_is_no_event_is_what_a_policy_says_of_it() -> None:
    assert ("on time", credit(GradingPolicy(), None, NOW).reason, UNTIMED) == class_pages._UNEVENTFUL


# -- all of them -------------------------------------------------------------------------------------------------------


def texts_everywhere(text: str) -> dict[str, str]:
    """Every page, with this text wherever a stranger's can be."""
    change = replace(LATE.changes[0], reason=text)
    tried = replace(LATE.attempts[0], when=text)
    hostile = replace(
        LATE,
        exercise=text,
        lateness=text,
        due=text,
        when=text,
        share="90 %",
        changes=(change,),
        attempts=(tried, tried),
    )
    spread = replace(
        STATISTICS[0],
        exercise=text,
        checks=tuple(replace(one, check=text) for one in STATISTICS[0].checks),
        misconceptions=tuple(replace(one, misconception=text, cure=text) for one in STATISTICS[0].misconceptions),
    )
    graded = [replace(GRADES[0], student=text, exercise=text, reason=text, verdict=text)]
    return {
        "feedback": to_html(replace(FEEDBACK, student=text, course=text, accounts=(hostile, ABSENT))),
        "markdown": to_markdown(replace(FEEDBACK, student=text, course=text, accounts=(hostile, ABSENT))),
        "statistics": statistics_page(text, (spread, STATISTICS[1]), {text: [1.0, 2.0]}),
        "grades": grades_page(text, graded, [replace(TOTALS[0], student=text)], [text]),
    }


@pytest.mark.parametrize("text", HAND_PICKED.values(), ids=HAND_PICKED)
def test_hostile_texts_are_shown_and_not_obeyed(text: str) -> None:
    plain = texts_everywhere("x")
    for name, shown in texts_everywhere(text[:300]).items():
        assert_shown(shown.replace("\t", " "))
        if name == "markdown":
            tokens = read_markdown(shown)
            assert_shown(seen(tokens).replace("\t", " "))
            if text.strip():
                assert blocks(tokens) == blocks(read_markdown(plain[name]))
        else:
            page = read_page(shown)
            assert_shown(page.text.replace("\t", " "))
            assert_shown("".join(value for element in page.all() for value in element.attributes.values()))
            if text.strip():
                assert elements(page) == elements(read_page(plain[name]))


def test_every_page_needs_nothing_else() -> None:
    for name, shown in texts_everywhere("x").items():
        if name != "markdown":
            metas = [element.attributes for element in read_page(shown).all("meta")]
            assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in metas
            (style,) = read_page(shown).all("style")
            assert not re.search(r"url\(|@import|expression|</|http", style.text)


def test_headings_leave_no_level_out() -> None:
    for shown in (
        to_html(FEEDBACK),
        statistics_page("x", STATISTICS, POINTS),
        grades_page("x", GRADES, TOTALS, EXERCISES),
    ):
        levels = [int(one.tag[1]) for one in read_page(shown).all() if re.fullmatch(r"h\d", one.tag)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {name for name in NAMES if name not in read_page(grades_page("x", GRADES, TOTALS, EXERCISES)).text} == set()
