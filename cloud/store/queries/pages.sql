-- name: athletes
SELECT
    athlete.pk AS athlete_id,
    coalesce(athlete.doc ->> 'name', 'Unnamed') AS name,
    (athlete.doc ->> 'shirt_number')::integer AS shirt_number,
    athlete.doc ->> 'sex' AS sex,
    (athlete.doc ->> 'hr_max_bpm')::integer AS hr_max_bpm,
    (athlete.doc ->> 'hr_rest_bpm')::integer AS hr_rest_bpm,
    coalesce((athlete.doc ->> 'is_active')::boolean, true) AS is_active,
    count(load.session_id) FILTER (WHERE load.n > 0) AS sessions,
    max((session.doc ->> 'started_at_ms')::bigint) FILTER (WHERE load.n > 0) AS last_session_ms,
    max((session.doc ->> 'utc_offset_s')::integer) FILTER (WHERE load.n > 0) AS last_utc_offset_s
FROM row_state athlete
LEFT JOIN session_load load ON load.club_id = athlete.club_id AND load.athlete_id = athlete.pk
LEFT JOIN row_state session
    ON session.club_id = load.club_id AND session.tbl = 'session' AND session.pk = load.session_id
WHERE athlete.club_id = %(club_id)s AND athlete.tbl = 'athlete'
GROUP BY athlete.pk, athlete.doc
ORDER BY is_active DESC, shirt_number NULLS LAST, name;

-- name: sessions
SELECT
    session.pk AS session_id,
    coalesce(session.doc ->> 'title', 'Untitled') AS title,
    coalesce(session.doc ->> 'sport', '') AS sport,
    (session.doc ->> 'started_at_ms')::bigint AS started_at_ms,
    coalesce((session.doc ->> 'utc_offset_s')::integer, 0) AS utc_offset_s,
    (session.doc ->> 'ended_at_ms')::bigint AS ended_at_ms,
    count(load.athlete_id) AS athletes,
    count(load.athlete_id) FILTER (WHERE load.n > 0) AS with_data,
    avg(load.banister_au) FILTER (WHERE load.n > 0) AS mean_banister_au,
    avg(load.coverage) AS mean_coverage,
    sum(load.covered_s) AS covered_s,
    sum(load.doubtful_ms)::bigint AS doubtful_ms,
    bool_or(stale.session_id IS NOT NULL) AS is_stale
FROM row_state session
LEFT JOIN session_load load ON load.club_id = session.club_id AND load.session_id = session.pk
LEFT JOIN session_stale stale ON stale.club_id = session.club_id AND stale.session_id = session.pk
WHERE session.club_id = %(club_id)s AND session.tbl = 'session' AND session.doc ->> 'started_at_ms' IS NOT NULL
  AND NOT coalesce((session.doc ->> 'is_removed')::boolean, false)
  AND (%(session_id)s::text IS NULL OR session.pk = %(session_id)s)
GROUP BY session.pk, session.doc
ORDER BY started_at_ms DESC, session.pk
LIMIT %(limit)s;

-- name: session_loads
-- Everybody the session knows, heard or not.
SELECT
    load.athlete_id,
    coalesce(athlete.doc ->> 'name', 'Unknown athlete') AS name,
    (athlete.doc ->> 'shirt_number')::integer AS shirt_number,
    load.mean_bpm, load.max_bpm, load.banister_au, load.edwards_au, load.coverage, load.zone_s, load.estimated_s,
    load.above_max_s, load.n, load.covered_s, load.doubtful_ms
FROM session_load load
LEFT JOIN row_state athlete
    ON athlete.club_id = load.club_id AND athlete.tbl = 'athlete' AND athlete.pk = load.athlete_id
WHERE load.club_id = %(club_id)s AND load.session_id = %(session_id)s
ORDER BY shirt_number NULLS LAST, name;

-- name: club_sessions_held
-- The club's calendar; a session that still runs is not part of history yet.
SELECT
    pk AS session_id,
    (doc ->> 'started_at_ms')::bigint AS started_at_ms,
    coalesce((doc ->> 'utc_offset_s')::integer, 0) AS utc_offset_s
FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'session'
  AND doc ->> 'started_at_ms' IS NOT NULL AND doc ->> 'ended_at_ms' IS NOT NULL
  AND NOT coalesce((doc ->> 'is_removed')::boolean, false);

-- name: attended
-- Each athlete's part in each session, newest first; everybody's without an `athlete_id`.
SELECT
    load.athlete_id,
    load.session_id,
    coalesce(session.doc ->> 'title', 'Untitled') AS title,
    (session.doc ->> 'started_at_ms')::bigint AS started_at_ms,
    coalesce((session.doc ->> 'utc_offset_s')::integer, 0) AS utc_offset_s,
    load.banister_au, load.coverage, load.n, load.covered_s, load.doubtful_ms
FROM session_load load
JOIN row_state session
    ON session.club_id = load.club_id AND session.tbl = 'session' AND session.pk = load.session_id
WHERE load.club_id = %(club_id)s AND (%(athlete_id)s::text IS NULL OR load.athlete_id = %(athlete_id)s)
  AND session.doc ->> 'started_at_ms' IS NOT NULL AND session.doc ->> 'ended_at_ms' IS NOT NULL
  AND NOT coalesce((session.doc ->> 'is_removed')::boolean, false)
ORDER BY started_at_ms DESC;

-- name: insights
SELECT
    pk AS insight_id,
    doc ->> 'week_start' AS week_start,
    doc ->> 'headline' AS headline,
    doc ->> 'body' AS body,
    doc -> 'facts' AS facts,
    doc ->> 'written_by' AS written_by,
    (stamps ->> 'headline')::bigint AS stamp_ms
FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'insight' AND doc ->> 'headline' IS NOT NULL
ORDER BY week_start DESC
LIMIT 20;
