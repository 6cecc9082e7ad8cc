-- What a load was computed with, the athlete's own zones, and the loads that were superseded.
ALTER TABLE session_load ADD COLUMN parameters jsonb;
ALTER TABLE session_load ADD COLUMN zone_edges_bpm double precision[];
ALTER TABLE session_load ADD COLUMN own_zone_s double precision[];

CREATE TABLE session_load_history (
    club_id         text NOT NULL,
    session_id      text NOT NULL,
    athlete_id      text NOT NULL,
    superseded_ms   bigint NOT NULL,
    formula_version text NOT NULL,
    parameters      jsonb NOT NULL,
    banister_au     double precision,
    edwards_au      double precision,
    mean_bpm        double precision,
    max_bpm         integer,
    zone_s          double precision[] NOT NULL,
    zone_edges_bpm  double precision[],
    own_zone_s      double precision[],
    covered_s       double precision NOT NULL,
    estimated_s     double precision NOT NULL,
    elapsed_s       double precision NOT NULL,
    coverage        double precision NOT NULL,
    n               integer NOT NULL,
    above_max_s     double precision NOT NULL,
    computed_ms     bigint NOT NULL,
    PRIMARY KEY (club_id, session_id, athlete_id, superseded_ms)
);

CREATE INDEX change_by_athlete ON row_state (club_id, (doc ->> 'athlete_id')) WHERE tbl = 'profile_change';
