"""The hub's schema as ordered steps, each applied once inside its own transaction.

Steps only ever add; nothing here reads or writes rows.
"""

from __future__ import annotations

from hub.store.boots import ANCHORS_TOLD
from hub.store.effort_stops import EFFORT_STOPS
from hub.store.not_shown import NOT_SHOWN
from hub.store.refused_edits import REFUSED_EDITS
from hub.store.refused_segments import REFUSED_SEGMENTS
from hub.store.schema_library import Migrations, Schema
from hub.store.sync_schema import SYNC
from hub.store.taken import hash_paths
from hub.store.two_edits_schema import TWO_EDITS
from hub.store.unworn import UNWORN

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

IMPORTS = """
ALTER TABLE session ADD COLUMN is_removed INTEGER NOT NULL DEFAULT 0;

-- what one file says of one athlete's session; a session has one or more
CREATE TABLE source(
    source_id TEXT PRIMARY KEY, import_id TEXT NOT NULL, session_id TEXT, athlete_id TEXT,
    sha256 TEXT NOT NULL, number INTEGER NOT NULL, provider TEXT NOT NULL, format TEXT NOT NULL,
    identity TEXT NOT NULL, device TEXT NOT NULL, device_serial TEXT NOT NULL, person_name TEXT NOT NULL,
    account TEXT NOT NULL, sport TEXT NOT NULL, title TEXT NOT NULL, started_at_ms INTEGER NOT NULL,
    elapsed_s REAL NOT NULL, timer_s REAL, distance_m REAL, energy_kcal REAL, utc_offset_s INTEGER NOT NULL,
    offset_known_by TEXT NOT NULL, records INTEGER NOT NULL, laps TEXT NOT NULL, stated TEXT NOT NULL,
    hr_n INTEGER NOT NULL, hr_mean REAL, hr_max INTEGER, rr_n INTEGER NOT NULL, hr_stream_id TEXT,
    motion_stream_id TEXT, shifted_s INTEGER NOT NULL DEFAULT 0, hr_chosen_at_ms INTEGER,
    motion_chosen_at_ms INTEGER, may_fill INTEGER NOT NULL DEFAULT 1,
    is_removed INTEGER NOT NULL DEFAULT 0, rows_end_ms INTEGER) STRICT;
CREATE INDEX source_athlete ON source(athlete_id, started_at_ms);
CREATE INDEX source_session ON source(session_id);
CREATE INDEX source_import ON source(import_id);
CREATE INDEX source_file ON source(sha256, number);
CREATE INDEX source_identity ON source(identity) WHERE identity != '';
CREATE INDEX assignment_stream ON stream_assignment(stream_id);

-- how long a recorded strap counted before a file was chosen over it, to be able to go back
CREATE TABLE worn_before(
    assignment_id TEXT PRIMARY KEY, from_ms INTEGER NOT NULL, to_ms INTEGER) STRICT;

CREATE TABLE daily_value(
    daily_value_id TEXT PRIMARY KEY, athlete_id TEXT, person_name TEXT NOT NULL, date TEXT NOT NULL,
    name TEXT NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL, source TEXT NOT NULL,
    import_id TEXT NOT NULL, updated_at_ms INTEGER NOT NULL, is_removed INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX daily_value_athlete ON daily_value(athlete_id, date);
-- what each import said of a day: the record above shows the last word of those that stand
CREATE TABLE daily_told(
    import_id TEXT NOT NULL, person_key TEXT NOT NULL, date TEXT NOT NULL, name TEXT NOT NULL,
    athlete_id TEXT, person_name TEXT NOT NULL, provider TEXT NOT NULL, value REAL NOT NULL,
    unit TEXT NOT NULL, updated_at_ms INTEGER NOT NULL, through TEXT NOT NULL,
    PRIMARY KEY(import_id, person_key, date, name)) STRICT, WITHOUT ROWID;
CREATE INDEX daily_told_day ON daily_told(date, name, provider);
CREATE INDEX daily_told_person ON daily_told(person_key);

CREATE TABLE athlete_alias(
    kind TEXT NOT NULL CHECK(kind IN ('name','serial','account')), provider TEXT NOT NULL, key TEXT NOT NULL,
    athlete_id TEXT NOT NULL, PRIMARY KEY(kind, provider, key)) STRICT, WITHOUT ROWID;

ALTER TABLE import ADD COLUMN hint TEXT NOT NULL DEFAULT '';
ALTER TABLE import ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
ALTER TABLE import ADD COLUMN provider TEXT NOT NULL DEFAULT '';
ALTER TABLE import ADD COLUMN size_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE import ADD COLUMN batch_id TEXT;
ALTER TABLE import ADD COLUMN undone_at_ms INTEGER;
ALTER TABLE import ADD COLUMN sessions TEXT NOT NULL DEFAULT '[]';
CREATE UNIQUE INDEX import_once ON import(sha256)
    WHERE status IN ('imported','linked') AND undone_at_ms IS NULL;
CREATE TABLE quarantine(
    import_id TEXT NOT NULL, number INTEGER NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL,
    text TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(import_id, number)) STRICT, WITHOUT ROWID;
CREATE TABLE import_question(
    question_id TEXT PRIMARY KEY, import_id TEXT NOT NULL, kind TEXT NOT NULL, about TEXT NOT NULL,
    answered TEXT, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE original(
    sha256 TEXT PRIMARY KEY, filename TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    packed_bytes INTEGER NOT NULL, kept_at_ms INTEGER NOT NULL) STRICT;
"""


