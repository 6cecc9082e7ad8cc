"""A real store in a folder, and edits with counted ids at a moment given; no clock, no radio."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import numpy as np

from hub.store import boots
from hub.store.database import Database
from hub.store.records import Moment
from sync.segments import Samples, Segment, seal
from sync.wire import Anchor, FeedOp

WALL_MS = 1_795_255_200_000
PERSON: dict[str, object] = {
    "name": "Ada", "shirt_number": 7, "sex": "F", "hr_max_bpm": 190, "hr_rest_bpm": 50, "is_active": True,
}  # fmt: skip


def counted_ids() -> Callable[[], str]:
    """Uuids 1, 2, 3 ..."""
    count = itertools.count(1)
    return lambda: str(UUID(int=next(count)))


def open_store(folder: Path) -> Database:
    """A new store whose boot 1 is this one."""
    database = Database.open(folder / "hub.db")
    database.write_now(lambda db: boots.register(db, "boot-one"))
    return database


def moment(new_id: Callable[[], str], mono_ms: int = 1_000, boot_no: int = 1) -> Moment:
    """A moment on boot 1."""
    return Moment(boot_no, mono_ms, WALL_MS + mono_ms, new_id)


def feed_set(
    seq: int, tbl: str, pk: str, fields: dict[str, object], *, stamp_ms: int, op_id: str = "",
    hub_id: str | None = None,
) -> FeedOp:  # fmt: skip
    """One confirmed edit."""
    return FeedOp(
        seq=seq, op_id=op_id or str(UUID(int=1_000_000 + seq)), kind="set", tbl=tbl, pk=pk, fields=fields,
        stamp_ms=stamp_ms, hub_id=hub_id,
    )  # fmt: skip


def feed_reject(seq: int, tbl: str, pk: str, op_id: str, reason: str) -> FeedOp:
    """One edit the cloud would not take."""
    return FeedOp(seq=seq, op_id=op_id, kind="reject", tbl=tbl, pk=pk, fields={}, stamp_ms=0, reason=reason)


def anchor(boot_no: int, mono_ms: int, wall_ms: int, err_ms: int = 10, source: str = "cloud") -> Anchor:
    """One fact about true time."""
    return Anchor(boot_no=boot_no, mono_ms=mono_ms, wall_ms=wall_ms, err_ms=err_ms, source=source)


def segment(stream_no: int, boot_no: int, mono0_ms: int, n: int = 3) -> Segment:
    """A short steady segment."""
    zeros = np.zeros(n, np.uint8)
    times = mono0_ms + 1_000 * np.arange(n, dtype=np.int64)
    samples = Samples(times, np.full(n, 120, np.int16), zeros, zeros, np.zeros(0, np.uint16))
    return seal(str(UUID(int=stream_no)), boot_no, samples)
