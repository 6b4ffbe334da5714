"""A thousand damaged submissions, made from a seed: each gets a verdict with a sentence, or is listed with a reason.

None is lost, none ends in a traceback, none is a zero that says nothing.

Run: nice -n 15 python tests/bench/damaged.py [--number 1000] [--seed 1] [--isolation auto] [-j 2] [--collect-only]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from dlgrade.course.find import find_root, open_course
from dlgrade.gradebook.collect import collect
from dlgrade.gradebook.store import Gradebook

EXERCISE = Path("02_losses") / "softmax"
SYLLABUS = 'title = "Softmax"\n[[unit]]\nfolder = "02_losses"\n'
Files = dict[str, bytes]


def main() -> int:
    """Print a line for each kind of damage; 1 if anything was lost or said nothing."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--number", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--isolation", default="auto")
    options.add_argument("-j", dest="jobs", default="2")
    options.add_argument("--collect-only", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="damaged-") as folder:
        base = Path(folder)
        root = course_at(base / "root")
        kinds = made(base / "class", given.number, given.seed)
        begun = time.perf_counter()
        listed = passed_over(base / "class", root)
        print(f"{len(kinds)} submissions; collected in {time.perf_counter() - begun:.1f} s")
        verdicts = {} if given.collect_only else graded(base, root, given)
    return int(table(kinds, listed, verdicts, given.collect_only) > 0)


def course_at(root: Path) -> Path:
    """A course of softmax alone."""
    (root / "course").mkdir(parents=True)
    (root / "course" / "course.toml").write_text(SYLLABUS)
    shutil.copytree(find_root() / "solutions" / EXERCISE, root / "solutions" / EXERCISE)
    return root


# -- damage ------------------------------------------------------------------------------------------------------------


def _module(draw: random.Random) -> bytes:
    source = (find_root() / "solutions" / EXERCISE / "softmax.py").read_bytes()
    return source + b"# %d\n" % draw.getrandbits(64)


def _notebook(draw: random.Random) -> bytes:
    cells = [
        {"cell_type": "markdown", "source": ["# Softmax"], "metadata": {}},
        {
            "cell_type": "code",
            "source": _module(draw).decode().splitlines(keepends=True),
            "metadata": {"nbgrader": {"grade_id": "softmax", "solution": True, "grade": False, "locked": False,
                                      "schema_version": 3}},
            "outputs": [],
            "execution_count": None,
        },
    ]  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}, indent=1).encode()


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def _whole(draw: random.Random) -> tuple[str, bytes]:
    """What a student hands in, before it is damaged."""
    return draw.choice(
        [
            ("{s}/softmax.py", _module(draw)),
            ("{s}/softmax.ipynb", _notebook(draw)),
            ("{s}.zip", _zip({"softmax.py": _module(draw)})),
        ]
    )


def _truncated(draw: random.Random) -> Files:
    name, data = _whole(draw)
    return {name: data[: draw.randrange(len(data))]}


def _flipped(draw: random.Random) -> Files:
    name, data = _whole(draw)
    wrong = bytearray(data)
    for _ in range(draw.choice([1, 2, 8, 64])):
        wrong[draw.randrange(len(wrong))] ^= 1 << draw.randrange(8)
    return {name: bytes(wrong)}


def _renamed(draw: random.Random) -> Files:
    _, data = _whole(draw)
    names = [
        *("sofmax.py", "softmax", "softmax.py.txt", "SOFTMAX.PY", "softmax (1).py", "softmax.py.zip", "softmax.zip"),
        *("softmax.rar", "softmax.tar.gz", "softmax.docx", ".softmax.py", "softmax\u202eyp.py", "soft max.py"),
        *(
            "=softmax.py",
            "softmax.ipynb",
            "softmax.IPYNB",
            "solution.ipynb",
            "con.py",
            "sof\x1b[2Jtmax.py",
            "softmax\n.py",
        ),
    ]
    return {f"{{s}}/{draw.choice(names)}": data}


def _bomb(draw: random.Random) -> Files:
    zeros = bytes(draw.choice([3, 30]) << 20)
    packed = _zip({"softmax.py": zeros})
    kind = draw.randrange(5)
    if kind == 0:
        return {"{s}.zip": packed}
    if kind == 1:
        return {"{s}.zip": _zip({"a.zip": packed, "b.zip": _zip({"c.zip": packed})})}
    if kind == 2:
        return {"{s}.zip": _zip({f"{n}/softmax.py": b"x" * 900_000 for n in range(700)})}
    if kind == 3:  # it claims to be small
        at = packed.rindex(b"PK\x01\x02")
        return {"{s}.zip": packed[: at + 24] + (100).to_bytes(4, "little") + packed[at + 28 :]}
    return {"{s}/softmax.py": b"x = " + b"9" * 2_000_000}


