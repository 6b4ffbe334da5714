"""A submission on its way through an exercise's checks: what every kind of check uses."""

from __future__ import annotations

import difflib
import enum
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from dlgrade.author import Check
from dlgrade.checking.compare import as_declared, structure_problem
from dlgrade.checking.inputs import SHRINK_TRIES, Arguments, Drawer, seed_of, smallest, source_of
from dlgrade.checking.literal import call_text
from dlgrade.errors import line_in
from dlgrade.model import NOT_STARTED, EntryPoint, Evidence, Exercise, Outcome
from dlgrade.sandbox import wire
from dlgrade.sandbox.calls import Call, Loaded, Parameter, Raised, Reply, Returned, Stopped, Target, same_argument
from dlgrade.sandbox.measure import MEASURES

SHRINK_TRIES_IN_ALL = 1000
"""How many inputs may be tried for the counterexamples of one submission together: one mistake may fail many checks,
and who waits for twenty small counterexamples reads the first."""
LEAST_TRIES = 60
"""How many each may take besides."""


@dataclass(frozen=True)
class Finding:
    """What one check found, before it is worth points.

    `failing` and `fresh` are calls for the diagnosis: those of the counterexample, and others of the same check.
    `place` is the line of the check's own file in which it stopped, for its author.
    """

    outcome: Outcome
    evidence: Evidence | None = None
    failing: tuple[Call, ...] = ()
    fresh: tuple[Call, ...] = ()
    place: str = ""


PASSED = Finding(Outcome.PASSED)


def broken(name: str, error: Exception, *, rung: str, call: str = "", place: str = "") -> Finding:
    """The finding that a check stumbled by itself: loud, and nobody's zero.

    Args:
        name: the check's.
        error: over what it stumbled.
        rung: where.
        call: what was asked, if that is known.
        place: the line of the author's file, if it was one of them.
    """
    said = f"{type(error).__name__}: {error}"
    message = f"The check {name} failed by itself ({said}). This is not your mistake; please report it."
    return Finding(Outcome.BROKEN, Evidence(message, rung=rung, call=call), place=place)


def place_of(error: BaseException, check: Check) -> str:
    """The line of a check's file in which an exception arose; empty if it was none of them."""
    path = check.where.rpartition(":")[0]
    line = line_in(error, path)
    return f"{path}:{line}" if line else ""


_NO_MEMORY = "DefaultCPUAllocator: can't allocate memory"
"""What torch says on the CPU, by a plain RuntimeError."""


class Part(enum.Enum):
    """Which inputs of a check are tried: those of every run, or those that are drawn from its seed, or all."""

    ALL = enum.auto()
    ALWAYS = enum.auto()
    DRAWN = enum.auto()


@dataclass
class Trial:
    """What a check runs with.

    Args:
        exercise: the exercise.
        target: the submission, or trusted code in its place.
        drawer: where inputs come from.
        seed: the run's seed.
        content: a digest of the exercise's files.
        explain: make counterexamples small; without, a verdict comes sooner.
    """

    exercise: Exercise
    target: Target
    drawer: Drawer
    seed: int
    content: str
    explain: bool = True
    agreed: dict[str, bool] = field(default_factory=dict)
    """Which agreement checks were passed, of those that were run so far."""
    tries: int = SHRINK_TRIES_IN_ALL
    """How many inputs may still be tried to make counterexamples small."""
    defined: dict[str, Loaded] = field(default_factory=dict)
    """The entry points that can be called as they are declared, by what the target said when it was loaded."""
    part: Part = Part.ALL
    """Which inputs are tried."""

    def inputs(self, check: Any) -> list[Arguments]:
        """The inputs of a check in this trial."""
        found = self.drawer.inputs(check, content=self.content, seed=self.seed)
        if self.part is Part.ALL:
            return found
        always = len(source_of(check).always)
        return found[:always] if self.part is Part.ALWAYS else found[always:]

    def smallest(self, check: Any, fails: Callable[[Arguments], bool], start: Arguments) -> Arguments:
        """The smallest input that fails in the same way as `start`; `start` itself where nothing is explained."""
        if not self.explain:
            return start
        tried = 0

        def counted(arguments: Arguments) -> bool:
            nonlocal tried
            tried += 1
            return fails(arguments)

        tries = min(SHRINK_TRIES, max(LEAST_TRIES, self.tries))
        found = smallest(source_of(check), counted, start, seed=seed_of(check, self.seed), tries=tries)
        self.tries -= tried
        return found

    def entry_point(self, name: str) -> EntryPoint:
        """The entry point of that name."""
        return self.exercise.entry_points[name]

    def call(self, call: Call) -> Reply:
        """Make one call."""
        return self.target.call_many([call])[0]


# -- what a reply means when it is no result ---------------------------------------------------------------------------


