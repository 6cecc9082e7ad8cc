-- Recordings of a bundle that were refused, so that its answer can say so: a hub may never come by network.
CREATE TABLE bundle_refused (
    club_id   text NOT NULL,
    hub_id    text NOT NULL,
    bundle_id text NOT NULL,
    seg_id    bytea NOT NULL,
    code      text NOT NULL,
    PRIMARY KEY (club_id, hub_id, bundle_id, seg_id)
);
