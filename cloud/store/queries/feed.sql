-- name: push_facts
-- What is known of a batch: operations that came before; people (under no table) and records that were erased.
SELECT 'op' AS what, '' AS tbl, op_id AS key, seq FROM change_log
WHERE club_id = %(club_id)s AND op_id = ANY(%(op_ids)s)
UNION ALL
SELECT 'op', '', op_id, NULL FROM dead_letter WHERE club_id = %(club_id)s AND op_id = ANY(%(op_ids)s)
UNION ALL
SELECT 'op', '', op_id, NULL FROM compacted_op WHERE club_id = %(club_id)s AND op_id = ANY(%(op_ids)s)
UNION ALL
SELECT 'erased', '', subject_id, NULL FROM erased_subject
WHERE club_id = %(club_id)s AND subject_id = ANY(%(ids)s)
UNION ALL
SELECT 'erased', tbl, pk, NULL FROM erased_row WHERE club_id = %(club_id)s AND pk = ANY(%(pks)s);

-- name: feed_refused_ops
SELECT op_id, code FROM dead_letter
WHERE club_id = %(club_id)s AND op_id = ANY(%(op_ids)s) AND state <> 'retried';

-- name: records_touch
-- Make sure every row to be merged exists, in one order for everybody, so that locks never cross.
INSERT INTO row_state (club_id, tbl, pk, doc, stamps, hub_id)
SELECT %(club_id)s, wanted.tbl, wanted.pk, '{}', '{}', %(hub_id)s::text
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

-- name: records_untouch
-- Rows made by records_touch that nothing came to fill.
DELETE FROM row_state
WHERE club_id = %(club_id)s AND doc = '{}' AND stamps = '{}'
  AND (tbl, pk) IN (SELECT * FROM unnest(%(tbls)s::text[], %(pks)s::text[]));

-- name: records_write
UPDATE row_state SET doc = wanted.doc::jsonb, stamps = wanted.stamps::jsonb
FROM unnest(%(tbls)s::text[], %(pks)s::text[], %(docs)s::text[], %(stamps)s::text[])
    AS wanted (tbl, pk, doc, stamps)
WHERE row_state.club_id = %(club_id)s AND row_state.tbl = wanted.tbl AND row_state.pk = wanted.pk;

-- name: record_get
SELECT tbl, pk, doc, stamps FROM row_state WHERE club_id = %(club_id)s AND tbl = %(tbl)s AND pk = %(pk)s;

-- name: clock_advance
-- The last lock of every transaction that writes to a feed: held until commit, so that the order of seq is
-- the order of commits; rolled back with it, so that seq has no gaps.
UPDATE club_clock SET seq = seq + %(n)s WHERE club_id = %(club_id)s;

-- name: clock_seq
SELECT seq FROM club_clock WHERE club_id = %(club_id)s;

-- name: clock
SELECT seq, feed_epoch, horizon FROM club_clock WHERE club_id = %(club_id)s;

-- name: clock_lock
SELECT seq, feed_epoch, horizon FROM club_clock WHERE club_id = %(club_id)s FOR UPDATE;

-- name: feed_begin_anew
-- The feed lost entries a hub has read: its numbers mean something else from now on.
UPDATE club_clock SET feed_epoch = greatest(feed_epoch + 1, %(at_least)s) WHERE club_id = %(club_id)s;

-- name: feeds_begin_anew
UPDATE club_clock SET feed_epoch = greatest(feed_epoch + 1, %(at_least)s);

-- name: feed_op_at
SELECT op_id FROM change_log WHERE club_id = %(club_id)s AND seq = %(seq)s;

-- name: feed_read_by_all
-- How far every hub that still counts has read; NULL where there is none. One that joined and was never heard of
-- has nothing, and begins with a snapshot.
SELECT min(pull_cursor) FROM hub
WHERE club_id = %(club_id)s AND revoked_ms IS NULL AND seen_ms >= %(silent_since_ms)s
  AND (seen_ms > enrolled_ms OR pull_cursor > 0 OR last_seq > 0);

-- name: feed_first_young
SELECT min(seq) FROM change_log WHERE club_id = %(club_id)s AND stamp_ms >= %(young_ms)s;

