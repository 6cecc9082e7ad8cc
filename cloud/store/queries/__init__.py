"""Named SQL: blocks that start with `-- name: thing`, loaded once and asked for by name.

It builds no SQL: a block is sent exactly as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

NAME = re.compile(r"^-- name: ([a-z0-9_]+)$", re.MULTILINE)


def blocks(text: str) -> Iterator[tuple[str, bytes]]:
    """The (name, sql) pairs of one file."""
    marks = list(NAME.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=True):
        yield mark.group(1), text[mark.end() : end].strip().rstrip(";").encode()


def load() -> dict[str, bytes]:
    """Every named block of this package; a name used twice is a ValueError."""
    found: dict[str, bytes] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".sql"):
            continue
        for name, sql in blocks(file.read_text(encoding="utf-8")):
            if name in found:
                raise ValueError(f"two queries are called {name}")
            found[name] = sql
    return found


SQL = load()
