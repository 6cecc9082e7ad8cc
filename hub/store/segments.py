"""Sealed segments at rest: immutable, known by digest, kept until the cloud has them and longer."""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Connection

from hub.store import refused_segments
from sync.cut import inside
from sync.segments import Segment


def add(db: Connection, segment: Segment) -> None:
    """Keep a segment; one that is already here stays as it is.

    Of a stream an erased athlete wore, only what others wore is kept.
    """
    if db.execute("SELECT 1 FROM erased_stream WHERE stream_id = ?", (segment.stream_id,)).fetchone():
        left = inside(segment, _spans(db, segment.stream_id))
        if left is None:
            return
        segment = left
    db.execute(
        "INSERT OR IGNORE INTO segment(seg_id, stream_id, boot_no, mono0, mono1, n, codec, blob)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (segment.seg_id, segment.stream_id, segment.boot_no, segment.mono0_ms, segment.mono1_ms,
         segment.n, segment.codec, segment.payload),
    )  # fmt: skip


def of_stream(db: Connection, stream_id: str, from_ms: int, to_ms: int | None) -> list[Segment]:
    """Segments of a stream that touch [from_ms, to_ms), oldest first."""
    rows = db.execute(
        "SELECT seg_id, stream_id, boot_no, mono0, mono1, n, codec, blob FROM segment"
        " WHERE stream_id = ? AND mono1 >= ? AND (? IS NULL OR mono0 < ?) ORDER BY mono0",
        (stream_id, from_ms, to_ms, to_ms),
    )
    return [Segment(*row) for row in rows]


def unsent_ids(db: Connection, limit: int) -> list[bytes]:
    """Ids the cloud has neither confirmed nor refused, newest hour first and files (boot 0) last.

    Within an hour a stream's segments stand together, since they travel in less room so. Times of two boots
    do not compare, boot numbers do.
    """
    rows = db.execute(
        "SELECT seg_id FROM segment_waiting"
        " ORDER BY boot_no DESC, mono0 / 3600000 DESC, stream_id, mono0 DESC LIMIT ?",
        (limit,),
    )
    return [bytes(row[0]) for row in rows]


def count_waiting(db: Connection) -> int:
    """How many the cloud has neither confirmed nor refused."""
    return int(db.execute("SELECT count(*) FROM segment_waiting").fetchone()[0])


def by_id(db: Connection, seg_ids: Iterable[bytes]) -> list[Segment]:
    """The segments with these ids, in the order asked; unknown ids are left out."""
    found: list[Segment] = []
    for seg_id in seg_ids:
        row = db.execute(
            "SELECT seg_id, stream_id, boot_no, mono0, mono1, n, codec, blob FROM segment WHERE seg_id = ?",
            (seg_id,),
        ).fetchone()
        if row is not None:
            found.append(Segment(*row))
    return found


def mark_stored(db: Connection, seg_ids: Iterable[bytes]) -> None:
    """The cloud says it has these, whatever it said before."""
    ids = [(it,) for it in seg_ids]
    db.executemany("UPDATE segment SET state = 'stored' WHERE seg_id = ?", ids)
    db.executemany("DELETE FROM segment_refused WHERE seg_id = ?", ids)


def doubt_stored(db: Connection) -> None:
    """The cloud may have lost any of them: none counts as stored, or as refused, until it says so again."""
    db.execute("UPDATE segment SET state = 'sealed' WHERE state = 'stored'")
    refused_segments.doubt(db)


def cut_stream(db: Connection, stream_id: str) -> None:
    """Keep of a stream only what somebody wore, as the assignments stand now."""
    spans = _spans(db, stream_id)
    for segment in of_stream(db, stream_id, -(1 << 62), None):
        left = inside(segment, spans)
        if left is segment:
            continue
        db.execute("DELETE FROM segment WHERE seg_id = ?", (segment.seg_id,))
        if left is not None:
            add(db, left)


def cut_streams_of(db: Connection, seg_ids: Iterable[bytes]) -> None:
    """Cut the streams these segments are of."""
    for stream_id in sorted({segment.stream_id for segment in by_id(db, seg_ids)}):
        cut_stream(db, stream_id)


def _spans(db: Connection, stream_id: str) -> list[tuple[int, int | None]]:
    rows = db.execute("SELECT from_ms, to_ms FROM stream_assignment WHERE stream_id = ?", (stream_id,))
    return [(row[0], row[1]) for row in rows]
