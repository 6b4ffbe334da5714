"""Canvas: what its importer accepts, read by an independent reader of its rules; bytes that are not ours stay."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

import pytest
from dlgrade.errors import UsageError
from dlgrade.gradebook.exports.canvas import fill, fresh, match_columns, preview, scores_of
from dlgrade.gradebook.exports.canvas_sheet import read_sheet, write_sheet
from dlgrade.gradebook.exports.roster import Person
from dlgrade.gradebook.grades import Grade
from export_samples import HOSTILE, course_at, gradebook_at
from graded_samples import POLICY
from hypothesis import given, settings
from hypothesis import strategies as st

HEADER = "Student,ID,SIS User ID,SIS Login ID,Section,HW1 softmax (4711),HW2 conv2d (4712),Quiz (4713),Current Score"
EXPORTED = f'''\
\ufeff{HEADER}
    Points Possible,,,,,10.00,10.00,5.00,(read only)
"Lovelace, Ada",101,s1,ada,DL 2026,,,3.00,60.00
"Noyce, ""Bob""",102,s2,bob,DL 2026,1.00,EX,,
Eve,103,s3,eve,DL 2026,2.50,N/A,,
"Student, Test",999,,f00,DL 2026,,,,
'''.replace("\n", "\r\n").encode()


def grade(student, points, exercise="softmax", most=10.0):
    verdict = "broken" if points is None else "failed"
    return Grade(student, exercise, points or 0.0, most, verdict, None if points is None else 1.0, points, "", 1)


GRADES = (grade("ada", 6.305), grade("bob", 7.0), grade("eve", None), grade("bob", 9.25, "conv2d"))


# -- Canvas's importer, from its rules ---------------------------------------------------------------------------------


@dataclass
class Imported:
    points: dict[str, str]
    grades: dict[tuple[str, str], str]
    """By (Canvas ID, else SIS User ID, else login, else name) and the assignment's id, else its title."""


TOTALS = re.compile("(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")


def imported(data):
    text = data.decode("utf-8")
    first = text.splitlines()[:3]
    sizes = {}
    for delimiter in ";,":
        found = {len(next(csv.reader([line], delimiter=delimiter))) for line in first}
        sizes[delimiter] = found.pop() if len(found) == 1 else 0
    delimiter = ";" if sizes[";"] > sizes[","] else ","
    rows = [
        [decimal_point(cell) for cell in row]
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        if not re.fullmatch("[;, ]+", delimiter.join(row))
    ]
    header = rows[0]
    assert len(header) > 3 and "Student" in header[0] and "ID" in header[1], "Invalid header row"
    about = 3
    login = None
    sis = None
    if re.search(r"SIS\s+Login\s+ID", header[2]):
        login, about = 2, 4
    elif re.search(r"SIS\s+User\s+ID", header[2]) and re.search(r"SIS\s+Login\s+ID", header[3]):
        integration = bool(re.search(r"Integration\s+ID", header[4]))
        sis, login, about = 2, 3, 5 + integration
        about += bool(re.search(r"Root\s+Account", header[4 + integration]))
    assert "Section" in header[about - 1], "Invalid header row"
    columns = {}
    for index, title in enumerate(header[about:], about):
        if not TOTALS.search(title):
            found = re.fullmatch(r"(.*)\s+\((\d+)\)", title)
            columns[index] = found[2] if found else title
    points, grades = {}, {}
    for row in rows[1:]:
        if "Points Possible" in row[0]:
            points = {columns[index]: row[index] for index in columns}
        elif not all(re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", cell, re.I) for cell in row):
            who = row[1] or (row[sis] if sis else "") or (row[login] if login else "") or row[0]
            grades |= {(who, columns[index]): row[index].strip() for index in columns}
    read_only = {name for name, said in points.items() if re.search(r"read\s+only", said)}
    return Imported(points, {place: said for place, said in grades.items() if place[1] not in read_only})


def decimal_point(cell):
    """As Canvas converts cells, decimal commas and thousands."""
    if not re.fullmatch(r"-?[0-9.,]+%?", cell):
        return cell
    *rest, last = re.split("[,.]", cell)
    return f"{''.join(rest)}.{last}" if rest else last


def filled(data, grades=GRADES, roster=(), columns=(), **options):
    people = {one.student: one for one in roster}
    return fill(read_sheet(data, "exported.csv"), grades, POLICY, people, columns=dict(columns), **options)


# -- filling in --------------------------------------------------------------------------------------------------------


def test_scores_are_filled_in_and_all_else_stays():
    filling = filled(EXPORTED)
    data = write_sheet(filling.sheet)
    told = imported(data).grades
    assert told["101", "4711"] == "6.305" and told["102", "4711"] == "7.00"
    assert told["103", "4711"] == "2.50", "without a grade the cell keeps what it says"
    assert told["102", "4712"] == "EX", "who was excused stays excused"
    assert told["101", "4713"] == "3.00"
    before = EXPORTED.replace(b"DL 2026,,,3.00", b"DL 2026,6.305,,3.00").replace(b"2026,1.00,EX", b"2026,7.00,EX")
    assert data == before, "every other byte is Canvas's"
    assert (filling.key, filling.written, filling.kept, filling.absent) == ("sis_login_id", 2, 1, ())
    said = preview(filling)
    assert "softmax → HW1 softmax (4711)" in said and "1 cells say EX or N/A" in said


@pytest.mark.parametrize("said", ["EX", "ex", "N/A"])
def test_who_is_excused_or_has_no_such_assignment_keeps_that(said):
    data = EXPORTED.replace(b"2026,1.00,EX", f"2026,{said},EX".encode())
    assert write_sheet(filled(data, [grade("bob", 7.0)]).sheet) == data


def test_a_second_time_changes_nothing():
    once = write_sheet(filled(EXPORTED).sheet)
    assert write_sheet(filled(once).sheet) == once


def test_semicolons_and_decimal_commas():
    text = EXPORTED.decode().replace(",", ";").replace("Lovelace; ", "Lovelace, ")
    text = re.sub(r"(\d)\.(\d\d)", r"\1,\2", text)
    data = write_sheet(filled(text.encode()).sheet)
    assert b";6,305;" in data and b".31" not in data
    told = imported(data)
    assert told.grades["101", "4711"] == "6.305" and told.points["4711"] == "10.00"


def test_decimal_commas_between_commas_are_quoted():
    text = re.sub(r"(\d+)\.(\d\d)", r'"\1,\2"', EXPORTED.decode().replace("10.00", "9.00"))
    data = write_sheet(filled(text.encode(), [grade("ada", 6.305, most=9.0)], columns={"softmax": "HW1 softmax"}).sheet)
    assert b'"6,305"' in data and imported(data).grades["101", "4711"] == "6.305"


def test_notes_under_the_header_and_names_in_two_columns():
    text = EXPORTED.decode().replace("\r\n", "\n").lstrip("\ufeff")
    text = text.replace("\n", "\n,,,,,Manual Posting,,,\n", 1)
    assert imported(write_sheet(filled(text.encode()).sheet)).grades["101", "4711"] == "6.305"
    split = text.replace("Student,ID", "LastName,FirstName,ID", 1)
    split = re.sub(r"(?m)^((?:\"(?:[^\"]|\"\")*\"|[^,\n]*)),(\d{3},)", r"\1,X,\2", split).replace("ble,", "ble,,")
    split = split.replace("\n,,,,,Manual", "\n,,,,,,Manual")
    assert b",6.305," in write_sheet(filled(split.encode()).sheet)


def test_bytes_that_are_no_text_stay():
    data = EXPORTED.replace(b"DL 2026", b"DL \xff2026")
    assert write_sheet(filled(data).sheet).count(b"\xff") == 4


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('a",;\n\r =é'), max_size=6), min_size=9, max_size=9), min_size=0, max_size=6
    )
)
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
def test_reading_and_writing_is_the_same(rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER.split(","), *rows])
    data = text.getvalue().encode()
    sheet = read_sheet(data, "x")
    assert write_sheet(sheet) == data
    assert [[sheet.value(row, index) for index in range(9)] for row in sheet.rows[1:]] == rows


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "It is empty"),
        (b"student,exercise\n", "not that of a Canvas gradebook"),
        (b"Student,ID,SIS Login ID,HW (1)\n", "not that of a Canvas gradebook"),
        (EXPORTED.replace(b"Quiz (4713)", b"HW1 softmax (4711)"), "'HW1 softmax (4711)' twice"),
        (EXPORTED.replace(b"Eve,103", b"Eve"), "exported.csv:5: It has 8 cells"),
        (EXPORTED.replace(b'"Student, Test"', b'"Student, Test'), "exported.csv:6: A quote has no end"),
    ],
)
def test_what_is_no_export_of_canvas(data, said):
    with pytest.raises(UsageError) as caught:
        filled(data)
    assert said in str(caught.value)


# -- columns -----------------------------------------------------------------------------------------------------------

TITLES = ["HW1 Softmax! (1)", "Softmax fast (2)", "Final exam (3)"]


def test_columns_are_found_by_their_titles():
    assert match_columns(TITLES, ["softmax", "softmax_fast"], {}) == {TITLES[0]: "softmax", TITLES[1]: "softmax_fast"}
    assert match_columns([*TITLES, "softmax (4)"], ["softmax"], {}) == {"softmax (4)": "softmax"}
    assert match_columns(TITLES, ["softmax"], {"softmax": "Final exam"}) == {TITLES[2]: "softmax"}


@pytest.mark.parametrize(
    ("titles", "exercises", "given", "said"),
    [
        (TITLES, ["conv2d"], {}, "No column is known to be that of conv2d"),
        (["A softmax (1)", "B softmax (2)"], ["softmax"], {}, "More than one column could be that of softmax"),
        (TITLES, ["softmax"], {"softmax": "Final exm (3)"}, "Did you mean 'Final exam (3)'?"),
        (TITLES, ["a", "b"], {"a": "Final exam", "b": TITLES[2]}, "Two of them name the same column"),
        (["softmax"], ["softmax"], {}, "No column is known"),  # no id: a column of the course's own
    ],
)
def test_columns_that_cannot_be_told(titles, exercises, given, said):
    with pytest.raises(UsageError) as caught:
        match_columns(titles, exercises, given)
    assert said in str(caught.value)


def test_a_unit_is_the_sum_of_its_exercises_by_weight():
    scores = scores_of((*GRADES, grade("eve", 5.0, "conv2d")), POLICY, "05_convolution")
    assert (scores.most, scores.of) == (20.0, {"bob": 18.5, "eve": 10.0})
    assert "eve" not in scores_of(GRADES, POLICY, "02_losses").of, "whose softmax is to be regraded"


def test_other_points_are_refused_or_scaled():
    data = EXPORTED.replace(b"10.00,10.00", b"100.00,10.00")
    with pytest.raises(UsageError, match=r"worth 100.00 points, and softmax is worth 10.00 here"):
        filled(data)
    filling = filled(data, scale=True)
    assert imported(write_sheet(filling.sheet)).grades["101", "4711"] == "63.05"
    assert "(scaled)" in preview(filling)


def test_a_column_that_canvas_computes_is_refused():
    with pytest.raises(UsageError, match="read-only"):
        filled(EXPORTED.replace(b"10.00,10.00", b"(read only),10.00"))


# -- students ----------------------------------------------------------------------------------------------------------


def test_students_are_found_by_what_their_names_are():
    by_id = [grade("101", 6.0), grade("noycebob_102", 7.0)]  # what `collect` makes of a download from Canvas
    filling = filled(EXPORTED, by_id)
    assert filling.key == "id" and imported(write_sheet(filling.sheet)).grades["102", "4711"] == "7.00"
    assert filled(EXPORTED, [grade("S1", 6.0)]).key == "sis_user_id", "letters' case does not matter"
    roster = [Person("ada@example.org", sis_login_id="ada")]
    assert filled(EXPORTED, [grade("ada@example.org", 6.0)], roster).rows == {"ada@example.org": 0}


def test_students_that_are_not_there_are_told():
    assert filled(EXPORTED, [*GRADES, grade("tom", 1.0)]).absent == ("tom",)
    with pytest.raises(UsageError, match="None of the students"):
        filled(EXPORTED, [grade("tom", 1.0)])


def test_who_is_two_people_is_nobody():
    crossed = EXPORTED.replace(b"101,s1", b"101,102").replace(b"102,s2", b"102,101")
    with pytest.raises(UsageError, match="is not the same student"):
        filled(crossed, [grade("101", 6.0), grade("102", 7.0)])
    assert filled(crossed, [grade("101", 6.0), grade("102", 7.0)], key="id").rows == {"101": 0, "102": 1}
    with pytest.raises(UsageError, match="Two lines have the SIS Login ID"):
        filled(EXPORTED.replace(b"s3,eve", b"s3,ada"))
    with pytest.raises(UsageError, match="are one student"):
        filled(EXPORTED, [grade("ada", 6.0), grade("ADA", 7.0)])


# -- a new file --------------------------------------------------------------------------------------------------------


def test_a_new_file_is_one_that_canvas_imports():
    roster = {"ada": Person("ada", "101", "s1", "al", last_name="Lovelace", first_name="Ada")}
    grades = (*GRADES, grade(HOSTILE, 10.0))
    told = imported(fresh(grades, POLICY, roster, columns={"softmax": "HW1 softmax (4711)"}))
    assert told.points == {"4711": "10.00"}
    assert told.grades == {("101", "4711"): "6.305", ("bob", "4711"): "7.00", (f"'{HOSTILE}", "4711"): "10.00"}
    assert set(imported(fresh(GRADES, POLICY, {}, columns={})).points) == {"softmax", "conv2d"}


def test_a_new_file_has_no_formula():
    data = fresh([grade(HOSTILE, 1.0)], POLICY, {}, columns={"softmax": "HW1"})
    cells = [cell for row in csv.reader(io.StringIO(data.decode())) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


# -- the command -------------------------------------------------------------------------------------------------------


def test_by_the_command(dlgrade, tmp_path):
    course_at(tmp_path / "course")
    (tmp_path / "class").mkdir()
    gradebook_at(tmp_path / "class")
    exported, out = tmp_path / "exported.csv", tmp_path / "out.csv"
    exported.write_bytes(EXPORTED)
    base = ("--course", tmp_path / "course", "export", "canvas", "--at", tmp_path / "class", "--out", out)
    ran = dlgrade(*base, "--into", exported)
    assert ran.code == 2 and "1 student with grades is not in Canvas's file" in ran.err and not out.exists()
    options = (*base, "--into", exported, "--skip-unknown")
    ran = dlgrade(*options, "--dry-run")
    assert ran.code == 3 and "Nothing was written." in ran.out and not out.exists()
    ran = dlgrade(*options)
    assert ran.code == 3 and "not in Canvas's file: =cmd" in ran.out
    assert imported(out.read_bytes()).grades["101", "4711"] == "6.30"
    assert exported.read_bytes() == EXPORTED
    ran = dlgrade(*base[:-1], exported, "--into", exported, "--skip-unknown")
    assert ran.code == 2 and "is the file that Canvas exported" in ran.err
    ran = dlgrade(*options, "--column", "softmax")
    assert ran.code == 2 and 'Write it as softmax="HW1 softmax (4711)".' in ran.err
