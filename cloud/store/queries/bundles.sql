-- name: bundle_key
SELECT seed FROM bundle_key WHERE club_id = %(club_id)s;

-- name: bundle_key_add
INSERT INTO bundle_key (club_id, seed, made_ms) VALUES (%(club_id)s, %(seed)s, %(now_ms)s)
ON CONFLICT (club_id) DO NOTHING;

-- name: hub_heard
-- A bundle may be old: what a hub has read and carried out is only ever more.
UPDATE hub
SET pull_cursor = greatest(pull_cursor, %(cursor)s), erased_seq = greatest(erased_seq, %(erased_seq)s),
    seen_ms = greatest(seen_ms, %(now_ms)s)
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s;

-- name: bundle_note
-- One that comes again keeps what was found first: the second time everything was here already.
INSERT INTO bundle (club_id, bundle_id, hub_id, made_ms, taken_ms, state, words, epoch, first_seq, cursor,
                    feed_epoch, reply_key, earlier)
VALUES (%(club_id)s, %(bundle_id)s, %(hub_id)s, %(made_ms)s, %(now_ms)s, %(state)s, %(words)s, %(epoch)s,
        %(first_seq)s, %(cursor)s, %(feed_epoch)s, %(reply_key)s, %(earlier)s)
ON CONFLICT (club_id, bundle_id) DO UPDATE SET
    again_ms = CASE WHEN bundle.state = 'refused' OR (bundle.state = 'there' AND excluded.state = 'taken')
        THEN NULL ELSE excluded.taken_ms END,
    taken_ms = CASE WHEN bundle.state = 'refused' OR (bundle.state = 'there' AND excluded.state = 'taken')
        THEN excluded.taken_ms ELSE bundle.taken_ms END,
    words = CASE WHEN bundle.state = 'refused' OR (bundle.state = 'there' AND excluded.state = 'taken')
        THEN excluded.words ELSE bundle.words END,
    state = CASE WHEN bundle.state = 'refused' OR (bundle.state = 'there' AND excluded.state = 'taken')
        THEN excluded.state ELSE bundle.state END;

-- name: bundles_to_answer
-- Of each hub, or of one, the last that came, whether or not it could be taken; but none that its hub wrote before
-- another one that came. What time the hub's clock said does not count.
SELECT DISTINCT ON (hub_id) bundle_id, hub_id, made_ms, taken_ms, state, words, epoch, first_seq, cursor,
       feed_epoch, reply_key, again_ms
FROM bundle
WHERE club_id = %(club_id)s AND (%(hub_id)s::text IS NULL OR hub_id = %(hub_id)s) AND NOT EXISTS (
    SELECT 1 FROM bundle later
    WHERE later.club_id = bundle.club_id AND later.hub_id = bundle.hub_id
      AND later.bundle_id <> bundle.bundle_id AND bundle.bundle_id = ANY(later.earlier))
ORDER BY hub_id, taken_ms DESC, made_ms DESC;

-- name: bundles
SELECT bundle_id, hub_id, made_ms, taken_ms, state, words, epoch, first_seq, cursor, feed_epoch, reply_key,
       again_ms
FROM bundle
WHERE club_id = %(club_id)s
ORDER BY coalesce(again_ms, taken_ms) DESC, bundle_id
LIMIT %(limit)s;

-- name: bundle_segments_note
-- Another hub brought these first; this one must be told all the same that they are here.
INSERT INTO bundle_segment (club_id, hub_id, seg_id)
SELECT club_id, %(hub_id)s, seg_id FROM segment
WHERE club_id = %(club_id)s AND seg_id = ANY(%(seg_ids)s) AND hub_id <> %(hub_id)s
ON CONFLICT (club_id, hub_id, seg_id) DO NOTHING;

-- name: bundle_refused_note
INSERT INTO bundle_refused (club_id, hub_id, bundle_id, seg_id, code)
VALUES (%(club_id)s, %(hub_id)s, %(bundle_id)s, %(seg_id)s, %(code)s)
ON CONFLICT (club_id, hub_id, bundle_id, seg_id) DO UPDATE SET code = excluded.code;

-- name: bundle_refused_forget
-- Only the newest bundle is answered, and it holds again whatever its hub has not heard of.
DELETE FROM bundle_refused
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND bundle_id <> %(bundle_id)s;

-- name: bundle_refused
-- What of a bundle was refused and did not come by another way since.
SELECT seg_id, code FROM bundle_refused refused
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND bundle_id = %(bundle_id)s
  AND NOT EXISTS (
    SELECT 1 FROM segment WHERE segment.club_id = refused.club_id AND segment.seg_id = refused.seg_id)
ORDER BY seg_id
LIMIT %(limit)s;

-- name: bundle_segments_own
SELECT seg_id FROM segment
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND seg_id > %(after)s
ORDER BY seg_id
LIMIT %(limit)s;

-- name: bundle_segments_others
SELECT noted.seg_id FROM bundle_segment noted
JOIN segment ON segment.club_id = noted.club_id AND segment.seg_id = noted.seg_id
WHERE noted.club_id = %(club_id)s AND noted.hub_id = %(hub_id)s AND noted.seg_id > %(after)s
ORDER BY noted.seg_id
LIMIT %(limit)s;
