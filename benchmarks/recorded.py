"""A made-up training as a hub holds it: squad, straps, streams, who wore what, and sealed segments of 300 s.

It only fills a store; nothing is sent and nothing measured here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from sqlite3 import Connection
from uuid import UUID

import numpy as np

from benchmarks.segments import walk
from hub.store import segments
from hub.store.records import Moment, propose
from sync.segments import Samples, Segment, seal

SEGMENT_S = 300


@dataclass(frozen=True, slots=True)
class Training:
    """One recorded session: every athlete's samples and what they were sealed into."""

    session_id: str
    samples: dict[str, Samples]
    segments: list[Segment]


def ids(rng: np.random.Generator) -> Callable[[], str]:
    """Random uuids of a seed."""
    return lambda: str(UUID(bytes=rng.bytes(16), version=4))


def squad(db: Connection, moment: Moment, count: int) -> list[str]:
    """So many athletes; their ids."""
    members = [moment.new_id() for _ in range(count)]
    for number, athlete_id in enumerate(members, 1):
        fields = {
            "name": f"Athlete {number}", "shirt_number": number, "sex": "F" if number % 2 else "M",
            "hr_max_bpm": 185 + number % 15, "hr_rest_bpm": 50, "is_active": True,
        }  # fmt: skip
        propose(db, moment, "athlete", athlete_id, fields)
    return members


def training(
    db: Connection, moment: Moment, athletes: list[str], minutes: int, rng: np.random.Generator
) -> Training:
    """One finished session of all of them, from `minutes` ago until now, one strap each."""
    began_ms = moment.mono_ms - minutes * 60_000
    session_id = moment.new_id()
    session = {
        "title": "Training", "sport": "training", "started_at_ms": moment.wall_ms - minutes * 60_000,
        "utc_offset_s": 3600, "ended_at_ms": moment.wall_ms, "boot_no": moment.boot_no, "mono0_ms": began_ms,
        "mono1_ms": moment.mono_ms, "source": "gatt",
    }  # fmt: skip
    propose(db, moment, "session", session_id, session)
    heard, sealed = {}, []
    for number, athlete_id in enumerate(athletes, 1):
        strap_id, stream_id = f"{0xB0000000 + number:08X}", moment.new_id()
        if db.execute("SELECT 1 FROM strap WHERE strap_id = ?", (strap_id,)).fetchone() is None:
            strap = {"name": f"Strap {number}", "address": "", "athlete_id": athlete_id}
            propose(db, moment, "strap", strap_id, strap)
        stream = {"strap_id": strap_id, "boot_no": moment.boot_no, "channel": "hr"}
        worn = {"stream_id": stream_id, "athlete_id": athlete_id, "session_id": session_id,
                "from_ms": began_ms, "to_ms": moment.mono_ms}  # fmt: skip
        propose(db, moment, "stream", stream_id, stream)
        propose(db, moment, "stream_assignment", moment.new_id(), worn)
        heard[athlete_id] = samples = _from(walk(minutes * 60, rng), began_ms)
        sealed += [seal(stream_id, moment.boot_no, part) for part in _parts(samples)]
    for segment in sealed:
        segments.add(db, segment)
    return Training(session_id, heard, sealed)


def _from(samples: Samples, began_ms: int) -> Samples:
    return replace(samples, mono_ms=samples.mono_ms - samples.mono_ms[0] + began_ms)


def _parts(samples: Samples) -> list[Samples]:
    beats = np.concatenate(([0], np.cumsum(samples.rr_count, dtype=np.int64)))
    parts = []
    for at in range(0, len(samples), SEGMENT_S):
        end = min(at + SEGMENT_S, len(samples))
        parts.append(
            Samples(
                samples.mono_ms[at:end],
                samples.bpm[at:end],
                samples.contact[at:end],
                samples.rr_count[at:end],
                samples.rr_1024[beats[at] : beats[end]],
            )
        )
    return parts
