"""Arrows between the package's rooms run one way, read from the syntax trees; what only types need is no arrow."""

import ast
import graphlib
from pathlib import Path

import dlgrade
import pytest

PACKAGE = Path(dlgrade.__file__).parent
FLOOR = {"errors", "model", "author", "bounds", "margin", "points", "text", "__init__"}
MAY_IMPORT = {
    "cli": {"cli", "gradebook", "course", "checking", "report", "sandbox"} | FLOOR,
    "gradebook": {"gradebook", "course", "checking", "report", "sandbox"} | FLOOR,
    "course": {"course", "checking", "sandbox"} | FLOOR,
    "checking": {"checking", "sandbox"} | FLOOR,
    "report": {"report", "model", "points", "text", "errors"},
    "sandbox": {"sandbox", "errors", "model", "text"},
    "model": {"errors", "points", "text"},
    "author": {"bounds", "margin"},
    "points": {"bounds"},
    **dict.fromkeys(("bounds", "margin", "errors", "text", "__init__"), frozenset()),
    "__main__": {"cli"},
    # It lives in a student's kernel, and sends what it reads there through the command line.
    "notebook": {"course", "gradebook", "report"} | FLOOR,
}
ALONE = {
    "sandbox.worker",
    "sandbox.wire",
    "sandbox.measure",
    "sandbox.tensors",
    "sandbox.zygote",
    "sandbox.confine",
    "sandbox.seccomp",
    "sandbox.parser",
}  # they run as scripts, without the package
LIGHT = {"bounds", "errors", "model", "points", "text", "sandbox.launch", "sandbox.syntax"}
LIGHT |= {f"course.{name}" for name in ("atomic", "author_file", "find", "start", "stub", "release", "scaffold")}
LIGHT |= {f"course.{name}" for name in ("handout", "manifest", "nbgrader", "notebooks", "secrecy")} | {"notebook"}
HEAVY = {"numpy", "hypothesis", "torch", "scipy", "rich", "nbformat", "nbgrader", "IPython"}

PATHS = sorted(PACKAGE.rglob("*.py"))
NAMES = [".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__") for path in PATHS]
TREES = dict(zip(NAMES, (ast.parse(path.read_text("utf-8")) for path in PATHS), strict=True))


def imports(node, *, in_functions=True):
    """The dotted names that code below a node imports at run time."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(child, ast.Import):
            yield from (item.name for item in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, "write imports in full: they are read here"
            whole = [f"{child.module}.{item.name}" for item in child.names]
            yield from (name if name.removeprefix("dlgrade.") in TREES else child.module for name in whole)
        elif in_functions or not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from imports(child, in_functions=in_functions)


def ours(module):
    names = [name.split(".", 1) for name in imports(TREES[module])]
    return {name[1] if name[1:] else "__init__" for name in names if name[0] == "dlgrade"}


@pytest.mark.parametrize("module", TREES)
def test_arrows_run_one_way(module):
    allowed = set() if module in ALONE else MAY_IMPORT[module.split(".")[0]]
    assert {name for name in ours(module) if name.split(".")[0] not in allowed} == set()


def test_there_is_no_circle():
    assert len(list(graphlib.TopologicalSorter({name: ours(name) for name in TREES}).static_order())) >= len(TREES)


@pytest.mark.parametrize("module", sorted(LIGHT))
def test_what_every_command_loads_is_light(module):
    assert {name.split(".")[0] for name in imports(TREES[module], in_functions=False)} & HEAVY == set()


@pytest.mark.parametrize("module", sorted({name for name in NAMES if not name.startswith(("cli", "__main__"))} - ALONE))
def test_only_the_command_line_prints_or_exits(module):
    called = {ast.unparse(node.func) for node in ast.walk(TREES[module]) if isinstance(node, ast.Call)}
    assert called & {"print", "exit", "sys.exit", "click.echo"} == set()
