"""A small course, and what a class may hand in for it: folders, zips, notebooks."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from datetime import UTC, datetime

from dlgrade.course.find import open_course

SYLLABUS = """\
title = "Tiny"
[[unit]]
folder = "02_losses"
[[unit]]
folder = "05_convolution"
"""
EXERCISES = {
    "02_losses/softmax": ["softmax", "softmax_backward"],
    "02_losses/cross_entropy": ["cross_entropy"],
    "05_convolution/conv2d": ["conv2d"],
}
MONDAY, TUESDAY = datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC)


def tiny_course(root):
    (root / "course").mkdir(parents=True)
    (root / "course" / "course.toml").write_text(SYLLABUS, "utf-8")
    for place, entry_points in EXERCISES.items():
        folder = root / "assignments" / place
        folder.mkdir(parents=True)
        source = "".join(f"def {name}(x):\n    raise NotImplementedError\n" for name in entry_points)
        (folder / f"{folder.name}.py").write_text(source, "utf-8")
    return open_course(root)


def put(root, files, when=MONDAY):
    """Write these files below a folder, all of one time."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        os.utime(path, (when.timestamp(), when.timestamp()))
    return root


def zipped(members, *, compression=zipfile.ZIP_DEFLATED):
    """The bytes of a zip. A member is a name or a ZipInfo, with its data; they may be of one name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members:
            info = name if isinstance(name, zipfile.ZipInfo) else member(name)
            info.compress_type = compression
            archive.NameToInfo.pop(info.filename, None)  # it would warn of a second one
            archive.writestr(info, data)
    return file.getvalue()


def member(name, *, mode=stat.S_IFREG | 0o644, when=(2026, 3, 2, 13, 0, 0)):
    info = zipfile.ZipInfo("x", when)
    info.filename = name
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def code(source, **marks):
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
    if marks:
        cell["metadata"]["nbgrader"] = {
            "schema_version": 3,
            "grade": False,
            "solution": False,
            "locked": False,
            **marks,
        }
    return cell


def notebook(*cells):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}).encode()


def told(collection):
    """Who handed in what: student, exercise, attempt and the bytes."""
    return [(one.student, one.exercise, one.attempt, one.submission.source) for one in collection.submissions]
