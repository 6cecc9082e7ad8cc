"""Read files as a reader would hand them over, made of a few words; and what a store holds, without its ids.

The same seed gives the same heart, on whatever device and from whatever second on.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import sqlite3
from collections.abc import Callable, Sequence
from sqlite3 import Connection
from typing import Any
from uuid import UUID

import numpy as np
from sqlite_utils import Database as Schema

from hub.devices.exports.found import (
    NO_RR,
    DailyValue,
    FoundSession,
    Held,
    KnownBy,
    Lap,
    Person,
    RrSeries,
    Track,
)
from hub.imports.readfile import ReadFile
from hub.imports.sealing import read_session
from hub.store import boots, segments
from hub.store.migrations import hub_schema
from hub.store.records import Moment, propose
from sync.segments import Samples, seal
from sync.wire import Anchor

START_MS = 1_795_168_800_000
WALL_MS = START_MS + 86_400_000
NOBODY = Person()


def heart_at(second: int, seed: int) -> int:
    """The heart rate of person `seed` in a second of true time (counted from START_MS)."""
    slow = 25 * math.sin(second / (90 + 7 * seed) + seed)
    return round(145 + slow + 12 * math.sin(second / (23 + seed) + 2 * seed))


def session(
    minutes: float = 30,
    *,
    at_s: int = 0,
    heart: int | None = 1,
    shift_s: int = 0,
    sensor_lag_s: int = 0,
    error_bpm: int = 0,
    silent: Sequence[tuple[int, int]] = (),
    person: Person = NOBODY,
    sport: str = "running",
    device: str = "",
    identity: str = "",
    title: str = "",
    has_rr: bool = False,
    distance_m: float | None = None,
    offset_known_by: KnownBy = KnownBy.FILE,
) -> FoundSession:
    """Somebody's effort from `at_s` on; `shift_s` is a wrong clock, `silent` seconds of true time unheard."""
    n = round(minutes * 60)
    true_s = np.arange(at_s, at_s + n + 1)
    heard = np.array([not any(a <= s < b for a, b in silent) for s in true_s.tolist()])
    at_ms = START_MS + (true_s + shift_s) * 1000
    track, rr = Track(at_ms), NO_RR
    if heart is not None:
        bpm = np.array([heart_at(s - sensor_lag_s, heart) + error_bpm for s in true_s.tolist()], float)
        track = Track(at_ms, {"bpm": np.where(heard, bpm, np.nan)})
        if has_rr:
            rr = RrSeries(at_ms[heard], 60_000 / bpm[heard], np.zeros(int(heard.sum()), np.bool_))
    return FoundSession(
        person=person, sport=sport, written_sport=sport, started_at_ms=int(at_ms[0]), elapsed_s=float(n),
        distance_m=distance_m, utc_offset_s=3600, offset_known_by=offset_known_by, title=title, device=device,
        identity=identity, track=track, rr=rr, n_records=int(heard.sum()),
        laps=(Lap("1", int(at_ms[0]), float(n)),),
    )  # fmt: skip


def file(
    name: str, *found: FoundSession, fmt: str = "", daily: Sequence[DailyValue] = (), provider: str = "maker",
    held: Sequence[Held] = (),
) -> ReadFile:  # fmt: skip
    """One export file; its bytes are told by its name, its format by the ending."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return ReadFile(
        name, sha256, 1000, fmt or name.rpartition(".")[2], provider,
        tuple(read_session(it, number, sha256) for number, it in enumerate(found)), tuple(daily), tuple(held),
    )  # fmt: skip


def counted_ids() -> Callable[[], str]:
    """Uuids 1, 2, 3 ..."""
    count = itertools.count(1)
    return lambda: str(UUID(int=next(count)))


def moment(new_id: Callable[[], str]) -> Moment:
    """The day after, on boot 1."""
    return Moment(1, 1_000, WALL_MS, new_id)


def memory_store(athletes: int = 2) -> tuple[Connection, Moment]:
    """A store in memory with athletes a1.. called Athlete 1.. in it."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    hub_schema.apply(Schema(db))
    now = moment(counted_ids())
    for number in range(1, athletes + 1):
        add_athlete(db, now, number)
    return db, now


