"""Edits to records: every one is a proposal in the outbox and a changed row, in one transaction.

Pages read the typed row, which is what the cloud confirmed overlaid with the hub's own proposals that
the cloud has not yet echoed. It decides nothing about merging: stamps are the cloud's. What another hub
recorded is shown where pages want it, under its `hub_id`, and never edited here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from sqlite3 import Connection, IntegrityError
from typing import Any

from hub.errors import ActionRefused
from hub.store import erasure, meta, not_shown, refused_edits
from hub.store.field_limits import checked
from sync.chain import next_chain
from sync.record_fields import PRIMARY_KEYS, own_columns
from sync.refused_edits import TABLE as REFUSED_EDIT
from sync.wire import FeedOp

OF_ONE_HUB = ("session", "stream", "stream_assignment", "source")
SHOWN_OF_OTHERS = ("session", "stream_assignment")
OFFICE = "office"
"""Stands for the hub where a record of this kind was made online."""
KEPT_MS = 30 * 86_400_000
LAID_OVER = "state != 'dead' AND reason IS NULL AND echoed_at_ms IS NULL ORDER BY seq"
"""Which of the hub's own operations stand over what was confirmed, in their order; part of a question."""
RENAMED = {("stream", "strap_id"): "sensor_id"}


@dataclass(frozen=True, slots=True)
class Moment:
    """When, by whom and under which ids an edit is made; given by the caller: nothing here asks a clock.

    `by` is the name of whoever signed in; empty where the hub itself writes.
    """

    boot_no: int
    mono_ms: int
    wall_ms: int
    new_id: Callable[[], str]
    by: str = ""


def propose(db: Connection, moment: Moment, tbl: str, pk: str, fields: dict[str, Any]) -> None:
    """Change a record here at once and queue the change for the cloud.

    Raises ActionRefused for what another hub recorded, and for fields that could never be sent.
    """
    content = checked(tbl, pk, fields)
    if tbl in OF_ONE_HUB and owner(db, tbl, pk) is not None:
        raise ActionRefused(
            f"This {tbl.replace('_', ' ')} was recorded by another hub.", hint="Edit it on the cloud's pages."
        )
    seq, op_id = meta.number(db, "next_seq", 1), moment.new_id()
    chain = next_chain(meta.value(db, "chain_head") or "00" * 32, op_id)
    db.execute(
        "INSERT INTO outbox(seq, op_id, tbl, pk, kind, fields, after_ms, boot_no, mono_ms, chain, made_by,"
        " after_seq) VALUES (?, ?, ?, ?, 'set', ?, ?, ?, ?, ?, ?, ?)",
        (seq, op_id, tbl, pk, content, meta.number(db, "max_stamp"), moment.boot_no,
         moment.mono_ms, chain, moment.by, meta.number(db, "cursor")),
    )  # fmt: skip
    meta.put(db, "next_seq", seq + 1)
    meta.put(db, "chain_head", chain)
    show(db, tbl, pk, moment.wall_ms)


def propose_many(db: Connection, moment: Moment, tbl: str, edits: Mapping[str, dict[str, Any]]) -> None:
    """As `propose` for many records at once, all with the same fields; a record new here costs far less.

    Raises ActionRefused for fields that could never be sent.
    """
    seq, head = meta.number(db, "next_seq", 1), meta.value(db, "chain_head") or "00" * 32
    after_ms, after_seq, proposals = meta.number(db, "max_stamp"), meta.number(db, "cursor"), []
    for pk, fields in edits.items():
        op_id = moment.new_id()
        head = next_chain(head, op_id)
        proposals.append(
            (
                seq,
                op_id,
                tbl,
                pk,
                checked(tbl, pk, fields),
                after_ms,
                moment.boot_no,
                moment.mono_ms,
                head,
                moment.by,
                after_seq,
            )
        )
        seq += 1
    known = {pk for pk in edits if _is_known(db, tbl, pk)}
    db.executemany(
        "INSERT INTO outbox(seq, op_id, tbl, pk, kind, fields, after_ms, boot_no, mono_ms, chain, made_by,"
        " after_seq) VALUES (?, ?, ?, ?, 'set', ?, ?, ?, ?, ?, ?, ?)",
        proposals,
    )
    meta.put(db, "next_seq", seq)
    meta.put(db, "chain_head", head)
    held = columns(db, tbl)
    _put(db, tbl, [row_of(tbl, pk, fields, held) for pk, fields in edits.items() if pk not in known], held)
    _put(db, tbl, [row_of(tbl, pk, _doc(db, tbl, pk), held) for pk in sorted(known)], held)


