-- name: migration_lock
-- One migrator at a time; released with the connection.
SELECT pg_advisory_lock(%(key)s);

-- name: migration_table
CREATE TABLE IF NOT EXISTS migration (
    name       text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: migration_list
SELECT name, sha256 FROM migration ORDER BY name;

-- name: migration_add
INSERT INTO migration (name, sha256) VALUES (%(name)s, %(sha256)s);

-- name: migration_table_is_missing
SELECT to_regclass('migration') IS NULL;

-- name: alive
SELECT 1;
