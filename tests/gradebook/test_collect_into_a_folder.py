"""`dlgrade collect`: what it shows, what it writes, and that more runs only add."""

import contextlib
import csv
import errno
import os
import random
import shutil
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from class_samples import MONDAY, TUESDAY, member, put, tiny_course, told, zipped
from dlgrade.course.find import open_course
from dlgrade.errors import UsageError
from dlgrade.gradebook import deposit as depositing
from dlgrade.gradebook import receipts, store
from dlgrade.gradebook.collect import collect
from dlgrade.gradebook.deposit import deposit
from dlgrade.gradebook.sources import Clock


@pytest.fixture
def course(tmp_path):
    return tiny_course(tmp_path / "tiny")


@pytest.fixture
def run(tmp_path, course, dlgrade):
    return lambda *arguments: dlgrade("--course", course.root, "collect", *arguments, cwd=tmp_path)


def state(folder):
    """All files below a folder, with their times, but for what a run holds while it writes."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != depositing.LOCK
    }


def rows(folder):
    with (folder / "receipts.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# -- the command -------------------------------------------------------------------------------------------------------


def test_a_class_is_gathered(tmp_path, run):
    put(tmp_path / "subs", {"ada/softmax.py": "two", "bob.zip": zipped([("conv2d.py", "b")])}, TUESDAY)
    put(tmp_path / "subs", {"ada/old/softmax.py": "one", "ada/readme.txt": "", "zoe/sofmax.py": "x"})
    ran = run("subs", "--to", "out")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "Passed over:\n  It is named after no exercise of the course.\n    subs/zoe/sofmax.py  (zoe)\n\n"
        "3 attempts of 2 students at 2 exercises. Nothing was taken of zoe (subs/zoe/sofmax.py).\n"
        "New: 3. out holds 3, and their receipts in receipts.csv.\n"
    )
    out = tmp_path / "out"
    assert sorted(state(out)) == ["ada/attempts/softmax.1.py", "ada/softmax.py", "bob/conv2d.py", "receipts.csv"]
    assert (out / "ada" / "softmax.py").read_bytes() == b"two"
    assert (out / "ada" / "softmax.py").stat().st_mtime == TUESDAY.timestamp()
    first, second, third = rows(out)
    assert first == {
        "student": "ada",
        "exercise": "softmax",
        "attempt": "1",
        "time": "2026-03-02T12:00:00+00:00",
        "time_from": "time of the file",
        "sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
        "bytes": "3",
        "origin": "subs/ada/old/softmax.py",
        "notes": "",
        "file": "ada/attempts/softmax.1.py",
    }
    assert (second["file"], third["origin"]) == ("ada/softmax.py", "subs/bob.zip/conv2d.py")
    before = state(out)
    assert "New: 0. out holds 3" in run("subs", "--to", "out").out
    assert state(out) == before


def test_a_dry_run_shows_what_it_would_take_and_writes_nothing(tmp_path, run):
    put(tmp_path / "subs", {"ad\x1ba/softmax.py": "x", "bob_conv2d.py": "", "readme.txt": ""})
    ran = run("subs", "--dry-run", "--to", "out")
    assert ran.code == 0
    mark = ran.out.split("ad_a~")[1][:8]
    assert ran.out.splitlines()[:3] == [
        "student        exercise  attempt  handed in             bytes  from",
        f"ad_a~{mark}  softmax         1  2026-03-02 12:00:00Z      1  subs/ad\\x1ba/softmax.py",
        "bob            conv2d          1  2026-03-02 12:00:00Z      0  subs/bob_conv2d.py  (It is empty.)",
    ]
    assert "  It is neither Python nor a notebook.\n    subs/readme.txt\n" in ran.out
    assert ran.out.endswith("2 attempts of 2 students at 2 exercises. Nothing was written.\n")
    assert not (tmp_path / "out").exists()


def test_names_of_wide_characters_stand_in_their_column(tmp_path, run):
    put(tmp_path / "subs", {"李雷/softmax.py": "x", "adalovelace/softmax.py": "y"})
    head, ada, li = run("subs", "--dry-run").out.splitlines()[:3]
    assert ada.index("softmax") == head.index("exercise") == li.index("softmax") + 2, "two characters, four columns"


def test_what_is_the_same_as_another_file_is_counted_and_told(tmp_path, run):
    put(tmp_path / "subs", {"bob/softmax.py": "x", "knuth_113_5512_softmax (1).py": "same"})
    put(tmp_path / "subs", {"knuth_113_5511_softmax.py": "same"}, TUESDAY)
    ran = run("subs", "--dry-run")
    assert "byte for byte, as the student's attempt before it: they are one attempt.\n" in ran.out
    assert "    subs/knuth_113_5511_softmax.py  (knuth_113)\n" in ran.out
    said = "2 attempts of 2 students at 1 exercise, and 1 file the same as the attempt before."
    assert said in ran.out
    gathered = run("subs", "--to", "out").out
    assert said in gathered and "Passed over" not in gathered


def test_of_whom_nothing_could_be_taken_is_said_by_name(tmp_path, run):
    files = {"ada/softmax.py": "x", "ada/notes.txt": "", "bob/all.rar": "x", "eve_softmax.txt": "x", "plan.pdf": ""}
    put(tmp_path / "subs", {**files, "zoe_9_assignsubmission_file_softmax.pdf": "x"})
    said = (
        "1 attempt of 1 student at 1 exercise. Nothing was taken of bob (subs/bob/all.rar), eve "
        "(subs/eve_softmax.txt), zoe (subs/zoe_9_assignsubmission_file_softmax.pdf)."
    )
    looked = run("subs", "--dry-run").out
    assert said in looked and "    subs/bob/all.rar  (bob)\n" in looked and "    subs/plan.pdf\n" in looked
    assert said in run("subs", "--to", "out").out


def test_what_was_taken_out_stays_out_until_it_is_asked_for(tmp_path, run):
    put(tmp_path / "subs", {"ada/softmax.py": "one", "bob/softmax.py": "x"})
    run("subs", "--to", "out")
    (tmp_path / "out" / "ada" / "softmax.py").unlink()
    before = state(tmp_path / "out")
    ran = run("subs", "--to", "out")
    assert ran.err == (
        "1 attempt had been taken out of out, and is left out: softmax of ada (attempt 1). To have it back: the same "
        "command with --restore.\n"
    )
    assert "New: 0. out holds 1, and" in ran.out
    assert state(tmp_path / "out") == before
    put(tmp_path / "subs", {"ada/new/softmax.py": "two"}, TUESDAY)
    assert "New: 1. out holds 2, and" in run("subs", "--to", "out").out, "what is handed in anew is not the same"
    assert (tmp_path / "out" / "ada" / "softmax.py").read_bytes() == b"two"
    assert not (tmp_path / "out" / "ada" / "attempts").exists()
    ran = run("subs", "--to", "out", "--restore")
    assert (ran.err, (tmp_path / "out" / "ada" / "attempts" / "softmax.1.py").read_bytes()) == ("", b"one")


def test_a_pattern_on_the_command_line(tmp_path, run):
    put(tmp_path / "subs", {"x/ada-conv2d-final.py": "x"})
    ran = run("subs", "--pattern", r"(?P<student>\w+)-(?P<exercise>\w+)-final", "--to", "out")
    assert (ran.code, (tmp_path / "out" / "ada" / "conv2d.py").read_bytes()) == (0, b"x")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["subs"], "It is not said where to gather them.\nName a folder, --to DIR"),
        (["nowhere", "--to", "out"], "There is no folder or file nowhere."),
        (["subs", "--to", "subs"], "--to: subs is where the submissions are"),
        (["empty", "--to", "out"], "Nothing there is known to be a submission."),
        (["subs", "--to", "out", "--pattern", "("], "--pattern: It is no regular expression"),
        (["subs", "--to", "a_file/out"], "cannot be written: Not a directory"),
    ],
)
def test_wrong_use(tmp_path, run, arguments, sentence):
    put(tmp_path, {"subs/ada/softmax.py": "x", "empty/notes.txt": "", "a_file": ""})
    ran = run(*arguments)
    assert ran.code == 2
    assert sentence in ran.err
    assert not (tmp_path / "out").exists()


def test_the_folder_may_lie_among_the_submissions(tmp_path, run):
    put(tmp_path / "subs", {"ada/softmax.py": "x"})
    run("subs", "--to", "subs/out")
    before = state(tmp_path / "subs")
    assert "New: 0." in run("subs", "--to", "subs/out").out
    assert state(tmp_path / "subs") == before


# -- more runs ---------------------------------------------------------------------------------------------------------


def some_class(rng, folder):
    """Files of three students over some days, and the folders of the days."""
    paths = []
    for day in range(4):
        files = {}
        for student in ("ada", "bob", "eve"):
            for exercise in ("softmax", "conv2d"):
                if rng.random() < 0.6:
                    files[f"{student}/{exercise}.py"] = f"{rng.randrange(10**6)}"
        files["zoe/softmax.py"] = "the same"
        paths.append(put(folder / f"day{day}", files, MONDAY + timedelta(days=day)))
    return paths


def test_runs_one_by_one_in_any_order_come_to_the_same_as_one(tmp_path, course):
    rng = random.Random(5)
    for case in range(8):
        paths = some_class(rng, tmp_path / f"{case}")
        whole = tmp_path / f"{case}" / "whole"
        deposit(collect(paths, course), whole)
        parts = tmp_path / f"{case}" / "parts"
        rng.shuffle(paths)
        for path in paths:
            deposit(collect([path], course), parts)
        assert state(parts).keys() == state(whole).keys()
        assert [{**row, "origin": ""} for row in rows(parts)] == [{**row, "origin": ""} for row in rows(whole)]
        assert all(state(parts)[name][0] == state(whole)[name][0] for name in state(whole) if name != "receipts.csv")
        again = deposit(collect(paths, course), parts)
        assert (again.added, again.total) == ((), len(rows(parts)))


def test_what_was_collected_can_be_collected_again(tmp_path, course):
    first = collect(some_class(random.Random(6), tmp_path / "days"), course)
    deposit(first, tmp_path / "out")
    for path in (tmp_path / "out").rglob("*.py"):
        os.utime(path)  # as after a copy
    second = collect([tmp_path / "out"], course)
    assert told(second) == told(first)
    assert [one.when for one in second.submissions] == [one.when for one in first.submissions]
    assert {one.clock for one in second.submissions} == {Clock.FILE}, "which told when they were collected"
    assert second.passed_over == ()


def test_a_run_cut_off_at_any_moment_is_finished_by_the_next(tmp_path, course, monkeypatch):
    paths = [
        put(tmp_path / f"day{day}", {"ada/softmax.py": f"{day}"}, MONDAY + timedelta(days=day)) for day in range(4)
    ]
    deposit(collect(paths, course), tmp_path / "whole")
    right = {name: data for name, (data, _) in state(tmp_path / "whole").items()}
    deposit(collect(paths[1:3], course), tmp_path / "start")
    replace = Path.replace
    for moment in range(6):
        out = tmp_path / f"out{moment}"
        shutil.copytree(tmp_path / "start", out)
        calls = iter(range(1000))

        def cut(self, target, moment=moment, calls=calls):
            if next(calls) == moment:
                raise KeyboardInterrupt
            return replace(self, target)

        had = {data for name, (data, _) in state(out).items() if name != "receipts.csv"}
        monkeypatch.setattr(Path, "replace", cut)
        with contextlib.suppress(KeyboardInterrupt):
            deposit(collect(paths, course), out)
        monkeypatch.setattr(Path, "replace", replace)
        assert had <= {data for data, _ in state(out).values()}, "nothing is lost"
        deposit(collect(paths, course), out)
        assert {name: data for name, (data, _) in state(out).items()} == right
    assert next(calls) < 6, "the last was not cut off"


def test_a_file_changed_by_hand_is_kept(tmp_path, course):
    root = put(tmp_path / "subs", {"ada/softmax.py": "one"})
    deposit(collect([root], course), tmp_path / "out")
    put(tmp_path / "out", {"ada/softmax.py": "mended by hand"}, MONDAY + timedelta(hours=1))
    put(root, {"ada/softmax.py": "two"}, TUESDAY)
    deposit(collect([root], course), tmp_path / "out")
    assert [(row["attempt"], row["notes"]) for row in rows(tmp_path / "out")] == [
        ("1", ""),
        ("2", "lay there without a receipt"),
        ("3", ""),
    ]
    assert (tmp_path / "out" / "ada" / "attempts" / "softmax.2.py").read_bytes() == b"mended by hand"
    assert (tmp_path / "out" / "ada" / "softmax.py").read_bytes() == b"two"


def test_names_that_differ_in_case_only(tmp_path, course):
    root = put(tmp_path / "subs", {"ada/softmax.py": "1", "Ada/softmax.py": "2"})
    deposit(collect([root], course), tmp_path / "out")
    folders = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert folders[0] == "Ada" and folders[1].startswith("ada~")
    assert deposit(collect([root], course), tmp_path / "out").added == ()
    assert told(collect([tmp_path / "out"], course)) == told(collect([root], course))


# -- receipts ----------------------------------------------------------------------------------------------------------


def test_receipts_are_read_as_they_were_written(tmp_path):
    one = receipts.Receipt("=ada", "softmax", 1, MONDAY, Clock.LATE, "00", 3, '\'a/b,"c"', ("+1", "- 2"), "=ada")
    two = receipts.Receipt("李雷", "softmax", 1, TUESDAY, Clock.RECEIPT, "00", 3, "-", (), "李雷~1")
    text = receipts.text_of([two, one])
    (tmp_path / "receipts.csv").write_text(text, "utf-8")
    assert receipts.read(tmp_path) == [one, two]
    cells = next(csv.reader(text.splitlines()[1:2]))
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells), "no spreadsheet runs it"


@pytest.mark.parametrize(
    "line",
    [
        "ada,softmax,1,2026-03-02T12:00:00+00:00,x,00,3,o,n,ada/softmax.py,more",
        "ada,softmax,1,2026-03-02T12:00:00,x,00,3,o,n,ada/softmax.py",
        "ada,softmax,one,2026-03-02T12:00:00+00:00,x,00,3,o,n,ada/softmax.py",
        "ada,softmax,1,yesterday,x,00,3,o,n,ada/softmax.py",
        "ada,softmax,1,2026-03-02T12:00:00+00:00,x,00,3,o,n,../softmax.py",
        "ada,softmax,1,2026-03-02T12:00:00+00:00,x,00,3,o,n,/etc/softmax.py",
        "ada,../x,1,2026-03-02T12:00:00+00:00,x,00,3,o,n,ada/softmax.py",
        "ada,softmax",
        '"ada',
    ],
)
def test_damaged_receipts_are_told_and_nothing_is_written(tmp_path, course, run, line):
    text = f"{','.join(receipts.COLUMNS)}\n{line}\n"
    put(tmp_path, {"subs/ada/softmax.py": "x", "out/receipts.csv": text})
    ran = run("subs", "--to", "out")
    assert ran.code == 2
    assert "receipts.csv: The receipts cannot be read: line " in ran.err
    assert (tmp_path / "out" / "receipts.csv").read_text("utf-8") == text
    collect([tmp_path / "out"], course)  # as a source it is only passed over


def test_a_full_disk(tmp_path, course, monkeypatch):
    root = put(tmp_path / "subs", {f"s{number}/softmax.py": "x" for number in range(5)})
    written = iter(range(100))

    def full(*arguments):
        if next(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(depositing.os, "utime", full)
    with pytest.raises(UsageError, match="No space left on device") as error:
        deposit(collect([root], course), tmp_path / "out")
    assert "Nothing that was there is lost" in error.value.mend
    assert not [name for name in state(tmp_path / "out") if name.rpartition("/")[2].startswith(".")]
    assert deposit(collect([root], course), tmp_path / "out").total == 5


def test_of_two_runs_at_once_one_waits_or_is_refused(tmp_path, course, monkeypatch):
    root = put(tmp_path / "subs", {"ada/softmax.py": "x"})
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    (tmp_path / "out").mkdir()
    with ExitStack() as held:
        store.lock(tmp_path / "out" / "receipts.csv", depositing.LOCK, held)
        with pytest.raises(UsageError, match=r"Another process is writing to .*receipts\.csv"):
            deposit(collect([root], course), tmp_path / "out")
        assert state(tmp_path / "out") == {}
    assert deposit(collect([root], course), tmp_path / "out").total == 1


COLLECT = """
import sys
from pathlib import Path
from dlgrade.course.find import open_course
from dlgrade.gradebook import store
from dlgrade.gradebook.collect import collect
from dlgrade.gradebook.deposit import deposit
store.BUSY_SECONDS = 60.0
deposit(collect([Path(sys.argv[2])], open_course(Path(sys.argv[1]))), Path(sys.argv[3]))
"""


def test_two_runs_at_once_lose_nothing(tmp_path, course):
    paths = some_class(random.Random(7), tmp_path / "days")
    command = [sys.executable, "-c", COLLECT, course.root]
    runs = [subprocess.Popen([*command, path, tmp_path / "out"], stderr=subprocess.PIPE) for path in paths]
    assert [(run.communicate(timeout=120)[1], run.returncode) for run in runs] == [(b"", 0)] * len(runs)
    deposit(collect(paths, course), tmp_path / "whole")
    assert [{**row, "origin": ""} for row in rows(tmp_path / "out")] == [
        {**row, "origin": ""} for row in rows(tmp_path / "whole")
    ]


def test_what_a_platforms_zip_does_not_tell_is_said(tmp_path, run):
    (tmp_path / "dl_submissions.zip").write_bytes(
        zipped([("lovelaceada_LATE_101_5551_softmax-1.py", "x"), ("curiemarie_102_5552_softmax.py", "y")])
    )
    ran = run("dl_submissions.zip", "--dry-run")
    assert ran.code == 0
    assert [line.split()[3] for line in ran.out.splitlines()[1:3]] == ["unknown", "unknown"]
    said = (
        "When 2 of 2 attempts were handed in is not known: a platform's zip has the time of the download. "
        "Graded as on time. Canvas says that these are late: softmax of lovelaceada_101. "
        "`dlgrade adjust` takes points by hand."
    )
    assert said in ran.out
    assert said in run("dl_submissions.zip", "--to", "out").err
    assert {row["time_from"] for row in rows(tmp_path / "out")} == {str(Clock.LATE), str(Clock.DOWNLOAD)}
    again = collect([tmp_path / "out"], open_course(tmp_path / "tiny"))
    assert {one.clock for one in again.submissions} == {Clock.LATE, Clock.DOWNLOAD}, "the receipts keep it"


def test_times_in_a_zip_are_of_the_courses_zone(tmp_path, course, run):
    path = course.root / "course" / "course.toml"
    path.write_text(f'timezone = "Asia/Kolkata"\n{path.read_text()}')
    (tmp_path / "class.zip").write_bytes(zipped([(member("ada/softmax.py", when=(2026, 7, 1, 12, 0, 0)), "x")]))
    assert "2026-07-01 06:30:00Z" in run("class.zip", "--dry-run").out
    path.write_text(path.read_text().replace("Kolkata", "Nowhere"))
    ran = run("class.zip", "--to", "out")
    assert ran.code == 2
    assert "There is no time zone" in ran.err


def test_a_folder_that_may_not_be_written(tmp_path, course, monkeypatch):
    root = put(tmp_path / "subs", {"ada/softmax.py": "x"})

    def refuse(self, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(UsageError, match=r"out cannot be written: Permission denied"):
        deposit(collect([root], course), tmp_path / "out")
