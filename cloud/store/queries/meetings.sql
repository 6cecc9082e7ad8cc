-- name: met_records
-- Edits that met, the records they are of, and the athletes they name.
WITH met AS (
    SELECT pk, doc FROM row_state
    WHERE club_id = %(club_id)s AND tbl = 'two_edits' AND doc ->> 'of_tbl' IS NOT NULL
      AND (%(athlete_id)s::text IS NULL OR doc ->> 'athlete_id' = %(athlete_id)s)
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
SELECT count(*) FROM row_state met
JOIN row_state record
    ON record.club_id = met.club_id AND record.tbl = met.doc ->> 'of_tbl' AND record.pk = met.doc ->> 'of_pk'
WHERE met.club_id = %(club_id)s AND met.tbl = 'two_edits' AND met.doc ->> 'state' = 'open'
  AND record.doc -> (met.doc ->> 'field') = (met.doc ->> 'stands')::jsonb;

-- name: athlete_doc
SELECT tbl, pk, doc FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'athlete' AND pk = %(athlete_id)s AND doc <> '{}';
