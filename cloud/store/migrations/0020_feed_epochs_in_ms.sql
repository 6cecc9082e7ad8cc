-- Two restores within a minute must not give two feeds one number.
ALTER TABLE club_clock ALTER COLUMN feed_epoch TYPE bigint;
