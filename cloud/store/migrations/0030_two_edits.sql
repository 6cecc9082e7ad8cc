-- Who made an edit and what its author had seen, for edits that met; what a hub had still to send when it last
-- greeted; what it found when it last compared; and claim codes made online.
ALTER TABLE change_log ADD COLUMN actor text;
ALTER TABLE change_log ADD COLUMN after_seq bigint;
ALTER TABLE hub ADD COLUMN head_seq bigint NOT NULL DEFAULT 0;
ALTER TABLE hub ADD COLUMN verified_ms bigint;
ALTER TABLE hub ADD COLUMN verified_records bigint NOT NULL DEFAULT 0;
ALTER TABLE hub ADD COLUMN verified_segments bigint NOT NULL DEFAULT 0;
ALTER TABLE hub ADD COLUMN verified_waiting bigint NOT NULL DEFAULT 0;
ALTER TABLE hub ADD COLUMN verified_differences bigint NOT NULL DEFAULT 0;
