"""Derives a stub from a reference: each solution region becomes `raise NotImplementedError`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dlgrade.errors import AuthorError

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
# What is meant for a marker but is not one would leave a solution in the stub.
_ALMOST = re.compile(r"#+\s*(begin|end)\b[ _-]*(the )?(ref\w* )?solutions?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Region:
    """The lines of one solution, its markers included; counted from 1."""

    first: int
    last: int
    indent: str


def regions(source: str, where: str) -> list[Region]:
    """The solution regions of a reference.

    Raises:
        AuthorError: if a marker has no partner.
    """
    found: list[Region] = []
    begin: tuple[int, str] | None = None
    for number, line in enumerate(source.splitlines(), 1):
        text = line.strip()
        if text == BEGIN:
            if begin is not None:
                raise AuthorError("A solution region begins inside another.", where=f"{where}:{number}")
            begin = (number, line[: len(line) - len(line.lstrip())])
        elif text == END:
            if begin is None:
                raise AuthorError(f"{END!r} has no {BEGIN!r} before it.", where=f"{where}:{number}")
            found.append(Region(begin[0], number, begin[1]))
            begin = None
        elif _ALMOST.search(text):
            raise AuthorError(
                f"{text!r} is almost a marker of a solution region, but not one.",
                where=f"{where}:{number}",
                mend=f"Write {BEGIN!r} and {END!r}, each alone on its line.",
            )
    if begin is not None:
        raise AuthorError(f"{BEGIN!r} has no {END!r} after it.", where=f"{where}:{begin[0]}")
    return found


def strip_solutions(source: str, where: str) -> str:
    """The stub of a reference. A region that is not indented, such as a helper function, is left out entirely."""
    lines = source.splitlines(keepends=True)
    for region in reversed(regions(source, where)):
        replacement = [f"{region.indent}raise NotImplementedError\n"] if region.indent else []
        lines[region.first - 1 : region.last] = replacement
    return "".join(lines)


def parsed(source: str, where: str) -> ast.Module:
    """The syntax tree of one of the authors' files.

    Raises:
        AuthorError: at its syntax error.
    """
    try:
        return ast.parse(source, where)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise AuthorError(f"Syntax error: {getattr(error, 'msg', error)}.", where=f"{where}:{line}") from error


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The functions that a module's top level defines and that do not begin with an underscore: the entry points."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def require_regions(source: str, where: str) -> None:
    """See that every entry point of a reference has a solution region in it.

    Raises:
        AuthorError: at the function that has none.
    """
    found = regions(source, where)
    for node in public_functions(parsed(source, where)):
        if not any(node.lineno < region.first <= (node.end_lineno or node.lineno) for region in found):
            raise AuthorError(
                f"The entry point {node.name} has no solution region, so its solution would be released.",
                where=f"{where}:{node.lineno}",
                mend=f"Put its body between {BEGIN!r} and {END!r}.",
            )
