"""How an edit gets its final stamp and how it joins a record: per field, the larger stamp wins.

Pure; it neither locks nor stores. A tie goes to the later commit, which is the edit being merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cloud.store.rows import RecordRow


@dataclass(frozen=True, slots=True)
class Proposal:
    """What decides a stamp: the edit's estimated true time and the newest stamp its author had seen."""

    wall_ms: int
    after_ms: int


def stamp(proposal: Proposal, *, server_ms: int, hub_max_stamp: int, record: RecordRow) -> int:
    """The final stamp in ms: never in the future, above what the author saw, and in the hub's own order.

    `after_ms` beyond every stamp ever given out is wrong; it is cut to what this record can have shown.
    """
    seen = min(proposal.after_ms, max(server_ms, *record.stamps.values(), 0))
    return max(min(proposal.wall_ms, server_ms), seen + 1, hub_max_stamp + 1)


def merge(record: RecordRow, fields: Mapping[str, Any], stamp_ms: int) -> RecordRow:
    """The record with every field whose stamp is not older than the one it has."""
    won = {name: value for name, value in fields.items() if stamp_ms >= record.stamps.get(name, stamp_ms)}
    return replace(
        record, doc={**record.doc, **won}, stamps={**record.stamps, **dict.fromkeys(won, stamp_ms)}
    )
