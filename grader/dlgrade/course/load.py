"""Loads an exercise from its folder; every mistake an author can make is told with its file and line."""

from __future__ import annotations

import ast
import difflib
import functools
import hashlib
import inspect
import operator
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from dlgrade.author import NUMBERS, Agreement, Check, Example, Gradient, Misconception, Policy, Property, Timing, named
from dlgrade.bounds import finite
from dlgrade.course.find import CHECKS, HIDDEN, MISCONCEPTIONS, TIMES, VARIANTS, ExerciseFolder, read_text, read_toml
from dlgrade.course.stub import parsed, public_functions, require_regions, strip_solutions
from dlgrade.errors import AuthorError, line_in
from dlgrade.model import EntryPoint, Exercise, Tensor
from dlgrade.sandbox.wire import Foreign
from dlgrade.text import visible

_CHECKS = (Agreement, Property, Gradient, Example, Policy, Timing)


def load_exercise(folder: ExerciseFolder, *, authored: bool, hidden: bool = False) -> Exercise:
    """Load an exercise and see that it is whole.

    Args:
        folder: where it lies.
        authored: whether the folder holds the reference, with solution regions, or the released stub.
        hidden: load the hidden checks too.

    Raises:
        AuthorError: for whatever is wrong with it.
    """
    path = folder.path / folder.file_name
    source = read_text(path)
    tree = parsed(source, str(path))
    if authored:
        require_regions(source, str(path))
    entry_points = _entry_points(_executed(source, path, folder.name), tree, path)
    on_tensors = folder.framework == "torch"
    checks = [_on_arrays(check) if on_tensors else check for check in _collected(folder.path / CHECKS, folder.name)]
    secret: list[Check] = []
    if hidden and (folder.path / HIDDEN).is_file():
        secret = [_on_arrays(c) if on_tensors else c for c in _collected(folder.path / HIDDEN, folder.name)]
    exercise = Exercise(
        name=folder.name,
        unit=folder.unit,
        folder=folder.path,
        title=(ast.get_docstring(tree) or folder.name).split("\n")[0],
        framework=folder.framework,
        source=source,
        stub=strip_solutions(source, str(path)),
        entry_points=entry_points,
        checks=(*checks, *secret),
        hidden=frozenset(check.name for check in secret),
        times=_times(folder.path / TIMES, checks),
    )
    if not checks:
        raise AuthorError("The exercise has no checks.", where=str(folder.path / CHECKS))
    seen: dict[str, str] = {}
    for check in exercise.checks:
        if check.name in seen:
            raise AuthorError(
                f"Two checks are named {check.name}.", where=check.where, mend=f"The other is in {seen[check.name]}."
            )
        seen[check.name] = check.where
        _validated(check, exercise)
    return exercise


def load_misconceptions(exercise: Exercise, *, hidden: bool = True) -> list[Misconception]:
    """Load an exercise's misconceptions and see that each names what exists.

    Args:
        exercise: the exercise.
        hidden: whether its hidden checks are loaded. Without them, a misconception that none of the public checks
            catches is left out, since a hidden one may.

    Raises:
        AuthorError: for whatever is wrong with one.
    """
    members = _members(exercise.folder / MISCONCEPTIONS, exercise.name, Misconception, "misconceptions")
    found: list[Misconception] = [value for _, value in members]
    checks = {check.name: check for check in exercise.checks}
    if not hidden:
        found = [item for item in found if item.caught_by in checks]
    found = [replace(item, code=carried(item.code, exercise)) for item in found]
    for item in found:
        if item.of not in exercise.entry_points:
            raise _no_such("entry point", item.of, exercise.entry_points, item.where, f"The misconception {item.name}")
        if item.caught_by not in checks:
            raise _no_such("check", item.caught_by, checks, item.where, f"The misconception {item.name}")
        called = checks[item.caught_by].entry_points
        if called and item.of not in called:
            raise AuthorError(
                f"The misconception {item.name} is of {item.of}, which {item.caught_by} does not call.",
                where=item.where,
            )
        _same_parameters(item.code, exercise.entry_points[item.of], f"The misconception {item.name}", item.where)
        if not item.cure:
            raise AuthorError(
                f"The misconception {item.name} has no docstring, which is the cure that the student reads.",
                where=item.where,
            )
    return found


