"""The command line as a test runs it: in this process, in a folder of its choice, its draws kept for the session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def text(self):
        return self.out + self.err


@pytest.fixture(scope="session")
def drawn_inputs(tmp_path_factory):
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture
def dlgrade(capsys, monkeypatch, drawn_inputs):
    """Run `dlgrade` with these arguments; nothing it says may be a traceback, whatever the test is about."""
    from dlgrade.checking import trial
    from dlgrade.cli import check, main

    monkeypatch.setattr(check, "_cache", lambda: drawn_inputs)
    # How small a counterexample gets is not what these tests are about, and would be most of their time.
    monkeypatch.setattr(trial, "smallest", lambda source, fails, start, **options: start)
    monkeypatch.delenv("DLGRADE_COURSE", raising=False)

    def run(*arguments, cwd=None):
        if cwd is not None:
            monkeypatch.chdir(cwd)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        ran = Ran(ended.value.code, printed.out, printed.err)
        assert "Traceback" not in ran.text, ran.text
        assert "dlgrade itself failed" not in ran.text, ran.text
        return ran

    return run
