"""Health: one small answer for probes, without sign-in and without names.

It judges nothing beyond being able to answer; the numbers are for who asks.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get

from hub.store import ledger, sync_findings
from hub.syncing.words import is_synced
from hub.web.parts import parts_of


class LiveHealth(msgspec.Struct, frozen=True):
    """Athletes on the board and how many have a fresh value."""

    athletes: int
    fresh: int


class SyncHealth(msgspec.Struct, frozen=True):
    """What waits for the cloud; `last_contact` is epoch ms UTC or null.

    `synced` is what the sync page says: true only while nothing waits either way or was refused.
    """

    pending: int
    accepted_through: int
    last_contact: int | None
    synced: bool


class ClockHealth(msgspec.Struct, frozen=True):
    """Whether wall time is tied to true time."""

    verified: bool


class Health(msgspec.Struct, frozen=True):
    """The hub's health; `session` is the running session's id or null."""

    status: str
    version: str
    live: LiveHealth
    session: str | None
    sync: SyncHealth
    clock: ClockHealth


@get("/healthz", opt={"is_public": True}, summary="Health", tags=["hub"])
async def healthz(request: Request[Any, Any, Any]) -> Health:
    """Live athletes, running session, sync and clock."""
    parts = parts_of(request)
    books, finding = await parts.database.read(
        lambda db: (ledger.sync_ledger(db), sync_findings.last_finding(db))
    )
    refused = {"refused": it} if (it := books.ops_dead + books.segments_refused) else {}
    snapshot = parts.board.snapshot(parts.now_mono_ms(), parts.now_wall_ms())
    return Health(
        status="ok",
        version=parts.version,
        live=LiveHealth(len(snapshot.athletes), snapshot.fresh),
        session=None if snapshot.session is None else snapshot.session.session_id,
        sync=SyncHealth(
            books.ops_pending + books.segments_pending,
            books.accepted_through,
            books.last_contact_ms,
            is_synced(books, parts.sync_view(), refused, finding, parts.now_wall_ms()),
        ),
        clock=ClockHealth(parts.clock_is_verified()),
    )


HANDLERS = [healthz]
