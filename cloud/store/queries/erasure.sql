-- name: erased_among
-- People among `ids`, under no table, and records among `pks`.
SELECT '' AS tbl, subject_id AS pk FROM erased_subject WHERE club_id = %(club_id)s AND subject_id = ANY(%(ids)s)
UNION ALL
SELECT tbl, pk FROM erased_row WHERE club_id = %(club_id)s AND pk = ANY(%(pks)s);

-- name: erased_streams_among
SELECT stream_id FROM erased_stream WHERE club_id = %(club_id)s AND stream_id = ANY(%(ids)s);

-- name: erased_segments_among
SELECT encode(seg_id, 'hex') FROM erased_segment WHERE club_id = %(club_id)s AND seg_id = ANY(%(seg_ids)s);

-- name: erased_subject_add
-- Where it is done again, every hub must do it again and confirm that.
INSERT INTO erased_subject (club_id, subject_id, seq, erased_ms, asked_by)
VALUES (%(club_id)s, %(subject_id)s, %(seq)s, %(now_ms)s, %(asked_by)s)
ON CONFLICT (club_id, subject_id) DO UPDATE SET
    seq = excluded.seq, erased_ms = excluded.erased_ms, asked_by = excluded.asked_by;

-- name: erased_back
-- Erased athletes of whom there are records all the same, in any club.
SELECT DISTINCT erased.club_id, erased.subject_id, erased.asked_by
FROM erased_subject erased
JOIN (
    SELECT club_id, pk AS subject_id FROM row_state WHERE tbl = 'athlete'
    UNION
    SELECT club_id, doc ->> 'athlete_id' FROM row_state WHERE doc ->> 'athlete_id' IS NOT NULL
) AS held ON held.club_id = erased.club_id AND held.subject_id = erased.subject_id
ORDER BY erased.club_id, erased.subject_id;

-- name: athlete_names
-- Every name they bore, as far as anything says so; "" among them.
SELECT doc ->> 'name' FROM row_state WHERE club_id = %(club_id)s AND tbl = 'athlete' AND pk = %(athlete_id)s
UNION
SELECT fields ->> 'name' FROM change_log
WHERE club_id = %(club_id)s AND tbl = 'athlete' AND pk = %(athlete_id)s AND kind = 'set'
UNION
SELECT fields ->> 'name' FROM last_word WHERE club_id = %(club_id)s AND tbl = 'athlete' AND pk = %(athlete_id)s
UNION
SELECT name FROM former_name WHERE club_id = %(club_id)s AND athlete_id = %(athlete_id)s;

-- name: athlete_names_of_others
SELECT doc ->> 'name' FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'athlete' AND pk <> %(athlete_id)s AND doc ->> 'name' IS NOT NULL;

-- name: former_names_keep
INSERT INTO former_name (club_id, athlete_id, name)
SELECT DISTINCT club_id, pk, fields ->> 'name' FROM change_log
WHERE club_id = %(club_id)s AND seq <= %(horizon)s AND kind = 'set' AND tbl = 'athlete' AND fields ->> 'name' <> ''
ON CONFLICT (club_id, athlete_id, name) DO NOTHING;

-- name: former_names_forget
DELETE FROM former_name WHERE club_id = %(club_id)s AND athlete_id = %(subject_id)s;

-- name: imported_of_nobody
-- What imports brought of people nobody has assigned to an athlete.
SELECT tbl, pk, doc, stamps FROM row_state
WHERE club_id = %(club_id)s AND tbl IN ('daily_value', 'source') AND doc ->> 'athlete_id' IS NULL
  AND doc ->> 'person_name' <> ''
ORDER BY tbl COLLATE "C", pk COLLATE "C";

-- name: typed_texts
SELECT tbl, pk, doc FROM row_state
WHERE club_id = %(club_id)s AND tbl IN ('session', 'strap', 'profile_change', 'source');

-- name: insight_entries
SELECT seq, fields FROM change_log WHERE club_id = %(club_id)s AND tbl = 'insight' AND kind = 'set' ORDER BY seq;

-- name: feed_void_entry
UPDATE change_log SET kind = 'void', fields = '{}' WHERE club_id = %(club_id)s AND seq = %(seq)s AND kind = 'set';

-- name: letters_with_content
SELECT op_id, hub_id, payload, code, detail, received_ms
FROM dead_letter WHERE club_id = %(club_id)s AND payload <> '{}' ORDER BY op_id;

-- name: letter_void
UPDATE dead_letter SET payload = '{}', detail = '', code = 'erased', state = 'discarded'
WHERE club_id = %(club_id)s AND op_id = %(op_id)s;

-- name: erased_row_add
INSERT INTO erased_row (club_id, tbl, pk) VALUES (%(club_id)s, %(tbl)s, %(pk)s)
ON CONFLICT (club_id, tbl, pk) DO NOTHING;

-- name: erased_stream_add
INSERT INTO erased_stream (club_id, stream_id, named_by) VALUES (%(club_id)s, %(stream_id)s, %(named_by)s)
ON CONFLICT (club_id, stream_id) DO UPDATE SET named_by = coalesce(excluded.named_by, erased_stream.named_by);

-- name: erased_segment_add
INSERT INTO erased_segment (club_id, seg_id) VALUES (%(club_id)s, %(seg_id)s)
ON CONFLICT (club_id, seg_id) DO NOTHING;

