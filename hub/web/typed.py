"""What people type into forms: whether anything of it can be seen.

It judges no meaning; what a name may be besides is each form's own business.
"""

from __future__ import annotations

import unicodedata

UNSEEN_KINDS = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})
UNSEEN_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Fillers and the empty braille cell: counted among letters and signs, and drawn as nothing."""


def is_unseen(text: str) -> bool:
    """Whether a text shows nothing at all, as one of zero-width characters does."""
    return all(it in UNSEEN_LETTERS or unicodedata.category(it) in UNSEEN_KINDS for it in text)
