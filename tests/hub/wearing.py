"""What tests of who wore what need beside the ground: the desk over it, and the streams of its straps."""

from __future__ import annotations

from hub.store import straps
from hub.wearing.desk import Parts, WearingDesk
from tests.hub.ground import Ground


def desk_of(ground: Ground) -> WearingDesk:
    """The desk of a hub without pages and radio."""

    async def changed(_session_id: str | None) -> None:
        return None

    return WearingDesk(Parts(ground.store, ground.recorder, lambda: (), ground.moment, changed))


def stream_of(ground: Ground, strap_id: str) -> str:
    """The stream a strap fills in this boot."""
    found = ground.store.read_now(lambda db: straps.stream(db, ground.boot_no, strap_id))
    assert found is not None
    return found.stream_id
