"""What a bundle for the stick is made of: how much waits, and segments in an order one can go on in.

Writing one changes nothing here but what says in which it was written; only the cloud's word marks anything
sent.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from sqlite3 import Connection

from hub.store import meta, oplog

Key = tuple[int, int, bytes]
"""Boot, first sample's time and id of a segment; larger is newer."""
MOST_REMEMBERED = 20
_WRITTEN = "bundles_written"
_ANSWER = "answer_taken"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the cloud neither confirmed nor refused.

    `first_seq` is where its copy of the log must be gone on with.
    """

    ops: int
    segments: int
    size_bytes: int
    first_seq: int


@dataclass(frozen=True, slots=True)
class WrittenBundle:
    """A bundle that was written whole: operations `first_seq` to `last_seq` of the log, and segments."""

    bundle_id: str
    name: str
    made_ms: int
    first_seq: int
    last_seq: int
    segments: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TakenAnswer:
    """The newest answer of the cloud taken from a stick; `server_ms` is the cloud's time of it.

    `answers` is the bundle it was given for, "" where an older version took it.
    """

    server_ms: int
    taken_ms: int
    accepted_through: int
    segments: int
    answers: str = ""


def waiting(db: Connection) -> Waiting:
    """How much a bundle written now holds."""
    ops, ops_bytes = db.execute(
        "SELECT count(*), coalesce(sum(length(fields) + 250), 0) FROM outbox WHERE state = 'pending'"
    ).fetchone()
    n, segment_bytes = db.execute(
        "SELECT count(*), coalesce(sum(length(blob) + 84), 0) FROM segment_waiting"
    ).fetchone()
    return Waiting(ops, n, ops_bytes + segment_bytes, oplog.held_through(db) + 1)


def newest_key(db: Connection) -> Key | None:
    """The newest segment neither confirmed nor refused."""
    return _key(
        db.execute(
            "SELECT boot_no, mono0, seg_id FROM segment_waiting"
            " ORDER BY boot_no DESC, mono0 DESC, seg_id DESC LIMIT 1"
        ).fetchone()
    )


def older(db: Connection, than: Key, limit: int) -> list[Key]:
    """Segments neither confirmed nor refused that are older than a key, newest first."""
    rows = db.execute(
        "SELECT boot_no, mono0, seg_id FROM segment_waiting"
        " WHERE (boot_no, mono0, seg_id) < (?, ?, ?) ORDER BY boot_no DESC, mono0 DESC, seg_id DESC LIMIT ?",
        (*than, limit),
    )
    return [(row[0], row[1], bytes(row[2])) for row in rows]


def newer(db: Connection, than: Key, limit: int) -> list[Key]:
    """Segments neither confirmed nor refused that are newer than a key, oldest first."""
    rows = db.execute(
        "SELECT boot_no, mono0, seg_id FROM segment_waiting"
        " WHERE (boot_no, mono0, seg_id) > (?, ?, ?) ORDER BY boot_no, mono0, seg_id LIMIT ?",
        (*than, limit),
    )
    return [(row[0], row[1], bytes(row[2])) for row in rows]


def remember_written(db: Connection, bundle: WrittenBundle) -> None:
    """Add it to those written, which are kept to the newest twenty."""
    known = [it for it in written(db) if it.bundle_id != bundle.bundle_id]
    kept = [bundle, *known][:MOST_REMEMBERED]
    meta.put(db, _WRITTEN, json.dumps([asdict(it) for it in kept]))


def written(db: Connection) -> list[WrittenBundle]:
    """Bundles written whole, newest first."""
    return [WrittenBundle(**it) for it in json.loads(meta.value(db, _WRITTEN) or "[]")]


def remember_answer(db: Connection, answer: TakenAnswer) -> None:
    """Keep it as the newest, unless a newer one was taken before."""
    known = newest_answer(db)
    if known is None or known.server_ms < answer.server_ms:
        meta.put(db, _ANSWER, json.dumps(asdict(answer)))


def newest_answer(db: Connection) -> TakenAnswer | None:
    """The newest answer taken from a stick."""
    text = meta.value(db, _ANSWER)
    return None if text is None else TakenAnswer(**json.loads(text))


def _key(row: tuple[int, int, bytes] | None) -> Key | None:
    return None if row is None else (row[0], row[1], bytes(row[2]))
