"""Whatever an instructor has is found: whose it is, which exercise, from when."""

import itertools
import os
import struct
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from class_samples import MONDAY, TUESDAY, code, member, notebook, put, tiny_course, told, zipped
from dlgrade.errors import UsageError
from dlgrade.gradebook.collect import ATTEMPTS_LIMIT, collect
from dlgrade.gradebook.metadata import gradescope, instant
from dlgrade.gradebook.sources import Clock
from dlgrade.gradebook.whose import folder_name, safe_name


@pytest.fixture
def course(tmp_path):
    return tiny_course(tmp_path / "tiny")


def who(collection):
    return [(student, exercise, attempt) for student, exercise, attempt, _ in told(collection)]


def whys(collection):
    return {one.path.rpartition("/")[2]: one.why for one in collection.passed_over}


# -- folders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "student", "exercise"),
    [
        ("ada/softmax.py", "ada", "softmax"),
        ("ada/02_losses/softmax.py", "ada", "softmax"),
        ("ada/dlgrade-course/02_losses/softmax/softmax.py", "ada", "softmax"),
        ("ada/my work/softmax.py", "ada", "softmax"),
        ("week 3/ada/softmax.py", "ada", "softmax"),
        ("02_losses/ada/softmax.py", "ada", "softmax"),
        ("softmax/ada/softmax.py", "ada", "softmax"),
        ("submitted/ada/ps1/softmax.py", "ada", "softmax"),
        ("Ada Lovelace/Softmax.PY", "Ada Lovelace", "softmax"),
        ("ada/softmax (1).py", "ada", "softmax"),
        ("ada/softmax-2.py", "ada", "softmax"),
        ("ada/softmax - Copy.py", "ada", "softmax"),
        ("ada/cross-entropy.py", "ada", "cross_entropy"),
        ("ada/CrossEntropy.py", "ada", "cross_entropy"),
        ("ada_softmax.py", "ada", "softmax"),
        ("ada-cross_entropy.py", "ada", "cross_entropy"),
        ("ada_cross_entropy-1.py", "ada", "cross_entropy"),
        ("softmax_ada.py", "ada", "softmax"),
        ("ada lovelace_softmax.py", "ada lovelace", "softmax"),
        ("week3/ada_conv2d.py", "ada", "conv2d"),
        ("Ada Lovelace_4711_assignsubmission_file_/softmax.py", "Ada Lovelace", "softmax"),
        ("Ada Lovelace_4711_assignsubmission_file/src/softmax.py", "Ada Lovelace", "softmax"),
        ("Ada Lovelace_4711_assignsubmission_file_softmax.py", "Ada Lovelace", "softmax"),
        ("lovelaceada_101_5551_softmax.py", "lovelaceada_101", "softmax"),
        ("lovelaceada_LATE_101_5551_cross_entropy-1.py", "lovelaceada_101", "cross_entropy"),
        ("de_la_cruz_101_5551_softmax.py", "de_la_cruz_101", "softmax"),
        ("anon_x7Yz2_5551_softmax.py", "anon_x7Yz2", "softmax"),
        ("ada.zip/softmax.py", "ada", "softmax"),
        ("ada.zip/homework/02_losses/softmax.py", "ada", "softmax"),
        ("ada/submission.zip/softmax.py", "ada", "softmax"),
        ("lovelaceada_101_5551_homework.zip/softmax.py", "lovelaceada_101", "softmax"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_whose_a_file_is(tmp_path, course, name, student, exercise, kind):
    *folders, last = name.split("/")
    data = b"x = 1\n"
    if any(folder.endswith(".zip") for folder in folders):
        at = next(index for index, folder in enumerate(folders) if folder.endswith(".zip"))
        data = zipped([("/".join((*folders[at + 1 :], last)), data)])
        name = "/".join(folders[: at + 1])
    # A second student, since a zip with the work of one may be that student's own.
    files = {name: data, "zoe/conv2d.py": b"x = 1\n"}
    if kind == "folder":
        path = put(tmp_path / "submissions", files)
    else:
        path = tmp_path / "submissions.zip"
        path.write_bytes(zipped(files.items()))
    found = collect([path], course)
    assert who(found) == sorted([(student, exercise, 1), ("zoe", "conv2d", 1)])
    assert found.passed_over == ()


@pytest.mark.parametrize(
    "files",
    [
        {"ada.zip": [("softmax.py", "x")]},
        {"ada.zip": [("homework/softmax.py", "x")]},
        {"ada.zip": [("my things/softmax.py", "x")]},
        {"ada/softmax.py": "x", "ada/old/conv2d.py": "y"},
        {"ada/02_losses/softmax.py": "x"},
        {"ada_softmax.py": "x"},
    ],
    ids=str,
)
def test_a_students_own_folder_or_zip_or_file_is_given(tmp_path, course, files):
    for name, data in files.items():
        put(tmp_path, {name: zipped(data) if isinstance(data, list) else data})
    top = next(iter(files)).split("/")[0]
    found = collect([tmp_path / top], course)
    assert {(student, exercise) for student, exercise, _ in who(found)} <= {("ada", "softmax"), ("ada", "conv2d")}
    assert len(found.submissions) == len(files)


def test_a_stray_file_in_a_classs_folder_is_nobodys(tmp_path, course):
    root = put(tmp_path / "cohort7", {"softmax.py": "x", "ada/softmax.py": "y", "bob/softmax.py": "z"})
    found = collect([root], course)
    assert who(found) == [("ada", "softmax", 1), ("bob", "softmax", 1)]
    assert whys(found)["softmax.py"].startswith("It does not say whose it is")


def test_what_a_student_packs_does_not_make_it_anothers(tmp_path, course):
    inside = [("bob/softmax.py", "x"), ("eve/softmax.py", "y"), ("bobsmith_1_2_conv2d.py", "z")]
    put(
        tmp_path / "submissions",
        {"mallory.zip": zipped(inside), "mallory2/bob/softmax.py": "x", "bob/softmax.py": "mine"},
    )
    found = collect([tmp_path / "submissions"], course)
    assert [who_ for who_ in told(found) if who_[0] == "bob"] == [("bob", "softmax", 1, b"mine")]
    assert {one.student for one in found.submissions} == {"bob", "mallory", "mallory2"}


CLASS = zipped([(member("carol/softmax.py", when=(2026, 3, 4, 13, 0, 0)), "c"), ("dave/softmax.py", "d")])
TRIES = zipped([("v1/softmax.py", "1"), ("v2/softmax.py", "2")])
ADA = zipped([("softmax.py", "a")])
CANVAS = zipped([("lovelaceada_101_5551_hw.zip", ADA), ("curiemarie_102_5552_hw.zip", TRIES)])


@pytest.mark.parametrize(
    ("given", "files", "students"),
    [
        # What only wraps a class's zip says nothing.
        ("inner.zip", {"all/inner.zip": CLASS}, {"carol", "dave"}),
        ("inner.zip", {"Inner.zip": CLASS, "readme.txt": ""}, {"carol", "dave"}),
        ("dl.zip", {"hw1_submissions.zip": CLASS}, {"carol", "dave"}),
        ("dl", {"hw1_submissions.zip": CLASS}, {"carol", "dave"}),
        ("dl.zip", {"submissions.zip": CANVAS}, {"lovelaceada_101", "curiemarie_102"}),
        ("dl.zip", {"hw1_submissions.zip": CANVAS}, {"lovelaceada_101", "curiemarie_102"}),
        # In a class's, the outer name tells who, and what is inside is the student's own.
        ("submissions.zip", {"lovelaceada_101_5551_hw.zip": TRIES}, {"lovelaceada_101"}),
        ("submissions.zip", {"Ada Lovelace_4711_assignsubmission_file_/hw.zip": TRIES}, {"Ada Lovelace"}),
        ("submissions", {"ada.zip": TRIES, "bob.zip": CLASS}, {"ada", "bob"}),
        ("submissions", {"ada/hw.zip": TRIES}, {"ada"}),
        ("ada.zip", {"all/ada.zip": ADA}, {"ada"}),
        ("ada.zip", {"hw.zip": ADA}, {"ada"}),
        # Where neither is said, nobody is merged or parted.
        ("dl.zip", {"inner.zip": CLASS}, set()),
        ("dl", {"inner.zip": CLASS}, set()),
        ("inner", {"inner.zip": CLASS}, set()),
        ("dl", {"hw1_submissions.zip": CANVAS, "hw2_submissions.zip": CANVAS}, set()),
    ],
)
def test_whose_is_what_lies_in_a_zip_in_a_zip_or_folder(tmp_path, course, given, files, students):
    path = tmp_path / given
    if path.suffix:
        path.write_bytes(zipped(files.items()))
    else:
        put(path, files)
    found = collect([path], course)
    assert {one.student for one in found.submissions} == students
    refused = [one for one in found.passed_over if one.path.endswith(".zip")]
    assert len(refused) == (0 if students else len(files))
    for one in refused:
        assert one.why.startswith("Nothing says whether it is a class's or one student's with several folders (c")
        assert one.why.endswith("put it into a folder with the student's name, in what you collect.")


def test_a_class_in_a_zip_that_is_only_wrapped_has_its_own_times_and_patterns(tmp_path, course):
    path = tmp_path / "inner.zip"
    path.write_bytes(zipped([("all/inner.zip", CLASS)]))
    carol, dave = collect([path], course, zone=UTC).submissions
    assert (carol.when - dave.when, carol.clock) == (timedelta(days=2), Clock.ARCHIVE)
    named = collect([path], course, r"all/inner/(?P<student>\w+)/").submissions
    assert [one.student for one in named] == ["carol", "dave"]
    exercise = collect([path], course, r"inner.zip/all/inner/\w+/(?P<exercise>\w+)\.py").submissions
    assert [one.student for one in exercise] == ["carol", "dave"]


def test_times_that_a_student_packs_are_not_believed(tmp_path, course):
    early = member("softmax.py", when=(1999, 1, 1, 0, 0, 0))
    files = {
        "mallory.zip": zipped([(early, "x")]),
        "eve/submitted/eve/ps/timestamp.txt": "1999-01-01 00:00:00 UTC",
        "eve/submitted/eve/ps/softmax.py": "x",
        "eve/receipts.csv": "student,exercise,attempt,time,time_from,sha256,bytes,origin,notes,file\n",
    }
    put(tmp_path / "submissions", files, TUESDAY)
    found = collect([tmp_path / "submissions"], course)
    assert [(one.student, one.when, one.clock) for one in found.submissions] == [
        ("eve", TUESDAY, Clock.FILE),
        ("mallory", TUESDAY, Clock.FILE),
    ]


def test_what_is_passed_over_is_told(tmp_path, course):
    files = {
        "softmax.py": "whose?",
        "test_softmax.py": "nobody's",
        "ada/softmax.py": "x",
        "ada/my_softmax.py": "x",
        "ada/data.csv": "1,2",
        "ada/all.tar.gz": "x",
        "ada/.git/softmax.py": "x",
        "ada/__pycache__/softmax.py": "x",
        "ada/.softmax.py.swp": "x",
        "ada/._softmax.py": "x",
        "ada/.conv2d.py": "x",
        "bob.zip": zipped([(".cross_entropy.ipynb", "x")]),
        "bob/conv2d.py": "y",
    }
    root = put(tmp_path / "submissions", files)
    (root / "bob" / "softmax.py").symlink_to(root / "ada" / "softmax.py")
    (root / "eve").symlink_to(root / "ada")
    os.mkfifo(root / "bob" / "cross_entropy.py")
    found = collect([root], course)
    assert who(found) == [("ada", "softmax", 1), ("bob", "conv2d", 1)]
    why = whys(found)
    assert why.pop("data.csv") == "It is neither Python nor a notebook."
    assert why.pop("all.tar.gz").startswith("Of archives only zips are opened")
    assert why.pop("my_softmax.py") == "It is named after no exercise of the course."
    assert why.pop("test_softmax.py").startswith("It does not say whose it is")
    assert why.pop("cross_entropy.py") == "It is no file: a pipe, a socket or a device."
    assert why.pop(".conv2d.py").startswith("Its name begins with a dot")
    assert why.pop(".cross_entropy.ipynb").startswith("Its name begins with a dot")
    assert why.pop("eve") == "It is a link, and links are not followed."
    assert why.pop(".git") == why.pop("__pycache__") == "Nobody hands in what lies in such a folder."
    assert [one.why for one in found.passed_over if one.path.endswith("bob/softmax.py")] == [
        "It is a link, and links are not followed."
    ]
    assert set(why) == {"softmax.py"}


def test_what_cannot_be_graded_is_collected_with_a_note(tmp_path, course):
    sources = {"a": b"", "b": b"\xff\xfex\0", "c": b"\xe9 = 1\n", "d": b"#" * 3_000_000, "e": b"a\0b"}
    put(tmp_path / "submissions", {f"{name}/softmax.py": data for name, data in sources.items()})
    found = {one.student: one for one in collect([tmp_path / "submissions"], course).submissions}
    assert {name: one.notes[0][:22] for name, one in found.items()} == {
        "a": "It is empty.",
        "b": "It is saved as UTF-16:",
        "c": "It is not UTF-8 text (",
        "d": "It is larger than 1 MB",
        "e": "It contains null bytes",
    }
    assert len(found["d"].submission.source) == 1_000_001


# -- attempts ----------------------------------------------------------------------------------------------------------


def test_attempts_are_in_the_order_of_time(tmp_path, course):
    root = tmp_path / "submissions"
    for day, text in enumerate(["first", "second", "second", "first"]):
        put(root, {f"ada/{9 - day}/softmax.py": text}, MONDAY + timedelta(days=day))
    assert told(collect([root], course)) == [
        ("ada", "softmax", 1, b"first"),
        ("ada", "softmax", 2, b"second"),
        ("ada", "softmax", 3, b"first"),
    ]


def test_of_equal_times_the_copy_in_a_folder_is_the_earlier(tmp_path, course):
    root = put(tmp_path / "submissions", {"ada/softmax.py": "new", "ada/backup/softmax.py": "old"})
    assert [source for *_, source in told(collect([root], course))] == [b"old", b"new"]


def test_a_flood_of_attempts_keeps_the_latest(tmp_path, course):
    files = [(f"v{n}/softmax.py", str(n)) for n in range(ATTEMPTS_LIMIT + 5)]
    root = put(tmp_path / "submissions", {"ada.zip": zipped(files), "bob/softmax.py": "x"})
    found = collect([root], course)
    assert len(found.submissions) == ATTEMPTS_LIMIT + 1
    assert [one.attempt for one in found.submissions][:-1] == list(range(1, ATTEMPTS_LIMIT + 1))
    assert {(one.student, one.exercise) for one in found.passed_over} == {("ada", "softmax")}


def test_the_order_of_the_paths_makes_no_difference(tmp_path, course):
    paths = [
        put(tmp_path / "one", {"ada/softmax.py": "1", "bob/softmax.py": "1"}, TUESDAY),
        put(tmp_path / "two", {"ada/softmax.py": "2", "eve/softmax.py": "1"}),
        put(tmp_path / "three", {"x/ada_softmax.py": "?", "ada_softmax.py": "3", "ada.zip": b"PK"}) / "ada_softmax.py",
        tmp_path / "four.zip",
    ]
    paths[-1].write_bytes(zipped([("ada/conv2d.py", "4"), ("bob/softmax.py", "4"), ("bob/softmax.py", "5")]))
    results = {collect(order, course) for order in itertools.permutations(paths)}
    assert len(results) == 1
    assert len(next(iter(results)).submissions) == 8
    assert collect([*paths, *paths], course) in results


# -- platforms ---------------------------------------------------------------------------------------------------------

METADATA = """\
---
submission_31:
  :submitters:
  - :name: Ada Lovelace
    :sid: '101'
    :email: ada@example.edu
  :created_at: 2026-03-01 23:30:00.123456789 Z
  :score: 4.0
  :results:
    output: |
      submission_99:
        :submitters:
        - :name: nobody
  :history:
  - :id: 30
    :created_at: 2020-01-01 00:00:00.000000000 Z
submission_32:
  :submitters:
  - :name: "Bob \\"the builder\\""
    :sid:
    :email: bob@example.edu
  - :name: 'Eve O''Neil'
  :created_at: 2026-03-01 23:30:00 -0700
"""


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_gradescope_says_who_and_when(tmp_path, course, kind):
    top = "assignment_8_export"
    files = {
        f"{top}/submission_metadata.yml": METADATA,
        f"{top}/submission_31/softmax.py": "a",
        f"{top}/submission_32/02_losses/softmax.py": "b",
        f"{top}/submission_77/softmax.py": "c",
        f"{top}/submission_31/submission_metadata.yml": METADATA.replace("Ada", "Eve"),
    }
    if kind == "zip":
        path = tmp_path / f"{top}.zip"
        path.write_bytes(zipped(files.items()))
    else:
        path = put(tmp_path, files) / top
    found = collect([path], course)
    first = datetime(2026, 3, 1, 23, 30, 0, 123456, UTC)
    second = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
    assert [(one.student, one.when, one.submission.source) for one in found.submissions[:-1]] == [
        ("Eve O'Neil", second, b"b"),
        ("ada@example.edu", first, b"a"),
        ("bob@example.edu", second, b"b"),
    ]
    assert found.submissions[-1].student == "submission_77"
    assert found.submissions[1].notes == ("101", "Ada Lovelace")
    assert found.submissions[1].clock == Clock.GRADESCOPE


def test_gradescopes_metadata_may_be_anything():
    assert gradescope(b"\xff\xfe") == gradescope(b"") == gradescope(b":\n  :submitters:\n  - :email: x\n") == {}
    assert gradescope(b"a:\n  :submitters:\n  - :email: x@y\n  :created_at: 9999-99-99 00:00:00 Z\n")["a"].when is None


def test_nbgraders_tree_has_the_time_in_a_file(tmp_path, course):
    files = {
        "submitted/ada/ps1/timestamp.txt": "2026-02-02 15:58:23.948203 UTC",
        "submitted/ada/ps1/02_losses.ipynb": notebook(code("def softmax(x): return x")),
        "submitted/bob/ps1/timestamp.txt": "2026-02-02 15:58:23 CET",
        "submitted/bob/ps1/softmax.py": "x",
        "submitted/eve/ps1/timestamp.txt": "yesterday",
        "submitted/eve/ps1/softmax.py": "x",
    }
    put(tmp_path, files)
    for path in (tmp_path, tmp_path / "submitted"):
        ada, bob, eve = collect([path / "submitted"] if path == tmp_path else [path], course).submissions
        assert (ada.student, ada.exercise, ada.clock) == ("ada", "softmax", Clock.NBGRADER)
        assert ada.when == datetime(2026, 2, 2, 15, 58, 23, 948203, UTC)
        assert bob.notes == ("its time zone is not known and was taken as UTC",)
        assert (eve.when, eve.notes) == (MONDAY, ("timestamp.txt holds no time",))


def test_the_courses_own_abbreviations_of_its_zone_are_known():
    berlin = ZoneInfo("Europe/Berlin")
    for text, hour in (("2026-02-02 15:58:23 CET", 14), ("2026-07-02 15:58:23 CEST", 13)):
        when, note = instant(text, berlin)
        assert (when.hour, when.tzinfo, note) == (hour, UTC, None)
    twice = [instant(f"2026-10-25 02:30:00 {name}", berlin)[0].hour for name in ("CEST", "CET")]
    assert twice == [0, 1], "the hour that comes twice"
    for unknown in (instant("2026-07-02 15:58:23 CET", berlin), instant("2026-07-02 15:58:23 CEST")):
        assert unknown[1] == "its time zone is not known and was taken as UTC"
    assert instant("2026-07-02 15:58:23", berlin)[0].hour == 15, "as nbgrader takes it"


@pytest.mark.parametrize("text", ["", "nonsense", "2026-13-01 00:00:00", "2026-01-01 00:00:00 +99:99", "0" * 9999])
def test_no_time(text):
    assert instant(text) == (None, None)


def test_moodle_tells_students_of_one_name_apart(tmp_path, course):
    week1 = {
        "Ada Lovelace_11_assignsubmission_file_/softmax.py": "a",
        "Ada Lovelace_12_assignsubmission_file_/softmax.py": "b",
        "Bob_13_assignsubmission_file_/softmax.py": "c",
    }
    week2 = {
        "Ada Lovelace_21_assignsubmission_file_/conv2d.py": "d",
        "Bob_23_assignsubmission_file_/conv2d.py": "e",
        "Bob_23_assignsubmission_onlinetext/onlinetext.html": "f",
    }
    paths = [tmp_path / "DL-week1-1.zip", tmp_path / "DL-week2-2.zip"]
    for path, files in zip(paths, (week1, week2), strict=True):
        path.write_bytes(zipped(files.items()))
    found = collect(paths, course)
    assert [one[:2] for one in who(found)] == [
        ("Ada Lovelace_11", "softmax"),
        ("Ada Lovelace_12", "softmax"),
        ("Ada Lovelace_21", "conv2d"),
        ("Bob", "conv2d"),
        ("Bob", "softmax"),
    ]
    assert "several students bear this name" in found.submissions[0].notes
    assert found.submissions[-1].notes == ("Moodle's participant 13",)


def test_canvas_says_who_is_late(tmp_path, course):
    path = tmp_path / "dl101-softmax_submissions (2).zip"
    path.write_bytes(zipped([("lovelaceada_LATE_101_5551_softmax-1.py", "x")]))
    (one,) = collect([path], course).submissions
    assert (one.student, one.notes, one.clock) == ("lovelaceada_101", ("Canvas says that it is late",), Clock.LATE)


def test_the_time_of_a_download_is_no_time_of_handing_in(tmp_path, course):
    """However the download reaches us: as it came, unpacked, or with what students packed in it."""
    files = {
        "curiemarie_102_5552_softmax.py": "x",
        "noetheremmy_103_5553_work.zip": zipped([("softmax.py", "y")]),
        "Ada Lovelace_11_assignsubmission_file_/softmax.py": "z",
        "plain/softmax.py": "known",
        "plain/curiemarie_102_5552_x/softmax.py": "what a student calls a folder changes nothing",
    }
    folder = put(tmp_path / "unpacked", files)
    path = tmp_path / "dl_submissions.zip"
    path.write_bytes(zipped(files.items()))
    for given, known in ((folder, Clock.FILE), (path, Clock.ARCHIVE)):
        clocks = {(one.student, one.clock) for one in collect([given], course).submissions}
        assert clocks == {
            ("curiemarie_102", Clock.DOWNLOAD),
            ("noetheremmy_103", Clock.DOWNLOAD),
            ("Ada Lovelace", Clock.DOWNLOAD),
            ("plain", known),
        }
    pattern = r"/(?P<student>[a-z]+)_\d+_\d+_(?P<exercise>softmax)\.py$"
    assert {one.clock for one in collect([folder], course, pattern).submissions} == {Clock.DOWNLOAD}
    tree = put(tmp_path / "export", {"submission_metadata.yml": METADATA, "submission_77/softmax.py": "c"})
    assert [one.clock for one in collect([tree], course).submissions] == [Clock.DOWNLOAD]


def test_the_time_in_a_zip(tmp_path, course):
    wall = member("ada/softmax.py", when=(2026, 7, 1, 12, 0, 0))
    exact = member("bob/softmax.py", when=(2001, 1, 1, 0, 0, 0))
    exact.extra = struct.pack("<HHBl", 0x5455, 5, 1, int(MONDAY.timestamp()))
    never = member("eve/softmax.py", when=(1980, 1, 1, 0, 0, 0))
    path = tmp_path / "class.zip"
    path.write_bytes(zipped([(wall, "x"), (exact, "x"), (never, "x")]))
    os.utime(path, (TUESDAY.timestamp(), TUESDAY.timestamp()))
    found = collect([path], course, zone=timezone(timedelta(hours=2)))
    assert [one.when for one in found.submissions] == [datetime(2026, 7, 1, 10, tzinfo=UTC), MONDAY, TUESDAY]


# -- the instructor's pattern ------------------------------------------------------------------------------------------


def test_a_pattern_says_who_and_which(tmp_path, course):
    files = {"g1/hw-softmax/s123.py": "x", "g1/hw-nothing/s123.py": "x", "g1/readme.py": "x", "g1/conv2d/s9.py": "y"}
    root = put(tmp_path / "drop", files)
    found = collect([root], course, r"^drop/g1/(hw-)?(?P<exercise>\w+)/(?P<student>\w+)\.py$")
    assert who(found) == [("s123", "softmax", 1), ("s9", "conv2d", 1)]
    assert sorted(one.why for one in found.passed_over) == [
        "--pattern does not match it.",
        "--pattern finds 'nothing' in it, which is no exercise of the course.",
    ]


def test_a_pattern_may_say_only_who(tmp_path, course):
    root = put(tmp_path / "drop", {"team/u-ada/softmax.py": "x", "team/u-bob/deep/conv2d.py": "y"})
    assert who(collect([root], course, r"/u-(?P<student>[^/]+)/")) == [("ada", "softmax", 1), ("bob", "conv2d", 1)]


@pytest.mark.parametrize("pattern", ["(", "softmax", "(?P<who>x)", "(?P<student>x)(?P<what>y)"])
def test_a_pattern_that_is_none(tmp_path, course, pattern):
    with pytest.raises(UsageError) as error:
        collect([tmp_path], course, pattern)
    assert error.value.where == "--pattern"


def test_a_path_that_is_not_there(tmp_path, course):
    with pytest.raises(UsageError, match="There is no folder or file"):
        collect([tmp_path / "nowhere"], course)


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["CON", "nul.txt", "com¹", "a/b", "a\\b", "..", ".", "", " ", ".hidden", "x.", "a\x1b[31m", "a\u202eb", "a\0b",
     "\udcff", "x" * 500, "名" * 200, "receipts.csv", "a:b", "\u3164", "e" + "\u0301" * 50],
)  # fmt: skip
def test_any_name_becomes_one_that_every_system_can_hold(tmp_path, name):
    safe = safe_name(name)
    assert safe_name(safe) == safe, "a safe name stays"
    assert safe not in {safe_name(other) for other in ("a_b", "a__b", "_", "x", "CON_", "_CON", "ab")}
    assert safe.isprintable() and not set(safe) & set('<>:"/\\|?*') and len(safe.encode()) < 250
    assert not safe.startswith(".") and not safe.endswith((".", " "))
    (tmp_path / safe).mkdir()


@pytest.mark.parametrize("name", ["ada", "Ada Lovelace", "ada@example.edu", "Zoë", "李雷", "o'neil", "s-12_3"])
def test_an_ordinary_name_stays(name):
    assert safe_name(f" {name} ") == name


def test_names_that_differ_in_case_only_get_folders_of_their_own():
    assert folder_name("ada", ["bob"]) == "ada"
    assert folder_name("ada", ["Ada"]).startswith("ada~")
    assert folder_name("STRASSE", ["straße"]) != "STRASSE"


def test_hostile_names_survive(tmp_path, course):
    names = ["ev\x1b[2Jil", "ad\u202ea", "ada", "Ada", "=1+1", "x\ny"]
    files = {f"{name}/softmax.py": str(number) for number, name in enumerate(names)}
    found = collect([put(tmp_path / "submissions", files)], course)
    assert len({one.student for one in found.submissions}) == len(names)
    assert all(one.student.isprintable() for one in found.submissions)
