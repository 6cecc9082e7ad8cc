"""Numbers, durations and headings as people and their spreadsheets write them.

It never guesses from one cell which mark is the decimal one: that is decided over a whole table.
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache

MOST_CHARS = 64
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_GROUPED_BY_COMMA = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_GROUPED_BY_DOT = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?", re.ASCII)
_GROUPED_BY_GAP = re.compile(r"(?<=\d)[\u00a0\u202f\u2009 '’](?=\d{3}(?:\D|$))")
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,9}))?", re.ASCII)


def fold(heading: str) -> str:
    """A heading for comparing: no accents, case or punctuation, words apart by one space.

    "Ø HR_(bpm)" and "ø hr bpm" are alike; so are NFC and NFD spellings.
    """
    plain = unicodedata.normalize("NFKD", heading[:1000]).casefold()
    letters = (" " if not c.isalnum() else c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(letters).split())


@lru_cache(maxsize=4096)  # heart rates and speeds repeat
def number(text: str, decimal_comma: bool = False) -> float | None:
    """A finite number, None for anything else.

    Groups of three are undone: "1,234.5", or "1.234,5" with `decimal_comma`; "46.5" is read with it too.
    """
    text = text.strip()
    if not text or len(text) > MOST_CHARS:
        return None
    if not text.isascii() or " " in text or "'" in text:
        text = _GROUPED_BY_GAP.sub("", text.replace("\N{MINUS SIGN}", "-"))
    if decimal_comma:
        if _GROUPED_BY_DOT.fullmatch(text):
            text = text.replace(".", "")
        text = text.replace(",", ".")
    elif _GROUPED_BY_COMMA.fullmatch(text):
        text = text.replace(",", "")
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def duration_s(text: str) -> float | None:
    """Seconds of "h:mm:ss" or "mm:ss", with a fraction or without; None for anything else."""
    found = _CLOCK.fullmatch(text.strip()) if len(text) <= MOST_CHARS else None
    if found is None:
        return None
    hours, minutes, seconds, fraction = found.groups()
    if int(seconds) > 59 or (hours is not None and int(minutes) > 59):
        return None
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")