def _encoded(draw: random.Random) -> Files:
    name = draw.choice(["{s}/softmax.py", "{s}/softmax.ipynb"])
    text = (_module if name.endswith("py") else _notebook)(draw).decode()
    text = text.replace("Softmax", "Sóftmax — Wörter 名")
    codec = draw.choice(
        ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift_jis", "gb18030", "utf-7", "koi8-r"]
    )
    data = text.encode(codec, "replace")
    if draw.random() < 0.3:
        data = f"# -*- coding: {draw.choice([codec, 'none-such', 'rot13', 'hex', 'idna'])} -*-\n".encode() + data
    return {name: data if draw.random() < 0.8 else draw.randbytes(len(data))}


def _broken_json(draw: random.Random) -> Files:
    text = _notebook(draw).decode()
    kind = draw.randrange(6)
    if kind == 0:
        text = text[: draw.randrange(len(text))]
    elif kind == 1:
        at = draw.randrange(len(text))
        text = text[:at] + draw.choice("{}[],:\"'\\\n0") + text[at:]
    elif kind == 2:
        text = text.replace('"cells"', draw.choice(['"cell"', '"cells": 3, "x"', '"cells": null, "x"']), 1)
    elif kind == 3:
        text = text.replace('"source": [', draw.choice(['"source": [[', '"source": [3, ', '"source": {"a": [']), 1)
    elif kind == 4:
        depth = draw.choice([500, 5000, 500_000])
        text = text.replace('"metadata": {}', f'"metadata": {"[" * depth}{"]" * depth}', 1)
    else:
        text = text.replace('"cell_type": "code"', '"cell_type": ' + draw.choice(['"cod"', "1", "null", '"CODE"']), 1)
    return {"{s}/softmax.ipynb": text.encode()}


def _nested(draw: random.Random) -> Files:
    depth = draw.choice([80, 500, 5000, 100_000])
    opening = draw.choice(["(", "[", "{1:", "not ", "-", "lambda:", "f(", "x if x else ", "'' ''", "~"])
    blocks = "".join(f"{' ' * n}if 1:\n" for n in range(min(depth, 300)))
    body = draw.choice([f"x = {opening * depth}1\n", blocks, f"x = 1{'+1' * depth}\n", f"x{'.x' * depth}\n"])
    return {"{s}/softmax.py": _module(draw) + body.encode()}


def _nulls(draw: random.Random) -> Files:
    data = bytearray(_module(draw))
    for _ in range(draw.choice([1, 10, 1000])):
        data.insert(draw.randrange(len(data) + 1), 0)
    return {"{s}/softmax.py": bytes(data) if draw.random() < 0.9 else bytes(len(data))}


def _enormous_name(draw: random.Random) -> Files:
    long = draw.choice(["x", "名", "e\u0301", "\u3164"]) * 60
    kind = draw.randrange(4)
    if kind == 0:
        return {f"{{s}}{long}/softmax.py": _module(draw)}
    if kind == 1:
        return {f"{{s}}/{long}/softmax.py": _module(draw)}
    if kind == 2:
        return {"{s}.zip": _zip({f"{long * draw.choice([1, 10, 500])}/softmax.py"[-21_000:]: _module(draw)})}
    return {f"{{s}}/{'/'.join([long] * 12)}/softmax.py": _module(draw)}


def _linked(draw: random.Random) -> Files:
    targets = ["softmax.py", "..", ".", "/dev/zero", "/etc/passwd", "nowhere", "a", "/proc/self/mem"]
    return {f"{{s}}/{draw.choice(['softmax.py', 'a', 'softmax.ipynb'])}@link": draw.choice(targets).encode()}


