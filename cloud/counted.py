"""How many of a thing there are, as people say it.

It knows no words itself and no other language.
"""

from __future__ import annotations


def counted(n: int, one: str, many: str = "") -> str:
    """As in 1 edit, 2 edits, 3,000 entries; `many` where it is more than an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