Functions: TypeAlias = Mapping[str, Callable[..., Any]]
"""An exercise's entry points, as functions of this process."""


def load_variants(exercise: Exercise) -> Mapping[str, Functions]:
    """Load the right implementations in other styles that lie beside the reference, by the names of their files.

    Raises:
        AuthorError: if one cannot be loaded or lacks an entry point.
    """
    return {
        path.stem: _functions_of(read_text(path), path, exercise)
        for path in sorted((exercise.folder / VARIANTS).glob("*.py"))
    }


def load_reference(exercise: Exercise) -> Functions:
    """Load the reference's own implementation.

    Raises:
        AuthorError: if it cannot be run.
    """
    return _functions_of(exercise.source, exercise.folder / exercise.file_name, exercise)


def _functions_of(source: str, path: Path, exercise: Exercise) -> Functions:
    """An exercise's entry points as one of its authors' own files defines them.

    Raises:
        AuthorError: if it cannot be run or lacks one.
    """
    scope = vars(_executed(source, path, exercise.name))
    for name, entry_point in exercise.entry_points.items():
        if not callable(scope.get(name)):
            raise AuthorError(f"It defines no function {name}.", where=str(path))
        _same_parameters(scope[name], entry_point, f"Its {name}", str(path))
    return {name: carried(scope[name], exercise) for name in exercise.entry_points}


# -- exercises on tensors ----------------------------------------------------------------------------------------------


def carried(function: Callable[..., Any], exercise: Exercise) -> Callable[..., Any]:
    """A function that an exercise's authors wrote, as one that takes and returns arrays."""
    if exercise.framework != "torch":
        return function
    on_arrays: Callable[..., Any] = _carrier().carried(function)
    return on_arrays


@functools.cache
def _carrier() -> Any:
    """Carries arrays to the functions on tensors that authors wrote, and back; torch is imported only for this."""
    from dlgrade.sandbox import tensors

    tensors.quieten()
    return tensors.Carrier(Foreign)


def _on_arrays(check: Check) -> Check:
    """A check of an exercise on tensors, whose oracles speak of tensors like its entry points, as one on arrays."""
    carry = _carrier().carried
    if isinstance(check, Agreement):
        return replace(check, oracle=carry(check.oracle))
    if isinstance(check, Gradient):
        oracle = None if check.oracle is None else carry(check.oracle)
        return replace(check, oracle=oracle, forward_oracle=carry(check.forward_oracle))
    return check


def _signature_on_arrays(annotation: Any) -> Any:
    """An annotation with Tensor in the place of torch.Tensor."""
    if getattr(annotation, "__module__", "") == "torch" and annotation.__name__ == "Tensor":
        return Tensor
    args = typing.get_args(annotation)
    if not args or typing.get_origin(annotation) is None:
        return annotation
    parts = tuple(_signature_on_arrays(part) for part in args)
    if isinstance(annotation, types.UnionType):
        return functools.reduce(operator.or_, parts)
    return typing.get_origin(annotation)[parts]


