"""Derives a stub from a reference: each solution region becomes `raise NotImplementedError`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from dlgrade.errors import AuthorError

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"


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
    for node in public_functions(ast.parse(source)):
        inside = [r for r in found if node.lineno < r.first and r.last <= (node.end_lineno or node.lineno) + 1]
        if not inside:
            raise AuthorError(
                f"The entry point {node.name} has no solution region, so its solution would be released.",
                where=f"{where}:{node.lineno}",
                mend=f"Put its body between {BEGIN!r} and {END!r}.",
            )
