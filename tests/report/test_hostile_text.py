"""Text from strangers, in every field that can hold it, through every renderer: it is shown and never obeyed."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import time
import typing
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dlgrade.report
import pytest
from dlgrade.model import Bar, CheckResult, Evidence, Frame, Outcome, Plane, Race, Report, Submission, Worst
from dlgrade.report import redact, terminal
from dlgrade.report.as_json import dumps, from_json
from dlgrade.report.html import to_html
from dlgrade.report.junit import to_junit
from dlgrade.report.markdown import to_markdown
from dlgrade.text import visible
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pages import blocks, elements, read_markdown, read_page, seen
from report_samples import report, result, submission
from rich.console import Console

VALIDATOR = Draft202012Validator(
    json.loads((Path(dlgrade.report.__file__).parent / "report.schema.json").read_text("utf-8"))
)
often = settings(deadline=None, database=None, derandomize=True, max_examples=60)

HAND_PICKED = {
    "C0 controls": "".join(map(chr, range(0x20))) + "\x7f",
    "C1 controls": "".join(map(chr, range(0x80, 0xA0))),
    "colours": "\x1b[31mred\x1b[0m \x9b32mgreen",
    "cleared screen": "\x1b[2J\x1b[3J\x1b[H\x1bc\x1b]0;title\x07",
    "OSC 8 link": "\x1b]8;;http://evil.example/\x1b\\here\x1b]8;;\x1b\\",
    "OSC 52 clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "device control": "\x1bP+q544e\x1b\\ \x1b_G\x1b\\ \x1b^x\x1b\\ \x1b[6n\x1b[c\x1b[5i",
    "overwritten by CR": "failed\rpassed",
    "backspaces": "failed\b\b\b\b\b\bpassed",
    "a forged line": "\nFORGED: 3 of 3 points\n\nFORGED\n",
    "vertical": "a\x0bb\x0cc\x85d\u2028e\u2029f",
    "bidi overrides": "\u202egnp.exe\u202c \u202dx\u202a\u202b",
    "bidi isolates": "\u2066a\u2067b\u2068c\u2069 \u200e\u200f\u061c",
    "zero-width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg\u034fh",
    "nothing to see": "a\u115fb\u1160c\u3164d\uffa0e\u17b4f\u180bg\u2800h",
    "variation selectors": "a\ufe0fb\ufe00c\U000e0100d\U000e01efe",
    "tags": "a\U000e0001\U000e0068\U000e0069\U000e007f",
    "lone surrogates": "\ud800 \udfff \udc80\ud83d",
    "invalid in XML": "\x00 \x08 \ufffe \uffff \U0001ffff \U0010ffff \ufdd0",
    "private and unassigned": "\ue000 \U000f0000 \u0378 \U000e0fff",
    "combining flood": "Z" + "\u0301\u0489\u20dd" * 500 + "o\u0308",
    "interlinear": "\ufff9a\ufffab\ufffb",
    "rich markup": "[red]r[/red] [bold on white]b[/] [/] [link=http://x.example]l[/] [@click=quit]c[/] \\[x] :bomb:",
    "backticks": "`a` ``b`` ```c``` `unclosed",
    "XML": "<script>alert(1)</script> <![CDATA[x]]> ]]> --> <!-- <?xml?> </failure></testcase> \"'&",
    "entities": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>&b;&#0;&#x1b;&amp;lt;&nbsp;',
    "JSON": '"} ] , null NaN \\u0000 \\x \\ \\" /* */ // __proto__ </script>',
    "Markdown": "![x](http://evil.example/x.png) [y](javascript:alert(1)) # h\n| a | b |\n***b*** <b>~~",
    "ends an attribute": "\" onmouseover=alert(1) x=\" ' autofocus onfocus=alert(1) ' > <a href=\"",
    "ends an element": "</code></pre></span></p></title></style></body></html><h1>FORGED</h1>",
    "SVG": "<svg/onload=alert(1)><svg><style><img src=x onerror=alert(1)></style></svg><math><mi//xlink:href=data:x>",
    "other tags": "<iframe srcdoc=x><meta http-equiv=refresh content=0><base href=//e><link rel=stylesheet href=//e>",
    "style": "expression(alert(1)) ; background: url(//evil.example/x) } @import '//evil.example'; </style> --off: red",
    "addresses": "javascript:alert(1) data:text/html,x //evil.example https://evil.example www.evil.example a@b.xyz",
    "Markdown links": "[a](javascript:alert(1)) [a]: http://evil.example\n[a] ![i](//e 'x') <http://evil.example> [^1]",
    "mentions": "@everyone @org/team #1 GH-1 owner/repo#1 0123456789abcdef :smile: !1 &1 ~1",
    "Markdown blocks": "# h\n- a\n+ b\n* c\n1. d\n2) e\n> q\n---\n===\n***\n    code\n| a |\n|---|\n<div>\n\n[x]: /y",
    "fences": "```\nx\n```\n~~~\n```` `` ` ``` $$x$$ <!-- --> ```mermaid\n",
    "escaped markup": "\\` \\* \\[x\\](y) \\| | a \\\\| b |\\ &#96; &lt;b&gt; &amp;#64;x",
    "formulas": "=1+1 \n=HYPERLINK(\"http://evil.example\")\n+1\n-1\n@SUM(1)\n\t=1\n\r=1",
    "a formula": "=cmd|' /C calc'!A0",
    "tabs": "a\tb\n\tc\t",
    "format strings": "{0} {x!r} {} %s %(x)s {self.__class__} ${HOME} $(id)",
    "wide": "漢字" * 40 + "😀" * 40,
    "right to left": "אבג שלום 3/3 العربية",
    "spaces": "\u00a0\u2003\u3000\u1680\u205f x \u202f",
    "empty": "",
    "only spaces": "   ",
    "only line breaks": "\n\n\n",
    "one long line": "x" * 1000,
    "many lines": "y\n" * 500,
}  # fmt: skip

NASTY = "".join(dict.fromkeys("".join(text[:400] for text in HAND_PICKED.values())))
TEXTS = st.text(st.sampled_from(NASTY) | st.characters(), max_size=60)


# -- every field -------------------------------------------------------------------------------------------------------

RACE = Race("4 x 4", "cpu", "wall", 5, 1.0, (Bar("yours", 4.0, 3.5, 4.5), Bar("limit", 2.0), Bar("a_loop", 9.0)))
PLAIN = Evidence(
    "It differs.",
    "values",
    "f(1)",
    "1",
    "2",
    Worst((0,), "1", "2", 1.0),
    (Frame(1, "f", "return 2"),),
    "out",
    ("n.",),
    RACE,
)
CHECK = result("agrees", "Equals the oracle.", Outcome.FAILED, evidence=PLAIN, misconception="axis", hint="Look.")

EVIDENCE: dict[str, Callable[[Evidence, str], Evidence]] = {
    **{
        name: lambda evidence, text, name=name: replace(evidence, **{name: text})  # type: ignore[misc]
        for name in ("message", "rung", "call", "expected", "got", "output")
    },
    "worst.expected": lambda evidence, text: replace(evidence, worst=Worst((0,), text, "2", 1.0)),
    "worst.got": lambda evidence, text: replace(evidence, worst=Worst((), "1", text, None)),
    "traceback.function": lambda evidence, text: replace(evidence, traceback=(Frame(1, text, "return 2"),) * 3),
    "traceback.text": lambda evidence, text: replace(evidence, traceback=(Frame(1, "f", text),)),
    "race.size": lambda evidence, text: replace(evidence, race=replace(evidence.race or RACE, size=text)),
    "race.against": lambda evidence, text: replace(evidence, race=replace(evidence.race or RACE, against=text)),
    "race.device": lambda evidence, text: replace(evidence, race=replace(evidence.race or RACE, device=text)),
    "race.bars.label": lambda evidence, text: replace(
        evidence, race=replace(evidence.race or RACE, bars=(Bar("yours", 4.0, 3.5, 4.5), Bar(text, 9.0)))
    ),
    "notes": lambda evidence, text: replace(evidence, notes=(text, "n.")),
}
CHECKS: dict[str, Callable[[CheckResult, str], CheckResult]] = {
    "name": lambda check, text: replace(check, name=text),
    "entry_points": lambda check, text: replace(check, entry_points=(text,)),
    "says": lambda check, text: replace(check, says=text),
    "misconception": lambda check, text: replace(check, misconception=text),
    "hint": lambda check, text: replace(check, hint=text),
}
REPORTS: dict[str, Callable[[Report, str], Report]] = {
    **{
        name: lambda report, text, name=name: replace(report, **{name: text})  # type: ignore[misc]
        for name in ("exercise", "unit", "isolation", "device")
    },
    "submission.path": lambda report, text: replace(report, submission=submission(text)),
}
NEVER = {"CheckResult.kind", "CheckResult.outcome", "Plane.compared", "Race.clock", "Submission.sha256",
         "Submission.source"}  # fmt: skip
"""What is the grader's own: of a closed set, or computed."""


