"""What people decide about refused edits, as a record of its own: put away, sent again, or waiting once more.

Both sides write it like any other record, so the last word stands and reaches every hub by network or stick.
It holds nothing of the edit itself: the record's key is the op_id of the edit that was refused.
"""

from __future__ import annotations

from typing import Any

TABLE = "refused_edit"
OPEN, AWAY, AGAIN = "open", "away", "again"
STATES = (OPEN, AWAY, AGAIN)
"""It waits for somebody, it was put away, or it was sent again as a new edit."""
GROUND, ONLINE = "ground", "online"
PLACES = (GROUND, ONLINE)
MOST_NAME = 100
_DONE = {OPEN: "Taken out again", AWAY: "Put away", AGAIN: "Sent again"}
_WHERE = {GROUND: " at the ground", ONLINE: " online"}


def decision(state: str, by: str, place: str) -> dict[str, Any]:
    """The record's fields, always all of them: so a decision wins or loses as a whole."""
    return {"state": state, "settled_by": by[:MOST_NAME], "settled_at": place}


def words(state: str, by: str | None, place: str | None) -> str:
    """Who decided and where, without a full stop; "" where nobody has."""
    if state not in _DONE or (state == OPEN and not place):
        return ""
    return _DONE[state] + _WHERE.get(place or "", "") + (f" by {by}" if by else "")