def _is_known(db: Connection, tbl: str, pk: str) -> bool:
    held = db.execute("SELECT 1 FROM base WHERE tbl = ? AND pk = ?", (tbl, pk)).fetchone()
    return held is not None or is_proposed(db, tbl, pk)


def owner(db: Connection, tbl: str, pk: str) -> str | None:
    """The hub that recorded this, None for this one."""
    row = db.execute("SELECT hub_id FROM base WHERE tbl = ? AND pk = ?", (tbl, pk)).fetchone()
    return None if row is None else row[0]


def apply_feed(db: Connection, ops: list[FeedOp], wall_ms: int) -> None:
    """Take confirmed edits in feed order; the caller sets the cursor in the same transaction."""
    last = {op.pk: op.seq for op in ops if op.kind == "erase"}
    for op in ops:
        if op.kind == "void" and op.tbl == "athlete" and last.get(op.pk, 0) > op.seq:
            _echoed(db, op, wall_ms)  # the erasure comes behind what else was edited before it
        elif op.kind == "set" and op.tbl == "athlete" and erasure.is_erased(db, op.pk):
            _take_away(db, op, wall_ms)  # no cloud should send it
        elif op.kind == "set":
            confirm(db, op)
            db.execute(
                "UPDATE outbox SET state = 'acked', reason = NULL, is_suspect = 0,"
                " echoed_at_ms = coalesce(echoed_at_ms, ?) WHERE op_id IN (?, ?)",
                (meta.cloud_ms(db, wall_ms), op.op_id, op.resolves),
            )
            show(db, op.tbl, op.pk, wall_ms)
        elif op.kind == "reject":
            db.execute(
                "UPDATE outbox SET state = 'dead', reason = CASE WHEN is_suspect OR (reason IS NOT NULL"
                " AND ?1 = 'suspect') THEN reason ELSE ?1 END WHERE op_id = ?2",
                (op.reason or "rejected by the cloud", op.op_id),
            )
            ask_nobody(db, wall_ms)
            if op.reason == "erased":
                erasure.erase_proposal(db, op.op_id, op.seq)
            show(db, op.tbl, op.pk, wall_ms)
        else:
            _take_away(db, op, wall_ms)
        meta.put(db, "max_stamp", max(meta.number(db, "max_stamp"), op.stamp_ms))
    if ops:
        _forget_old_echoes(db, wall_ms)


def ask_nobody(db: Connection, wall_ms: int) -> None:
    """A decision about a refused edit that is itself refused, by an older cloud, asks for no other."""
    db.execute(
        "UPDATE outbox SET echoed_at_ms = ? WHERE state = 'dead' AND tbl = ? AND echoed_at_ms IS NULL",
        (meta.cloud_ms(db, wall_ms), REFUSED_EDIT),
    )


def _take_away(db: Connection, op: FeedOp, wall_ms: int) -> None:
    """An erasure, or an entry whose content an erasure to come has taken: both take effect at once.

    Before the erasure itself only the record goes: what names the athlete may be somebody else's by then.
    """
    if op.tbl == "athlete" and op.kind == "erase":
        rows = [(str(tbl), str(pk)) for tbl, pk in op.fields.get("rows", ())]
        for tbl, pk in erasure.give_up(db, op.pk, rows):
            show(db, tbl, pk, wall_ms)
        for tbl, pk in erasure.erase_subject(db, op.pk, rows, op.seq):
            show(db, tbl, pk, wall_ms)
    else:
        erasure.erase_rows(db, [(op.tbl, op.pk)], op.seq)
        show(db, op.tbl, op.pk, wall_ms)
    _echoed(db, op, wall_ms)


