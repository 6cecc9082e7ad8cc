-- What each hub, and the office, last said of a field people type, kept when its entry of the feed is compacted
-- away: an edit that comes later still finds what it met. Online edits stand under an empty author_hub.
CREATE TABLE last_word (
    club_id    text NOT NULL,
    tbl        text NOT NULL,
    pk         text NOT NULL,
    field      text NOT NULL,
    author_hub text NOT NULL,
    seq        bigint NOT NULL,
    op_id      text NOT NULL,
    hub_id     text,
    fields     jsonb NOT NULL,
    stamp_ms   bigint NOT NULL,
    quality    smallint NOT NULL,
    actor      text,
    after_seq  bigint,
    PRIMARY KEY (club_id, tbl, pk, field, author_hub)
);
