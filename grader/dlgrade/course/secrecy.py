"""What of a course stays with its authors, and whether any of it stands in what is about to be released.

A line of a solution region is a secret unless it also stands in a stub, in public checks or in a misconception: there
its author has published it. A line that says little, such as `return result`, is nobody's secret. Of hidden.py, the
lines are secrets by the same rule, and so are the names of its checks. So is a marker of a solution region.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlgrade.course.find import CHECKS, HIDDEN, MISCONCEPTIONS, Course, ExerciseFolder, read_text
from dlgrade.course.stub import BEGIN, END, parsed, regions
from dlgrade.errors import AuthorError

_SHORT = 16
"""A line of fewer characters says too little to be recognised."""
_WORD = re.compile(r"[^\W\d]\w*")
_EVERYDAY = re.compile(r"(?:import|from)\s|(?:for|if|elif|while|return|else|try|with)\b[\w\s.,:()]*$|\"\"\"")
"""Lines that many programs have."""


@dataclass(frozen=True)
class Leak:
    """A secret in a file that is about to be released."""

    path: Path
    secret: str
    of: Path


def require_secrecy(course: Course, files: Mapping[Path, bytes]) -> None:
    """See that nothing private stands in what is released of a course: these files' bytes, by their paths.

    Raises:
        AuthorError: at the first secret; says how many there are.
    """
    found = leaks(course, files)
    if found:
        first = found[0]
        more = f" It is one of {len(found)}." if len(found) > 1 else ""
        raise AuthorError(
            f"{first.path.as_posix()} would give away {first.secret!r}.{more}",
            where=str(first.of),
            mend="Say it in other words there, or let it stand in the stub or the public checks if it is no secret.",
        )


def leaks(course: Course, files: Mapping[Path, bytes]) -> list[Leak]:
    """Every secret of a course that stands in these files."""
    public = "\n".join(_public(folder) for folder in course.exercises)
    lines: dict[str, Path] = {}
    names: dict[str, Path] = {}
    for folder in course.exercises:
        for secret, path in _lines(folder):
            if secret in (BEGIN, END) or (_tells(secret) and secret not in public):
                lines.setdefault(secret, path)
        for name in hidden_names(folder):
            # A name of one word may stand in any sentence.
            if "_" in name.strip("_"):
                names.setdefault(name, folder.path / HIDDEN)
    found = []
    for path, data in sorted(files.items()):
        text = _text(path, data)
        words = set(_WORD.findall(text))
        found += [Leak(path, name, of) for name, of in names.items() if name in words]
        found += [Leak(path, line, of) for line, of in lines.items() if line in text]
    return found


@dataclass(frozen=True)
class Published:
    """A line of a solution that its author has published in checks.py; the lines of both files, and what they say."""

    line: int
    there: int
    text: str


def published(folder: ExerciseFolder) -> list[Published]:
    """The lines of an exercise's solution that students get in its public checks, and nowhere in the stub."""
    path = folder.path / folder.file_name
    checks, stub = read_text(folder.path / CHECKS).splitlines(), "\n".join(_around_solutions(folder))
    lines = read_text(path).splitlines()
    found = []
    for region in regions("\n".join(lines), str(path)):
        for number in range(region.first, region.last + 1):
            text = lines[number - 1].strip()
            there = next((at for at, line in enumerate(checks, 1) if text in line), None)
            if there is not None and _tells(text) and text not in stub:
                found.append(Published(number, there, text))
    return found


def hidden_names(folder: ExerciseFolder) -> frozenset[str]:
    """What the checks in hidden.py are called, as far as its text tells."""
    path = folder.path / HIDDEN
    if not path.is_file():
        return frozenset()
    return frozenset(_checks(parsed(read_text(path), str(path))))


def _checks(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.decorator_list:
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = ast.unparse(node.value.func).rpartition(".")[2]
            if called[:1].isupper():
                yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _public(folder: ExerciseFolder) -> str:
    """What an exercise's authors have published: the reference around its solutions, checks and misconceptions."""
    files = (read_text(folder.path / name) for name in (CHECKS, MISCONCEPTIONS))
    return "\n".join([*_around_solutions(folder), *files])


def _around_solutions(folder: ExerciseFolder) -> list[str]:
    """The lines of the reference, those of its solutions empty."""
    path = folder.path / folder.file_name
    source = read_text(path)
    lines = source.splitlines()
    for region in regions(source, str(path)):
        lines[region.first - 1 : region.last] = [""] * (region.last - region.first + 1)
    return lines


def _lines(folder: ExerciseFolder) -> Iterator[tuple[str, Path]]:
    path = folder.path / folder.file_name
    source = read_text(path)
    lines = source.splitlines()
    for region in regions(source, str(path)):
        yield from ((line.strip(), path) for line in lines[region.first - 1 : region.last])
    hidden = folder.path / HIDDEN
    if hidden.is_file():
        yield from ((line.strip(), hidden) for line in read_text(hidden).splitlines())


def _tells(line: str) -> bool:
    return len(line) >= _SHORT and len(_WORD.findall(line)) > 1 and not _EVERYDAY.match(line)


def _text(path: Path, data: bytes) -> str:
    """A file's text; of a notebook, its cells'."""
    text = data.decode("utf-8", "replace")
    if path.suffix != ".ipynb":
        return text
    sources = [cell.get("source", "") for cell in json.loads(text)["cells"]]
    return "\n".join("".join(source) for source in sources)