def _spoiled_stream(draw: random.Random) -> Files:
    """A zip whose members are not what they claim to be."""
    data = bytearray(_zip({"softmax.py": _module(draw)}))
    kind = draw.randrange(4)
    if kind == 0:  # encrypted, it says
        for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            data[data.index(magic) + at] |= 1
    elif kind == 1:  # by a method that there is none of
        data[data.index(b"PK\x01\x02") + 10] = draw.choice([1, 6, 12, 14, 97])
    elif kind == 2:  # with another checksum
        data[data.index(b"PK\x01\x02") + 16] ^= 0xFF
    else:
        junk = zlib.compress(draw.randbytes(1000))
        data = bytearray(data[:60]) + junk + data[60 + len(junk) :]
    return {"{s}.zip": bytes(data)}


KINDS: dict[str, Callable[[random.Random], Files]] = {
    "truncated": _truncated,
    "bits flipped": _flipped,
    "renamed": _renamed,
    "bombs": _bomb,
    "wrong encodings": _encoded,
    "notebooks of broken JSON": _broken_json,
    "deep nesting": _nested,
    "null bytes": _nulls,
    "enormous names": _enormous_name,
    "links, in circles too": _linked,
    "spoiled zips": _spoiled_stream,
}


def made(to: Path, number: int, seed: int) -> dict[str, str]:
    """Write the submissions; the kind of damage by student."""
    draw = random.Random(seed)
    kinds = {}
    for index in range(number):
        kind = list(KINDS)[index % len(KINDS)]
        student = f"s{index:04}s"
        kinds[student] = kind
        for name, data in KINDS[kind](draw).items():
            path = to / name.replace("{s}", student)
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("@link"):
                path.with_name(path.name.removesuffix("@link")).symlink_to(os.fsdecode(data))
            else:
                path.write_bytes(data)
    return kinds


# -- what becomes of it ------------------------------------------------------------------------------------------------


def passed_over(folder: Path, root: Path) -> dict[str, list[str]]:
    """Why, by student."""
    listed: dict[str, list[str]] = {}
    for one in collect([folder], open_course(root)).passed_over:
        student = Path(one.path).relative_to(folder).parts[0][:6]
        listed.setdefault(student, []).append(one.why)
    return listed


def graded(base: Path, root: Path, given: argparse.Namespace) -> dict[str, tuple[str, float, bool]]:
    """Verdict, points and whether every failed check says something, by student."""
    command = [sys.executable, "-m", "dlgrade", "--course", str(root), "grade", str(base / "class")]
    begun = time.perf_counter()
    ran = subprocess.run(
        [*command, "--out", str(base / "out"), "-j", given.jobs, "--isolation", given.isolation, "--seed", "7"],
        capture_output=True,
        text=True,
    )
    print(f"graded in {time.perf_counter() - begun:.1f} s; exit {ran.returncode}; load {os.getloadavg()[0]:.1f}")
    if ran.returncode or "Traceback" in ran.stderr:
        print(ran.stderr)
    found = {}
    with Gradebook.open(base / "out") as book:
        for one in book.records():
            report = json.loads(one.text)
            lost = [check for check in report["checks"] if check["points"] < check["max_points"]]
            told = all((check["evidence"] or {}).get("message") for check in lost)
            found[one.student[:6]] = (one.verdict.value, one.points, told)
    return found


def table(
    kinds: dict[str, str], listed: dict[str, list[str]], verdicts: dict[str, tuple[str, float, bool]], unknown: bool
) -> int:
    """Print what became of each kind; how many were lost, or are a zero that says nothing."""
    print(f"{'damage':<26}{'made':>6}{'passed':>8}{'failed':>8}{'broken':>8}{'listed':>8}{'silent':>8}{'lost':>6}")
    rows = {kind: Counter() for kind in KINDS}
    bad = 0
    for student, kind in kinds.items():
        row = rows[kind]
        row["made"] += 1
        if student in verdicts:
            verdict, _, told = verdicts[student]
            row[verdict] += 1
            row["silent"] += not told
            bad += not told or verdict == "broken"
        elif student in listed:
            row["listed"] += 1
            row["silent"] += not all(why.endswith(".") for why in listed[student])
        elif not unknown:
            row["lost"] += 1
            bad += 1
            print(f"lost: {student}")
    total: Counter[str] = sum(rows.values(), Counter())
    for kind, row in [*rows.items(), ("all", total)]:
        print(f"{kind:<26}" + "".join(
            f"{row[name]:>{width}}" for name, width in
            (("made", 6), ("passed", 8), ("failed", 8), ("broken", 8), ("listed", 8), ("silent", 8), ("lost", 6))
        ))  # fmt: skip
    return bad


if __name__ == "__main__":
    sys.exit(main())
