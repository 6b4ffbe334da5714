"""The throw-away process that reads the tokens of strangers' sources, run as a script: it lexes and never executes.

What it reads is JSON: `known`, names that stay what they are, and `sources`, texts. For each source it prints two lists
of [start, end, token]: its words as they are, comments word by word; and its structure, without comments, in which
every name that the author chose is the same.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

MEMORY = 1 << 30
TOKENS_LIMIT = 4000
"""Of one source: ten times those of a long solution. What comes after is not compared."""
_WORD = re.compile(r"\w+")

Tokens = list[tuple[int, int, str]]


def lexed(source: str, known: set[str]) -> tuple[Tokens, Tokens]:
    """The words and the structure of a source; it need not be valid Python.

    Args:
        source: the text.
        known: names that the author did not choose.
    """
    from pygments.lexers.python import PythonLexer
    from pygments.token import Comment, Keyword, Name, String, Text

    words: Tokens = []
    code: list[tuple[int, Any, str]] = []
    for start, kind, text in PythonLexer(ensurenl=False, stripnl=False).get_tokens_unprocessed(source):
        if len(words) >= TOKENS_LIMIT:
            break
        if kind in Text or not text.strip():
            continue
        if kind in Comment or kind in String.Doc:
            words += [(start + found.start(), start + found.end(), found[0]) for found in _WORD.finditer(text)]
        else:
            words.append((start, start + len(text), text))
            code.append((start, kind, text))
    structure: Tokens = []
    depth, before = 0, ""
    for place, (start, kind, text) in enumerate(code):
        depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
        after = code[place + 1][2] if place + 1 < len(code) else ""
        keyword = depth > 0 and after == "="
        if kind in Name and kind not in Name.Builtin and before != "." and text not in known and not keyword:
            token = "name"
        elif kind in String:
            token = "text"
        else:
            token = text if kind in Keyword or len(text) < 100 else "long"
        structure.append((start, start + len(text), token))
        before = text
    return words, structure


def _main() -> None:
    seconds = int(sys.argv[1])
    try:
        import resource
    except ImportError:
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked = json.load(sys.stdin)
    known = set(asked["known"])
    json.dump([lexed(source, known) for source in asked["sources"]], sys.stdout)


if __name__ == "__main__":
    _main()
