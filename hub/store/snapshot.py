"""The club's records taken in whole, page by page, and put in place of what was confirmed all at once.

Until the last page everything reads as before. The hub's own edits on the way stay laid over it; which of
them the snapshot already holds, the first page says.
"""

from __future__ import annotations

import json
from sqlite3 import Connection
from typing import Any

from hub.store import boots, erasure, feed_head, meta, records, segments
from sync.outbox import Place
from sync.wire import SnapshotPage

FIRST = "snapshot_first"
AFTER = "snapshot_after"
"""Meta keys: the first page's words without its records, and the (table, key) the next page comes after."""


def place(db: Connection) -> Place | None:
    """How far a snapshot was taken in."""
    first, after = meta.value(db, FIRST), meta.value(db, AFTER)
    if first is None or after is None:
        return None
    head, (tbl, pk) = json.loads(first), json.loads(after)
    return Place(head["feed_epoch"], head["at_seq"], tbl, pk)


def taken(db: Connection) -> int | None:
    """How many records of a snapshot half way are here, None where none is."""
    if meta.value(db, FIRST) is None:
        return None
    return int(db.execute("SELECT count(*) FROM snapshot_row").fetchone()[0])


def take_page(db: Connection, page: SnapshotPage, wall_ms: int, after: tuple[str, str] | None = None) -> bool:
    """Keep a page aside; the last one puts all of them in place: whether that was done.

    `after` is the record it was asked to follow: another reader may have got on, or finished, meanwhile. A
    snapshot made while the cloud had another log under this hub's name is given up: which of this hub's
    operations it holds nobody can say before the two are in step again.
    """
    known = place(db)
    if known is not None and known.feed_epoch != page.feed_epoch:
        forget(db)  # the cloud was put back meanwhile: this page continues nothing
        return False
    if after is not None and after != (("", "") if known is None else (known.after_tbl, known.after_pk)):
        return False
    if known is None:
        _begin(db, page)
    db.executemany(
        "INSERT OR REPLACE INTO snapshot_row(tbl, pk, doc, stamps, hub_id) VALUES (?, ?, ?, ?, ?)",
        ((it.tbl, it.pk, json.dumps(it.doc), json.dumps(it.stamps), it.hub_id) for it in page.rows),
    )
    if page.next_tbl is not None:
        meta.put(db, AFTER, json.dumps([page.next_tbl, page.next_pk or ""]))
        return False
    head = json.loads(meta.value(db, FIRST) or "{}")
    is_of_this_log = _tells_of_this_log(db, head)
    if is_of_this_log:
        _put_in_place(db, head, wall_ms)
    forget(db)
    return is_of_this_log


def _begin(db: Connection, page: SnapshotPage) -> None:
    db.execute("DELETE FROM snapshot_row")
    head = {
        "feed_epoch": page.feed_epoch, "at_seq": page.at_seq, "epoch": page.epoch, "last_seq": page.last_seq,
        "last_chain": page.last_chain, "rejected": page.rejected,
        "erased": [[it.subject_id, it.seq] for it in page.erased],
    }  # fmt: skip
    meta.put(db, FIRST, json.dumps(head))


def forget(db: Connection) -> None:
    """Give up a snapshot under way; the next page asked for is a first one again."""
    db.execute("DELETE FROM snapshot_row")
    meta.put(db, FIRST, None)
    meta.put(db, AFTER, None)


def _tells_of_this_log(db: Connection, head: dict[str, Any]) -> bool:
    """Whether the operations the snapshot holds are those of this log; one no longer kept says nothing."""
    last_seq, told = head["last_seq"], head.get("last_chain", "")
    if head["epoch"] != meta.number(db, "epoch", 1) or last_seq >= meta.number(db, "next_seq", 1):
        return False
    row = db.execute("SELECT chain FROM outbox WHERE seq = ?", (last_seq,)).fetchone()
    return row is None or told in ("", row[0])