def with_text(field: str, text: str, check: CheckResult = CHECK) -> Report:
    """A report with this text in that field."""
    if field in EVIDENCE:
        assert check.evidence is not None
        return report(replace(check, evidence=EVIDENCE[field](check.evidence, text)), CHECK)
    if field in CHECKS:
        return report(CHECKS[field](check, text), CHECK)
    return REPORTS[field](report(check, CHECK), text)


def with_text_everywhere(text: str, outcome: Outcome = Outcome.RAISED) -> Report:
    """A report with this text in every field."""
    evidence = PLAIN
    for change in EVIDENCE.values():
        evidence = change(evidence, text)
    check = replace(CHECK, outcome=outcome, evidence=replace(evidence, worst=Worst((1, 2), text, text, float("nan"))))
    for alter in CHECKS.values():
        check = alter(check, text)
    waiting = replace(check, evidence=Evidence(text, rung="not_started"))
    whole = report(check, waiting, replace(check, evidence=None), replace(check, hidden=True))
    for put in REPORTS.values():
        whole = put(whole, text)
    return whole


FIELDS = [*EVIDENCE, *CHECKS, *REPORTS]


def test_no_field_that_holds_text_is_left_out() -> None:
    held = set()
    for kind in (Report, CheckResult, Evidence, Worst, Frame, Race, Bar, Plane, Submission):
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            if re.search(r"\bstr\b|bytes|Outcome", str(hints[field.name])):
                held.add(f"{kind.__name__}.{field.name}")
    parts = {"worst": "Worst", "traceback": "Frame", "race": "Race", "bars": "Bar", "submission": "Submission"}
    tried = {f"Evidence.{name}" for name in EVIDENCE} | {f"CheckResult.{name}" for name in CHECKS}
    tried |= {f"Report.{name}" for name in REPORTS}
    paths = [name.split(".") for name in tried]
    named = {f"{parts[path[-2]]}.{path[-1]}" if len(path) > 2 else ".".join(path) for path in paths}
    assert held == named | NEVER


