"""What was recorded is judged again from segments with the flags it had live; all time is accounted for."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.quality import Observed, Quality
from hub.domain import Contact, Flaw, Reading, Session
from hub.results.recalculation import Recalculation
from hub.store import journal, segments, session_quality, sessions
from hub.wearing.judgement import Judged, Trust, account, judged, samples_of, session_trust, trust_docs
from hub.web.tiles import tile_view
from sync.segments import unseal
from tests.hub.ground import Ground, run

BPM = st.one_of(st.none(), st.sampled_from((60, 61, 120, 121, 160, 230)), st.integers(30, 240))
STEPS = st.sampled_from((900, 1000, 1000, 1000, 1100, 1800, 4000, 31_000))
NOTIFICATIONS = st.lists(
    st.tuples(STEPS, BPM, st.sampled_from(Contact), st.lists(st.sampled_from((500, 1000)), max_size=3)),
    max_size=60,
)


def heard_live(observed: list[Observed]) -> list[tuple[Reading, tuple[Flaw, ...]]]:
    """Readings as the radio layer makes them of notifications, each with its flaws."""
    quality, found = Quality(), []
    for it in observed:
        flaws = quality.judge(it)
        is_off = it.contact is Contact.NO
        bpm, rr = (None, ()) if is_off else (it.bpm, it.rr_1024)
        found.append((Reading("S1", it.mono_ms, bpm, rr, it.contact, flaws=flaws), flaws))
    return found


CODES = {Contact.UNSUPPORTED: 0, Contact.NO: 1, Contact.YES: 2}


@given(NOTIFICATIONS)
def test_any_notifications_are_judged_alike_live_and_from_what_is_stored_of_them(
    notifications: list[tuple[int, int | None, Contact, list[int]]],
) -> None:
    at_ms, observed = 0, []
    for step_ms, bpm, contact, rr in notifications:
        at_ms += step_ms
        observed.append(Observed(at_ms, bpm, contact, tuple(rr)))
    live = heard_live(observed)
    stored = [journal.Sample(1, r.mono_ms, r.bpm or 0, CODES[r.contact], r.rr_1024) for r, _ in live]
    assert [it.flaws for it in judged(stored)] == [flaws for _, flaws in live]


def test_a_session_of_before_the_judgement_existed_is_judged_once(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.start()
        await ground.train(20, {"S1": 120})
        await ground.recorder.end_session()
        await Recalculation(ground.store, lambda: ground.wall_ms).settle()
        for _ in range(2):
            ground.store.write_now(session_quality.mark_missing)
            assert ground.count("result_stale") == 0
        ground.store.write_now(lambda db: db.execute("DELETE FROM session_quality"))
        ground.store.write_now(session_quality.mark_missing)
        assert ground.count("result_stale") == 1
        await Recalculation(ground.store, lambda: ground.wall_ms).settle()
        assert (ground.count("session_quality"), ground.count("session_result")) == (1, 1)

    run(story())


async def play(ground: Ground, observed: list[Observed]) -> list[tuple[Flaw, ...]]:
    """Record notifications as they come; their live flaws."""
    flags = []
    for reading, flaws in heard_live(observed):
        ground.pass_ms(reading.mono_ms - ground.mono_ms)
        ground.recorder.hear(reading)
        await ground.recorder.tick()
        flags.append(flaws)
    return flags


def a_hard_session(from_ms: int, seed: int) -> list[Observed]:
    """Seven minutes with a loose contact, a jump, a silence, and a flat line at the end."""
    rng, found, at_ms, bpm = Random(seed), [], from_ms, 120
    for second in range(420):
        at_ms += 1000 + rng.randint(-40, 40)
        bpm = max(90, min(180, bpm + rng.randint(-2, 2)))
        if 100 <= second < 110:
            continue
        said = 230 if 60 <= second < 63 else 150 if second >= 360 else bpm
        contact = Contact.NO if 200 <= second < 215 else Contact.YES
        rr = (round(61_440 / said),) if second < 360 else ()
        found.append(Observed(at_ms, said, contact, rr))
    return found


def test_a_recorded_session_read_back_from_its_segments_has_the_very_flags_it_had_live(
    ground: Ground,
) -> None:
    async def story() -> tuple[Session, list[tuple[Flaw, ...]]]:
        await ground.add_squad(1)
        session = await ground.start()
        flags = await play(ground, a_hard_session(ground.mono_ms, 3))
        ground.pass_ms(500)
        await ground.recorder.end_session()
        return session, flags

    session, flags = run(story())
    worn = ground.store.read_now(lambda db: sessions.assignments(db, session.session_id))[0]
    stored = ground.store.read_now(lambda db: segments.of_stream(db, worn.stream_id, 0, None))
    assert len(stored) == 2
    again = judged([row for segment in stored for row in samples_of(unseal(segment), 1)])
    assert [it.flaws for it in again] == flags
    for flaw in (Flaw.JUMP, Flaw.FLAT, Flaw.GAP, Flaw.CONTACT_LOST, Flaw.RR_GAP):
        assert any(flaw in it.flaws for it in again), flaw


def test_the_good_the_doubtful_and_the_missing_time_of_a_session_add_up(ground: Ground) -> None:
    async def story() -> Session:
        await ground.add_squad(2)
        session = await ground.start()
        await play(ground, a_hard_session(ground.mono_ms, 3))
        await ground.train(5, {"S2": 140})
        ground.pass_ms(500)
        await ground.recorder.end_session()
        return session

    started = run(story())
    session = ground.store.read_now(lambda db: sessions.session(db, started.session_id))
    assert session.mono1_ms is not None
    trust = ground.store.read_now(lambda db: session_trust(db, session))
    elapsed_ms = session.mono1_ms - session.mono0_ms
    assert [it.elapsed_ms for it in trust.values()] == [elapsed_ms] * 2
    mine = trust["a1"]
    assert mine.doubtful_ms == pytest.approx(33_000, abs=2_500)
    assert mine.missing_ms == pytest.approx(30_000, abs=3_500)
    assert mine.count(Flaw.JUMP) == 3
    assert mine.count(Flaw.CONTACT_LOST) == 15
    assert trust["a2"].doubtful_ms == 0


def test_the_judgement_is_kept_beside_the_results_and_made_anew_when_who_wore_what_changes(
    ground: Ground,
) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        session = await ground.start()
        await play(ground, a_hard_session(ground.mono_ms, 3))
        ground.pass_ms(500)
        ended = await ground.recorder.end_session()
        await Recalculation(ground.store, lambda: ground.wall_ms).settle()
        assert ground.count("session_quality") == 1
        docs = ground.store.read_now(lambda db: trust_docs(db, ended))
        kept = ground.store.read_now(lambda db: session_quality.kept(db, session.session_id))
        assert {(who, key, doc) for who, (key, doc) in kept.items()} == set(docs)
        before = ground.store.read_now(lambda db: session_trust(db, ended))
        assert before["a1"].flaws == ground.store.read_now(lambda db: session_trust(db, ended))["a1"].flaws
        ground.store.write_now(lambda db: db.execute("UPDATE stream_assignment SET to_ms = from_ms + 30000"))
        after = ground.store.read_now(lambda db: session_trust(db, ended))
        assert after["a1"].good_ms == pytest.approx(30_000, abs=1_500)
        assert after["a1"].count(Flaw.JUMP) == 0

    run(story())


def test_a_doubtful_rate_is_said_on_the_tile_and_not_counted_as_live(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.train(1, {"S1": 120})
        assert ground.board.snapshot(ground.mono_ms, ground.wall_ms).fresh == 1
        for flaw, word in ((Flaw.JUMP, "▲ rate jumps"), (Flaw.FLAT, "▲ flat line")):
            ground.pass_ms(1_000)
            ground.recorder.hear(Reading("S1", ground.mono_ms, 220, flaws=(Flaw.RR_GAP, flaw)))
            shot = ground.board.snapshot(ground.mono_ms, ground.wall_ms)
            view = tile_view(shot.athletes[0])
            assert shot.fresh == 0
            assert view.status == word
            assert "is-fresh" not in view.classes
        await ground.train(1, {"S1": 121})
        assert ground.board.snapshot(ground.mono_ms, ground.wall_ms).fresh == 1

    run(story())


@given(
    st.lists(st.tuples(st.integers(1, 5000), st.booleans(), st.booleans()), max_size=30),
    st.integers(0, 60_000),
)
def test_every_millisecond_is_good_doubtful_or_missing(
    rows: list[tuple[int, bool, bool]], length_ms: int
) -> None:
    heard, at_ms = [], 0
    for step_ms, has_rate, is_flat in rows:
        at_ms += step_ms
        heard.append(Judged(at_ms, has_rate, (Flaw.FLAT,) if is_flat else ()))
    trust = account(heard, 0, length_ms)
    assert isinstance(trust, Trust)
    assert min(trust.good_ms, trust.doubtful_ms, trust.missing_ms) >= 0
    assert trust.elapsed_ms == length_ms


def test_the_tile_says_how_much_of_the_coverage_is_doubtful_and_still_does_after_a_restart(
    ground: Ground,
) -> None:
    def share() -> float | None:
        return ground.board.snapshot(ground.mono_ms, ground.wall_ms).athletes[0].doubtful_share

    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(2, {"S1": 120})
        assert share() is None
        await play(ground, a_hard_session(ground.mono_ms, 3))
        said = share()
        trust = ground.store.read_now(lambda db: session_trust(db, session))["a1"]
        covered_s = ground.table(session)["a1"].covered_s
        assert said == pytest.approx(trust.doubtful_ms / 1000 / covered_s, abs=0.005)
        assert said is not None
        assert said == pytest.approx(0.074, abs=0.01)
        view = tile_view(ground.board.snapshot(ground.mono_ms, ground.wall_ms).athletes[0])
        assert view.coverage.endswith(f"%, {100 * said:.0f}% doubtful")
        await ground.restart()
        assert share() == pytest.approx(said, abs=1e-9)

    run(story())
