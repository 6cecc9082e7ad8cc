-- name: segments_held
SELECT encode(seg_id, 'hex') FROM segment WHERE club_id = %(club_id)s AND seg_id = ANY(%(seg_ids)s);

-- name: segments_add
INSERT INTO segment (club_id, seg_id, stream_id, boot_no, mono0_ms, mono1_ms, n, codec, payload, hub_id, received_ms)
SELECT %(club_id)s, one.*, %(hub_id)s, %(now_ms)s
FROM unnest(%(seg_ids)b::bytea[], %(stream_ids)s::text[], %(boot_nos)s::bigint[], %(mono0s)s::bigint[],
            %(mono1s)s::bigint[], %(ns)s::bigint[], %(codecs)s::bigint[], %(payloads)b::bytea[]) AS one
ON CONFLICT (club_id, seg_id) DO NOTHING;

-- name: streams_heard
-- Whose boot each stream was recorded in; a codec is a channel.
SELECT DISTINCT stream_id, hub_id, boot_no
FROM segment
WHERE club_id = %(club_id)s AND stream_id = ANY(%(stream_ids)s) AND codec = %(codec)s
ORDER BY stream_id, hub_id, boot_no;

-- name: segments_worn
-- The segments of each stream that touch the time given for it, in the stream's own boot.
SELECT seg_id, stream_id, boot_no, mono0_ms, mono1_ms, n, codec, payload
FROM segment
JOIN unnest(%(stream_ids)s::text[], %(boot_nos)s::bigint[], %(from_mss)s::bigint[], %(to_mss)s::bigint[])
    AS wanted (stream_id, boot_no, from_ms, to_ms) USING (stream_id, boot_no)
WHERE club_id = %(club_id)s AND codec = %(codec)s AND mono1_ms >= wanted.from_ms AND mono0_ms < wanted.to_ms
ORDER BY stream_id, boot_no, mono0_ms, seg_id;

-- name: stale_by_session
INSERT INTO session_stale (club_id, session_id, marked_ms)
SELECT %(club_id)s, wanted, %(now_ms)s FROM unnest(%(session_ids)s::text[]) AS wanted ORDER BY wanted COLLATE "C"
ON CONFLICT (club_id, session_id) DO UPDATE SET mark = session_stale.mark + 1, marked_ms = excluded.marked_ms;

-- name: stale_by_stream
INSERT INTO session_stale (club_id, session_id, marked_ms)
SELECT DISTINCT %(club_id)s, doc ->> 'session_id', %(now_ms)s::bigint
FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'stream_assignment' AND doc ->> 'stream_id' = ANY(%(stream_ids)s)
  AND doc ->> 'session_id' IS NOT NULL
ORDER BY 2
ON CONFLICT (club_id, session_id) DO UPDATE SET mark = session_stale.mark + 1, marked_ms = excluded.marked_ms;

-- name: stale_by_records
-- One mark each for sessions named, those of athletes, and those athletes took part in whose local day is the one
-- given for them or later.
INSERT INTO session_stale (club_id, session_id, marked_ms)
SELECT %(club_id)s, touched.session_id, %(now_ms)s::bigint
FROM (
    SELECT wanted AS session_id FROM unnest(%(session_ids)s::text[]) AS wanted
    UNION
    SELECT doc ->> 'session_id' FROM row_state
    WHERE club_id = %(club_id)s AND tbl = 'stream_assignment' AND doc ->> 'athlete_id' = ANY(%(athlete_ids)s)
      AND doc ->> 'session_id' IS NOT NULL
    UNION
    SELECT session.pk
    FROM row_state worn
    JOIN unnest(%(changed_ids)s::text[], %(from_days)s::text[]) AS changed (athlete_id, from_day)
        ON changed.athlete_id = worn.doc ->> 'athlete_id'
    JOIN row_state session
        ON session.club_id = worn.club_id AND session.tbl = 'session' AND session.pk = worn.doc ->> 'session_id'
    WHERE worn.club_id = %(club_id)s AND worn.tbl = 'stream_assignment'
      AND session.doc ->> 'started_at_ms' IS NOT NULL
      AND to_char(to_timestamp((session.doc ->> 'started_at_ms')::bigint / 1000
          + coalesce((session.doc ->> 'utc_offset_s')::integer, 0)) AT TIME ZONE 'UTC', 'YYYY-MM-DD')
          >= changed.from_day
) AS touched
ORDER BY touched.session_id COLLATE "C"
ON CONFLICT (club_id, session_id) DO UPDATE SET mark = session_stale.mark + 1, marked_ms = excluded.marked_ms;

-- name: profile_changes
-- Every dated change of these athletes' values, taken back or not.
SELECT pk AS change_id, doc ->> 'athlete_id' AS athlete_id, doc
FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'profile_change' AND doc ->> 'athlete_id' = ANY(%(athlete_ids)s)
ORDER BY pk COLLATE "C";

