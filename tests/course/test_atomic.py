"""What is written is written whole or not at all, and nothing that was there is lost."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dlgrade.course.atomic import replace_file, replace_folder, write_file
from dlgrade.errors import UsageError

FULL = OSError(28, "No space left on device")


def below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def failing(monkeypatch, holder, name, times, how=FULL):
    """Let a function fail at each of these calls."""
    real, made = getattr(holder, name), []

    def fail(*arguments, **options):
        made.append(arguments)
        if len(made) - 1 in times:
            raise how
        return real(*arguments, **options)

    monkeypatch.setattr(holder, name, fail)


def test_a_file_is_written_in_a_folder_that_is_made(tmp_path):
    write_file(tmp_path / "a/b/grades.csv", "é\ud800\r\n")
    assert below(tmp_path) == {"a/b/grades.csv": "é\\ud800\r\n".encode()}


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_private_file_is_nobody_elses(tmp_path):
    for name, private in (("seed", True), ("grades", False)):
        write_file(tmp_path / name, "1\n", private=private)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("seed", "grades")]
    assert modes[0] == 0o600
    assert modes[1] & 0o600 == 0o600


def test_a_file_may_say_when_it_was_changed(tmp_path):
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    replace_file(tmp_path / "f", b"1", modified=when)
    assert (tmp_path / "f").stat().st_mtime == when.timestamp()


@pytest.mark.parametrize(("holder", "name"), [(os, "fsync"), (Path, "replace")])
def test_a_file_that_cannot_be_written_leaves_what_was_there(tmp_path, monkeypatch, holder, name):
    write_file(tmp_path / "f", b"old")
    failing(monkeypatch, holder, name, {0})
    with pytest.raises(UsageError, match=r"/f cannot be written: No space left on device\.$"):
        write_file(tmp_path / "f", b"new")
    assert below(tmp_path) == {"f": b"old"}


@pytest.mark.parametrize("how", [FULL, KeyboardInterrupt()], ids=["full", "Ctrl-C"])
@pytest.mark.parametrize(("name", "times"), [("fsync", {1}), ("rename", {0}), ("rename", {1})])
def test_a_folder_that_cannot_be_written_leaves_what_was_there(tmp_path, monkeypatch, name, times, how):
    replace_folder(tmp_path / "out", {Path("a"): b"1", Path("deep/b"): b"2"})
    failing(monkeypatch, os if name == "fsync" else Path, name, times, how)
    with pytest.raises(type(how)):
        replace_folder(tmp_path / "out", {Path("a"): b"3", Path("c"): b"4"})
    assert below(tmp_path) == {"out/a": b"1", "out/deep/b": b"2"}


def test_a_folder_that_cannot_even_be_put_back_is_not_deleted(tmp_path, monkeypatch):
    replace_folder(tmp_path / "out", {Path("a"): b"1"})
    failing(monkeypatch, Path, "rename", {1, 2})
    with pytest.raises(OSError, match="No space left"):
        replace_folder(tmp_path / "out", {Path("a"): b"2"})
    assert list(below(tmp_path).values()) == [b"1"]


def test_a_folder_takes_the_place_of_another(tmp_path):
    for files in ({Path("a"): b"1", Path("deep/b"): b"2"}, {Path("c"): b"3"}):
        replace_folder(tmp_path / "out", files)
    assert below(tmp_path) == {"out/c": b"3"}
