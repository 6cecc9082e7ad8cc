"""Two straps on one athlete count one heart: one feeds, the other steps in when it falls silent."""

from __future__ import annotations

import pytest

from hub.domain import Contact, Flaw, Reading, Session
from hub.store import ignored_straps, straps
from hub.store.ignored_straps import IgnoredStrap
from hub.wearing.spares import SILENT_MS, Watch
from tests.hub.ground import Ground, run


async def with_spare(ground: Ground) -> Session:
    await ground.add_squad(1)
    session = await ground.start()
    await ground.train(10, {"S1": 120, "S1b": 122})
    await ground.recorder.stand_by("S1b", "a1")
    return session


def test_a_spare_strap_is_recorded_and_counted_for_nobody_while_the_first_speaks(ground: Ground) -> None:
    async def story() -> None:
        session = await with_spare(ground)
        await ground.train(20, {"S1": 120, "S1b": 180})
        row, live = ground.table(session)["a1"], ground.live()["a1"]
        assert (row.max_bpm, live.bpm, live.strap_id) == (120, 120, "S1")
        assert live.banister_au == pytest.approx(row.banister_au)
        assert ground.board.snapshot(ground.mono_ms, ground.wall_ms).unassigned == 0
        assert sum(bpm == 180 for _, _, _, bpm, _ in ground.stored()) == 20

    run(story())


def test_the_spare_covers_every_second_from_the_last_good_one_and_none_twice(ground: Ground) -> None:
    async def story() -> None:
        session = await with_spare(ground)
        await ground.train(10, {"S1": 120, "S1b": 121})
        await ground.train(20, {"S1b": 141})
        live, row = ground.live()["a1"], ground.table(session)["a1"]
        assert (live.bpm, live.strap_id) == (141, "S1b")
        assert ground.spans(session) == [("a1", 0, 20_001), ("a1", 20_001, None)]
        elapsed_s = (ground.mono_ms - session.mono0_ms) / 1000
        assert row.coverage * elapsed_s == pytest.approx(39, abs=0.01)
        assert row.estimated_s == 0
        assert live.banister_au == pytest.approx(row.banister_au)
        await ground.train(20, {"S1": 90, "S1b": 142})
        assert ground.live()["a1"].bpm == 142, "the strap that came back stands by"
        await ground.train(10, {"S1": 91})
        assert ground.live()["a1"].bpm == 91
        assert ground.live()["a1"].edwards_au == pytest.approx(ground.table(session)["a1"].edwards_au)
        assert len(ground.spans(session)) == 3

    run(story())


def test_a_strap_that_sends_a_flat_line_gives_way_to_the_spare(ground: Ground) -> None:
    async def story() -> None:
        session = await with_spare(ground)
        for second in range(10):
            ground.pass_ms(1_000)
            ground.recorder.hear(
                Reading("S1", ground.mono_ms, 120, (), Contact.YES, flaws=(Flaw.FLAT,) if second > 2 else ())
            )
            ground.hear("S1b", 150 + second)
            await ground.recorder.tick()
        assert ground.live()["a1"].strap_id == "S1b"
        assert ground.spans(session)[0] == ("a1", 0, 13_001)
        assert ground.live()["a1"].banister_au == pytest.approx(ground.table(session)["a1"].banister_au)

    run(story())


def test_who_stands_by_outlives_a_restart_and_takes_nothing_of_the_past(ground: Ground) -> None:
    async def story() -> None:
        session = await with_spare(ground)
        await ground.train(10, {"S1": 120, "S1b": 180})
        await ground.restart()
        await ground.train(3, {"S1b": 181})
        assert ground.live()["a1"].bpm is None
        await ground.train(10, {"S1b": 181})
        assert ground.live()["a1"].bpm == 181
        assert ground.spans(session) == [("a1", 0, 20_001), ("a1", 20_001, None)]
        assert ground.live()["a1"].banister_au == pytest.approx(ground.table(session)["a1"].banister_au)

    run(story())


def test_a_first_strap_that_never_spoke_leaves_the_session_to_the_spare(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.recorder.stand_by("S1b", "a1")
        session = await ground.start()
        await ground.train(30, {"S1b": 150})
        assert ground.spans(session) == [("a1", 0, None)]
        assert ground.table(session)["a1"].max_bpm == 150
        assert ground.live()["a1"].strap_id == "S1b"

    run(story())


def test_a_lone_strap_given_as_spare_feeds_and_one_taken_off_leaves_the_other_feeding(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2, with_straps=False)
        await ground.recorder.stand_by("S1", "a1")
        await ground.recorder.stand_by("S1b", "a1")
        session = await ground.start()
        await ground.train(10, {"S1": 120, "S1b": 140})
        assert ground.table(session)["a1"].max_bpm == 120
        await ground.recorder.assign("S1", "a2")
        await ground.train(10, {"S1": 160, "S1b": 141})
        live = ground.live()
        assert (live["a1"].bpm, live["a2"].bpm) == (141, 160)
        assert {s.strap_id: s.athlete_id for s in ground.store.read_now(straps.all_straps)} == {
            "S1": "a2", "S1b": "a1",
        }  # fmt: skip
        for athlete_id in ("a1", "a2"):
            table = ground.table(session)
            assert live[athlete_id].banister_au == pytest.approx(table[athlete_id].banister_au)

    run(story())


def test_a_strap_that_was_ignored_is_heard_again_once_somebody_wears_it(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        foreign = IgnoredStrap("S9", "Polar H10 S9", 0, "coach")
        ground.store.write_now(lambda db: ignored_straps.ignore(db, foreign))
        await ground.recorder.obey_ignored()
        session = await ground.start()
        await ground.train(5, {"S1": 120, "S9": 150})
        assert not [strap for strap, *_ in ground.stored() if strap == "S9"]
        await ground.recorder.assign("S9", "a1")
        await ground.train(5, {"S9": 150})
        assert ground.store.read_now(ignored_straps.ids) == frozenset()
        assert ground.live()["a1"].bpm == 150
        await ground.restart()
        await ground.train(1, {"S9": 151})
        assert ground.table(session)["a1"].max_bpm == 151

    run(story())


def test_a_strap_first_known_by_its_id_alone_takes_the_name_and_address_it_is_later_heard_with(
    ground: Ground,
) -> None:
    async def story() -> None:
        ground.add_athlete(1)
        await ground.recorder.assign("A0000001", "a1")
        ground.recorder.label_strap("A0000001", "Polar H10 A0000001", "AA:BB")
        await ground.start()
        await ground.train(1, {"A0000001": 120})
        kept = ground.store.read_now(lambda db: straps.strap(db, "A0000001"))
        assert kept is not None
        assert (kept.name, kept.address, kept.athlete_id) == ("Polar H10 A0000001", "AA:BB", "a1")

    run(story())


def test_a_spare_that_is_itself_silent_or_doubtful_steps_in_for_nobody() -> None:
    watch = Watch()
    watch.follow({"S1": "a1", "S1b": "a1"}, {"S1b"})
    watch.hear(Reading("S1", 0, 120))
    watch.hear(Reading("S1b", 0, 121))
    assert watch.turns(SILENT_MS) == []
    assert watch.turns(SILENT_MS + 1) == []
    watch.hear(Reading("S1b", SILENT_MS, 121, flaws=(Flaw.JUMP,)))
    assert watch.turns(SILENT_MS + 1) == []
    watch.hear(Reading("S1b", SILENT_MS + 1, 122))
    turn = watch.turns(SILENT_MS + 2)[0]
    assert (turn.from_strap, turn.to_strap, turn.from_ms) == ("S1", "S1b", 1)