-- name: sessions_across_boots
-- Sessions in which a stream was recorded in another boot than theirs, where either boot is one of these.
SELECT DISTINCT session.pk
FROM row_state stream
JOIN row_state worn
    ON worn.club_id = stream.club_id AND worn.tbl = 'stream_assignment' AND worn.doc ->> 'stream_id' = stream.pk
JOIN row_state session
    ON session.club_id = stream.club_id AND session.tbl = 'session' AND session.pk = worn.doc ->> 'session_id'
WHERE stream.club_id = %(club_id)s AND stream.tbl = 'stream'
  AND (stream.doc ->> 'boot_no')::bigint <> (session.doc ->> 'boot_no')::bigint
  AND ((stream.doc ->> 'boot_no')::bigint = ANY(%(boot_nos)s) OR (session.doc ->> 'boot_no')::bigint = ANY(%(boot_nos)s));

-- name: stale_sessions
SELECT club_id, session_id, mark FROM session_stale WHERE marked_ms <= %(before_ms)s ORDER BY marked_ms LIMIT 50;

-- name: stale_count
-- Without those that were put off for longer.
SELECT count(*) FROM session_stale WHERE marked_ms <= %(before_ms)s;

-- name: stale_put_off
UPDATE session_stale SET marked_ms = %(until_ms)s
WHERE club_id = %(club_id)s AND session_id = %(session_id)s AND mark = %(mark)s;

-- name: stale_clear
-- Only when no new reason came while the loads were being computed.
DELETE FROM session_stale WHERE club_id = %(club_id)s AND session_id = %(session_id)s AND mark = %(mark)s;

-- name: stale_by_version
INSERT INTO session_stale (club_id, session_id, marked_ms)
SELECT DISTINCT club_id, session_id, %(now_ms)s::bigint FROM session_load WHERE formula_version <> %(version)s
ON CONFLICT (club_id, session_id) DO UPDATE SET mark = session_stale.mark + 1;

-- name: session_span
-- None of a removed session, so that its loads are forgotten.
SELECT
    coalesce((doc ->> 'boot_no')::bigint, 0) AS boot_no,
    coalesce((doc ->> 'mono0_ms')::bigint, 0) AS mono0_ms,
    (doc ->> 'mono1_ms')::bigint AS mono1_ms,
    (doc ->> 'started_at_ms')::bigint AS started_at_ms,
    (doc ->> 'ended_at_ms')::bigint AS ended_at_ms,
    coalesce((doc ->> 'utc_offset_s')::integer, 0) AS utc_offset_s
FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'session' AND pk = %(session_id)s AND doc ->> 'mono0_ms' IS NOT NULL
  AND NOT coalesce((doc ->> 'is_removed')::boolean, false);

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
  AND worn.doc ->> 'from_ms' IS NOT NULL AND worn.doc ->> 'to_ms' IS DISTINCT FROM worn.doc ->> 'from_ms'
ORDER BY 1, 3, worn.pk COLLATE "C";

-- name: load_supersede
-- A load is kept when its athlete's parameters or the formulas changed; not for each batch of samples.
INSERT INTO session_load_history (club_id, session_id, athlete_id, superseded_ms, formula_version, parameters,
    banister_au, edwards_au, mean_bpm, max_bpm, zone_s, zone_edges_bpm, own_zone_s, covered_s, estimated_s, elapsed_s,
    coverage, n, above_max_s, computed_ms)
SELECT club_id, session_id, athlete_id, %(now_ms)s, formula_version, parameters, banister_au, edwards_au, mean_bpm,
    max_bpm, zone_s, zone_edges_bpm, own_zone_s, covered_s, estimated_s, elapsed_s, coverage, n, above_max_s, computed_ms
FROM session_load
WHERE club_id = %(club_id)s AND session_id = %(session_id)s AND athlete_id = %(athlete_id)s AND parameters IS NOT NULL
  AND (parameters <> %(parameters)s::jsonb OR formula_version <> %(formula_version)s)
ON CONFLICT DO NOTHING;

-- name: loads_forget
DELETE FROM session_load WHERE club_id = %(club_id)s AND session_id = %(session_id)s;

-- name: load_add
INSERT INTO session_load (club_id, session_id, athlete_id, formula_version, parameters, sex, hr_max_bpm, hr_rest_bpm,
    banister_au, edwards_au, mean_bpm, max_bpm, zone_s, zone_edges_bpm, own_zone_s, covered_s, estimated_s, elapsed_s,
    coverage, n, above_max_s, doubtful_ms, computed_ms)
VALUES (%(club_id)s, %(session_id)s, %(athlete_id)s, %(formula_version)s, %(parameters)s::jsonb, %(sex)s,
    %(hr_max_bpm)s, %(hr_rest_bpm)s, %(banister_au)s, %(edwards_au)s, %(mean_bpm)s, %(max_bpm)s, %(zone_s)s,
    %(zone_edges_bpm)s, %(own_zone_s)s, %(covered_s)s, %(estimated_s)s, %(elapsed_s)s, %(coverage)s, %(n)s,
    %(above_max_s)s, %(doubtful_ms)s, %(now_ms)s);
