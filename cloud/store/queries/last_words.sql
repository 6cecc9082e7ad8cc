-- name: last_words_leaving
-- Entries about to be compacted away whose fields people type, oldest first.
SELECT seq, op_id, hub_id, tbl, pk, fields, stamp_ms, quality, actor, after_seq
FROM change_log
WHERE club_id = %(club_id)s AND seq <= %(horizon)s AND kind = 'set' AND tbl = ANY(%(tbls)s)
ORDER BY seq;

-- name: last_word_keep
INSERT INTO last_word (club_id, tbl, pk, field, author_hub, seq, op_id, hub_id, fields, stamp_ms, quality, actor,
                       after_seq)
VALUES (%(club_id)s, %(tbl)s, %(pk)s, %(field)s, %(author_hub)s, %(seq)s, %(op_id)s, %(hub_id)s, %(fields)s::jsonb,
        %(stamp_ms)s, %(quality)s, %(actor)s, %(after_seq)s)
ON CONFLICT (club_id, tbl, pk, field, author_hub) DO UPDATE SET
    seq = excluded.seq, op_id = excluded.op_id, hub_id = excluded.hub_id, fields = excluded.fields,
    stamp_ms = excluded.stamp_ms, quality = excluded.quality, actor = excluded.actor, after_seq = excluded.after_seq
WHERE excluded.seq > last_word.seq;

-- name: last_words
-- As `feed_rivals`, of what is no longer in the feed: one row a field.
SELECT seq, op_id, hub_id, tbl, pk, fields, stamp_ms, quality, actor, after_seq
FROM last_word
WHERE club_id = %(club_id)s AND hub_id IS DISTINCT FROM %(hub_id)s::text
  AND (seq > %(after_seq)s OR stamp_ms > %(after_ms)s)
  AND (tbl, pk) IN (SELECT * FROM unnest(%(tbls)s::text[], %(pks)s::text[]))
ORDER BY seq;

-- name: last_words_forget
DELETE FROM last_word WHERE club_id = %(club_id)s AND tbl = %(tbl)s AND pk = %(pk)s;

-- name: last_words_naming_forget
-- Who wore a strap once is named there, too.
DELETE FROM last_word WHERE club_id = %(club_id)s AND fields ->> 'athlete_id' = %(subject_id)s;
