"""A student's folder, and the way from a file in it to what the command says."""

from __future__ import annotations

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The student's folder, which is also where the command is run."""
    path = tmp_path / "mine"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def submit(folder, dlgrade):
    """Check this softmax.py; what the command said, once it is known that the file is still what it was."""

    def submit(source, *options):
        data = source.encode() if isinstance(source, str) else source
        (folder / "softmax.py").write_bytes(data)
        ran = dlgrade("check", "softmax", *options)
        assert (folder / "softmax.py").read_bytes() == data
        assert sorted(p.name for p in folder.iterdir()) == ["softmax.py"], "a check leaves nothing behind"
        assert "\x1b" not in ran.text
        return ran

    return submit
