"""The schema's step for exact sync: whose a record is, what was echoed, erasures and half-taken snapshots.

It only adds, like every step; which rows were another hub's is told from what is shown until now.
"""

from __future__ import annotations

SYNC = """
-- an operation stays for a month after its echo, so that a cloud put back to a backup can be made whole
ALTER TABLE outbox ADD COLUMN echoed_at_ms INTEGER;
ALTER TABLE outbox ADD COLUMN is_suspect INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_echoed ON outbox(echoed_at_ms) WHERE echoed_at_ms IS NOT NULL;

-- NULL is recorded here; other rows are shown and never edited, and their boots are not ours
ALTER TABLE base ADD COLUMN hub_id TEXT;
ALTER TABLE session ADD COLUMN hub_id TEXT;
ALTER TABLE stream_assignment ADD COLUMN hub_id TEXT;
UPDATE base SET hub_id = 'another' WHERE tbl = 'session' AND pk NOT IN (SELECT session_id FROM session);
UPDATE base SET hub_id = 'another' WHERE tbl = 'stream' AND pk NOT IN (SELECT stream_id FROM stream);
UPDATE base SET hub_id = 'another' WHERE tbl = 'source' AND pk NOT IN (SELECT source_id FROM source);
UPDATE base SET hub_id = 'another' WHERE tbl = 'stream_assignment'
    AND pk NOT IN (SELECT assignment_id FROM stream_assignment);

-- results are computed where the samples are
CREATE TRIGGER stale_elsewhere AFTER INSERT ON result_stale
    WHEN EXISTS (SELECT 1 FROM session WHERE session_id = NEW.session_id AND hub_id IS NOT NULL) BEGIN
    DELETE FROM result_stale WHERE session_id = NEW.session_id; END;

-- a snapshot on its way in: nobody reads it before it is whole
CREATE TABLE snapshot_row(
    tbl TEXT NOT NULL, pk TEXT NOT NULL, doc TEXT NOT NULL, stamps TEXT NOT NULL, hub_id TEXT,
    PRIMARY KEY(tbl, pk)) STRICT, WITHOUT ROWID;

-- what an erasure took away, and the kept files that are still to be deleted for it
CREATE TABLE erased(subject_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE erased_stream(stream_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE erased_file(sha256 TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
