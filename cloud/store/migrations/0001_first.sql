-- Directory tables: small, shared, asked before the club is known. Everything else is a tenant table whose
-- primary key and every unique constraint start with club_id.
CREATE TABLE club (
    club_id    text PRIMARY KEY,
    name       text NOT NULL,
    created_ms bigint NOT NULL
);
CREATE UNIQUE INDEX club_name ON club (lower(name));

CREATE TABLE coach (
    email         text PRIMARY KEY,
    club_id       text NOT NULL REFERENCES club,
    password_hash text NOT NULL,
    created_ms    bigint NOT NULL
);

CREATE TABLE coach_sign_in (
    token_sha256 bytea PRIMARY KEY,
    email        text NOT NULL REFERENCES coach ON DELETE CASCADE,
    created_ms   bigint NOT NULL,
    expires_ms   bigint NOT NULL
);

CREATE TABLE claim_code (
    code_sha256 bytea PRIMARY KEY,
    club_id     text NOT NULL REFERENCES club,
    expires_ms  bigint NOT NULL
);

CREATE TABLE hub_directory (
    hub_id  text PRIMARY KEY,
    club_id text NOT NULL REFERENCES club
);

CREATE TABLE hub_nonce (
    nonce_sha256 bytea PRIMARY KEY,
    hub_id       text NOT NULL REFERENCES hub_directory,
    expires_ms   bigint NOT NULL
);

CREATE TABLE hub_token (
    token_sha256 bytea PRIMARY KEY,
    hub_id       text NOT NULL REFERENCES hub_directory,
    club_id      text NOT NULL REFERENCES club,
    expires_ms   bigint NOT NULL
);

-- Tenant tables.
CREATE TABLE club_clock (
    club_id    text PRIMARY KEY,
    seq        bigint NOT NULL DEFAULT 0,
    feed_epoch integer NOT NULL DEFAULT 1
);

CREATE TABLE hub (
    club_id     text NOT NULL,
    hub_id      text NOT NULL,
    pubkey      bytea NOT NULL,
    model       text NOT NULL,
    software    text NOT NULL,
    epoch       bigint NOT NULL DEFAULT 1,
    last_seq    bigint NOT NULL DEFAULT 0,
    last_chain  bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    max_stamp   bigint NOT NULL DEFAULT 0,
    pull_cursor bigint NOT NULL DEFAULT 0,
    enrolled_ms bigint NOT NULL,
    seen_ms     bigint NOT NULL,
    PRIMARY KEY (club_id, hub_id)
);

CREATE TABLE hub_anchor (
    club_id text NOT NULL,
    hub_id  text NOT NULL,
    boot_no bigint NOT NULL,
    mono_ms bigint NOT NULL,
    wall_ms bigint NOT NULL,
    err_ms  bigint NOT NULL,
    source  text NOT NULL,
    PRIMARY KEY (club_id, hub_id, boot_no, mono_ms)
);

CREATE TABLE change_log (
    club_id  text NOT NULL,
    seq      bigint NOT NULL,
    op_id    text NOT NULL,
    hub_id   text,
    kind     text NOT NULL CHECK (kind IN ('set', 'reject', 'erase', 'void')),
    tbl      text NOT NULL,
    pk       text NOT NULL,
    fields   jsonb NOT NULL,
    stamp_ms bigint NOT NULL,
    quality  smallint NOT NULL,
    reason   text,
    PRIMARY KEY (club_id, seq),
    UNIQUE (club_id, op_id)
);

CREATE TABLE row_state (
    club_id text NOT NULL,
    tbl     text NOT NULL,
    pk      text NOT NULL,
    doc     jsonb NOT NULL,
    stamps  jsonb NOT NULL,
    PRIMARY KEY (club_id, tbl, pk)
);
CREATE INDEX assignment_by_session ON row_state (club_id, (doc ->> 'session_id')) WHERE tbl = 'stream_assignment';
CREATE INDEX assignment_by_stream ON row_state (club_id, (doc ->> 'stream_id')) WHERE tbl = 'stream_assignment';
CREATE INDEX assignment_by_athlete ON row_state (club_id, (doc ->> 'athlete_id')) WHERE tbl = 'stream_assignment';

CREATE TABLE dead_letter (
    club_id     text NOT NULL,
    op_id       text NOT NULL,
    hub_id      text NOT NULL,
    payload     text NOT NULL,
    code        text NOT NULL,
    detail      text NOT NULL,
    received_ms bigint NOT NULL,
    PRIMARY KEY (club_id, op_id)
);

CREATE TABLE segment (
    club_id     text NOT NULL,
    seg_id      bytea NOT NULL,
    stream_id   text NOT NULL,
    boot_no     bigint NOT NULL,
    mono0_ms    bigint NOT NULL,
    mono1_ms    bigint NOT NULL,
    n           bigint NOT NULL,
    codec       bigint NOT NULL,
    payload     bytea NOT NULL,
    hub_id      text NOT NULL,
    received_ms bigint NOT NULL,
    PRIMARY KEY (club_id, seg_id)
);
-- The payload is compressed already.
ALTER TABLE segment ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX segment_by_stream ON segment (club_id, stream_id, mono0_ms);

CREATE TABLE session_load (
    club_id         text NOT NULL,
    session_id      text NOT NULL,
    athlete_id      text NOT NULL,
    formula_version text NOT NULL,
    sex             text NOT NULL,
    hr_max_bpm      integer,
    hr_rest_bpm     integer,
    banister_au     double precision,
    edwards_au      double precision,
    mean_bpm        double precision,
    max_bpm         integer,
    zone_s          double precision[] NOT NULL,
    covered_s       double precision NOT NULL,
    estimated_s     double precision NOT NULL,
    elapsed_s       double precision NOT NULL,
    coverage        double precision NOT NULL,
    n               integer NOT NULL,
    above_max_s     double precision NOT NULL,
    computed_ms     bigint NOT NULL,
    PRIMARY KEY (club_id, session_id, athlete_id)
);
CREATE INDEX session_load_by_athlete ON session_load (club_id, athlete_id);

-- A session whose loads no longer match its records or segments. `mark` rises with every reason to recompute,
-- so a mark set while the loads are being computed is not lost.
CREATE TABLE session_stale (
    club_id    text NOT NULL,
    session_id text NOT NULL,
    mark       bigint NOT NULL DEFAULT 1,
    marked_ms  bigint NOT NULL,
    PRIMARY KEY (club_id, session_id)
);
