"""Which tables a hub may write and what their known fields must look like.

Unknown fields are kept as they are, since the hub may be newer; an unknown table is refused, and so is a
field that bears the name of the record's key or of a column hubs fill themselves.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from hub.analytics.effective import FIELDS, How, change_fields
from sync import record_fields, refused_edits, two_edits, wire
from sync.bounds import MOST_OP_BYTES
from sync.record_fields import is_day, is_moment, is_utc_offset

Check = Callable[[Any], bool]

MAX_INT = 2**53
MAX_TEXT = 2000
MAX_BOOT = 2**31
MAX_LIST = 1000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an op cannot be accepted; `code` goes back through the feed."""

    code: str
    detail: str


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _number(value: Any) -> bool:
    return type(value) is int and abs(value) <= MAX_INT


def _amount(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= MAX_INT


def _list(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MAX_LIST


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _never(_: Any) -> bool:
    """The cloud alone writes it."""
    return False


def _bpm(value: Any) -> bool:
    return type(value) is int and 20 <= value <= 260


def _one_of(*words: str) -> Check:
    return lambda value: value in words


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _of_a_change(name: str) -> Check:
    """Whether the formulas would take the value: hub and cloud then fold the same changes."""
    return lambda value: name in change_fields({name: value})


TABLES: Mapping[str, Mapping[str, Check]] = {
    "athlete": {
        "name": _text,
        "shirt_number": _or_none(lambda value: _number(value) and 0 <= value <= 9999),
        "sex": _one_of("F", "M", "U"),
        "hr_max_bpm": _or_none(_bpm),
        "hr_rest_bpm": _or_none(_bpm),
        "is_active": _flag,
    },
    "session": {
        "title": _text,
        "sport": _text,
        "started_at_ms": is_moment,
        "utc_offset_s": is_utc_offset,
        "ended_at_ms": _or_none(is_moment),
        "boot_no": lambda value: _number(value) and 0 <= value < MAX_BOOT,
        "mono0_ms": _number,
        "mono1_ms": _or_none(_number),
        "source": _text,
        "is_removed": _flag,
    },
    "source": {
        **dict.fromkeys(
            (
                "import_id",
                "sha256",
                "provider",
                "format",
                "identity",
                "device",
                "device_serial",
                "person_name",
                "account",
                "sport",
                "title",
                "offset_known_by",
            ),
            _text,
        ),
        **dict.fromkeys(("session_id", "athlete_id", "hr_stream_id", "motion_stream_id"), _or_none(_text)),
        **dict.fromkeys(("number", "records", "hr_n", "rr_n", "shifted_s"), _number),
        "started_at_ms": is_moment,
        "hr_max": _or_none(_number),
        **dict.fromkeys(("hr_chosen_at_ms", "motion_chosen_at_ms", "rows_end_ms"), _or_none(is_moment)),
        **dict.fromkeys(("timer_s", "distance_m", "energy_kcal", "hr_mean"), _or_none(_amount)),
        "elapsed_s": _amount,
        "utc_offset_s": is_utc_offset,
        "laps": _list,
        "stated": _list,
        "may_fill": _flag,
        "is_removed": _flag,
    },
    "daily_value": {
        **dict.fromkeys(("person_name", "name", "unit", "source", "import_id"), _text),
        "athlete_id": _or_none(_text),
        "date": is_day,
        "value": _amount,
        "updated_at_ms": is_moment,
        "is_removed": _flag,
    },
    "profile_change": {
        **{name: _or_none(_of_a_change(name)) for name in FIELDS},
        "athlete_id": _text,
        "valid_from": is_day,
        "clears": lambda value: _list(value) and all(it in FIELDS for it in value),
        "how": _one_of(*How),
        "note": _text,
        "made_at_ms": is_moment,
        "made_by": _text,
        "is_removed": _flag,
    },
    two_edits.TABLE: {
        **dict.fromkeys(two_edits.WRITTEN_BY_CLOUD, _never),
        "state": _one_of(*two_edits.STATES),
        "settled_by": _text,
    },
    refused_edits.TABLE: {
        "state": _one_of(*refused_edits.STATES),
        "settled_by": lambda value: _text(value) and len(value) <= refused_edits.MOST_NAME,
        "settled_at": _one_of(*refused_edits.PLACES),
    },
    "strap": {"name": _text, "address": _text, "athlete_id": _or_none(_text)},
    "stream": {"strap_id": _text, "boot_no": _number, "channel": _text},
    "stream_assignment": {
        "stream_id": _text,
        "athlete_id": _text,
        "session_id": _text,
        "from_ms": _number,
        "to_ms": _or_none(_number),
    },
}
CLOUD_TABLES = frozenset({"insight"})


def refusal(op: wire.Op) -> Refusal | None:
    """Why this op is refused, or None when it may be merged."""
    if op.tbl in CLOUD_TABLES:
        return Refusal("read_only_table", f"{op.tbl} is written by the cloud")
    checks = TABLES.get(op.tbl)
    if checks is None:
        return Refusal("unknown_table", f"no table is called {op.tbl[:80]!r}")
    if not op.pk or len(op.pk) > 200 or "\0" in op.pk:
        return Refusal("invalid", "pk is not a key")
    if not (0 <= op.boot_no < MAX_BOOT and _number(op.mono_ms) and _number(op.after_ms)):
        return Refusal("invalid", "boot_no, mono_ms or after_ms is out of range")
    if (name := record_fields.reserved(op.tbl, op.pk, op.fields)) is not None:
        return Refusal("reserved", f"{op.tbl}.{name} is not a field's to set")
    if (fault := record_fields.fault(op.fields)) is not None:
        return Refusal("invalid", f"a field holds {fault}")
    if is_too_large(op.fields):
        return Refusal("too_large", f"its fields are more than {MOST_OP_BYTES} bytes")
    for name, value in op.fields.items():
        check = checks.get(name)
        if check is not None and not _passes(check, value):
            return Refusal("invalid", f"{op.tbl}.{name} cannot be {str(value)[:80]!r}")
    return None


def _passes(check: Check, value: Any) -> bool:
    try:
        return check(value)
    except (TypeError, ValueError, OverflowError):  # so odd a value that it cannot even be looked at
        return False


def is_op_id(text: str) -> bool:
    """Op ids are uuids in their usual form; anything else cannot be chained."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def is_too_large(fields: Mapping[str, Any]) -> bool:
    """Whether fields take more room than hubs and bundles have for one operation."""
    return len(msgspec.json.encode(fields)) > MOST_OP_BYTES
