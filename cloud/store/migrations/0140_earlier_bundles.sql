-- Which bundles its hub had written before: the clock of a hub may be wrong, the order it wrote them in is not.
ALTER TABLE bundle ADD COLUMN earlier text[] NOT NULL DEFAULT '{}';
