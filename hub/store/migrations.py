"""The hub's schema as ordered steps, each applied once inside its own transaction.

Steps only ever add; nothing here reads or writes rows.
"""

from __future__ import annotations

from sqlite_utils import Database as Schema
from sqlite_utils.migrations import Migrations

hub_schema = Migrations("touchline-hub")

HEARTBEAT = """
CREATE TABLE meta(k TEXT PRIMARY KEY, v TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- order of boots without a clock; boot 0 is the civil clock, where mono_ms is epoch ms
CREATE TABLE boot(boot_no INTEGER PRIMARY KEY AUTOINCREMENT, boot_id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE anchor(
    boot_no INTEGER NOT NULL REFERENCES boot, mono_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
    err_ms INTEGER NOT NULL, source TEXT NOT NULL CHECK(source IN ('ntp','cloud','gps','tablet','system')),
    PRIMARY KEY(boot_no, mono_ms)) STRICT, WITHOUT ROWID;

-- records: proposals to the cloud, what the cloud confirmed, and the view of both that pages read
CREATE TABLE outbox(
    seq INTEGER PRIMARY KEY, op_id TEXT NOT NULL UNIQUE, tbl TEXT NOT NULL, pk TEXT NOT NULL,
    kind TEXT NOT NULL, fields TEXT NOT NULL, after_ms INTEGER NOT NULL, boot_no INTEGER NOT NULL,
    mono_ms INTEGER NOT NULL, chain TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK(state IN ('pending','acked','dead')), reason TEXT) STRICT;
CREATE INDEX outbox_row ON outbox(tbl, pk);
CREATE INDEX outbox_state ON outbox(state);
CREATE TABLE base(
    tbl TEXT NOT NULL, pk TEXT NOT NULL, doc TEXT NOT NULL, stamps TEXT NOT NULL,
    PRIMARY KEY(tbl, pk)) STRICT, WITHOUT ROWID;
CREATE TABLE athlete(
    athlete_id TEXT PRIMARY KEY, name TEXT NOT NULL, shirt_number INTEGER, sex TEXT NOT NULL DEFAULT 'U',
    hr_max_bpm INTEGER, hr_rest_bpm INTEGER, is_active INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE strap(
    strap_id TEXT PRIMARY KEY, name TEXT NOT NULL, address TEXT NOT NULL, athlete_id TEXT) STRICT;
CREATE TABLE session(
    session_id TEXT PRIMARY KEY, title TEXT NOT NULL, sport TEXT NOT NULL, started_at_ms INTEGER NOT NULL,
    utc_offset_s INTEGER NOT NULL, ended_at_ms INTEGER, boot_no INTEGER NOT NULL, mono0_ms INTEGER NOT NULL,
    mono1_ms INTEGER, source TEXT NOT NULL) STRICT;
CREATE INDEX session_started ON session(started_at_ms);
CREATE TABLE insight(
    insight_id TEXT PRIMARY KEY, week_start TEXT NOT NULL, headline TEXT NOT NULL, body TEXT NOT NULL,
    facts TEXT NOT NULL, written_by TEXT NOT NULL, received_at_ms INTEGER NOT NULL) STRICT;

-- samples: what a strap said in one boot; who wore it stands in stream_assignment
CREATE TABLE stream(
    stream_no INTEGER PRIMARY KEY, stream_id TEXT NOT NULL UNIQUE, boot_no INTEGER NOT NULL,
    sensor_id TEXT NOT NULL, channel TEXT NOT NULL, UNIQUE(boot_no, sensor_id, channel)) STRICT;
CREATE TABLE stream_assignment(
    assignment_id TEXT PRIMARY KEY, stream_id TEXT NOT NULL, athlete_id TEXT NOT NULL,
    session_id TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER) STRICT;
CREATE INDEX assignment_session ON stream_assignment(session_id);
CREATE TABLE tick(
    id INTEGER PRIMARY KEY, boot_no INTEGER NOT NULL, mono_ms INTEGER NOT NULL, blob BLOB NOT NULL) STRICT;
CREATE TABLE segment(
    seg_id BLOB PRIMARY KEY, stream_id TEXT NOT NULL, boot_no INTEGER NOT NULL, mono0 INTEGER NOT NULL,
    mono1 INTEGER NOT NULL, n INTEGER NOT NULL, codec INTEGER NOT NULL, blob BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'sealed' CHECK(state IN ('sealed','stored'))) STRICT;
CREATE INDEX segment_stream ON segment(stream_id, mono0);
CREATE INDEX segment_unsent ON segment(mono0) WHERE state = 'sealed';

-- people, files and the sync diary
CREATE TABLE user(
    user_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK(role IN ('admin','staff')), created_at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE sign_in(
    token_sha256 BLOB PRIMARY KEY, user_id TEXT NOT NULL REFERENCES user ON DELETE CASCADE,
    opened_at_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE import(
    import_id TEXT PRIMARY KEY, filename TEXT NOT NULL, sha256 TEXT NOT NULL, format TEXT NOT NULL,
    status TEXT NOT NULL, detail TEXT NOT NULL, session_id TEXT, at_ms INTEGER NOT NULL) STRICT;
CREATE INDEX import_sha ON import(sha256);
CREATE TABLE sync_log(
    id INTEGER PRIMARY KEY, at_boot INTEGER NOT NULL, at_mono INTEGER NOT NULL, what TEXT NOT NULL,
    outcome TEXT NOT NULL) STRICT;

INSERT INTO boot(boot_no, boot_id) VALUES (0, 'civil');
INSERT INTO anchor VALUES (0, 0, 0, 0, 'ntp');
INSERT INTO meta VALUES ('epoch','1'), ('next_seq','1'), ('acked_seq','0'), ('cursor','0'),
    ('feed_epoch','0'), ('max_stamp','0'), ('chain_head',
    '0000000000000000000000000000000000000000000000000000000000000000');
"""


@hub_schema()
def m001_heartbeat(db: Schema) -> None:
    """Everything the first heartbeat stores."""
    for statement in HEARTBEAT.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)
