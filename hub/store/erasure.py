"""Taking an athlete out of this hub's database for good: rows, samples, results and what imports kept.

The cloud decides who; this only carries out. Kept files are noted in `erased_file` and deleted by whoever
knows their folder; until then the erasure does not count as done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any

from hub.store import meta, not_shown, segments

Key = tuple[str, str]
TOLD = "erased_told"
"""Meta key: how many erasures the cloud was reminded of."""
TYPED = {
    "athlete": "DELETE FROM athlete WHERE athlete_id = ?",
    "session": "DELETE FROM session WHERE session_id = ?",
    "stream": "DELETE FROM stream WHERE stream_id = ?",
    "stream_assignment": "DELETE FROM stream_assignment WHERE assignment_id = ?",
    "source": "DELETE FROM source WHERE source_id = ?",
    "daily_value": "DELETE FROM daily_value WHERE daily_value_id = ?",
    "profile_change": "DELETE FROM profile_change WHERE change_id = ?",
    "insight": "DELETE FROM insight WHERE insight_id = ?",
    "two_edits": "DELETE FROM two_edits WHERE two_edits_id = ?",
}

LEFT = (
    "iif(tbl = 'stream_assignment' AND json_extract(fields, '$.athlete_id') IS NOT NULL AND"
    " json_extract(fields, '$.stream_id') IS NOT NULL, json_object('athlete_id',"
    " json_extract(fields, '$.athlete_id'), 'stream_id', json_extract(fields, '$.stream_id')), '{}')"
)
"""What an operation in the log still says after an erasure: who wore which stream, by their ids alone."""


def erase_subject(db: Connection, subject_id: str, rows: Iterable[Key], seq: int) -> list[Key]:
    """Take everything of an athlete away, and these rows; which records are to be shown afresh."""
    db.execute("PRAGMA secure_delete = ON")
    db.execute(
        "INSERT INTO erased VALUES (?, ?) ON CONFLICT(subject_id) DO UPDATE SET seq = max(seq, excluded.seq)",
        (subject_id, seq),
    )
    gone = {("athlete", subject_id), *rows, *_rows_of(db, subject_id)}
    _cut_streams(db, subject_id, seq)
    _forget_imports(db, subject_id, [pk for tbl, pk in gone if tbl in ("source", "daily_value")], seq)
    worn = [pk for tbl, pk in gone if tbl == "stream_assignment"]
    db.executemany("DELETE FROM worn_before WHERE assignment_id = ?", ((pk,) for pk in worn))
    db.execute("DELETE FROM session_result WHERE athlete_id = ?", (subject_id,))
    db.execute("DELETE FROM session_quality WHERE athlete_id = ?", (subject_id,))
    db.execute("DELETE FROM effort_stop WHERE athlete_id = ?", (subject_id,))
    db.execute(
        "DELETE FROM wearing_edit WHERE edit_id IN"
        " (SELECT edit_id FROM wearing_cell WHERE before_id = ?1 OR after_id = ?1)",
        (subject_id,),
    )
    db.execute("DELETE FROM athlete_alias WHERE athlete_id = ?", (subject_id,))
    erase_rows(db, gone, seq)
    straps = db.execute("SELECT strap_id FROM strap WHERE athlete_id = ?", (subject_id,)).fetchall()
    of_strap = " WHERE tbl = 'strap' AND json_extract({0}, '$.athlete_id') = ?"
    db.execute(
        "UPDATE base SET doc = json_set(doc, '$.athlete_id', NULL)" + of_strap.format("doc"), (subject_id,)
    )
    db.execute("UPDATE outbox SET fields = '{}'" + of_strap.format("fields"), (subject_id,))
    return [("strap", strap_id) for (strap_id,) in straps]


def give_up(db: Connection, subject_id: str, rows: Iterable[Key]) -> list[Key]:
    """Edits of ours that would make the athlete's what is somebody else's: they say nothing any more.

    Not of `rows`, which go. Which records are to be shown afresh, before anything of them is taken away.
    """
    found = db.execute(
        "SELECT DISTINCT tbl, pk, json_extract(doc, '$.athlete_id') FROM outbox JOIN base USING (tbl, pk)"
        " WHERE tbl != 'strap' AND json_extract(fields, '$.athlete_id') = ?1 AND echoed_at_ms IS NULL"
        " AND json_extract(doc, '$.athlete_id') != ?1",
        (subject_id,),
    ).fetchall()
    gone = set(rows)
    kept = [(tbl, pk) for tbl, pk, whose in found if (tbl, pk) not in gone and not is_erased(db, whose)]
    db.executemany(
        "UPDATE outbox SET fields = '{}' WHERE tbl = ? AND pk = ? AND echoed_at_ms IS NULL"
        " AND json_extract(fields, '$.athlete_id') = ?",
        ((tbl, pk, subject_id) for tbl, pk in kept),
    )
    return kept


def erase_rows(db: Connection, keys: Iterable[Key], seq: int) -> None:
    """Take records away, confirmed or proposed; their numbers in the log stay, or it would have holes.

    Who wore a stream is told by them alone: what nobody else wore of it goes in the same step. The cloud may
    hold such samples and not know whose they are, now or after a backup was put back: the log still tells it.
    """
    db.execute("PRAGMA secure_delete = ON")
    keys = list(keys)
    streams = {it for tbl, pk in keys if tbl == "stream_assignment" for it in _streams_of(db, pk)}
    streams |= {it for tbl, pk in keys if tbl == "source" for it in _streams_of_file(db, pk)}
    for tbl, pk in keys:
        db.execute("DELETE FROM base WHERE tbl = ? AND pk = ?", (tbl, pk))
        db.execute("DELETE FROM snapshot_row WHERE tbl = ? AND pk = ?", (tbl, pk))
        not_shown.forget(db, tbl, pk)
        db.execute("DELETE FROM not_shown WHERE tbl = ? AND pk = ?", (tbl, pk))
        db.execute(f"UPDATE outbox SET fields = {LEFT} WHERE tbl = ? AND pk = ?", (tbl, pk))
        if tbl in TYPED:
            db.execute(TYPED[tbl], (pk,))
    for stream_id in sorted(streams):
        _cut(db, stream_id, seq)


def _streams_of(db: Connection, assignment_id: str) -> set[str]:
    """The stream an assignment is about, as far as anything here still says so."""
    found = db.execute(
        "SELECT stream_id FROM stream_assignment WHERE assignment_id = ?1 UNION"
        " SELECT json_extract(fields, '$.stream_id') FROM outbox WHERE tbl = 'stream_assignment' AND pk = ?1"
        " UNION SELECT json_extract(doc, '$.stream_id') FROM base"
        " WHERE tbl = 'stream_assignment' AND pk = ?1",
        (assignment_id,),
    )
    return {row[0] for row in found if row[0] is not None}


def _streams_of_file(db: Connection, source_id: str) -> set[str]:
    """The samples a file brought, which nobody may have been given yet."""
    found = db.execute(
        "SELECT json_extract(doc, '$.hr_stream_id'), json_extract(doc, '$.motion_stream_id') FROM base"
        " WHERE tbl = 'source' AND pk = ?1 UNION ALL"
        " SELECT hr_stream_id, motion_stream_id FROM source WHERE source_id = ?1",
        (source_id,),
    )
    return {it for row in found for it in row if it is not None}


def _rows_of(db: Connection, subject_id: str) -> set[Key]:
    """Records that name the athlete, confirmed or proposed; a strap is the club's and stays.

    What was confirmed once and is another's by now is the other's.
    """
    found: set[Key] = set()
    for question in (
        "SELECT tbl, pk FROM base WHERE json_extract(doc, '$.athlete_id') = ? AND tbl != 'strap'",
        "SELECT tbl, pk FROM outbox WHERE json_extract(fields, '$.athlete_id') = ? AND tbl != 'strap'"
        " AND echoed_at_ms IS NULL",
    ):
        found.update((tbl, pk) for tbl, pk in db.execute(question, (subject_id,)))
    return found


def _cut_streams(db: Connection, subject_id: str, seq: int) -> None:
    """Of every stream the athlete wore only what others wore stays; a refused edit tells of streams, too.

    One that was given to somebody else before is theirs: it was never the athlete's.
    """
    worn = db.execute(
        "SELECT stream_id FROM stream_assignment WHERE athlete_id = ?1 UNION"
        " SELECT json_extract(fields, '$.stream_id') FROM outbox WHERE tbl = 'stream_assignment'"
        " AND json_extract(fields, '$.athlete_id') = ?1 AND NOT EXISTS (SELECT 1 FROM base"
        " WHERE base.tbl = outbox.tbl AND base.pk = outbox.pk AND json_extract(doc, '$.athlete_id') != ?1"
        " AND json_extract(doc, '$.athlete_id') NOT IN (SELECT subject_id FROM erased))",
        (subject_id,),
    ).fetchall()
    db.execute("DELETE FROM stream_assignment WHERE athlete_id = ?", (subject_id,))
    for (stream_id,) in worn:
        _cut(db, stream_id, seq)


def _cut(db: Connection, stream_id: str | None, seq: int) -> None:
    if stream_id is not None:
        db.execute("INSERT OR IGNORE INTO erased_stream VALUES (?, ?)", (stream_id, seq))
        segments.cut_stream(db, stream_id)


def erase_proposal(db: Connection, op_id: str, seq: int) -> None:
    """An edit of ours came after the erasure of whom it is about: nothing of it stays."""
    row = db.execute(
        "SELECT tbl, pk, json_extract(fields, '$.stream_id') FROM outbox WHERE op_id = ?", (op_id,)
    ).fetchone()
    if row is None:
        return
    tbl, pk, stream_id = row
    of = "SELECT json_extract(doc, '$.athlete_id') FROM base WHERE tbl = ? AND pk = ?"
    held = db.execute(of, (tbl, pk)).fetchone()
    if tbl == "stream_assignment" and held is not None and held[0] and not is_erased(db, held[0]):
        db.execute(f"UPDATE outbox SET fields = {LEFT} WHERE op_id = ?", (op_id,))
        return  # it is somebody else's by now
    if tbl != "strap":
        erase_rows(db, [(tbl, pk)], seq)
    if tbl == "stream_assignment":
        _cut(db, stream_id, seq)


def _forget_imports(db: Connection, subject_id: str, pks: Sequence[str], seq: int) -> None:
    """Originals and what else an import kept of the athlete's files; that they were imported stays known.

    `pks` are the records that go, of sources and days, some of them not yet assigned to the athlete.
    """
    people = (
        "SELECT person_name FROM daily_value WHERE athlete_id IS NULL AND daily_value_id IN"
        " (SELECT value FROM json_each(?2))"
    )
    found = db.execute(
        "SELECT DISTINCT import.import_id, import.sha256 FROM import WHERE import_id IN"
        " (SELECT import_id FROM source WHERE athlete_id = ?1"
        " OR source_id IN (SELECT value FROM json_each(?2))"
        " UNION SELECT import_id FROM daily_told WHERE athlete_id = ?1"
        f" OR athlete_id IS NULL AND person_name IN ({people}))",
        (subject_id, json.dumps(pks)),
    ).fetchall()
    for import_id, sha256 in found:
        db.execute("INSERT OR IGNORE INTO erased_file VALUES (?, ?)", (sha256, seq))
        db.execute("DELETE FROM original WHERE sha256 = ?", (sha256,))
        db.execute("DELETE FROM quarantine WHERE import_id = ?", (import_id,))
        db.execute("DELETE FROM import_question WHERE import_id = ?", (import_id,))
        db.execute(
            "UPDATE import SET filename = '(erased)', detail = '', hint = '', warnings = '[]',"
            " sessions = '[]' WHERE import_id = ?",
            (import_id,),
        )
    db.execute(
        f"DELETE FROM daily_told WHERE athlete_id = ?1 OR athlete_id IS NULL AND person_name IN ({people})",
        (subject_id, json.dumps(pks)),
    )


def files_to_delete(db: Connection) -> list[str]:
    """Hashes of kept files an erasure still has to delete."""
    return [str(row[0]) for row in db.execute("SELECT sha256 FROM erased_file ORDER BY sha256")]


def files_deleted(db: Connection, hashes: Sequence[str]) -> None:
    """These are gone from the disk."""
    db.executemany("DELETE FROM erased_file WHERE sha256 = ?", ((it,) for it in hashes))


def done_through(db: Connection, cursor: int) -> int:
    """The feed number up to which every erasure was carried out, files included."""
    waiting = db.execute("SELECT min(seq) FROM erased_file").fetchone()[0]
    return cursor if waiting is None else min(cursor, int(waiting) - 1)


def subjects(db: Connection) -> dict[str, int]:
    """Erased athletes and the feed entry that said so."""
    return dict(db.execute("SELECT subject_id, seq FROM erased").fetchall())


def is_erased(db: Connection, subject_id: Any) -> bool:
    """Whether this is an athlete who was erased, as far as this hub has heard."""
    if not isinstance(subject_id, str):
        return False
    return db.execute("SELECT 1 FROM erased WHERE subject_id = ?", (subject_id,)).fetchone() is not None


def is_fenced(db: Connection, stream_id: str) -> bool:
    """Whether somebody erased wore this stream, be it known by the feed or only by a refusal so far.

    Of what came until then only what others wore is kept.
    """
    found = db.execute(
        "SELECT 1 FROM erased_stream WHERE stream_id = ?1 UNION ALL SELECT 1 FROM outbox"
        " WHERE state = 'dead' AND reason = 'erased' AND tbl = 'stream_assignment'"
        " AND json_extract(fields, '$.stream_id') = ?1",
        (stream_id,),
    )
    return found.fetchone() is not None


def to_tell(db: Connection) -> tuple[str, ...]:
    """Everybody erased here, where the cloud was not reminded of them since the last snapshot; else nobody.

    A cloud put back to a backup of before an erasure knows nothing of it: the hubs keep the list.
    """
    known = sorted(subjects(db))
    return tuple(known) if len(known) != meta.number(db, TOLD) else ()


def told(db: Connection, count: int) -> None:
    """The cloud heard of so many."""
    meta.put(db, TOLD, count)


def erase_again(db: Connection) -> list[Key]:
    """After a snapshot, which may be that of a forgetful cloud: whom it brought back is gone again."""
    meta.put(db, TOLD, None)
    return [key for subject_id, seq in subjects(db).items() for key in erase_subject(db, subject_id, [], seq)]
