-- name: hub_directory_add
INSERT INTO hub_directory (hub_id, club_id) VALUES (%(hub_id)s, %(club_id)s);

-- name: hub_add
INSERT INTO hub (club_id, hub_id, pubkey, model, software, enrolled_ms, seen_ms)
VALUES (%(club_id)s, %(hub_id)s, %(pubkey)s, %(model)s, %(software)s, %(now_ms)s, %(now_ms)s);

-- name: hub_key_lock
-- A hub that asks twice at once with one key becomes one hub.
SELECT pg_advisory_xact_lock(hashtext(%(pubkey)s));

-- name: hub_never_answered
-- Nothing was heard of it since it joined; the oldest, if an older version made several.
SELECT hub_id FROM hub
WHERE club_id = %(club_id)s AND pubkey = %(pubkey)s AND hub_id <> %(leaves)s AND revoked_ms IS NULL
  AND seen_ms = enrolled_ms AND pull_cursor = 0 AND last_seq = 0
ORDER BY enrolled_ms, hub_id COLLATE "C" LIMIT 1;

-- name: hub_identity
SELECT club_id, hub_id FROM hub_directory WHERE hub_id = %(hub_id)s;

-- name: nonce_add
INSERT INTO hub_nonce (nonce_sha256, hub_id, expires_ms) VALUES (%(nonce_sha256)s, %(hub_id)s, %(expires_ms)s);

-- name: nonce_use
-- Single use, whether or not the signature turns out to be right.
DELETE FROM hub_nonce
WHERE nonce_sha256 = %(nonce_sha256)s AND hub_id = %(hub_id)s AND expires_ms > %(now_ms)s
RETURNING hub_id;

-- name: token_add
INSERT INTO hub_token (token_sha256, hub_id, club_id, expires_ms)
VALUES (%(token_sha256)s, %(hub_id)s, %(club_id)s, %(expires_ms)s);

-- name: token_hub
SELECT hub.club_id, hub.hub_id, hub.seen_ms
FROM hub_token token JOIN hub ON hub.club_id = token.club_id AND hub.hub_id = token.hub_id
WHERE token.token_sha256 = %(token_sha256)s AND token.expires_ms > %(now_ms)s;

-- name: hub_seen
UPDATE hub SET seen_ms = %(now_ms)s
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND seen_ms < %(now_ms)s;

-- name: hub_pulled
UPDATE hub SET pull_cursor = %(cursor)s
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND pull_cursor < %(cursor)s;

-- name: hub_reads_anew
-- What it has read is of another feed: of this one it has nothing yet.
UPDATE hub SET pull_cursor = 0 WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s;

-- name: hub_get
SELECT club_id, hub_id, pubkey, epoch, last_seq, last_chain, max_stamp, pubkey_next, revoked_ms, cloned_ms
FROM hub WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s;

-- name: hub_lock
-- The first lock of every push: one batch of a hub at a time.
SELECT club_id, hub_id, pubkey, epoch, last_seq, last_chain, max_stamp, pubkey_next, revoked_ms, cloned_ms
FROM hub WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s
FOR UPDATE;

-- name: hub_advance
UPDATE hub
SET last_seq = %(last_seq)s, last_chain = %(last_chain)s, max_stamp = %(max_stamp)s, seen_ms = %(now_ms)s
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s;

-- name: hub_new_epoch
-- Epochs only rise; a hub that was restored numbers its log anew from 1.
UPDATE hub
SET epoch = %(epoch)s, last_seq = 0, last_chain = decode(repeat('00', 32), 'hex')
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND epoch < %(epoch)s;

-- name: hub_greeted
UPDATE hub SET pull_cursor = %(cursor)s, erased_seq = %(erased_seq)s, head_seq = %(head_seq)s, seen_ms = %(now_ms)s,
    segments_waiting = %(segments_waiting)s,
    segments_then = CASE WHEN %(segments_waiting)s > 0 THEN (
        SELECT count(*) FROM segment s WHERE s.club_id = %(club_id)s AND s.hub_id = %(hub_id)s) ELSE 0 END
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s;