# -- every renderer ----------------------------------------------------------------------------------------------------

OURS = re.compile(r"\x1b\[(?:0|1|2|3[12356])(?:;(?:1|2|3[12356]))*m")
"""The colours that the terminal's renderer uses, and nothing else."""
XML_CHARACTERS = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
INVISIBLE = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Unicode's Default_Ignorable_Code_Point: what is not to be seen at all."""
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN"}
MARKS = 10
"""The longest run of combining marks that any language needs, with room."""


def assert_shown(text: str) -> None:
    """Nothing in the text but what can be seen, spaces and line breaks; nothing that would reorder or flood it."""
    text.encode("utf-8")
    for char in set(text) - {"\n"}:
        assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}, repr(char)
        assert unicodedata.bidirectional(char) not in BIDI, repr(char)
    assert not (found := INVISIBLE.search(text)), repr(found)
    runs = [0]
    for char in text if any(unicodedata.combining(char) for char in set(text)) else "":
        runs.append(runs[-1] + 1 if unicodedata.category(char) in ("Mn", "Me") else 0)
    assert max(runs) <= MARKS, "a flood of combining marks"


def on_terminal(report: Report, *, width: int, colour: bool) -> str:
    """All that is ever shown of a report on a terminal."""
    file = io.StringIO()
    console = Console(
        width=width, file=file, force_terminal=colour, color_system="standard" if colour else None,
        legacy_windows=False, _environ={},
    )  # fmt: skip
    things = [
        terminal.heading("Softmax", report.exercise, report.submission.path),
        *(terminal.check_line(check, width=width) for check in report.checks),
        *terminal.details(report),
        terminal.summary(report),
        terminal.overview([report, report]),
    ]
    for thing in things:
        console.print(thing, crop=False)
    return file.getvalue()


