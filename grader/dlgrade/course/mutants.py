"""Small mistakes planted in a reference by its syntax tree, which an exercise's checks must not let pass."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """One planted mistake.

    Args:
        source: the whole module with it.
        line: where it was planted.
        before, after: the statement without and with it, as one line each.
        what: the mistake in words, such as `+ becomes -`.
    """

    source: str
    line: int
    before: str
    after: str
    what: str


# -- what becomes of a piece of syntax ---------------------------------------------------------------------------------

_ARITHMETIC: Mapping[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult, ast.Div),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
_COMPARISONS: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_NAMES: Mapping[str, str] = {
    **{one: other for pair in (("max", "min"), ("sum", "mean"), ("zeros", "ones"), ("zeros_like", "ones_like"),
                               ("maximum", "minimum"), ("argmax", "argmin"), ("any", "all"), ("exp", "expm1"),
                               ("log", "log1p"), ("floor", "ceil"))
       for one, other in (pair, pair[::-1])},
    "var": "std", "sqrt": "square", "tanh": "sin", "full_like": "zeros_like", "empty": "ones",
    "empty_like": "ones_like",
}  # fmt: skip
_DROPPED = {"swapaxes", "transpose", "T", "copy", "conj", "reshape", "ravel"}
"""Methods and attributes that are left out: `x.T` becomes `x`."""

Change = tuple[str, ast.AST]
"""What becomes of a node, in words, and what stands in its place."""


def _of_operation(node: ast.BinOp) -> Iterator[Change]:
    was = _symbol(node.op)
    for op in _ARITHMETIC.get(type(node.op), ()):
        yield f"{was} becomes {_symbol(op())}", ast.BinOp(node.left, op(), node.right)
    yield f"what stands right of {was} is left out", node.left
    if isinstance(node.op, (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr, ast.MatMult)):
        yield f"what stands left of {was} is left out", node.right
    if isinstance(node.op, (ast.Sub, ast.Div, ast.MatMult, ast.Pow)):
        yield f"the two sides of {was} change places", ast.BinOp(node.right, node.op, node.left)


def _of_comparison(node: ast.Compare) -> Iterator[Change]:
    for place, op in enumerate(node.ops):
        for other in _COMPARISONS[type(op)]:
            ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
            yield f"{_symbol(op)} becomes {_symbol(other())}", ast.Compare(node.left, ops, node.comparators)


def _of_constant(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    others: list[Any] = []
    if isinstance(value, bool):
        others = [not value]
    elif isinstance(value, int):
        others = [value + 1, value - 1]
    elif isinstance(value, float):
        others = [value * 2, value / 2] if value else [1.0]
    elif isinstance(value, str):
        others = [value + "_"]
    for other in others:
        yield f"{value!r} becomes {other!r}", ast.parse(repr(other), mode="eval").body


def _of_unary(node: ast.UnaryOp) -> Iterator[Change]:
    yield f"{_symbol(node.op)} is left out", node.operand


def _of_boolean(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield f"{_symbol(node.op)} becomes {_symbol(other)}", ast.BoolOp(other, node.values)
    for place in range(len(node.values)):
        rest = [*node.values[:place], *node.values[place + 1 :]]
        left = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        yield f"`{ast.unparse(node.values[place])}` is left out", left


def _of_attribute(node: ast.Attribute) -> Iterator[Change]:
    if node.attr in _NAMES:
        yield f"{node.attr} becomes {_NAMES[node.attr]}", ast.Attribute(node.value, _NAMES[node.attr], node.ctx)
    if node.attr == "T":
        yield "T is left out", node.value


def _of_name(node: ast.Name) -> Iterator[Change]:
    if isinstance(node.ctx, ast.Load) and node.id in ("max", "min", "sum", "any", "all"):
        other = {"max": "min", "min": "max", "sum": "max", "any": "all", "all": "any"}[node.id]
        yield f"{node.id} becomes {other}", ast.Name(other, node.ctx)


def _of_call(node: ast.Call) -> Iterator[Change]:
    if isinstance(node.func, ast.Attribute) and node.func.attr in _DROPPED:
        yield f"{node.func.attr}() is left out", node.func.value
    if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("np", "numpy", "math", "torch"):
        if len(node.args) == 1 and not node.keywords:
            yield f"{ast.unparse(node.func)}() is left out", node.args[0]
        if node.func.attr == "where" and len(node.args) == 3:
            test, yes, no = node.args
            yield "the branches of where() change places", ast.Call(node.func, [test, no, yes], node.keywords)
    for place, keyword in enumerate(node.keywords):
        rest = [*node.keywords[:place], *node.keywords[place + 1 :]]
        yield f"{keyword.arg}= is left out", ast.Call(node.func, node.args, rest)
        if keyword.arg in ("axis", "dim") and not isinstance(keyword.value, ast.Constant):
            for axis in (0, -1):
                other = ast.keyword(keyword.arg, ast.parse(str(axis), mode="eval").body)
                keywords = [*node.keywords[:place], other, *node.keywords[place + 1 :]]
                yield f"{keyword.arg} becomes {axis}", ast.Call(node.func, node.args, keywords)


def _of_slice(node: ast.Slice) -> Iterator[Change]:
    if node.lower is not None:
        yield "the slice's start is left out", ast.Slice(None, node.upper, node.step)
    if node.upper is not None:
        yield "the slice's end is left out", ast.Slice(node.lower, None, node.step)
    if node.step is not None:
        yield "the slice's step is left out", ast.Slice(node.lower, node.upper, None)


def _of_tuple(node: ast.Tuple) -> Iterator[Change]:
    if isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        for place in range(len(node.elts) - 1):
            one, other = node.elts[place : place + 2]
            if ast.dump(one) != ast.dump(other):
                swapped = [*node.elts[:place], other, one, *node.elts[place + 2 :]]
                yield f"places {place + 1} and {place + 2} are exchanged", ast.Tuple(swapped, node.ctx)


def _of_choice(node: ast.IfExp) -> Iterator[Change]:
    yield "the condition is taken to be true", node.body
    yield "the condition is taken to be false", node.orelse


def _of_condition(node: ast.If | ast.While) -> Iterator[Change]:
    for value in (True, False):
        if isinstance(node, ast.While) and value:
            continue  # endless, as everybody knows
        changed = copy.copy(node)
        changed.test = ast.Constant(value)
        yield f"the condition is taken to be {str(value).lower()}", changed


def _of_filters(node: ast.comprehension) -> Iterator[Change]:
    for place, test in enumerate(node.ifs):
        rest = [*node.ifs[:place], *node.ifs[place + 1 :]]
        yield f"`if {ast.unparse(test)}` is left out", ast.comprehension(node.target, node.iter, rest, node.is_async)


def _of_update(node: ast.AugAssign) -> Iterator[Change]:
    was = _symbol(node.op)
    for op in _ARITHMETIC.get(type(node.op), ()):
        yield f"{was}= becomes {_symbol(op())}=", ast.AugAssign(node.target, op(), node.value)
    yield f"{was}= becomes =", ast.Assign([node.target], node.value)
    yield "the statement is left out", ast.Pass()


def _of_assignment(node: ast.Assign) -> Iterator[Change]:
    # To leave out what gives a variable its value is an error, which proves nothing.
    if all(isinstance(target, ast.Subscript) for target in node.targets):
        yield "the statement is left out", ast.Pass()


def _left_out(node: ast.stmt) -> Iterator[Change]:
    yield "the statement is left out", ast.Pass()


def _of_jump(node: ast.Break | ast.Continue) -> Iterator[Change]:
    yield "the statement is left out", ast.Pass()
    if isinstance(node, ast.Break):
        yield "break becomes continue", ast.Continue()
    else:
        yield "continue becomes break", ast.Break()


_CHANGES: Mapping[type[ast.AST], Callable[[Any], Iterator[Change]]] = {
    ast.BinOp: _of_operation,
    ast.Compare: _of_comparison,
    ast.Constant: _of_constant,
    ast.UnaryOp: _of_unary,
    ast.BoolOp: _of_boolean,
    ast.Attribute: _of_attribute,
    ast.Name: _of_name,
    ast.Call: _of_call,
    ast.Slice: _of_slice,
    ast.Tuple: _of_tuple,
    ast.IfExp: _of_choice,
    ast.If: _of_condition,
    ast.While: _of_condition,
    ast.comprehension: _of_filters,
    ast.Assign: _of_assignment,
    ast.AugAssign: _of_update,
    ast.Expr: _left_out,
    ast.Break: _of_jump,
    ast.Continue: _of_jump,
}

_SYMBOLS: Mapping[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.USub: "-", ast.UAdd: "+", ast.Not: "not",
    ast.Invert: "~", ast.And: "and", ast.Or: "or",
}  # fmt: skip


def _symbol(node: ast.AST) -> str:
    return _SYMBOLS[type(node)]


# -- where ------------------------------------------------------------------------------------------------------------


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a reference, in the order of its lines; those that read alike are one.

    Nothing is planted in docstrings, annotations and imports.
    """
    tree = ast.parse(source)
    found: dict[str, Mutant] = {}
    original = ast.unparse(tree)
    for statement, holder, field, index, node in _places(tree):
        was = getattr(holder, field) if index is None else getattr(holder, field)[index]
        before = _line(statement)
        for what, new in _CHANGES[type(node)](node):
            ast.copy_location(new, node)
            _put(holder, field, index, new)
            try:
                text = ast.unparse(ast.fix_missing_locations(tree))
                after = _line(new) if node is statement and isinstance(new, ast.stmt) else _line(statement)
            finally:
                _put(holder, field, index, was)
            if text != original and text not in found:
                found[text] = Mutant(text, statement.lineno, before, after, what)
    return list(found.values())


def _put(holder: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(holder, field, node)
    else:
        getattr(holder, field)[index] = node


Place = tuple[ast.stmt, ast.AST, str, "int | None", ast.AST]


def _places(tree: ast.Module) -> Iterator[Place]:
    """Each node that may change, with the statement that it lies in and where it hangs in the tree."""

    def walk(node: ast.AST, statement: ast.stmt | None) -> Iterator[Place]:
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "format_spec"):
                continue
            children = enumerate(value) if isinstance(value, list) else [(None, value)]
            for index, child in children:
                if not isinstance(child, ast.AST) or isinstance(child, (ast.Import, ast.ImportFrom)):
                    continue
                if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                    continue  # a docstring
                inside = child if isinstance(child, ast.stmt) else statement
                if inside is not None and type(child) in _CHANGES:
                    yield inside, node, field, index, child
                yield from walk(child, inside)

    yield from walk(tree, None)


def _line(statement: ast.AST) -> str:
    """A statement as one line; of a compound one its head."""
    return ast.unparse(statement).split(":\n")[0].replace("\n", " ")[:300]