def _put_in_place(db: Connection, head: dict[str, Any], wall_ms: int) -> None:
    _settle_own_operations(db, head, wall_ms)
    _tell_whose(db)
    changed = db.execute(CHANGED).fetchall()
    db.execute("DELETE FROM base")
    db.execute(
        "INSERT INTO base(tbl, pk, doc, stamps, hub_id) SELECT tbl, pk, doc, stamps, hub_id FROM snapshot_row"
    )
    for tbl, pk in changed:
        records.show(db, tbl, pk, wall_ms)
    stamps = (json.loads(row[0]).values() for row in db.execute("SELECT stamps FROM base"))
    newest = max((max(it, default=0) for it in stamps), default=0)
    meta.put(db, "max_stamp", max(meta.number(db, "max_stamp"), newest))
    meta.put(db, "cursor", head["at_seq"])
    meta.put(db, "cursor_op", None)
    if head["feed_epoch"] != meta.number(db, "feed_epoch"):
        segments.doubt_stored(db)  # a cloud put back to a backup may have lost samples, too
        boots.doubt_told(db)
    meta.put(db, "feed_epoch", head["feed_epoch"])
    feed_head.at_least(db, head["at_seq"])
    known = erasure.subjects(db)
    for subject_id in sorted({*known, *(it for it, _ in head["erased"])}):
        for tbl, pk in erasure.give_up(db, subject_id, []):
            records.show(db, tbl, pk, wall_ms)
    shown = erasure.erase_again(db)
    for subject_id, seq in head["erased"]:
        if subject_id not in known:
            shown += erasure.erase_subject(db, subject_id, [], seq)
    for tbl, pk in shown:
        records.show(db, tbl, pk, wall_ms)


CHANGED = """
SELECT tbl, pk FROM snapshot_row JOIN base USING (tbl, pk)
    WHERE base.doc != snapshot_row.doc OR base.hub_id IS NOT snapshot_row.hub_id
UNION SELECT tbl, pk FROM (SELECT tbl, pk FROM snapshot_row EXCEPT SELECT tbl, pk FROM base)
UNION SELECT tbl, pk FROM (SELECT tbl, pk FROM base EXCEPT SELECT tbl, pk FROM snapshot_row)
UNION SELECT tbl, pk FROM outbox
"""


def _tell_whose(db: Connection) -> None:
    """A record is ours where it was before, or where this hub has an edit of it in its log."""
    db.execute(
        "UPDATE snapshot_row SET hub_id = CASE"
        " WHEN tbl NOT IN ('session', 'stream', 'stream_assignment', 'source') THEN NULL"
        " WHEN EXISTS (SELECT 1 FROM outbox o WHERE o.tbl = snapshot_row.tbl AND o.pk = snapshot_row.pk)"
        " OR EXISTS (SELECT 1 FROM base b WHERE b.tbl = snapshot_row.tbl AND b.pk = snapshot_row.pk"
        " AND b.hub_id IS NULL) THEN NULL ELSE coalesce(hub_id, ?) END",
        (records.OFFICE,),
    )


def _settle_own_operations(db: Connection, head: dict[str, Any], wall_ms: int) -> None:
    """Operations the snapshot holds get no echo any more: they are as good as echoed, or refused."""
    db.execute(
        "UPDATE outbox SET state = 'dead', reason = coalesce(reason, 'rejected by the cloud')"
        " WHERE seq <= ?1 AND op_id IN (SELECT value FROM json_each(?2))"
        " AND (echoed_at_ms IS NULL OR op_id IN (SELECT op_id FROM refused_edit))",
        (head["last_seq"], json.dumps(head["rejected"])),
    )
    records.ask_nobody(db, wall_ms)
    db.execute(
        "UPDATE outbox SET state = 'acked', reason = NULL, echoed_at_ms = coalesce(echoed_at_ms, ?2)"
        " WHERE seq <= ?1 AND state != 'dead'",
        (head["last_seq"], meta.cloud_ms(db, wall_ms)),
    )
    # what came after may not be in the snapshot, echoed or refused or not: it is the hub's word again, and
    # sent anew; refused ones too, of which a restored cloud never heard, though they stay hidden for a reason
    db.execute(
        "UPDATE outbox SET echoed_at_ms = iif(state = 'dead' OR op_id IN"
        " (SELECT op_id FROM refused_edit WHERE state != 'open'), echoed_at_ms, NULL), state = 'pending'"
        " WHERE seq > ?",
        (head["last_seq"],),
    )
    meta.put(db, "acked_seq", max(meta.number(db, "acked_seq"), int(head["last_seq"])))
