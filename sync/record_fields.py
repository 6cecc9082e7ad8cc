"""What the fields of a record may hold, and which names are not theirs to set: the same on both sides.

It knows no table's own fields: what each of those must look like is the cloud's to say, and an unknown field
that is merely new is nobody's fault.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from sync import refused_edits, two_edits

PRIMARY_KEYS: Mapping[str, str] = {
    "athlete": "athlete_id",
    "strap": "strap_id",
    "session": "session_id",
    "stream": "stream_id",
    "stream_assignment": "assignment_id",
    "insight": "insight_id",
    "source": "source_id",
    "daily_value": "daily_value_id",
    "profile_change": "change_id",
    two_edits.TABLE: "two_edits_id",
    refused_edits.TABLE: "op_id",
}
"""The column in which each record's key stands where records are shown."""
RESERVED: Mapping[str, frozenset[str]] = {"stream": frozenset({"stream_no", "sensor_id"})}
"""Columns that each hub fills by itself, which no field may name."""
_PASSED_OVER = frozenset({"hub_id"})
MOST_DEEP = 20
LEAST_INT, MOST_INT = -(1 << 63), (1 << 63) - 1
BEYOND_MS = 7_258_118_400_000
"""2200-01-01 in epoch ms: what records tell of was from 1970 on and before this. The time of a clock wrong by
decades is within, and with any offset from UTC a calendar shows it."""
FARTHEST_OFFSET_S = 64_800
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def own_columns(tbl: str) -> frozenset[str]:
    """Columns of this table that no field fills, besides its key; `hub_id` may be sent and is passed over."""
    return RESERVED.get(tbl, frozenset()) | _PASSED_OVER


def reserved(tbl: str, pk: str, fields: Mapping[str, Any]) -> str | None:
    """A name among the fields that is not theirs to set; the record's own key under its own name is none."""
    key = PRIMARY_KEYS.get(tbl)
    if key is not None and key in fields and fields[key] != pk:
        return key
    return next((name for name in sorted(RESERVED.get(tbl, ())) if name in fields), None)


def is_moment(value: Any) -> bool:
    """Whether this is a time, in epoch ms, that a record may tell of."""
    return type(value) is int and 0 <= value < BEYOND_MS


def is_utc_offset(value: Any) -> bool:
    """Whether this is how many seconds a place may be ahead of UTC."""
    return type(value) is int and abs(value) <= FARTHEST_OFFSET_S


def is_day(value: Any) -> bool:
    """Whether this is a day of the calendar, as 2026-11-21, that a record may tell of."""
    try:
        is_written = isinstance(value, str) and _DAY.fullmatch(value) is not None
        return is_written and FIRST_DAY <= date.fromisoformat(value) <= LAST_DAY
    except ValueError:
        return False


def fault(value: Any, depth: int = 0) -> str | None:
    """What is wrong with a value that no side could keep, in a few words; None where nothing is."""
    if isinstance(value, str):
        return _text_fault(value)
    if depth > MOST_DEEP:
        return "values nested too deeply"
    if isinstance(value, int):
        return None if LEAST_INT <= value <= MOST_INT else "a number beyond 64 bits"
    if isinstance(value, float):
        return None if math.isfinite(value) else "a number that is not finite"
    if value is None:
        return None
    if isinstance(value, Mapping):
        value = [it for pair in value.items() for it in pair]
    if isinstance(value, list | tuple):
        return next((it for item in value if (it := fault(item, depth + 1)) is not None), None)
    return "a kind of value that cannot be sent"


def _text_fault(text: str) -> str | None:
    if "\0" in text:
        return "a zero character"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half a character"
    return None