-- name: hub_share
-- Held while segments are stored: an erasure, which locks every hub of the club, waits for them or they for it.
SELECT hub_id FROM hub WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s FOR SHARE;

-- name: erasures_wait
-- Held by whoever writes records, or joins, without holding a hub's row: an erasure waits for them or they for it.
SELECT club_id FROM club WHERE club_id = %(club_id)s FOR SHARE;

-- name: erasure_alone
-- An erasure's first lock; rows that refer to the club may still be added.
SELECT club_id FROM club WHERE club_id = %(club_id)s FOR NO KEY UPDATE;

-- name: hubs_lock
-- Nothing can be pushed or stored in the club until the transaction ends.
SELECT hub_id FROM hub WHERE club_id = %(club_id)s ORDER BY hub_id COLLATE "C" FOR UPDATE;

-- name: hub_run_get
SELECT run_id, epoch FROM hub_run WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND run_id = %(run_id)s;

-- name: hub_run_seen
INSERT INTO hub_run (club_id, hub_id, run_id, epoch, boot_no, seen_ms)
VALUES (%(club_id)s, %(hub_id)s, %(run_id)s, %(epoch)s, %(boot_no)s, %(now_ms)s)
ON CONFLICT (club_id, hub_id, run_id) DO UPDATE SET epoch = excluded.epoch, seen_ms = excluded.seen_ms;

-- name: hub_runs_forget
DELETE FROM hub_run WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND seen_ms < %(before_ms)s;

-- name: hub_forks_since
-- How many times the hub's log was begun anew lately.
SELECT count(DISTINCT epoch) FROM hub_run
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND seen_ms >= %(since_ms)s;

-- name: hub_cloned
UPDATE hub SET cloned_ms = %(now_ms)s WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND cloned_ms IS NULL;

-- name: hub_copy_left
UPDATE hub SET cloned_ms = NULL WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s;

-- name: hub_other_tokens_end
-- After a log was begun anew no session of before it counts: whoever is still there signs in again.
DELETE FROM hub_token WHERE hub_id = %(hub_id)s AND token_sha256 <> %(token_sha256)s;

-- name: hub_next_key
UPDATE hub SET pubkey_next = %(pubkey_next)s WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s;

-- name: hub_key_rotated
UPDATE hub SET pubkey = pubkey_next, pubkey_next = NULL
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND pubkey_next IS NOT NULL;

-- name: hub_revoke
UPDATE hub SET revoked_ms = %(now_ms)s
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND revoked_ms IS NULL;

-- name: hub_tokens_end
DELETE FROM hub_token WHERE hub_id = %(hub_id)s;

-- name: hub_nonces_end
DELETE FROM hub_nonce WHERE hub_id = %(hub_id)s;

-- name: hub_verified
UPDATE hub SET verified_ms = %(now_ms)s, verified_records = %(records)s, verified_segments = %(segments)s,
    verified_waiting = %(waiting)s, verified_differences = %(differences)s
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s;

-- name: hub_kinds
-- What each hub has in the cloud, kind by kind: records it made, and segments by codec.
SELECT hub_id, tbl AS kind, count(*) AS n, 0::bigint AS bytes
FROM row_state WHERE club_id = %(club_id)s AND hub_id IS NOT NULL AND doc <> '{}' GROUP BY hub_id, tbl
UNION ALL
SELECT hub_id, 'segment ' || codec AS kind, count(*) AS n, sum(length(payload))::bigint AS bytes
FROM segment WHERE club_id = %(club_id)s GROUP BY hub_id, codec
ORDER BY hub_id, kind;

-- name: hub_letter_kinds
SELECT hub_id, code AS kind, count(*) AS n, 0::bigint AS bytes
FROM dead_letter WHERE club_id = %(club_id)s AND state = 'open' GROUP BY hub_id, code ORDER BY hub_id, code;

