-- name: feed_known_ops
SELECT op_id FROM change_log WHERE club_id = %(club_id)s AND op_id = ANY(%(op_ids)s)
UNION
SELECT op_id FROM dead_letter WHERE club_id = %(club_id)s AND op_id = ANY(%(op_ids)s);

-- name: records_touch
-- Make sure every row to be merged exists, in one order for everybody, so that locks never cross.
INSERT INTO row_state (club_id, tbl, pk, doc, stamps)
SELECT %(club_id)s, wanted.tbl, wanted.pk, '{}', '{}'
FROM unnest(%(tbls)s::text[], %(pks)s::text[]) AS wanted (tbl, pk)
ORDER BY wanted.tbl COLLATE "C", wanted.pk COLLATE "C"
ON CONFLICT DO NOTHING;

-- name: records_lock
SELECT row_state.tbl, row_state.pk, row_state.doc, row_state.stamps
FROM row_state
WHERE row_state.club_id = %(club_id)s
  AND (row_state.tbl, row_state.pk) IN (SELECT * FROM unnest(%(tbls)s::text[], %(pks)s::text[]))
ORDER BY row_state.tbl COLLATE "C", row_state.pk COLLATE "C"
FOR UPDATE;

-- name: record_write
UPDATE row_state SET doc = %(doc)s, stamps = %(stamps)s
WHERE club_id = %(club_id)s AND tbl = %(tbl)s AND pk = %(pk)s;

-- name: record_get
SELECT tbl, pk, doc, stamps FROM row_state WHERE club_id = %(club_id)s AND tbl = %(tbl)s AND pk = %(pk)s;

-- name: clock_advance
-- The last lock of every transaction that writes to a feed: held until commit, so that the order of seq is
-- the order of commits; rolled back with it, so that seq has no gaps.
UPDATE club_clock SET seq = seq + %(n)s WHERE club_id = %(club_id)s RETURNING seq;

-- name: clock
SELECT seq, feed_epoch FROM club_clock WHERE club_id = %(club_id)s;

-- name: feed_append
INSERT INTO change_log (club_id, seq, op_id, hub_id, kind, tbl, pk, fields, stamp_ms, quality, reason)
VALUES (%(club_id)s, %(seq)s, %(op_id)s, %(hub_id)s, %(kind)s, %(tbl)s, %(pk)s, %(fields)s, %(stamp_ms)s,
        %(quality)s, %(reason)s);

-- name: feed_after
SELECT seq, op_id, kind, tbl, pk, fields, stamp_ms, hub_id, reason
FROM change_log
WHERE club_id = %(club_id)s AND seq > %(after)s
ORDER BY seq
LIMIT %(limit)s;

-- name: dead_letter_add
INSERT INTO dead_letter (club_id, op_id, hub_id, payload, code, detail, received_ms)
VALUES (%(club_id)s, %(op_id)s, %(hub_id)s, %(payload)s, %(code)s, %(detail)s, %(now_ms)s);
