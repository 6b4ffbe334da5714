"""Inputs of checks: drawn once by Hypothesis for a check, a seed and a version, kept, replayed; shrunk on a failure."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from dlgrade import author
from dlgrade.author import Agreement, Gradient, Property
from dlgrade.checking.literal import weight
from dlgrade.sandbox import wire

try:
    from hypothesis.internal.conjecture import providers
except ImportError:  # older versions draw no constants of modules
    providers = None  # type: ignore[assignment]

SHRINK_TRIES = 400
"""How many inputs may be tried for a smaller counterexample: a count, so that no report depends on the clock."""
SHRINK_SECONDS = 10.0
"""The far stop for submissions that take long over each input."""

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """Where a check's inputs come from: a strategy, those that are always tried, and how many are drawn."""

    strategy: st.SearchStrategy[Any]
    always: tuple[Arguments, ...]
    examples: int


def source_of(check: Agreement | Property | Gradient) -> Source:
    """The source of a check's inputs."""
    if isinstance(check, Property):
        # Hypothesis keeps what @given and @example were told on the function.
        strategies = check.law.hypothesis._given_kwargs  # type: ignore[attr-defined]
        explicit = getattr(check.law.hypothesis.inner_test, "hypothesis_explicit_examples", ())  # type: ignore[attr-defined]
        explicit = explicit or getattr(check.law, "hypothesis_explicit_examples", ())
        return Source(
            st.fixed_dictionaries(strategies).map(_plain),
            tuple(_plain(dict(e.kwargs)) for e in explicit),
            check.examples,
        )
    from_dict = isinstance(check.given, Mapping)
    strategy = st.fixed_dictionaries(dict(check.given)) if from_dict else check.given  # type: ignore[arg-type]
    always = tuple(_plain(dict(case)) for case in check.cases) if isinstance(check, Agreement | Gradient) else ()
    return Source(strategy.map(_plain), always, check.examples)  # type: ignore[union-attr]


def _settings(examples: int, *phases: Phase) -> settings:
    return settings(
        max_examples=examples,
        phases=phases,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )


def seed_of(check: Agreement | Property | Gradient, seed: int) -> int:
    """A check's own seed in a run, so that checks with the same strategies do not all meet the same inputs."""
    return int.from_bytes(hashlib.sha256(f"{seed} {check.name}".encode()).digest()[:8], "little")


def draw(source: Source, *, seed: int) -> list[Arguments]:
    """The inputs of one check for one seed: the same again for the same seed and versions."""
    found: list[Arguments] = []
    if not source.examples:
        return [*source.always]

    @hypothesis.seed(seed)
    @_settings(source.examples, Phase.generate)
    @given(source.strategy)
    def record(arguments: Arguments) -> None:
        found.append(arguments)

    with _no_constants_of_modules():
        record()
    return [*source.always, *found]


def _plain(value: Any) -> Any:
    """The value with its arrays in plain memory order: the layouts that matter are given on purpose, by their rung."""
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value) if value.ndim else value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return type(value)(_plain(item) for item in value) if type(value) in (list, tuple) else value


class _Enough(BaseException):
    """It is small enough; a BaseException, since Hypothesis would take any other for a failure."""


class _StillFails(Exception):
    """This input fails in the same way."""


def smallest(
    source: Source,
    fails: Callable[[Arguments], bool],
    start: Arguments,
    *,
    seed: int,
    tries: int = SHRINK_TRIES,
) -> Arguments:
    """The smallest input that still fails, as far as Hypothesis finds one in so many tries; `start` if it finds none.

    Args:
        source: what the failing input was drawn from.
        fails: whether an input fails in the same way.
        start: the failing input that is known.
        seed: the seed that it was drawn with.
        tries: how many inputs to try.
    """
    best, best_weight = start, weight(start)
    until, tried = time.monotonic() + SHRINK_SECONDS, 0

    @hypothesis.seed(seed)
    @_settings(max(source.examples, 1), Phase.generate, Phase.shrink)
    @given(source.strategy)
    def test(arguments: Arguments) -> None:
        nonlocal best, best_weight, tried
        tried += 1
        if tried > tries or time.monotonic() > until:
            raise _Enough
        if fails(arguments):
            size = weight(arguments)
            if size < best_weight:
                best, best_weight = arguments, size
            raise _StillFails

    # Whatever Hypothesis makes of it (a flaky submission, say), the smallest input that failed is what counts.
    with contextlib.suppress(_Enough, Exception), _no_constants_of_modules():
        test()
    return best


