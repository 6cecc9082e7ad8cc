-- Edits that met, with the later time of the two and whether the field still asks for a word: nobody has decided,
-- and it has the value that stood.
CREATE VIEW met_edit AS
SELECT met.club_id, met.pk, met.doc ->> 'athlete_id' AS athlete_id,
       greatest((met.doc ->> 'stands_ms')::bigint, (met.doc ->> 'other_ms')::bigint) AS at_ms,
       coalesce(coalesce(met.doc ->> 'state', 'open') = 'open'
           AND coalesce(record.doc -> (met.doc ->> 'field'), 'null'::jsonb) = (met.doc ->> 'stands')::jsonb,
           false) AS is_open
FROM row_state met
LEFT JOIN row_state record
    ON record.club_id = met.club_id AND record.tbl = met.doc ->> 'of_tbl' AND record.pk = met.doc ->> 'of_pk'
WHERE met.tbl = 'two_edits' AND met.doc ->> 'of_tbl' IS NOT NULL;
