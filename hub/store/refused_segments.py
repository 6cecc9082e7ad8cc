"""Segments the cloud refused: why and when, kept until it takes them, they are tried again, or they are gone.

A refused segment is not sent again by itself and does not count as waiting. One that somebody put away stays
refused, for good, until that is taken back. Nothing here sends or deletes a segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection

REFUSED_SEGMENTS = """
-- what the cloud would not take, and what somebody said may stay on this hub alone
CREATE TABLE segment_refused(
    seg_id BLOB PRIMARY KEY REFERENCES segment ON DELETE CASCADE, code TEXT NOT NULL, at_ms INTEGER NOT NULL,
    put_away_at_ms INTEGER) STRICT, WITHOUT ROWID;
-- what is to be sent
CREATE VIEW segment_waiting AS SELECT seg_id, stream_id, boot_no, mono0, mono1, n, codec, blob FROM segment
    WHERE state = 'sealed' AND NOT EXISTS
    (SELECT 1 FROM segment_refused WHERE segment_refused.seg_id = segment.seg_id);
"""
ERASED = "erased"


@dataclass(frozen=True, slots=True)
class RefusedCount:
    """So many segments of a codec that the cloud refused for one reason, put away or not."""

    codec: int
    code: str
    is_put_away: bool
    n: int


def record(db: Connection, codes: Mapping[bytes, str], at_ms: int) -> None:
    """The cloud refused these; what is not here any more, or stored meanwhile, needs no mark."""
    db.executemany(
        "INSERT INTO segment_refused(seg_id, code, at_ms)"
        " SELECT seg_id, ?2, ?3 FROM segment WHERE seg_id = ?1 AND state = 'sealed'"
        " ON CONFLICT(seg_id) DO UPDATE SET code = excluded.code, at_ms = excluded.at_ms",
        [(seg_id, code, at_ms) for seg_id, code in codes.items()],
    )


def counts(db: Connection) -> list[RefusedCount]:
    """How many there are, by codec and reason."""
    rows = db.execute(
        "SELECT codec, code, put_away_at_ms IS NOT NULL, count(*) FROM segment_refused"
        " JOIN segment USING (seg_id) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    return [RefusedCount(codec, code, bool(is_away), n) for codec, code, is_away, n in rows]


def all_ids(db: Connection) -> set[bytes]:
    """Every refused segment, put away or not."""
    return {bytes(row[0]) for row in db.execute("SELECT seg_id FROM segment_refused")}


def try_again(db: Connection, seg_ids: Iterable[bytes]) -> None:
    """Send these once more."""
    db.executemany("DELETE FROM segment_refused WHERE seg_id = ?", ((it,) for it in seg_ids))


def put_away(db: Connection, seg_ids: Iterable[bytes], at_ms: int) -> None:
    """These stay on this hub alone."""
    db.executemany(
        "UPDATE segment_refused SET put_away_at_ms = ? WHERE seg_id = ?", ((at_ms, it) for it in seg_ids)
    )


def take_back(db: Connection, seg_ids: Iterable[bytes]) -> None:
    """These were not to be put away: they are refused, to be decided about."""
    db.executemany(
        "UPDATE segment_refused SET put_away_at_ms = NULL WHERE seg_id = ?", ((it,) for it in seg_ids)
    )


def doubt(db: Connection) -> None:
    """The cloud is another one than refused these, or an earlier one: it is asked anew.

    What somebody put away stays away.
    """
    db.execute("DELETE FROM segment_refused WHERE put_away_at_ms IS NULL")


def doubt_erased(db: Connection) -> None:
    """After a start, ask anew about what was somebody's who was erased and yet is here.

    By what is known here others wore it, and the cloud may have learnt that since.
    """
    db.execute("DELETE FROM segment_refused WHERE code = ? AND put_away_at_ms IS NULL", (ERASED,))