TABLES_AND_FOLDERS = """
-- how the club reads tables nobody else knows, by the signature of their header
CREATE TABLE csv_mapping(
    signature TEXT PRIMARY KEY, mapping TEXT NOT NULL, saved_at_ms INTEGER NOT NULL) STRICT;
-- files of watched folders and sticks that were imported
CREATE TABLE taken_file(
    path TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    taken_at_ms INTEGER NOT NULL) STRICT;
"""

RESULTS = """
-- new limits, thresholds, zones, mass, birthday or sex of an athlete from a day on; NULL is unchanged
CREATE TABLE profile_change(
    change_id TEXT PRIMARY KEY, athlete_id TEXT NOT NULL, valid_from TEXT NOT NULL, hr_max_bpm INTEGER,
    hr_rest_bpm INTEGER, vt1_bpm INTEGER, vt2_bpm INTEGER, lthr_bpm INTEGER, zones TEXT, lactate TEXT,
    mass_kg REAL, born_on TEXT, sex TEXT, clears TEXT NOT NULL DEFAULT '[]',
    how TEXT NOT NULL DEFAULT 'typed', note TEXT NOT NULL DEFAULT '', made_at_ms INTEGER NOT NULL DEFAULT 0,
    made_by TEXT NOT NULL DEFAULT '', is_removed INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX profile_change_athlete ON profile_change(athlete_id, valid_from);
CREATE INDEX assignment_athlete ON stream_assignment(athlete_id, session_id);

-- what was computed of an athlete in an ended session: one current row, and those it came after
CREATE TABLE session_result(
    result_id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, athlete_id TEXT NOT NULL,
    computed_at_ms INTEGER NOT NULL, why TEXT NOT NULL, is_current INTEGER NOT NULL,
    superseded_at_ms INTEGER, superseded_why TEXT, versions TEXT NOT NULL, parameters TEXT NOT NULL,
    results TEXT NOT NULL, histogram BLOB NOT NULL, sustained_bpm INTEGER, heard_key BLOB NOT NULL,
    inputs_key BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX session_result_current ON session_result(session_id, athlete_id) WHERE is_current;
CREATE INDEX session_result_session ON session_result(session_id, athlete_id);
CREATE INDEX session_result_athlete ON session_result(athlete_id) WHERE is_current;

-- ended sessions whose results may no longer be right; the mark rises with every further reason
CREATE TABLE result_stale(
    session_id TEXT PRIMARY KEY, mark INTEGER NOT NULL DEFAULT 1, why TEXT NOT NULL) STRICT;
CREATE TRIGGER stale_new_session AFTER INSERT ON session WHEN NEW.ended_at_ms IS NOT NULL BEGIN
    INSERT INTO result_stale(session_id, why) VALUES (NEW.session_id, 'the session was imported')
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
CREATE TRIGGER stale_session AFTER UPDATE ON session WHEN NEW.ended_at_ms IS NOT NULL
    AND (NEW.ended_at_ms IS NOT OLD.ended_at_ms OR NEW.mono0_ms IS NOT OLD.mono0_ms
        OR NEW.mono1_ms IS NOT OLD.mono1_ms OR NEW.boot_no IS NOT OLD.boot_no
        OR NEW.started_at_ms IS NOT OLD.started_at_ms OR NEW.utc_offset_s IS NOT OLD.utc_offset_s
        OR NEW.is_removed IS NOT OLD.is_removed) BEGIN
    INSERT INTO result_stale(session_id, why) VALUES (NEW.session_id,
        iif(OLD.ended_at_ms IS NULL, 'the session ended', 'the session was changed'))
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
CREATE TRIGGER stale_new_assignment AFTER INSERT ON stream_assignment BEGIN
    INSERT INTO result_stale(session_id, why) SELECT session_id, 'who wore what was changed' FROM session
    WHERE session_id = NEW.session_id AND ended_at_ms IS NOT NULL
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
CREATE TRIGGER stale_assignment AFTER UPDATE ON stream_assignment
    WHEN NEW.athlete_id IS NOT OLD.athlete_id OR NEW.session_id IS NOT OLD.session_id
        OR NEW.stream_id IS NOT OLD.stream_id OR NEW.from_ms IS NOT OLD.from_ms
        OR NEW.to_ms IS NOT OLD.to_ms BEGIN
    INSERT INTO result_stale(session_id, why) SELECT session_id, 'who wore what was changed' FROM session
    WHERE session_id IN (NEW.session_id, OLD.session_id) AND ended_at_ms IS NOT NULL
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
CREATE TRIGGER stale_gone_assignment AFTER DELETE ON stream_assignment BEGIN
    INSERT INTO result_stale(session_id, why) SELECT session_id, 'who wore what was changed' FROM session
    WHERE session_id = OLD.session_id AND ended_at_ms IS NOT NULL
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
CREATE TRIGGER stale_segment AFTER INSERT ON segment BEGIN
    INSERT INTO result_stale(session_id, why)
    SELECT DISTINCT session.session_id, 'more heart rates arrived' FROM stream_assignment worn
    JOIN session ON session.session_id = worn.session_id AND session.ended_at_ms IS NOT NULL
    WHERE worn.stream_id = NEW.stream_id AND worn.from_ms <= NEW.mono1
        AND (worn.to_ms IS NULL OR worn.to_ms > NEW.mono0)
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
CREATE TRIGGER stale_athlete AFTER UPDATE ON athlete WHEN NEW.sex IS NOT OLD.sex
        OR NEW.hr_max_bpm IS NOT OLD.hr_max_bpm OR NEW.hr_rest_bpm IS NOT OLD.hr_rest_bpm BEGIN
    INSERT INTO result_stale(session_id, why)
    SELECT DISTINCT session.session_id, 'the athlete''s own values were changed' FROM stream_assignment worn
    JOIN session ON session.session_id = worn.session_id AND session.ended_at_ms IS NOT NULL
    WHERE worn.athlete_id = NEW.athlete_id
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
CREATE TRIGGER stale_new_change AFTER INSERT ON profile_change WHEN NOT NEW.is_removed BEGIN
    INSERT INTO result_stale(session_id, why)
    SELECT DISTINCT session.session_id, 'new values from ' || NEW.valid_from FROM stream_assignment worn
    JOIN session ON session.session_id = worn.session_id AND session.ended_at_ms IS NOT NULL
    WHERE worn.athlete_id = NEW.athlete_id
        AND date(session.started_at_ms / 1000 + session.utc_offset_s, 'unixepoch') >= NEW.valid_from
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
CREATE TRIGGER stale_change AFTER UPDATE ON profile_change BEGIN
    INSERT INTO result_stale(session_id, why)
    SELECT DISTINCT session.session_id, iif(NEW.is_removed AND NOT OLD.is_removed, 'the values from '
        || OLD.valid_from || ' were taken back', 'new values from ' || NEW.valid_from)
    FROM stream_assignment worn
    JOIN session ON session.session_id = worn.session_id AND session.ended_at_ms IS NOT NULL
    WHERE worn.athlete_id IN (NEW.athlete_id, OLD.athlete_id)
        AND date(session.started_at_ms / 1000 + session.utc_offset_s, 'unixepoch')
            >= min(NEW.valid_from, OLD.valid_from)
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
CREATE TRIGGER stale_gone_change AFTER DELETE ON profile_change WHEN NOT OLD.is_removed BEGIN
    INSERT INTO result_stale(session_id, why)
    SELECT DISTINCT session.session_id, 'the values from ' || OLD.valid_from || ' were refused'
    FROM stream_assignment worn
    JOIN session ON session.session_id = worn.session_id AND session.ended_at_ms IS NOT NULL
    WHERE worn.athlete_id = OLD.athlete_id
        AND date(session.started_at_ms / 1000 + session.utc_offset_s, 'unixepoch') >= OLD.valid_from
    ON CONFLICT(session_id) DO UPDATE SET mark = mark + 1; END;
"""


