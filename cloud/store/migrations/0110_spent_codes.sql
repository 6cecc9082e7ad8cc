-- A claim code stays until it expires, and remembers whose it was: a hub that never heard the answer may ask again.
ALTER TABLE claim_code ADD COLUMN used_by bytea;
