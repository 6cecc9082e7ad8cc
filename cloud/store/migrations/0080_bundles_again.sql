-- When a bundle that was taken before came once more; what was found the first time stays.
ALTER TABLE bundle ADD COLUMN again_ms bigint;