@hub_schema()
def m001_heartbeat(db: Schema) -> None:
    """Everything the first heartbeat stores."""
    for statement in HEARTBEAT.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@hub_schema()
def m002_imports(db: Schema) -> None:
    """Sources, daily values and what is needed to link, undo and re-read imports."""
    for statement in IMPORTS.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@hub_schema()
def m003_results(db: Schema) -> None:
    """Dated changes of a person's values, results with their versions, and marks of what is to be redone."""
    for statement in RESULTS.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@hub_schema()
def m004_tables_and_folders(db: Schema) -> None:
    """Saved mappings, and what watched folders gave already."""
    for statement in TABLES_AND_FOLDERS.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@hub_schema()
def m010_exact_sync(db: Schema) -> None:
    """Whose each record is, echoes kept for a month, erasures, and room for a snapshot on its way in."""
    for statement in SYNC.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


GROUNDS = """
-- where the club's pitches lie: four corners [[latitude, longitude], ...] in degrees, round the pitch
CREATE TABLE ground(
    ground_id TEXT PRIMARY KEY, name TEXT NOT NULL, corners TEXT NOT NULL, length_m REAL NOT NULL,
    width_m REAL NOT NULL, made_at_ms INTEGER NOT NULL) STRICT;
-- the ground somebody chose for a session; NULL is "fitted to where they ran", and no row is "find it"
CREATE TABLE session_ground(
    session_id TEXT PRIMARY KEY, ground_id TEXT REFERENCES ground ON DELETE CASCADE) STRICT;
"""


