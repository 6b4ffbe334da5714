"""A made-up class that solves softmax: answers of their own, of which many look alike, and copies in disguise."""

from __future__ import annotations

import ast
import io
import random
import re
import tokenize
from dataclasses import dataclass

# The first ones are what most of a class writes.
SOFTMAX = (
    "{e} = np.exp(x - np.max(x, axis=axis, keepdims=True))\nreturn {e} / np.sum({e}, axis=axis, keepdims=True)",
    "{e} = np.exp(x - x.max(axis=axis, keepdims=True))\nreturn {e} / {e}.sum(axis=axis, keepdims=True)",
    "{m} = np.max(x, axis=axis, keepdims=True)\n{e} = np.exp(x - {m})\n"
    "{s} = np.sum({e}, axis=axis, keepdims=True)\nreturn {e} / {s}",
    "{z} = x - np.max(x, axis=axis, keepdims=True)\n{e} = np.exp({z})\n"
    "return {e} / np.sum({e}, axis=axis, keepdims=True)",
    "{m} = x.max(axis=axis, keepdims=True)\n{z} = x - {m}\n{e} = np.exp({z})\n"
    "{s} = {e}.sum(axis=axis, keepdims=True)\n{o} = {e} / {s}\nreturn {o}",
    "{e} = np.exp(x - np.amax(x, axis, keepdims=True))\n{e} /= np.sum({e}, axis, keepdims=True)\nreturn {e}",
    "{m} = np.expand_dims(np.max(x, axis=axis), axis)\n{e} = np.exp(x - {m})\n"
    "return {e} / np.expand_dims(np.sum({e}, axis=axis), axis)",
    "{z} = x - x.max(axis, keepdims=True)\n{s} = np.log(np.exp({z}).sum(axis, keepdims=True))\n"
    "return np.exp({z} - {s})",
    "{z} = np.moveaxis(x, axis, -1)\n{e} = np.exp({z} - {z}.max(-1)[..., None])\n"
    "{o} = {e} / {e}.sum(-1)[..., None]\nreturn np.moveaxis({o}, -1, axis)",
    "{z} = x.swapaxes(0, axis)\n{e} = np.exp({z} - {z}.max(0))\n{o} = {e} / {e}.sum(0)\nreturn {o}.swapaxes(axis, 0)",
    "def {f}({z}):\n    {e} = np.exp({z} - {z}.max())\n    return {e} / {e}.sum()\n"
    "return np.apply_along_axis({f}, axis, x)",
    "{o} = np.zeros_like(x)\n{z} = np.moveaxis(x, axis, -1)\n{s} = np.moveaxis({o}, axis, -1)\n"
    "for {i} in np.ndindex({z}.shape[:-1]):\n    {e} = np.exp({z}[{i}] - {z}[{i}].max())\n"
    "    {s}[{i}] = {e} / {e}.sum()\nreturn {o}",
    "return np.exp(x - np.logaddexp.reduce(x, axis=axis, keepdims=True))",
    "{e} = np.subtract(x, np.max(x, axis=axis, keepdims=True))\nnp.exp({e}, out={e})\n"
    "np.divide({e}, np.sum({e}, axis=axis, keepdims=True), out={e})\nreturn {e}",
    "{o} = x.copy()\n{o} -= {o}.max(axis=axis, keepdims=True)\n{o} = np.exp({o})\n"
    "{o} *= 1.0 / {o}.sum(axis=axis, keepdims=True)\nreturn {o}",
    "{z} = x.reshape(-1, 1) if x.ndim == 1 else np.swapaxes(x, axis, 0).reshape(x.shape[axis], -1)\n"
    "{o} = []\nfor {i} in {z}.T:\n    {e} = np.exp({i} - max({i}))\n    {o}.append({e} / sum({e}))\n"
    "{s} = np.swapaxes(x, axis, 0).shape\nreturn np.swapaxes(np.array({o}).T.reshape({s}), 0, axis)",
)
BACKWARD = (
    "return probs * (grad - np.sum(grad * probs, axis=axis, keepdims=True))",
    "{s} = np.sum(grad * probs, axis=axis, keepdims=True)\nreturn probs * (grad - {s})",
    "{s} = (grad * probs).sum(axis=axis, keepdims=True)\nreturn probs * (grad - {s})",
    "{g} = grad * probs\nreturn {g} - probs * {g}.sum(axis=axis, keepdims=True)",
    "{g} = grad * probs\n{s} = np.sum({g}, axis=axis, keepdims=True)\n{o} = {g} - {s} * probs\nreturn {o}",
    "{g} = np.moveaxis(grad, axis, -1)\n{p} = np.moveaxis(probs, axis, -1)\n"
    "{o} = {p} * ({g} - np.einsum('...i,...i->...', {g}, {p})[..., None])\nreturn np.moveaxis({o}, -1, axis)",
    "{g} = np.moveaxis(grad, axis, -1)\n{p} = np.moveaxis(probs, axis, -1)\n"
    "{s} = {p}[..., :, None] * (np.eye({p}.shape[-1]) - {p}[..., None, :])\n"
    "{o} = ({s} @ {g}[..., None])[..., 0]\nreturn np.moveaxis({o}, -1, axis)",
    "{o} = np.zeros_like(probs)\n{p} = np.moveaxis(probs, axis, -1)\n{g} = np.moveaxis(grad, axis, -1)\n"
    "{z} = np.moveaxis({o}, axis, -1)\nfor {i} in np.ndindex({p}.shape[:-1]):\n"
    "    {s} = np.diag({p}[{i}]) - np.outer({p}[{i}], {p}[{i}])\n    {z}[{i}] = {s} @ {g}[{i}]\nreturn {o}",
    "{s} = np.expand_dims((probs * grad).sum(axis), axis)\n{o} = grad - {s}\n{o} *= probs\nreturn {o}",
    "{o} = np.multiply(grad, probs)\nnp.subtract({o}, probs * np.add.reduce({o}, axis=axis, keepdims=True), out={o})\n"
    "return {o}",
)
HABITS = (
    ("axis=axis, keepdims=True", "axis, keepdims=True"),
    ("axis=axis, keepdims=True", "keepdims=True, axis=axis"),
    ("np.max(", "np.amax("),
    ("grad * probs", "probs * grad"),
    (".shape[:-1]", ".shape[0:-1]"),
    ("[..., None]", "[..., np.newaxis]"),
    ("np.zeros_like(", "np.empty_like("),
    ("-1)", "x.ndim - 1)"),
)
"""What the same idea is also written as."""
NAMES = {
    "e": ("e", "exps", "ex", "exp_x", "num", "powers", "exponentials", "expd", "numerator", "e_x"),
    "m": ("m", "mx", "maximum", "biggest", "x_max", "peak", "c", "top"),
    "s": ("s", "total", "denom", "norm", "summed", "dot", "acc", "den", "Z"),
    "z": ("z", "shifted", "y", "scores", "w", "x_shift", "stable", "moved", "a"),
    "o": ("out", "res", "result", "ans", "probs_out", "dx", "output", "ret"),
    "g": ("g", "gp", "weighted", "up", "dy", "gr"),
    "p": ("p", "pr", "q", "sm", "pp"),
    "i": ("i", "idx", "row", "k", "place", "pos"),
    "r": ("final", "y_hat", "back", "r", "value"),
    "f": ("f", "one", "single", "inner", "along"),
}
COMMENTS = (
    "subtract the max so exp does not overflow", "numerical stability", "normalise", "jacobian vector product",
    "shift by the maximum", "exp never overflows now", "keepdims so that it broadcasts", "sum along the axis",
    "now the probabilities", "dL/dx", "chain rule", "see the lecture, slide 12", "weighted average of grad",
    "TODO faster?", "works for axis=0 as well", "stable version", "divide by the sum", "move axis to the end",
    "the diagonal minus the outer product", "no loop needed",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A submission: `family` are those that come from one source; `kind`: how it was disguised, '' if it is its own."""

    student: str
    source: str
    family: str
    kind: str


def answer(draw: random.Random, *, unusual: bool = False) -> str:
    """An answer of somebody's own; an unusual one is none of those that most of a class write."""
    bodies = []
    for those, many in ((SOFTMAX, 5), (BACKWARD, 4)):
        common = draw.random() < 0.7 and not unusual
        body = draw.choice(those[:many] if common else those[many:])
        for one, other in HABITS:
            if draw.random() < 0.25:
                body = body.replace(one, other)
        if draw.random() < 0.2:
            body = re.sub(r"^return (.*[^\w{}].*)$", r"{r} = \1\nreturn {r}", body, flags=re.MULTILINE)
        if draw.random() < 0.1:
            body = f"assert {'x' if those is SOFTMAX else 'grad'}.ndim > 0\n{body}"
        bodies.append(body)
    names = {key: draw.choice(pool) for key, pool in NAMES.items()}
    written = [_commented(body.format(**names), draw) for body in bodies]
    head = draw.choice(('"""Softmax: turn scores into probabilities."""\n\n', "", "# homework 2\n"))
    first, second = (_indented(body) for body in written)
    return (
        f"{head}import numpy as np\n\n\ndef softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:\n{first}\n\n"
        f"def softmax_backward(grad: np.ndarray, probs: np.ndarray, axis: int = -1) -> np.ndarray:\n{second}"
    )


def _commented(body: str, draw: random.Random) -> str:
    lines = body.split("\n")
    for _ in range(draw.choice((0, 0, 1, 1, 2))):
        at = draw.randrange(len(lines))
        if not lines[at].startswith(" "):
            lines.insert(at, f"# {draw.choice(COMMENTS)}")
    return "\n".join(lines)


def _indented(body: str) -> str:
    return "".join(f"    {line}\n" for line in body.split("\n"))


# -- disguises ---------------------------------------------------------------------------------------------------------


def renamed(source: str, draw: random.Random) -> str:
    """All local names are others."""
    tree = ast.parse(source)
    own = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inner = {node.name for top in tree.body for node in ast.walk(top) if isinstance(node, ast.FunctionDef)}
    own |= inner - {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    fresh = {
        name: f"{draw.choice('abcdefghkuvw')}{draw.choice('aeiou')}{place}" for place, name in enumerate(sorted(own))
    }
    lines = source.split("\n")
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    depth, found = 0, []
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        depth += (token.string in "([{" and bool(token.string)) - (token.string in ")]}" and bool(token.string))
        keyword = depth > 0 and after.string == "="
        if token.type == tokenize.NAME and token.string in fresh and before.string != "." and not keyword:
            found.append(token)
    for token in reversed(found):
        (row, start), (_, end) = token.start, token.end
        lines[row - 1] = lines[row - 1][:start] + fresh[token.string] + lines[row - 1][end:]
    return "\n".join(lines)


def reordered(source: str, draw: random.Random) -> str:
    """The functions stand in another order."""
    head, *functions = re.split(r"^(?=def )", source, flags=re.MULTILINE)
    return head + "\n\n".join(function.rstrip() + "\n" for function in reversed(functions))


def recommented(source: str, draw: random.Random) -> str:
    """Other comments, and more of them."""
    lines = [line for line in source.split("\n") if not line.strip().startswith("#")]
    for _ in range(3):
        at = draw.randrange(len(lines))
        indent = re.match(" *", lines[at])[0]
        if indent:
            lines.insert(at, f"{indent}# {draw.choice(COMMENTS)} {draw.choice(('here', 'of course', '(1)', 'again'))}")
    return "\n".join(lines)


def respaced(source: str, draw: random.Random) -> str:
    """Other spaces and empty lines."""
    return "\n".join(
        line.replace(", ", ",").replace(" - ", "-").replace(" / ", " /  ") + draw.choice(("", "", "  ", "\n"))
        for line in source.split("\n")
    )


def unrolled(source: str, draw: random.Random) -> str:
    """A loop's first turn stands before it; where there is none, what is returned gets a name first."""

    class Unroll(ast.NodeTransformer):
        def visit_For(self, node: ast.For) -> list[ast.stmt]:
            turns = ast.unparse(node.iter)
            return [
                ast.parse(f"turns = list({turns})").body[0],
                ast.Assign([node.target], ast.parse("turns[0]", mode="eval").body, lineno=1),
                *node.body,
                ast.For(node.target, ast.parse("turns[1:]", mode="eval").body, node.body, [], lineno=1),
            ]

        def visit_Return(self, node: ast.Return) -> list[ast.stmt]:
            return [
                ast.Assign([ast.Name("final", ast.Store())], node.value, lineno=1),
                ast.Return(ast.Name("final", ast.Load())),
            ]

    return ast.unparse(ast.fix_missing_locations(Unroll().visit(ast.parse(source))))


DISGUISES = {
    "verbatim": (),
    "renamed": (renamed,),
    "reordered": (reordered,),
    "comments": (recommented,),
    "whitespace": (respaced,),
    "unrolled": (unrolled,),
    "renamed, reordered, comments": (renamed, reordered, recommented, respaced),
    "all": (renamed, reordered, unrolled, recommented, respaced),
}


def disguised(source: str, kind: str, draw: random.Random) -> str:
    """A copy."""
    for change in DISGUISES[kind]:
        source = change(source, draw)
    return source


def made_class(students: int, copies: int, seed: int, *, unusual: bool = True) -> list[Made]:
    """A class: answers of their own, and copies of some of them, each disguise in turn.

    Args:
        students: how many there are, copiers included.
        copies: how many of them copied, each from another.
        seed: of everything.
        unusual: whether what is copied is none of what most write.
    """
    draw = random.Random(seed)
    made = [Made(f"s{n:03}", "", f"s{n:03}", "") for n in range(students - copies)]
    made = [
        Made(one.student, answer(draw, unusual=unusual and n < copies), one.family, "") for n, one in enumerate(made)
    ]
    kinds = list(DISGUISES)
    for n in range(copies):
        kind = kinds[n % len(kinds)]
        made.append(Made(f"c{n:03}", disguised(made[n].source, kind, draw), made[n].family, kind))
    return made
