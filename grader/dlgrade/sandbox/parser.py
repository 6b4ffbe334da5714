"""The throw-away process that reads a submission's syntax tree, run as a script: it parses and never executes."""

from __future__ import annotations

import json
import sys
from typing import Any

READY = "ready"
"""What it says before it looks at the source: what goes wrong then is the source's doing."""
SECONDS = 10
MEMORY = 1 << 30
NAME_LIMIT = 300
"""Characters of a dotted name: more than any name that a policy forbids."""


def _read(source: bytes) -> dict[str, Any]:
    import ast
    import warnings

    warnings.simplefilter("ignore")  # an invalid escape is not for us to complain of
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return {"error": [type(error).__name__, error.msg, error.lineno, (error.text or "").strip()[:200]]}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"error": [type(error).__name__, str(error), None, ""]}

    nodes = list(ast.walk(tree))
    alias: dict[str, str] = {}
    uses: list[tuple[str, int]] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            for item in node.names:
                uses.append((item.name[:NAME_LIMIT], node.lineno))
                top = item.name if item.asname else item.name.partition(".")[0]
                alias[item.asname or top] = top
        elif isinstance(node, ast.ImportFrom):
            for item in node.names:
                name = f"{'.' * node.level}{node.module or ''}.{item.name}"[:NAME_LIMIT]
                uses.append((name, node.lineno))
                alias[item.asname or item.name] = name

    # A name that the source itself binds is not a library, whatever it is called.
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
    bound |= {n.name for n in nodes if isinstance(n, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and n.name}
    bound |= {node.rest for node in nodes if isinstance(node, ast.MatchMapping) and node.rest}

    def dotted(node: ast.AST) -> str | None:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or (node.id in bound and node.id not in alias):
            return None
        return ".".join([alias.get(node.id, node.id), *reversed(parts)])[:NAME_LIMIT]

    # Of a.b.c the whole is one use; a and a.b are no others.
    parts = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in parts:
            used = dotted(node)
            if used is not None:
                uses.append((used, node.lineno))
    # What is asked of values that only a run would know, such as x in x.softmax(0).
    asked: dict[str, int] = {}
    patterns = [node for node in nodes if isinstance(node, ast.MatchClass)]
    for node in nodes:
        if isinstance(node, ast.Attribute) and dotted(node) is None:
            asked[node.attr[:NAME_LIMIT]] = min(node.lineno, asked.get(node.attr[:NAME_LIMIT], node.lineno))
    for pattern in patterns:  # `case Tensor(softmax=found)` asks for it too
        for name in pattern.kwd_attrs:
            asked[name[:NAME_LIMIT]] = min(pattern.lineno, asked.get(name[:NAME_LIMIT], pattern.lineno))
    # The attributes that the source gives its own objects: by assignment, or in the body of a class.
    stored = [n for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    kept = {node.attr for node in stored if dotted(node) is None}
    for scope in (node for node in nodes if isinstance(node, ast.ClassDef)):
        for node in scope.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            kept |= {target.id for target in targets if isinstance(target, ast.Name)}
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                kept.add(node.name)
    # Each name where it is used first. Nothing is left out: a limit on their number would be a place to hide one.
    first: dict[str, int] = {}
    for name, line in sorted(uses, key=lambda use: use[1]):
        first.setdefault(name, line)
    return {
        "uses": list(first.items()),
        "asked": list(asked.items()),
        "own": sorted(bound | {f".{name}" for name in kept}),
    }


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # The signal at the soft limit tells why it died; that at the hard one is anybody's.
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _serve() -> None:
    """Fork a process for each source; each gets a socket from which it reads and to which it answers."""
    import ast  # noqa: F401 -- what the children would import, one by one
    import gc
    import os
    import socket
    import warnings  # noqa: F401

    gc.disable()  # a tree is all alive until its process ends
    control = socket.socket(fileno=0)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        while True:
            try:
                if os.waitpid(-1, 0 if not message else os.WNOHANG) == (0, 0):
                    break
            except ChildProcessError:
                break
        if not message:
            return
        try:
            forked = os.fork()
        except OSError:  # there may be too many processes; whoever asks sees that nothing came
            os.close(descriptors[0])
            continue
        if forked == 0:
            status = 1
            try:
                control.close()
                _limit()
                with socket.socket(fileno=descriptors[0]) as line, line.makefile("rb") as source:
                    line.sendall(json.dumps(_read(source.read())).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(descriptors[0])


def _main() -> None:
    if sys.argv[1:] == ["serve"]:
        _serve()
        return
    # Bytes, so that the parser itself sees a byte-order mark or an encoding declaration.
    source = sys.stdin.buffer.read()
    _limit()
    print(READY, flush=True)
    print(json.dumps(_read(source)))


if __name__ == "__main__":
    _main()