def _echoed(db: Connection, op: FeedOp, wall_ms: int) -> None:
    """The cloud has this hub's own operation, whatever became of its content."""
    db.execute(
        "UPDATE outbox SET state = 'acked', echoed_at_ms = coalesce(echoed_at_ms, ?) WHERE op_id = ?",
        (meta.cloud_ms(db, wall_ms), op.op_id),
    )


def _forget_old_echoes(db: Connection, wall_ms: int) -> None:
    """The newest one stays for ever: its chain proves this log to be this log. Refused ones stay counted."""
    gone = db.execute(
        "DELETE FROM outbox WHERE echoed_at_ms < ? AND seq < ? RETURNING state",
        (meta.cloud_ms(db, wall_ms) - KEPT_MS, meta.number(db, "acked_seq")),
    ).fetchall()
    if dead := sum(state == "dead" for (state,) in gone):
        meta.put(db, meta.DEAD_FORGOTTEN, meta.number(db, meta.DEAD_FORGOTTEN) + dead)


def confirm(db: Connection, op: FeedOp) -> None:
    """Merge a confirmed edit into what is known to be confirmed."""
    row = db.execute(
        "SELECT doc, stamps, hub_id FROM base WHERE tbl = ? AND pk = ?", (op.tbl, op.pk)
    ).fetchone()
    doc, stamps = (json.loads(row[0]), json.loads(row[1])) if row else ({}, {})
    for name, new in op.fields.items():
        if op.stamp_ms >= stamps.get(name, 0):
            doc[name], stamps[name] = new, op.stamp_ms
    hub_id = row[2] if row is not None else _recorded_by(db, op)
    db.execute(
        "INSERT INTO base(tbl, pk, doc, stamps, hub_id) VALUES (?, ?, ?, ?, ?) ON CONFLICT(tbl, pk)"
        " DO UPDATE SET doc = excluded.doc, stamps = excluded.stamps",
        (op.tbl, op.pk, json.dumps(doc), json.dumps(stamps), hub_id),
    )


def _recorded_by(db: Connection, op: FeedOp) -> str | None:
    """Whose a record is of which the first confirmed edit arrives.

    Ours is what was proposed from this very database: after a card was restored, what its lost days recorded
    comes back under the hub's own name, and its boots and running session are not ours any more.
    """
    if op.tbl not in OF_ONE_HUB or is_proposed(db, op.tbl, op.pk):
        return None
    return op.hub_id or OFFICE


def is_proposed(db: Connection, tbl: str, pk: str) -> bool:
    """Whether this hub has an edit of this record in its log, sent or not."""
    found = db.execute("SELECT 1 FROM outbox WHERE tbl = ? AND pk = ? LIMIT 1", (tbl, pk)).fetchone()
    return found is not None


def shown(db: Connection, tbl: str, pk: str) -> dict[str, Any]:
    """A record's fields as pages show them; empty where there is none."""
    return _doc(db, tbl, pk)


def _doc(db: Connection, tbl: str, pk: str) -> dict[str, Any]:
    """Confirmed state with the hub's living proposals on top."""
    doc: dict[str, Any] = {}
    row = db.execute("SELECT doc FROM base WHERE tbl = ? AND pk = ?", (tbl, pk)).fetchone()
    if row is not None:
        doc.update(json.loads(row[0]))
    for (fields,) in db.execute(
        f"SELECT fields FROM outbox WHERE tbl = ? AND pk = ? AND {LAID_OVER}", (tbl, pk)
    ):
        doc.update(json.loads(fields))
    return doc


def row_of(tbl: str, pk: str, doc: dict[str, Any], columns: Set[str]) -> dict[str, Any]:
    """A record as its typed row; fields this version has no column for stay in base, and so does one that
    bears the name of a column which is not a field's to fill.
    """
    key = PRIMARY_KEYS[tbl]
    named = {RENAMED.get((tbl, name), name): new for name, new in doc.items() if name not in own_columns(tbl)}
    plain = {name: _plain(new) for name, new in named.items() if name in columns and name != key}
    return {key: pk, **plain}


