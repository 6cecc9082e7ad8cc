"""What may be written into a record at all: an edit that could never be sent is refused while it is made.

It knows no field's meaning; whether a value makes sense is judged where it is typed and where it is merged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hub.errors import ActionRefused
from sync.bounds import MOST_OP_BYTES
from sync.record_fields import (
    BEYOND_MS,
    FIRST_DAY,
    LAST_DAY,
    fault,
    is_day,
    is_utc_offset,
    reserved,
)

__all__ = ["BEYOND_MS", "FIRST_DAY", "LAST_DAY", "checked", "is_day", "is_utc_offset", "unsendable"]


def checked(tbl: str, pk: str, fields: Mapping[str, Any]) -> str:
    """The fields as the log keeps them. Raises ActionRefused, naming the field and what to do."""
    what = f"This change of {tbl.replace('_', ' ')} {pk[:40]}"
    if (name := reserved(tbl, pk, fields)) is not None:
        raise ActionRefused(f"{what} cannot be kept: it sets {name}.", hint="Leave that field out.")
    for name, value in fields.items():
        if (why := fault(name) or fault(value)) is not None:
            raise ActionRefused(f"{what} cannot be kept: {_named(name)} holds {why}.", hint="Correct it.")
    content = json.dumps(fields)
    if len(content) > MOST_OP_BYTES:
        raise _too_large(what, fields, len(content))
    return content


def unsendable(fields: Mapping[str, Any]) -> str | None:
    """Why fields that an older version wrote can never be sent, to be kept as a reason; None: they can."""
    if (why := fault(fields)) is not None:
        return f"it holds {why}"
    n_bytes = len(json.dumps(fields))
    if n_bytes > MOST_OP_BYTES:
        return f"it is {n_bytes / 1e6:,.1f} MB, which is too large to be sent"
    return None


def _too_large(what: str, fields: Mapping[str, Any], n_bytes: int) -> ActionRefused:
    longest = max(fields, key=lambda name: len(json.dumps(fields[name])))
    return ActionRefused(
        f"{what} is too large to be sent: {n_bytes / 1e6:,.1f} MB, most of it in {_named(longest)}.",
        hint=f"Shorten it; one change may hold {MOST_OP_BYTES / 1e6:,.1f} MB.",
    )


def _named(name: str) -> str:
    return name[:80].encode("utf-8", "replace").decode().replace("\0", "")