def failure_of(reply: Raised | Stopped, call: Call | None = None) -> Finding:
    """The finding for a reply that is no result."""
    text = call_text(call) if call is not None else None
    calls = (call,) if call is not None else ()
    if isinstance(reply, Stopped):
        return Finding(reply.outcome, Evidence(reply.message, rung="runs", call=text), failing=calls)
    if reply.not_started:
        who = f"{call.name} is" if call is not None else "It is"
        return Finding(Outcome.FAILED, Evidence(f"{who} not started yet.", rung=NOT_STARTED))
    said = f"{reply.kinds[0]}: {reply.message}" if reply.message else reply.kinds[0]
    if "MemoryError" in reply.kinds or reply.kinds[0] == "OutOfMemoryError" or _NO_MEMORY in reply.message:
        message, outcome = f"It ran out of memory. {said}", Outcome.OUT_OF_MEMORY
    elif reply.kinds[0] == "OperatorRefused":
        message, outcome = reply.message, Outcome.FORBIDDEN
    elif "SystemExit" in reply.kinds:
        message, outcome = "It calls exit(), which ends the program instead of returning a result.", Outcome.RAISED
    else:
        message, outcome = f"It raised {said}", Outcome.RAISED
    return Finding(outcome, Evidence(message, rung="runs", call=text, traceback=reply.frames), failing=calls)


def undefined(trial: Trial, names: Sequence[str]) -> Finding | None:
    """The finding if one of these entry points is missing, is no function, or cannot be called as declared."""
    loaded = trial.target.load()
    if not isinstance(loaded, Loaded):
        finding = failure_of(loaded)
        assert finding.evidence is not None
        where = f"{trial.exercise.file_name} could not be loaded. "
        return Finding(finding.outcome, Evidence(where + finding.evidence.message, rung="loads",
                                                 traceback=finding.evidence.traceback))  # fmt: skip
    for name in names:
        if trial.defined.get(name) is loaded:
            continue
        found = loaded.defines[name]
        if found is None:
            others = {other.lower(): other for other in loaded.others}
            near = difflib.get_close_matches(name.lower(), list(others), n=1, cutoff=0.6)
            hint = f" Did you mean {name} where you wrote {others[near[0]]}?" if near else ""
            return _failed("exists", f"{trial.exercise.file_name} defines no function {name}.{hint}")
        if isinstance(found, str):
            return _failed("exists", f"{name} is no function but a value of type {found!r}.")
        problem = signature_problem(trial.entry_point(name), found)
        if problem:
            return _failed("signature", problem)
        trial.defined[name] = loaded
    return None


def _failed(rung: str, message: str) -> Finding:
    return Finding(Outcome.FAILED, Evidence(message, rung=rung))


