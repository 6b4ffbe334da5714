"""The terminal: what a student reads, compared with golden texts, and the promises that hold for any report.

After a change that is meant, run with DLGRADE_UPDATE_GOLDEN=1 and read the difference before committing it.
"""

from __future__ import annotations

import ast
import io
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from dlgrade.model import CheckResult, Evidence, Outcome, Report, Verdict, Worst
from dlgrade.report import terminal
from dlgrade.text import visible
from hypothesis import given, settings
from report_samples import (
    ANY_TEXT,
    AXIS,
    GOOD,
    HOSTILE,
    LAW,
    LONG_CALL,
    NAN,
    OTHERS,
    REPORTS,
    SECRET,
    WRONG,
    report,
    reports,
    result,
)  # fmt: skip
from rich.console import Console, RenderableType

GOLDEN = Path(__file__).parent / "golden"
often = settings(deadline=None, database=None, derandomize=True, max_examples=60)


def printed(*renderables: RenderableType, width: int = 80, colour: bool = False) -> str:
    console = Console(
        width=width,
        file=io.StringIO(),
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        _environ={},
    )
    for renderable in renderables:
        console.print(renderable, crop=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def page(report: Report, *, width: int = 80) -> list[RenderableType]:
    """Everything that `dlgrade check` shows of one exercise."""
    return [
        terminal.heading("Softmax: turn scores into probabilities", report.exercise, report.submission.path),
        "",
        *(terminal.check_line(check, width=width) for check in report.checks),
        *terminal.details(report),
        "",
        terminal.summary(report),
    ]


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    if os.environ.get("DLGRADE_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


# -- what a student reads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_reads_as_its_golden_text(name: str) -> None:
    assert_golden(name, printed(*page(REPORTS[name])))


def test_the_overview_reads_as_its_golden_text() -> None:
    shown = [replace(report, exercise=f"softmax_{name}") for name, report in REPORTS.items() if name != "hostile"]
    assert_golden("overview", printed(terminal.overview(shown)))
    assert "exercises" not in printed(terminal.overview(shown[:1]))


def test_every_golden_text_is_still_compared() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*REPORTS, "overview"}


def test_a_counterexample_can_be_copied_whatever_its_length() -> None:
    for width in (40, 80, 120):
        lines = printed(*terminal.details(REPORTS["wrong"]), width=width).splitlines()
        calls = [line for line in lines if line.startswith("    softmax(np.array(")]
        assert [line[4:] for line in calls] == [WRONG.evidence.call, LAW.evidence.call, LONG_CALL]
        for call in calls:
            ast.parse(call.strip())
    endless = f"f({'1, ' * 20_000})"
    assert f"    {endless}\n" in printed(
        *terminal.details(report(replace(WRONG, evidence=Evidence("No.", call=endless))))
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_but_a_counterexample_is_wider_than_the_terminal(width: int) -> None:
    for report_ in REPORTS.values():
        calls = [check.evidence.call for check in report_.checks if check.evidence and check.evidence.call]
        for line in printed(*page(report_, width=width), width=width).splitlines():
            assert len(line.rstrip()) <= width or line[4:] in [visible(call, limit=len(call)) for call in calls]


def test_a_block_is_in_the_order_in_which_it_helps() -> None:
    everything = replace(
        WRONG,
        evidence=replace(
            WRONG.evidence, traceback=REPORTS["raised"].checks[0].evidence.traceback, output="hello", notes=("A note.",)
        ),
    )
    text = printed(*terminal.details(report(everything)))
    parts = [WRONG.says, "2 of 4 values", "Likely cause:", "softmax(np.array", "expected  [[0.2", "got       [[0.1",
             "worst at [0, 1]: expected 0.73105858, got 0.11920292", "softmax.py line 31, in softmax_backward:  return",
             "hello", "A note."]  # fmt: skip
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_a_hint_is_given_in_full_once() -> None:
    text = " ".join(printed(*terminal.details(REPORTS["wrong"])).split())
    assert text.count(AXIS) == 1
    assert text.count("Likely cause, as above: You normalised over axis 0") == 1
    other = printed(*terminal.details(report(WRONG, replace(LAW, hint="Another."))))
    assert "as above" not in other and "Likely cause: Another." in other


def test_neighbours_that_failed_for_one_reason_share_a_block() -> None:
    blocks = terminal.details(REPORTS["not_loaded"])
    assert len(blocks) == 1
    text = printed(*blocks)
    assert text.count("never closed") == 1
    assert all(check.says in text for check in REPORTS["not_loaded"].checks)
    apart = [REPORTS["not_loaded"].checks[0], WRONG, REPORTS["not_loaded"].checks[1]]
    assert len(terminal.details(report(*apart))) == 3


def test_what_is_not_started_is_one_line_and_names_what_is_missing() -> None:
    assert printed(*terminal.details(REPORTS["not_started"])) == "\n– Not started yet: softmax_backward\n"
    assert "not started yet" in terminal.check_line(REPORTS["not_started"].checks[1]).plain
    both = report(REPORTS["not_started"].checks[2])
    assert "Not started yet: softmax, softmax_backward" in printed(*terminal.details(both))


def test_nothing_is_said_about_what_passed() -> None:
    assert terminal.details(REPORTS["passed"]) == []


def test_the_worst_of_a_single_number_has_no_place() -> None:
    worst = Worst((), "1.0", "2.0", 1.0)
    bare = report(replace(LAW, evidence=Evidence("No.", worst=worst)))
    assert "    expected 1.0, got 2.0\n" in printed(*terminal.details(bare))
    told = report(replace(LAW, evidence=Evidence("No.", expected="1.0", got="2.0", worst=worst)))
    assert "worst" not in printed(*terminal.details(told)) and "expected 1.0, got" not in printed(
        *terminal.details(told)
    )


def test_long_output_and_long_tracebacks_are_bounded() -> None:
    text = printed(*terminal.details(report(NAN)))
    assert "step 10\n" in text and "step 11\n" not in text and "… and 19 more lines" in text
    flood = printed(*terminal.details(report(replace(NAN, evidence=Evidence("No.", output="x" * 9000)))))
    assert flood.count("x") < 1300 and "(7,800 more characters)" in " ".join(flood.split())
    assert "… the same line 19 more times" in printed(*terminal.details(REPORTS["raised"]))
    frames = [replace(REPORTS["raised"].checks[0].evidence.traceback[0], line=line) for line in range(1, 31)]
    deep = replace(REPORTS["raised"].checks[0], evidence=Evidence("No.", traceback=tuple(frames)))
    lines = printed(*terminal.details(report(deep)))
    assert re.findall(r"line (\d+), in", lines) == ["1", "2", "25", "26", "27", "28", "29", "30"]
    assert "… 22 more lines" in lines


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_mark_and_a_word(outcome: Outcome) -> None:
    line = terminal.check_line(result("x", "Holds.", outcome)).plain
    mark = {"passed": "✓", "skipped": "–", "inconclusive": "!", "broken": "!"}.get(outcome, "✗")
    word = "" if outcome is Outcome.PASSED else f"  {terminal.WORDS[outcome]}"
    assert line == f"  {mark} Holds.  0/3{word}"


@pytest.mark.parametrize(
    ("points", "max_points", "shown"),
    [(3.0, 3.0, "3/3"), (0.5, 3, "0.5/3"), (0.1 + 0.2, 1, "0.3/1"), (2 / 3, 1, "0.6667/1")],
)
def test_points_are_plain_numbers(points: float, max_points: float, shown: str) -> None:
    line = terminal.check_line(replace(GOOD, points=points, max_points=max_points))
    assert line.plain.endswith(f"  {shown}")
    assert "0/0" not in terminal.check_line(replace(GOOD, points=0, max_points=0)).plain


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.412, "0.41 s"), (9.996, "10.0 s"), (59.96, "1 min 0 s"), (83.4, "1 min 23 s")]
)
def test_the_summary_is_a_line(seconds: float, shown: str) -> None:
    text = terminal.summary(replace(REPORTS["wrong"], seconds=seconds)).plain
    assert text == f"softmax: 3.5 of 11 points · failed · {shown}"


