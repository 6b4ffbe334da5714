"""Ways to a softmax that torch has already: none passes all that is to see them, alone or together with another."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

if sys.platform != "linux":
    pytest.skip("elsewhere each worker would import torch anew", allow_module_level=True)

from dlgrade.sandbox.levels import workers
from tensor_means import Judge, Way, attempts, exercise_in, seen_in_source, source_of, ways

PASS_ALL: set[tuple[str, str]] = set()
"""The pairs that pass undetected: none is known."""

PASS_BOTH = {
    ("destroys_the_guard", "runs_in_a_thread"),
    ("destroys_the_guard", "disables_the_modes"),
    ("destroys_the_guard", "disables_the_dispatch"),
    ("destroys_the_guard", "excludes_the_key"),
    ("destroys_the_guard", "replaces_the_record"),
    ("destroys_the_guard", "redispatches"),
    ("behaves_while_watched", "destroys_the_guard"),
}
"""Pairs that the record and the override do not see together: against them there is only the source. To these come all
with `computes_in_numpy`, which runs no operator."""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with workers("torch") as started:
        yield Judge(started, exercise_in(tmp_path_factory.mktemp("softmax")))


def by_name(*names: str) -> tuple[Way, ...]:
    return tuple(way for name in names for way in ways() if way.name == name)


@pytest.mark.parametrize("way", ways(), ids=lambda way: way.name)
def test_a_way_is_one_and_passes_what_it_is_known_to_pass(judge: Judge, way: Way) -> None:
    passes = judge.passes(source_of((way,)))
    # Why one that gives no softmax is no way here, its header says.
    assert passes["none"] is not bool(way.header.get("never")), judge.said
    alone = {layer for layer in ("source", "record", "override") if passes[layer]}
    assert alone == {layer.strip() for layer in way.header.get("passes", "").split(",") if layer.strip()}
    assert not passes["all"]


def test_no_pair_passes_all(judge: Judge) -> None:
    pairs = [attempt for attempt in attempts() if len(attempt) == 2]
    unseen = [pair for pair in pairs if not seen_in_source(source_of(pair))]
    # One names nothing that is not its own; what another says then may seem its own too.
    assert all(any(way.name == "binds_the_name_first" for way in pair) for pair in unseen)
    passed = {tuple(way.name for way in pair) for pair in unseen if judge.passes(source_of(pair))["all"]}
    assert passed == PASS_ALL


@pytest.mark.parametrize("names", sorted(PASS_BOTH), ids=" + ".join)
def test_a_pair_that_only_the_source_sees(judge: Judge, names: tuple[str, str]) -> None:
    pair = by_name(*names)
    assert pair in list(attempts())
    passes = judge.passes(source_of(pair))
    assert passes["both"], judge.said
    assert not passes["all"]


def test_a_right_answer_passes_all(judge: Judge) -> None:
    right = "e = torch.exp(x - x.amax(dim, True))\n    return e / e.sum(dim, True)"
    source = f"import torch\ndef softmax(x, dim=-1):\n    {right}\n"
    assert set(judge.passes(source).values()) == {True}
    wrong = source.replace("x.amax", "x.amin").replace("e.sum(dim", "e.sum(0")
    assert set(judge.passes(wrong).values()) == {False}


def test_there_are_enough_ways() -> None:
    assert len(ways()) >= 21
    assert sum(way.evasion for way in ways()) >= 5


def test_a_header_with_a_slip_is_no_header(tmp_path) -> None:
    good = "# attack: a\n# catalogue: G1\n# kind: library\n"
    for text in (good.replace("kind", "kinds"), good.replace("library", "libary"), good + "# nver: x\n"):
        path = tmp_path / "slip.py"
        path.write_text(text)
        with pytest.raises(ValueError, match=r"slip\.py"):
            _ = Way(path).header
