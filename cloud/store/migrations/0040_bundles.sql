-- The sneakernet: a club's secret for bundles, the bundles that came, and what they brought that was there before.
CREATE TABLE bundle_key (
    club_id text NOT NULL PRIMARY KEY,
    seed    bytea NOT NULL,
    made_ms bigint NOT NULL
);
CREATE TABLE bundle (
    club_id    text NOT NULL,
    bundle_id  text NOT NULL,
    hub_id     text NOT NULL,
    made_ms    bigint NOT NULL,
    taken_ms   bigint NOT NULL,
    state      text NOT NULL CHECK (state IN ('taken', 'there', 'refused')),
    words      text NOT NULL,
    epoch      bigint NOT NULL,
    first_seq  bigint NOT NULL,
    cursor     bigint NOT NULL,
    feed_epoch bigint NOT NULL,
    reply_key  bytea NOT NULL,
    PRIMARY KEY (club_id, bundle_id)
);
CREATE TABLE bundle_segment (
    club_id text NOT NULL,
    hub_id  text NOT NULL,
    seg_id  bytea NOT NULL,
    PRIMARY KEY (club_id, hub_id, seg_id)
);
