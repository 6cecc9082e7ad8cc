"""The schema's step for edits that met: who made an edit and what they had read, and the meetings themselves.

It only adds, like every step; meetings the cloud told of before are shown from what is confirmed.
"""

from __future__ import annotations

TWO_EDITS = """
-- who made the edit, and the last feed entry applied when it was made; NULL for those from before
ALTER TABLE outbox ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN after_seq INTEGER;

-- two people changed a field without knowing of each other; values are JSON text
CREATE TABLE two_edits(
    two_edits_id TEXT PRIMARY KEY, of_tbl TEXT NOT NULL, of_pk TEXT NOT NULL, field TEXT NOT NULL,
    athlete_id TEXT, stands TEXT NOT NULL, stands_by TEXT NOT NULL, stands_hub TEXT,
    stands_ms INTEGER NOT NULL, stands_sure INTEGER NOT NULL, other TEXT NOT NULL, other_by TEXT NOT NULL,
    other_hub TEXT, other_ms INTEGER NOT NULL, other_sure INTEGER NOT NULL, state TEXT NOT NULL,
    settled_by TEXT NOT NULL) STRICT;
CREATE INDEX two_edits_of ON two_edits(of_tbl, of_pk);
"""
