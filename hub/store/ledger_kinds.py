"""The ledger kind by kind: what the hub has, what waits, what the cloud confirmed, what it refused and why.

Counted from the log, the confirmed records, the segments and what was refused of them; nothing is kept beside
them in the store.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from sqlite3 import Connection

from hub.store import meta, not_shown, refused_segments

KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Athletes and their values", ("athlete", "profile_change")),
    ("Sessions", ("session",)),
    ("Who wore which strap", ("strap", "stream", "stream_assignment")),
    ("Imports", ("source",)),
    ("Values of days", ("daily_value",)),
    ("Insights", ("insight",)),
    ("Edits that met", ("two_edits",)),
    ("Decisions about refused edits", ("refused_edit",)),
)
OTHERS = "Of a newer version"
RECORDINGS = {1: "Heart-rate recordings", 2: "Positions and speed"}


@dataclass(frozen=True, slots=True)
class KindLine:
    """One kind: things here, edits or recordings that wait, things the cloud confirmed, refusals by reason.

    `bytes_stored` is None for records. `kept` are recordings that were refused and put away: here alone.
    `not_shown` are records that are here and that pages cannot show.
    """

    name: str
    have: int
    pending: int
    stored: int
    refused: dict[str, int]
    bytes_stored: int | None = None
    kept: int = 0
    not_shown: int = 0

    @property
    def refused_n(self) -> int:
        """How many were refused."""
        return sum(self.refused.values())


class KindCounts:
    """Counts, and remembers what takes long to count until something may have changed it.

    Confirmed records change only with the feed, so with its cursor; segments only with the newest one, with
    how many wait, and with an erasure, which is an entry of the feed.
    """

    def __init__(self) -> None:
        self._stored: tuple[tuple[object, ...], Counter[str]] | None = None
        self._segments: tuple[tuple[object, ...], list[tuple[int, str, int, int]]] | None = None

    def lines(self, db: Connection) -> list[KindLine]:
        """Every kind there is anything of, recordings last."""
        feed = (meta.value(db, "cursor"), meta.value(db, "feed_epoch"))
        newest, sealed = db.execute(
            "SELECT (SELECT max(rowid) FROM segment), (SELECT count(*) FROM segment WHERE state = 'sealed')"
        ).fetchone()
        if self._stored is None or self._stored[0] != feed:
            self._stored = feed, _count(db, "SELECT tbl, count(*) FROM base WHERE doc != '{}' GROUP BY tbl")
        key = (*feed, newest, sealed)
        if self._segments is None or self._segments[0] != key:
            self._segments = (
                key,
                db.execute(
                    "SELECT codec, state, count(*), sum(length(blob)) FROM segment GROUP BY codec, state"
                ).fetchall(),
            )
        return [*_records(db, self._stored[1]), *_recordings(db, self._segments[1])]


def kind_lines(db: Connection) -> list[KindLine]:
    """Every kind there is anything of, recordings last, all counted now."""
    return KindCounts().lines(db)


def _records(db: Connection, stored: Counter[str]) -> list[KindLine]:
    new_here = _count(
        db,
        "SELECT tbl, count(DISTINCT pk) FROM outbox o WHERE state = 'pending' AND NOT EXISTS"
        " (SELECT 1 FROM base b WHERE b.tbl = o.tbl AND b.pk = o.pk AND b.doc != '{}') GROUP BY tbl",
    )
    held = stored + new_here
    pending = _count(db, "SELECT tbl, count(*) FROM outbox WHERE state = 'pending' GROUP BY tbl")
    dead = db.execute(
        "SELECT tbl, coalesce(reason, ''), count(*) FROM outbox"
        " WHERE state = 'dead' AND echoed_at_ms IS NULL GROUP BY 1, 2"
    ).fetchall()
    named = {tbl for _, tables in KINDS for tbl in tables}
    hidden = not_shown.counts(db)
    rest = tuple(sorted((held.keys() | pending.keys() | {row[0] for row in dead}) - named))
    lines = []
    for name, tables in (*KINDS, (OTHERS, rest)):
        refused: Counter[str] = Counter()
        for tbl, reason, n in dead:
            if tbl in tables:
                refused[reason] += n
        n, waits, there, odd = (sum(it[tbl] for tbl in tables) for it in (held, pending, stored, hidden))
        line = KindLine(name, n, waits, there, dict(refused), not_shown=odd)
        if line.have or line.pending or line.refused:
            lines.append(line)
    return lines


def _recordings(db: Connection, rows: list[tuple[int, str, int, int]]) -> list[KindLine]:
    turned_down = refused_segments.counts(db)
    lines = []
    for codec in sorted({row[0] for row in rows}):
        n = {state: count for it, state, count, _ in rows if it == codec}
        size = sum(size for it, state, _, size in rows if it == codec and state == "stored")
        refused = {it.code: it.n for it in turned_down if it.codec == codec and not it.is_put_away}
        kept = sum(it.n for it in turned_down if it.codec == codec and it.is_put_away)
        waiting = n.get("sealed", 0) - sum(refused.values()) - kept
        name = RECORDINGS.get(codec, "Recordings")
        lines.append(KindLine(name, sum(n.values()), waiting, n.get("stored", 0), refused, size, kept))
    return lines


def _count(db: Connection, question: str) -> Counter[str]:
    return Counter({str(tbl): int(n) for tbl, n in db.execute(question)})
