"""A claim code as people read and type it: the secret, and behind it, where wanted, the mark of a key.

The mark lets a hub that does not know the date tell its cloud from others at their first contact. Neither
part is checked here.
"""

from __future__ import annotations

import base64

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without I, L, O, 0 and 1, which look alike on a screen across a room."""
LENGTH = 8
MARK_LENGTH = 8
GROUP = 4


def normal(text: str) -> str:
    """A code however it was typed: capitals, no dashes, no spaces."""
    return "".join(text.upper().replace("-", "").split())


def parted(text: str) -> tuple[str, str]:
    """The secret and the mark behind it, "" where none was typed. Raises ValueError for half a mark."""
    code = normal(text)
    secret, mark = code[:LENGTH], code[LENGTH:]
    if mark and len(mark) != MARK_LENGTH:
        raise ValueError(f"{len(code)} characters, not {LENGTH} or {LENGTH + MARK_LENGTH}")
    return secret, mark


def shown(secret: str, pin: str = "") -> str:
    """The code in groups of four, with the mark of the key behind this pin where one is given."""
    code = secret + (key_mark(pin) if pin else "")
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def key_mark(pin: str) -> str:
    """Eight letters and digits, about 40 bits, that name a key. Raises ValueError for what is no pin."""
    rest = int.from_bytes(base64.b64decode(pin, validate=True)) % len(ALPHABET) ** MARK_LENGTH
    letters = []
    for _ in range(MARK_LENGTH):
        rest, at = divmod(rest, len(ALPHABET))
        letters.append(ALPHABET[at])
    return "".join(letters)