@hub_schema()
def m020_grounds(db: Schema) -> None:
    """Grounds, and which of them a session was on where somebody said so."""
    for statement in GROUNDS.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


RADIO = """
-- which way in and which receiver somebody chose for a strap; a strap without a row is the hub's to choose
CREATE TABLE strap_wish(
    strap_id TEXT PRIMARY KEY, way TEXT NOT NULL CHECK(way IN ('auto','connected','broadcast')),
    receiver TEXT, wants_rr INTEGER NOT NULL, set_at_ms INTEGER NOT NULL) STRICT;
-- running pods beside the straps, and whose each is from session to session
CREATE TABLE pod(
    pod_id TEXT PRIMARY KEY, name TEXT NOT NULL, address TEXT NOT NULL, athlete_id TEXT) STRICT;
CREATE TRIGGER pod_of_erased AFTER DELETE ON athlete BEGIN
    UPDATE pod SET athlete_id = NULL WHERE athlete_id = OLD.athlete_id; END;
-- the unsealed motion of a running session, one packed row a tick
CREATE TABLE pod_tick(
    id INTEGER PRIMARY KEY, boot_no INTEGER NOT NULL, mono_ms INTEGER NOT NULL, blob BLOB NOT NULL) STRICT;
"""


@hub_schema()
def m030_radio(db: Schema) -> None:
    """Wishes about straps, and running pods with what they said since their last segment."""
    for statement in RADIO.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


