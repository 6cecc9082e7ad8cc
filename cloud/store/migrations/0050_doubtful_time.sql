-- How long each athlete's rates were doubtful in a session; all sessions are judged once.
ALTER TABLE session_load ADD COLUMN doubtful_ms bigint;

INSERT INTO session_stale (club_id, session_id, marked_ms)
SELECT DISTINCT club_id, session_id, 0::bigint FROM session_load WHERE true
ON CONFLICT (club_id, session_id) DO UPDATE SET mark = session_stale.mark + 1;
