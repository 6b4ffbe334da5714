"""The time of the last commit, read from .git itself: what real git wrote is read, and nothing of it is obeyed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from datetime import timedelta

import pytest
from class_samples import MONDAY, TUESDAY, put, tiny_course
from dlgrade.gradebook import checkouts
from dlgrade.gradebook.checkouts import Checkout, checkout_in
from dlgrade.gradebook.collect import collect
from dlgrade.gradebook.sources import Clock, Unread

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git, to make what is read without it")
DAY = timedelta(days=1)


@pytest.fixture
def course(tmp_path):
    return tiny_course(tmp_path / "tiny")


def git(folder, *arguments, when=MONDAY):
    stamp = f"{int(when.timestamp())} +0100"
    environment = {
        **os.environ,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "Ada; L"), ("EMAIL", "ada@example.edu"), ("DATE", stamp))},
    }  # fmt: skip
    ran = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def commit(folder, files, when):
    put(folder, files, when)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "work", when=when)


@pytest.fixture
def repository(template, tmp_path):
    return shutil.copytree(template, tmp_path / "class" / "ada")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """softmax is of Monday, conv2d of two days later."""
    root = tmp_path_factory.mktemp("git") / "ada"
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    commit(root, {"02_losses/softmax.py": "first\n", "conv2d.py": "stub\n", "long.txt": "x\n" * 5000}, MONDAY - DAY)
    commit(root, {"02_losses/softmax.py": "second\n"}, MONDAY)
    for number in range(5):
        commit(
            root, {"conv2d.py": f"try {number}\n", "long.txt": "x\n" * 5000 + f"{number}"}, MONDAY + number * DAY / 2
        )
    return root


def times(root, course):
    return {one.exercise: (one.when, one.clock, one.notes) for one in collect([root], course).submissions}


COMMITTED = ("committed by Ada, L <ada@example.edu>",)


@pytest.mark.parametrize("state", ["loose", "packed", "on no branch", "with packed references", "merged"])
def test_each_file_is_as_old_as_its_last_change(repository, course, state):
    if state == "packed":
        git(repository, "gc", "-q", "--aggressive", "--prune=now")
        assert not list((repository / ".git" / "objects").glob("??/*"))
    elif state == "on no branch":
        git(repository, "checkout", "-q", "--detach")
    elif state == "with packed references":
        git(repository, "pack-refs", "--all")
        assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    elif state == "merged":
        git(repository, "checkout", "-q", "-b", "side", "HEAD~3")
        commit(repository, {"notes.txt": "x"}, MONDAY + DAY)
        git(repository, "checkout", "-q", "main")
        git(repository, "merge", "-q", "side", when=TUESDAY + 5 * DAY)
    expected = {"softmax": (MONDAY, Clock.GIT, COMMITTED), "conv2d": (MONDAY + 2 * DAY, Clock.GIT, COMMITTED)}
    assert times(repository.parent, course) == expected
    assert times(repository, course) == expected, "a checkout of one student, by itself"


def test_deltas_of_both_kinds_are_read(repository, course):
    """Packs that name what a delta is to, as they are sent, and packs that say where it lies."""
    for option in ("true", "false"):
        git(repository, "-c", f"repack.useDeltaBaseOffset={option}", "repack", "-q", "-a", "-d", "-f", "--depth=20")
        lines = git(
            repository, "verify-pack", "-v", *(str(p) for p in (repository / ".git/objects/pack").glob("*.idx"))
        )
        assert [line for line in lines.splitlines() if len(line.split()) == 7], "there are deltas"
        long, name = (repository / "long.txt").read_bytes(), "long.txt"
        checkout = Checkout(repository / ".git")
        assert checkout.committed((name,), long).when == MONDAY + 2 * DAY
        entries = checkout._entries
        blob = next(found for (_, entry), found in entries.items() if entry == b"long.txt")
        assert checkout._object(blob, b"blob") == long


def test_what_was_not_committed_has_the_time_of_its_file(repository, course):
    put(repository, {"conv2d.py": "changed since\n", "cross_entropy.py": "new\n"}, TUESDAY)
    found = times(repository.parent, course)
    assert found["conv2d"][:2] == found["cross_entropy"][:2] == (TUESDAY, Clock.FILE)
    assert found["conv2d"][2] == ("It was changed after the last commit. Its time is that of the file",)
    assert found["cross_entropy"][2] == ("It is in no commit. Its time is that of the file",)
    assert found["softmax"][1] == Clock.GIT


def test_line_ends_of_windows_are_no_change(repository, course):
    put(repository, {"conv2d.py": b"try 4\r\n"}, TUESDAY)
    assert times(repository.parent, course)["conv2d"][:2] == (MONDAY + 2 * DAY, Clock.GIT)


def test_a_history_that_is_cut_off_is_told(repository, course, tmp_path):
    (tmp_path / "shallow").mkdir()
    git(tmp_path, "clone", "-q", "--depth=2", f"file://{repository}", "shallow/ada")
    when, clock, notes = times(tmp_path / "shallow", course)["softmax"]
    assert (when, clock) == (MONDAY + 3 * DAY / 2, Clock.GIT)
    assert notes == (*COMMITTED, "its history is cut off: it may be older")


def test_the_instructors_own_repository_says_nothing(repository, course):
    shutil.rmtree(repository / ".git")
    git(repository.parent, "init", "-q")
    commit(repository.parent, {"bob/softmax.py": "x"}, TUESDAY)
    assert {one.clock for one in collect([repository.parent], course).submissions} == {Clock.FILE}


def test_nothing_of_a_repository_is_obeyed(repository, course, tmp_path):
    """Every setting and hook that names a program; none of them may run, by git or otherwise."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    with (repository / ".git" / "config").open("a") as config:
        config.write(
            f"[core]\n fsmonitor = {trap}\n sshCommand = {trap}\n pager = {trap}\n hooksPath = {tmp_path}\n"
            f"[gpg]\n program = {trap}\n[log]\n showSignature = true\n[diff]\n external = {trap}\n"
            f'[remote "origin"]\n url = ext::{trap}\n promisor = true\n[protocol "ext"]\n allow = always\n'
        )
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "pre-auto-gc", "post-index-change", "reference-transaction"):
        shutil.copy(trap, hooks / name)
    assert times(repository.parent, course)["softmax"][1] == Clock.GIT
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("HEAD", "ref: refs/heads/../../../../etc/passwd", "a branch of an odd name"),
        ("HEAD", "ref: refs/heads/none", "Nothing was ever committed"),
        ("HEAD", "", "Nothing was ever committed"),
        ("HEAD", "f" * 40, "lacks what it speaks of"),
        ("HEAD", "f" * 64, "by SHA-256"),
        ("HEAD", "x" * 5000, "larger than a student's work"),
        ("refs/heads/main", b"\xff\0", "Nothing was ever committed"),
    ],
)
def test_an_odd_repository_is_told(repository, course, name, text, why):
    put(repository / ".git", {name: text})
    _, clock, (note,) = times(repository.parent, course)["softmax"]
    assert clock == Clock.FILE
    assert why in note


