"""The cloud's answer to a hub's bundle, as a file for the stick: what was taken, what is stored, what is new.

It changes nothing here, so it may be written as often as wanted; the newest is the best one.
"""

from __future__ import annotations

import base64
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from cloud import greeting
from cloud.api import within
from cloud.bundle_keys import secret
from cloud.clock import now_ms
from cloud.errors import NotThere
from cloud.hubs import feed_clock, known_hub
from cloud.snapshot import snapshot_page
from cloud.store.bundle_rows import BundleRow, RefusedSegment
from cloud.store.database import Connection, Database, fetch_all, fetch_one, fetch_values
from cloud.store.rows import FeedRow, HubIdentity
from sync import bundle_keys, wire
from sync.bundle import CHUNK_BYTES, Head, Kind, Sealer, new_head
from sync.bundle_wire import MOST_REFUSED, AnswerManifest, End
from sync.files import put_in_place

FEED_ROWS = 1000
IDS_A_CHUNK = 4000


@dataclass(frozen=True, slots=True)
class Answer:
    """What is in an answer written to `path`."""

    path: Path
    accepted_through: int
    entries: int
    segments: int


async def write_answer(database: Database, hub: HubIdentity, path: Path) -> Answer:
    """Write the answer to the newest bundle of a hub: all of it or no file. Raises NotThere or HubRevoked."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as file:
            answer = await _Writing(database, hub, file).run()
            file.flush()
            os.fsync(file.fileno())
        put_in_place(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return Answer(path, *answer)


class _Writing:
    """One answer on its way into a file."""

    def __init__(self, database: Database, hub: HubIdentity, file: BinaryIO) -> None:
        self._database, self._hub, self._file = database, hub, file
        self._key = {"club_id": hub.club_id, "hub_id": hub.hub_id}

    async def run(self) -> tuple[int, int, int]:
        async with self._database.transaction() as db:
            asked = await _newest(db, self._hub)
            row = await known_hub(db, self._hub)
            clock = await feed_clock(db, self._hub.club_id)
            seed = await secret(db, self._hub.club_id, now_ms())
            words = await greeting.standing(db, row, clock, now_ms())
            refused = await self._refused(db, asked)
        self._begin(seed, asked, words)
        manifest = AnswerManifest(
            answers=asked.bundle_id, greeting=words, asked_epoch=asked.epoch,
            asked_acked_seq=asked.first_seq - 1, refused=refused,
        )  # fmt: skip
        self._put("M", msgspec.json.encode(manifest))
        rows, cursor = 0, asked.cursor
        is_same = asked.feed_epoch in (0, clock.feed_epoch) and clock.horizon <= cursor <= clock.seq
        if not is_same:
            rows, cursor = await self._snapshot()
        rows += await self._feed(cursor)
        segments = await self._ids("bundle_segments_own") + await self._ids("bundle_segments_others")
        self._put("E", msgspec.json.encode(End(entries=rows, segments=segments)))
        return words.last_seq, rows, segments

    async def _refused(self, db: Connection, asked: BundleRow) -> list[wire.SegmentRejected]:
        question = {**self._key, "bundle_id": asked.bundle_id, "limit": MOST_REFUSED}
        found = await fetch_all(db, "bundle_refused", RefusedSegment, question)
        return [wire.SegmentRejected(id=it.seg_id.hex(), code=it.code) for it in found]

    def _begin(self, seed: bytes, asked: BundleRow, words: wire.HelloResponse) -> None:
        answer_id = str(uuid.uuid4())
        once = bundle_keys.one_time_key(seed, answer_id.encode())
        head = Head(
            writer="cloud", bundle_id=answer_id, club_id=self._hub.club_id, hub_id=self._hub.hub_id,
            made_ms=words.server_ms, once=base64.b64encode(bundle_keys.public_of(once)).decode(),
            to=bundle_keys.fingerprint(asked.reply_key),
        )  # fmt: skip
        signed = new_head(head, bundle_keys.signing_seed(seed))
        self._file.write(signed.signed + signed.signature)
        self._sealer = Sealer(bundle_keys.chunk_key(once, asked.reply_key, signed.signed), signed.signed)

    def _put(self, kind: Kind, content: bytes) -> None:
        self._file.write(self._sealer.seal(kind, content))

    async def _snapshot(self) -> tuple[int, int]:
        """The club's records page by page; how many, and the entry the feed goes on behind."""
        rows, at_seq, after = 0, None, ("", "")
        while True:
            async with self._database.transaction() as db:
                page = await snapshot_page(db, self._hub, *after, CHUNK_BYTES)
            at_seq = page.at_seq if at_seq is None else at_seq
            self._put("P", msgspec.json.encode(page))
            rows += len(page.rows)
            if page.next_tbl is None:
                return rows, at_seq
            after = (page.next_tbl, page.next_pk or "")

    async def _feed(self, cursor: int) -> int:
        entries = 0
        while True:
            async with self._database.transaction() as db:
                question = {"club_id": self._hub.club_id, "after": cursor, "limit": FEED_ROWS}
                found = await fetch_all(db, "feed_after", FeedRow, question)
            ops = within(
                [msgspec.convert(it, wire.FeedOp, from_attributes=True) for it in found], CHUNK_BYTES
            )
            if not ops:
                return entries
            cursor = ops[-1].seq
            self._put("F", msgspec.json.encode(wire.PullResponse(ops=ops, head=cursor)))
            entries += len(ops)

    async def _ids(self, name: str) -> int:
        n, after = 0, b""
        while True:
            async with self._database.transaction() as db:
                question = {**self._key, "after": after, "limit": IDS_A_CHUNK}
                ids = [bytes(it) for it in await fetch_values(db, name, question)]
            if not ids:
                return n
            self._put("I", b"".join(ids))
            after, n = ids[-1], n + len(ids)


async def _newest(db: Connection, hub: HubIdentity) -> BundleRow:
    row = await fetch_one(db, "bundles_to_answer", BundleRow, {"club_id": hub.club_id, "hub_id": hub.hub_id})
    if row is None:
        raise NotThere("a bundle of this hub to answer.", hint="Upload one the hub has written first.")
    return row
