-- name: segments_held
SELECT encode(seg_id, 'hex') FROM segment WHERE club_id = %(club_id)s AND seg_id = ANY(%(seg_ids)s);

-- name: segment_add
INSERT INTO segment (club_id, seg_id, stream_id, boot_no, mono0_ms, mono1_ms, n, codec, payload, hub_id, received_ms)
VALUES (%(club_id)s, %(seg_id)s, %(stream_id)s, %(boot_no)s, %(mono0_ms)s, %(mono1_ms)s, %(n)s, %(codec)s,
        %(payload)s, %(hub_id)s, %(now_ms)s)
ON CONFLICT (club_id, seg_id) DO NOTHING;

-- name: segments_worn
-- The segments of the streams worn in one session that touch its time.
SELECT seg_id, stream_id, boot_no, mono0_ms, mono1_ms, n, codec, payload
FROM segment
WHERE club_id = %(club_id)s AND stream_id = ANY(%(stream_ids)s) AND boot_no = %(boot_no)s
  AND mono1_ms >= %(from_ms)s AND mono0_ms < %(to_ms)s
ORDER BY stream_id, mono0_ms, seg_id;

-- name: stale_by_session
INSERT INTO session_stale (club_id, session_id, marked_ms)
SELECT %(club_id)s, wanted, %(now_ms)s FROM unnest(%(session_ids)s::text[]) AS wanted ORDER BY wanted COLLATE "C"
ON CONFLICT (club_id, session_id) DO UPDATE SET mark = session_stale.mark + 1, marked_ms = excluded.marked_ms;

-- name: sessions_of_streams
SELECT DISTINCT doc ->> 'session_id'
FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'stream_assignment' AND doc ->> 'stream_id' = ANY(%(stream_ids)s)
  AND doc ->> 'session_id' IS NOT NULL;

-- name: sessions_of_athletes
SELECT DISTINCT doc ->> 'session_id'
FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'stream_assignment' AND doc ->> 'athlete_id' = ANY(%(athlete_ids)s)
  AND doc ->> 'session_id' IS NOT NULL;

-- name: stale_sessions
SELECT club_id, session_id, mark FROM session_stale WHERE marked_ms <= %(before_ms)s ORDER BY marked_ms LIMIT 50;

-- name: stale_count
SELECT count(*) FROM session_stale;

-- name: stale_clear
-- Only when no new reason came while the loads were being computed.
DELETE FROM session_stale WHERE club_id = %(club_id)s AND session_id = %(session_id)s AND mark = %(mark)s;

-- name: stale_by_version
INSERT INTO session_stale (club_id, session_id, marked_ms)
SELECT DISTINCT club_id, session_id, %(now_ms)s::bigint FROM session_load WHERE formula_version <> %(version)s
ON CONFLICT (club_id, session_id) DO UPDATE SET mark = session_stale.mark + 1;

-- name: session_span
SELECT
    coalesce((doc ->> 'boot_no')::bigint, 0) AS boot_no,
    coalesce((doc ->> 'mono0_ms')::bigint, 0) AS mono0_ms,
    (doc ->> 'mono1_ms')::bigint AS mono1_ms
FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'session' AND pk = %(session_id)s AND doc ->> 'mono0_ms' IS NOT NULL;

-- name: session_worn
SELECT
    worn.doc ->> 'athlete_id' AS athlete_id,
    worn.doc ->> 'stream_id' AS stream_id,
    (worn.doc ->> 'from_ms')::bigint AS from_ms,
    (worn.doc ->> 'to_ms')::bigint AS to_ms,
    athlete.doc ->> 'sex' AS sex,
    (athlete.doc ->> 'hr_max_bpm')::integer AS hr_max_bpm,
    (athlete.doc ->> 'hr_rest_bpm')::integer AS hr_rest_bpm
FROM row_state worn
LEFT JOIN row_state athlete
    ON athlete.club_id = worn.club_id AND athlete.tbl = 'athlete' AND athlete.pk = worn.doc ->> 'athlete_id'
WHERE worn.club_id = %(club_id)s AND worn.tbl = 'stream_assignment' AND worn.doc ->> 'session_id' = %(session_id)s
  AND worn.doc ->> 'athlete_id' IS NOT NULL AND worn.doc ->> 'stream_id' IS NOT NULL
  AND worn.doc ->> 'from_ms' IS NOT NULL
ORDER BY 1, 3, 2;

-- name: loads_forget
DELETE FROM session_load WHERE club_id = %(club_id)s AND session_id = %(session_id)s;

-- name: load_add
INSERT INTO session_load (club_id, session_id, athlete_id, formula_version, sex, hr_max_bpm, hr_rest_bpm, banister_au,
    edwards_au, mean_bpm, max_bpm, zone_s, covered_s, estimated_s, elapsed_s, coverage, n, above_max_s, computed_ms)
VALUES (%(club_id)s, %(session_id)s, %(athlete_id)s, %(formula_version)s, %(sex)s, %(hr_max_bpm)s, %(hr_rest_bpm)s,
    %(banister_au)s, %(edwards_au)s, %(mean_bpm)s, %(max_bpm)s, %(zone_s)s, %(covered_s)s, %(estimated_s)s,
    %(elapsed_s)s, %(coverage)s, %(n)s, %(above_max_s)s, %(now_ms)s);