def read_times(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """What the authors' own versions take, by device and by check; empty without the file.

    Raises:
        AuthorError: if the file is not what it should be.
    """
    if not path.is_file():
        return {}
    again = "Delete it, and run `dlgrade selftest --timing`."
    found: dict[str, dict[str, dict[str, float]]] = read_toml(path)[0]
    for checks in found.values():
        for versions in checks.values() if isinstance(checks, dict) else [None]:
            if not isinstance(versions, dict) or None in map(finite, versions.values()):
                raise AuthorError("It does not say numbers by device and check.", where=str(path), mend=again)
    return found


def _times(path: Path, checks: Iterable[Check]) -> dict[str, dict[str, float]]:
    known = read_times(path)
    found = {c.name: known.get(c.device, {}).get(c.name, {}) for c in checks if isinstance(c, Timing)}
    # The right variants are nobody's business but the selftest's.
    return {name: {k: v for k, v in versions.items() if k == "reference" or v > versions.get("reference", 0) * 2}
            for name, versions in found.items() if versions}  # fmt: skip


def content_digest(folder: Path) -> str:
    """A digest of what an exercise's inputs depend on: its checks."""
    digest = hashlib.sha256()
    for name in (CHECKS, HIDDEN):
        if (folder / name).is_file():
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()


# -- files and modules -------------------------------------------------------------------------------------------------


def _executed(source: str, path: Path, name: str) -> types.ModuleType:
    """Run one of the authors' own files. Not through the import system: nothing is cached beside it or shared."""
    module = types.ModuleType(name)
    module.__file__ = str(path)
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
    except AuthorError:
        raise
    except (Exception, SystemExit) as error:
        line = line_in(error, str(path))
        place = f"{path}:{line}" if line else str(path)
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise AuthorError(f"Loading it raised {said}", where=place) from error
    return module


def _entry_points(module: types.ModuleType, tree: ast.Module, path: Path) -> Mapping[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for node in public_functions(tree):
        function = vars(module)[node.name]
        try:
            signature = inspect.signature(function, eval_str=True)
        except Exception as error:  # an annotation written as a string is evaluated only here
            raise AuthorError(
                f"The signature of {node.name} cannot be read: {error}.", where=f"{path}:{node.lineno}"
            ) from error
        parameters = [p.replace(annotation=_signature_on_arrays(p.annotation)) for p in signature.parameters.values()]
        signature = signature.replace(
            parameters=parameters, return_annotation=_signature_on_arrays(signature.return_annotation)
        )
        found[node.name] = EntryPoint(node.name, signature, inspect.getdoc(function) or "")
    if not found:
        raise AuthorError("It defines no function, so there is nothing to solve.", where=str(path))
    return found


def _collected(path: Path, name: str) -> list[Check]:
    """The checks of one file in its order, each under the name of its variable."""
    return [named(value, key) for key, value in _members(path, name, _CHECKS, "checks")]


def _members(path: Path, name: str, kinds: Any, what: str) -> list[tuple[str, Any]]:
    """What a file holds of these kinds, with the names that it has there, in its order.

    Raises:
        AuthorError: if one replaces another of its name, which would be lost.
    """
    source = read_text(path)
    tree = parsed(source, str(path))
    found = [
        (key, value)
        for key, value in vars(_executed(source, path, f"{name}_{path.stem}")).items()
        if isinstance(value, kinds)
    ]
    names = dict(found)
    seen: set[str] = set()
    for node in tree.body:
        bound = [node.name] if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.Assign):
            bound = [target.id for target in node.targets if isinstance(target, ast.Name)]
        for one in bound:
            if one in seen and one in names:
                raise AuthorError(f"Two {what} are named {one}.", where=f"{path}:{node.lineno}")
            seen.add(one)
    return found


# -- what authors get wrong --------------------------------------------------------------------------------------------


def _no_such(kind: str, name: str, known: Iterable[str], where: str, who: str) -> AuthorError:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
    return AuthorError(f"{who} names the {kind} {name!r}, which does not exist.", where=where, mend=mend)


def _validated(check: Check, exercise: Exercise) -> None:
    who = f"The check {check.name}"
    for key, bounds in NUMBERS.items():
        if hasattr(check, key) and not bounds.hold(getattr(check, key)):
            what = f"{who} has {key}={visible(repr(getattr(check, key)), limit=80)}."
            raise AuthorError(what, where=check.where, mend=f"It is {bounds}.")
    if isinstance(check, Property):
        _validated_law(check, who)
    for name in check.entry_points:
        if name not in exercise.entry_points:
            raise _no_such("entry point", name, exercise.entry_points, check.where, who)
    if isinstance(check, (Agreement, Gradient)):
        _gives_arguments(check, exercise.entry_points[check.entry_point], who)
    if isinstance(check, Agreement):
        _same_parameters(check.oracle, exercise.entry_points[check.entry_point], f"{who}: its oracle", check.where)
    if isinstance(check, Gradient):
        _validated_gradient(check, exercise, who)


def _validated_law(check: Property, who: str) -> None:
    handle: Any = getattr(check.law, "hypothesis", None)
    if handle is None:
        raise AuthorError(f"{who} is no Hypothesis test.", where=check.where, mend="Put @given(…) under @check(…).")
    if not check.says:
        raise AuthorError(f"{who} has no docstring, whose first line is what the student reads.", where=check.where)
    arguments = inspect.signature(handle.inner_test).parameters
    for name, strategy in handle._given_kwargs.items():
        if name not in arguments:
            raise _no_such("argument", name, arguments, check.where, f"{who}, in @given,")
        if repr(strategy) == "data()":
            raise AuthorError(
                f"{who} draws inside its body, with st.data().",
                where=check.where,
                mend="What is drawn is kept and replayed, so draw it through @given: st.composite makes one of many.",
            )
    if not check.entry_points:
        raise AuthorError(
            f"{who} calls nothing of the student's.", where=check.where, mend="Name an entry point as its argument."
        )


def _gives_arguments(check: Agreement | Gradient, entry_point: EntryPoint, who: str) -> None:
    """See that what a check gives are the entry point's arguments, as far as that shows before drawing."""
    given = [check.given] if isinstance(check.given, Mapping) else []
    parameters = entry_point.signature.parameters
    for arguments in (*given, *check.cases):
        for name in arguments:
            if name not in parameters:
                raise _no_such("argument", name, parameters, check.where, who)
        for parameter in parameters.values():
            if parameter.default is parameter.empty and parameter.name not in arguments:
                raise AuthorError(
                    f"{who} does not give {entry_point.name}'s argument {parameter.name!r}.", where=check.where
                )


def _same_parameters(function: Any, entry_point: EntryPoint, who: str, where: str) -> None:
    """See that a function can be called with the entry point's arguments by name."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return
    if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in entry_point.signature.parameters:
        if name not in parameters:
            raise AuthorError(f"{who} has no parameter {name!r}, which {entry_point.name} has.", where=where)


def _validated_gradient(check: Gradient, exercise: Exercise, who: str) -> None:
    forward = exercise.entry_points[check.entry_point]
    for name in check.tensors:
        if name not in forward.signature.parameters:
            raise _no_such("argument", name, forward.signature.parameters, check.where, f"{who}, in wrt,")
    _same_parameters(check.forward_oracle, forward, f"{who}: its forward oracle", check.where)
    if not check.backward:
        if exercise.framework != "torch":
            raise AuthorError(
                f"{who} names no backward, and there is no autograd in {exercise.framework}.", where=check.where
            )
        return
    if check.oracle is None:
        raise AuthorError(f"{who} has no oracle for {check.backward}.", where=check.where)
    backward = exercise.entry_points[check.backward]
    known = {*forward.signature.parameters, *check.cotangents, *check.outputs}
    for parameter in backward.signature.parameters.values():
        if parameter.name not in known and parameter.default is parameter.empty:
            raise AuthorError(
                f"{who} does not say where {check.backward}'s argument {parameter.name!r} comes from.",
                where=check.where,
                mend=f"It is no argument of {check.entry_point}: list it in cotangents or outputs.",
            )
    _same_parameters(check.oracle, backward, f"{who}: its oracle", check.where)
