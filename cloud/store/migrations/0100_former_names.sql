-- Names athletes bore whose entries of the feed were compacted away: an erasure must still find where they are said.
CREATE TABLE former_name (
    club_id    text NOT NULL,
    athlete_id text NOT NULL,
    name       text NOT NULL,
    PRIMARY KEY (club_id, athlete_id, name)
);
INSERT INTO former_name (club_id, athlete_id, name)
SELECT DISTINCT club_id, pk, fields ->> 'name' FROM last_word
WHERE tbl = 'athlete' AND field = 'name' AND fields ->> 'name' <> '';