def signature_problem(entry_point: EntryPoint, found: Sequence[Parameter]) -> str | None:
    """Why a function with these parameters cannot be called as the entry point is declared; None if it can be.

    Required parameters may be called otherwise than declared, since they are passed by position, and there may be
    more parameters if they have defaults.
    """
    declared = list(entry_point.signature.parameters.values())
    by_position = [p for p in found if p.kind in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
    by_name = {p.name for p in found if p.kind in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")}
    any_position = any(p.kind == "VAR_POSITIONAL" for p in found)
    any_name = any(p.kind == "VAR_KEYWORD" for p in found)
    said = f"It is declared as {entry_point.name}{_shown(entry_point)}."
    required = [p for p in declared if p.default is p.empty]
    if len(by_position) < len(required) and not any_position:
        return f"{entry_point.name} takes too few arguments. {said}"
    for optional in declared[len(required) :]:
        if optional.name not in by_name and not any_name:
            return f"{entry_point.name} has no parameter {optional.name!r}. {said}"
    names = {p.name for p in declared}
    for own in by_position[len(required) :]:
        if not own.has_default:
            if own.name in names:
                return f"{entry_point.name}'s parameter {own.name!r} has lost its default. {said}"
            return f"{entry_point.name} requires one more argument, {own.name!r}, than declared. {said}"
    for place, parameter in enumerate(declared):
        # A caller may pass what is optional by position too, so it has to stand where it is declared.
        by_either = parameter.kind == parameter.POSITIONAL_OR_KEYWORD and parameter.default is not parameter.empty
        there = by_position[place].name if place < len(by_position) else "" if not any_position else parameter.name
        if by_either and there != parameter.name:
            return f"{entry_point.name} does not take {parameter.name!r} as its argument {place + 1}. {said}"
    for given_by_name in found:
        if given_by_name.kind == "KEYWORD_ONLY" and not given_by_name.has_default:
            return f"{entry_point.name} requires the keyword {given_by_name.name!r}, which is not declared. {said}"
    return None


def _shown(entry_point: EntryPoint) -> str:
    bare = [p.replace(annotation=p.empty) for p in entry_point.signature.parameters.values()]
    return str(entry_point.signature.replace(parameters=bare, return_annotation=entry_point.signature.empty))


# -- calls -------------------------------------------------------------------------------------------------------------


def styled_call(entry_point: EntryPoint, arguments: Mapping[str, Any], style: int, **options: Any) -> Call:
    """A call with these arguments in one of three styles that a caller may use.

    Style 0 passes what has no default by position and the rest by keyword; style 1 passes as much as possible by
    position; style 2 is style 0 but leaves out arguments that equal their defaults.
    """
    args, kwargs = [], {}
    positional = True
    for parameter in entry_point.signature.parameters.values():
        if parameter.name not in arguments:
            positional = False
            continue
        value = arguments[parameter.name]
        optional = parameter.default is not parameter.empty
        if style % 3 == 2 and optional and _is_default(value, parameter.default):
            positional = False
        elif positional and (not optional or style % 3 == 1):
            args.append(value)
        else:
            kwargs[parameter.name] = value
            positional = False
    return Call(entry_point.name, tuple(args), kwargs, tensors=entry_point.on_tensors, **options)


def by_autograd(entry_point: EntryPoint, plain: Call, cotangents: Sequence[Any], wrt: Sequence[str]) -> Call:
    """A call of an entry point on tensors for the gradients that autograd finds.

    Args:
        entry_point: the entry point.
        plain: the call for its results.
        cotangents: one for each result, or None for one that has none.
        wrt: the arguments that are differentiated.
    """
    names = list(entry_point.signature.parameters)
    places = [name if name in plain.kwargs else names.index(name) for name in wrt]
    return replace(plain, args=(tuple(cotangents), places, *plain.args), measure="gradient")


def in_single(call: Call) -> bool:
    """Whether a call gives float32 arrays: whatever its result's dtype, it has only their digits."""
    given = (*call.args, *call.kwargs.values())
    return any(isinstance(value, np.ndarray) and value.dtype == np.float32 for value in given)


def _is_default(value: Any, default: Any) -> bool:
    return type(value) is type(default) and (
        value is default or (not isinstance(value, np.ndarray) and value == default)
    )


class Refused(Exception):
    """A call in a law came to nothing that the law could look at; holds the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.evidence.message if finding.evidence else "")
        self.finding = finding


@dataclass(frozen=True)
class Asked:
    """A call that a law made: as it wrote it, and as it is made."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    call: Call

    def is_again(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Whether this is the same call, down to the bytes, the layout and the signs of zero of its arguments."""
        return self.call.name == name and same_argument((self.args, self.kwargs), (args, kwargs))


class Awaited(BaseException):
    """A law that is run ahead has come to a call whose reply is not known yet. No law may handle it."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


Memory: TypeAlias = list[tuple[Asked, Reply]]
"""Calls that a law made before, in order, and their replies."""


@dataclass
class Proxy:
    """An entry point as a law sees it: calls go to the target and are recorded.

    Args:
        trial: the trial.
        name: the entry point.
        calls: where the calls and their results are recorded.
        memory: what the law calls first is known to be this; shared by all the proxies of a law, and used up.
        ahead: raise Awaited where the memory ends, instead of making the call.
    """

    trial: Trial
    name: str
    calls: list[tuple[Call, Any]]
    memory: Memory = field(default_factory=list)
    ahead: bool = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the entry point; its result has the structure that the signature declares.

        Raises:
            Refused: if the call raised, or returned something of another structure.
        """
        return self._made(args, kwargs).value

    def peak_memory(self, *args: Any, **kwargs: Any) -> int:
        """Call the entry point; the most bytes that it held at one time, its result included, its arguments not.

        The same call comes before, not counted: what a function does only once, such as an import, is no cost.
        """
        return self._cost("memory", args, kwargs)

    def lines_executed(self, *args: Any, **kwargs: Any) -> int:
        """Call the entry point; how many lines of Python were executed, a line anew in each round of a loop."""
        return self._cost("lines", args, kwargs)

    def gradient(self, wrt: str, cotangent: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the entry point, of an exercise on tensors, with one result; what autograd finds by way of it.

        Args:
            wrt: the argument that is differentiated.
            cotangent: the result's.
            args: the entry point's own.
            kwargs: the entry point's own.

        Raises:
            Refused: if the call raised, or autograd found no way back.
        """
        self.memory.clear()
        call = by_autograd(self.trial.entry_point(self.name), self._call(args, kwargs), (cotangent,), (wrt,))
        reply = self.trial.call(call)
        self.calls.append((call, reply.value if isinstance(reply, Returned) else None))
        if not isinstance(reply, Returned):
            raise Refused(failure_of(reply, call))
        return reply.value

    def _cost(self, measure: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
        self.memory.clear()
        self.trial.call(self._call(args, kwargs))
        cost = self._made(args, kwargs, measure).cost
        assert cost is not None
        return cost

    def _made(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], measure: str = "") -> Returned:
        call, reply = self._asked(args, kwargs, measure)
        self.calls.append((call, reply.value if isinstance(reply, Returned) else None))
        if not isinstance(reply, Returned):
            raise Refused(failure_of(reply, call))
        annotation = self.trial.entry_point(self.name).signature.return_annotation
        problem = structure_problem(reply.value, annotation)
        if problem is not None:
            evidence = Evidence(f"{self.name}: {problem}.", rung="structure", call=call_text(call))
            raise Refused(Finding(Outcome.FAILED, evidence, failing=(call,)))
        return replace(reply, value=as_declared(reply.value, annotation))

    def _asked(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], measure: str) -> tuple[Call, Reply]:
        """A call with its reply, from memory if it is there; of a law that does not repeat itself nothing is known."""
        if self.memory:
            asked, reply = self.memory.pop(0)
            if not measure and asked.is_again(self.name, args, kwargs):
                # A copy: the law may write into what it got.
                known = replace(reply, value=carried(reply.value)) if isinstance(reply, Returned) else reply
                return asked.call, known
            self.memory.clear()
            self.ahead = False
        call = self._call(args, kwargs, measure)
        # What is measured is measured alone, and what calls back is known by its callable, which a law may count with.
        if self.ahead and not measure and not any(callable(value) for value in (*call.args, *call.kwargs.values())):
            raise Awaited(Asked(carried(args), carried(dict(kwargs)), call))
        return call, self.trial.call(call)

    def _call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], measure: str = "") -> Call:
        """The call as any other check makes it: what has no default by position, whatever a submission calls it."""
        entry_point = self.trial.entry_point(self.name)
        bound = entry_point.signature.bind(*args, **kwargs)
        # A copy: the law may go on to write into what it passed.
        arguments = {key: carried(value) for key, value in bound.arguments.items()}
        return styled_call(entry_point, arguments, 0, measure=measure)


