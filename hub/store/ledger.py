"""What waits for the cloud, what it has, and when it was last heard: counted, never assumed."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.store import feed_head, meta, not_shown, refused_segments, shut_out, snapshot


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts of records (ops) and segments by state; times in epoch ms.

    Of the segments that the cloud refused, `segments_kept` were put away: they stay on this hub alone.
    `is_shut_out`: the club lets this hub in no more. `to_come` of `to_come_of` entries of the feed, as the
    cloud named its newest one last, are not here; None: it named none of this feed. `snapshot_taken` is None
    unless a snapshot is half way: then how many of its records are here. `not_shown` are records that are
    here and that pages cannot show, `not_shown_why` the reason of one of them. `recording_min` minutes
    were recorded since the last segment was sealed, a begun one whole: nothing sends them yet.
    """

    ops_pending: int
    ops_accepted: int
    ops_dead: int
    segments_pending: int
    segments_stored: int
    accepted_through: int
    cursor: int
    last_contact_ms: int | None
    hub_id: str | None
    club_name: str | None
    cloud_url: str | None
    segments_refused: int = 0
    segments_kept: int = 0
    is_shut_out: bool = False
    to_come: int | None = 0
    to_come_of: int = 0
    snapshot_taken: int | None = None
    not_shown: int = 0
    not_shown_why: str = ""
    recording_min: int = 0

    @property
    def pending(self) -> int:
        """Everything recorded here that the cloud has neither confirmed nor refused."""
        return self.ops_pending + self.segments_pending


def sync_ledger(db: Connection) -> Ledger:
    """The ledger as it stands."""
    counted = db.execute(
        "SELECT state, count(*) FROM outbox WHERE state != 'dead' OR echoed_at_ms IS NULL GROUP BY state"
    )  # a refused one that was put away is nobody's concern any more
    ops = dict(counted.fetchall())
    refused_ops = int(db.execute("SELECT count(*) FROM outbox WHERE state = 'dead'").fetchone()[0])
    segments = dict(db.execute("SELECT state, count(*) FROM segment GROUP BY state").fetchall())
    turned_down = refused_segments.counts(db)
    kept = sum(it.n for it in turned_down if it.is_put_away)
    refused = sum(it.n for it in turned_down) - kept
    proposed = meta.number(db, "next_seq", 1) - 1
    contact = meta.value(db, "last_contact_ms")
    hidden = not_shown.reasons(db)
    feed = feed_head.to_come(db)
    return Ledger(
        ops_pending=ops.get("pending", 0),
        ops_accepted=proposed - ops.get("pending", 0) - refused_ops - meta.number(db, meta.DEAD_FORGOTTEN),
        ops_dead=ops.get("dead", 0),
        segments_pending=segments.get("sealed", 0) - refused - kept,
        segments_stored=segments.get("stored", 0),
        accepted_through=meta.number(db, "acked_seq"),
        cursor=meta.number(db, "cursor"),
        last_contact_ms=None if contact is None else int(contact),
        hub_id=meta.value(db, "hub_id"),
        club_name=meta.value(db, "club_name"),
        cloud_url=meta.value(db, "cloud_url"),
        segments_refused=refused,
        segments_kept=kept,
        is_shut_out=shut_out.is_shut_out(db),
        to_come=feed.entries,
        to_come_of=feed.of,
        snapshot_taken=snapshot.taken(db),
        not_shown=len(hidden),
        not_shown_why=min(hidden.values(), default=""),
        recording_min=_recording_min(db),
    )


def _recording_min(db: Connection) -> int:
    """How long the journals reach that no segment holds yet, of straps or of pods, whichever is longer."""
    spans = db.execute(
        "SELECT sum(span_ms) FROM (SELECT 'hr' AS kind, max(mono_ms) - min(mono_ms) + 1 AS span_ms"
        " FROM tick GROUP BY boot_no UNION ALL SELECT 'motion', max(mono_ms) - min(mono_ms) + 1"
        " FROM pod_tick GROUP BY boot_no) GROUP BY kind"
    )
    return max((-(-span_ms // 60_000) for (span_ms,) in spans), default=0)
