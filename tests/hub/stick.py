"""A hub with a backlog, the key of a cloud that is not there, and a reader for what was written."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hub.store import boots, meta, oplog, segments
from hub.store.bundles import WrittenBundle
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.syncing.bundle_write import Author, write_bundle
from hub.syncing.enrolment import load_key
from sync import wire
from sync.bundle import chunks, read_head
from sync.bundle_keys import CloudKey, cloud_key_b64, receiving_key, signing_public
from sync.bundle_wire import Manifest, decoded
from sync.segments import Samples, Segment, seal, unframe

CLOUD_SEED = bytes(range(32))
HUB_ID, CLUB_ID = "5f0c1c52-0000-4000-8000-000000000001", "5f0c1c52-0000-4000-8000-0000000000c1"
WALL_MS = 1_795_255_200_000


@dataclass(slots=True)
class Watcher:
    """Counts the steps, and does something at each."""

    at_step: Callable[[int], None] = lambda step: None
    steps: int = 0
    done_bytes: int = 0
    total_bytes: int = 0

    def went(self, done_bytes: int, total_bytes: int) -> None:
        assert self.done_bytes <= done_bytes <= total_bytes
        self.done_bytes, self.total_bytes = done_bytes, total_bytes
        self.steps += 1
        self.at_step(self.steps)


@dataclass(frozen=True, slots=True)
class Inside:
    """What a bundle holds."""

    manifest: Manifest
    ops: list[wire.Op]
    segments: list[bytes]
    anchors: int


class Backlog:
    """A hub's card that nothing was ever sent from."""

    def __init__(self, card: Path) -> None:
        card.mkdir(parents=True, exist_ok=True)
        self.card, self.store = card, Database.open(card / "hub.db")
        self.store.write_now(self._enrolled)
        self._step = 0

    def _enrolled(self, db: Any) -> None:
        boots.register(db, "boot-one")
        meta.put(db, "hub_id", HUB_ID)
        meta.put(db, "club_id", CLUB_ID)
        meta.put(db, "bundle_key", cloud_key_b64(CLOUD_SEED))

    def moment(self) -> Moment:
        self._step += 1000
        return Moment(1, self._step, WALL_MS + self._step, lambda: str(uuid.uuid4()))

    def edits(self, n: int, text: str = "Ann") -> None:
        def change(db: Any) -> None:
            for number in range(n):
                propose(db, self.moment(), "athlete", str(uuid.uuid4()), {"name": f"{text} {number}"})

        self.store.write_now(change)

    def recordings(self, n: int, boot_no: int = 1, from_s: int = 0) -> list[Segment]:
        made = [_steady(boot_no, from_s + 10 * at) for at in range(n)]

        def change(db: Any) -> None:
            for it in made:
                segments.add(db, it)

        self.store.write_now(change)
        return made

    def noise(self, n: int, size_bytes: int) -> None:
        """Segments of bytes that do not compress, which no cloud would take."""

        def change(db: Any) -> None:
            for at in range(n):
                seg_id, blob = os.urandom(32), os.urandom(size_bytes)
                stream = str(uuid.uuid4())
                segments.add(db, Segment(seg_id, stream, 1, at * 1000, at * 1000 + 999, 1, 1, blob))

        self.store.write_now(change)

    def author(self) -> Author:
        outbox = StoreOutbox(self.store, "boot-one", self.moment, lambda anchor: None)
        cloud = CloudKey.from_wire(self.store.read_now(lambda db: meta.value(db, "bundle_key")) or "")
        assert cloud is not None
        return Author(
            HUB_ID, CLUB_ID, load_key(self.card / "hub.key"), cloud, "1", asyncio.run(outbox.standing()),
            lambda: (self._step, WALL_MS + self._step), lambda: str(uuid.uuid4()),
        )  # fmt: skip

    def write(self, stick: Path, watcher: Watcher | None = None) -> WrittenBundle:
        stick.mkdir(exist_ok=True)
        return write_bundle(self.store, self.author(), stick, watcher or Watcher())

    def pending(self) -> tuple[list[str], set[bytes]]:
        """What waits: op ids in order, and segments."""
        ops = self.store.read_now(lambda db: oplog.pending(db, 1 << 30))
        ids = self.store.read_now(lambda db: segments.unsent_ids(db, 1 << 30))
        return [op.op_id for op in ops], set(ids)

    def close(self) -> None:
        self.store.close()


def _steady(boot_no: int, from_s: int) -> Segment:
    """Ten seconds of one heart rate."""
    times = (np.arange(10, dtype=np.int64) + from_s) * 1000
    none = np.zeros(10, np.uint8)
    samples = Samples(times, np.full(10, 120, np.int16), none, none, np.zeros(0, np.uint16))
    return seal(str(uuid.uuid4()), boot_no, samples)


def inside(path: Path, hub_seed: bytes, cloud_seed: bytes = CLOUD_SEED) -> Inside:
    """Open a bundle as the cloud would; every chunk is checked."""
    manifest: Manifest | None = None
    ops: list[wire.Op] = []
    found: list[bytes] = []
    anchors = 0
    with path.open("rb") as file:
        head = read_head(file)
        assert head.is_by(signing_public(hub_seed))
        for chunk in chunks(file, head, head.key_for(receiving_key(cloud_seed))):
            if chunk.kind == "M":
                manifest = decoded(chunk.content, Manifest)
            elif chunk.kind == "O":
                request = msgspec.json.decode(chunk.content, type=wire.PushRequest)
                ops += request.ops
                anchors += len(request.anchors)
            elif chunk.kind == "S":
                found += [it.seg_id for it in unframe(chunk.content)]
    assert manifest is not None
    return Inside(manifest, ops, found, anchors)
