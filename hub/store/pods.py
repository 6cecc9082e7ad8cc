"""Running pods: whose each is, and what they said since their last segment.

A row of `pod_tick` is a run of records, little-endian: stream_no u32, ms before the row's mono_ms u32, speed
in mm/s u32, steps a minute u16, the pod's own distance in dm i64 (-1 none). Sealed motion is a segment.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from sqlite3 import Connection

from hub.domain import Assignment
from sync.motion import CHANNEL

_RECORD = struct.Struct("<IIIHq")


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod on record and its wearer."""

    pod_id: str
    name: str
    address: str
    athlete_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stride:
    """One measurement of one stream."""

    stream_no: int
    mono_ms: int
    speed_mmps: int
    cadence_per_min: int
    distance_dm: int | None


def all_pods(db: Connection) -> list[Pod]:
    """Every pod ever worn or recorded."""
    rows = db.execute("SELECT pod_id, name, address, athlete_id FROM pod ORDER BY name, pod_id")
    return [Pod(*row) for row in rows]


def keep(db: Connection, pod: Pod) -> None:
    """Put a pod on record; one that is there stays as it is."""
    db.execute(
        "INSERT OR IGNORE INTO pod(pod_id, name, address, athlete_id) VALUES (?, ?, ?, ?)",
        (pod.pod_id, pod.name, pod.address, pod.athlete_id),
    )


def give(db: Connection, pod_id: str, athlete_id: str | None) -> None:
    """The pod is this athlete's and no other of theirs is, or it is nobody's."""
    db.execute("UPDATE pod SET athlete_id = NULL WHERE athlete_id = ?", (athlete_id,))
    db.execute("UPDATE pod SET athlete_id = ? WHERE pod_id = ?", (athlete_id, pod_id))


def still_worn(db: Connection) -> list[tuple[str, Assignment]]:
    """(pod id, assignment) of every pod's stream whose assignment has no end."""
    rows = db.execute(
        "SELECT pod.pod_id, worn.assignment_id, worn.stream_id, worn.athlete_id, worn.session_id,"
        " worn.from_ms FROM stream_assignment worn"
        " JOIN stream ON stream.stream_id = worn.stream_id AND stream.channel = ?"
        " JOIN pod ON pod.pod_id = stream.sensor_id WHERE worn.to_ms IS NULL",
        (CHANNEL,),
    )
    return [(row[0], Assignment(*row[1:])) for row in rows]


def took_part(db: Connection, session_id: str, stream_id: str, athlete_id: str) -> bool:
    """Whether the stream was worn in this session before, or the athlete wore any motion in it."""
    found = db.execute(
        "SELECT 1 FROM stream_assignment worn JOIN stream ON stream.stream_id = worn.stream_id"
        " WHERE worn.session_id = ? AND stream.channel = ? AND (worn.stream_id = ? OR worn.athlete_id = ?)",
        (session_id, CHANNEL, stream_id, athlete_id),
    )
    return found.fetchone() is not None


def append(db: Connection, boot_no: int, strides: list[Stride]) -> int:
    """Write one row; its time is the latest stride's. Returns the row's id."""
    row_ms = max(stride.mono_ms for stride in strides)
    blob = b"".join(
        _RECORD.pack(
            it.stream_no, row_ms - it.mono_ms, it.speed_mmps, it.cadence_per_min,
            -1 if it.distance_dm is None else it.distance_dm,
        )
        for it in strides
    )  # fmt: skip
    cursor = db.execute(
        "INSERT INTO pod_tick(boot_no, mono_ms, blob) VALUES (?, ?, ?)", (boot_no, row_ms, blob)
    )
    return int(cursor.lastrowid or 0)


def open_strides(db: Connection) -> list[tuple[int, int, list[Stride]]]:
    """(row id, boot_no, strides) of every row not yet sealed, oldest first."""
    rows = db.execute("SELECT id, boot_no, mono_ms, blob FROM pod_tick ORDER BY id")
    return [(row_id, boot_no, _unpacked(blob, row_ms)) for row_id, boot_no, row_ms, blob in rows]


def forget_through(db: Connection, row_id: int) -> None:
    """Drop rows whose strides were sealed in the same transaction."""
    db.execute("DELETE FROM pod_tick WHERE id <= ?", (row_id,))


def _unpacked(blob: bytes, row_ms: int) -> list[Stride]:
    return [
        Stride(stream_no, row_ms - before_ms, speed, cadence, None if distance < 0 else distance)
        for stream_no, before_ms, speed, cadence, distance in _RECORD.iter_unpack(blob)
    ]