def check_terminal(report: Report, widths: tuple[int, ...] = (80,)) -> None:
    for width in widths:
        bare = on_terminal(report, width=width, colour=False)
        assert_shown(bare)
        coloured = on_terminal(report, width=width, colour=True)
        assert OURS.sub("", coloured) == bare


def check_json(report: Report) -> None:
    text = dumps([report])
    assert_shown(text)
    data = json.loads(text, parse_constant=pytest.fail)
    VALIDATOR.validate(data)
    # As it was, but for what UTF-8 has no bytes for.
    kept = from_json(data)
    for read, written in zip(kept.checks, map(redact.public, report.checks), strict=True):
        assert read.says == written.says.encode("utf-8", "backslashreplace").decode()


def check_junit(report: Report) -> None:
    text = to_junit([report])
    assert_shown(text.replace("\t", " "))
    assert XML_CHARACTERS.fullmatch(text)
    assert "<!" not in text and text.count("<?") == 1
    root = ET.fromstring(text.encode("utf-8"))
    tags = [
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "error",
        "skipped",
        "system-out",
    ]
    assert {element.tag for element in root.iter()} <= set(tags)
    assert len(root.findall("./testsuite/testcase")) == len(report.checks)
    # Once more behind its entities.
    assert_shown("".join(value for element in root.iter() for value in element.attrib.values()).replace("\t", " "))
    assert_shown("".join(root.itertext()).replace("\t", " "))


def check_html(report: Report) -> None:
    text = to_html([report, report])
    assert_shown(text.replace("\t", " "))
    page = read_page(text)
    # Once more behind its entities.
    assert_shown(page.text.replace("\t", " "))
    assert_shown("".join(value for element in page.all() for value in element.attributes.values()))


def check_markdown(report: Report) -> None:
    text = to_markdown([report, report])
    assert_shown(text.replace("\t", " "))
    assert_shown(seen(read_markdown(text)).replace("\t", " "))


def check_all(report: Report) -> None:
    check_terminal(report)
    check_json(report)
    check_junit(report)
    check_html(report)
    check_markdown(report)


@pytest.mark.parametrize("field", FIELDS)
def test_hostile_texts_are_shown_and_not_obeyed_in_any_field(field: str) -> None:
    check_all(with_text(field, " ".join(text[:60] for text in HAND_PICKED.values())))


@pytest.mark.parametrize("text", HAND_PICKED.values(), ids=HAND_PICKED)
def test_a_hostile_text_in_all_fields_at_once(text: str) -> None:
    for outcome in (Outcome.RAISED, Outcome.PASSED):
        check_all(with_text_everywhere(text[:300], outcome))
    check_terminal(with_text_everywhere(text[:50]), widths=(4, 400))


@often
@given(field=st.sampled_from(FIELDS), text=TEXTS)
def test_any_text_is_shown_and_not_obeyed_in_any_field(field: str, text: str) -> None:
    check_all(with_text(field, text))


@often
@given(text=TEXTS, outcome=st.sampled_from(Outcome))
def test_any_text_in_all_fields_at_once(text: str, outcome: Outcome) -> None:
    check_all(with_text_everywhere(text, outcome))


@pytest.mark.parametrize("text", [text for text in HAND_PICKED.values() if text.strip()])
def test_no_field_adds_or_takes_an_element(text: str) -> None:
    text = text[:300]
    for field in FIELDS:
        plain, hostile = with_text(field, "x"), with_text(field, text)
        assert elements(read_page(to_html([hostile] * 2))) == elements(read_page(to_html([plain] * 2))), field
        same = blocks(read_markdown(to_markdown([plain] * 2)))
        assert blocks(read_markdown(to_markdown([hostile] * 2))) == same, field


def test_no_field_can_forge_a_line_of_the_grader() -> None:
    for field in FIELDS:
        for text in (
            "\nFORGED",
            "x\r\nFORGED",
            "\u2028FORGED",
            "\x85FORGED",
            "y" * 77 + " FORGED",
            "z" * 80 + "FORGED",
        ):
            shown = on_terminal(with_text(field, text), width=80, colour=False).splitlines()
            # These stand at the beginning of a line, or wrap to it, by right: they are the course's names and the
            # path that the grader itself was given.
            first = {"exercise", "unit", "submission.path"}
            assert field in first or not [line for line in shown if line.startswith("FORGED")], field


