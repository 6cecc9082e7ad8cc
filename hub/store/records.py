"""Edits to records: every one is a proposal in the outbox and a changed row, in one transaction.

Pages read the typed row, which is what the cloud confirmed overlaid with the hub's own proposals that
the cloud has not yet echoed. It decides nothing about merging: stamps are the cloud's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection, IntegrityError
from typing import Any

from sqlite_utils import Database as Tables
from sqlite_utils.db import NotFoundError, Table

from hub.store import meta
from sync.chain import next_chain
from sync.wire import FeedOp

PRIMARY_KEYS = {
    "athlete": "athlete_id",
    "strap": "strap_id",
    "session": "session_id",
    "stream": "stream_id",
    "stream_assignment": "assignment_id",
    "insight": "insight_id",
}
OF_ONE_HUB = ("session", "stream", "stream_assignment")
RENAMED = {("stream", "strap_id"): "sensor_id"}


@dataclass(frozen=True, slots=True)
class Moment:
    """When and under which ids an edit is made; given by the caller so that nothing here asks a clock."""

    boot_no: int
    mono_ms: int
    wall_ms: int
    new_id: Callable[[], str]


def propose(db: Connection, moment: Moment, tbl: str, pk: str, fields: dict[str, Any]) -> None:
    """Change a record here at once and queue the change for the cloud."""
    seq, op_id = meta.number(db, "next_seq", 1), moment.new_id()
    chain = next_chain(meta.value(db, "chain_head") or "00" * 32, op_id)
    db.execute(
        "INSERT INTO outbox(seq, op_id, tbl, pk, kind, fields, after_ms, boot_no, mono_ms, chain)"
        " VALUES (?, ?, ?, ?, 'set', ?, ?, ?, ?, ?)",
        (seq, op_id, tbl, pk, json.dumps(fields), meta.number(db, "max_stamp"), moment.boot_no,
         moment.mono_ms, chain),
    )  # fmt: skip
    meta.put(db, "next_seq", seq + 1)
    meta.put(db, "chain_head", chain)
    show(db, tbl, pk, moment.wall_ms)


def apply_feed(db: Connection, ops: list[FeedOp], wall_ms: int) -> None:
    """Take confirmed edits in feed order; the caller sets the cursor in the same transaction.

    What another hub recorded is kept in base and not shown: its boots and live session are not ours.
    """
    hub_id = meta.value(db, "hub_id")
    for op in ops:
        if op.kind == "set":
            _confirm(db, op)
            db.execute("DELETE FROM outbox WHERE op_id = ?", (op.op_id,))
        elif op.kind == "reject":
            db.execute(
                "UPDATE outbox SET state = 'dead', reason = ? WHERE op_id = ?",
                (op.reason or "rejected by the cloud", op.op_id),
            )
        if op.tbl not in OF_ONE_HUB or op.hub_id is None or hub_id is None or op.hub_id == hub_id:
            show(db, op.tbl, op.pk, wall_ms)
        meta.put(db, "max_stamp", max(meta.number(db, "max_stamp"), op.stamp_ms))


def _confirm(db: Connection, op: FeedOp) -> None:
    row = db.execute("SELECT doc, stamps FROM base WHERE tbl = ? AND pk = ?", (op.tbl, op.pk)).fetchone()
    doc, stamps = (json.loads(row[0]), json.loads(row[1])) if row else ({}, {})
    for name, new in op.fields.items():
        if op.stamp_ms >= stamps.get(name, 0):
            doc[name], stamps[name] = new, op.stamp_ms
    db.execute(
        "INSERT INTO base VALUES (?, ?, ?, ?) ON CONFLICT(tbl, pk)"
        " DO UPDATE SET doc = excluded.doc, stamps = excluded.stamps",
        (op.tbl, op.pk, json.dumps(doc), json.dumps(stamps)),
    )


def show(db: Connection, tbl: str, pk: str, wall_ms: int) -> None:
    """Write the typed row that pages read: confirmed state with the hub's living proposals on top."""
    key = PRIMARY_KEYS.get(tbl)
    if key is None:
        return
    doc: dict[str, Any] = {}
    row = db.execute("SELECT doc FROM base WHERE tbl = ? AND pk = ?", (tbl, pk)).fetchone()
    if row is not None:
        doc.update(json.loads(row[0]))
    for (fields,) in db.execute(
        "SELECT fields FROM outbox WHERE tbl = ? AND pk = ? AND state != 'dead' ORDER BY seq", (tbl, pk)
    ):
        doc.update(json.loads(fields))
    table = Tables(db)[tbl]
    assert isinstance(table, Table)
    if not doc:
        _hide(table, pk)
        return
    if tbl == "insight":
        doc.setdefault("received_at_ms", wall_ms)
    columns = {column.name for column in table.columns}
    named = {RENAMED.get((tbl, name), name): new for name, new in doc.items()}
    shown = {name: _plain(new) for name, new in named.items() if name in columns}
    try:
        table.upsert({key: pk, **shown}, pk=key)
    except IntegrityError:  # not all of it is here, or no more after a rejection: it waits in base
        _hide(table, pk)


def _hide(table: Table, pk: str) -> None:
    with contextlib.suppress(NotFoundError):
        table.delete(pk)


def _plain(new: Any) -> Any:
    return json.dumps(new) if isinstance(new, list | dict) else new
