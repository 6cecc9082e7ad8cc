"""The open segment: one packed row a tick with everything the radio said since the last.

A blob is a run of records, little-endian: stream_no u32, ms before the row's mono_ms u32, bpm u16
(0 none), contact u8 (0 unsupported, 1 no, 2 yes), RR count u8, then RR u16 each in 1/1024 s.
It is read back only to go on after a restart and to seal segments.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection

MOST_INTERVALS = 255
"""Of one sample: as many as its count can tell."""

_RECORD = struct.Struct("<IIHBB")


@dataclass(frozen=True, slots=True)
class Sample:
    """One notification of one stream as the journal keeps it; `bpm` 0 is none."""

    stream_no: int
    mono_ms: int
    bpm: int
    contact: int
    rr_1024: tuple[int, ...]


def pack(samples: Iterable[Sample], row_mono_ms: int) -> bytes:
    """The blob of one row; no sample may be later than the row."""
    parts: list[bytes] = []
    for sample in samples:
        rr = sample.rr_1024[:MOST_INTERVALS]
        parts.append(
            _RECORD.pack(sample.stream_no, row_mono_ms - sample.mono_ms, sample.bpm, sample.contact, len(rr))
        )
        parts.append(struct.pack(f"<{len(rr)}H", *rr))
    return b"".join(parts)


def unpack(blob: bytes, row_mono_ms: int) -> list[Sample]:
    """The samples of one row, in the order they came."""
    samples: list[Sample] = []
    at = 0
    while at + _RECORD.size <= len(blob):
        stream_no, before_ms, bpm, contact, rr_n = _RECORD.unpack_from(blob, at)
        at += _RECORD.size
        rr = struct.unpack_from(f"<{rr_n}H", blob, at)
        at += 2 * rr_n
        samples.append(Sample(stream_no, row_mono_ms - before_ms, bpm, contact, rr))
    return samples


def append(db: Connection, boot_no: int, samples: list[Sample]) -> int:
    """Write one row; its time is the latest sample's. Returns the row's id."""
    row_mono_ms = max(sample.mono_ms for sample in samples)
    cursor = db.execute(
        "INSERT INTO tick(boot_no, mono_ms, blob) VALUES (?, ?, ?)",
        (boot_no, row_mono_ms, pack(samples, row_mono_ms)),
    )
    return int(cursor.lastrowid or 0)


def open_samples(db: Connection) -> list[tuple[int, int, list[Sample]]]:
    """(row id, boot_no, samples) of every row not yet sealed, oldest first."""
    rows = db.execute("SELECT id, boot_no, mono_ms, blob FROM tick ORDER BY id")
    return [(row_id, boot_no, unpack(blob, mono_ms)) for row_id, boot_no, mono_ms, blob in rows]


def forget_through(db: Connection, row_id: int) -> None:
    """Drop rows whose samples were sealed in the same transaction."""
    db.execute("DELETE FROM tick WHERE id <= ?", (row_id,))