-- name: hub_statuses
SELECT
    hub.hub_id, hub.model, hub.software, hub.enrolled_ms, hub.seen_ms,
    (SELECT count(*) FROM change_log c
     WHERE c.club_id = hub.club_id AND c.hub_id = hub.hub_id AND c.kind = 'set')
    + (SELECT count(*) FROM compacted_op o WHERE o.club_id = hub.club_id AND o.hub_id = hub.hub_id) AS ops_accepted,
    (SELECT count(*) FROM dead_letter d
     WHERE d.club_id = hub.club_id AND d.hub_id = hub.hub_id AND d.state = 'open') AS ops_dead,
    (SELECT count(*) FROM segment s WHERE s.club_id = hub.club_id AND s.hub_id = hub.hub_id) AS segments,
    (clock.seq - hub.pull_cursor) AS entries_behind,
    greatest(hub.head_seq - hub.last_seq, 0) AS ops_waiting,
    CASE WHEN hub.segments_waiting = 0 THEN 0 ELSE greatest(
        hub.segments_waiting + hub.segments_then
        - (SELECT count(*) FROM segment s WHERE s.club_id = hub.club_id AND s.hub_id = hub.hub_id), 0)
    END AS segments_waiting,
    hub.pubkey_next IS NOT NULL AS is_rotating, hub.revoked_ms, hub.cloned_ms,
    hub.verified_ms, hub.verified_records, hub.verified_segments, hub.verified_waiting, hub.verified_differences
FROM hub JOIN club_clock clock ON clock.club_id = hub.club_id
WHERE hub.club_id = %(club_id)s
ORDER BY hub.enrolled_ms;

-- name: anchor_add
-- A fact stays as it is; only of a time read off a GPS file the hub may say later that it was wrong.
INSERT INTO hub_anchor (club_id, hub_id, boot_no, mono_ms, wall_ms, err_ms, source)
VALUES (%(club_id)s, %(hub_id)s, %(boot_no)s, %(mono_ms)s, %(wall_ms)s, %(err_ms)s, %(source)s)
ON CONFLICT (club_id, hub_id, boot_no, mono_ms) DO UPDATE SET err_ms = excluded.err_ms
WHERE hub_anchor.source = 'gps' AND excluded.source = 'gps' AND excluded.err_ms > hub_anchor.err_ms;

-- name: anchor_forget
DELETE FROM hub_anchor
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND boot_no = %(boot_no)s AND mono_ms = %(mono_ms)s;

-- name: anchor_lately
SELECT count(*) FROM hub_anchor
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s AND boot_no = %(boot_no)s
  AND mono_ms > %(from_ms)s AND mono_ms <= %(to_ms)s;

-- name: anchors
SELECT boot_no, mono_ms, wall_ms, err_ms, source
FROM hub_anchor
WHERE club_id = %(club_id)s AND hub_id = %(hub_id)s
ORDER BY boot_no, mono_ms;

-- name: anchors_of_newest_boots
-- What is known of the newest boot of each hub that was told the time.
SELECT told.hub_id, told.boot_no, told.mono_ms, told.wall_ms, told.err_ms, told.source
FROM hub
CROSS JOIN LATERAL (
    SELECT max(boot_no) AS boot_no FROM hub_anchor WHERE club_id = hub.club_id AND hub_id = hub.hub_id
) newest
JOIN hub_anchor told
    ON told.club_id = hub.club_id AND told.hub_id = hub.hub_id AND told.boot_no = newest.boot_no
WHERE hub.club_id = %(club_id)s
ORDER BY told.hub_id, told.mono_ms;

-- name: anchors_of_session
-- What is known of the boot a session was recorded in, of each hub that recorded in it.
SELECT told.hub_id, told.boot_no, told.mono_ms, told.wall_ms, told.err_ms, told.source
FROM row_state session
JOIN hub_anchor told
    ON told.club_id = session.club_id AND told.boot_no = (session.doc ->> 'boot_no')::bigint
WHERE session.club_id = %(club_id)s AND session.tbl = 'session' AND session.pk = %(session_id)s
  AND EXISTS (
    SELECT FROM row_state worn
    JOIN segment ON segment.club_id = worn.club_id AND segment.stream_id = worn.doc ->> 'stream_id'
    WHERE worn.club_id = session.club_id AND worn.tbl = 'stream_assignment'
      AND worn.doc ->> 'session_id' = session.pk
      AND segment.hub_id = told.hub_id AND segment.boot_no = told.boot_no
  )
ORDER BY told.hub_id, told.mono_ms;
