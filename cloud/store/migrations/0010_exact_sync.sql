-- Whose each record is, keys that change hands, copied cards, a feed that may be compacted or put back, erasure.
ALTER TABLE hub ADD COLUMN pubkey_next bytea;
ALTER TABLE hub ADD COLUMN revoked_ms bigint;
ALTER TABLE hub ADD COLUMN cloned_ms bigint;
ALTER TABLE hub ADD COLUMN erased_seq bigint NOT NULL DEFAULT 0;
ALTER TABLE club_clock ADD COLUMN horizon bigint NOT NULL DEFAULT 0;
ALTER TABLE change_log ADD COLUMN resolves text;
ALTER TABLE dead_letter ADD COLUMN state text NOT NULL DEFAULT 'open';
ALTER TABLE dead_letter ADD COLUMN settled_ms bigint;
ALTER TABLE row_state ADD COLUMN hub_id text;
UPDATE row_state SET hub_id = (
    SELECT first.hub_id FROM change_log first
    WHERE first.club_id = row_state.club_id AND first.tbl = row_state.tbl AND first.pk = row_state.pk
      AND first.kind = 'set' AND first.hub_id IS NOT NULL
    ORDER BY first.seq LIMIT 1);

-- Running processes that greeted under a hub's name, with the epoch they did it under.
CREATE TABLE hub_run (
    club_id text NOT NULL,
    hub_id  text NOT NULL,
    run_id  text NOT NULL,
    epoch   bigint NOT NULL,
    boot_no bigint NOT NULL,
    seen_ms bigint NOT NULL,
    PRIMARY KEY (club_id, hub_id, run_id)
);

-- Operations whose feed entries were compacted away.
CREATE TABLE compacted_op (
    club_id text NOT NULL,
    op_id   text NOT NULL,
    hub_id  text,
    PRIMARY KEY (club_id, op_id)
);

-- The fence: what was erased never comes back, whoever sends it again.
CREATE TABLE erased_subject (
    club_id    text NOT NULL,
    subject_id text NOT NULL,
    seq        bigint NOT NULL,
    erased_ms  bigint NOT NULL,
    asked_by   text NOT NULL,
    PRIMARY KEY (club_id, subject_id)
);
CREATE TABLE erased_row (
    club_id text NOT NULL,
    tbl     text NOT NULL,
    pk      text NOT NULL,
    PRIMARY KEY (club_id, tbl, pk)
);
CREATE TABLE erased_stream (
    club_id   text NOT NULL,
    stream_id text NOT NULL,
    PRIMARY KEY (club_id, stream_id)
);
CREATE TABLE erased_segment (
    club_id text NOT NULL,
    seg_id  bytea NOT NULL,
    PRIMARY KEY (club_id, seg_id)
);
CREATE INDEX change_log_by_row ON change_log (club_id, tbl, pk);
