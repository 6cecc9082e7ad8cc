"""The greeting that compares where a hub and the cloud stand: logs, feed, clocks and versions.

It finds out a restored card, a copied one and a cloud that was itself put back to a backup; it mends only
what is the cloud's to mend. What the hub must do follows from the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from cloud import erasure, ingest, turns
from cloud.bundle_keys import public_key
from cloud.clock import HELLO_SOURCE
from cloud.errors import HubCloned, HubUnknown, VersionDiffers
from cloud.hubs import feed_clock
from cloud.store.database import Connection, execute, fetch_one, fetch_value
from cloud.store.rows import ClubClock, HubIdentity, HubRow, HubRun
from sync import wire

HELLO_ERR_MS = 2000
ANCHOR_EVERY_MS = 600_000
"""A hub greets every few seconds: what that tells of its clock is kept as often as clocks drift."""
BATCH_BYTES = 1 << 20
LIMITS = wire.Limits(
    batch_bytes=BATCH_BYTES,
    inflight=turns.AT_ONCE,
    retry_after_s=turns.RETRY_AFTER_S,
    takes_batches=True,
    fills_chains=True,
)
DAY_MS = 86_400_000
FORKS_A_DAY = 5
"""A card restored more often than this in a day is two cards taking turns."""


async def hello(
    db: Connection,
    hub: HubIdentity,
    greeting: wire.HelloRequest,
    now_ms: int,
    token_sha256: bytes = b"",
    *,
    is_live: bool = True,
) -> wire.HelloResponse:
    """Answer a greeting; a larger epoch starts the hub's log anew, epochs never go back.

    One that is not live came in a bundle: it says nothing of the time, of who is running now, or of how far
    the hub has read since.

    Raises VersionDiffers, and HubCloned where two machines run under this hub's name: commit before it is
    answered, since the finding is kept.
    """
    if wire.PROTO not in greeting.proto:
        raise VersionDiffers(f"this cloud speaks {wire.PROTO}, the hub {greeting.proto[:8]}.")
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    row = await _locked(db, hub)
    if 0 < greeting.epoch < 2**62 and greeting.epoch > row.epoch:
        await execute(db, "hub_new_epoch", {**key, "epoch": greeting.epoch})
        if token_sha256:
            await execute(db, "hub_other_tokens_end", {"hub_id": hub.hub_id, "token_sha256": token_sha256})
        row = await _locked(db, hub)
    if is_live and greeting.epoch == row.epoch:  # only who is in step proves by coming back that it lives on
        await _note_run(db, hub, greeting, now_ms)
    place = Place(greeting.feed_epoch, greeting.cursor, greeting.cursor_op)
    clock = await feed_at(db, hub.club_id, place, now_ms)
    is_same_feed = greeting.feed_epoch in (0, clock.feed_epoch) and 0 <= greeting.cursor <= clock.seq
    if is_same_feed:
        erased_seq = max(0, min(greeting.erased_seq, clock.seq))
        head_seq = min(max(greeting.head_seq, 0), 2**62)
        stands = {"cursor": greeting.cursor, "erased_seq": erased_seq, "head_seq": head_seq, "now_ms": now_ms}
        waiting = {"segments_waiting": min(max(greeting.segments_waiting, 0), 2**62)} if is_live else {}
        await execute(db, "hub_greeted" if is_live else "hub_heard", {**key, **stands, **waiting})
    elif is_live:
        await execute(db, "hub_reads_anew", key)
    if is_live:
        anchor = wire.Anchor(
            boot_no=greeting.boot_no,
            mono_ms=greeting.mono_ms,
            wall_ms=now_ms,
            err_ms=HELLO_ERR_MS,
            source=HELLO_SOURCE,
        )
        about = {
            "boot_no": anchor.boot_no,
            "from_ms": anchor.mono_ms - ANCHOR_EVERY_MS,
            "to_ms": anchor.mono_ms,
        }
        if not await fetch_value(db, "anchor_lately", {**key, **about}):
            await ingest.add_anchors(db, hub, [anchor], now_ms)
        if greeting.epoch == row.epoch and greeting.head_seq == row.last_seq:
            await erasure.cut_late(db, hub, now_ms)
    return await standing(db, row, clock, now_ms)


async def standing(db: Connection, row: HubRow, clock: ClubClock, now_ms: int) -> wire.HelloResponse:
    """Where the cloud stands with a hub."""
    return wire.HelloResponse(
        proto=wire.PROTO,
        server_ms=now_ms,
        last_seq=row.last_seq,
        last_chain=row.last_chain.hex(),
        epoch=row.epoch,
        feed_epoch=clock.feed_epoch,
        head=clock.seq,
        limits=LIMITS,
        min_schema=wire.OLDEST_SCHEMA,
        max_schema=wire.SCHEMA,
        bundle_key=await public_key(db, row.club_id, now_ms),
    )


async def find_clone(db: Connection, hub: HubIdentity, greeting: wire.HelloRequest, now_ms: int) -> bool:
    """Whether another machine is alive under this hub's name, kept for good when it is found.

    A process that greeted under an epoch before another one began the next is still there: after a card was
    restored nobody is left of before. To be asked, and committed, before `hello`.
    """
    row = await _locked(db, hub)
    if greeting.epoch >= row.epoch or not greeting.run_id:
        return False
    if row.cloned_ms is not None:
        return True
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    run = await fetch_one(db, "hub_run_get", HubRun, {**key, "run_id": greeting.run_id[:100]})
    forks = await fetch_value(db, "hub_forks_since", {**key, "since_ms": now_ms - DAY_MS})
    is_alive = run is not None and run.epoch < row.epoch
    if is_alive or forks > FORKS_A_DAY:
        await execute(db, "hub_cloned", {**key, "now_ms": now_ms})
        return True
    return False


def refuse_clone() -> HubCloned:
    """What to answer it."""
    return HubCloned()


async def _locked(db: Connection, hub: HubIdentity) -> HubRow:
    row = await fetch_one(db, "hub_lock", HubRow, {"club_id": hub.club_id, "hub_id": hub.hub_id})
    if row is None:
        raise HubUnknown()
    return row


async def _note_run(db: Connection, hub: HubIdentity, greeting: wire.HelloRequest, now_ms: int) -> None:
    run_id = greeting.run_id[:100].replace("\0", "")
    if not run_id or not 0 < greeting.epoch < 2**62:
        return
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    boot_no = min(max(greeting.boot_no, 0), 2**62)
    seen = {"run_id": run_id, "epoch": greeting.epoch, "boot_no": boot_no, "now_ms": now_ms}
    await execute(db, "hub_run_seen", {**key, **seen})
    await execute(db, "hub_runs_forget", {**key, "before_ms": now_ms - 60 * DAY_MS})


@dataclass(frozen=True, slots=True)
class Place:
    """How far a hub has read: of which feed, up to which entry, and that entry's op_id where it is known."""

    feed_epoch: int
    cursor: int
    cursor_op: str


async def feed_at(db: Connection, club_id: str, place: Place, now_ms: int) -> ClubClock:
    """The feed's head, begun anew where a hub has read what this cloud never wrote.

    Then this is a cloud put back to a backup, and every hub must take a snapshot.
    """
    clock = await feed_clock(db, club_id)
    if place.feed_epoch != clock.feed_epoch or not place.cursor_op:
        return clock
    if place.cursor <= clock.seq:
        op_id = await fetch_value(db, "feed_op_at", {"club_id": club_id, "seq": place.cursor})
        if op_id is None or op_id == place.cursor_op:  # None: compacted away, the pull will say so
            return clock
    await execute(db, "feed_begin_anew", {"club_id": club_id, "at_least": now_ms})
    return await feed_clock(db, club_id)


async def begin_all_feeds_anew(db: Connection, now_ms: int) -> int:
    """After the database was restored from a backup: every hub takes a snapshot; how many clubs that is."""
    return await execute(db, "feeds_begin_anew", {"at_least": now_ms})
