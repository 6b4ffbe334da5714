"""Runs mutants of a reference: each must fail a check, unless its author says why it computes the same."""

from __future__ import annotations

import functools
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from dlgrade.author import Check
from dlgrade.course.find import EQUIVALENT, read_text
from dlgrade.course.load import carried
from dlgrade.course.mutants import Mutant, mutants
from dlgrade.course.trials import Trials
from dlgrade.errors import AuthorError
from dlgrade.model import Exercise

LINES_LIMIT = 300_000
"""Lines of its own that a mutant may execute in one call before it is held to be endless."""


@dataclass(frozen=True)
class Mutation:
    """What came of an exercise's mutants: how many there are, fail a check, and compute the same by their author."""

    mutants: int
    killed: int
    equivalent: int
    faults: tuple[str, ...]


def run_mutants(exercise: Exercise, trials: Sequence[Trials]) -> Mutation:
    """Run every mutant of a reference with every trial's seed.

    Raises:
        AuthorError: if the list of equivalent mutants is not what it should be.
    """
    path = exercise.folder / exercise.file_name
    declared = {(item.before, item.after): item for item in equivalents(exercise.folder)}
    planted = mutants(exercise.source)
    killed, equivalent, needed, faults = 0, 0, set(), []
    first: list[Check] = []  # the check that killed last kills the next one too, more often than not
    for mutant in planted:
        survived = _survives(mutant, exercise, trials, first)
        if survived is None:
            killed += 1
        elif (mutant.before, mutant.after) in declared:
            equivalent += 1
            needed.add((mutant.before, mutant.after))
        else:
            faults.append(
                f"{path}:{mutant.line}: no check fails with seed {survived} where {mutant.what}:\n"
                f"    {mutant.before}\n    {mutant.after}\n"
                f"    Add a check or an input that tells them apart, or say in {EQUIVALENT} why none can."
            )
    faults += [
        f"{item.where}: no mutant that survives is this one: remove the entry, or mend it.\n"
        f"    {item.before}\n    {item.after}"
        for key, item in declared.items()
        if key not in needed
    ]
    return Mutation(len(planted), killed, equivalent, tuple(faults))


def _survives(mutant: Mutant, exercise: Exercise, trials: Sequence[Trials], first: list[Check]) -> int | None:
    """The first seed with which a mutant passes every check; None if it fails with every seed."""
    try:
        found = functions_of(mutant, exercise.name, tuple(exercise.entry_points))
        functions = {name: carried(function, exercise) for name, function in found.items()}
    except Exception:
        return None  # a module that does not even load
    for trial in trials:
        order = [*first, *(check for check in exercise.checks if check not in first)]
        killer = next((check for check in order if not trial.passes(check, functions)), None)
        if killer is None:
            return trial.seed
        first[:] = [killer]
    return None


# -- running one ------------------------------------------------------------------------------------------------------


class Endless(Exception):
    """A mutant executed more lines than any right implementation does."""


def functions_of(mutant: Mutant, module: str, names: tuple[str, ...]) -> Mapping[str, Callable[..., Any]]:
    """A mutant's entry points, each of which raises Endless where it would not come to an end.

    Raises:
        Exception: whatever its module raises when it is run.
    """
    file = f"<mutant of {module}>"
    scope: dict[str, Any] = {"__name__": module}
    exec(compile(mutant.source, file, "exec", dont_inherit=True), scope)
    return {name: _bounded(scope[name], file) for name in names}


def _bounded(function: Callable[..., Any], file: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        lines = 0

        def count(frame: FrameType, event: str, arg: Any) -> Any:
            nonlocal lines
            lines += 1
            if lines > LINES_LIMIT:
                raise Endless
            return count

        def enter(frame: FrameType, event: str, arg: Any) -> Any:
            return count if frame.f_code.co_filename == file else None

        held = sys.gettrace()
        sys.settrace(enter)
        try:
            return function(*args, **kwargs)
        finally:
            sys.settrace(held)

    return call


# -- those that compute the same ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Equivalent:
    """A mutant that computes the same, by its author's word, and why."""

    before: str
    after: str
    because: str
    where: str


def equivalents(folder: Path) -> list[Equivalent]:
    """The mutants that an exercise's author declares to be equivalent, each with the reason; none without the file.

    Raises:
        AuthorError: if the file is not what it should be.
    """
    path = folder / EQUIVALENT
    if not path.is_file():
        return []
    text = read_text(path)
    try:
        entries = tomllib.loads(text).get("mutant", [])
    except tomllib.TOMLDecodeError as error:
        raise AuthorError(f"It is not valid TOML: {error}.", where=str(path)) from error
    found = []
    for number, entry in enumerate(entries, 1):
        missing = [key for key in ("before", "after", "because") if not str(entry.get(key, "")).strip()]
        if missing:
            raise AuthorError(
                f"Entry {number} has no {missing[0]!r}.",
                where=str(path),
                mend="Each [[mutant]] says before, after and because.",
            )
        lines = [i for i, line in enumerate(text.splitlines(), 1) if line.startswith("[[mutant]]")]
        found.append(Equivalent(entry["before"], entry["after"], entry["because"], f"{path}:{lines[number - 1]}"))
    return found
