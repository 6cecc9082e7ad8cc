"""HRR60 followed live is HRR60 worked out from storage, through restarts, reboots, undo and a second stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import ActionRefused, NotFound
from hub.results.heart import HeartTable, HeartTest, heart_table
from hub.store import effort_stops
from hub.store.erasure import erase_subject
from tests.hub.ground import Ground, run

SQUAD = 2


async def beat(ground: Ground, rates: list[int], *, silent: str = "") -> None:
    """The squad's rates second by second, the second athlete's a little higher."""
    for bpm in rates:
        heard = {f"S{n}": bpm + n for n in range(1, SQUAD + 1) if f"S{n}" != silent}
        await ground.train(1, heard, tick=False)
    await ground.recorder.tick()


def falling(seconds: int, start: int = 180) -> list[int]:
    return [max(100, start - second) for second in range(seconds)]


def stored(ground: Ground) -> HeartTable:
    session = ground.recorder.session
    assert session is not None
    now = ground.mono_ms
    return ground.store.read_now(lambda db: heart_table(db, session.session_id, now, HeartTest()))


def kept(ground: Ground) -> dict[str, float | None]:
    return {
        row.athlete.athlete_id: row.results["hrr60"].value
        for row in stored(ground).rows
        if "hrr60" in row.results
    }


def live(ground: Ground) -> dict[str, float | None]:
    return {k: it.hrr60.fall_bpm for k, it in ground.live().items() if it.hrr60 is not None}


@pytest.mark.parametrize(
    ("how", "after_s"), [("never", 30), ("restart", 0), ("restart", 64), ("reboot", 0), ("reboot", 64)]
)
def test_live_equals_storage_wherever_the_hub_stopped(ground: Ground, after_s: int, how: str) -> None:
    async def story() -> None:
        await ground.add_squad(SQUAD)
        await ground.start()
        await beat(ground, [180] * 20)
        ground.pass_ms(400)
        await ground.recorder.stop_effort(None, "coach")
        await beat(ground, falling(after_s))
        if how == "restart":
            await ground.restart()
        elif how == "reboot":
            await ground.reboot(off_ms=2_000)
        assert live(ground) == {}
        assert {it.stopped_s for it in ground.live().values()} == {
            after_s + 2 if how == "reboot" else after_s
        }
        await beat(ground, falling(70)[after_s:] + [100] * 4)
        assert set(live(ground)) == {"a1", "a2"}
        assert live(ground) == kept(ground)
        if how == "never":
            assert live(ground)["a1"] == pytest.approx(180 - (180 - 59), abs=1)

    run(story())


def test_one_athletes_stop_is_theirs_alone_and_a_second_one_begins_anew(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(SQUAD)
        await ground.start()
        await beat(ground, [170] * 12)
        await ground.recorder.stop_effort("a1", "coach")
        await beat(ground, falling(40, 170))
        await ground.recorder.stop_effort("a1", "coach")  # it was a pause: the effort ends only now
        await beat(ground, falling(70, 130))
        assert live(ground) == kept(ground)
        assert set(live(ground)) == {"a1"}
        second = live(ground)["a1"]
        stops = stored(ground).stops
        assert [it.athlete_ids for it in stops] == [("a1",), ("a1",)]
        await ground.recorder.take_stop_back(stops[1].stop_id)
        assert live(ground) == kept(ground)
        assert live(ground)["a1"] != second
        await ground.recorder.take_stop_back(stops[0].stop_id)
        assert (live(ground), kept(ground), ground.live()["a1"].stopped_s) == ({}, {}, None)
        with pytest.raises(NotFound):
            await ground.recorder.take_stop_back(stops[0].stop_id)

    run(story())


def test_who_is_not_heard_is_not_marked_and_a_second_tap_says_nothing_new(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(SQUAD)
        with pytest.raises(ActionRefused):
            await ground.recorder.stop_effort(None, "coach")
        await ground.start()
        with pytest.raises(ActionRefused):
            await ground.recorder.stop_effort(None, "coach")
        await beat(ground, [150] * 15, silent="S2")
        await ground.recorder.stop_effort(None, "coach")
        ground.pass_ms(300)
        await ground.recorder.stop_effort(None, "physio")
        assert [(it.athlete_ids, it.made_by) for it in stored(ground).stops] == [(("a1",), "coach")]
        with pytest.raises(ActionRefused):
            await ground.recorder.stop_effort("a2", "coach")

    run(story())


def test_a_strap_that_falls_silent_has_no_value_rather_than_an_endless_count(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(SQUAD)
        await ground.start()
        await beat(ground, [150] * 15)
        await ground.recorder.stop_effort(None, "coach")
        await beat(ground, falling(50, 150))
        ground.pass_ms(20_000)
        assert live(ground) == {"a1": None, "a2": None} == kept(ground)

    run(story())


def test_an_athlete_taken_back_or_erased_leaves_the_others(tmp_path: Path) -> None:
    async def story(ground: Ground) -> None:
        await ground.add_squad(SQUAD)
        await ground.start()
        await beat(ground, [150] * 10)
        await ground.recorder.stop_effort(None, "coach")
        stop = stored(ground).stops[0]
        assert stop.athlete_ids == ("a1", "a2")
        await ground.recorder.take_stop_back(stop.stop_id, "a1")
        assert [it.athlete_ids for it in stored(ground).stops] == [("a2",)]
        ground.store.write_now(lambda db: erase_subject(db, "a2", [], 1))
        left = ground.store.read_now(lambda db: effort_stops.of_session(db, stop.session_id, stop.boot_no))
        assert left == []

    ground = Ground(tmp_path)
    run(story(ground))
    ground.close()
