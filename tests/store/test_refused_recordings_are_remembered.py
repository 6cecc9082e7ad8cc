"""What the cloud refused of the samples stays refused, whatever the diary forgets, until somebody decides."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from hub.errors import NotFound
from hub.store import bundles, ledger, meta, refused_segments, refused_stretches, segments, sync_limits
from hub.store.database import Database
from hub.store.ledger_kinds import kind_lines
from hub.store.outbox import StoreOutbox
from hub.store.records import propose
from hub.syncing.words import kept_words, reasons
from sync.segments import Segment
from tests.store.small_store import PERSON, WALL_MS, counted_ids, moment, open_store, segment

STREAM = 7


@pytest.fixture
def kept(store: Database) -> list[Segment]:
    """Four segments of one stream, a minute each, the last an hour later."""
    made = [segment(STREAM, 1, at_s * 1000, 60) for at_s in (0, 60, 120, 3720)]
    for it in made:
        store.write_now(lambda db, it=it: segments.add(db, it))  # type: ignore[misc]
    return made


def outbox_of(store: Database) -> StoreOutbox:
    ids = counted_ids()
    return StoreOutbox(store, "boot-one", lambda: moment(ids), lambda anchor: None)


def refuse(store: Database, *wanted: Segment, code: str = "corrupt") -> StoreOutbox:
    outbox = outbox_of(store)
    asyncio.run(outbox.record_refused({it.seg_id: code for it in wanted}))
    return outbox


def unsent(store: Database) -> set[bytes]:
    return set(store.read_now(lambda db: segments.unsent_ids(db, 99)))


def test_a_refusal_outlasts_a_restart_and_a_thousand_lines_of_the_diary(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    bad, good = segment(1, 1, 0), segment(2, 1, 0)
    for it in (bad, good):
        store.write_now(lambda db, it=it: segments.add(db, it))  # type: ignore[misc]
    refuse(store, bad)
    rows = [(1, n, "sync", "offline") for n in range(1000)]
    store.write_now(
        lambda db: db.executemany(
            "INSERT INTO sync_log(at_boot, at_mono, what, outcome) VALUES (?,?,?,?)", rows
        )
    )
    outbox = outbox_of(store)
    asyncio.run(outbox.note("sync", "offline once more"))
    before = store.read_now(kind_lines)
    store.close()

    again = open_store(tmp_path)
    outbox = outbox_of(again)
    assert again.read_now(kind_lines) == before
    assert [(it.pending, it.refused) for it in before] == [(1, {"corrupt": 1})]
    assert list(asyncio.run(outbox.unsent_segment_ids(9))) == [good.seg_id]
    again.close()


def test_ledger_words_sizes_and_bundles_agree_on_what_waits(store: Database, kept: list[Segment]) -> None:
    store.write_now(lambda db: meta.put(db, "hub_id", "hub"))
    asyncio.run(refuse(store, *kept[:2]).record_stored([kept[3].seg_id]))
    books, lines = store.read_now(lambda db: (ledger.sync_ledger(db), kind_lines(db)))
    (line,) = lines
    assert (books.segments_pending, books.segments_refused, books.segments_kept) == (1, 2, 0)
    assert (line.have, line.pending, line.stored, line.refused, line.kept) == (4, 1, 1, {"corrupt": 2}, 0)
    said = " ".join(it.why for it in reasons(books, None, Counter(line.refused), None, WALL_MS))
    assert "The cloud refused 2 items: 2 because it is damaged." in said
    assert "1 recording waits to be sent." in said
    waiting = store.read_now(bundles.waiting)
    assert waiting.segments == 1
    newest = store.read_now(bundles.newest_key)
    assert newest is not None
    assert newest[2] == kept[2].seg_id
    assert store.read_now(lambda db: bundles.older(db, (9, 0, b""), 9)) == [newest]
    assert store.read_now(lambda db: bundles.newer(db, (0, 0, b""), 9)) == [newest]
    assert store.read_now(sync_limits.pending_bytes) == len(kept[2].payload) + 80


def test_what_is_put_away_is_here_alone_and_neither_waits_nor_counts_as_refused(
    store: Database, kept: list[Segment]
) -> None:
    refuse(store, *kept)
    store.write_now(lambda db: refused_segments.put_away(db, [kept[0].seg_id], WALL_MS))
    books, (line,) = store.read_now(lambda db: (ledger.sync_ledger(db), kind_lines(db)))
    assert (books.pending, books.segments_refused, books.segments_kept, books.segments_stored) == (0, 3, 1, 0)
    assert (line.have, line.stored, line.refused_n, line.kept) == (4, 0, 3, 1)
    assert "stays on this hub only and is never counted as synced" in kept_words(1)
    assert kept_words(0) == ""
    store.write_now(lambda db: refused_segments.take_back(db, [kept[0].seg_id]))
    assert store.read_now(ledger.sync_ledger).segments_refused == 4


def test_only_who_is_tried_again_is_sent_again(store: Database, kept: list[Segment]) -> None:
    refuse(store, *kept)
    assert unsent(store) == set()
    store.write_now(lambda db: refused_segments.try_again(db, [kept[1].seg_id]))
    assert unsent(store) == {kept[1].seg_id}
    refuse(store, kept[1], code="out_of_range")
    assert unsent(store) == set()
    assert [it.code for it in store.read_now(refused_segments.counts)] == ["corrupt", "out_of_range"]


def test_another_cloud_or_an_earlier_one_is_asked_anew_but_not_about_what_was_put_away(
    store: Database, kept: list[Segment]
) -> None:
    outbox = refuse(store, *kept)
    store.write_now(lambda db: refused_segments.put_away(db, [kept[0].seg_id], WALL_MS))
    asyncio.run(outbox.doubt_segments())
    assert unsent(store) == {it.seg_id for it in kept[1:]}


def test_a_refusal_ends_with_the_clouds_word_that_it_has_the_recording(
    store: Database, kept: list[Segment]
) -> None:
    outbox = refuse(store, *kept)
    asyncio.run(outbox.record_stored([it.seg_id for it in kept]))
    assert store.read_now(refused_segments.counts) == []
    refuse(store, *kept)
    assert store.read_now(refused_segments.counts) == [], "a late refusal does not speak against it"


def test_what_erasures_refuse_is_cut_and_only_what_others_wore_is_asked_about_at_the_next_start(
    store: Database, kept: list[Segment]
) -> None:
    def worn(db: object) -> None:
        fields = {"stream_id": str(UUID(int=STREAM)), "athlete_id": "a", "session_id": "s"}
        propose(db, moment(ids), "stream_assignment", "w", {**fields, "from_ms": 0, "to_ms": 60_000})  # type: ignore[arg-type]

    ids = counted_ids()
    store.write_now(worn)
    outbox = outbox_of(store)
    asyncio.run(outbox.cut_erased([it.seg_id for it in kept]))
    asyncio.run(outbox.record_refused(dict.fromkeys((it.seg_id for it in kept), "erased")))
    (line,) = [it for it in store.read_now(kind_lines) if it.name == "Heart-rate recordings"]
    assert (line.have, line.pending, line.refused) == (1, 0, {"erased": 1})
    outbox_of(store)
    assert unsent(store) == {kept[0].seg_id}


def test_a_refused_segment_that_is_cut_takes_its_refusal_with_it(
    store: Database, kept: list[Segment]
) -> None:
    refuse(store, *kept)
    store.write_now(lambda db: segments.cut_stream(db, str(UUID(int=STREAM))))
    assert store.read_now(refused_segments.all_ids) == set()


def test_segments_that_follow_one_another_are_one_stretch_with_whose_and_when(
    store: Database, kept: list[Segment]
) -> None:
    ids = counted_ids()
    stream_id = str(UUID(int=STREAM))
    session = {
        "title": "Small-sided games", "sport": "training", "started_at_ms": WALL_MS, "utc_offset_s": 3600,
        "ended_at_ms": None, "boot_no": 1, "mono0_ms": 30_000, "mono1_ms": None, "source": "gatt",
    }  # fmt: skip
    records = (
        ("athlete", "a", PERSON),
        ("strap", "A1", {"name": "Polar H10 A1", "address": "", "athlete_id": "a"}),
        ("stream", stream_id, {"strap_id": "A1", "boot_no": 1, "channel": "hr"}),
        ("session", "s", session),
        ("stream_assignment", "w", {"stream_id": stream_id, "athlete_id": "a", "session_id": "s",
                                    "from_ms": 0, "to_ms": 200_000}),
    )  # fmt: skip
    for tbl, pk, fields in records:
        store.write_now(lambda db, it=(tbl, pk, fields): propose(db, moment(ids), *it))  # type: ignore[misc]
    refuse(store, kept[0], kept[1], kept[3])
    late, early = store.read_now(refused_stretches.stretches)
    assert [len(it.seg_ids) for it in (late, early)] == [1, 2]
    assert (early.mono0_ms, early.mono1_ms) == (0, 119_000)
    known = store.read_now(lambda db: refused_stretches.background(db, early))
    assert (known.strap, known.people, known.session) == (
        "Polar H10 A1",
        (PERSON["name"],),
        "Small-sided games",
    )
    assert (known.began_ms, known.utc_offset_s) == (WALL_MS - 30_000, 3600)
    assert store.read_now(lambda db: refused_stretches.background(db, late)).people == ()
    second = kept[1].seg_id.hex()
    assert store.read_now(lambda db: refused_stretches.ids_of(db, second)) == early.seg_ids
    with pytest.raises(NotFound):
        store.read_now(lambda db: refused_stretches.ids_of(db, kept[2].seg_id.hex()))
