-- The hub whose log laid a stream on somebody erased: after it joined anew its samples are still under its old name.
ALTER TABLE erased_stream ADD COLUMN named_by text;