-- name: subject_rows
-- Everything that names the athlete; a strap is the club's and stays.
SELECT tbl, pk, doc, stamps FROM row_state
WHERE club_id = %(club_id)s
  AND ((tbl = 'athlete' AND pk = %(subject_id)s) OR (tbl <> 'strap' AND doc ->> 'athlete_id' = %(subject_id)s)
       OR (tbl = 'two_edits' AND doc ->> 'of_tbl' = 'strap'
           AND '"' || %(subject_id)s || '"' IN (doc ->> 'stands', doc ->> 'other')))
ORDER BY tbl COLLATE "C", pk COLLATE "C";

-- name: subject_straps
SELECT tbl, pk, doc, stamps FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'strap' AND doc ->> 'athlete_id' = %(subject_id)s
ORDER BY pk COLLATE "C";

-- name: insights_all
SELECT tbl, pk, doc, stamps FROM row_state WHERE club_id = %(club_id)s AND tbl = 'insight' ORDER BY pk COLLATE "C";

-- name: row_delete
DELETE FROM row_state WHERE club_id = %(club_id)s AND tbl = %(tbl)s AND pk = %(pk)s;

-- name: feed_void
-- The numbers stay, or the feed would have holes; a refusal holds nothing and stays a refusal.
UPDATE change_log SET kind = 'void', fields = '{}'
WHERE club_id = %(club_id)s AND tbl = %(tbl)s AND pk = %(pk)s AND kind = 'set';

-- name: letters_void
UPDATE dead_letter SET payload = '{}', detail = '', code = 'erased', state = 'discarded'
WHERE club_id = %(club_id)s AND payload LIKE '%%' || %(subject_id)s || '%%';

-- name: worn_spans
-- Who wore these streams, and when.
SELECT doc ->> 'stream_id' AS stream_id, (doc ->> 'from_ms')::bigint AS from_ms, (doc ->> 'to_ms')::bigint AS to_ms
FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'stream_assignment' AND doc ->> 'stream_id' = ANY(%(stream_ids)s)
  AND doc ->> 'from_ms' IS NOT NULL;

-- name: segments_of_streams
SELECT seg_id, stream_id, boot_no, mono0_ms, mono1_ms, n, codec, payload
FROM segment WHERE club_id = %(club_id)s AND stream_id = ANY(%(stream_ids)s) ORDER BY stream_id, mono0_ms, seg_id;

-- name: segment_hub
SELECT hub_id FROM segment WHERE club_id = %(club_id)s AND seg_id = %(seg_id)s;

-- name: segment_delete
DELETE FROM segment WHERE club_id = %(club_id)s AND seg_id = %(seg_id)s;

-- name: subject_loads_forget
DELETE FROM session_load WHERE club_id = %(club_id)s AND athlete_id = %(subject_id)s;

-- name: subject_load_history_forget
DELETE FROM session_load_history WHERE club_id = %(club_id)s AND athlete_id = %(subject_id)s;

-- name: erasures
SELECT subject_id, seq, erased_ms, asked_by FROM erased_subject WHERE club_id = %(club_id)s ORDER BY seq;

-- name: erasure_receipts
-- Which hubs have carried an erasure out; one that was shut out before will never say so, and still holds the data.
-- One that joined and was never heard of holds nothing of the club.
SELECT hub_id, model, seen_ms, erased_seq >= %(seq)s AS is_done, revoked_ms IS NOT NULL AS is_shut_out
FROM hub WHERE club_id = %(club_id)s AND enrolled_ms <= %(erased_ms)s
  AND (seen_ms > enrolled_ms OR pull_cursor > 0 OR last_seq > 0)
ORDER BY enrolled_ms, hub_id COLLATE "C";

-- name: athletes_called
SELECT pk AS athlete_id, coalesce(doc ->> 'name', '') AS name FROM row_state
WHERE club_id = %(club_id)s AND tbl = 'athlete' AND (pk = %(who)s OR lower(doc ->> 'name') = lower(%(who)s))
ORDER BY pk COLLATE "C";

-- name: proof_records
SELECT tbl, pk, doc FROM row_state WHERE club_id = %(club_id)s AND doc <> '{}';

-- name: proof_segments
-- Segments of streams this hub began.
SELECT segment.seg_id, segment.stream_id
FROM segment
JOIN row_state stream
    ON stream.club_id = segment.club_id AND stream.tbl = 'stream' AND stream.pk = segment.stream_id
WHERE segment.club_id = %(club_id)s AND stream.hub_id = %(hub_id)s;

-- name: fenced_streams_of_hub
-- Streams of a hub that somebody wore who was erased, and of which samples are held: under its name, or under that
-- of one that was shut out and so cannot speak any more, where this one's log is what tells of the stream.
SELECT DISTINCT erased_stream.stream_id FROM erased_stream
JOIN segment ON segment.club_id = erased_stream.club_id AND segment.stream_id = erased_stream.stream_id
JOIN hub ON hub.club_id = segment.club_id AND hub.hub_id = segment.hub_id
WHERE erased_stream.club_id = %(club_id)s
  AND (hub.hub_id = %(hub_id)s OR (erased_stream.named_by = %(hub_id)s AND hub.revoked_ms IS NOT NULL))
ORDER BY erased_stream.stream_id;
