"""Markdown: what a student reads, as CommonMark renders it; of a submission nothing becomes active."""

from __future__ import annotations

import html
import re

import pytest
from dlgrade.model import Evidence, Outcome, Report
from dlgrade.report import outline
from dlgrade.report.markdown import to_markdown
from dlgrade.report.words import WORDS
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import READER, blocks, read_markdown, seen
from report_samples import (
    ANY_TEXT,
    AXIS,
    GOOD,
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


def rendered(*checks, **fields) -> str:
    text = to_markdown([report(*checks, **fields)])
    read_markdown(text)
    return READER.render(text)


def fences(text: str) -> list[str]:
    return [token.content.removesuffix("\n") for token in read_markdown(text) if token.type == "fence"]


# -- what a student reads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPORTS)
def test_every_check_has_its_row_and_every_fault_its_heading(name: str) -> None:
    shown = REPORTS[name]
    tokens = read_markdown(to_markdown([shown]))
    assert sum(token.type == "tr_open" for token in tokens) == 1 + len(shown.checks)
    heads = sum(len(block.results) for block in outline.blocks(shown))
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h2", *["h3"] * heads]


def test_it_reads_well_where_nobody_renders_it() -> None:
    assert (
        to_markdown([report(GOOD, WRONG)])
        == f"""\
## softmax

**✗ failed** · 3 of 6 points

`02_losses/softmax.py` · device: cpu · isolation: strict · seed: 7 · 0.41 s

| check | points | outcome |
| --- | ---: | --- |
| ✓ Equals scipy's softmax on scores of any size. | 3/3 | passed |
| ✗ Equals scipy's softmax on scores of any size. | 0/3 | wrong |

### ✗ Equals scipy's softmax on scores of any size. · wrong

2 of 4 values differ from what was expected.

**Likely cause:** {AXIS}

To see it, run:

```python
softmax(np.array([[0.0, 1.0], [2.0, 3.0]]), axis=1)
```

expected:

```text
[[0.26894142 0.73105858]
 [0.26894142 0.73105858]]
```

got:

```text
[[0.11920292 0.11920292]
 [0.88079708 0.88079708]]
```

worst at `[0, 1]`: expected `0.73105858`, got `0.11920292`
"""
    )


def test_all_that_is_known_is_told() -> None:
    text = to_markdown([REPORTS["wrong"], REPORTS["raised"], REPORTS["not_started"]])
    calls = [LAW.evidence.call, WRONG.evidence.call, LONG_CALL]  # type: ignore[union-attr]
    assert set(calls) <= set(fences(text))
    assert seen(read_markdown(text)).count(AXIS.replace("`", "")) == 1
    for part in (
        "**Likely cause, as above:** You normalised",
        "softmax.py line 31, in softmax_backward:  return _jacobian(grad, out)",
        "… the same line 19 more times",
        "… and 19 more lines",
        "- the same happens with `axis=1`",
        "Not started yet: `softmax_backward`",
        f"*{WORDS['not isolated']}*",
    ):
        assert part in text


def test_a_race_is_a_chart_of_text() -> None:
    (chart,) = fences(to_markdown([report(SLOW)]))
    assert chart.splitlines() == [
        "torch's own operator  ███ 1×",
        "the reference         ████ 1.24×",
        "the limit             ·········| 3×",
        f"yours                 {'█' * 29}▶ 37.8× (36.9 to 38.5)",
        f"a loop over rows      {'█' * 29}▶ 412×",
    ]
    assert "4096 x 1024 on the cpu: processor time of 5 rounds side by side" in to_markdown([report(SLOW)])


def test_several_reports_have_a_table_of_all() -> None:
    text = to_markdown([REPORTS["passed"], REPORTS["wrong"]])
    assert text.startswith("# 2 exercises\n\n| exercise | points | verdict |\n")
    assert "| `02_losses/softmax` | 3.5/11 | ✗ failed |\n| 2 exercises | 8.5/16 |  |" in text
    assert to_markdown([]).startswith("# 0 exercises")


def test_lines_of_a_message_stay_lines() -> None:
    shown = rendered(
        result("a", "Holds.", Outcome.RAISED, evidence=Evidence("one\n1. two\n    three\n- four\n=== five"))
    )
    assert "<p>one<br />\n<code>1.</code> two<br />\nthree<br />\n<code>-</code> four<br />" in shown
    assert shown.count("<li>") == 0 and shown.count("<h") == 2


# -- promises ----------------------------------------------------------------------------------------------------------

WORDS_OF_STRANGERS = {
    "@torvalds": "<code>@torvalds</code>",
    "#12": "<code>#12</code>",
    "GH-12": "<code>GH-12</code>",
    "octocat/hello#1": "<code>octocat/hello#1</code>",
    "0123abcdef": "<code>0123abcdef</code>",
    "https://evil.example": "<code>https://evil.example</code>",
    "evil.example": "<code>evil.example</code>",
    "www.x": "<code>www.x</code>",
    "a@b.example": "<code>a@b.example</code>",
    ":bomb:": "<code>:bomb:</code>",
    "x:bomb:": "<code>x:bomb:</code>",
    "![x](y)": "<code>![x](y)</code>",
    "[x](javascript:alert(1))": "<code>[x](javascript:alert(1))</code>",
    "<b>": "<code>&lt;b&gt;</code>",
    "<svg/onload=alert(1)>": "<code>&lt;svg/onload=alert(1)&gt;</code>",
    "&lt;b&gt;": "<code>&amp;lt;b&amp;gt;</code>",
    "**b**": "<code>**b**</code>",
    "_e_": "<code>_e_</code>",
    "~~s~~": "<code>~~s~~</code>",
    "$x$": "<code>$x$</code>",
    "\\": "<code>\\</code>",
    "`": "<code>`</code>",
    "```": "<code>```</code>",
    "x`": "<code>x`</code>",
    "`` a ` b ``": "<code>`` a `</code> b <code>``</code>",
    "(`axis`),": "(<code>axis</code>),",
    "a`b`c": "<code>a`b`c</code>",
    "(2,3)": "(2,3)",
    "e.g.": "e.g.",
    "x=1": "x=1",
    "it's": "it's",
    "50%": "50%",
    "größer": "größer",
    "漢字": "漢字",
    "→": "→",
    # What belongs to the sentence stays out of the code.
    "p[j].": "<code>p[j]</code>.",
    "p[i],": "<code>p[i]</code>,",
    "(see_x": "(<code>see_x</code>",
    "x[0]).": "<code>x[0]</code>).",
    "f(x[0]).": "<code>f(x[0])</code>.",
    "(x[0])": "<code>(x[0])</code>",
    "x[0]:": "<code>x[0]</code>:",
    "a[::2]:": "<code>a[::2]:</code>",
    "@torvalds,": "<code>@torvalds</code>,",
    "evil.example.": "<code>evil.example</code>.",
    "...": "<code>...</code>",
}
OPERATORS = ("*", "-", "+", "/", "=", "<", ">", "%", "==", "!=", "<=", ">=", "**")


def test_an_operator_between_words_is_itself_and_begins_nothing() -> None:
    for operator in OPERATORS:
        shown = html.escape(operator, quote=False)
        message = f"p {operator} (1 {operator} p)\n{operator} p"
        text = rendered(result("a", f"Is p {operator} q.", Outcome.FAILED, evidence=Evidence(message)))
        assert f"<td>✗ Is p {shown} q.</td>" in text
        assert f"<p>p {shown} (1 {shown} p)<br />" in text
        assert text.count("<li>") == text.count("<blockquote>") == text.count("<em>") == text.count("<hr") == 0
        assert text.count("<h") == 2


@pytest.mark.parametrize(("word", "expected"), WORDS_OF_STRANGERS.items(), ids=WORDS_OF_STRANGERS)
def test_a_word_is_code_where_anything_could_be_made_of_it(word: str, expected: str) -> None:
    shown = rendered(result("a", f"Is {word} here.", Outcome.FAILED, evidence=Evidence(f"{word}\nsees {word} here")))
    assert f"<td>✗ Is {expected} here.</td>" in shown
    assert f"<p>{expected}<br />\nsees {expected} here</p>" in shown


def test_a_bar_ends_no_cell() -> None:
    for says in ("a | b", "a |b", "`x | y`", "| --- |", "\\| a \\\\| b", "||"):
        tokens = read_markdown(to_markdown([report(result("a", says), exercise=says)] * 2))
        assert sum(token.type == "td_open" for token in tokens) == 3 * 3 + 2 * 3
        assert seen(tokens).replace("`", "").count(says.replace("`", "")) == 2 + 2 * 2


@pytest.mark.parametrize("text", ["```", "``` ` ````", "~~~", "```python\nx\n```", "`" * 50, "\n\n```\n\n# x\n"])
def test_nothing_ends_a_fence(text: str) -> None:
    def shown(text: str) -> str:
        evidence = Evidence("No.", call=text, expected=text, got=text, output=text)
        return to_markdown([report(result("a", "Holds.", Outcome.FAILED, evidence=evidence))])

    assert fences(shown(text)) == [text, text, text, text.strip("\n")]
    assert blocks(read_markdown(shown(text))) == blocks(read_markdown(shown("x")))


def test_a_hidden_check_tells_its_category_only() -> None:
    text = to_markdown([REPORTS["hidden"]])
    assert SECRET not in text
    assert "Hidden check: `large_batches`" in text and "The result is wrong." in text


@often
@given(shown=reports(ANY_TEXT))
def test_any_report_becomes_what_the_template_makes(shown: Report) -> None:
    tokens = read_markdown(to_markdown([shown, REPORTS["wrong"]]))
    assert sum(token.type == "tr_open" for token in tokens) == 1 + 2 + 1 + 1 + len(shown.checks) + 1 + 4


MARKUP = st.text(st.sampled_from("`*_~[]()<>!#|\\-+=:.&;@/ \t\n1aw\"'{}$^"), max_size=30)


@often
@given(says=MARKUP, message=MARKUP)
def test_no_markup_is_obeyed_and_nothing_is_lost(says: str, message: str) -> None:
    check = result("a", f"x{says}x", Outcome.FAILED, evidence=Evidence(f"y{message}y", got=message, notes=(says,)))
    tokens = read_markdown(to_markdown([report(check)]))

    def bare(text: str) -> str:
        return re.sub(r"[\s`]", "", text)

    shown = bare(seen(tokens))
    assert bare(f"y{message}y") in shown
    assert bare(f"x{says}x".replace("\n", "\\n").replace("\t", "\\t")) in shown
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h2", "h3"]


def test_check_prints_markdown(dlgrade, tmp_path) -> None:
    (tmp_path / "softmax.py").write_text("def softmax(x, axis=-1):\n    raise ValueError('@all <b>')\n", "utf-8")
    ran = dlgrade("check", "softmax", "--at", tmp_path, "--format", "markdown")
    assert (ran.code, ran.err) == (1, "")
    assert "ValueError: @all <b>" in seen(read_markdown(ran.out))
    assert NAN.says not in ran.out
