"""SQLite at rest: one writer, read-only readers, one file a table's questions."""