def test_a_git_that_is_a_file_or_a_link_is_not_followed(repository, course, tmp_path):
    shutil.move(repository / ".git", tmp_path / "elsewhere")
    put(repository, {".git": f"gitdir: {tmp_path / 'elsewhere'}\n"})
    assert times(repository.parent, course)["softmax"][2][0].startswith("Its .git is no folder")
    (repository / ".git").unlink()
    (repository / ".git").symlink_to(tmp_path / "elsewhere")
    assert times(repository.parent, course)["softmax"][2][0].startswith("Its .git is no folder")
    assert checkout_in(tmp_path / "nowhere") is None


def test_limits_hold(repository, course, monkeypatch):
    monkeypatch.setattr(checkouts, "COMMITS_LIMIT", 3)
    assert "longer than 3 commits" in times(repository.parent, course)["softmax"][2][0]
    monkeypatch.undo()
    monkeypatch.setattr(checkouts, "OBJECT_LIMIT", 100)
    assert "larger than a student's work" in times(repository.parent, course)["softmax"][2][0]
    monkeypatch.undo()
    data = (repository / "conv2d.py").read_bytes()
    assert isinstance(Checkout(repository / ".git", _left=300).committed(("conv2d.py",), data), Unread)


def test_a_damaged_repository_is_told_and_ends_nothing(repository):
    """Bits flipped, files cut off, in everything that is read."""
    data = (repository / "02_losses" / "softmax.py").read_bytes()
    draw = random.Random(5)
    for packed in (False, True):
        if packed:
            git(repository, "gc", "-q", "--aggressive", "--prune=now")
        files = [path for path in (repository / ".git").rglob("*") if path.is_file() and "hooks" not in path.parts]
        outcomes = []
        for _ in range(150):
            path = draw.choice(files)
            right = path.read_bytes()
            wrong = bytearray(right)
            if draw.random() < 0.3:
                del wrong[draw.randrange(len(wrong) + 1) :]
            for _ in range(draw.randrange(4)):
                if wrong:
                    wrong[draw.randrange(len(wrong))] = draw.randrange(256)
            path.chmod(0o644)
            path.write_bytes(wrong)
            outcomes.append(Checkout(repository / ".git").committed(("02_losses", "softmax.py"), data))
            path.write_bytes(right)
        assert all(not isinstance(one, Unread) or one.why.endswith(".") for one in outcomes)
        assert any(isinstance(one, Unread) for one in outcomes)
        assert any(not isinstance(one, Unread) for one in outcomes)


def test_a_pack_that_goes_round_in_circles(repository):
    """A delta to itself, by name: without an end to its depth this would never stop."""
    import struct
    import zlib

    name = bytes.fromhex("ab" * 20)
    pack = repository / ".git" / "objects" / "pack"
    pack.mkdir(exist_ok=True)
    body = zlib.compress(b"\x01\x01\x01x")
    (pack / "pack-1.pack").write_bytes(b"PACK" + struct.pack(">LL", 2, 1) + bytes([7 << 4 | 4]) + name + body)
    counts = struct.pack(">256L", *(1 if first >= 0xAB else 0 for first in range(256)))
    (pack / "pack-1.idx").write_bytes(
        b"\xfftOc\0\0\0\2" + counts + name + b"\0" * 4 + struct.pack(">L", 12) + b"\0" * 40
    )
    put(repository / ".git", {"HEAD": "ab" * 20})
    assert Checkout(repository / ".git").committed(("conv2d.py",), b"x") == Unread("Its repository is damaged.")