@pytest.mark.parametrize("text", ["\x1b" * 1_000_000, "x" * 1_000_000, "\u0301" * 500_000, "[red]<&" * 150_000])
def test_a_text_of_a_megabyte_takes_seconds_at_the_most(text: str) -> None:
    # Not `call`: a counterexample is shown whole, for its arguments are the grader's own.
    for field in ("message", "got", "output", "name", "submission.path"):
        long = with_text(field, text)
        start = time.process_time()
        shown = on_terminal(long, width=80, colour=True) + to_junit([long]) + to_html([long]) + to_markdown([long])
        dumps([long])
        assert time.process_time() - start < 10, field
        assert len(shown) < 2_000_000, field


# -- of a hidden check, its category -----------------------------------------------------------------------------------


@pytest.mark.parametrize("field", [field for field in FIELDS if field not in REPORTS and field != "name"])
@pytest.mark.parametrize("outcome", Outcome)
def test_what_is_shown_of_a_hidden_check_depends_on_its_outcome_alone(field: str, outcome: Outcome) -> None:
    hidden = replace(CHECK, hidden=True, outcome=outcome)
    one, other = (with_text(field, text, hidden) for text in ("LEAKED", HAND_PICKED["colours"]))
    for shown in (lambda r: on_terminal(r[0], width=80, colour=True), dumps, to_junit, to_html, to_markdown):
        assert shown([one]) == shown([other])
        assert "LEAKED" not in shown([one])


# -- the one place -----------------------------------------------------------------------------------------------------


@often
@given(text=TEXTS, lines=st.booleans())
def test_what_is_visible_once_is_visible(text: str, lines: bool) -> None:
    shown = visible(text, lines=lines)
    assert_shown(shown.replace("\t", " ") if lines else shown)
    assert lines or "\n" not in shown
    assert visible(shown, limit=len(shown), lines=lines) == shown


def test_the_marks_of_a_language_are_left_alone() -> None:
    for text in (
        "café",
        "cafe\u0301",
        "tie\u0302\u0301ng Vie\u0323\u0302t",
        "בְּרֵאשִׁ֖ית",
        "हिन्दी",
        "ภาษาไทยที่",
        "العَرَبِيَّة",
        "x\u0305\u0332",
    ):
        assert visible(text) == text


def test_a_renderer_that_forgets_to_make_text_visible_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from dlgrade.report import as_json, junit, markdown, outline, page

    def nothing(text: str, **_: object) -> str:
        return text

    def anything(text: str) -> Iterator[tuple[str, bool]]:
        return ((char, True) for char in text)

    hostile = with_text_everywhere(HAND_PICKED["cleared screen"] + "\u202e")
    for module, name, broken, check in (
        (terminal, "visible", nothing, check_terminal),
        (as_json, "seen_or_not", anything, check_json),
        (junit, "visible", nothing, check_junit),
        (page, "visible", nothing, check_html),
        (page, "visible", nothing, check_markdown),
    ):
        check(hostile)
        with monkeypatch.context() as patched:
            patched.setattr(module, name, broken)
            with pytest.raises((AssertionError, ET.ParseError)):
                check(hostile)
    leaky = with_text("hint", "LEAKED", replace(CHECK, hidden=True))
    with monkeypatch.context() as patched:
        patched.setattr(outline, "public", lambda check: check)
        for shown in (on_terminal(leaky, width=80, colour=False), to_html([leaky]), to_markdown([leaky])):
            assert "LEAKED" in shown
    active = with_text("message", "x <b> @all")
    with monkeypatch.context() as patched:
        patched.setattr(markdown, "_word", lambda chunk, cell: chunk)
        with pytest.raises(AssertionError):
            check_markdown(active)
    escaped = ET.tostring
    with monkeypatch.context() as patched:
        patched.setattr(ET, "tostring", lambda *given, **how: escaped(*given, **how).replace("&lt;", "<"))
        with pytest.raises(AssertionError):
            check_html(active)
