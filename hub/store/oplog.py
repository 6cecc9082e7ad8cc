"""This hub's numbered log of operations: where its chain stands, going back in it, and beginning it anew.

It is kept for a month after each operation's echo. Sending is the relay's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from sqlite3 import Connection
from typing import Any

from hub.store import boots, feed_head, meta, records, snapshot
from sync.chain import CHAIN_0, next_chain
from sync.wire import SUSPECT, Op

MOST_OPS = 2000
_AGAIN = "again_through"
"""Meta key: operations up to this one were made pending again, by a fork or a rewind."""


def pending(db: Connection, limit_bytes: int) -> list[Op]:
    """The oldest operations not acknowledged, about `limit_bytes` of them, at least one where any waits.

    None is left out in between: what the feed told of meanwhile goes along, since a log must have no hole.
    """
    return behind(db, held_through(db), limit_bytes)


def held_through(db: Connection) -> int:
    """The operation up to which the cloud holds this log, as far as is known here.

    The feed's word on an operation counts as an answer only where it was sent once. After a fork or a rewind
    the word may be of its first journey, while the cloud's log of now lacks it: there only answers count.
    """
    first_pending = db.execute("SELECT min(seq) FROM outbox WHERE state = 'pending'").fetchone()[0]
    held = meta.number(db, "next_seq", 1) - 1 if first_pending is None else int(first_pending) - 1
    acked_seq = meta.number(db, "acked_seq")
    return min(held, acked_seq) if acked_seq < meta.number(db, _AGAIN) else held


def behind(db: Connection, after_seq: int, limit_bytes: int) -> list[Op]:
    """The operations kept behind `after_seq`, acknowledged or not, about `limit_bytes` of them."""
    rows = db.execute(_SENT + " WHERE seq > ? ORDER BY seq LIMIT ?", (SUSPECT, after_seq, MOST_OPS))
    return _within(rows, limit_bytes)


_BARE = (
    "(is_suspect OR (reason IS NOT 'erased' AND EXISTS"
    " (SELECT 1 FROM refused_edit it WHERE it.op_id = outbox.op_id AND it.state != 'open')))"
)
"""What goes out without its content, so as to be refused: suspects, and what was put away or sent anew.

