"""What a tick costs with 80 straps: time of its commit and bytes it puts on the disk; prints only.

It runs the real recorder and store in a folder of the system's temporary space, as fast as it can
instead of once a second: set TMPDIR to the card or disk in question. It measures no radio and no page.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from itertools import count
from pathlib import Path
from uuid import UUID

import numpy as np

from hub.board import Board
from hub.domain import Contact, Reading
from hub.recorder import SEAL_MS, Recorder
from hub.store import boots
from hub.store.database import Database
from hub.store.records import Moment

STRAPS, SECONDS = 80, 900


class _Hub:
    """The recorder over a real store, with a clock that the loop below moves."""

    def __init__(self, folder: Path) -> None:
        self.database = Database.open(folder / "hub.db")
        self.boot_no = self.database.write_now(lambda db: boots.register(db, "bench"))
        self.mono_ms, self.ids = 1_000_000, count(1)
        self.recorder = Recorder(self.database, Board(), self.moment)

    def moment(self) -> Moment:
        return Moment(
            self.boot_no,
            self.mono_ms,
            1_795_255_200_000 + self.mono_ms,
            lambda: str(UUID(int=next(self.ids))),
        )


async def ticks_ms(hub: _Hub) -> tuple[list[float], list[float]]:
    """Milliseconds of every plain tick, and of those that also sealed."""
    rng = np.random.default_rng(1)
    plain: list[float] = []
    sealing: list[float] = []
    await hub.recorder.start_session("Bench", "training", 0)
    began_ms = hub.mono_ms
    for second in range(SECONDS):
        hub.mono_ms += 1_000
        for strap, bpm in enumerate(rng.integers(90, 190, STRAPS).tolist()):
            rr = (60 * 1024 // bpm,) * (1 + bpm // 120)
            hub.recorder.hear(Reading(f"S{strap}", hub.mono_ms - strap, bpm, rr, Contact.YES))
        began = time.perf_counter()
        await hub.recorder.tick()
        spent_ms = (time.perf_counter() - began) * 1000
        is_first = second == 0  # streams are begun in it
        is_sealing = (hub.mono_ms - began_ms) % (SEAL_MS + 1_000) == 0
        if not is_first:
            (sealing if is_sealing else plain).append(spent_ms)
    return plain, sealing


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        hub = _Hub(Path(folder))
        plain, sealing = asyncio.run(ticks_ms(hub))
        sizes = hub.database.read_now(lambda db: db.execute("SELECT avg(length(blob)) FROM tick").fetchone())
        hub.database.close()
        segments = sqlite3.connect(Path(folder) / "hub.db")
        n, size = segments.execute("SELECT count(*), avg(length(blob)) FROM segment").fetchone()
        segments.close()
        wal = wal_bytes(Path(folder) / "wal")
    print(f"straps {STRAPS}, ticks {len(plain) + len(sealing)} in {tempfile.gettempdir()}")
    print(f"commit p50, ms              {np.percentile(plain, 50):8.2f}")
    print(f"commit p99, ms              {np.percentile(plain, 99):8.2f}")
    print(f"commit that seals, ms       {np.max(sealing):8.2f}   (worst of {len(sealing)})")
    print(f"journal row, bytes          {sizes[0]:8.0f}")
    print(f"WAL a tick, bytes           {wal:8.0f}")
    print(f"segment, bytes              {size:8.0f}   ({n} segments)")


def wal_bytes(folder: Path) -> float:
    """Bytes a tick adds to the write-ahead log, from its growth over 100 ticks."""

    async def story() -> float:
        hub = _Hub(folder)
        await hub.recorder.start_session("Bench", "training", 0)
        sizes = []
        for _ in range(101):
            hub.mono_ms += 1_000
            for strap in range(STRAPS):
                hub.recorder.hear(Reading(f"S{strap}", hub.mono_ms, 150, (410, 410), Contact.YES))
            await hub.recorder.tick()
            sizes.append((folder / "hub.db-wal").stat().st_size)
        hub.database.close()
        return (sizes[-1] - sizes[0]) / 100

    return asyncio.run(story())


if __name__ == "__main__":
    main()
