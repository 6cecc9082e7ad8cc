-- name: met_page
-- Those behind a place: what asks for a word first, each the newest first.
SELECT pk, is_open, at_ms FROM met_edit
WHERE club_id = %(club_id)s AND (%(athlete_id)s::text IS NULL OR athlete_id = %(athlete_id)s)
  AND (is_open, at_ms, pk) < (%(is_open)s, %(ms)s, %(pk)s)
ORDER BY is_open DESC, at_ms DESC, pk DESC LIMIT %(limit)s;

-- name: met_page_back
-- Those before a place, the nearest first.
SELECT pk, is_open, at_ms FROM met_edit
WHERE club_id = %(club_id)s AND (%(athlete_id)s::text IS NULL OR athlete_id = %(athlete_id)s)
  AND (is_open, at_ms, pk) > (%(is_open)s, %(ms)s, %(pk)s)
ORDER BY is_open, at_ms, pk LIMIT %(limit)s;

-- name: met_records
-- These edits that met, the records they are of, and the athletes they name.
WITH met AS (
    SELECT pk, doc FROM row_state
    WHERE club_id = %(club_id)s AND tbl = 'two_edits' AND pk = ANY(%(pks)s) AND doc ->> 'of_tbl' IS NOT NULL
)
SELECT 'two_edits' AS tbl, pk, doc FROM met
UNION ALL
SELECT tbl, pk, doc FROM row_state
WHERE club_id = %(club_id)s AND tbl <> 'athlete'
  AND (tbl, pk) IN (SELECT met.doc ->> 'of_tbl', met.doc ->> 'of_pk' FROM met)
UNION ALL
SELECT tbl, pk, doc FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'athlete' AND pk IN (
    SELECT met.doc ->> 'of_pk' FROM met
    UNION SELECT met.doc ->> 'athlete_id' FROM met
    UNION SELECT trim(both '"' from met.doc ->> 'stands') FROM met WHERE met.doc ->> 'of_tbl' = 'strap'
    UNION SELECT trim(both '"' from met.doc ->> 'other') FROM met WHERE met.doc ->> 'of_tbl' = 'strap');

-- name: met_count_open
-- Those whose field still has the value that stood.
SELECT count(*) FROM met_edit WHERE club_id = %(club_id)s AND is_open;

-- name: met_count
SELECT count(*) FROM met_edit WHERE club_id = %(club_id)s;

-- name: athlete_doc
SELECT tbl, pk, doc FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'athlete' AND pk = %(athlete_id)s AND doc <> '{}';
