-- A refused edit together with what was decided about it, which is an ordinary record.
CREATE VIEW refused_edit AS
SELECT letter.club_id, letter.op_id, letter.hub_id, letter.payload, letter.code, letter.detail,
       letter.received_ms, letter.state, letter.settled_ms,
       coalesce(decided.doc ->> 'state', CASE letter.state WHEN 'discarded' THEN 'away' END) AS decided,
       decided.doc ->> 'settled_by' AS settled_by, decided.doc ->> 'settled_at' AS settled_at
FROM dead_letter letter
LEFT JOIN row_state decided
    ON decided.club_id = letter.club_id AND decided.tbl = 'refused_edit' AND decided.pk = letter.op_id;
