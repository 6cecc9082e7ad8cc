"""What a decision about a refused edit does to the edit the cloud keeps: put away, sent again, or open again.

The decision is a record like any other and merged as one; a hub decides about its own refused edits only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cloud.records import Refusal
from cloud.store.database import Connection, fetch_values, send
from cloud.store.rows import RecordRow
from sync.refused_edits import AGAIN, AWAY, OPEN, TABLE

__all__ = ["NOT_YOURS", "STATES", "TABLE", "carry_out", "of_others"]

NOT_YOURS = Refusal("not_yours", "the refused edit is another hub's")
STATES = {OPEN: "open", AWAY: "discarded", AGAIN: "resent"}
"""A decision, and the state of the dead letter it makes; one that was taken in after all stays so."""


async def of_others(db: Connection, club_id: str, hub_id: str, op_ids: Iterable[str]) -> set[str]:
    """Those that another hub of the club sent; a hub that was shut out may have joined again as this one."""
    params = {"club_id": club_id, "hub_id": hub_id, "op_ids": sorted(op_ids)}
    return set(await fetch_values(db, "letters_of_others", params))


async def carry_out(
    db: Connection, club_id: str, records: Mapping[tuple[str, str], RecordRow], now_ms: int
) -> None:
    """Do what these records say, as they stand merged, inside the transaction that wrote them."""
    for (tbl, op_id), record in records.items():
        state = STATES.get(record.doc.get("state", "")) if tbl == TABLE else None
        if state is not None:
            params = {"club_id": club_id, "op_id": op_id, "state": state, "now_ms": now_ms}
            await send(db, "letter_decided", params)