-- name: feed_remember_ops
-- An old operation may still be sent again, by a restored card: it must be known for ever.
INSERT INTO compacted_op (club_id, op_id, hub_id)
SELECT club_id, op_id, hub_id FROM change_log
WHERE club_id = %(club_id)s AND seq <= %(horizon)s AND kind IN ('set', 'void')
ON CONFLICT (club_id, op_id) DO NOTHING;

-- name: feed_forget
DELETE FROM change_log WHERE club_id = %(club_id)s AND seq <= %(horizon)s;

-- name: feed_horizon
UPDATE club_clock SET horizon = %(horizon)s WHERE club_id = %(club_id)s;

-- name: snapshot_page
SELECT tbl, pk, doc, stamps, hub_id
FROM row_state
WHERE club_id = %(club_id)s
  AND (tbl COLLATE "C", pk COLLATE "C") > (%(after_tbl)s::text COLLATE "C", %(after_pk)s::text COLLATE "C")
ORDER BY tbl COLLATE "C", pk COLLATE "C"
LIMIT %(limit)s;

-- name: snapshot_rejected
SELECT op_id FROM dead_letter
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND state <> 'retried' ORDER BY op_id;

-- name: feed_append
-- The numbers up to what the counter, advanced and locked by this transaction, says now.
INSERT INTO change_log (club_id, seq, op_id, hub_id, kind, tbl, pk, fields, stamp_ms, quality, reason, resolves,
                        actor, after_seq)
SELECT clock.club_id, clock.seq - %(n)s + wanted.place, wanted.op_id, wanted.hub_id, wanted.kind, wanted.tbl,
       wanted.pk, wanted.fields, wanted.stamp_ms, wanted.quality, wanted.reason, wanted.resolves, wanted.actor,
       wanted.after_seq
FROM jsonb_to_recordset(%(entries)s::jsonb)
    AS wanted (place bigint, op_id text, hub_id text, kind text, tbl text, pk text, fields jsonb, stamp_ms bigint,
               quality smallint, reason text, resolves text, actor text, after_seq bigint)
JOIN club_clock clock ON clock.club_id = %(club_id)s;

-- name: feed_rivals
-- Edits of these records that somebody at this hub may not have seen, oldest first; what a hub does, it knows.
SELECT seq, op_id, hub_id, tbl, pk, fields, stamp_ms, quality, actor, after_seq
FROM change_log
WHERE club_id = %(club_id)s AND kind = 'set' AND hub_id IS DISTINCT FROM %(hub_id)s::text
  AND (seq > %(after_seq)s OR stamp_ms > %(after_ms)s)
  AND (tbl, pk) IN (SELECT * FROM unnest(%(tbls)s::text[], %(pks)s::text[]))
ORDER BY seq;

-- name: feed_after
SELECT seq, op_id, kind, tbl, pk, fields, stamp_ms, hub_id, reason, resolves
FROM change_log
WHERE club_id = %(club_id)s AND seq > %(after)s
ORDER BY seq
LIMIT %(limit)s;

-- name: dead_letter_add
INSERT INTO dead_letter (club_id, op_id, hub_id, payload, code, detail, received_ms)
VALUES (%(club_id)s, %(op_id)s, %(hub_id)s, %(payload)s, %(code)s, %(detail)s, %(now_ms)s);

-- name: letters
-- Those nobody has decided about; one that was taken out again says by whom.
SELECT op_id, hub_id, payload, code, detail, received_ms, decided, settled_by, settled_at, settled_ms
FROM refused_edit
WHERE club_id = %(club_id)s AND state = 'open' ORDER BY received_ms, op_id;

-- name: letter_open
SELECT op_id, hub_id, payload, code, detail, received_ms, decided, settled_by, settled_at, settled_ms
FROM refused_edit
WHERE club_id = %(club_id)s AND op_id = %(op_id)s AND state = 'open';

-- name: letters_page
-- Those behind a place, in order; nobody has decided about them.
SELECT op_id, hub_id, payload, code, detail, received_ms, decided, settled_by, settled_at, settled_ms
FROM refused_edit
WHERE club_id = %(club_id)s AND state = 'open' AND (received_ms, op_id) > (%(ms)s, %(op_id)s)
ORDER BY received_ms, op_id LIMIT %(limit)s;