def test_the_summary_says_where_the_code_was_not_isolated() -> None:
    assert terminal.summary(REPORTS["raised"]).plain.splitlines()[1] == "not isolated: for your own code only"
    for verdict, name in {Verdict.PASSED: "passed", Verdict.BROKEN: "others"}.items():
        assert terminal.WORDS[f"verdict {verdict}"] in terminal.summary(REPORTS[name]).plain


# -- promises ----------------------------------------------------------------------------------------------------------


def test_a_hidden_check_tells_its_category_only() -> None:
    text = printed(*page(REPORTS["hidden"]), terminal.overview([REPORTS["hidden"]]), width=400)
    assert SECRET not in text
    assert "Hidden check: large_batches" in text and "The result is wrong." in text


def test_hostile_strings_stay_text() -> None:
    text = printed(*page(REPORTS["hostile"], width=400), terminal.overview([REPORTS["hostile"]]), width=400)
    assert visible(text, limit=len(text), lines=True) == text
    assert "[bold red]markup[/] [/] :boom:" in text
    # The same in colour, but for the sequences that rich itself writes.
    colour = printed(
        *page(REPORTS["hostile"], width=400), terminal.overview([REPORTS["hostile"]]), width=400, colour=True
    )
    assert re.sub(r"\x1b\[[0-9;]*m", "", colour) == text


def test_colours_can_be_read_on_light_and_on_dark() -> None:
    codes: set[str] = set()
    for report_ in REPORTS.values():
        text = printed(*page(report_), terminal.overview([report_]), colour=True)
        codes |= {code for found in re.findall(r"\x1b\[([0-9;]*)m", text) for code in found.split(";")}
    # Bold, dim, and the theme's red, green, yellow, magenta and cyan: no black, no white, no background.
    assert codes == {"0", "1", "2", "31", "32", "33", "35", "36"}


@often
@given(report=reports(ANY_TEXT))
def test_any_report_can_be_shown_and_obeys_nothing(report: Report) -> None:
    text = printed(*page(report), terminal.overview([report, report]))
    text.encode("utf-8")
    assert visible(text, limit=len(text), lines=True) == text


def test_every_outcome_and_verdict_has_its_word() -> None:
    assert {*Outcome} <= terminal.WORDS.keys()
    assert {f"verdict {verdict}" for verdict in Verdict} <= terminal.WORDS.keys()
    assert {check.outcome for check in OTHERS} | {Outcome.PASSED, Outcome.RAISED} == {*Outcome}


def test_a_long_claim_is_indented_under_itself() -> None:
    def lines(check: CheckResult, width: int | None) -> list[str]:
        return printed(terminal.check_line(check, width=width), width=width or 500).splitlines()

    first, second = lines(NAN, 80)
    assert first.startswith("  ✗ Scores") and second.startswith("    is not") and second.endswith("0.5/3  wrong")
    assert len(lines(NAN, None)) == 1
    assert HOSTILE not in terminal.check_line(REPORTS["hostile"].checks[0]).plain