Its content stays here for a change of mind; a cloud put back to a backup must not take it in after all.
"""
_SENT = (
    f"SELECT seq, op_id, iif({_BARE}, ?, tbl), pk, iif({_BARE}, '{{}}', fields), after_ms, boot_no, mono_ms,"
    " chain, after_seq, made_by FROM outbox"
)


def _within(rows: Iterable[Any], limit_bytes: int) -> list[Op]:
    ops: list[Op] = []
    size = 0
    for seq, op_id, tbl, pk, fields, after_ms, boot_no, mono_ms, chain, after_seq, by in rows:
        size += len(fields) + 250
        if ops and size > limit_bytes:
            break
        ops.append(
            Op(
                seq=seq, op_id=op_id, tbl=tbl, pk=pk, fields=json.loads(fields), after_ms=after_ms,
                boot_no=boot_no, mono_ms=mono_ms, chain=chain, after_seq=after_seq, by=by,
            )
        )  # fmt: skip
    return ops


def chain_at(db: Connection, seq: int) -> str | None:
    """The chain behind operation `seq`, None where it was forgotten or never was."""
    if seq == 0:
        return CHAIN_0
    if seq == meta.number(db, "next_seq", 1) - 1:
        return meta.value(db, "chain_head")
    row = db.execute("SELECT chain FROM outbox WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else str(row[0])


def rewind(db: Connection, last_seq: int, wall_ms: int) -> bool:
    """Make everything after `last_seq` pending again, dead ones too, since a log must have no hole.

    False, and no change, where some of it is no longer kept.
    """
    wanted = meta.number(db, "next_seq", 1) - 1 - last_seq
    kept = db.execute("SELECT count(*) FROM outbox WHERE seq > ?", (last_seq,)).fetchone()[0]
    if wanted < 0 or kept != wanted:
        return False
    db.execute("UPDATE outbox SET state = 'pending' WHERE seq > ?", (last_seq,))
    _show(db, last_seq, wall_ms)
    meta.put(db, "acked_seq", last_seq)
    meta.put(db, _AGAIN, last_seq + wanted)
    return True


def fork(db: Connection, epoch: int, wall_ms: int) -> None:
    """Number everything kept anew from 1, all of it pending under a new epoch.

    What the cloud has already it knows by its op_id, so nothing happens twice. A snapshot under way is given
    up: its first page tells how much of the log of before it holds.
    """
    snapshot.forget(db)
    rows = db.execute("SELECT seq, op_id FROM outbox ORDER BY seq").fetchall()
    chain, changed = CHAIN_0, []
    for number, (seq, op_id) in enumerate(rows, 1):
        chain = next_chain(chain, op_id)
        changed.append((number, chain, seq))
    # new numbers are never above old ones, so going up in order steps on no number still in use
    db.executemany("UPDATE outbox SET seq = ?, chain = ?, state = 'pending' WHERE seq = ?", changed)
    meta.put(db, "next_seq", len(rows) + 1)
    meta.put(db, "chain_head", chain)
    meta.put(db, "acked_seq", 0)
    meta.put(db, meta.DEAD_FORGOTTEN, None)
    meta.put(db, _AGAIN, len(rows))
    meta.put(db, "epoch", epoch)
    boots.doubt_told(db)
    _show(db, 0, wall_ms)


def suspect(db: Connection, seq: int, reason: str, wall_ms: int) -> None:
    """From now on this operation goes out without its content, so as to be refused and kept for a person."""
    db.execute("UPDATE outbox SET is_suspect = 1, reason = ? WHERE seq = ?", (reason, seq))
    _show(db, seq - 1, wall_ms)


def _show(db: Connection, after_seq: int, wall_ms: int) -> None:
    rows = db.execute("SELECT DISTINCT tbl, pk FROM outbox WHERE seq > ?", (after_seq,)).fetchall()
    for tbl, pk in rows:
        records.show(db, tbl, pk, wall_ms)


def settle_read(db: Connection, at_seq_of: Mapping[int, int], wall_ms: int) -> None:
    """Operations the cloud had before, with their entries in the feed: what this hub has read of these is as
    good as echoed.

    A snapshot may hold more of this log than it can tell: no echo would ever come of that.
    """
    cursor = meta.number(db, "cursor") if feed_head.is_read_here(db) else -1
    for seq in [seq for seq, at_seq in at_seq_of.items() if at_seq <= cursor]:
        found = db.execute(
            "UPDATE outbox SET echoed_at_ms = ? WHERE seq = ? AND state = 'acked' AND echoed_at_ms IS NULL"
            " RETURNING tbl, pk",
            (meta.cloud_ms(db, wall_ms), seq),
        ).fetchall()
        for tbl, pk in found:
            records.show(db, tbl, pk, wall_ms)


def unechoed(db: Connection, last_seq: int) -> list[tuple[str, str]]:
    """The records of operations up to `last_seq` that the cloud has and whose echo did not come."""
    return db.execute(
        "SELECT DISTINCT tbl, pk FROM outbox WHERE seq <= ? AND state = 'acked' AND echoed_at_ms IS NULL",
        (last_seq,),
    ).fetchall()


def settle(db: Connection, last_seq: int, wall_ms: int) -> None:
    """They count as echoed: what is confirmed holds them, or something newer."""
    waiting = unechoed(db, last_seq)
    db.execute(
        "UPDATE outbox SET echoed_at_ms = ? WHERE seq <= ? AND state = 'acked' AND echoed_at_ms IS NULL",
        (meta.cloud_ms(db, wall_ms), last_seq),
    )
    for tbl, pk in waiting:
        records.show(db, tbl, pk, wall_ms)