WEARING = """
-- straps of other teams: neither heard nor connected until somebody takes them back
CREATE TABLE ignored_strap(
    strap_id TEXT PRIMARY KEY, name TEXT NOT NULL, ignored_at_ms INTEGER NOT NULL,
    ignored_by TEXT NOT NULL) STRICT;
-- straps that stand by for the one their athlete is fed by
CREATE TABLE spare_strap(strap_id TEXT PRIMARY KEY, since_ms INTEGER NOT NULL) STRICT;
-- stretches of streams that somebody said belong to nobody; times of the stream's own boot
CREATE TABLE put_aside(
    aside_id TEXT PRIMARY KEY, stream_id TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL) STRICT;
CREATE INDEX put_aside_stream ON put_aside(stream_id);
-- corrections of who wore what, each with whose every stretch was before, to be taken back
CREATE TABLE wearing_edit(
    edit_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, made_at_ms INTEGER NOT NULL, made_by TEXT NOT NULL,
    words TEXT NOT NULL, undone_at_ms INTEGER) STRICT;
CREATE INDEX wearing_edit_session ON wearing_edit(session_id);
CREATE TABLE wearing_cell(
    edit_id TEXT NOT NULL REFERENCES wearing_edit ON DELETE CASCADE, number INTEGER NOT NULL,
    stream_id TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER, before_id TEXT, after_id TEXT,
    PRIMARY KEY(edit_id, number)) STRICT, WITHOUT ROWID;
-- how far the heart rates behind a result can be trusted, judged from the stored samples
CREATE TABLE session_quality(
    session_id TEXT NOT NULL, athlete_id TEXT NOT NULL, heard_key BLOB NOT NULL, doc TEXT NOT NULL,
    PRIMARY KEY(session_id, athlete_id)) STRICT, WITHOUT ROWID;
"""


@hub_schema()
def m031_wearing(db: Schema) -> None:
    """Foreign and spare straps, corrections of who wore what, and the worth of what was heard."""
    for statement in WEARING.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@hub_schema()
def m032_two_edits(db: Schema) -> None:
    """Who made each edit, what they had read, and edits that met."""
    for statement in TWO_EDITS.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@hub_schema()
def m033_effort_stops(db: Schema) -> None:
    """When hard efforts ended, for the recovery after them."""
    for statement in EFFORT_STOPS.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@hub_schema()
def m034_unworn(db: Schema) -> None:
    """Whose a stream was at a time, found at once in the store of a whole season."""
    db.conn.execute(UNWORN)


@hub_schema()
def m035_refused_segments(db: Schema) -> None:
    """What the cloud refused of the samples, kept over restarts."""
    for statement in REFUSED_SEGMENTS.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@hub_schema()
def m036_anchors_told(db: Schema) -> None:
    """Which facts about the time the cloud has acknowledged; until then they wait, however old."""
    for statement in ANCHORS_TOLD:
        db.conn.execute(statement)


@hub_schema()
def m037_refused_edits(db: Schema) -> None:
    """What was decided about refused edits, here or online."""
    db.conn.execute(REFUSED_EDITS)


@hub_schema()
def m038_not_shown(db: Schema) -> None:
    """Records that pages cannot show, and why."""
    db.conn.execute(NOT_SHOWN)


@hub_schema()
def m039_taken_files(db: Schema) -> None:
    """Of the paths of files that were imported only hashes are kept."""
    hash_paths(db.conn)