def add_athlete(db: Connection, now: Moment, number: int, name: str = "") -> None:
    """An athlete with a full profile."""
    propose(db, now, "athlete", f"a{number}", {
        "name": name or f"Athlete {number}", "shirt_number": number, "sex": "F", "hr_max_bpm": 195,
        "hr_rest_bpm": 50, "is_active": True,
    })  # fmt: skip


def content(db: Connection) -> dict[str, Any]:
    """Everything that counts: sessions by their sources, what feeds whom in them, days. No ids made here."""
    found: dict[str, Any] = {}
    rows = db.execute(
        "SELECT session_id, title, sport, started_at_ms, ended_at_ms, utc_offset_s, source FROM session"
        " WHERE NOT is_removed"
    )
    for session_id, *about in rows.fetchall():
        told_by = db.execute(
            "SELECT source_id, athlete_id FROM source WHERE session_id = ? AND NOT is_removed ORDER BY 1",
            (session_id,),
        ).fetchall()
        fed = db.execute(
            "SELECT stream_id, athlete_id, from_ms, to_ms FROM stream_assignment"
            " WHERE session_id = ? AND (to_ms IS NULL OR to_ms > from_ms) ORDER BY 1, 3",
            (session_id,),
        ).fetchall()
        found[f"session of {told_by}"] = (about, fed)
    found["days"] = db.execute(
        "SELECT athlete_id, person_name, date, name, value, unit, source, updated_at_ms FROM daily_value"
        " WHERE NOT is_removed ORDER BY 1, 2, 3, 4, 7"
    ).fetchall()
    stray = db.execute(
        "SELECT count(*) FROM stream_assignment JOIN session USING (session_id)"
        " WHERE is_removed AND (to_ms IS NULL OR to_ms > from_ms)"
    ).fetchone()
    assert stray == (0,), "a removed session is still fed"
    return found


def add_recorded(
    db: Connection, now: Moment, *, at_s: int, minutes: int, silent: Sequence[tuple[int, int]] = ()
) -> str:
    """A session the hub recorded in boot 1, whose clock began an hour before, with athlete a1 (heart 1)."""
    boots.register(db, "boot-one")
    wall_ms = START_MS + at_s * 1000
    boots.add_anchor(db, Anchor(boot_no=1, mono_ms=3_600_000, wall_ms=wall_ms, err_ms=5, source="ntp"))
    start, end = 3_600_000, 3_600_000 + minutes * 60_000
    propose(db, now, "session", "live", {
        "title": "Training", "sport": "training", "started_at_ms": wall_ms, "utc_offset_s": 3600,
        "ended_at_ms": wall_ms + minutes * 60_000, "boot_no": 1, "mono0_ms": start, "mono1_ms": end,
        "source": "gatt",
    })  # fmt: skip
    stream_id = str(UUID(int=77))
    propose(db, now, "stream", stream_id, {"strap_id": "S1", "boot_no": 1, "channel": "hr"})
    propose(db, now, "stream_assignment", "worn", {
        "stream_id": stream_id, "athlete_id": "a1", "session_id": "live", "from_ms": start, "to_ms": end,
    })  # fmt: skip
    true_s = [s for s in range(at_s, at_s + minutes * 60) if not any(a <= s - at_s < b for a, b in silent)]
    n = len(true_s)
    samples = Samples(
        np.array([start + (s - at_s) * 1000 for s in true_s], np.int64),
        np.array([heart_at(s, 1) for s in true_s], np.int16),
        np.full(n, 2, np.uint8), np.zeros(n, np.uint8), np.zeros(0, np.uint16),
    )  # fmt: skip
    segments.add(db, seal(stream_id, 1, samples))
    return "live"