_quiet = ContextVar("_quiet", default=False)


@contextmanager
def quietly() -> Iterator[None]:
    """Run the grader's own arithmetic on a submission's numbers without warnings about them."""
    if _quiet.get():
        yield
        return
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        before = _quiet.set(True)
        try:
            yield
        finally:
            _quiet.reset(before)


# -- trusted code in a target's place ----------------------------------------------------------------------------------


class TrustedTarget:
    """Functions of the exercise's authors, called in this process as a worker would call a submission's.

    For references, misconceptions and mutants in the selftest, and for diagnoses; never for a submission.

    Args:
        functions: the entry points.
    """

    isolation = "none"
    far = False

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._functions = functions

    def load(self) -> Loaded:
        """What the functions' signatures say."""
        import inspect

        described: dict[str, Sequence[Parameter] | str | None] = {}
        for name, function in self._functions.items():
            empty = inspect.Parameter.empty
            parameters = inspect.signature(function).parameters.values()
            described[name] = [Parameter(p.name, p.kind.name, p.default is not empty) for p in parameters]
        return Loaded(described)

    def begin_check(self) -> None:
        """Nothing to do: trusted code has no deadline."""

    def take_output(self) -> str:
        """Nothing: trusted code prints nothing."""
        return ""

    def call_many(self, calls: Sequence[Call], *, seconds: float = 0) -> list[Reply]:
        """Make the calls, arguments and results carried as the wire carries them."""
        return [self._call(call) for call in calls]

    def _call(self, call: Call) -> Reply:
        args = [carried(value) for value in call.args]
        kwargs = {key: carried(value) for key, value in call.kwargs.items()}
        try:
            with quietly():
                function, cost = self._functions[call.name], None
                if call.measure:
                    measures = {**MEASURES, **getattr(function, "measures", {})}
                    value, cost = measures[call.measure](function, args, kwargs)
                else:
                    value = function(*args, **kwargs)
        except Exception as error:
            return Raised(tuple(kind.__name__ for kind in type(error).__mro__), str(error)[:1000])
        packer = wire.Packer(limit=1 << 26)
        packed = packer.pack(value)
        result = wire.Unpacker(packer.table, b"".join(packer.chunks)).unpack(packed)
        after = [*args, *kwargs.values()]
        return Returned(result, tuple(a if isinstance(a, np.ndarray | list) else None for a in after), cost)


def carried(value: Any) -> Any:
    """The value as it arrives on the other side of the wire: its arrays copied, in the same memory layout."""
    if isinstance(value, np.ndarray):
        return wire.laid_out(value, wire.layout_of(value), not value.flags.writeable)
    if isinstance(value, list):
        return [carried(item) for item in value]
    if isinstance(value, dict):
        return {key: carried(held) for key, held in value.items()}
    return tuple(carried(item) for item in value) if isinstance(value, tuple) else value
