"""Refused segments as people can decide about them: stretches of one strap, with whose, of what and when.

Segments of a stream that follow one another and were refused for the same reason are one stretch, known by
its first segment. Nothing is decided or worded here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from sqlite3 import Connection

from hub.errors import NotFound
from hub.store import boots
from hub.store.feeds import FILE_PREFIX

TOGETHER_MS = 120_000
"""A silence up to this long divides no stretch."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch: `seg_ids` in order of time, times of its own boot, refused last at `refused_at_ms`."""

    stream_id: str
    boot_no: int
    codec: int
    code: str
    is_put_away: bool
    seg_ids: tuple[bytes, ...]
    mono0_ms: int
    mono1_ms: int
    refused_at_ms: int

    @property
    def stretch_id(self) -> str:
        """What it is known by."""
        return self.seg_ids[0].hex()


@dataclass(frozen=True, slots=True)
class Background:
    """Where a stretch comes from. `began_ms` is None where the time of its boot was never known.

    `strap` is a strap's name or, with `is_file`, that of a file.
    """

    strap: str
    is_file: bool
    people: tuple[str, ...]
    session: str | None
    began_ms: int | None
    utc_offset_s: int


_Row = tuple[str, int, str, bool, bytes, int, int, int, int]


def stretches(db: Connection) -> list[Stretch]:
    """All of them, the newest recording first."""
    rows = db.execute(
        "SELECT stream_id, codec, code, put_away_at_ms IS NOT NULL, seg_id, boot_no, mono0, mono1, at_ms"
        " FROM segment_refused JOIN segment USING (seg_id) ORDER BY 1, 2, 3, 4, mono0, seg_id"
    ).fetchall()
    found = [_stretch(run) for _, same in groupby(rows, lambda it: it[:4]) for run in _runs(list(same))]
    return sorted(found, key=lambda it: (it.boot_no, it.mono0_ms, it.stretch_id), reverse=True)


def _runs(rows: list[_Row]) -> Iterator[list[_Row]]:
    """Rows of one stream, cut where it was silent or other segments lie between."""
    begins = [0, *(at for at, (a, b) in enumerate(pairwise(rows), 1) if b[6] - a[7] > TOGETHER_MS)]
    for begin, end in pairwise([*begins, len(rows)]):
        yield rows[begin:end]


def _stretch(rows: list[_Row]) -> Stretch:
    stream_id, codec, code, is_away, _, boot_no, mono0_ms, _, _ = rows[0]
    return Stretch(
        stream_id, boot_no, codec, code, bool(is_away), tuple(bytes(row[4]) for row in rows), mono0_ms,
        max(row[7] for row in rows), max(row[8] for row in rows),
    )  # fmt: skip


def ids_of(db: Connection, stretch_id: str) -> tuple[bytes, ...]:
    """The segments of the stretch that a segment is in, by its id in hex. Raises NotFound."""
    for it in stretches(db):
        if any(seg_id.hex() == stretch_id for seg_id in it.seg_ids):
            return it.seg_ids
    raise NotFound("this refused recording", hint="It was tried again meanwhile; reload the page.")


def background(db: Connection, it: Stretch) -> Background:
    """Whose a stretch is, of which session, and when it began."""
    worn = db.execute(
        "SELECT athlete.name, session.title, session.boot_no, session.mono0_ms, session.started_at_ms,"
        " session.utc_offset_s FROM stream_assignment worn"
        " JOIN session USING (session_id) LEFT JOIN athlete USING (athlete_id)"
        " WHERE worn.stream_id = ? AND worn.from_ms <= ? AND (worn.to_ms IS NULL OR worn.to_ms > ?)"
        " AND worn.to_ms IS NOT worn.from_ms ORDER BY worn.from_ms",
        (it.stream_id, it.mono1_ms, it.mono0_ms),
    ).fetchall()
    strap, is_file = _source(db, it.stream_id)
    people = tuple(dict.fromkeys(row[0] for row in worn if row[0] is not None))
    if not worn:
        return Background(strap, is_file, people, None, _wall_ms(db, it), 0)
    title, boot_no, session_mono0_ms, started_at_ms, utc_offset_s = worn[0][1:]
    shift = boots.shift_ms(db, it.boot_no, boot_no)
    began_ms = started_at_ms + it.mono0_ms + shift - session_mono0_ms
    return Background(strap, is_file, people, title, began_ms, utc_offset_s)


def _source(db: Connection, stream_id: str) -> tuple[str, bool]:
    """A strap's name, or a file's; and whether it is a file's."""
    row = db.execute(
        "SELECT sensor_id, coalesce(strap.name, sensor_id) FROM stream"
        " LEFT JOIN strap ON strap_id = sensor_id WHERE stream_id = ?",
        (stream_id,),
    ).fetchone()
    if row is None:
        return "", False
    if not row[0].startswith(FILE_PREFIX):
        return row[1], False
    file = db.execute(
        "SELECT filename FROM source JOIN import USING (import_id)"
        " WHERE hr_stream_id = ?1 OR motion_stream_id = ?1",
        (stream_id,),
    ).fetchone()
    return ("" if file is None else file[0]), True


def _wall_ms(db: Connection, it: Stretch) -> int | None:
    if it.boot_no == boots.CIVIL_BOOT:
        return it.mono0_ms
    anchor = boots.best_anchor(db, it.boot_no)
    return None if anchor is None else anchor.wall_ms + it.mono0_ms - anchor.mono_ms