def show(db: Connection, tbl: str, pk: str, wall_ms: int) -> None:
    """Write the typed row that pages read.

    A record that cannot be shown here stops nothing: it waits in base, its row stays as it was, and it is
    noted with the reason until it can be shown. Raises only what the disk does.
    """
    try:
        _show(db, tbl, pk, wall_ms)
    except not_shown.FAULTS as error:
        if not not_shown.is_of_the_row(error):
            raise
        not_shown.note(db, tbl, pk, not_shown.words(error), wall_ms)
    else:
        not_shown.forget(db, tbl, pk)


def _show(db: Connection, tbl: str, pk: str, wall_ms: int) -> None:
    """As `show`; raises what a value makes the store raise."""
    if tbl not in PRIMARY_KEYS or _is_only_kept(db, tbl, pk):
        return
    doc = _doc(db, tbl, pk)
    if tbl == REFUSED_EDIT:
        refused_edits.show(db, pk, doc, meta.cloud_ms(db, wall_ms))
        return
    if not doc:
        _hide(db, tbl, pk)
        return
    if tbl != "strap" and erasure.is_erased(db, doc.get("athlete_id")):
        _hide(db, tbl, pk)  # and not forgotten: a later entry may give it to somebody else
        raise ValueError("it is about an athlete whose data was erased")
    if tbl == "insight":
        doc.setdefault("received_at_ms", wall_ms)
    held = columns(db, tbl)
    row = row_of(tbl, pk, doc, held)
    if tbl in SHOWN_OF_OTHERS:
        row["hub_id"] = owner(db, tbl, pk)
    try:
        _put(db, tbl, [row], held)
    except IntegrityError:
        if not is_incomplete(db, tbl, row):
            raise
        _hide(db, tbl, pk)


def _is_only_kept(db: Connection, tbl: str, pk: str) -> bool:
    """Whether a record is another hub's and of a kind that is not shown of others."""
    return tbl in OF_ONE_HUB and tbl not in SHOWN_OF_OTHERS and owner(db, tbl, pk) is not None


def is_incomplete(db: Connection, tbl: str, row: Mapping[str, Any]) -> bool:
    """Whether a row lacks what it needs: not all of it is here, or no more after a rejection."""
    needed = db.execute(
        'SELECT name FROM pragma_table_info(?) WHERE "notnull" AND dflt_value IS NULL AND NOT pk', (tbl,)
    )
    return any(name not in row for (name,) in needed)


def columns(db: Connection, tbl: str) -> Set[str]:
    """What a record's fields may fill; whose it is stands in none of them."""
    return {row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (tbl,))} - {"hub_id"}


def _put(db: Connection, tbl: str, rows: Iterable[dict[str, Any]], held: Set[str]) -> None:
    """Write typed rows whole: of the columns `held`, what a record does not tell is as if never told.

    Raises IntegrityError where what is known is too little, or not what the table holds.
    """
    by_names: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        by_names.setdefault(tuple(row), []).append(tuple(row.values()))
    key = PRIMARY_KEYS[tbl]
    untold = sorted(held - own_columns(tbl))
    for names, values in by_names.items():
        told = dict.fromkeys((*names, *untold))
        changes = ", ".join(f"{name} = excluded.{name}" for name in told if name != key)
        db.executemany(
            f"INSERT INTO {tbl}({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            f" ON CONFLICT({key}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING"),
            values,
        )


def _hide(db: Connection, tbl: str, pk: str) -> None:
    db.execute(f"DELETE FROM {tbl} WHERE {PRIMARY_KEYS[tbl]} = ?", (pk,))


def _plain(new: Any) -> Any:
    return json.dumps(new) if isinstance(new, list | dict) else new


def catch_up(db: Connection, wall_ms: int) -> None:
    """Show what could not be shown, and after an update that brought new tables or columns what the cloud
    sent for them before.
    """
    for tbl, pk in not_shown.keys(db):
        show(db, tbl, pk, wall_ms)
    signature = json.dumps({tbl: sorted(columns(db, tbl)) for tbl in sorted(PRIMARY_KEYS)})
    if meta.value(db, "shown_columns") == signature:
        return
    held = "SELECT tbl, pk FROM base UNION SELECT tbl, pk FROM outbox ORDER BY tbl, pk"
    for tbl, pk in db.execute(held).fetchall():
        show(db, tbl, pk, wall_ms)
    meta.put(db, "shown_columns", signature)
