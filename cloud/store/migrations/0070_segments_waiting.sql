-- How many segments a hub said at its last greeting that it had still to send, and how many of it were here then.
ALTER TABLE hub ADD COLUMN segments_waiting bigint NOT NULL DEFAULT 0;
ALTER TABLE hub ADD COLUMN segments_then bigint NOT NULL DEFAULT 0;