@contextlib.contextmanager
def _no_constants_of_modules() -> Iterator[None]:
    """Keep Hypothesis from drawing constants that it finds in the source of whatever modules happen to be loaded.

    With them the same seed would give other inputs in an editable installation than in a wheel, or after some other
    exercise was loaded. It has no public switch; a version that finds constants elsewhere draws them as it likes.
    """
    held = getattr(providers, "_local_constants", None)
    find = getattr(providers, "_get_local_constants", None)
    cache = getattr(providers, "CONSTANTS_CACHE", None)
    if held is None or find is None or cache is None:
        yield
        return
    empty = type(held)()
    cache.cache.clear()
    providers._get_local_constants = lambda: empty
    try:
        yield
    finally:
        providers._get_local_constants = find
        cache.cache.clear()


# -- kept between runs -------------------------------------------------------------------------------------------------


class Drawer:
    """Hands out the inputs of checks, from memory, from the disk, or drawn anew.

    Args:
        folder: where inputs are kept between runs; None keeps them in memory only. It speeds a student's own checks
            up, and a submission that can write there could spoil them: a grader of strangers passes None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._memory: dict[str, list[Arguments]] = {}
        self._kept: dict[tuple[int, Any], Any] = {}
        # Hypothesis writes its own notes even without a database; not into the student's folder.
        home = folder or Path(tempfile.gettempdir()) / "dlgrade-hypothesis"
        hypothesis.configuration.set_hypothesis_home_dir(home / "hypothesis")

    def inputs(self, check: Agreement | Property | Gradient, *, content: str, seed: int) -> list[Arguments]:
        """The inputs of a check.

        Args:
            check: the check.
            content: what identifies the check's code: a digest of the exercise's files.
            seed: the run's seed.
        """
        source = source_of(check)
        key = _key(content, check.name, str(source.examples), str(seed))
        if key not in self._memory:
            drawn = self._read(key)
            if drawn is None:
                drawn = draw(Source(source.strategy, (), source.examples), seed=seed_of(check, seed))
                self._write(key, drawn)
            self._memory[key] = [*source.always, *drawn]
        return self._memory[key]

    def kept(self, arguments: Arguments, what: Any, make: Callable[[Arguments], Any]) -> Any:
        """What an oracle says of an input that this drawer handed out, computed once for all submissions.

        Args:
            arguments: an input out of `inputs`, the very object.
            what: which oracle, in which form.
            make: computes it.
        """
        key = (id(arguments), what)
        if key not in self._kept:
            self._kept[key] = make(arguments)
        return self._kept[key]

    def _read(self, key: str) -> list[Arguments] | None:
        if self._folder is None:
            return None
        try:
            data = (self._folder / key).read_bytes()
            digest, text, blob = data[:32], *_split(data[32:])
            if hashlib.sha256(data[32:]).digest() != digest:
                return None
            body = json.loads(text)
            unpacker = wire.Unpacker(body["table"], blob)
            return [dict(zip(names, unpacker.unpack(values), strict=True)) for names, values in body["inputs"]]
        except (OSError, ValueError, KeyError, TypeError, wire.ProtocolError):
            return None  # drawn anew, and written over

    def _write(self, key: str, drawn: Sequence[Arguments]) -> None:
        if self._folder is None:
            return
        packer = wire.Packer()
        packed = [[list(arguments), packer.pack(list(arguments.values()))] for arguments in drawn]
        text = json.dumps({"inputs": packed, "table": packer.table}).encode()
        if '{"x": ' in text.decode():
            return  # an input that cannot be kept is drawn every time
        data = len(text).to_bytes(8, "little") + text + b"".join(bytes(chunk) for chunk in packer.chunks)
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder)
            try:
                with open(handle, "wb") as file:  # noqa: PTH123 -- a descriptor, not a path
                    file.write(hashlib.sha256(data).digest() + data)
                os.replace(name, self._folder / key)  # noqa: PTH105 -- whole or not at all
            except OSError:
                Path(name).unlink()


def _split(data: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:8], "little")
    return data[8 : 8 + size], data[8 + size :]


def _key(*parts: str) -> str:
    """What inputs depend on: the check, the seed, and every version that the stream of examples could differ with."""
    versions = (hypothesis.__version__, np.__version__, ".".join(map(str, sys.version_info[:2])))
    code = hashlib.sha256(Path(author.__file__).read_bytes() + Path(__file__).read_bytes()).hexdigest()
    return hashlib.sha256("\0".join((*versions, code, *parts)).encode()).hexdigest()[:40]