-- name: letters_page_back
-- Those before a place, the nearest first.
SELECT op_id, hub_id, payload, code, detail, received_ms, decided, settled_by, settled_at, settled_ms
FROM refused_edit
WHERE club_id = %(club_id)s AND state = 'open' AND (received_ms, op_id) < (%(ms)s, %(op_id)s)
ORDER BY received_ms DESC, op_id DESC LIMIT %(limit)s;

-- name: letters_open_count
SELECT count(*) FROM dead_letter WHERE club_id = %(club_id)s AND state = 'open';

-- name: letter_reasons
-- How many nobody has decided about, by the reason they were refused for.
SELECT code, count(*) AS n FROM dead_letter
WHERE club_id = %(club_id)s AND state = 'open' GROUP BY code ORDER BY code;

-- name: letters_of_reason
-- Those of a reason up to a place, in order; nobody has decided about them.
SELECT op_id, hub_id, received_ms FROM dead_letter
WHERE club_id = %(club_id)s AND state = 'open' AND code = %(code)s
  AND (received_ms, op_id) <= (%(ms)s, %(op_id)s)
ORDER BY received_ms, op_id;

-- name: letter_newest_of_reason
SELECT op_id, hub_id, received_ms FROM dead_letter
WHERE club_id = %(club_id)s AND state = 'open' AND code = %(code)s
ORDER BY received_ms DESC, op_id DESC LIMIT 1;

-- name: letters_put_away_at
-- Those of a reason that were put away in one go at that time, and still are.
SELECT op_id, hub_id, received_ms FROM dead_letter
WHERE club_id = %(club_id)s AND state = 'discarded' AND code = %(code)s AND settled_ms = %(at_ms)s
ORDER BY received_ms, op_id;

-- name: letters_away_together
-- What was put away in one go, the newest first.
SELECT code, settled_ms AS at_ms, count(*) AS n FROM dead_letter
WHERE club_id = %(club_id)s AND state = 'discarded' AND code <> 'erased'
GROUP BY code, settled_ms HAVING count(*) > 1 ORDER BY settled_ms DESC, code LIMIT %(limit)s;

-- name: letters_away
-- Those that were put away and still have their content, the newest decision first.
SELECT op_id, hub_id, payload, code, detail, received_ms, decided, settled_by, settled_at, settled_ms
FROM refused_edit
WHERE club_id = %(club_id)s AND state = 'discarded' AND code <> 'erased'
ORDER BY settled_ms DESC, op_id LIMIT %(limit)s;

-- name: letter_hubs
SELECT DISTINCT hub_id FROM dead_letter
WHERE club_id = %(club_id)s AND op_id = ANY(%(op_ids)s) ORDER BY hub_id;

-- name: letters_lock
SELECT op_id, hub_id, payload, code, detail, received_ms FROM dead_letter
WHERE club_id = %(club_id)s AND op_id = ANY(%(op_ids)s) AND state = %(state)s
ORDER BY received_ms, op_id FOR UPDATE;

-- name: letters_of_others
SELECT letter.op_id FROM dead_letter letter
JOIN hub ON hub.club_id = letter.club_id AND hub.hub_id = letter.hub_id
WHERE letter.club_id = %(club_id)s AND letter.op_id = ANY(%(op_ids)s)
  AND letter.hub_id <> %(hub_id)s AND hub.revoked_ms IS NULL;

-- name: letter_decided
UPDATE dead_letter SET state = %(state)s, settled_ms = %(now_ms)s
WHERE club_id = %(club_id)s AND op_id = %(op_id)s AND state <> 'retried' AND state <> %(state)s;

-- name: letters_untold
-- Put away online before the hubs were told of that.
SELECT club_id, op_id FROM dead_letter letter
WHERE state = 'discarded' AND code <> 'erased' AND NOT EXISTS (
    SELECT 1 FROM row_state decided
    WHERE decided.club_id = letter.club_id AND decided.tbl = 'refused_edit' AND decided.pk = letter.op_id)
ORDER BY club_id, op_id;

-- name: letters_settle
UPDATE dead_letter SET state = %(state)s, settled_ms = %(now_ms)s
WHERE club_id = %(club_id)s AND op_id = ANY(%(op_ids)s);

-- name: letters_deferred
-- Operations on tables this version may know by now.
SELECT club_id, op_id FROM dead_letter WHERE state = 'open' AND code = 'unknown_table' ORDER BY club_id, received_ms;
