"""What a source is compared by: its sequences of tokens, and its program; read in a throw-away process, never run here.

A program is the tokens of the code: comments, docstrings, layout and the annotations of functions are left out, since a
copy loses or gains them first and they change nothing.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlgrade.errors import GraderError
from dlgrade.gradebook.lexing import TOKENS_LIMIT, Tokens

WORDS, STRUCTURE = 5, 8
"""Tokens in a sequence: fewer happen by chance, more leave nothing of a line that was changed."""
_TOGETHER = 50
"""Sources that one process reads."""
_SECONDS, _ALONE_SECONDS = 20, 3
_LEXER = Path(__file__).with_name("lexing.py")

Span = tuple[int, int]
Grams = dict[tuple[str, ...], list[Span]]
"""Each sequence of tokens, with where it is."""
Program = tuple[str, ...]
Comments = tuple[str, ...]
"""Word for word; docstrings are among them."""


class Kind(enum.StrEnum):
    """Where a source comes from."""

    STUDENT = "student"
    PAST = "past"
    COURSE = "course"
    """The reference, or a right variant beside it."""


Author = tuple[Kind, str]
"""Who has the same name in another year may be somebody else."""


@dataclass(frozen=True)
class Source:
    """Something that may have been copied, or be a copy.

    `owner` is who wrote it, or what it is; `sha256` that of its bytes.
    """

    kind: Kind
    owner: str
    label: str
    text: str
    sha256: str

    @property
    def author(self) -> Author:
        """Whose it is."""
        return self.kind, self.owner


@dataclass(frozen=True)
class Prints:
    """A source's fingerprints: `words` as they are, `structure` without the names that its author chose."""

    source: Source
    words: Grams
    structure: Grams
    program: Program
    comments: Comments

    def without(self, stub: Prints) -> Prints:
        """What remains if the sequences that the stub has are left out; program and comments are whole."""
        words, structure = (
            {gram: spans for gram, spans in its.items() if gram not in stubs}
            for its, stubs in ((self.words, stub.words), (self.structure, stub.structure))
        )
        return dataclasses.replace(self, words=words, structure=structure)


def comparable(one: Source, other: Source) -> bool:
    """Whether it would say anything that the two are alike."""
    if Kind.STUDENT not in (one.kind, other.kind):
        return False
    # Whoever takes the course again may hand in the same.
    return one.owner != other.owner or Kind.COURSE in (one.kind, other.kind)


def fingerprints(sources: Sequence[Source], known: Sequence[str]) -> list[Prints | tuple[str, str]]:
    """The fingerprints of each source, or its label and why it has none.

    Args:
        sources: whatever is compared.
        known: names that no author of theirs chose.

    Raises:
        GraderError: no process that reads sources can be started.
    """
    found: list[Prints | tuple[str, str]] = []
    for start in range(0, len(sources), _TOGETHER):
        some = sources[start : start + _TOGETHER]
        read = _read([one.text for one in some], known, _SECONDS)
        for place, one in enumerate(some):
            # One that no process can read takes only itself along.
            tokens = read[place : place + 1] if read is not None else _read([one.text], known, _ALONE_SECONDS)
            if tokens is None:
                found.append((one.label, "Its tokens could not be read within the limits."))
            else:
                ((words, structure),) = tokens
                program, comments = _program(one.text, words, structure)
                found.append(Prints(one, _grams(words, WORDS), _grams(structure, STRUCTURE), program, comments))
    return found


def _read(texts: Sequence[str], known: Sequence[str], seconds: int) -> list[tuple[Tokens, Tokens]] | None:
    command = [sys.executable, "-s", "-P", "-B", str(_LEXER), str(seconds)]
    windows = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}
    try:
        ran = subprocess.run(
            command,
            input=json.dumps({"known": known, "sources": texts}).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONUTF8": "1", **windows},
            timeout=3 * seconds,
        )
        if ran.returncode:
            return None
        found = json.loads(ran.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    except OSError as error:
        raise GraderError(f"A process that reads sources could not be started: {error.strerror}.") from error
    return found if isinstance(found, list) and len(found) == len(texts) else None


def _grams(tokens: Tokens, size: int) -> Grams:
    grams: Grams = {}
    texts = [token[2] for token in tokens]
    for place in range(len(tokens) - size + 1):
        span = (tokens[place][0], tokens[place + size - 1][1])
        grams.setdefault(tuple(texts[place : place + size]), []).append(span)
    return grams


def _program(text: str, words: Tokens, structure: Tokens) -> tuple[Program, Comments]:
    program = tuple(_without_annotations(text[start:end] for start, end, _ in structure))
    if len(words) >= TOKENS_LIMIT:
        # What comes after the limit was not read, so two are the same only if it is, byte for byte.
        program += (text[words[-1][1] :],)
    code = {start for start, *_ in structure}
    return program, tuple(word for start, _, word in words if start not in code)


def _without_annotations(tokens: Iterable[str]) -> Iterator[str]:
    part, depth = "", 0  # of a signature, and in how many brackets
    for token in tokens:
        if token == "def":
            part, depth = "name", 0
        elif part:
            depth += (token in ("(", "[", "{")) - (token in (")", "]", "}"))
            if depth == 0 and token == ":":
                part = ""
            elif depth == 0 and token == "-":
                part = "result"
            elif part != "result" and ((depth == 1 and token in (",", "=")) or (depth == 0 and token in (")", "]"))):
                part = "default" if token == "=" else "name"
            elif part == "name" and depth == 1 and token == ":":
                part = "annotation"
        if part not in ("annotation", "result"):
            yield token
